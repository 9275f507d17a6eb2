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

/// What a command does to a file of which another name lies outside, and what is told.
fn told_of_shared(does: impl Fn(&Place)) -> Vec<String> {
    let mut place = place();
    let outside = place.folder.path().join("store");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(place.at("lib/deep")).unwrap();
    fs::create_dir_all(place.at(".git/objects/ab")).unwrap();
    fs::create_dir_all(place.at(".git/objects/pack")).unwrap();
    let names = ["lib/deep/m.py", ".git/objects/ab/cd", ".git/objects/pack/p.pack"];
    for (number, name) in names.iter().enumerate() {
        fs::write(place.at(name), "x").unwrap();
        fs::hard_link(place.at(name), outside.join(number.to_string())).unwrap();
    }
    fs::write(place.at("plain/own"), "x").unwrap();
    fs::hard_link(place.at("plain/own"), place.at("plain/too")).unwrap();
    place.guard.others.end();
    place.guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    does(&place);
    let mut told = Vec::new();
    for incident in place.guard.after_command(&[]) {
        let (Incident::SecondNames { paths, .. } | Incident::SecondNamesGone { paths, .. }) =
            incident
        else {
            panic!("{incident:?}")
        };
        told.extend(paths.iter().map(|path| path.as_str().to_owned()));
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    assert_eq!(place.guard.after_command(&[]), []);
    told
}

#[test]
fn a_file_that_was_written_through_and_replaced_is_told_of() {
    let replace = |place: &Place, name: &str| {
        fs::write(place.at(name), "changed").unwrap();
        fs::copy(place.at(name), place.at("copy")).unwrap();
        fs::rename(place.at("copy"), place.at(name)).unwrap();
    };
    for name in ["lib/deep/m.py", ".git/objects/ab/cd", ".git/objects/pack/p.pack"] {
        assert_eq!(told_of_shared(|place| replace(place, name)), [name]);
        assert_eq!(told_of_shared(|place| fs::remove_file(place.at(name)).unwrap()), [name]);
    }
    let gone = told_of_shared(|place| fs::remove_dir_all(place.at("lib")).unwrap());
    assert_eq!(gone, ["lib/deep/m.py"]);
    // Its other name outside is gone as well, so that it has one.
    let alone = told_of_shared(|place| {
        fs::write(place.at("lib/deep/m.py"), "changed").unwrap();
        fs::remove_file(place.folder.path().join("store/0")).unwrap();
    });
    assert_eq!(alone, ["lib/deep/m.py"]);
    assert_eq!(told_of_shared(|_| {}), [""; 0]);
    assert_eq!(told_of_shared(|place| replace(place, "plain/own")), [""; 0]);
    let moved = |place: &Place| fs::rename(place.at("lib/deep/m.py"), place.at("m.py")).unwrap();
    assert_eq!(told_of_shared(moved), ["m.py"]);
}

#[test]
fn second_names_that_a_person_made_between_commands_are_known_and_their_end_is_not_told() {
    let mut place = place();
    let outside = place.folder.path().join("store");
    std::thread::sleep(std::time::Duration::from_millis(60));
    place.guard.before_command();
    assert_eq!(place.guard.after_command(&[]), []);
    fs::write(&outside, "x").unwrap();
    fs::hard_link(&outside, place.at("plain/m")).unwrap();
    fs::hard_link(&outside, place.at("plain/n")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::remove_file(place.at("plain/m")).unwrap();
    let incidents = place.guard.after_command(&[]);
    assert!(
        matches!(&*incidents, [Incident::SecondNames { .. }]),
        "the other name here changed with it: {incidents:?}"
    );
    fs::remove_file(place.at("plain/n")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn the_projects_own_folder_hands_nothing_on_to_everybody() {
    let mut place = place();
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (kind, bits) in [(1_u16, 7_u16), (4, 5), (0x20, 7)] {
        list.extend([kind.to_le_bytes(), bits.to_le_bytes()].concat());
        list.extend(u32::MAX.to_le_bytes());
    }
    let name = "system.posix_acl_default";
    let set = rustix::fs::setxattr(place.at(""), name, &list, rustix::fs::XattrFlags::empty());
    if set == Err(Errno::OPNOTSUPP) {
        return;
    }
    let incidents = place.guard.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::PermissionsTightened { .. }]), "{incidents:?}");
    let mut room = [0_u8; 64];
    let left = rustix::fs::getxattr(place.at(""), name, &mut room);
    assert_eq!(left, Err(Errno::NODATA));
}

/// Runs it until the kernel has told, for as long as a machine may take.
fn until(mut is_so: impl FnMut() -> bool) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        is_so()
    })
}

