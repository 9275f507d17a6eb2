//! Asks the person on the screen and waits for the answer.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kode_base::{Interrupt, Untrusted};
use kode_gate::{Answer, ApprovalError, ApprovalRequest, Approver, TrustScope};
use kode_tui::{Input, Question};

use super::newer::Watch;
use super::{Shared, lock};

/// How often the interrupt is looked at.
const TICK: Duration = Duration::from_millis(50);

/// The screen's answers, and the number of the next question.
pub(super) struct Answers {
    pub(super) given: Receiver<(u64, kode_tui::Answer)>,
    pub(super) next: u64,
}

/// An approver whose prompt is the screen's dialog.
pub(super) struct Asker {
    pub(super) shared: Shared,
    pub(super) answers: Arc<Mutex<Answers>>,
    pub(super) interrupt: Interrupt,
}

impl Approver for Asker {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        let mut answers = lock(&self.answers);
        answers.next += 1;
        let id = answers.next;
        self.shared.inputs.send(Input::Question(Box::new(question(id, request))));
        let mut watch = Watch::begin(&self.shared);
        loop {
            if let Some(watch) = &mut watch {
                watch.look(&self.shared);
            }
            match answers.given.recv_timeout(TICK) {
                Ok((answered, answer)) if answered == id => return Ok(translated(answer)),
                // An answer to a question that was withdrawn.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if !self.interrupt.step_ended() => {}
                Err(_) => {
                    self.shared.inputs.send(Input::QuestionOver(id));
                    return Err(io::Error::other("interrupted").into());
                }
            }
        }
    }
}

fn translated(answer: kode_tui::Answer) -> Answer {
    match answer {
        kode_tui::Answer::Approve => Answer::Approve,
        kode_tui::Answer::Deny => Answer::Deny,
        kode_tui::Answer::TrustSession => Answer::TrustSession,
    }
}

fn question(id: u64, request: &ApprovalRequest) -> Question {
    Question {
        id,
        reason: request.reason.clone(),
        label: request.label,
        subject: request.subject.clone(),
        why: request.why.clone(),
        context: Untrusted::from(request.context.as_str()),
        opens: request.opens.clone(),
        focus: request.focus.clone(),
        trust: request.trust.as_ref().map(scope),
        lapsed: request.lapsed.map(|lapsed| lapsed.to_string()),
        type_approve: request.type_approve,
    }
}

fn scope(scope: &TrustScope) -> Untrusted<String> {
    Untrusted::from(format!("{scope}, until kode is left or untrusted text comes in"))
}
