//! Lowering: syntax trees to the intermediate form. What languages share is
//! here (scopes, interning, allocation), so that a language is one module.

mod go;
mod inline;
mod java;
mod javascript;
mod python;
mod spelling;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(crate) use java::HIDDEN;
pub(crate) use java::declarations::ENUMERATION;
use kode_syntax::{Language, Node, Tree};
pub(crate) use spelling::unescaped;

use crate::component::Moved;
use crate::ir::{
    Argument, Call, Class, ClassId, ExprId, Expression, Function, FunctionId, Kind, Name, Program,
    Statement, Target, VariableId,
};

/// Nesting beyond this is not lowered; the file is then reported as incomplete.
const DEPTH_MAX: usize = 400;

/// Bytes before the first moved part that belong to what goes around it.
const MARGIN: u32 = 6;

/// Whether there is a lowering for `language`.
pub(crate) fn supports(language: Language) -> bool {
    matches!(
        language,
        Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Python
            | Language::Java
            | Language::Go
    )
}

/// Lowers a parsed file.
pub(crate) fn lower(language: Language, source: &[u8], tree: &Tree) -> Program {
    lower_moved(language, source, tree, Vec::new())
}

/// Lowers a parsed file of which parts stand elsewhere.
pub(crate) fn lower_moved(
    language: Language,
    source: &[u8],
    tree: &Tree,
    moved: Vec<Moved>,
) -> Program {
    FIELD_IDS.with_borrow_mut(|known| known.fill((0, 0)));
    let texts = inline::Texts::default();
    let mut builder = Builder::new(source, &texts);
    builder.language = Some(language);
    builder.moved = moved;
    match language {
        Language::Python => python::lower(&mut builder, tree.root_node()),
        Language::Go => go::lower(&mut builder, tree.root_node()),
        Language::Java => java::lower(&mut builder, tree.root_node()),
        _ => javascript::lower(&mut builder, tree.root_node()),
    }
    builder.program
}

/// What all lowerings build with.
pub(crate) struct Builder<'s> {
    pub(crate) source: &'s [u8],
    /// The same as text, where it is one.
    readable: Option<&'s str>,
    pub(crate) program: Program,
    scopes: Vec<Scope>,
    names: HashSet<Name>,
    /// Classes by name, where methods are declared apart from them.
    classes: HashMap<Name, ClassId>,
    depth: usize,
    /// Parts of the source that stand elsewhere in the file.
    moved: Vec<Moved>,
    /// Texts whose code was lowered.
    texts: &'s inline::Texts,
    /// Where the text stands that is being lowered.
    within: Option<(u32, u32)>,
    language: Option<Language>,
}

/// Names declared in one block or function.
#[derive(Debug, Default)]
struct Scope {
    names: HashMap<Name, VariableId>,
    is_function: bool,
}

impl<'s> Builder<'s> {
    fn new(source: &'s [u8], texts: &'s inline::Texts) -> Self {
        let mut program = Program::default();
        program.functions.push(Function::default());
        let scopes = vec![Scope { is_function: true, ..Scope::default() }];
        let (names, classes) = (HashSet::new(), HashMap::new());
        Self {
            source,
            readable: std::str::from_utf8(source).ok(),
            program,
            scopes,
            names,
            classes,
            depth: 0,
            moved: Vec::new(),
            texts,
            within: None,
            language: None,
        }
    }

