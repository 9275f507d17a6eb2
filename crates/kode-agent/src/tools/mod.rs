//! The tools the model sees: their specifications, the parsing of a call into
//! a request, and what each does. Whatever has an effect goes through the gate
//! in [`Workspace`]; bad arguments come back to the model as a clear error.

mod credential_watch;
mod edit;
mod finish;
mod list_files;
mod output;
mod page_text;
mod read_file;
mod request;
mod search;
mod shell;
mod specs;
mod symbols;
mod web_fetch;
mod workspace;

pub(crate) use credential_watch::Noticed;
pub(crate) use finish::Finish;
pub(crate) use request::{ToolRequest, parse};
pub use specs::specs;
pub(crate) use workspace::Workspace;

use kode_base::{ProjectPath, Untrusted};
use kode_gate::{Decision, Denial, DenialKind};

/// What a tool call produced.
#[derive(Debug)]
pub(crate) struct ToolOutcome {
    /// Text for the model, still to be wrapped.
    pub(crate) text: Untrusted<String>,
    /// Whether it did what was asked.
    pub(crate) ok: bool,
    /// A shell command's exit code.
    pub(crate) exit_code: Option<i32>,
    /// What the gate decided, where it was asked.
    pub(crate) decision: Option<Decision>,
    /// Whether something may have changed in the project.
    pub(crate) effect: bool,
    /// What a person should know; kode's own sentences.
    pub(crate) notices: Vec<String>,
    /// Files an edit tool was permitted to write.
    pub(crate) written: Vec<ProjectPath>,
    /// The byte of `text` from which every word is kode's own; `None` for none.
    own_from: Option<usize>,
}

impl ToolOutcome {
    /// Something was read or done.
    pub(crate) fn done(text: Untrusted<String>, decision: Decision) -> Self {
        Self {
            text,
            ok: true,
            exit_code: None,
            decision: Some(decision),
            effect: false,
            notices: Vec::new(),
            written: Vec::new(),
            own_from: None,
        }
    }

    /// It could not be done; nothing changed.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        let text = Untrusted::from(format!("error: {}", why.into()));
        Self {
            text,
            ok: false,
            exit_code: None,
            decision: None,
            effect: false,
            notices: Vec::new(),
            written: Vec::new(),
            own_from: None,
        }
    }

    /// The gate said no; nothing ran.
    pub(crate) fn denied(denial: Denial) -> Self {
        let reason = &denial.decision.reason;
        let text = match denial.kind {
            DenialKind::Person => "operation denied by user".to_owned(),
            DenialKind::Refused => format!(
                "refused ({}): {}. Nothing ran. Do not try the same effect another way.",
                reason.rule, reason.text
            ),
            DenialKind::NoTerminal => format!(
                "denied ({}): {}. It needs a person's approval and no terminal is there.",
                reason.rule, reason.text
            ),
            DenialKind::Policy => {
                format!("denied by policy ({}): {}. Nothing ran.", reason.rule, reason.text)
            }
            DenialKind::Failure => {
                format!("denied: kode could not judge or record this action ({}).", reason.text)
            }
        };
        Self {
            text: text.into(),
            ok: false,
            exit_code: None,
            decision: Some(denial.decision),
            effect: false,
            notices: Vec::new(),
            written: Vec::new(),
            own_from: Some(0),
        }
    }

    /// Adds a sentence of kode's own below what the tool returned.
    pub(crate) fn say(&mut self, sentence: &str) {
        #[expect(clippy::disallowed_methods, reason = "only its length is taken")]
        let length = self.text.expose().len();
        self.own_from.get_or_insert(length);
        self.text.push(&Untrusted::from(sentence));
    }

    /// What the tool returned, and what kode says below it.
    pub(crate) fn parts(&self) -> (Untrusted<String>, Untrusted<String>) {
        #[expect(clippy::disallowed_methods, reason = "taken apart, and untrusted again")]
        let text = self.text.expose();
        let own = self.own_from.unwrap_or(text.len());
        let (returned, own) = text.split_at_checked(own).unwrap_or((text, ""));
        (Untrusted::from(returned), Untrusted::from(own))
    }

    /// Whether what came back may be a secret: the gate saw that it reads one, and
    /// it was permitted.
    pub(crate) fn is_secret(&self) -> bool {
        let reads = |decision: &Decision| decision.permitted && decision.reads_secret;
        self.decision.as_ref().is_some_and(reads)
    }

    /// The same outcome with the gate's decision attached.
    pub(crate) fn with_decision(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }
}
