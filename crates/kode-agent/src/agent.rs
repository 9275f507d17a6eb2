//! The turn loop: ask the model, run its calls, close only through the gate.

mod acceptance;
mod after_command;
mod calls;
mod divergence;
mod exposure;
mod findings;
mod gate_round;
mod holding;
mod interjection;
mod repetition;
mod resume;
mod room;
mod secret_traces;
mod turn;

use std::sync::Arc;

use kode_base::{Event, Interrupt, ModelVisible, ProjectPath, Secret, Untrusted, Usage};
use kode_gate::Gate;
use kode_gate::Label;
use kode_model::{Message, Provider, ToolSpec};
use kode_sandbox::{ProjectFiles, ProjectRoot, Sandbox};
use kode_session::{Origin, Session, SessionError};

use crate::context::{
    Redactor, canary_of, fresh_canary, project_secrets, read_project_context, system_message,
};
use crate::git::GitBase;
use crate::journal::JournalEntry;
use crate::outcome::{RunEnd, RunReport};
use crate::tools::{Workspace, specs};
use repetition::Repetition;
use turn::TurnEnd;

/// Sees every event as it happens, and may have a word between two steps.
pub trait Observer {
    /// One event.
    fn observe(&mut self, event: &Event);

    /// Called before each turn: what a person asked for meanwhile is done now,
    /// when no tool runs. Returns what the model must hear of it.
    fn between_steps(&mut self, _desk: StepDesk<'_>) -> Vec<Interjection> {
        Vec::new()
    }
}

/// What a person's change between two steps needs.
pub struct StepDesk<'a> {
    /// The run's session.
    pub session: &'a mut Session,
    /// The project.
    pub files: &'a ProjectFiles,
    /// Records the change.
    pub gate: &'a mut Gate,
}

/// What the model hears between two steps.
#[derive(Debug)]
pub enum Interjection {
    /// A sentence of kode's own about what the person did.
    Note(String),
    /// The person's own words, with files or pastes that came with them.
    Message {
        /// What the person typed.
        text: String,
        /// What came with it, by name.
        data: Vec<(String, Untrusted<String>)>,
    },
}

/// Of a new or changed `AGENTS.md` so much is shown.
const SHOWN_BYTES_MAX: u64 = 64 * 1024;
const SHOWN_LINES_MAX: usize = 60;

/// What bounds a run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Model turns at most.
    pub iterations_max: u32,
    /// Red rounds of the completion gate at most.
    pub gate_rounds_max: u32,
}

/// Everything a run is made of.
pub struct AgentParts<'a> {
    /// The model.
    pub provider: Box<dyn Provider>,
    /// Judges and mints.
    pub gate: Gate,
    /// Runs commands. Nothing else runs in it meanwhile.
    pub sandbox: Arc<Sandbox>,
    /// Confined file access.
    pub files: ProjectFiles,
    /// The project.
    pub root: ProjectRoot,
    /// Where `AGENTS.md` is read down to.
    pub directory: ProjectPath,
    /// The journal, snapshots and blobs.
    pub session: Session,
    /// Raised by Ctrl-C.
    pub interrupt: Interrupt,
    /// Credentials kode knows of, to be cut from tool output.
    pub secrets: Vec<Secret>,
    /// Replaces the role text.
    pub role: Option<String>,
    /// Whether `AGENTS.md` is read.
    pub read_agents_md: bool,
    /// The project's own checks, from trusted configuration.
    pub checks: Vec<String>,
    /// Bounds.
    pub limits: Limits,
    /// Sees events.
    pub observer: &'a mut dyn Observer,
}

/// One run of one task.
pub struct Agent<'a> {
    provider: Box<dyn Provider>,
    workspace: Workspace,
    session: Session,
    redactor: Redactor,
    role: Option<String>,
    directory: ProjectPath,
    read_agents_md: bool,
    checks: Vec<String>,
    limits: Limits,
    observer: &'a mut dyn Observer,
    specs: Vec<ToolSpec>,
    messages: Vec<Message>,
    git_base: GitBase,
    /// The model's window in tokens, where it is known.
    window: Option<u64>,
    repetition: Repetition,
    /// What the model is told before its next turn.
    untold: Vec<String>,
    progress: RunProgress,
    /// Changes found by a comparison and not yet shown.
    fresh: Vec<(ProjectPath, kode_base::ChangeKind)>,
    /// The context's label as the journal has it.
    labelled: Label,
    /// What a person accepted though it could not be scanned.
    acceptance: acceptance::Acceptance,
    /// What the scan found after the last step.
    step_findings: findings::StepFindings,
    /// What this turn took in and touched so far.
    divergence: divergence::Divergence,
}

