//! After every effect the project is compared; what changed in a sensitive
//! place is held: put back, shown to a person as its exact difference, and made
//! only with their yes. Without a terminal it waits, and the run can't end
//! green.

use kode_base::{AnsweredBy, FileWrite, ProjectPath, RiskClass, WriteMode};
use kode_gate::{
    Control, Decision, DenialKind, FileChange, is_installed_place, is_meant, sensitive_change,
};
use kode_model::ToolCall;
use kode_session::{Held, Holding};
use sha2::{Digest as _, Sha256};

use super::calls::decision_event;
use super::resume::Interrupted;
use super::{Agent, BeginError};
use crate::tools::ToolOutcome;
use crate::unread::hexadecimal;

/// Changes of one command that are asked about, and named, one by one.
const ASKED_MAX: usize = 24;
/// Changes that wait, named at the end of a run.
const NAMED_MAX: usize = 24;

/// What of a call's changes was asked about before it ran.
#[derive(Debug, Default)]
struct Answered {
    /// Files an edit tool was permitted to write, each by itself.
    files: Vec<ProjectPath>,
    /// The command a person approved for the sensitive places in it.
    command: Option<String>,
    /// An installation that a person or the policy answered for: it puts packages and
    /// their programs where those go, and nothing anywhere else.
    installs: bool,
}

impl Answered {
    fn of(call: Option<&ToolCall>, outcome: &ToolOutcome) -> Self {
        let decision = outcome.decision.as_ref().filter(|decision| decision.permitted);
        let asked = |decision: &&Decision| {
            decision.reason.rule == "question.sensitive_place"
                && decision.answered_by == AnsweredBy::Person
        };
        #[expect(clippy::disallowed_methods, reason = "file names are looked for in it")]
        let command = decision.filter(asked).and(call).map(|call| call.arguments.expose().clone());
        Self {
            files: outcome.written.clone(),
            command,
            installs: decision.is_some_and(|it| {
                it.reason.class == RiskClass::Install
                    && it.answered_by != AnsweredBy::NonInteractive
            }),
        }
    }

    fn covers(&self, path: &ProjectPath) -> bool {
        let named = |command: &String| command.contains(path.as_str());
        self.files.contains(path)
            || self.installs && is_installed_place(path)
            || self.command.as_ref().is_some_and(named)
    }
}

