//! Commands of the agent's, from the line that says that one is about to be started to
//! the look that finds what it changed. Between the two lines every change is the
//! agent's, whoever opens the session next: kode may have been killed in the middle.

use kode_gate::{FileChange, Gate, is_meant, sensitive_change};
use kode_sandbox::ProjectFiles;
use serde::{Deserialize, Serialize};

use crate::changes::{ChangeLine, Circumstance, Origin};
use crate::held::Holding;
use crate::{Session, SessionError};

/// Whose a command's changes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) origin: Origin,
    pub(crate) circumstance: Circumstance,
}

impl Session {
    /// Who causes the changes that the next comparisons find.
    pub fn attribute(&mut self, origin: Origin) {
        (self.origin, self.agent) = (origin, origin);
        self.circumstance = Circumstance { turn_from: Some(self.next_step()), by_command: false };
    }

    /// Tells whether a command causes the changes that the next comparisons
    /// find, or an edit tool.
    pub fn attribute_to_command(&mut self, by_command: bool) {
        self.origin = self.agent;
        self.circumstance.by_command = by_command;
    }

    /// A command of the agent's is about to be started: what changed until now is a
    /// person's, what the next comparison finds is its doing, whichever process makes
    /// it. Durable on return.
    ///
    /// # Errors
    /// As [`Session::compare`]; the command must not be started then.
    pub fn command_begins(&mut self, files: &ProjectFiles) -> Result<(), SessionError> {
        self.note_persons_edits(files)?;
        self.attribute_to_command(true);
        let running = Running { origin: self.agent, circumstance: self.circumstance };
        self.changes.append(&ChangeLine::CommandBegan(running))?;
        self.running = Some(running);
        Ok(())
    }

    /// No command of the agent's runs: but for what an edit tool announced, the
    /// changes that the next comparisons find are a person's.
    pub fn nothing_runs(&mut self) {
        self.origin = Origin::Person;
    }

    /// Processes of a command may outlive it in this sandbox: what changes from now on
    /// can't be told to be a person's alone.
    pub fn processes_may_outlive_commands(&mut self) {
        self.has_outliving_processes = true;
    }

    /// Whether a command began whose changes nobody has looked for yet: kode was killed
    /// while it ran.
    pub fn has_unfinished_command(&self) -> bool {
        self.running.is_some()
    }

    /// Whether the session's record says of every command that it began. That of an
    /// earlier kode does not.
    pub fn notes_commands(&self) -> bool {
        self.tree.as_ref().is_some_and(|tree| tree.base.header.commands)
    }

    /// Looks for what a command changed that a kill of kode interrupted, and books it to
    /// the agent. As after any command, what changed in sensitive places is held.
    ///
    /// # Errors
    /// As [`Session::compare_and_hold`].
    pub fn meet_unfinished_command(
        &mut self,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Holding, SessionError> {
        if !self.has_unfinished_command() {
            return Ok(Holding::default());
        }
        let state = gate.state.clone();
        let holds = |change: FileChange<'_>| {
            sensitive_change(change).filter(|_| !is_meant(change.path, &state))
        };
        self.compare_and_hold(files, gate, &holds)
    }

    /// The line that ends a command, once its changes are recorded.
    pub(crate) fn ending(&self) -> Option<ChangeLine> {
        self.running.is_some().then_some(ChangeLine::CommandEnded)
    }

    /// Ends a command whose changes are recorded. Where the line is lost in a power cut,
    /// what a person changes afterwards counts as the agent's.
    pub(crate) fn end_command(&mut self) -> Result<(), SessionError> {
        if let Some(ending) = self.ending() {
            self.changes.append_lazily(&ending)?;
            self.running = None;
        }
        Ok(())
    }
}