/// What a run has counted so far.
#[derive(Debug, Default)]
struct RunProgress {
    turns: u32,
    gate_rounds: u32,
    refusals: u32,
    usage: Usage,
    summary: Untrusted<String>,
    /// The last denial that no later permitted effect has replaced.
    unreplaced_denial: Option<String>,
    /// The last red gate's message; `None` once it is green.
    open_findings: Option<String>,
}

impl<'a> Agent<'a> {
    /// Puts a run together; nothing is sent or changed yet.
    pub fn new(parts: AgentParts<'a>) -> Self {
        let mut session = parts.session;
        session.nothing_runs();
        if matches!(parts.sandbox.name(), "none" | "partial") {
            session.processes_may_outlive_commands();
        }
        let mut secrets = parts.secrets;
        let known = project_secrets(&parts.files);
        secrets.extend(known);
        let redactor = Redactor::new(&secrets).with_ablation(&parts.gate.state.ablation);
        let workspace =
            Workspace::new(parts.root, parts.files, parts.sandbox, parts.gate, parts.interrupt);
        Self {
            provider: parts.provider,
            workspace,
            session,
            redactor,
            role: parts.role,
            directory: parts.directory,
            read_agents_md: parts.read_agents_md,
            checks: parts.checks,
            limits: parts.limits,
            observer: parts.observer,
            specs: specs(),
            messages: Vec::new(),
            git_base: GitBase::default(),
            window: None,
            repetition: Repetition::default(),
            untold: Vec::new(),
            progress: RunProgress::default(),
            fresh: Vec::new(),
            labelled: Label::TYPED,
            acceptance: acceptance::Acceptance::default(),
            step_findings: findings::StepFindings::default(),
            divergence: divergence::Divergence::default(),
        }
    }

    /// Does `task`; `data` are files or input handed over with it. A session
    /// that holds a conversation is gone on with. Always ends with a
    /// `run_finished` event.
    pub fn run(mut self, task: &str, data: &[(String, Untrusted<String>)]) -> RunReport {
        self.emit(&self.started());
        let end = match self.begin(task, data) {
            Ok(()) => self.turns(),
            Err(error) => RunEnd::Failed(error.to_string()),
        };
        self.finish(end)
    }

    fn started(&self) -> Event {
        Event::RunStarted {
            session: self.session.id().to_owned(),
            project: self.workspace.root.path().to_string_lossy().into_owned(),
            model: self.provider.model().to_owned(),
            provider: self.provider.name().to_owned(),
            scripted: self.provider.scripted(),
            sandbox: self.workspace.sandbox.name().to_owned(),
        }
    }

    fn begin(
        &mut self,
        task: &str,
        data: &[(String, Untrusted<String>)],
    ) -> Result<(), BeginError> {
        self.session.ensure_base(&self.workspace.root, &self.workspace.files)?;
        for text in self.session.notices().to_vec() {
            self.notice(text);
        }
        self.learn_window();
        if !self.reload()? {
            self.git_base = self.read_git_base()?;
            let parts = self.project_context()?;
            let canary = fresh_canary()?;
            self.push(system_message(self.role.as_deref(), &canary, &parts))?;
        }
        if let Some(canary) = canary_of(&self.messages) {
            self.redactor = std::mem::take(&mut self.redactor).with_canary(canary);
        }
        self.hear(task, data)
    }

    /// What git holds before the task, durable before the first effect.
    fn read_git_base(&mut self) -> Result<GitBase, BeginError> {
        let base = crate::git::read_base(&mut self.workspace).unwrap_or_else(|why| {
            self.notice(format!("what git holds could not be read: {why}"));
            GitBase::default()
        });
        self.session.append(&JournalEntry::GitBase { base: base.clone() })?;
        Ok(base)
    }

    fn project_context(&mut self) -> Result<Vec<ModelVisible>, BeginError> {
        if !self.read_agents_md {
            return Ok(Vec::new());
        }
        let context = read_project_context(&self.workspace.files, &self.directory, &self.redactor)?;
        for text in context.notices {
            self.emit(&Event::Notice { text });
        }
        for (path, digest) in &context.digests {
            self.show_if_new(path, digest)?;
        }
        for ((path, _), part) in context.digests.iter().zip(&context.parts) {
            self.divergence.took_in(path.as_str(), part.as_str(), &[]);
        }
        for (path, hidden) in &context.hidden {
            self.report_hidden(path.as_str(), hidden)?;
        }
        if !context.parts.is_empty() {
            self.join(Label::DATA)?;
        }
        Ok(context.parts)
    }

