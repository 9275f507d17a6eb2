//! What a gate learned and the next gate of the same conversation must know: an
//! interactive session makes a gate for every message. In memory only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use kode_base::RiskClass;

use crate::approval::{Lapse, TrustScope};
use crate::denied::DeniedEffects;

/// Handed from gate to gate; clones share what is remembered.
#[derive(Debug, Clone, Default)]
pub struct GateMemory(Arc<Mutex<Remembered>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    /// What a person trusts for the life of the process.
    pub(crate) trusted: Vec<TrustScope>,
    /// What they trusted before, and why they do no longer.
    pub(crate) lapsed: Vec<(TrustScope, Lapse)>,
    pub(crate) approvals: VecDeque<(Instant, RiskClass)>,
    pub(crate) denied: DeniedEffects,
    pub(crate) untrusted_in_context: bool,
    pub(crate) secret_in_context: bool,
    pub(crate) credential_opened: bool,
    pub(crate) sensitive_changed: bool,
}

impl GateMemory {
    pub(crate) fn load(&self) -> Remembered {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn store(&self, remembered: Remembered) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
    }
}
