//! `list_files`: the project's files below a folder, ignored ones left out.

use std::ops::ControlFlow;

use globset::{GlobBuilder, GlobMatcher};
use kode_base::{Listing, ProjectPath, Untrusted};
use kode_sandbox::{EntryKind, WalkEnd, WalkEntry};
use serde::Deserialize;

use super::output::cap;
use super::{ToolOutcome, Workspace};

/// Paths shown at most.
const PATHS_MAX: usize = 1000;

/// Arguments of `list_files`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListFiles {
    #[serde(default)]
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) glob: Option<String>,
}

impl ListFiles {
    /// Lists through the gate.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let path = match workspace.path(self.path.as_deref().unwrap_or(".")) {
            Ok(path) => path,
            Err(why) => return ToolOutcome::failed(why),
        };
        let filter = match PathFilter::new(self.glob.as_deref()) {
            Ok(filter) => filter,
            Err(why) => return ToolOutcome::failed(why),
        };
        let glob = self.glob.clone().map(Untrusted::from);
        let action = Listing { path: path.clone(), glob };
        let decision = match workspace.gate.authorize(action) {
            Ok((permit, decision)) => {
                let _listing = permit.redeem();
                decision
            }
            Err(denial) => return ToolOutcome::denied(denial),
        };
        match list(workspace, &path, &filter) {
            Ok(text) => ToolOutcome::done(cap(text), decision),
            Err(why) => ToolOutcome::failed(why).with_decision(decision),
        }
    }
}

fn list(
    workspace: &Workspace,
    path: &ProjectPath,
    filter: &PathFilter,
) -> Result<Untrusted<String>, String> {
    let mut text = String::new();
    let (mut shown, mut total) = (0usize, 0usize);
    let end = workspace
        .files
        .walk(path, false, &mut |entry: WalkEntry| {
            if !filter.matches(&entry.path) {
                return ControlFlow::Continue(());
            }
            total += 1;
            if shown < PATHS_MAX {
                shown += 1;
                text.push_str(entry.path.as_str());
                text.push_str(if matches!(entry.kind, EntryKind::Symlink { .. }) {
                    "@\n"
                } else {
                    "\n"
                });
            }
            ControlFlow::Continue(())
        })
        .map_err(|error| error.to_string())?;
    if total == 0 {
        text.push_str("[no files match]\n");
    } else if total > shown {
        text.push_str(&format!("[{} more; narrow the path or glob]\n", total - shown));
    }
    if end == WalkEnd::Truncated {
        text.push_str("[the walk reached its limit; the list is not complete]\n");
    }
    Ok(Untrusted::from(text))
}

/// A model's glob, matched on the whole path, or on the file name when the
/// glob has no slash.
pub(super) struct PathFilter {
    matcher: Option<GlobMatcher>,
    name_only: bool,
}

impl PathFilter {
    /// Compiles `glob`.
    pub(super) fn new(glob: Option<&str>) -> Result<Self, String> {
        let Some(glob) = glob.filter(|glob| !glob.is_empty()) else {
            return Ok(Self { matcher: None, name_only: false });
        };
        let pattern =
            GlobBuilder::new(glob.trim_start_matches("./")).literal_separator(true).build();
        let pattern = pattern.map_err(|error| format!("bad glob: {error}"))?;
        Ok(Self { matcher: Some(pattern.compile_matcher()), name_only: !glob.contains('/') })
    }

    /// Whether `path` passes.
    pub(super) fn matches(&self, path: &ProjectPath) -> bool {
        let subject = if self.name_only { path.file_name() } else { path.as_str() };
        self.matcher.as_ref().is_none_or(|matcher| matcher.is_match(subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        PathFilter::new(Some(glob)).unwrap().matches(&ProjectPath::new(path).unwrap())
    }

    #[test]
    fn a_glob_without_slash_matches_names_anywhere() {
        assert!(matches("*.rs", "src/deep/a.rs"));
        assert!(!matches("*.rs", "src/a.py"));
    }

    #[test]
    fn a_glob_with_slash_matches_whole_paths() {
        assert!(matches("src/**/*.rs", "src/deep/a.rs"));
        assert!(!matches("src/*.rs", "src/deep/a.rs"));
        assert!(PathFilter::new(Some("[")).is_err());
    }
}
