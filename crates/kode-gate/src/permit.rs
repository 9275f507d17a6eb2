//! The right to do one thing once.

use std::fmt;

use kode_base::AuditSequence;

/// Holds exactly what was approved, and is consumed by doing it.
///
/// Only [`crate::Gate`] makes one. It can't be cloned, serialised or reused, so
/// what was approved is what runs, once.
pub struct Permit<A> {
    action: A,
    intent: AuditSequence,
    hosts: Vec<String>,
}

impl<A> Permit<A> {
    /// Mints a permit; the intent's audit record is already durable.
    pub(crate) fn mint(action: A, intent: AuditSequence, hosts: Vec<String>) -> Self {
        Self { action, intent, hosts }
    }

    /// What may be done.
    pub fn action(&self) -> &A {
        &self.action
    }

    /// The audit record of the decision.
    pub fn intent(&self) -> AuditSequence {
        self.intent
    }

    /// Hosts that a person opened for this action by approving it, as they were
    /// shown. No list, default or trust adds to them.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Takes the action out; the permit is used up.
    pub fn redeem(self) -> A {
        self.action
    }
}

impl<A> fmt::Debug for Permit<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Permit(#{})", self.intent.0)
    }
}
