//! `edit`: exact text replacement, with the guards of the edit crate.

use kode_edit::ExactEdit;
use serde::Deserialize;

use super::request::lenient_number;
use super::write_file::commit;
use super::{ToolOutcome, Workspace};

/// Arguments of `edit`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditFile {
    pub(crate) path: String,
    pub(crate) old: String,
    pub(crate) new: String,
    #[serde(default)]
    pub(crate) all: bool,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) expect_count: Option<u64>,
}

impl EditFile {
    /// Checks, asks the gate, writes.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let prepared = workspace.path(&self.path).and_then(|path| {
            let before = workspace.current(&path)?;
            let before = before.ok_or_else(|| format!("{path} does not exist; use write_file"))?;
            Ok((path, before))
        });
        let (path, before) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return ToolOutcome::failed(why),
        };
        let edit = ExactEdit {
            old: self.old.clone(),
            new: self.new.clone(),
            all: self.all,
            expect_count: self.expect_count.and_then(|count| usize::try_from(count).ok()),
        };
        #[expect(clippy::disallowed_methods, reason = "the edit crate is pure analysis")]
        let edited = kode_edit::edit(&path, before.expose(), &edit);
        match edited {
            Ok(after) => commit(workspace, path, Some(before), after),
            Err(refusal) => ToolOutcome::failed(refusal.to_string()),
        }
    }
}
