//! The one small intermediate form every language is lowered to: functions of
//! structured statements over an arena of expressions. It keeps what taint,
//! constants and guards need, and nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An interned name or piece of text.
pub(crate) type Name = Arc<str>;

/// An expression in [`Program::expressions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ExprId(pub(crate) u32);

/// A variable of one file; each declaration has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct VariableId(pub(crate) u32);

/// A function in [`Program::functions`]; 0 is the file's top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FunctionId(pub(crate) u32);

/// A class in [`Program::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClassId(pub(crate) u32);

/// One file, lowered.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) expressions: Vec<Expression>,
    pub(crate) functions: Vec<Function>,
    pub(crate) classes: Vec<Class>,
    pub(crate) variables: Vec<Name>,
    /// What other files can name: exports, or top-level names.
    pub(crate) exports: HashMap<Name, VariableId>,
    /// The variable that stands for CommonJS `module.exports`, where used.
    pub(crate) module_object: Option<VariableId>,
    /// Modules all of whose names are imported (`from module import *`), in Java
    /// packages and classes.
    pub(crate) star_imports: Vec<Name>,
    /// Modules all of whose names are exported again: `export * from 'module'`.
    pub(crate) star_exports: Vec<Name>,
    /// Java's package; empty elsewhere.
    pub(crate) package: Option<Name>,
    /// Modules imported by a path of several parts: `import shop.data.store`.
    pub(crate) submodules: Vec<Name>,
    /// The variables of the file's top level.
    pub(crate) top_level: Vec<VariableId>,
    /// The classes that variables stand for, wherever they are declared: Java's.
    pub(crate) class_variables: HashMap<VariableId, ClassId>,
    /// Variables of the top level that other files, or whoever runs the program, may set
    /// or change though no scanned file does.
    pub(crate) changeable: HashSet<VariableId>,
    /// Whether setting some field runs a function.
    pub(crate) has_setters: bool,
    /// Names for which parts were too deep to lower.
    pub(crate) too_deep: bool,
}

impl Program {
    pub(crate) fn expression(&self, id: ExprId) -> &Expression {
        &self.expressions[id.0 as usize]
    }

    pub(crate) fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }
}

/// An expression with its byte range.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What an expression does.
#[derive(Debug)]
pub(crate) enum Kind {
    Text(Name),
    Number(i64),
    Boolean(bool),
    Null,
    /// A pattern, and whether a replacement concerns every match.
    Regex(Name, bool),
    Variable(VariableId),
    /// A name no declaration in the file explains.
    Global(Name),
    /// A module (`fs`, `./db`, `flask`) or a member of one (`flask.request`).
    Import(Name),
    Field(ExprId, Name),
    Index(ExprId, ExprId),
    Call(Call),
    /// String building: templates, f-strings, `+`.
    Join(Vec<ExprId>),
    Binary(Operator, ExprId, ExprId),
    Not(ExprId),
    /// `a || b`, `a ?? b`, `a or b`.
    Either(ExprId, ExprId),
    /// `a && b`, `a and b`.
    Both(ExprId, ExprId),
    Conditional(ExprId, ExprId, ExprId),
    /// `a, b`: what is evaluated before, and the value of all.
    Sequence(Vec<ExprId>, ExprId),
    Function(FunctionId),
    Class(ClassId),
    List(Vec<ExprId>),
    /// Keys and values; a spread has no key.
    Record(Vec<(Option<ExprId>, ExprId)>),
    Assign(Box<Target>, ExprId),
    /// The value seen as the named type: a declaration or a cast.
    Typed(ExprId, ExprId),
    /// Markup such as a JSX element: attributes as a record, then children.
    Markup(Name, Vec<(Name, ExprId)>, Vec<ExprId>),
    /// An element of the collection: list comprehensions.
    Each(Box<Target>, ExprId, Vec<ExprId>, ExprId),
    /// Gives one element of what the function returns; all of a collection's
    /// elements where it delegates.
    Yield(ExprId, bool),
    /// What was thrown in the body of the `try` whose handler this is in.
    Caught,
    /// Anything else; the parts are evaluated and mixed.
    Mixed(Vec<ExprId>),
}

/// The attribute of markup that holds the component itself.
pub(crate) const COMPONENT: &str = "@component";

/// Begins the name under which a class or object keeps what setting a field runs.
pub(crate) const SETTER: &str = "@set ";

/// The field that any key of a map stands in, beside `*` for any of its values.
pub(crate) const KEYS: &str = "@keys";

/// A call or construction.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) callee: ExprId,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) construct: bool,
}

/// One argument.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Option<Name>,
    pub(crate) value: ExprId,
    pub(crate) spread: bool,
}

/// Operators that constants and guards look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `a in b`.
    In,
    NotIn,
    Other,
}

/// Where a value is put.
#[derive(Debug)]
pub(crate) enum Target {
    Variable(VariableId),
    Field(ExprId, Name),
    Index(ExprId, ExprId),
    Record(Vec<(Name, Target)>),
    List(Vec<Target>),
    /// With a value for when there is none.
    Default(Box<Target>, ExprId),
    /// Go: a variable of the package that another file declares.
    Global(Name),
    Nothing,
}

/// A statement.
#[derive(Debug)]
pub(crate) enum Statement {
    Expression(ExprId),
    Assign(Target, ExprId),
    If(ExprId, Vec<Statement>, Vec<Statement>),
    Loop {
        each: Option<(Target, ExprId)>,
        condition: Option<ExprId>,
        body: Vec<Statement>,
    },
    /// Subject, then labels (none for the default) with their statements.
    Switch(ExprId, Vec<(Vec<ExprId>, Vec<Statement>)>),
    Try {
        body: Vec<Statement>,
        handlers: Vec<Vec<Statement>>,
        finally: Vec<Statement>,
    },
    Block(Vec<Statement>),
    Return(Option<ExprId>),
    Throw(Option<ExprId>),
    Break,
    Continue,
}

/// A parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) target: Target,
    /// The parameter's name, where it is a plain one.
    pub(crate) name: Option<Name>,
    /// Its declared type.
    pub(crate) declared: Option<ExprId>,
    pub(crate) annotations: Vec<ExprId>,
    pub(crate) default: Option<ExprId>,
    pub(crate) rest: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A function, method, lambda or a file's top level.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: Option<Name>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Vec<Statement>,
    pub(crate) decorators: Vec<ExprId>,
    pub(crate) this: Option<VariableId>,
    pub(crate) class: Option<ClassId>,
    /// The declared type of the result, as written, in Java and Go.
    pub(crate) returns: Option<Name>,
    /// Go: the receiver's type, where it is declared in another file.
    pub(crate) receiver: Option<Name>,
    /// Whether it is declared directly at the file's top level.
    pub(crate) is_top_level: bool,
}

/// A class.
#[derive(Debug, Default)]
pub(crate) struct Class {
    pub(crate) name: Option<Name>,
    pub(crate) bases: Vec<ExprId>,
    pub(crate) methods: Vec<FunctionId>,
    /// Field, declared type, initial value, whether it is static.
    pub(crate) fields: Vec<ClassField>,
    /// Go: the methods that an interface asks for.
    pub(crate) required: Vec<Name>,
}

/// A declared field of a class.
#[derive(Debug)]
pub(crate) struct ClassField {
    pub(crate) name: Name,
    pub(crate) declared: Option<ExprId>,
    pub(crate) value: Option<ExprId>,
    /// Nothing can give it another value than this one.
    pub(crate) fixed: bool,
}
