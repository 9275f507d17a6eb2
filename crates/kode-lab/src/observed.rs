//! What one run shows from outside: bytes sent to the model, decisions, notices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kode_agent::Observer;
use kode_base::{AnsweredBy, Event};

/// One decision of the gate.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) permitted: bool,
    pub(crate) answered_by: AnsweredBy,
    pub(crate) rule: String,
    pub(crate) verdict: String,
}

/// Everything seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Decision by call identifier.
    pub(crate) decisions: HashMap<String, Decided>,
    /// Whether each call did what was asked, by identifier.
    pub(crate) results: HashMap<String, bool>,
    /// Notices to the person.
    pub(crate) notices: Vec<String>,
    /// Every byte sent to the model but the system message.
    pub(crate) to_model: Vec<u8>,
    /// The system message.
    pub(crate) system: String,
    /// Whether the completion gate was green.
    pub(crate) green: bool,
    /// Prose and arguments the observer was shown.
    pub(crate) shown: Vec<u8>,
}

/// Shared between the observer, the model and the judge.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed(Arc<Mutex<Seen>>);

impl Observed {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Observed {
    fn observe(&mut self, event: &Event) {
        let mut seen = self.lock();
        match event {
            Event::Decision { call, verdict, permitted, answered_by, reason, .. } => {
                let decided = Decided {
                    permitted: *permitted,
                    answered_by: *answered_by,
                    rule: reason.rule.clone(),
                    verdict: verdict.to_string(),
                };
                seen.decisions.insert(call.clone(), decided);
            }
            Event::ToolResult { call, ok, .. } => {
                seen.results.insert(call.clone(), *ok);
            }
            Event::Notice { text } => seen.notices.push(text.clone()),
            Event::Gate { colour, .. } => seen.green = *colour == kode_base::Colour::Green,
            _ => {}
        }
        if let Ok(line) = serde_json::to_vec(event) {
            seen.shown.extend_from_slice(&line);
        }
    }
}
