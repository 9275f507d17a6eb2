//! Turns an action into an assessment: what it would do, before policy.

use kode_base::{Action, RiskClass};

use crate::approval::TrustScope;
use crate::assessment::{Assessment, Unit};
use crate::judge::SessionState;

/// Assesses `action` for a session. Pure.
pub(crate) fn assess(action: &Action, state: &SessionState) -> Assessment {
    let _ = state;
    let class = match action {
        Action::Read(_) | Action::List(_) | Action::Search(_) => RiskClass::Safe,
        Action::Write(_) => RiskClass::LocalWrite,
        Action::Shell(_) => RiskClass::CodeExecution,
    };
    Assessment {
        units: vec![Unit {
            argv: Vec::new(),
            class,
            why: format!("{class} actions need an answer"),
            parent: None,
            trust: Some(TrustScope::Class(class)),
        }],
        ..Assessment::default()
    }
}