#[test]
fn what_makes_another_repository_of_the_projects_while_a_command_runs_ends_it_and_is_told() {
    let mut place = place();
    assert!(!place.guard.is_led_away());
    std::thread::sleep(std::time::Duration::from_millis(30));
    assert!(!place.guard.is_led_away());
    // There and gone before anybody looks.
    fs::write(place.at(".git/commondir"), "x").unwrap();
    fs::remove_file(place.at(".git/commondir")).unwrap();
    assert!(until(|| place.guard.is_led_away()));
    let incidents = place.guard.after_command(&[]);
    let [Incident::Appeared { paths, more: 0 }] = &*incidents else { panic!("{incidents:?}") };
    assert_eq!(paths[0].as_str(), ".git/commondir");
    place.guard.before_command();
    assert!(!place.guard.is_led_away());
    fs::write(place.at(".git/COMMIT_EDITMSG"), "x").unwrap();
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn links_that_git_would_write_through_for_a_moment_end_a_command_and_are_told_of() {
    for (link, before_the_watch) in [
        ("COMMIT_EDITMSG", true),
        ("COMMIT_EDITMSG", false),
        ("logs/HEAD", true),
        ("refs/heads/x", false),
    ] {
        let mut place = place();
        for folder in ["logs", "refs/heads"] {
            fs::create_dir_all(place.at(".git").join(folder)).unwrap();
        }
        symlink("/nonexistent", place.at(".git/MERGE_MSG")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        place.guard.before_command();
        let link = place.at(".git").join(link);
        if before_the_watch {
            symlink("/nonexistent", &link).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(place.guard.is_led_away(), before_the_watch);
        if !before_the_watch {
            symlink("/nonexistent", place.at(".git/.#COMMIT_EDITMSG")).unwrap();
            assert!(!place.guard.is_led_away());
            fs::remove_file(place.at(".git/.#COMMIT_EDITMSG")).unwrap();
            symlink("/nonexistent", &link).unwrap();
        }
        assert!(before_the_watch || until(|| place.guard.is_led_away()));
        assert!(!place.guard.is_led_away());
        fs::remove_file(&link).unwrap();
        let incidents = place.guard.after_command(&[]);
        assert!(matches!(&*incidents, [Incident::Appeared { .. }]), "{incidents:?}");
    }
}

#[test]
fn a_folder_of_gits_that_is_exchanged_is_watched_as_well() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/logs")).unwrap();
    place.guard.before_command();
    std::thread::sleep(std::time::Duration::from_millis(30));
    assert!(!place.guard.is_led_away());
    fs::rename(place.at(".git/logs"), place.at("old")).unwrap();
    fs::create_dir(place.at(".git/logs")).unwrap();
    assert!(!place.guard.is_led_away());
    symlink("/nonexistent", place.at(".git/logs/HEAD")).unwrap();
    assert!(until(|| place.guard.is_led_away()));
}

#[test]
fn folders_on_the_way_to_the_projects_own_configuration_stay_in_place() {
    let mut place = place();
    let config = "[include]\n\tpath = ../dev/git/inc\n\tpath = ../top\n";
    fs::write(place.at(".git/config"), config).unwrap();
    fs::create_dir_all(place.at("dev/git")).unwrap();
    fs::create_dir_all(place.at("nested/dev")).unwrap();
    fs::write(place.at("nested/.git/config"), "[include]\n\tpath = ../dev/inc\n").unwrap();
    for name in ["dev/git/inc", "top", "nested/dev/inc"] {
        fs::write(place.at(name), "[a]\n").unwrap();
    }
    place.guard.before_command();
    let found = place.guard.in_project();
    assert_eq!(found.fixed, [&b"dev"[..], b"dev/git"]);
    assert_eq!(found.read_only.len(), 3);
}

/// What is told of a setting when the command changed a file.
fn told_of_run(place: &mut Place, config: &str, changed: &str) -> Vec<String> {
    fs::write(place.at(".git/config"), config).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::write(place.at(changed), format!("changed for {config}")).unwrap();
    let mut told = Vec::new();
    for incident in place.guard.after_command(&[]) {
        let Incident::GitRuns { paths, .. } = incident else { panic!("{incident:?}") };
        told.extend(paths.iter().map(|path| path.as_str().to_owned()));
    }
    told
}

#[test]
fn what_git_runs_over_links_and_hooks_that_go_on_elsewhere_is_told_of() {
    let mut place = place();
    for folder in [".husky/_", ".hooks", "tools", "bin"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    let hook =
        "#!/bin/sh\n# tools/comment\nexec \"$(git rev-parse --show-toplevel)/tools/named\" a/b\n";
    for (name, text) in [
        (".husky/_/pre-commit", ". \"$(dirname \"$0\")/h\"\n"),
        (".husky/pre-commit", "true"),
        (".hooks/pre-push", hook),
        ("tools/named", "x"),
        ("tools/comment", "x"),
        ("tools/real", "x"),
        ("tools/linked", "x"),
    ] {
        fs::write(place.at(name), text).unwrap();
    }
    symlink("../tools/linked", place.at(".hooks/pre-commit")).unwrap();
    symlink("../tools/real", place.at("bin/prog")).unwrap();
    symlink("bin", place.at("sbin")).unwrap();
    let husky = "[core]\nhooksPath = .husky/_\n";
    let hooks = "[core]\nhooksPath = .hooks\n";
    for (config, changed) in [
        (husky, ".husky/pre-commit"),
        (hooks, "tools/linked"),
        (hooks, "tools/named"),
        ("[core]\nfsmonitor = bin/prog\n", "tools/real"),
        ("[core]\nfsmonitor = sbin/prog\n", "tools/real"),
        ("[alias]\nx = !env --split-string=./tools/real\n", "tools/real"),
        ("[alias]\nx = \"!PATH=./tools:$PATH real\"\n", "tools/real"),
        ("[lfs \"extension.x\"]\nclean = sh ./tools/real %f\n", "tools/real"),
    ] {
        assert_eq!(told_of_run(&mut place, config, changed), [changed], "{config}");
    }
    assert_eq!(told_of_run(&mut place, hooks, "tools/comment"), [""; 0]);
    // A link that leads elsewhere by now.
    place.guard.before_command();
    fs::remove_file(place.at(".hooks/pre-commit")).unwrap();
    symlink("../tools/real", place.at(".hooks/pre-commit")).unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::GitRuns { paths, .. }] = &*incidents else { panic!("{incidents:?}") };
    assert!(paths.iter().any(|path| path.as_str() == ".hooks/pre-commit"));
}

#[test]
fn files_that_the_index_has_git_overlook_are_told_of_when_they_change() {
    let mut place = place();
    for name in ["plain/a", "plain/b"] {
        fs::write(place.at(name), "x").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    // Each entry: times and the like, mode, owner, size, object, flags, name, zeros.
    let entry = |name: &[u8]| {
        let mut entry = vec![0; 62];
        entry[24..28].copy_from_slice(&0o100_644_u32.to_be_bytes());
        entry[60..62].copy_from_slice(&(0x8000 | name.len() as u16).to_be_bytes());
        entry.extend(name);
        entry.resize(entry.len() / 8 * 8 + 8, 0);
        entry
    };
    let entries = [entry(b"plain/a"), entry(b"plain/b")].concat();
    let index = [&b"DIRC"[..], &[0, 0, 0, 2, 0, 0, 0, 2], &entries, &[0; 20]].concat();
    fs::write(place.at(".git/index"), index).unwrap();
    fs::write(place.at("plain/b"), "changed").unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::Overlooked { paths, more: 0 }] = &*incidents else { panic!("{incidents:?}") };
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0].as_str(), "plain/b");
}

