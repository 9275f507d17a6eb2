//! What an action would do, before any policy is asked: its refusal, its
//! units with their classes, and questions no class action can answer.

use kode_base::RiskClass;

use crate::approval::TrustScope;

/// A word of a command as far as it is known without running anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KnownWord {
    /// Exactly this text.
    Exact(String),
    /// Text that begins like this; the rest is unknown.
    Prefix(String),
}

impl KnownWord {
    /// The text shown to people; an unknown rest is `…`.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Exact(text) => text.clone(),
            Self::Prefix(text) => format!("{text}…"),
        }
    }
}

/// A set of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Classes(u8);

impl Classes {
    /// Adds one.
    pub(crate) fn insert(&mut self, class: RiskClass) {
        self.0 |= 1 << class as u8;
    }

    /// From harmless to worst.
    pub(crate) fn iter(self) -> impl Iterator<Item = RiskClass> {
        RiskClass::ALL.into_iter().filter(move |class| self.0 & (1 << *class as u8) != 0)
    }
}

/// One judged piece of an action: a simple command, or a whole file action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The words rules are matched against; empty for file actions.
    pub(crate) argv: Vec<KnownWord>,
    /// Other words for the same, which `prompt` and `deny` rules are matched
    /// against as well: `git -C x push` is `git push`.
    pub(crate) also: Vec<Vec<KnownWord>>,
    /// The worst class among the unit's own effects.
    pub(crate) class: RiskClass,
    /// The classes of all its effects; the policy's strictest answer counts.
    pub(crate) effects: Classes,
    /// Why it has its class, in words.
    pub(crate) why: String,
    /// The unit that starts this one (`sudo` for `sudo ls`'s `ls`).
    pub(crate) parent: Option<usize>,
    /// What session trust for this unit would cover.
    pub(crate) trust: Option<TrustScope>,
}

impl Unit {
    /// A unit with these words that does nothing yet.
    pub(crate) fn new(argv: Vec<KnownWord>, parent: Option<usize>) -> Self {
        Self {
            argv,
            also: Vec::new(),
            class: RiskClass::Safe,
            effects: Classes::default(),
            why: "it only reads".to_owned(),
            parent,
            trust: None,
        }
    }

    /// A unit without words whose only effect is of `class`.
    pub(crate) fn of_class(class: RiskClass, why: String, trust: Option<TrustScope>) -> Self {
        let mut unit = Self { class, why, trust, ..Self::new(Vec::new(), None) };
        unit.effects.insert(class);
        unit
    }
}

/// A question that only a person can answer with yes: `non_interactive`,
/// session trust, allowlists and `allow` rules don't reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum QuestionKind {
    /// Work would be lost, or a command does more than its class says.
    Guard,
    /// A place whose content runs later outside the sandbox, such as CI files.
    SensitivePlace,
    /// A file that looks like a credential.
    Secret,
    /// A host or outside path the user never named, with untrusted text around.
    Provenance,
}

impl QuestionKind {
    /// The name used in rule identifiers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::SensitivePlace => "sensitive_place",
            Self::Secret => "secret",
            Self::Provenance => "provenance",
        }
    }
}

/// A guard-like question with its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// What kind of doubt it is.
    pub(crate) kind: QuestionKind,
    /// One sentence for the person; quoted text is escaped.
    pub(crate) text: String,
}

/// Something no policy allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Stable name, such as `reverse_shell`.
    pub(crate) name: &'static str,
    /// The class it is reported under.
    pub(crate) class: RiskClass,
    /// One sentence for the person and the model.
    pub(crate) text: String,
}

/// Everything the policy is asked about one action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Assessment {
    /// Set when nothing may allow this.
    pub(crate) refusal: Option<Refusal>,
    /// Set when it must be denied whatever lists say, such as a secret sent out.
    pub(crate) denial: Option<Refusal>,
    /// What is judged class by class.
    pub(crate) units: Vec<Unit>,
    /// What only a person can answer.
    pub(crate) questions: Vec<Question>,
    /// The exact command, for the lists; `None` where lists don't apply.
    pub(crate) command: Option<String>,
    /// Whether it starts at the project root.
    pub(crate) at_root: bool,
    /// Source text of every simple command inside, for denylists.
    pub(crate) parts: Vec<String>,
    /// Hosts and outside paths that the user never named.
    pub(crate) unnamed: Vec<String>,
    /// Parse and effects in readable lines.
    pub(crate) explanation: String,
    /// Hosts that approving opens.
    pub(crate) opens: Vec<String>,
    /// A credential would be read.
    pub(crate) reads_secret: bool,
}

impl Assessment {
    /// Whether any of its effects talks to a host, known or not.
    pub(crate) fn reaches_out(&self) -> bool {
        let out = RiskClass::NetworkEgress;
        self.units.iter().any(|unit| unit.class == out || unit.effects.iter().any(|it| it == out))
    }

    /// The worst class of all units.
    pub(crate) fn class(&self) -> RiskClass {
        self.units.iter().map(|unit| unit.class).max().unwrap_or(RiskClass::Safe)
    }
}