    /// Interns a name.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        let name: Name = Arc::from(text);
        self.names.insert(Arc::clone(&name));
        name
    }

    /// The source text of a node.
    pub(crate) fn text(&self, node: Node<'_>) -> &'s str {
        let text = match self.readable {
            Some(readable) => readable.get(node.byte_range()),
            None => std::str::from_utf8(&self.source[node.byte_range()]).ok(),
        };
        text.unwrap_or_default()
    }

    /// The interned source text of a node; of an identifier, the name it spells.
    pub(crate) fn node_name(&mut self, node: Node<'_>) -> Name {
        let text = self.identifier(node);
        self.name(&text)
    }

    /// The name that an identifier spells, its escapes resolved; of any other node,
    /// its text.
    pub(crate) fn identifier(&self, node: Node<'_>) -> Cow<'s, str> {
        let text = self.text(node);
        let is_plain = text.bytes().all(|byte| byte.is_ascii() && byte != b'\\');
        match is_plain || !node.kind().contains("identifier") {
            true => Cow::Borrowed(text),
            false => spelling::canonical(text),
        }
    }

    /// Whether a name is given a value elsewhere in the file than in its declaration,
    /// whatever it belongs to there.
    pub(crate) fn is_set_again(&self, name: &str, declaration: Node<'_>) -> bool {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
        let counted = |text: &[u8]| text.starts_with(b"++") || text.starts_with(b"--");
        memchr::memmem::find_iter(self.source, name).any(|at| {
            let (before, after) = (&self.source[..at], &self.source[at + name.len()..]);
            let is_other = before.last().is_some_and(is_word) || after.first().is_some_and(is_word);
            if is_other || declaration.byte_range().contains(&at) {
                return false;
            }
            let before = before.trim_ascii_end();
            let is_assigned = match after.trim_ascii_start() {
                [b'=', next, ..] => !matches!(next, b'=' | b'>'),
                [b'+' | b'-' | b'*' | b'/' | b'|' | b'&' | b'^' | b'?', rest @ ..] => {
                    counted(after.trim_ascii_start())
                        || rest.iter().take(2).any(|byte| *byte == b'=')
                }
                _ => false,
            };
            is_assigned || before.ends_with(b"++") || before.ends_with(b"--")
        })
    }

    /// Allocates an expression with `node`'s range.
    pub(crate) fn add(&mut self, kind: Kind, node: Node<'_>) -> ExprId {
        let (start, end) = self.place(node);
        let id = ExprId(self.program.expressions.len() as u32);
        self.program.expressions.push(Expression { kind, start, end });
        id
    }

    /// Where a node stands in the file; around moved parts, the next of them.
    pub(crate) fn place(&self, node: Node<'_>) -> (u32, u32) {
        if let Some(place) = self.within {
            return place;
        }
        let (start, end) = (node.start_byte() as u32, node.end_byte() as u32);
        let Some(first) = self.moved.first().filter(|first| start + MARGIN >= first.from) else {
            return (start, end);
        };
        let part = self.moved.iter().find(|part| start < part.from + part.length).unwrap_or(first);
        let shift = |at: u32| part.to + at.clamp(part.from, part.from + part.length) - part.from;
        (shift(start), shift(end))
    }

    /// A text literal.
    pub(crate) fn add_text(&mut self, text: &str, node: Node<'_>) -> ExprId {
        let name = self.name(text);
        self.add(Kind::Text(name), node)
    }

    /// A call of `callee` with plain arguments.
    pub(crate) fn add_call(
        &mut self,
        callee: ExprId,
        arguments: Vec<ExprId>,
        node: Node<'_>,
    ) -> ExprId {
        let arguments = arguments
            .into_iter()
            .map(|value| Argument { name: None, value, spread: false })
            .collect();
        self.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    /// Declares a name in the innermost scope, once.
    pub(crate) fn declare(&mut self, name: &Name) -> VariableId {
        let at = self.scopes.len() - 1;
        self.declare_at(name, at)
    }

    /// Declares a name in the innermost function scope, once.
    pub(crate) fn declare_in_function(&mut self, name: &Name) -> VariableId {
        let at = self.scopes.iter().rposition(|scope| scope.is_function).unwrap_or(0);
        self.declare_at(name, at)
    }

    fn declare_at(&mut self, name: &Name, at: usize) -> VariableId {
        if let Some(known) = self.scopes[at].names.get(name) {
            return *known;
        }
        let id = self.fresh(name);
        self.scopes[at].names.insert(Arc::clone(name), id);
        id
    }

    /// A variable that no name reaches.
    pub(crate) fn fresh(&mut self, name: &Name) -> VariableId {
        let id = VariableId(self.program.variables.len() as u32);
        self.program.variables.push(Arc::clone(name));
        id
    }

    /// The variable a name means here.
    pub(crate) fn lookup(&self, name: &str) -> Option<VariableId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    /// A reference to a name: its variable or a global.
    pub(crate) fn reference(&mut self, text: &str, node: Node<'_>) -> ExprId {
        let spelled = match text.bytes().all(|byte| byte.is_ascii() && byte != b'\\') {
            true => Cow::Borrowed(text),
            false => spelling::canonical(text),
        };
        let text = &*spelled;
        let kind = match self.lookup(text) {
            Some(variable) => Kind::Variable(variable),
            None => Kind::Global(self.name(text)),
        };
        self.add(kind, node)
    }

    /// Runs `inside` in a block scope.
    pub(crate) fn in_block<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    /// Lowers a function in its own scope; `fill` gives its parts.
    pub(crate) fn in_function(&mut self, fill: impl FnOnce(&mut Self) -> Function) -> FunctionId {
        let id = FunctionId(self.program.functions.len() as u32);
        self.program.functions.push(Function::default());
        self.scopes.push(Scope { is_function: true, ..Scope::default() });
        let mut function = fill(self);
        self.scopes.pop();
        function.is_top_level = self.scopes.len() == 1;
        self.program.functions[id.0 as usize] = function;
        id
    }

    /// Reserves a class, so that its methods can name it.
    pub(crate) fn new_class(&mut self) -> ClassId {
        let id = ClassId(self.program.classes.len() as u32);
        self.program.classes.push(Class::default());
        id
    }

    /// Goes one level deeper; false where that is too deep.
    pub(crate) fn enter(&mut self) -> bool {
        if self.depth >= DEPTH_MAX {
            self.program.too_deep = true;
            return false;
        }
        self.depth += 1;
        true
    }

    /// Comes back from a level that [`Builder::enter`] allowed.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Runs `inside` one level deeper, or gives `None` where it is too deep.
    pub(crate) fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEPTH_MAX {
            self.program.too_deep = true;
            return None;
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        Some(result)
    }

    /// Like [`Builder::deeper`] for statements: none where it is too deep.
    pub(crate) fn depth_guarded(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Vec<Statement>,
    ) -> Vec<Statement> {
        self.deeper(inside).unwrap_or_default()
    }

    /// Sets the statements of the file's top level.
    pub(crate) fn set_top_level(&mut self, body: Vec<Statement>) {
        self.program.functions[0].body = body;
        self.program.top_level = self.scopes[0].names.values().copied().collect();
        self.program.changeable = self.changeable();
        if self.program.exports.is_empty() {
            self.program.exports = self.scopes[0].names.clone();
        }
    }

    /// Python: whatever has no underscore before it. JavaScript: the objects that are
    /// exported; who imports a plain variable can't set it. Go's own are noted on the way.
    fn changeable(&mut self) -> HashSet<VariableId> {
        let program = &mut self.program;
        match self.language {
            Some(Language::Python) => {
                let names = self.scopes[0].names.iter().filter(|(name, _)| !name.starts_with('_'));
                names.map(|(_, variable)| *variable).collect()
            }
            Some(Language::Go) => std::mem::take(&mut program.changeable),
            Some(Language::JavaScript | Language::TypeScript | Language::Tsx) => {
                program.exports.values().copied().chain(program.module_object).collect()
            }
            _ => HashSet::new(),
        }
    }
}

/// The named children of a node, comments left out.
pub(crate) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    // Comments are extras in every grammar.
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// The child in a field.
pub(crate) fn child<'t>(node: Node<'t>, field: &'static str) -> Option<Node<'t>> {
    node.child_by_field_id(field_id(node, field)?)
}

/// Fields whose numbers are kept, by the address of their name.
const KNOWN_FIELDS: usize = 128;

thread_local! {
    /// Numbers of fields in the grammar that is being lowered: looking one up by its
    /// name goes through all of them. Zero is no field.
    static FIELD_IDS: RefCell<[(usize, u16); KNOWN_FIELDS]> =
        const { RefCell::new([(0, 0); KNOWN_FIELDS]) };
}

fn field_id(node: Node<'_>, field: &'static str) -> Option<u16> {
    let address = field.as_ptr() as usize;
    let slot = (address ^ (address >> 7) ^ field.len()) % KNOWN_FIELDS;
    // The same bytes may be the beginning of another name.
    let key = address.wrapping_mul(64).wrapping_add(field.len());
    FIELD_IDS.with_borrow_mut(|known| {
        if known[slot].0 != key {
            let id = node.language().field_id_for_name(field);
            known[slot] = (key, id.map_or(0, std::num::NonZero::get));
        }
        (known[slot].1 != 0).then_some(known[slot].1)
    })
}

/// Target of a plain variable.
pub(crate) fn variable(id: VariableId) -> Target {
    Target::Variable(id)
}
