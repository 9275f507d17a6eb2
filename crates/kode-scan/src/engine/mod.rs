//! The analysis: an abstract interpreter over the intermediate form, flow- and
//! field-sensitive, following calls into functions with what they are called
//! with. Every file has a step budget; what it does not reach is reported.

mod address;
mod aliases;
mod allowed;
mod anchor;
mod appended;
mod archive;
mod argument;
mod assembled;
mod beginning;
mod branch;
mod builtin;
mod call;
mod characters;
mod class;
mod constant;
mod dependency;
mod derived;
mod detached;
mod document;
mod elements;
mod emptied;
mod entry;
mod errorless;
mod every;
mod expression;
mod folded;
mod framework;
mod guard;
mod handed;
mod handler;
mod header;
mod implementer;
mod imports;
mod mapper;
mod merged;
mod modules;
mod names;
mod overload;
mod own_address;
mod own_dialogs;
mod parsed;
mod prefixed;
mod promise;
mod reflection;
mod results;
mod route;
mod sanitizer;
mod schema;
mod scripted;
mod setter;
mod settings;
mod shared;
mod sink;
mod site;
mod statement;
mod store;
mod supposed;
mod telling;
mod thrown;
mod truthiness;
mod unknown;
mod unload;
mod validated;
mod value;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kode_syntax::Language;

use crate::category::CategorySet;
use crate::ir::{ClassId, ExprId, FunctionId, Name, Program, VariableId};
use crate::mappers::Mappers;
use crate::model::{Models, Place, family, models};
use crate::raw::RawFinding;
use crate::template::RawOutput;
pub(crate) use aliases::Aliases;
use branch::Exits;
use modules::ModuleIndex;
use value::Value;

/// Calls followed into one another.
const CALL_DEPTH_MAX: usize = 12;
/// Steps a file may take: so many for each of its expressions, and a start.
const STEPS_PER_EXPRESSION: usize = 10;
const STEPS_START: usize = 40_000;
/// Calls are followed for at most this many steps, however large the file.
const FOLLOWING_STEPS_MAX: usize = 300_000;
/// Beyond this many budgets even functions by themselves are no longer analysed.
const HARD_LIMIT: usize = 4;

/// Functions are run a second time, for what others left, among so many files.
const AGAIN_FILES_MAX: usize = 64;
/// Imports of imports that are followed.
const LINKS_MAX: usize = 8;

/// One file as the engine sees it.
pub(crate) struct Unit<'a> {
    pub(crate) path: &'a str,
    pub(crate) language: Language,
    pub(crate) source: &'a [u8],
    pub(crate) program: Arc<Program>,
    /// What a template puts out without escaping.
    pub(crate) outputs: Vec<RawOutput>,
}

/// What files that are no code say of names in code.
pub(crate) struct Named {
    pub(crate) aliases: Aliases,
    pub(crate) mappers: Mappers,
}

/// What analysing one file gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<RawFinding>,
    /// Why the analysis is not complete, where it is not.
    pub(crate) incomplete: Option<String>,
    /// Functions left something for others that they do not call.
    pub(crate) shares: bool,
}

