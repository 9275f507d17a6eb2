//! What several sandboxes that can write to the same places can do for each other, and what
//! of a person's own changes meanwhile stays.

use super::*;

/// A tick of the file system's clock.
fn wait() {
    std::thread::sleep(std::time::Duration::from_millis(20));
}

fn guard(place: &Place, folder: &str) -> Guard {
    let nowhere = place.folder.path().join("kode");
    let root = ProjectRoot::exactly(&place.folder.path().join(folder), &nowhere, &nowhere).unwrap();
    let mut guard = Guard::new(&root, &nowhere, true).unwrap();
    guard.protects(vec![root.path().join(".git/config").to_str().unwrap().to_owned()]);
    guard
}

fn put_aside(incidents: &[Incident]) -> Vec<&str> {
    let path = |incident: &'_ Incident| match incident {
        Incident::Quarantined { path, .. } => path.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    let mut paths: Vec<String> = incidents.iter().map(path).collect();
    paths.sort();
    paths.into_iter().map(|path| &*path.leak()).collect()
}

#[test]
fn one_sandbox_does_not_launder_what_another_one_planted() {
    let mut place = place();
    wait();
    place.guard.before_command();
    fs::create_dir_all(place.at("src/.git/hooks")).unwrap();
    symlink("/nonexistent", place.at(".git/logs")).unwrap();
    fs::write(place.at("nested/.git/config"), "changed").unwrap();
    let mut other = guard(&place, "p");
    other.before_command();
    for (from, to) in [("src/.git", "src/hidden"), (".git/logs", ".git-logs")] {
        fs::rename(place.at(from), place.at(to)).unwrap();
    }
    // The file was changed in its place.
    assert_eq!(place.quarantined(), ["nested/.git/config"]);
    for (from, to) in [("src/hidden", "src/.git"), (".git-logs", ".git/logs")] {
        fs::rename(place.at(from), place.at(to)).unwrap();
    }
    place.guard = other;
    assert_eq!(place.quarantined(), [".git/logs", "src/.git"]);
    assert!(place.at("nested/.git").exists());
}

/// The third one knows the second one only, which knew the first.
#[test]
fn nor_do_two_others_in_turn() {
    let mut place = place();
    wait();
    place.guard.before_command();
    fs::create_dir_all(place.at("src/.git/hooks")).unwrap();
    wait();
    let mut second = guard(&place, "p");
    second.before_command();
    fs::rename(place.at("src"), place.at(".git/src")).unwrap();
    fs::rename(place.at(".git/src/.git"), place.at(".git/src/x")).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::rename(place.at(".git/src/x"), place.at(".git/src/.git")).unwrap();
    fs::rename(place.at(".git/src"), place.at("src")).unwrap();
    let mut third = guard(&place, "p");
    third.before_command();
    fs::rename(place.at("src"), place.at("away")).unwrap();
    fs::rename(place.at("away/.git"), place.at("away/x")).unwrap();
    assert_eq!(second.after_command(&[]), []);
    fs::rename(place.at("away/x"), place.at("away/.git")).unwrap();
    fs::rename(place.at("away"), place.at("src")).unwrap();
    assert_eq!(put_aside(&third.after_command(&[])), ["src/.git"]);
}

#[test]
fn what_stood_before_both_sandboxes_stays() {
    for folder in ["p", "p/nested"] {
        let mut place = place();
        wait();
        place.guard.before_command();
        // As a commit does.
        fs::write(place.at("nested/.git/HEAD.lock"), "x").unwrap();
        fs::write(place.at(".git/HEAD.lock"), "x").unwrap();
        let mut other = guard(&place, folder);
        other.before_command();
        let mut third = guard(&place, "p");
        third.before_command();
        assert_eq!(other.after_command(&[]), [], "{folder}");
        assert_eq!(third.after_command(&[]), [], "{folder}");
        assert_eq!(place.guard.after_command(&[]), [], "{folder}");
    }
}

