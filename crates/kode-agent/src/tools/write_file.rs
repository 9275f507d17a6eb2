//! `write_file`: a whole file, with the guards of the edit crate.

use kode_base::{FileWrite, ProjectPath, Untrusted, WriteMode};
use serde::Deserialize;

use super::workspace::digest;
use super::{ToolOutcome, Workspace};
use crate::context::REDACTION_MARK;

/// Arguments of `write_file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteFile {
    pub(crate) path: String,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) allow_shrink: bool,
}

impl WriteFile {
    /// Checks, asks the gate, writes.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let prepared = workspace.path(&self.path).and_then(|path| {
            let before = workspace.current(&path)?;
            Ok((path, before))
        });
        let (path, before) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return ToolOutcome::failed(why),
        };
        #[expect(clippy::disallowed_methods, reason = "the edit crate is pure analysis")]
        let old = before.as_ref().map(|bytes| bytes.expose().as_slice());
        match kode_edit::write(&path, old, &self.content, self.allow_shrink) {
            Ok(after) => commit(workspace, path, before, after),
            Err(refusal) => ToolOutcome::failed(refusal.to_string()),
        }
    }
}

/// Writes checked bytes through the gate; shared by the edit tools.
pub(super) fn commit(
    workspace: &mut Workspace,
    path: ProjectPath,
    before: Option<Untrusted<Vec<u8>>>,
    after: Vec<u8>,
) -> ToolOutcome {
    if holds_mark(&after) && !before.as_ref().is_some_and(untrusted_holds_mark) {
        return ToolOutcome::failed(format!(
            "the new content holds `{REDACTION_MARK}`, which stands for a secret kode did not \
             show; change the file without touching that line"
        ));
    }
    let after = Untrusted::new(after);
    #[expect(clippy::disallowed_methods, reason = "the diff stays untrusted")]
    let diff = {
        let old = before.as_ref().map(|bytes| bytes.expose().as_slice());
        kode_edit::diff(&path, old, Some(after.expose()))
    };
    let expected = before.as_ref().map(digest);
    let action =
        FileWrite { path: path.clone(), expected, mode: WriteMode::Content(after.clone()) };
    let (permit, decision) = match workspace.gate.authorize(action) {
        Ok(permitted) => permitted,
        Err(denial) => return ToolOutcome::denied(denial),
    };
    if let Err(error) = workspace.files.write(permit) {
        return ToolOutcome::failed(error.to_string()).with_decision(decision);
    }
    workspace.remember(&path, &after);
    let head = format!("wrote {path}: +{} -{} lines\n", diff.added, diff.removed);
    let text = diff.unified.map(|unified| head + &unified);
    let mut outcome = ToolOutcome::done(super::output::cap(text), decision);
    outcome.effect = true;
    outcome
}

fn holds_mark(bytes: &[u8]) -> bool {
    let mark = REDACTION_MARK.as_bytes();
    bytes.windows(mark.len()).any(|window| window == mark)
}

#[expect(clippy::disallowed_methods, reason = "a search shows nothing")]
fn untrusted_holds_mark(bytes: &Untrusted<Vec<u8>>) -> bool {
    holds_mark(bytes.expose())
}
