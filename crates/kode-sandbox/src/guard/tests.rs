#![allow(clippy::disallowed_methods, reason = "tests lay out repositories and forge files")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

struct Place {
    folder: tempfile::TempDir,
    guard: Guard,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    for name in ["p/.git/hooks", "p/.git/modules/sub", "p/nested/.git/hooks", "p/plain"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    for name in ["p/.git/config", "p/.git/modules/sub/HEAD", "p/nested/.git/config"] {
        fs::write(folder.path().join(name), "old").unwrap();
    }
    let nowhere = folder.path().join("kode");
    let root = ProjectRoot::find(&folder.path().join("p"), &nowhere, &nowhere).unwrap();
    let mut guard = Guard::new(&root).unwrap();
    guard.before_command();
    Place { folder, guard }
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("p").join(name)
    }

    fn quarantined(&mut self) -> Vec<String> {
        let incidents = self.guard.after_command();
        let path = |incident: Incident| match incident {
            Incident::Quarantined { path, moved_to } => {
                assert!(fs::symlink_metadata(self.at(path.as_str())).is_err());
                assert!(fs::symlink_metadata(self.at(moved_to.as_str())).is_ok());
                path.as_str().to_owned()
            }
            other => panic!("{other:?}"),
        };
        let mut paths: Vec<String> = incidents.into_iter().map(path).collect();
        paths.sort();
        paths
    }
}

#[test]
fn ordinary_changes_are_left_alone() {
    let mut place = place();
    fs::write(place.at("plain/file"), "x").unwrap();
    fs::write(place.at(".git/index"), "x").unwrap();
    fs::write(place.at(".git/hooks/pre-commit.sample"), "x").unwrap();
    fs::write(place.at("plain/kode.json"), "a fixture").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    assert!(place.at("plain/kode.json").exists());
}

#[test]
fn new_repositories_gitfiles_and_links_are_put_aside() {
    let mut place = place();
    fs::create_dir_all(place.at("plain/deep/.git/hooks")).unwrap();
    fs::write(place.at("plain/.git"), "gitdir: /elsewhere").unwrap();
    fs::create_dir(place.at("other")).unwrap();
    symlink("/elsewhere", place.at("other/.GIT")).unwrap();
    assert_eq!(place.quarantined(), ["other/.GIT", "plain/.git", "plain/deep/.git"]);
}

#[test]
fn forged_hooks_configuration_and_kodes_files_are_put_aside() {
    let mut place = place();
    for name in [
        ".git/hooks/pre-commit",
        ".git/commondir",
        ".git/config.worktree",
        ".git/modules/sub/config",
        "nested/.git/config",
        "nested/kode.json",
        "kode.json",
    ] {
        fs::write(place.at(name), "[core] fsmonitor = x").unwrap();
    }
    fs::create_dir(place.at(".kode")).unwrap();
    assert_eq!(
        place.quarantined(),
        [
            ".git/commondir",
            ".git/config.worktree",
            ".git/hooks/pre-commit",
            ".git/modules/sub/config",
            ".kode",
            "kode.json",
            "nested/.git/config",
            "nested/kode.json",
        ]
    );
    place.guard.before_command();
    assert_eq!(place.quarantined(), [""; 0]);
}

#[test]
fn what_was_there_before_the_command_is_not_its_doing() {
    let mut place = place();
    fs::write(place.at("kode.json"), "the user's").unwrap();
    place.guard.before_command();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(place.at("kode.json"), "changed!").unwrap();
    assert_eq!(place.quarantined(), ["kode.json"]);
}

#[test]
fn a_folder_changed_twice_within_a_tick_is_read_again() {
    let mut place = place();
    for round in 0..20 {
        fs::write(place.at("plain/.git"), "gitdir: x").unwrap();
        assert_eq!(place.quarantined(), ["plain/.git"], "round {round}");
        place.guard.before_command();
    }
}
