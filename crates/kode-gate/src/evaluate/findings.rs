//! What the walk found: units with their classes, questions, refusals, hosts
//! and outside paths.

use kode_base::RiskClass;
use kode_base::escape::escape_line;

use crate::approval::TrustScope;
use crate::assessment::{KnownWord, Question, QuestionKind, Refusal, Unit};

/// Questions and effect lines kept for one action.
const KEPT_MAX: usize = 256;
/// Units and parts kept: more than commands are walked.
const UNITS_MAX: usize = 4_096;
/// Other spellings kept for one unit.
const ALSO_MAX: usize = 8;

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) units: Vec<Unit>,
    pub(crate) questions: Vec<Question>,
    pub(crate) refusal: Option<Refusal>,
    /// Source text of simple commands.
    pub(crate) parts: Vec<String>,
    /// Readable lines for the explanation.
    pub(crate) effects: Vec<String>,
    /// Hosts it would talk to; `None` for one not known.
    pub(crate) hosts: Vec<Option<String>>,
    /// Paths outside the project that it would write, or read in a home.
    pub(crate) outside: Vec<String>,
    /// A credential would be read.
    pub(crate) reads_secret: bool,
    /// The unit being judged; units are numbered from 0.
    current: Option<usize>,
}

impl Findings {
    /// The unit being judged; made up when there is none yet.
    pub(crate) fn current(&mut self) -> usize {
        match self.current {
            Some(unit) => unit,
            None => self.open_unit(Vec::new(), None),
        }
    }

    /// Adds a unit and makes it the current one. Past the limit the last one
    /// takes what comes, so that nothing is lost.
    pub(crate) fn open_unit(&mut self, argv: Vec<KnownWord>, parent: Option<usize>) -> usize {
        if self.units.len() < UNITS_MAX {
            self.units.push(Unit::new(argv, parent));
        } else if let Some(last) = self.units.last_mut() {
            // No rule speaks for what is lumped together.
            last.argv.clear();
            last.parent = None;
            self.raise(UNITS_MAX - 1, RiskClass::CodeExecution, "too many commands to keep apart");
        }
        let unit = self.units.len() - 1;
        self.current = Some(unit);
        unit
    }

    /// Ends `unit`, opened for what surrounds a command: it is forgotten when
    /// it did nothing and nothing came after it.
    pub(crate) fn close_unit(&mut self, unit: usize) {
        let idle = |last: &Unit| last.argv.is_empty() && last.class == RiskClass::Safe;
        if unit + 1 == self.units.len() && self.units.last().is_some_and(idle) {
            self.units.pop();
        }
        self.current = None;
    }

    /// Other words for the unit being judged, for strict rules.
    pub(crate) fn also(&mut self, argv: Vec<KnownWord>) {
        if let Some(unit) = self.current.and_then(|unit| self.units.get_mut(unit))
            && unit.also.len() < ALSO_MAX
        {
            unit.also.push(argv);
        }
    }

    /// Goes back to judging `unit`.
    pub(crate) fn resume(&mut self, unit: Option<usize>) {
        self.current = unit;
    }

    /// The unit being judged, if any.
    pub(crate) fn judged(&self) -> Option<usize> {
        self.current
    }

    /// Raises a unit to at least `class`; classes never fall.
    pub(crate) fn raise(&mut self, unit: usize, class: RiskClass, why: &str) {
        self.line(&format!("{class}: {why}"));
        let judged = &mut self.units[unit];
        judged.effects.insert(class);
        if class > judged.class {
            judged.class = class;
            judged.why = escape_line(why);
            judged.trust = Some(TrustScope::Class(class));
        }
    }

    /// Narrows what trust for the unit would cover.
    pub(crate) fn scope(&mut self, unit: usize, class: RiskClass, scope: TrustScope) {
        let judged = &mut self.units[unit];
        if judged.class != class {
            return;
        }
        // Two hosts in one unit are not covered by trust in either.
        match &judged.trust {
            Some(TrustScope::Class(_)) => judged.trust = Some(scope),
            Some(other) if *other == scope => {}
            _ => judged.trust = None,
        }
    }

    /// Adds a question only a person can answer.
    pub(crate) fn ask(&mut self, kind: QuestionKind, text: &str) {
        let question = Question { kind, text: escape_line(text) };
        self.line(&format!("question ({}): {text}", kind.as_str()));
        if self.questions.len() < KEPT_MAX && !self.questions.contains(&question) {
            self.questions.push(question);
        }
    }

    /// Refuses; the first refusal stands.
    pub(crate) fn refuse(&mut self, name: &'static str, class: RiskClass, text: &str) {
        self.line(&format!("refused ({name}): {text}"));
        if self.refusal.is_none() {
            self.refusal = Some(Refusal { name, class, text: escape_line(text) });
        }
    }

    /// Adds a line to the explanation.
    pub(crate) fn line(&mut self, text: &str) {
        if self.effects.len() < KEPT_MAX {
            let line = escape_line(text);
            if self.effects.last() != Some(&line) {
                self.effects.push(line);
            }
        }
    }

    /// Keeps the source text of a simple command for denylists.
    pub(crate) fn part(&mut self, text: &str) {
        if self.parts.len() < UNITS_MAX {
            self.parts.push(text.to_owned());
        }
    }
}
