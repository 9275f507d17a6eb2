//! What commands plant in git's own folders, and what several sandboxes of one project
//! can do for each other.

use super::*;

fn leads(place: &Place, link: &str, target: &str) {
    let at = place.at(link);
    if fs::symlink_metadata(&at).is_ok() {
        fs::rename(&at, place.at("moved-away")).unwrap();
    }
    symlink(target, at).unwrap();
}

#[test]
fn links_in_a_git_folder_are_put_aside() {
    for link in ["COMMIT_EDITMSG", "logs", "modules", "modules/sub", "objects", "refs/heads/o"] {
        let mut place = place();
        for folder in [".git/refs/heads", ".git/objects/ab", "away/sub"] {
            fs::create_dir_all(place.at(folder)).unwrap();
        }
        symlink("../away", place.at(".git/a-persons")).unwrap();
        place.guard.before_command();
        leads(&place, &format!(".git/{link}"), "../away");
        assert_eq!(place.quarantined(), [format!(".git/{link}")]);
        assert!(place.at(".git/a-persons").exists());
    }
}

#[test]
fn a_link_among_objects_and_a_pipe_for_head_are_put_aside() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/objects/ab")).unwrap();
    place.guard.before_command();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    symlink("/nonexistent", place.at(".git/objects/ab/cd")).unwrap();
    for folder in ["bare/objects", "bare/refs"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    rustix::fs::mkfifoat(rustix::fs::CWD, place.at("bare/HEAD"), Mode::from_raw_mode(0o644))
        .unwrap();
    assert_eq!(place.quarantined(), [".git/objects/ab/cd", "bare/HEAD"]);
}

/// A link elsewhere makes it a folder to work in.
#[test]
fn repositories_in_a_git_folder_are_put_aside() {
    let mut place = place();
    fs::create_dir(place.at(".kode")).unwrap();
    place.guard.before_command();
    fs::create_dir_all(place.at(".git/zzz/.git/hooks")).unwrap();
    fs::create_dir_all(place.at(".kode/y/.git")).unwrap();
    bare(&place, ".git/objects/bare", "ref: refs/heads/main");
    assert_eq!(place.quarantined(), [".git/objects/bare/HEAD", ".git/zzz/.git", ".kode/y/.git"]);
}

#[test]
fn what_was_put_aside_is_no_repository_any_more() {
    let mut place = place();
    bare(&place, "plain/.git", "ref: refs/heads/main");
    bare(&place, "plain/.git/modules/m", "ref: refs/heads/main");
    let incidents = place.guard.after_command(&[]);
    let [Incident::Quarantined { moved_to, .. }] = &*incidents else { panic!("{incidents:?}") };
    for folder in ["", "/modules/m"] {
        let folder = place.at(&format!("{moved_to}{folder}"));
        assert!(!folder.join("HEAD").exists() && folder.join("HEAD.kode-quarantine").exists());
    }
}

#[test]
fn a_forged_index_is_put_aside() {
    let mut place = place();
    fs::write(place.at(".git/index"), "DIRC").unwrap();
    fs::create_dir_all(place.at(".git/modules/sub")).unwrap();
    fs::write(place.at(".git/modules/sub/sharedindex.0"), "DIRC").unwrap();
    assert_eq!(place.quarantined(), [".git/index", ".git/modules/sub/sharedindex.0"]);
}

#[test]
fn git_folders_do_not_stay_open_to_everybody() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::set_permissions(place.at("nested/.git/hooks"), fs::Permissions::from_mode(0o777)).unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::PermissionsTightened { bits: 0o002, .. }] = &*incidents else {
        panic!("{incidents:?}")
    };
    let mode = fs::metadata(place.at("nested/.git/hooks")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o775);
}

#[test]
fn a_default_access_list_for_everybody_goes() {
    let mut place = place();
    fs::create_dir(place.at("handing")).unwrap();
    // user::rwx group::r-x other::rwx, as setfacl writes it (linux/posix_acl_xattr.h).
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (kind, bits) in [(1_u16, 7_u16), (4, 5), (0x20, 7)] {
        list.extend([kind.to_le_bytes(), bits.to_le_bytes()].concat());
        list.extend(u32::MAX.to_le_bytes());
    }
    let name = "system.posix_acl_default";
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(place.at("handing"), name, &list, flags) == Err(Errno::OPNOTSUPP) {
        return;
    }
    let incidents = place.guard.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::PermissionsTightened { .. }]), "{incidents:?}");
    let mut room = [0_u8; 64];
    let left = rustix::fs::getxattr(place.at("handing"), name, &mut room);
    assert_eq!(left, Err(Errno::NODATA));
}

#[test]
fn one_sandbox_does_not_launder_what_another_one_planted() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::create_dir_all(place.at("src/.git/hooks")).unwrap();
    symlink("/nonexistent", place.at(".git/logs")).unwrap();
    fs::write(place.at("nested/.git/config"), "changed").unwrap();
    let root = place.root();
    let mut other = Guard::new(&root, &place.folder.path().join("kode"), true).unwrap();
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

