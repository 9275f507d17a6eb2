//! Which files count, and what none may be called.

use std::path::{Path, PathBuf};

use super::Report;

/// Words that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] =
    ["utils", "util", "helpers", "common", "manager", "managers", "misc"];

/// Every file git would list: what `.gitignore` names is left out.
pub(crate) fn listed(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let walk = ignore::WalkBuilder::new(root).hidden(false).require_git(false).build();
    for entry in walk {
        let entry = entry?;
        let inside_git = entry.path().components().any(|part| part.as_os_str() == ".git");
        if !inside_git && entry.file_type().is_some_and(|kind| kind.is_file()) {
            paths.push(entry.into_path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Refuses names such as `utils.rs`, for files and folders alike.
pub(crate) fn check_name(place: &str, report: &mut Report) {
    if is_sample(place) {
        return;
    }
    for part in place.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        let empty = stem.split(['_', '-']).find(|word| EMPTY_NAMES.contains(word));
        if let Some(word) = empty {
            report.error(place, format!("`{word}` says nothing: name the subject"));
        }
    }
}

/// Samples for tests may look like anything.
pub(crate) fn is_sample(place: &str) -> bool {
    let folder = |name: &str| place.split('/').any(|part| part == name);
    folder("fixtures") || folder("demo") || place.contains("tests/ui/") || folder("compile_fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_refused() {
        for (place, fine) in [
            ("crates/a/src/utils.rs", false),
            ("crates/a/src/path_helpers.rs", false),
            ("crates/a/src/common/mod.rs", false),
            ("crates/session-manager/Cargo.toml", false),
            ("crates/a/src/uncommon.rs", true),
            ("crates/a/tests/fixtures/utils.js", true),
            ("crates/a/src/permit.rs", true),
        ] {
            let mut report = Report::default();
            check_name(place, &mut report);
            assert_eq!(report.is_clean(), fine, "{place}");
        }
    }
}