/// The interpreter. `units` are the files of the scan; `None` where one has no code.
pub(crate) struct Engine<'a> {
    units: &'a [Option<Unit<'a>>],
    models: &'a Models,
    /// Where each file's variables begin.
    offsets: Vec<usize>,
    variables: Vec<Value>,
    /// For each variable the one it stands for: an imported one, or itself.
    links: Vec<u32>,
    /// Undo log: variable and the value before.
    log: Vec<(usize, Value)>,
    exits: Vec<Exits>,
    frames: Vec<Frame>,
    dead: bool,
    file: usize,
    steps: usize,
    budget: usize,
    capped: bool,
    loaded: Vec<bool>,
    /// Files whose top level took too many steps.
    cut_at_top: Vec<bool>,
    entered: HashSet<(usize, FunctionId)>,
    summaries: HashMap<(usize, FunctionId), Value>,
    class_fields: HashMap<(usize, ClassId), HashMap<Name, Value>>,
    /// What instances of classes are that derive from a framework's.
    class_places: HashMap<(usize, ClassId), Place>,
    /// What functions put into requests for those after them.
    request_fields: HashMap<Name, Value>,
    /// Whether a variable belongs to a file's top level.
    is_shared: Vec<bool>,
    /// What functions put into variables of files.
    kept: HashMap<usize, Value>,
    /// Functions that wait for an event, and what comes with it.
    events: HashMap<Name, (Vec<value::Closure>, Vec<Value>)>,
    /// What functions leave for others has grown, since it was last asked or ever.
    grew: bool,
    shares: bool,
    /// What components put into their states, by where the state is made.
    states: HashMap<(usize, ExprId), Value>,
    /// What promises that are being made are settled with.
    settled: HashMap<(usize, ExprId), Value>,
    /// What the bodies of `try` around throw, the innermost last.
    thrown: Vec<Value>,
    /// What the handlers around are about.
    caught: Vec<Value>,
    /// Functions around that run later, whenever that is.
    late: usize,
    /// Branches around that ask a truth value, and what was found clean inside of them.
    supposing: usize,
    /// The loop that is run was left before its end.
    broke: bool,
    assumed: Vec<(value::Path, CategorySet)>,
    /// Whether setting some field runs a function.
    has_setters: bool,
    /// A state got input since it was last read.
    states_changed: bool,
    findings: Vec<RawFinding>,
    /// A call that input went into was not followed.
    cut_short: bool,
    /// Module specifiers already resolved, by importing file.
    modules: HashMap<(usize, Name), Option<usize>>,
    /// Files by the names imports use.
    index: ModuleIndex<'a>,
    /// Other names of modules that settings give.
    aliases: &'a Aliases,
    /// Statements that files of a mapper hold.
    mappers: &'a Mappers,
    /// What the next function run returns.
    answer_next: Answer,
    /// The range of the member last read.
    here: (u32, u32),
    /// The range of the parameter that is being bound.
    binding: Option<(u32, u32)>,
}

/// A function being interpreted.
#[derive(Debug, Default)]
struct Frame {
    file: usize,
    function: Option<FunctionId>,
    returned: Option<Value>,
    /// What it yields, as one.
    yielded: Option<Value>,
    /// Functions created here and not yet run.
    created: Vec<(usize, FunctionId)>,
    /// Parameters into which something was read: what they point to has it too.
    filled: Vec<VariableId>,
    /// The variables of plain parameters.
    parameters: Vec<Option<VariableId>>,
    /// What holds of the parameters wherever it returns true.
    true_returns: Option<Vec<CategorySet>>,
    /// What holds of the parameters wherever it returns no error.
    null_returns: Option<Vec<CategorySet>>,
    /// What then holds of the parameters' fields.
    null_fields: Option<Vec<value::Fact>>,
    /// Whether the response is declared to be markup.
    content: Option<bool>,
    /// What it returns.
    answer: Answer,
}