#[test]
fn what_stood_before_both_sandboxes_stays() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    // As a commit does.
    fs::write(place.at("nested/.git/HEAD.lock"), "x").unwrap();
    let mut other = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    other.before_command();
    assert_eq!(other.after_command(&[]), []);
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn what_a_killed_session_left_is_told_of() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::create_dir_all(place.at("src/.git/hooks")).unwrap();
    let root = place.root();
    // Nobody looked after the command.
    place.guard = Guard::new(&root, &place.folder.path().join("kode"), true).unwrap();
    place.guard.before_command();
    let incidents = place.guard.after_command(&[]);
    let [Incident::LeftByKilled { paths, more: 0 }] = &*incidents else { panic!("{incidents:?}") };
    assert_eq!(paths[0].as_str(), "src/.git");
    place.guard.before_command();
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn a_cherry_pick_is_left_no_program_to_merge_with() {
    let mut place = place();
    for folder in ["sequencer", "rebase-merge"] {
        fs::create_dir_all(place.at(".git").join(folder)).unwrap();
    }
    let write = |place: &Place, strategy: &str| {
        let options = format!("[options]\n\tstrategy = {strategy}\n");
        fs::write(place.at(".git/sequencer/opts"), options).unwrap();
        fs::write(place.at(".git/rebase-merge/strategy"), format!("{strategy}\n")).unwrap();
    };
    write(&place, "ort");
    assert_eq!(place.quarantined(), [""; 0]);
    write(&place, "x/y");
    assert_eq!(place.quarantined(), [".git/rebase-merge/strategy", ".git/sequencer/opts"]);
}

/// As when a person runs `git config`, which takes the mount away, and the command
/// then removes the file.
#[test]
fn a_removed_configuration_comes_back() {
    let mut place = place();
    let config = place.at(".git/config");
    place.guard.protects(vec![config.to_str().unwrap().to_owned()]);
    place.guard.before_command();
    fs::rename(&config, place.at("away")).unwrap();
    let incidents = place.guard.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::Restored { .. }]), "{incidents:?}");
    assert_eq!(fs::read_to_string(&config).unwrap(), "old");
}

#[test]
fn files_that_git_would_read_or_write_anywhere_are_put_aside() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/rebase-apply")).unwrap();
    fs::write(place.at(".git/rebase-apply/apply-opt"), " '-p1' '--directory=a'\n").unwrap();
    fs::write(place.at(".git/MERGE_RR"), "").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(place.at(".git/rebase-apply/apply-opt"), " '--build-fake-ancestor=../x'\n").unwrap();
    fs::write(place.at(".git/MERGE_RR"), "0123\t../secret\0").unwrap();
    assert_eq!(place.quarantined(), [".git/MERGE_RR", ".git/rebase-apply/apply-opt"]);
}

#[test]
fn configuration_within_the_git_folder_and_behind_links_is_found() {
    let mut place = place();
    let config = "[include]\n\tpath = extra\n\tpath = ../l/inc\n[core]\n\thooksPath = .git/mine\n";
    fs::write(place.at(".git/config"), config).unwrap();
    fs::create_dir_all(place.at("d")).unwrap();
    fs::create_dir_all(place.at("e")).unwrap();
    symlink("d", place.at("l")).unwrap();
    for name in ["d/inc", "e/inc", ".git/extra"] {
        fs::write(place.at(name), "[a]\n").unwrap();
    }
    place.guard.before_command();
    let protected = place.guard.in_project().read_only;
    for name in [".git/extra", "d/inc"] {
        assert!(protected.contains(&name.as_bytes().to_vec()), "{name}");
    }
    fs::rename(place.at("l"), place.at("old")).unwrap();
    symlink("e", place.at("l")).unwrap();
    fs::create_dir(place.at(".git/mine")).unwrap();
    fs::write(place.at(".git/mine/pre-commit"), "x").unwrap();
    let incidents = place.guard.after_command(&[]);
    let keys: Vec<&str> = incidents
        .iter()
        .map(|incident| match incident {
            Incident::GitRuns { key, .. } => key.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["core.hookspath", "include.path"]);
}

#[test]
fn a_list_of_tables_is_left_those_beside_it() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/reftable")).unwrap();
    let list = place.at(".git/reftable/tables.list");
    let own = "0x000000000001-0x000000000002-bd2bf1c4.ref\n";
    fs::write(&list, own).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(&list, format!("../../../other/.git/reftable/{own}{own}")).unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::TablesElsewhere { path, moved_to }] = &*incidents else {
        panic!("{incidents:?}")
    };
    assert_eq!(path.as_str(), ".git/reftable/tables.list");
    assert!(fs::read_to_string(place.at(moved_to.as_str())).unwrap().starts_with("../"));
    assert_eq!(fs::read_to_string(&list).unwrap(), own);
    place.guard.before_command();
    assert_eq!(place.quarantined(), [""; 0]);
}