impl Agent<'_> {
    /// Finds what `call` changed, and holds it in sensitive places.
    pub(super) fn look_after(
        &mut self,
        call: &ToolCall,
        outcome: &ToolOutcome,
    ) -> Result<Holding, BeginError> {
        self.compare_and_hold(&Answered::of(Some(call), outcome))
    }

    /// Asks about what of `call`'s changes is held; its outcome says what came of it.
    pub(super) fn tell_of_held(
        &mut self,
        call: &ToolCall,
        outcome: &mut ToolOutcome,
        holding: &Holding,
    ) -> Result<(), BeginError> {
        for (held, why) in holding.stuck.iter().take(ASKED_MAX) {
            let told = self.tell_stuck(held, why);
            outcome.say(&format!("\n[kode: {told}]"));
        }
        for held in holding.held.iter().take(ASKED_MAX) {
            let told = self.ask_about(held, Some(call))?;
            outcome.say(&format!("\n[kode: {told}]"));
        }
        let rest = holding.stuck.len().saturating_sub(ASKED_MAX)
            + holding.held.len().saturating_sub(ASKED_MAX);
        if rest > 0 {
            let told = self.tell_rest(rest, holding);
            outcome.say(&format!("\n[kode: {told}]"));
        }
        Ok(())
    }

    /// A flood of changes is no way to a yes given in weariness: the others wait.
    fn tell_rest(&mut self, rest: usize, holding: &Holding) -> String {
        let stands = match holding.stuck.len().saturating_sub(ASKED_MAX) {
            0 => "put back".to_owned(),
            stuck => format!("put back, but for {stuck} that could not be and stand"),
        };
        let told = format!(
            "{rest} more changes of places whose content runs later were {stands}. They wait for a \
             person: `kode continue` at a terminal asks about them"
        );
        self.progress.refusals += u32::try_from(rest).unwrap_or(u32::MAX);
        self.progress.unreplaced_denial = Some(told.clone());
        self.notice(told.clone());
        told
    }

    /// After a kill: what the interrupted call left in sensitive places, and
    /// what waits from before.
    /// `interrupted` by a kill: a command, or an edit tool, which announced its doing.
    pub(super) fn hold_leftovers(
        &mut self,
        interrupted: Option<Interrupted>,
    ) -> Result<(), BeginError> {
        let (files, gate) = (&self.workspace.files, &mut self.workspace.gate);
        let mut stuck = self.session.restore_pending(files, gate);
        if let Some(call) = interrupted {
            if call == Interrupted::Command && !self.session.notes_commands() {
                // An earlier kode did not note whether it began at all.
                self.session.attribute_to_command(true);
            }
            stuck.extend(self.compare_and_hold(&Answered::default())?.stuck);
            self.session.nothing_runs();
        }
        for (held, why) in stuck.iter().take(ASKED_MAX) {
            let told = self.tell_stuck(held, why);
            self.push_note(&told)?;
        }
        let is_stuck = |held: &Held| stuck.iter().any(|(other, _)| other.id == held.id);
        let waiting = self.session.pending().iter().filter(|held| !is_stuck(held));
        for held in waiting.take(ASKED_MAX).cloned().collect::<Vec<_>>() {
            let told = self.ask_about(&held, None)?;
            self.push_note(&told)?;
        }
        Ok(())
    }

    /// A change that stands although it must not: the run can't end green.
    fn tell_stuck(&mut self, held: &Held, why: &str) -> String {
        let told = format!(
            "the change of {} could not be put back and stands: {why}. Look at it before anything \
             of this project runs",
            held.path
        );
        self.progress.refusals += 1;
        self.progress.unreplaced_denial = Some(held.why.clone());
        self.notice(told.clone());
        told
    }

    fn compare_and_hold(&mut self, answered: &Answered) -> Result<Holding, BeginError> {
        let state = self.workspace.gate.state.clone();
        if !state.ablation.keeps(Control::SensitivePlaces) {
            let found = self.session.compare(&self.workspace.files)?.since_last;
            self.fresh.extend(found);
            return Ok(Holding::default());
        }
        let holds = |change: FileChange<'_>| {
            let open = answered.covers(change.path) || is_meant(change.path, &state);
            sensitive_change(change).filter(|_| !open)
        };
        let mut holding = self.session.compare_and_hold(
            &self.workspace.files,
            &mut self.workspace.gate,
            &holds,
        )?;
        let sensitive = |path: &ProjectPath| {
            let change = FileChange { path, before: None, after: None, is_link: true };
            sensitive_change(change).is_some()
        };
        if holding.changed.iter().any(|(path, _)| sensitive(path)) {
            self.workspace.gate.sensitive_place_changed();
        }
        self.fresh.append(&mut holding.changed);
        Ok(holding)
    }

    /// Asks a person about one held change and does what they say; a sentence
    /// for the model.
    fn ask_about(&mut self, held: &Held, call: Option<&ToolCall>) -> Result<String, BeginError> {
        let path = &held.path;
        let (write, diff) = match self.session.held_write(held) {
            Ok(made) => made,
            Err(error) => {
                self.session.give_up_held(held.id)?;
                let told = format!("the change of {path} was put back: {error}");
                self.notice(told.clone());
                return Ok(told);
            }
        };
        let accepted = acceptable(&write);
        let answer = self.workspace.gate.authorize_sensitive(write, &held.why, diff);
        let decision = match &answer {
            Ok((_, decision)) => decision.clone(),
            Err(denial) => denial.decision.clone(),
        };
        if let Some(call) = call {
            self.emit(&decision_event(call, decision.clone()));
        }
        let by_person = decision.answered_by == AnsweredBy::Person;
        let told = match answer {
            Ok((permit, _)) => {
                let (files, gate) = (&self.workspace.files, &mut self.workspace.gate);
                if let Err(error) = self.session.make_held(held, permit, files, gate) {
                    let told = format!("the approved change of {path} could not be made: {error}");
                    self.notice(told.clone());
                    return Ok(told);
                }
                self.workspace.gate.sensitive_place_changed();
                if let Some((path, digest)) = accepted.filter(|_| by_person) {
                    self.remember_accepted(path, digest)?;
                }
                self.fresh.push((path.clone(), kode_base::ChangeKind::Changed));
                return Ok(format!("a person approved the change of {path}; it is made"));
            }
            Err(denial) if denial.kind == DenialKind::NoTerminal => format!(
                "the change of {path} was put back and waits: {}. It needs a person's approval \
                 and no terminal is there",
                held.why
            ),
            Err(denial) => {
                self.session.give_up_held(held.id)?;
                let who = if denial.kind == DenialKind::Person { "a person" } else { "the policy" };
                format!("the change of {path} was put back: {who} said no")
            }
        };
        self.progress.refusals += 1;
        self.progress.unreplaced_denial = Some(held.why.clone());
        self.notice(told.clone());
        Ok(told)
    }

    /// Why the run can't end green, when held changes wait.
    pub(super) fn waiting(&self) -> Option<String> {
        let pending = self.session.pending();
        let paths: Vec<&str> =
            pending.iter().take(NAMED_MAX).map(|held| held.path.as_str()).collect();
        let more = match pending.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!paths.is_empty()).then(|| {
            format!(
                "changes of {}{more} wait for a person; `kode continue` at a terminal asks about \
                 them",
                paths.join(", ")
            )
        })
    }
}

/// The bytes that a person who approves this write has seen, by their hash.
#[expect(clippy::disallowed_methods, reason = "a digest shows nothing")]
fn acceptable(write: &FileWrite) -> Option<(ProjectPath, String)> {
    match &write.mode {
        WriteMode::Content(bytes) | WriteMode::Restore { content: bytes, .. } => {
            Some((write.path.clone(), hexadecimal(&Sha256::digest(bytes.expose()))))
        }
        WriteMode::Delete | WriteMode::RestoreLink { .. } => None,
    }
}
