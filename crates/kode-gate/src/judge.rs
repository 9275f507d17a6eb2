//! Pure judgement: what the policy says of an action. No I/O, no clock.

use std::collections::BTreeMap;

use kode_base::{Action, FileWrite, Reason, Verdict};

use crate::Policy;
use crate::ablation::Ablation;
use crate::approval::TrustScope;
use crate::assess::{assess, sensitive_write};
use crate::resolve::resolve;

/// What the judge knows of the session and the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionState {
    /// Canonical project root.
    pub project_root: String,
    /// The user's home folder.
    pub home: String,
    /// `$KODE_HOME`, canonical.
    pub kode_home: String,
    /// Text nobody vouched for is in the model's context.
    pub untrusted_in_context: bool,
    /// Secret text is in the model's context.
    pub secret_in_context: bool,
    /// A program opened a credential of the project: what it wrote or printed may
    /// hold it in a form nobody recognises.
    pub credential_opened: bool,
    /// A sensitive place changed this session: allowlist entries lapsed.
    pub sensitive_changed: bool,
    /// What the user typed, for "never named" questions.
    pub user_words: String,
    /// Hosts that the user's or managed configuration lists.
    pub listed_hosts: Vec<String>,
    /// The repository's remotes, name and address, from its configuration.
    pub git_remotes: Vec<(String, String)>,
    /// No sandbox holds commands: what runs has the user's own rights, sees
    /// their files, and `/tmp` is everybody's.
    pub bare_host: bool,
    /// Files of the project as they are now, by path below the root: what the
    /// agent wrote and a command may run, and what an edit starts from.
    pub known_files: BTreeMap<String, String>,
    /// Places that the user lists as what the task is about: paths in the
    /// project, `*` within a name, `**` across folders.
    pub may_change: Vec<String>,
    /// Controls that the lab turned off; none outside of it.
    pub ablation: Ablation,
}

/// The judge's answer, with what a prompt would need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Allow, prompt, deny or refuse.
    pub verdict: Verdict,
    /// Class, rule, layer and sentence.
    pub reason: Reason,
    /// Whether a prompt is about the class alone. Only such a prompt may be
    /// answered by `non_interactive` or session trust.
    pub class_question: bool,
    /// What session trust would cover, where it is offered.
    pub trust: Option<TrustScope>,
    /// Parse and effects in readable lines.
    pub context: String,
    /// The words of the gravest command in it; where a long request is folded,
    /// that is the part to show.
    pub focus: Vec<String>,
    /// Hosts that approving opens for this action.
    pub opens: Vec<String>,
    /// Hosts and paths outside the project that it touches and the user never
    /// named, escaped.
    pub unnamed: Vec<String>,
    /// Whether it would read a credential.
    pub reads_secret: bool,
}

/// Judges `action` under `policy`.
pub fn judge(action: &Action, policy: &Policy, state: &SessionState) -> Judgement {
    resolve(&assess(action, state), policy, state.sensitive_changed)
}

/// Judges the change of a sensitive place; `why` says what about it matters.
pub(crate) fn judge_sensitive(
    write: &FileWrite,
    why: &str,
    policy: &Policy,
    state: &SessionState,
) -> Judgement {
    resolve(&sensitive_write(write, why, state), policy, state.sensitive_changed)
}
