//! What commands plant that has git read or write other files of its own.

use super::*;

/// An index without entries, as it is where objects' names are so long.
fn empty_index(name_bytes: usize) -> Vec<u8> {
    [&b"DIRC"[..], &[0, 0, 0, 2, 0, 0, 0, 0], &vec![0; name_bytes]].concat()
}

const LONG: &str = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n";

#[test]
fn an_index_is_not_judged_by_what_the_command_wrote() {
    let mut place = place();
    fs::write(place.at("nested/.git/config"), LONG).unwrap();
    fs::write(place.at("nested/.git/index"), empty_index(32)).unwrap();
    assert_eq!(place.quarantined(), ["nested/.git/config", "nested/.git/index"]);
    // The same by another configuration that is found instead.
    place.guard.before_command();
    fs::create_dir(place.at("plain/nested")).unwrap();
    fs::write(place.at("config"), LONG).unwrap();
    fs::write(place.at("nested/.git/commondir"), ".\n").unwrap();
    fs::write(place.at("nested/.git/index"), empty_index(32)).unwrap();
    assert_eq!(place.quarantined(), ["nested/.git/commondir", "nested/.git/index"]);
    // Ordinary work in one goes on, though its configuration is held.
    place.guard.before_command();
    fs::write(place.at("nested/.git/config"), "[core]\n\tbare = false\n").unwrap();
    fs::write(place.at("nested/.git/index"), empty_index(20)).unwrap();
    assert_eq!(place.quarantined(), ["nested/.git/config"]);
}

#[test]
fn a_sound_index_is_judged_anew_where_the_configuration_changed() {
    let mut place = place();
    fs::write(place.at("nested/.git/config"), LONG).unwrap();
    place.guard.before_command();
    fs::write(place.at("nested/.git/index"), empty_index(32)).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    assert_eq!(place.quarantined(), [""; 0]);
    place.guard.before_command();
    fs::rename(place.at("nested/.git/config"), place.at("away")).unwrap();
    assert_eq!(place.quarantined(), ["nested/.git/index"]);
}

#[test]
fn a_persons_own_change_of_the_configuration_leaves_the_index() {
    let mut place = place();
    let config = place.at(".git/config");
    fs::write(&config, LONG).unwrap();
    place.guard.before_command();
    fs::write(&config, format!("{LONG}[user]\n\tname = x\n")).unwrap();
    fs::write(place.at(".git/index"), empty_index(32)).unwrap();
    let held = [config.to_str().unwrap().to_owned()];
    assert_eq!(place.guard.after_command(&held), []);
}

#[test]
fn references_that_lead_to_other_files_of_gits_are_put_aside() {
    let mut place = place();
    let folders = [".git/refs/heads/x", ".git/refs/remotes/origin", ".git/worktrees/w/refs/bisect"];
    folders.iter().for_each(|folder| fs::create_dir_all(place.at(folder)).unwrap());
    bare(&place, "r.git", "ref: refs/heads/main");
    fs::create_dir_all(place.at("r.git/refs/heads")).unwrap();
    fs::write(place.at(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    place.guard.before_command();
    let sound =
        [".git/refs/remotes/origin/HEAD", "r.git/refs/heads/x", ".git/HEAD", ".git/ORIG_HEAD"];
    for name in sound {
        fs::write(place.at(name), "ref: refs/remotes/origin/main\n").unwrap();
    }
    fs::write(place.at(".git/refs/heads/main"), "0a".repeat(20)).unwrap();
    fs::write(place.at(".git/COMMIT_EDITMSG"), "ref: what a commit says\n").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    place.guard.before_command();
    let mut forged = [
        ".git/ORIG_HEAD",
        ".git/AUTO_MERGE",
        ".git/refs/heads/x/y",
        ".git/refs/remotes/origin/main",
        ".git/refs/stash",
        ".git/worktrees/w/HEAD",
        ".git/worktrees/w/refs/bisect/bad",
        ".git/modules/sub/HEAD",
        "nested/.git/ORIG_HEAD",
        "r.git/refs/heads/main",
        "r.git/HEAD",
    ];
    for name in forged {
        fs::write(place.at(name), "ref: commondir\n").unwrap();
    }
    forged.sort_unstable();
    assert_eq!(place.quarantined(), forged);
}

#[test]
fn what_a_rebase_will_write_is_references_only() {
    let mut place = place();
    let folder = place.at(".git/rebase-merge");
    fs::create_dir_all(&folder).unwrap();
    let hash = "0a".repeat(20);
    fs::write(folder.join("head-name"), "refs/heads/main\n").unwrap();
    fs::write(folder.join("update-refs"), format!("refs/heads/x\n{hash}\n{hash}\n")).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(folder.join("head-name"), format!("refs/replace/{hash}\n")).unwrap();
    fs::write(folder.join("update-refs"), format!("commondir\n{hash}\n{hash}\n")).unwrap();
    let aside = [".git/rebase-merge/head-name", ".git/rebase-merge/update-refs"];
    assert_eq!(place.quarantined(), aside);
}

#[test]
fn folders_that_a_reference_would_make_a_repository_are_put_aside() {
    let mut place = place();
    let hash = "0a".repeat(20);
    for folder in [".git/refs/remotes/o", ".git/objects", "nested/.git/objects"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    bare(&place, "r.git", "ref: refs/heads/main");
    place.guard.before_command();
    for folder in ["objects", "refs"] {
        fs::create_dir_all(place.at(".git/refs/remotes/o/x").join(folder)).unwrap();
    }
    let named = [format!("nested/.git/objects/{hash}"), format!("r.git/{hash}")];
    named.iter().for_each(|folder| fs::create_dir_all(place.at(folder)).unwrap());
    fs::create_dir_all(place.at(".git/rr-cache").join(&hash)).unwrap();
    let aside = [".git/refs/remotes/o/x/objects", &named[0], &named[1]];
    assert_eq!(place.quarantined(), aside);
}
