//! Walks a parsed script without running it: what each word becomes, what each
//! command would do, what flows where. It over-approximates: every branch is
//! walked, and what a branch may have set is one of several values afterwards.

mod arithmetic;
mod braces;
mod builtins;
mod expand;
mod filter;
mod findings;
mod fold;
mod glob;
mod machine;
pub(crate) use glob::matches as glob_matches;
mod parameters;
mod redirect;
mod simple;
mod spawning;
pub(crate) use simple::shown;
mod text;
mod variables;
mod walk;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::effects::describes_build;
pub(crate) use findings::Findings;
pub(crate) use text::{Field, Names, Stream, Taint, Text};

use crate::judge::SessionState;
use crate::shell::parser::{Parsed, SyntaxError, parse_nested};
use crate::shell::syntax::{Command, Script};
use kode_base::RiskClass;

/// Simple commands walked for one action, branches and repetitions included.
const STEPS_MAX: u32 = 2_000;
/// Scripts within scripts: `eval`, `sh -c`, functions.
const NESTING_MAX: u32 = 16;
/// Bytes of known text kept for one value.
pub(crate) const KNOWN_MAX: usize = 64 * 1024;

/// A variable as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Variable {
    /// One of these; elements in order when it is an array.
    pub(crate) values: Vec<Text>,
    /// Whether `values` are an array's elements rather than alternatives.
    pub(crate) array: bool,
}

/// A script that runs what is written to its descriptor, with the text its spans
/// refer to.
pub(crate) type Reader = (Rc<Script>, Rc<str>);

/// What the shell itself would remember.
#[derive(Debug, Clone)]
pub(crate) struct ShellState {
    pub(crate) variables: HashMap<String, Variable>,
    pub(crate) functions: HashMap<String, (Rc<Command>, Rc<str>)>,
    /// `declare -n name=target`.
    pub(crate) references: HashMap<String, String>,
    /// `declare -i name`: what is assigned is evaluated as arithmetic.
    pub(crate) integers: HashSet<String>,
    pub(crate) aliases: HashMap<String, String>,
    /// Functions that shells started from here know as well: `export -f`.
    pub(crate) exported: HashSet<String>,
    /// `shopt -s dotglob`: patterns match hidden names too.
    pub(crate) dotglob: bool,
    /// Absolute; `None` when not known.
    pub(crate) directory: Option<String>,
    pub(crate) positional: Vec<Text>,
    pub(crate) descriptors: HashMap<u32, Stream>,
    /// What reads from a descriptor that was opened for writing: `>(…)`, `coproc`.
    pub(crate) readers: HashMap<u32, Reader>,
    /// The text spans refer to.
    pub(crate) source: Rc<str>,
}

/// The walk over one action.
pub(crate) struct Evaluator<'a> {
    pub(crate) session: &'a SessionState,
    pub(crate) state: ShellState,
    /// Content of files this very command wrote, and of files the agent wrote
    /// before, by absolute path.
    pub(crate) files: HashMap<String, Stream>,
    /// Links this command made and programs it copied, with what is behind them.
    pub(crate) links: Vec<(String, String)>,
    /// FIFOs that were made: what is written to one later flows back.
    pub(crate) fifos: Vec<String>,
    pub(crate) found: Findings,
    /// Standard input of the command being judged.
    pub(crate) stdin: Stream,
    /// Where its standard output goes, when that is a network connection.
    pub(crate) output_remote: bool,
    /// Names of the functions being walked, innermost last.
    pub(crate) calls: Vec<String>,
    /// Whether the command stands in a pipeline or the background.
    pub(crate) forked: bool,
    /// Temporary files and folders that were made.
    pub(crate) temporaries: u32,
    /// What `trap … EXIT` will run, judged again whenever something changes.
    pub(crate) traps: Vec<Text>,
    /// Whether a variable was met that this command has not set, or not yet.
    pub(crate) met_unset: std::cell::Cell<bool>,
    /// Whether the name of such a variable stands for its value.
    pub(crate) unset_is_named: bool,
    nesting: u32,
    steps: u32,
}

impl<'a> Evaluator<'a> {
    /// A walk that starts in `directory`, an absolute path.
    pub(crate) fn new(session: &'a SessionState, directory: String) -> Self {
        let state = ShellState {
            variables: HashMap::new(),
            functions: HashMap::new(),
            references: HashMap::new(),
            integers: HashSet::new(),
            aliases: HashMap::new(),
            exported: HashSet::new(),
            dotglob: false,
            directory: Some(directory),
            positional: Vec::new(),
            descriptors: HashMap::new(),
            readers: HashMap::new(),
            source: Rc::from(""),
        };
        let root = session.project_root.trim_end_matches('/');
        let known = session.known_files.iter().filter(|(path, _)| !describes_build(path));
        let known = known
            .map(|(path, text)| (format!("{root}/{path}"), Stream::literal(Text::exact(text))));
        Self {
            session,
            state,
            files: known.collect(),
            links: Vec::new(),
            fifos: Vec::new(),
            found: Findings::default(),
            stdin: Stream::default(),
            output_remote: false,
            calls: Vec::new(),
            forked: false,
            temporaries: 0,
            traps: Vec::new(),
            met_unset: std::cell::Cell::new(false),
            unset_is_named: false,
            nesting: 0,
            steps: 0,
        }
    }

