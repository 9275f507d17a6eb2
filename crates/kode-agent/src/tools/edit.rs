//! The edit tools: one parsed operation each, carried out by [`crate::editing`].

use kode_base::{FileWrite, Untrusted, WriteMode};
use kode_edit::{FileChange, Operation, diff};
use kode_gate::{Decision, Denial, Gate, Permit, sensitive_change};
use kode_sandbox::ProjectFiles;
use kode_session::Session;

use super::ToolOutcome;
use super::output::cap;
use super::workspace::{Workspace, text_of};
use crate::editing::{EditError, Edited, EditedProject, carry_out, digest};

/// The tools that edit, by the names the model uses.
pub(super) const EDIT_TOOLS: [&str; 7] =
    ["write_file", "edit", "apply_patch", "ast_replace", "ast_insert", "ast_rename", "ast_rewrite"];

/// Carries out `operation` through the gate.
pub(super) fn run(
    operation: &Operation,
    workspace: &mut Workspace,
    session: &mut Session,
) -> ToolOutcome {
    let Workspace { gate, files, last_read, .. } = workspace;
    let (mut written, mut is_first) = (Vec::new(), true);
    let project = EditedProject::new(files, last_read);
    let mut authorize_one = |write: FileWrite| {
        let before = text_of(files, &write.path).map(|text| (write.path.as_str().to_owned(), text));
        gate.state.known_files = before.into_iter().collect();
        let path = write.path.clone();
        let (permit, decision) = authorize(write, files, gate)?;
        written.push(path);
        Ok((permit, decision))
    };
    let result = carry_out(operation, &project, &mut |writes: Vec<FileWrite>| {
        // A file an edit tool writes is kept and scanned even where ignored.
        let mut marks = writes.iter().map(|write| session.mark_edited(&write.path, files));
        let noted = marks.try_for_each(|marked| marked);
        // What a person changed until now stays theirs; a put back follows at once.
        let noted = noted.and_then(|()| match std::mem::take(&mut is_first) {
            true => session.note_persons_edits(files),
            false => Ok(()),
        });
        let noted = noted.and_then(|()| session.announce(&writes, files));
        noted.map_err(|error| EditError::NotRecorded(error.to_string()))?;
        writes.into_iter().map(&mut authorize_one).collect()
    });
    let outcome = match result {
        Ok(edited) => ToolOutcome { written, ..done(edited, operation, workspace) },
        Err(EditError::Denied(denial)) => ToolOutcome::denied(*denial),
        Err(error @ EditError::HalfDone { .. }) => {
            let mut outcome = ToolOutcome::failed(error.to_string());
            outcome.effect = true;
            outcome
        }
        Err(error) => ToolOutcome::failed(error.to_string()),
    };
    if outcome.effect {
        session.announced_is_written();
    } else if let Err(error) = session.retract_announced() {
        return ToolOutcome::failed(error.to_string());
    }
    outcome
}

/// Asks the gate; about a sensitive place with the exact difference.
#[expect(clippy::disallowed_methods, reason = "judged; the difference is untrusted again")]
fn authorize(
    write: FileWrite,
    files: &ProjectFiles,
    gate: &mut Gate,
) -> Result<(Permit<FileWrite>, Decision), Denial> {
    let now = files.planning_read(&write.path, kode_edit::MAX_FILE_BYTES as u64).ok();
    let before = now.as_ref().map(|bytes| bytes.expose().as_slice());
    let after = match &write.mode {
        WriteMode::Content(bytes) | WriteMode::Restore { content: bytes, .. } => {
            Some(bytes.expose().as_slice())
        }
        WriteMode::Delete | WriteMode::RestoreLink { .. } => None,
    };
    let change = kode_gate::FileChange { path: &write.path, before, after, is_link: false };
    match sensitive_change(change) {
        Some(why) => {
            let shown = diff(&write.path, before, after).unified;
            gate.authorize_sensitive(write, &why, shown)
        }
        None => gate.authorize(write),
    }
}

fn done(edited: Edited, operation: &Operation, workspace: &mut Workspace) -> ToolOutcome {
    let dry_run = matches!(operation, Operation::Rewrite { dry_run: true, .. });
    if !dry_run {
        for change in &edited.changes {
            match &change.after {
                Some(bytes) => workspace.last_read.insert(change.path.clone(), digest(bytes)),
                None => workspace.last_read.remove(&change.path),
            };
        }
    }
    let text = cap(summary(&edited.changes, dry_run));
    let decision = edited.decisions.into_iter().last();
    let effect = !dry_run && !edited.changes.is_empty();
    ToolOutcome {
        text,
        ok: true,
        exit_code: None,
        decision,
        effect,
        notices: Vec::new(),
        written: Vec::new(),
        own_from: None,
    }
}

fn summary(changes: &[FileChange], dry_run: bool) -> Untrusted<String> {
    if changes.is_empty() {
        return Untrusted::from("nothing to change: the files are already so");
    }
    let mut text = Untrusted::from(String::new());
    for change in changes {
        let shown = diff(&change.path, change.before.as_deref(), change.after.as_deref());
        let verb = if dry_run { "would change" } else { "wrote" };
        let head = format!("{verb} {}: +{} -{} lines\n", change.path, shown.added, shown.removed);
        text.push(&Untrusted::from(head));
        text.push(&shown.unified);
    }
    text
}
