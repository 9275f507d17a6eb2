//! Java. Types are known by their simple names; an import from an unknown
//! package hides the known type of that name.

pub(crate) mod declarations;
mod expressions;
mod statements;

use std::collections::{HashMap, HashSet};

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

/// Lowers a whole file.
pub(super) fn lower(builder: &mut Builder<'_>, root: Node<'_>) {
    let mut lowering = Lowering {
        builder,
        hidden: HashSet::new(),
        members: Vec::new(),
        classes: Vec::new(),
        answers: Vec::new(),
    };
    lowering.note_imports(root);
    lowering.declare_classes(root);
    for node in children(root) {
        lowering.declaration(node);
    }
    let body = std::mem::take(&mut lowering.classes);
    lowering.builder.set_top_level(body);
}

/// The lowering in progress.
struct Lowering<'b, 's> {
    builder: &'b mut Builder<'s>,
    /// Simple names that an import from elsewhere takes.
    hidden: HashSet<String>,
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
    fn note_imports(&mut self, root: Node<'_>) {
        for node in children(root) {
            if node.kind() != "import_declaration" {
                continue;
            }
            let Some(path) = node.named_child(0).map(|path| self.builder.text(path)) else {
                continue;
            };
            let known = KNOWN_PACKAGES.iter().any(|package| path.starts_with(package));
            if let (false, Some((_, simple))) = (known, path.rsplit_once('.')) {
                self.hidden.insert(simple.to_owned());
            }
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
        let shown =
            if self.hidden.contains(text) { format!("hidden {text}") } else { text.to_owned() };
        let name = self.builder.name(&shown);
        self.builder.add(Kind::Global(name), node)
    }

    fn member(&self, name: &str) -> Option<Member> {
        self.members.iter().rev().find_map(|members| members.get(name).copied())
    }
}

fn is_class(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration"
    )
}