    /// Walks a whole command line. A FIFO lets later output flow into earlier
    /// commands, so then the walk is done twice.
    pub(crate) fn command_line(&mut self, text: &str) -> Option<SyntaxError> {
        let fresh = self.state.clone();
        let error = self.text_script(text, Stream::default()).1;
        self.judge_traps(true);
        if !self.fifos.is_empty() {
            self.steps = 0;
            self.text_script(text, Stream::default());
            self.judge_traps(true);
        }
        if self.met_unset.get() && self.found.refusal.is_none() {
            self.walk_named(text, fresh);
        }
        error
    }

    /// Walks once more with a name in the place of every variable that was never
    /// set: a shell connected to `$HOST` is one whatever the host. Only what
    /// must be refused counts.
    fn walk_named(&mut self, text: &str, fresh: ShellState) {
        self.steps = 0;
        self.traps.clear();
        self.state = fresh;
        self.unset_is_named = true;
        self.refusals_only(|walk| {
            walk.text_script(text, Stream::default());
            walk.judge_traps(true);
        });
        self.unset_is_named = false;
    }

    /// Parses and walks `text` as a script with `stdin`.
    pub(crate) fn text_script(
        &mut self,
        text: &str,
        stdin: Stream,
    ) -> (Stream, Option<SyntaxError>) {
        if self.nesting >= NESTING_MAX {
            self.raise(RiskClass::CodeExecution, "scripts are nested too deeply to follow");
            return (Stream::unknown(Taint::FILE), Some(SyntaxError::TooDeep));
        }
        let Parsed { script, error } = parse_nested(text, self.nesting);
        let outer = std::mem::replace(&mut self.state.source, Rc::from(text));
        self.nesting += 1;
        let output = self.script(&script, stdin);
        self.nesting -= 1;
        self.state.source = outer;
        if let Some(error) = error {
            let unit = self.found.open_unit(Vec::new(), None);
            self.found.raise(
                unit,
                RiskClass::CodeExecution,
                &format!("kode can't parse it: {error}"),
            );
            self.judge_joined(text);
            self.judge_unread(text);
            if spawning::reads_as_fork_bomb(text) {
                let sentence = "a function that starts itself twice multiplies without end";
                self.found.refuse("fork_bomb", RiskClass::Blocked, sentence);
            }
        }
        (output, error)
    }

    /// A line continuation may stand within an operator, which the parser does
    /// not read. What the joined text would do is refused where it must be;
    /// it stays a question in any case.
    fn judge_joined(&mut self, text: &str) {
        if !text.contains("\\\n") {
            return;
        }
        let joined = text.replace("\\\n", "");
        self.refusals_only(|walk| {
            if walk.enter() {
                walk.text_script(&joined, Stream::default());
                walk.leave();
            }
        });
    }

    /// Counts one step; past the limit nothing more is walked, and that is
    /// never allowed silently.
    pub(crate) fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps == STEPS_MAX {
            self.raise(RiskClass::CodeExecution, "the command does too many things to follow");
        }
        self.steps < STEPS_MAX
    }

    /// Raises the class of the unit being judged.
    pub(crate) fn raise(&mut self, class: RiskClass, why: &str) {
        let unit = self.found.current();
        self.found.raise(unit, class, why);
    }
}

impl Evaluator<'_> {
    /// Goes one level deeper into commands that start commands; false, and
    /// never allowed silently, past the limit.
    pub(crate) fn enter(&mut self) -> bool {
        if self.nesting >= NESTING_MAX || !self.step() {
            self.raise(RiskClass::CodeExecution, "commands are nested too deeply to follow");
            return false;
        }
        self.nesting += 1;
        true
    }

    /// Comes back from [`Self::enter`].
    pub(crate) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Walks something that happens elsewhere: only its refusals count here.
    pub(crate) fn refusals_only(&mut self, walk: impl FnOnce(&mut Self)) {
        let state = self.state.clone();
        let kept = std::mem::take(&mut self.found);
        self.found.refusal = kept.refusal.clone();
        let traps = self.traps.len();
        walk(self);
        self.traps.truncate(traps);
        let refusal = self.found.refusal.take();
        self.found = kept;
        self.found.refusal = refusal;
        self.state = state;
    }
}
