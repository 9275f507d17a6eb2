//! `kode edit --json`: one checked edit operation from standard input, applied
//! in the working folder. Without a session this call's own read counts as
//! "last read".

use std::collections::HashMap;
use std::io::{Read, stdin};

use kode_agent::editing::{EditError, EditedProject, carry_out_and_show};
use kode_audit::AuditLog;
use kode_base::ExitStatus;
use kode_edit::{FileChange, Operation, diff};
use kode_gate::{Gate, NoTerminal, Policy};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::places::Places;

/// A larger operation is refused.
const OPERATION_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Applies the operation; prints a JSON result either way.
pub(crate) fn run() -> Result<ExitStatus, Failure> {
    let (status, result) = match read_operation() {
        Ok(operation) => match apply(&operation)? {
            Ok(result) => (ExitStatus::Success, result),
            Err(error) => (ExitStatus::Denied, refused(&error.to_string())),
        },
        Err(why) => (ExitStatus::Denied, refused(&why)),
    };
    // As one text: written piece by piece, a large result takes a thousand writes.
    let result = result.to_string();
    say!("{result}");
    Ok(status)
}

fn read_operation() -> Result<Operation, String> {
    let mut text = String::new();
    stdin()
        .take(OPERATION_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("the operation can't be read: {error}"))
}

/// The result of what was applied. A person typed it, so the gate records and does
/// not judge.
fn apply(operation: &Operation) -> Result<Result<Value, EditError>, Failure> {
    let places = Places::from_environment()?;
    let root = ProjectRoot::exactly(&places.start, &places.home, &places.kode_home)?;
    let files = ProjectFiles::open(&root)?;
    let nothing_read = HashMap::new();
    let project = EditedProject::new(&files, &nothing_read);
    let mut gate: Option<Gate> = None;
    let mut authorize = |writes| {
        // The log is opened only when there is something to record.
        let gate = match &mut gate {
            Some(gate) => gate,
            none => none.insert(recording_gate(&places)?),
        };
        Ok(gate.authorize_person_for_all(writes)?)
    };
    let result = carry_out_and_show(operation, &project, &mut authorize, shown);
    Ok(result
        .map(|(edited, files)| json!({"applied": !edited.decisions.is_empty(), "files": files})))
}

fn recording_gate(places: &Places) -> Result<Gate, EditError> {
    let not_recorded = |error: String| EditError::NotRecorded(error);
    kode_config::prepare_home(&places.kode_home)
        .map_err(|error| not_recorded(error.to_string()))?;
    let audit = AuditLog::open(&places.audit_folder(), "")
        .map_err(|error| not_recorded(error.to_string()))?;
    Ok(Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, Default::default()))
}

fn shown(change: &FileChange) -> Value {
    let shown = diff(&change.path, change.before.as_deref(), change.after.as_deref());
    json!({
        "path": change.path.as_str(),
        "added": shown.added,
        "removed": shown.removed,
        "diff": shown.unified,
    })
}

fn refused(reason: &str) -> Value {
    json!({"applied": false, "reason": reason})
}
