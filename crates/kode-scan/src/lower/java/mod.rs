//! Java. Types are known by their simple names; an import from an unknown
//! package hides the known type of that name.

pub(crate) mod declarations;
mod expressions;
mod statements;

use std::collections::HashMap;

use kode_syntax::Node;

use super::{Builder, children};
use crate::ir::{ExprId, Kind, Statement};

/// Packages whose types the models know.
const KNOWN_PACKAGES: [&str; 19] = [
    "java.",
    "javax.",
    "jakarta.",
    "org.springframework.",
    "org.apache.",
    "org.owasp.esapi",
    "org.owasp.encoder",
    "org.hibernate.",
    "com.google.",
    "org.jooq.",
    "io.vertx.",
    "org.jsoup.",
    "reactor.",
    "org.slf4j.",
    "io.javalin.",
    "io.micronaut.",
    "org.jboss.",
    "org.jdbi.",
    "io.r2dbc.",
];

/// Before the whole name of a class that is of no package the models know.
pub(crate) const HIDDEN: &str = "hidden ";

fn is_known(path: &str) -> bool {
    KNOWN_PACKAGES.iter().any(|package| path.starts_with(package))
}

/// Lowers a whole file.
pub(super) fn lower(builder: &mut Builder<'_>, root: Node<'_>) {
    let mut lowering = Lowering { builder, around: Around::default() };
    lowering.note_imports(root);
    lowering.declare_classes(root);
    for node in children(root) {
        lowering.declaration(node);
    }
    let body = std::mem::take(&mut lowering.around.classes);
    lowering.builder.set_top_level(body);
}

/// The lowering in progress.
struct Lowering<'b, 's> {
    builder: &'b mut Builder<'s>,
    around: Around,
}

/// What the lowering knows of what is around.
#[derive(Default)]
struct Around {
    /// Simple names that an import from elsewhere takes, with the whole names.
    hidden: HashMap<String, String>,
    /// Members imported statically, with the whole names of their classes.
    statics: HashMap<String, String>,
    /// Fields and methods of the classes around, innermost last.
    members: Vec<HashMap<String, Member>>,
    /// The file's classes, inner ones first.
    classes: Vec<Statement>,
    /// The annotations of the class around.
    answers: Vec<ExprId>,
}

/// What a bare name in a class may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Field,
    Method,
    /// A field and a method of one name.
    Both,
}

impl Member {
    fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

impl Lowering<'_, '_> {
    /// Notes the package and what is imported: classes of packages the models do not
    /// know by their whole names, members of classes, whole packages.
    fn note_imports(&mut self, root: Node<'_>) {
        for node in children(root) {
            let Some(path) = node.named_child(0).filter(|path| path.kind() != "block") else {
                continue;
            };
            let path = self.builder.text(path);
            match node.kind() {
                "package_declaration" => {
                    let named = children(node).into_iter().next_back();
                    let path = named.map_or(path, |named| self.builder.text(named));
                    self.builder.program.package = Some(self.builder.name(path));
                }
                "import_declaration" => self.note_import(node, path),
                _ => {}
            }
        }
    }

    fn note_import(&mut self, node: Node<'_>, path: &str) {
        if children(node).iter().any(|part| part.kind() == "asterisk") {
            let path = self.builder.name(path);
            self.builder.program.star_imports.push(path);
            return;
        }
        let Some((owner, simple)) = path.rsplit_once('.') else { return };
        let around = &mut self.around;
        if self.builder.text(node).split_whitespace().nth(1) == Some("static") {
            around.statics.insert(simple.to_owned(), owner.to_owned());
        } else if !is_known(path) {
            around.hidden.insert(simple.to_owned(), path.to_owned());
        }
    }

    /// Declares every class of the file, nested ones too, so that all can be named.
    fn declare_classes(&mut self, root: Node<'_>) {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if is_class(node)
                && let Some(name) = node.child_by_field_name("name")
            {
                let name = self.builder.node_name(name);
                self.builder.declare(&name);
            }
            let holds_classes = node.kind() == "program"
                || node.kind().ends_with("_body")
                || is_class(node)
                || node.kind() == "enum_body_declarations";
            if holds_classes {
                stack.extend(children(node));
            }
        }
    }

    /// A name as what it means: a variable, a member of a class around, a type.
    fn named(&mut self, text: &str, node: Node<'_>) -> crate::ir::ExprId {
        if self.builder.lookup(text).is_some() {
            return self.builder.reference(text, node);
        }
        if matches!(self.member(text), Some(Member::Field | Member::Both))
            && let Some(this) = self.builder.lookup("this")
        {
            let object = self.builder.add(Kind::Variable(this), node);
            let name = self.builder.name(text);
            return self.builder.add(Kind::Field(object, name), node);
        }
        if let Some(owner) = self.around.statics.get(text).cloned() {
            return self.imported_member(&owner, text, node);
        }
        let name = match self.around.hidden.get(text) {
            Some(whole) => self.builder.name(&format!("{HIDDEN}{whole}")),
            None => self.builder.name(text),
        };
        self.builder.add(Kind::Global(name), node)
    }

    /// A member that is imported statically, as one of its class.
    fn imported_member(&mut self, owner: &str, text: &str, node: Node<'_>) -> crate::ir::ExprId {
        let owner = self.whole_name(owner, node);
        let name = self.builder.name(text);
        self.builder.add(Kind::Field(owner, name), node)
    }

    /// A class by its whole name; the models know theirs by the simple one.
    fn whole_name(&mut self, whole: &str, node: Node<'_>) -> crate::ir::ExprId {
        let simple = whole.rsplit('.').next().unwrap_or(whole);
        let name = match is_known(whole) {
            true => self.builder.name(simple),
            false => self.builder.name(&format!("{HIDDEN}{whole}")),
        };
        self.builder.add(Kind::Global(name), node)
    }

    fn member(&self, name: &str) -> Option<Member> {
        self.around.members.iter().rev().find_map(|members| members.get(name).copied())
    }
}

fn is_class(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration"
    )
}