#[test]
fn what_a_person_must_read_is_named_before_decoys() {
    let decoys = (0..200).map(|number| format!("a/.git/hooks/{number}").into_bytes());
    let paths: Vec<_> =
        decoys.chain([b"src/.git".to_vec(), b"x/y/.git/commondir".to_vec()]).collect();
    let (some, more) = named(&paths, 100).unwrap();
    assert_eq!((some[0].as_str(), some[1].as_str(), more), ("src/.git", "x/y/.git/commondir", 102));
}

/// Who holds a lease on a file has everybody else wait for it, or find nothing.
#[test]
#[allow(unsafe_code, reason = "nothing else takes a lease")]
fn configuration_that_can_not_be_read_is_told_of() {
    use std::os::fd::AsRawFd as _;
    /// Which signal tells of somebody who waits (linux/fcntl.h).
    const F_SETSIG: libc::c_int = 10;
    let mut place = place();
    let held = fs::OpenOptions::new().write(true).open(place.at(".git/config")).unwrap();
    // SAFETY: both only set what the kernel does with this descriptor.
    let taken = unsafe {
        libc::fcntl(held.as_raw_fd(), F_SETSIG, libc::SIGCHLD);
        libc::fcntl(held.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK)
    };
    if taken != 0 {
        // Not on this file system.
        return;
    }
    place.guard.before_command();
    drop(held);
    let incidents = place.guard.after_command(&[]);
    assert!(incidents.contains(&Incident::Unchecked), "{incidents:?}");
}
