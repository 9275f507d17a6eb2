//! The syntax tree of a bash script. It keeps which part of a word was quoted,
//! because quoting decides what expands; it holds no meaning.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// A list of commands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// In order of appearance.
    pub(crate) lists: Vec<AndOr>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug, Clone)]
pub(crate) struct AndOr {
    /// The pipelines; each but the first is joined to the one before.
    pub(crate) pipelines: Vec<Pipeline>,
    /// Ended by `&`.
    pub(crate) background: bool,
}

/// Commands joined by `|` or `|&`.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    /// Joined to the pipeline before by `||` rather than `&&`.
    pub(crate) after_failure: bool,
    /// At least one.
    pub(crate) commands: Vec<Command>,
}

/// One command with its redirections.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// What it is.
    pub(crate) kind: CommandKind,
    /// In order of appearance.
    pub(crate) redirections: Vec<Redirection>,
    /// Where it stands in the parsed text, in bytes.
    pub(crate) span: Range<usize>,
}

/// The kinds of command of the bash grammar.
#[derive(Debug, Clone)]
pub(crate) enum CommandKind {
    /// Assignments and words.
    Simple {
        /// Before the command word.
        assignments: Vec<Assignment>,
        /// Command word and arguments.
        words: Vec<Word>,
    },
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `if`, `elif`: conditions with bodies.
    If {
        /// Conditions with what they guard.
        branches: Vec<(Script, Script)>,
        /// `else`.
        otherwise: Option<Script>,
    },
    /// `while` and `until`.
    Loop {
        /// Goes on while the condition fails, as `until` does.
        until: bool,
        /// Before `do`.
        condition: Script,
        /// The body.
        body: Script,
    },
    /// `for` and `select` over words; without `in`, over `"$@"`.
    For {
        /// The loop variable.
        variable: String,
        /// What it runs over.
        words: Option<Vec<Word>>,
        /// The body.
        body: Script,
    },
    /// `for ((…))`.
    ArithmeticFor {
        /// The three expressions as one text.
        expressions: Word,
        /// The body.
        body: Script,
    },
    /// `case`.
    Case {
        /// What is compared.
        subject: Word,
        /// Patterns with bodies.
        arms: Vec<(Vec<Word>, Script)>,
    },
    /// A function definition.
    Function {
        /// Its name.
        name: String,
        /// Its body, shared with the state of the evaluation.
        body: Rc<Command>,
    },
    /// `coproc`: runs beside, its input and output kept in an array of descriptors.
    Coprocess {
        /// The array's name.
        name: String,
        /// What runs.
        body: Script,
    },
    /// `(( … ))`
    Arithmetic(Word),
    /// `[[ … ]]`
    Test(Vec<Word>),
}

/// `name=value`, `name+=value`, `name[index]=value`, `name=(…)`.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    /// The variable.
    pub(crate) name: String,
    /// Whether there was an index.
    pub(crate) index: Option<Word>,
    /// `+=`.
    pub(crate) append: bool,
    /// The value.
    pub(crate) value: Word,
}

/// A word: fragments that expand and are joined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    /// In order.
    pub(crate) pieces: Vec<Piece>,
}

/// One fragment of a word.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Text; unquoted text may hold glob and brace characters.
    Literal {
        /// The text after removing quotes.
        text: String,
        /// Whether it was quoted or escaped.
        quoted: bool,
    },
    /// `$name`, `${…}`.
    Parameter {
        /// What to expand.
        parameter: Box<Parameter>,
        /// Whether within double quotes.
        quoted: bool,
    },
    /// `$(…)`, `` `…` ``, `${ …; }`.
    Command {
        /// The script inside.
        script: Script,
        /// The text `script` was parsed from, when not the outer one.
        source: Option<Rc<str>>,
        /// Whether within double quotes.
        quoted: bool,
    },
    /// `$((…))`, `$[…]`.
    Arithmetic(Box<Word>),
    /// `<(…)`, `>(…)`.
    Process {
        /// The script inside.
        script: Script,
        /// `>(…)`: the script reads what is written.
        written: bool,
    },
    /// `(…)` after an assignment's `=`.
    Array(Vec<Word>),
}

/// A parameter expansion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameter {
    /// Variable or special parameter.
    pub(crate) name: String,
    /// `${#…}`.
    pub(crate) length: bool,
    /// `${!…}`.
    pub(crate) indirect: bool,
    /// `[…]`.
    pub(crate) index: Option<Word>,
    /// Operator such as `:-`, `##`, `//`, `^^`, `@P`; empty for none.
    pub(crate) operator: String,
    /// The operator's words.
    pub(crate) arguments: Vec<Word>,
}

/// One redirection.
#[derive(Debug, Clone)]
pub(crate) struct Redirection {
    /// The number before the operator; `None` for the operator's default.
    pub(crate) descriptor: Option<u32>,
    /// `{name}`: the variable that gets the number of a free descriptor.
    pub(crate) variable: Option<String>,
    /// What it does.
    pub(crate) operator: RedirectOperator,
    /// Where to.
    pub(crate) target: Target,
}

/// Redirection operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectOperator {
    /// `<`
    Read,
    /// `>` and `>|`
    Write,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&`
    DuplicateRead,
    /// `>&`
    DuplicateWrite,
    /// `&>` and `&>>`
    WriteBoth,
    /// `<<`, `<<-`
    HereDocument,
    /// `<<<`
    HereString,
}

/// What a redirection points at.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A word to expand.
    Word(Word),
    /// A here-document's body, filled in once its lines are read.
    Body(Rc<OnceCell<Word>>),
}

impl Word {
    /// The text if the word is one unquoted literal.
    pub(crate) fn as_plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Literal { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