/// What a function's result is to a browser.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Answer {
    #[default]
    Nothing,
    /// The name of a page, or where to go.
    View,
    /// Markup.
    Markup,
    /// Markup where it is text; anything else is sent as data.
    Text,
    /// Where to go, as the member `url`.
    Location,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(units: &'a [Option<Unit<'a>>], named: &'a Named) -> Self {
        let mut offsets = Vec::with_capacity(units.len());
        let mut count = 0;
        for unit in units {
            offsets.push(count);
            count += unit.as_ref().map_or(0, |unit| unit.program.variables.len());
        }
        let is_shared = is_shared(units, &offsets, count);
        Self {
            units,
            is_shared,
            models: models(units.iter().flatten().next().map_or("", |unit| family(unit.language))),
            offsets,
            variables: vec![Value::default(); count],
            links: (0..count as u32).collect(),
            log: Vec::new(),
            exits: Vec::new(),
            frames: Vec::new(),
            dead: false,
            file: 0,
            steps: 0,
            budget: 0,
            capped: false,
            loaded: vec![false; units.len()],
            cut_at_top: vec![false; units.len()],
            entered: HashSet::new(),
            summaries: HashMap::new(),
            class_fields: HashMap::new(),
            class_places: HashMap::new(),
            request_fields: HashMap::new(),
            kept: HashMap::new(),
            events: HashMap::new(),
            grew: false,
            shares: false,
            states: HashMap::new(),
            settled: HashMap::new(),
            thrown: Vec::new(),
            caught: Vec::new(),
            late: 0,
            supposing: 0,
            broke: false,
            assumed: Vec::new(),
            has_setters: units.iter().flatten().any(|unit| unit.program.has_setters),
            states_changed: false,
            findings: Vec::new(),
            cut_short: false,
            modules: HashMap::new(),
            index: ModuleIndex::new(units),
            aliases: &named.aliases,
            mappers: &named.mappers,
            answer_next: Answer::default(),
            here: (0, 0),
            binding: None,
        }
    }

    /// Analyses one file: its top level, then every function nothing called.
    pub(crate) fn analyse(&mut self, file: usize) -> Outcome {
        let Some(unit) = &self.units[file] else { return Outcome::default() };
        self.steps = 0;
        self.capped = false;
        self.cut_short = false;
        self.budget = STEPS_START + STEPS_PER_EXPRESSION * unit.program.expressions.len();
        self.models = models(family(unit.language));
        self.load(file);
        self.log.clear();
        self.run_rest(file);
        // Among many files that would take too long.
        if self.has_grown() && self.units.len() <= AGAIN_FILES_MAX {
            self.run_again(file);
        }
        self.template_outputs(file);
        self.unload_methods(file);
        self.log.clear();
        let mut findings = std::mem::take(&mut self.findings);
        own_dialogs::remove_own(&mut findings, file, &unit.program, unit.source);
        let incomplete = if unit.program.too_deep {
            Some("nested too deeply to be analysed completely".to_owned())
        } else if findings.len() >= sink::FINDINGS_MAX {
            Some(format!("the first {} findings are shown, there are more", sink::FINDINGS_MAX))
        } else {
            (self.capped || self.cut_short || self.cut_at_top[file])
                .then(|| "the data-flow analysis reached its step limit".to_owned())
        };
        Outcome { findings, incomplete, shares: self.shares }
    }

    /// Analyses a file once more, with what functions of all files left for others.
    pub(crate) fn analyse_again(&mut self, file: usize) -> Outcome {
        let Some(unit) = &self.units[file] else { return Outcome::default() };
        self.budget = STEPS_START + STEPS_PER_EXPRESSION * unit.program.expressions.len();
        self.models = models(family(unit.language));
        self.run_again(file);
        let mut findings = std::mem::take(&mut self.findings);
        own_dialogs::remove_own(&mut findings, file, &unit.program, unit.source);
        Outcome { findings, ..Outcome::default() }
    }

    /// Runs a file's functions once more. What it does not reach now was reached before.
    fn run_again(&mut self, file: usize) {
        let (capped, cut_short) = (self.capped, self.cut_short);
        (self.steps, self.capped) = (0, false);
        self.entered.retain(|(other, _)| *other != file);
        self.summaries.clear();
        self.log.clear();
        self.run_rest(file);
        self.log.clear();
        self.has_grown();
        (self.capped, self.cut_short) = (capped, cut_short);
    }

    /// Runs a file's top level once.
    fn load(&mut self, file: usize) {
        if std::mem::replace(&mut self.loaded[file], true) {
            return;
        }
        let Some(unit) = &self.units[file] else { return };
        let (outer_file, outer_dead) = (self.file, self.dead);
        // What a module does at its top is not on its importer's account.
        let (steps, budget, capped) = (self.steps, self.budget, self.capped);
        let own = STEPS_START + STEPS_PER_EXPRESSION * unit.program.expressions.len();
        (self.steps, self.budget, self.capped) = (0, own, false);
        self.file = file;
        self.dead = false;
        self.frames.push(Frame { file, function: Some(FunctionId(0)), ..Frame::default() });
        // No branch around takes back what a module set up.
        let mark = self.log.len();
        self.load_given_whole(file);
        self.enter_exits(branch::ExitKind::Function);
        self.statements(&unit.program.function(FunctionId(0)).body);
        self.leave_exits();
        self.log.truncate(mark);
        self.frames.pop();
        self.cut_at_top[file] |= self.capped;
        (self.steps, self.budget, self.capped) = (steps, budget, capped);
        self.file = outer_file;
        self.dead = outer_dead;
    }

    fn unit(&self, file: usize) -> &'a Unit<'a> {
        // Only files with code are ever entered.
        match &self.units[file] {
            Some(unit) => unit,
            None => unreachable!("file {file} has no code"),
        }
    }

    fn program(&self) -> &'a Program {
        &self.unit(self.file).program
    }

    fn slot(&self, variable: VariableId) -> usize {
        self.slot_in(self.file, variable)
    }

    /// Where a file's variable is kept; an imported one where it is declared.
    fn slot_in(&self, file: usize, variable: VariableId) -> usize {
        let mut slot = self.offsets[file] + variable.0 as usize;
        for _ in 0..LINKS_MAX {
            let next = self.links[slot] as usize;
            if next == slot {
                break;
            }
            slot = next;
        }
        slot
    }

    fn read(&self, variable: VariableId) -> Value {
        self.variables[self.slot(variable)].clone()
    }

    fn write(&mut self, variable: VariableId, value: Value) {
        let slot = self.slot(variable);
        self.write_slot(slot, value);
    }

    fn write_slot(&mut self, slot: usize, value: Value) {
        let before = std::mem::replace(&mut self.variables[slot], value);
        self.log.push((slot, before));
        if self.is_shared[slot] {
            self.keep(slot);
        }
    }

    /// Counts a step; false when the budget is spent.
    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps > self.budget * HARD_LIMIT {
            self.capped = true;
        }
        !self.capped
    }

    /// Whether calls are still followed; past the budget each function is only
    /// analysed by itself.
    fn follows_calls(&self) -> bool {
        self.steps <= self.budget.min(FOLLOWING_STEPS_MAX)
    }

    /// The place of a canonical path in the current file's language.
    fn place(&self, path: &str) -> Option<Place> {
        let root = self.models.root(family(self.unit(self.file).language))?;
        self.models.path(root, path)
    }

    /// A value of a canonical kind.
    fn kind(&self, path: &str) -> Value {
        self.place(path).map_or_else(Value::default, Value::place)
    }

    /// A value that is input, with where it enters.
    fn source(&self, start: u32, end: u32, text: &str, cleaned: CategorySet) -> Value {
        let step = value::Step {
            file: self.file,
            start,
            end,
            text: format!("{text} enters here"),
            before: None,
            depth: 0,
        };
        let taint =
            value::Taint { source: (self.file, start), cleaned, step: std::rc::Rc::new(step) };
        Value::new(value::Data { taints: vec![taint], ..value::Data::default() })
    }
}

/// The folder of a path; empty at the top.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Which variables belong to the top level of their file.
fn is_shared(units: &[Option<Unit<'_>>], offsets: &[usize], count: usize) -> Vec<bool> {
    let mut shared = vec![false; count];
    for (unit, offset) in units.iter().zip(offsets) {
        let Some(unit) = unit else { continue };
        let object = unit.program.module_object.iter();
        for variable in unit.program.top_level.iter().chain(object) {
            shared[offset + variable.0 as usize] = true;
        }
    }
    shared
}