#[test]
fn projects_within_one_another_know_of_each_other() {
    let mut place = place();
    fs::create_dir(place.at("nested/src")).unwrap();
    place.guard.others.end();
    let mut inner = guard(&place, "p/nested");
    wait();
    inner.before_command();
    fs::create_dir_all(place.at("nested/src/.git/hooks")).unwrap();
    fs::create_dir_all(place.at("plain/.git")).unwrap();
    // Where the inner one can't write it is a person's.
    place.guard.before_command();
    fs::rename(place.at("nested/src/.git"), place.at("x")).unwrap();
    assert_eq!(inner.after_command(&[]), []);
    fs::rename(place.at("x"), place.at("nested/src/.git")).unwrap();
    assert_eq!(place.quarantined(), ["nested/src/.git"]);
    assert!(place.at("plain/.git").exists());
}

/// A linked worktree `w` of the project.
fn worktree(place: &Place) {
    for folder in ["w", "p/.git/worktrees/w", "p/.git/logs/refs", "p/.git/refs", "p/.git/objects"] {
        fs::create_dir_all(place.folder.path().join(folder)).unwrap();
    }
    let [gitfile, own] =
        ["w/.git", "p/.git/worktrees/w"].map(|path| place.folder.path().join(path));
    fs::write(&gitfile, format!("gitdir: {}\n", own.display())).unwrap();
    fs::write(own.join("gitdir"), format!("{}\n", gitfile.display())).unwrap();
    fs::write(own.join("commondir"), "../..\n").unwrap();
    fs::write(own.join("HEAD"), "ref: refs/heads/w\n").unwrap();
}

#[test]
fn a_linked_worktree_and_its_repository_know_of_each_other() {
    for first in ["p", "w"] {
        let mut place = place();
        place.guard.others.end();
        worktree(&place);
        wait();
        let mut one = guard(&place, first);
        one.before_command();
        symlink("/nonexistent", place.at(".git/logs/refs/x")).unwrap();
        let mut other = guard(&place, if first == "p" { "w" } else { "p" });
        other.before_command();
        fs::rename(place.at(".git/logs/refs"), place.folder.path().join("x")).unwrap();
        assert_eq!(one.after_command(&[]), [], "{first}");
        fs::rename(place.folder.path().join("x"), place.at(".git/logs/refs")).unwrap();
        let incidents = other.after_command(&[]);
        assert_eq!(incidents.len(), 1, "{first}: {incidents:?}");
        assert!(fs::symlink_metadata(place.at(".git/logs/refs/x")).is_err(), "{first}");
        place.guard.before_command();
        assert_eq!(place.guard.after_command(&[]), []);
    }
}

/// As `git config` does it: the mount goes with the old file.
fn replace(place: &Place, text: &str) {
    fs::write(place.at("config.lock"), text).unwrap();
    fs::rename(place.at("config.lock"), place.at(".git/config")).unwrap();
}

/// Two sandboxes of one project; the second begins once a person replaced the
/// configuration and the first one's command wrote to it.
fn two_and_a_person() -> (Place, Guard) {
    let mut place = place();
    place.guard.others.end();
    place.guard = guard(&place, "p");
    wait();
    place.guard.before_command();
    replace(&place, "a person's");
    fs::write(place.at(".git/config"), "a person's and evil").unwrap();
    let mut other = guard(&place, "p");
    other.before_command();
    (place, other)
}

#[track_caller]
fn assert_kept_aside(place: &Place, incidents: &[Incident]) {
    let [Incident::PutBack { path, moved_to }] = incidents else { panic!("{incidents:?}") };
    assert_eq!(path.as_str(), ".git/config");
    assert_eq!(fs::read_to_string(place.at(moved_to.as_str())).unwrap(), "a person's and evil");
    assert_eq!(fs::read_to_string(place.at(".git/config")).unwrap(), "old");
}