    /// An `AGENTS.md` that is new or changed is shown before its first use.
    /// What was shown is remembered outside the project.
    fn show_if_new(&mut self, path: &ProjectPath, digest: &[u8; 32]) -> Result<(), BeginError> {
        let root = &self.workspace.root;
        if self.session.was_seen(root, path, digest)? {
            return Ok(());
        }
        let bytes = self.workspace.files.snapshot_read(path, SHOWN_BYTES_MAX);
        #[expect(clippy::disallowed_methods, reason = "escaped by whoever shows the notice")]
        let text = bytes.map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned());
        let shown: String = text
            .unwrap_or_default()
            .lines()
            .take(SHOWN_LINES_MAX)
            .map(|line| format!("  | {}\n", kode_base::escape::escape_line(line)))
            .collect();
        self.notice(format!(
            "{path} is new or changed since you last saw it. The model reads it as data, not as \
             your instruction:\n{shown}"
        ));
        Ok(())
    }

    fn turns(&mut self) -> RunEnd {
        while self.progress.turns < self.limits.iterations_max {
            if self.workspace.interrupt.run_ended() {
                return RunEnd::Interrupted;
            }
            self.progress.turns += 1;
            self.session.attribute(Origin::Agent { turn: self.progress.turns });
            // What a person edits while the model thinks stays theirs.
            self.session.nothing_runs();
            match self.hear_person().and_then(|()| self.turn()) {
                Ok(TurnEnd::Continue) => {}
                Ok(TurnEnd::Ended(end)) => return end,
                Err(error) => return RunEnd::Failed(error.to_string()),
            }
        }
        RunEnd::IterationLimit
    }

    fn finish(mut self, end: RunEnd) -> RunReport {
        let ended = self.workspace.sandbox.end_processes();
        let mut end = match (ended, end) {
            (Err(error), RunEnd::Completed(_)) => RunEnd::Failed(error.to_string()),
            (_, end) => end,
        };
        let files = match self.session.compare(&self.workspace.files) {
            Ok(comparison) => comparison.files,
            Err(error) => {
                self.emit(&Event::Notice { text: error.to_string() });
                Vec::new()
            }
        };
        if let Err(error) = self.session.finish(end.status().code()) {
            end = RunEnd::Failed(error.to_string());
        }
        if let Err(error) = self.record_divergence() {
            end = RunEnd::Failed(error.to_string());
        }
        let progress = std::mem::take(&mut self.progress);
        self.emit(&Event::RunFinished {
            exit_code: end.status().code(),
            summary: progress.summary.clone(),
            turns: progress.turns,
            refusals: progress.refusals,
            usage: progress.usage,
            files: files.clone(),
        });
        RunReport {
            end,
            summary: progress.summary,
            turns: progress.turns,
            refusals: progress.refusals,
            usage: progress.usage,
            label: self.workspace.gate.state.label(),
            files,
        }
    }

    /// Joins a label into the context's; a rise is in the journal before the
    /// text that caused it.
    fn join(&mut self, label: Label) -> Result<(), SessionError> {
        self.workspace.gate.context_joined(label);
        let now = self.workspace.gate.state.label();
        if now != self.labelled {
            self.session.append(&JournalEntry::Label { label: now })?;
            self.labelled = now;
        }
        Ok(())
    }

    /// Makes a message durable, then part of the conversation.
    fn push(&mut self, message: Message) -> Result<(), SessionError> {
        self.session.append(&JournalEntry::Message { message: message.clone() })?;
        self.messages.push(message);
        Ok(())
    }

    fn emit(&mut self, event: &Event) {
        self.observer.observe(event);
        // Kept for display only; a failure here loses no step.
        let _ = self.session.keep_event(event);
    }

    fn notice(&mut self, text: impl Into<String>) {
        self.emit(&Event::Notice { text: text.into() });
    }
}

/// Why a run could not begin or go on; kode's own trouble, not the model's.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Wrap(#[from] crate::context::WrapError),
    #[error(transparent)]
    Audit(#[from] kode_audit::AuditError),
}
