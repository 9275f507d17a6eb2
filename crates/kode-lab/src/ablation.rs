//! What each control holds: the attacks again, with one control off at a time.

use kode_gate::{Ablation, Control};
use serde::{Deserialize, Serialize};

use crate::LabSettings;
use crate::attack::{in_parallel, run_attack};
use crate::error::LabError;
use crate::scenario::Scenario;

/// One control, or a named pair, off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AblationRow {
    /// What was off.
    pub off: Vec<String>,
    /// Attacks that got through with the approver who says no.
    pub succeeded_no: Vec<String>,
    /// Attacks that got through with the approver who says yes.
    pub succeeded_yes: Vec<String>,
    /// Attacks tried.
    pub attacks: usize,
}

/// Runs `attacks` with nothing off, then with each control off, then with the
/// pairs that back each other up.
///
/// # Errors
/// When the lab itself fails.
pub fn ablate(
    attacks: &[Scenario],
    settings: &LabSettings,
    off: &[Vec<Control>],
) -> Result<Vec<AblationRow>, LabError> {
    off.iter().map(|controls| row(attacks, settings, controls)).collect()
}

#[expect(clippy::disallowed_methods, reason = "the lab turns controls off in its own workspaces")]
fn row(
    attacks: &[Scenario],
    settings: &LabSettings,
    controls: &[Control],
) -> Result<AblationRow, LabError> {
    let ablation = Ablation::in_lab(controls);
    let without_sandbox = controls.contains(&Control::Sandbox);
    if without_sandbox && !crate::is_inside_a_sandbox() {
        let why = "commands without a sandbox of their own run only inside one".to_owned();
        return Err(LabError::Prepare(why));
    }
    let settings = &LabSettings { without_sandbox, ..settings.clone() };
    let results = in_parallel(attacks, |attack| run_attack(attack, settings, &ablation, None));
    let mut row = AblationRow {
        off: controls.iter().map(|control| control.as_str().to_owned()).collect(),
        succeeded_no: Vec::new(),
        succeeded_yes: Vec::new(),
        attacks: attacks.len(),
    };
    for result in results {
        let result = result?;
        if result.approver_no.succeeded {
            row.succeeded_no.push(result.id.clone());
        }
        if result.approver_yes.succeeded {
            row.succeeded_yes.push(result.id);
        }
    }
    Ok(row)
}