#[test]
fn what_another_ones_command_wrote_is_never_put_back() {
    let (mut place, mut other) = two_and_a_person();
    let incidents = place.guard.after_command(&[]);
    assert_kept_aside(&place, &incidents);
    // The first one's kode took the second one's mount away as well.
    assert_eq!(other.after_command(&[]), []);
    assert_eq!(fs::read_to_string(place.at(".git/config")).unwrap(), "old");

    // A session's next command has no mount there from the first.
    let (mut place, mut other) = two_and_a_person();
    let incidents = other.after_command(&[]);
    assert_kept_aside(&place, &incidents);
    assert_eq!(place.guard.after_command(&[]), []);

    // The second one's mount stood: it is the first one's to look at.
    let (mut place, mut other) = two_and_a_person();
    let held = [place.at(".git/config").to_str().unwrap().to_owned()];
    assert_eq!(other.after_command(&held), []);
    let incidents = place.guard.after_command(&[]);
    assert_kept_aside(&place, &incidents);
}

#[test]
fn a_removed_configuration_comes_back_from_what_the_first_one_kept() {
    let (place, mut other) = two_and_a_person();
    fs::rename(place.at(".git/config"), place.at("away")).unwrap();
    let incidents = other.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::Restored { .. }]), "{incidents:?}");
    assert_eq!(fs::read_to_string(place.at(".git/config")).unwrap(), "old");
}

#[test]
fn what_a_person_removed_before_stays_away() {
    let mut place = place();
    place.guard.others.end();
    place.guard = guard(&place, "p");
    place.guard.before_command();
    fs::rename(place.at(".git/config"), place.at("away")).unwrap();
    let mut other = guard(&place, "p");
    other.before_command();
    assert_eq!(other.after_command(&[]), []);
    assert!(!place.at(".git/config").exists());
}

#[test]
fn of_what_nobody_kept_nothing_is_put_back_and_it_is_told() {
    let mut place = place();
    wait();
    place.guard.before_command();
    fs::write(place.at("kode.json"), "{}").unwrap();
    let mut other = guard(&place, "p");
    other.protects(vec![place.at("kode.json").to_str().unwrap().to_owned()]);
    other.before_command();
    assert_eq!(put_aside(&other.after_command(&[])), ["kode.json"]);
    assert!(!place.at("kode.json").exists());
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn a_forged_index_of_another_ones_command_is_found() {
    let mut place = place();
    wait();
    place.guard.before_command();
    fs::write(place.at(".git/index"), "DIRC").unwrap();
    wait();
    let mut other = guard(&place, "p");
    other.before_command();
    assert_eq!(put_aside(&other.after_command(&[])), [".git/index"]);
}

#[test]
fn what_git_runs_is_told_of_once_when_another_ones_command_may_have_changed_it() {
    let mut place = place();
    fs::write(place.at(".git/config"), "[core]\n\thooksPath = .husky\n").unwrap();
    fs::create_dir(place.at(".husky")).unwrap();
    fs::write(place.at(".husky/pre-commit"), "old").unwrap();
    wait();
    place.guard.before_command();
    fs::write(place.at(".husky/pre-commit"), "new").unwrap();
    let mut other = guard(&place, "p");
    other.before_command();
    let incidents = other.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::GitRuns { .. }]), "{incidents:?}");
    other.before_command();
    assert_eq!(other.after_command(&[]), []);
}

#[test]
fn bits_that_another_ones_command_left_go() {
    let mut place = place();
    wait();
    place.guard.before_command();
    fs::write(place.at("plain/open"), "x").unwrap();
    fs::set_permissions(place.at("plain/open"), fs::Permissions::from_mode(0o666)).unwrap();
    wait();
    let mut other = guard(&place, "p");
    other.before_command();
    let incidents = other.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::PermissionsTightened { .. }]), "{incidents:?}");
}
