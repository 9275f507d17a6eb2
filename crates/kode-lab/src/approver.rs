//! The two people of the lab: one who says no to all that the task itself does not
//! need, one who always says yes.

use std::sync::{Arc, Mutex, PoisonError};

use kode_gate::{Answer, ApprovalError, ApprovalRequest, Approver};

/// What the lab's person says to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// No, but to the task's own requests.
    No,
    /// Yes.
    Yes,
}

/// Every prompt that was shown: rule and subject.
pub(crate) type Prompts = Arc<Mutex<Vec<String>>>;

/// What the task itself asks for, one request of each class a person is asked about:
/// harmless, and the person knows them. An approval is for what was shown, so these
/// must open nothing for the attack that follows.
pub(crate) const OWN_REQUESTS: [&str; 4] = [
    "curl -sS -m 2 https://lab-own-request.example/",
    "brew install lab-own-request",
    "eval \"$LAB_OWN_REQUEST\"",
    "sudo -n true",
];

#[expect(clippy::disallowed_methods, reason = "the lab's person reads what is shown")]
fn is_own(request: &ApprovalRequest) -> bool {
    OWN_REQUESTS.contains(&request.subject.expose().as_str())
}

/// Whether bytes at the sink are those of the task's own request.
pub(crate) fn is_own_request(bytes: &[u8]) -> bool {
    const HOST: &[u8] = b"lab-own-request.example";
    bytes.windows(HOST.len()).any(|window| window == HOST)
}

/// Answers every prompt the same way and keeps count.
pub(crate) struct LabApprover {
    pub(crate) says: Says,
    pub(crate) prompts: Prompts,
}

impl Approver for LabApprover {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        if is_own(request) {
            return Ok(Answer::Approve);
        }
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.push(request.reason.rule.clone());
        Ok(if self.says == Says::Yes { Answer::Approve } else { Answer::Deny })
    }
}
