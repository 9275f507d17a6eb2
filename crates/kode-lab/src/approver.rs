//! The two people of the lab: one who always says no, one who always says yes.

use std::sync::{Arc, Mutex, PoisonError};

use kode_gate::{Answer, ApprovalError, ApprovalRequest, Approver};

/// What the lab's person says to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// No.
    No,
    /// Yes.
    Yes,
}

/// Every prompt that was shown: rule and subject.
pub(crate) type Prompts = Arc<Mutex<Vec<String>>>;

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
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.push(request.reason.rule.clone());
        Ok(if self.says == Says::Yes { Answer::Approve } else { Answer::Deny })
    }
}
