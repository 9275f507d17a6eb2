//! A round of the completion gate, and what it means for the run.

use kode_audit::Record;
use kode_base::{Colour, Event, UnreadCode, Untrusted};
use kode_gate::{AcceptedBy, UnscannedFile};
use kode_model::{Message, ToolCall};

use super::acceptance::Waiting;
use super::turn::TurnEnd;
use super::{Agent, BeginError};
use crate::completion::{Inspection, describe, inspect};
use crate::context::wrap;
use crate::journal::JournalEntry;
use crate::outcome::RunEnd;
use crate::unread::UnreadFile;

/// A person who changes files while they are asked about others is asked again so often.
const INSPECTIONS_MAX: u32 = 4;

impl Agent<'_> {
    /// The model wants to close, by `finish` or by a turn without calls.
    pub(super) fn close(&mut self, call: Option<&ToolCall>) -> Result<TurnEnd, BeginError> {
        let is_last = self.progress.gate_rounds + 1 >= self.limits.gate_rounds_max;
        let (mut inspection, waiting) = self.inspected(is_last)?;
        self.progress.gate_rounds += 1;
        self.record(&inspection)?;
        self.emit_gate(&inspection);
        if let Some(completed) = inspection.completed.take() {
            let nothing_done = inspection.files.is_empty();
            let end = match self.progress.unreplaced_denial.take().filter(|_| nothing_done) {
                Some(why) => RunEnd::Denied { why },
                None => match self.waiting() {
                    Some(why) => RunEnd::Denied { why },
                    None => RunEnd::Completed(completed),
                },
            };
            return Ok(TurnEnd::Ended(end));
        }
        if is_last || matches!(waiting, Waiting::Unaccepted) {
            return Ok(TurnEnd::Ended(RunEnd::GateRed));
        }
        self.hand_back(call, &inspection)?;
        Ok(TurnEnd::Continue)
    }

    /// Inspects, and asks a person about what could not be scanned where only that is
    /// left. What they change while they think is inspected anew.
    fn inspected(&mut self, is_last: bool) -> Result<(Inspection, Waiting), BeginError> {
        let mut times = 0;
        loop {
            times += 1;
            let mut inspection = self.inspect_now()?;
            self.take_known_acceptances(&mut inspection)?;
            let waiting = self.ask_for_acceptance(&mut inspection, is_last)?;
            let is_same = !matches!(waiting, Waiting::Accepted)
                || self.session.compare(&self.workspace.files)?.hash == inspection.snapshot;
            if is_same {
                self.record_acceptances(&inspection)?;
                return Ok((inspection, waiting));
            }
            if times >= INSPECTIONS_MAX {
                inspection.fail("the project changed while it was being inspected");
                return Ok((inspection, waiting));
            }
        }
    }

    fn inspect_now(&mut self) -> Result<Inspection, BeginError> {
        let ended = self.workspace.sandbox.end_processes();
        let mut failures = Vec::new();
        if let Err(error) = ended {
            failures.push(format!("processes of the sandbox could not be ended: {error}"));
        }
        let comparison = self.session.compare(&self.workspace.files)?;
        let comparison = self.follow_hidden(comparison)?;
        let comparison = self.with_flawed_files(comparison)?;
        failures.extend(self.renamed_away(&comparison)?);
        Ok(inspect(
            &mut self.workspace,
            &mut self.session,
            comparison,
            failures,
            &self.checks,
            &self.git_base,
        )?)
    }

    /// The gate's result is in the audit log and the journal before it counts.
    fn record(&mut self, inspection: &Inspection) -> Result<(), BeginError> {
        let green = inspection.colour() == Colour::Green;
        let record = Record::Gate {
            colour: if green { "green" } else { "red" }.to_owned(),
            snapshot: inspection.snapshot.iter().map(|byte| format!("{byte:02x}")).collect(),
            findings: inspection.fatal().map(|finding| finding.rule.clone()).collect(),
        };
        self.workspace.gate.record(&record)?;
        let round = self.progress.gate_rounds;
        self.session.append(&JournalEntry::Gate { round, green })?;
        Ok(())
    }

    fn emit_gate(&mut self, inspection: &Inspection) {
        self.warn_of_changed_checks(inspection);
        for failure in &inspection.failures {
            self.notice(failure.clone());
        }
        for unread in inspection.unread.iter().filter(|unread| unread.mend.is_some()) {
            self.notice(unread.described());
        }
        let event = Event::Gate {
            round: self.progress.gate_rounds,
            colour: inspection.colour(),
            findings: inspection.introduced.clone(),
            older: inspection.older.clone(),
            unscanned: inspection.unscanned.iter().map(|(path, _)| path.clone()).collect(),
            unaccepted: inspection.unread.iter().map(unaccepted).collect(),
            accepted: inspection.accepted.iter().map(accepted).collect(),
            failed_checks: inspection
                .failed_checks
                .iter()
                .map(|check| check.command.clone())
                .collect(),
        };
        self.emit(&event);
    }

    /// A check that the task itself rewrote proves little.
    fn warn_of_changed_checks(&mut self, inspection: &Inspection) {
        for file in &inspection.files {
            let name = file.path.file_name();
            let used = self.checks.iter().any(|check| check.contains(name));
            if used {
                let text =
                    format!("{} was changed by this task and is part of its checks", file.path);
                self.notice(text);
            }
        }
    }

    /// Findings go back to the model, as the result of its `finish` call.
    fn hand_back(
        &mut self,
        call: Option<&ToolCall>,
        inspection: &Inspection,
    ) -> Result<(), BeginError> {
        let description = describe(inspection);
        self.progress.open_findings = Some(description.clone());
        let mut text = Untrusted::from(description);
        for check in &inspection.failed_checks {
            text.push(&Untrusted::from(format!("\nOutput of `{}`:\n", check.command)));
            text.push(&check.output);
        }
        #[expect(clippy::disallowed_methods, reason = "searched, not shown")]
        if self.redactor.finds_in(text.expose().as_bytes()) {
            self.secret_was_cut("the project's checks")?;
        }
        let content = wrap("completion gate", &text, &self.redactor)?;
        self.push(match call {
            Some(call) => Message::Tool { call: call.id.clone(), content },
            None => Message::Data { content },
        })?;
        Ok(())
    }
}

fn unaccepted(unread: &UnreadFile) -> UnreadCode {
    let UnscannedFile { path, why, .. } = &unread.file;
    UnreadCode { path: path.clone(), why: why.clone(), accepted_by: None }
}

fn accepted((unread, by): &(UnreadFile, AcceptedBy)) -> UnreadCode {
    let by = match by {
        AcceptedBy::List(listed) => format!("{} list: {}", listed.layer, listed.glob),
        AcceptedBy::SessionTrust => "session_trust".to_owned(),
        AcceptedBy::Person => "person".to_owned(),
    };
    UnreadCode { accepted_by: Some(by), ..unaccepted(unread) }
}
