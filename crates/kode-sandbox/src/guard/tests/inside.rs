//! What commands plant in git's own folders.

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
    fs::create_dir(place.at("nested/.git/refs")).unwrap();
    place.guard.before_command();
    // user::rwx group::r-x other::rwx, as setfacl writes it (linux/posix_acl_xattr.h).
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (kind, bits) in [(1_u16, 7_u16), (4, 5), (0x20, 7)] {
        list.extend([kind.to_le_bytes(), bits.to_le_bytes()].concat());
        list.extend(u32::MAX.to_le_bytes());
    }
    let name = "system.posix_acl_default";
    let flags = rustix::fs::XattrFlags::empty();
    for folder in ["handing", "nested/.git/refs"] {
        let set = rustix::fs::setxattr(place.at(folder), name, &list, flags);
        if set == Err(Errno::OPNOTSUPP) {
            return;
        }
    }
    let incidents = place.guard.after_command(&[]);
    assert!(
        matches!(
            &*incidents,
            [Incident::PermissionsTightened { .. }, Incident::PermissionsTightened { .. }]
        ),
        "{incidents:?}"
    );
    for folder in ["handing", "nested/.git/refs"] {
        let mut room = [0_u8; 64];
        let left = rustix::fs::getxattr(place.at(folder), name, &mut room);
        assert_eq!(left, Err(Errno::NODATA));
    }
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
    let conflict = "0123\tplain/file\0";
    fs::write(place.at("plain/file"), "x").unwrap();
    fs::write(place.at(".git/MERGE_RR"), conflict).unwrap();
    fs::write(place.at(".git/rebase-apply/apply-opt"), "").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    place.guard.before_command();
    fs::rename(place.at("plain/file"), place.at("plain/old")).unwrap();
    symlink("/nonexistent", place.at("plain/file")).unwrap();
    assert_eq!(place.quarantined(), [".git/MERGE_RR"]);
    place.guard.before_command();
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
            Incident::Quarantined { path, .. } => path.as_str(),
            Incident::StrangeInGit { paths, .. } => paths[0].as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["l", "core.hookspath", ".git/mine"]);
}

/// On a file system that keeps case only one of them is git's, and which that is a folder's
/// order must not decide.
#[test]
fn no_second_head_hides_a_repository() {
    let mut place = place();
    bare(&place, "known", "ref: refs/heads/main");
    place.guard.before_command();
    bare(&place, "bb", "ref: refs/heads/main");
    fs::create_dir_all(place.at("in.git/.git")).unwrap();
    bare(&place, "in.git/.git/x", "ref: refs/heads/main");
    let heads = ["head", "Head", "hEAD", "HEad", "heaD"];
    for folder in ["bb", "known", "in.git/.git/x"] {
        for head in heads {
            fs::write(place.at(folder).join(head), "nothing").unwrap();
        }
    }
    fs::write(place.at("known/hooks/post-receive"), "x").unwrap();
    fs::write(place.at("in.git/.git/x/HEAD.kode-quarantine"), "x").unwrap();
    let found = place.quarantined();
    for path in ["bb/HEAD", "bb/head", "known/hooks/post-receive", "known/head"] {
        assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
    }
    let aside = fs::read_dir(place.at("in.git")).unwrap().next().unwrap().unwrap().path();
    for head in heads.iter().chain(&["HEAD"]) {
        assert!(!aside.join("x").join(head).exists(), "{head}");
    }
}

/// What is judged only with a `HEAD` beside it is judged when that comes.
#[test]
fn a_git_folder_prepared_elsewhere_is_looked_at_where_it_comes_to_stand() {
    let mut place = place();
    for folder in [".git/modules/libs/sub", ".git/modules/wt"] {
        fs::create_dir_all(place.at(folder)).unwrap();
        fs::write(place.at(folder).join("HEAD"), "ref: refs/heads/x").unwrap();
    }
    place.guard.before_command();
    let new = place.at(".git/modules/new");
    fs::create_dir_all(&new).unwrap();
    fs::write(new.join("index"), "DIRC").unwrap();
    fs::write(place.at(".git/modules/libs/sub/index"), "DIRC").unwrap();
    fs::rename(place.at(".git/modules/libs/sub/HEAD"), place.at("H")).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::rename(place.at("H"), place.at(".git/modules/libs/sub/HEAD")).unwrap();
    fs::rename(place.at(".git/modules/wt/HEAD"), new.join("HEAD")).unwrap();
    fs::rename(place.at(".git/modules/wt"), place.at("old")).unwrap();
    fs::rename(&new, place.at(".git/modules/wt")).unwrap();
    assert_eq!(place.quarantined(), [".git/modules/libs/sub/index", ".git/modules/wt/index"]);
}

#[test]
fn objects_prepared_elsewhere_are_looked_at() {
    let mut place = place();
    fs::create_dir_all(place.at("o2/ab/sub")).unwrap();
    symlink("/nonexistent", place.at("o2/ab/cd")).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::rename(place.at("o2"), place.at("nested/.git/objects")).unwrap();
    let aside = place.quarantined();
    assert_eq!(aside, ["nested/.git/objects/ab/cd", "nested/.git/objects/ab/sub"]);
}

#[test]
fn replaced_objects_among_packed_names_are_put_aside_when_they_are_new() {
    let mut place = place();
    let line = |name: &str| format!("{} refs/replace/{name}\n", "0".repeat(40));
    let list = place.at("nested/.git/packed-refs");
    fs::write(&list, line("old")).unwrap();
    place.guard.before_command();
    fs::write(&list, format!("# pack-refs with: peeled \n{}", line("old"))).unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    place.guard.before_command();
    fs::write(&list, line("old") + &line("new")).unwrap();
    assert_eq!(place.quarantined(), ["nested/.git/packed-refs"]);
}

#[test]
fn a_place_for_a_worktree_elsewhere_is_put_aside() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/worktrees/evil")).unwrap();
    fs::create_dir_all(place.at(".git/refs/replace")).unwrap();
    fs::write(place.at(".git/worktrees/evil/gitdir"), "/elsewhere/.git").unwrap();
    assert_eq!(place.quarantined(), [".git/worktrees/evil/gitdir"]);
}

#[test]
fn names_that_git_does_not_make_are_told_of_once() {
    let mut place = place();
    fs::write(place.at(".git/ORIG_HEAD"), "x").unwrap();
    fs::write(place.at(".git/main"), "x").unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::StrangeInGit { paths, more: 0 }] = &*incidents else { panic!("{incidents:?}") };
    assert_eq!(paths[0].as_str(), ".git/main");
    place.guard.before_command();
    fs::write(place.at(".git/main"), "y").unwrap();
    assert_eq!(place.guard.after_command(&[]), []);
}

#[test]
fn what_changed_outside_by_a_second_name_is_told_of() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/objects/ab")).unwrap();
    let names = ["plain/shared", ".git/objects/ab/cd", "plain/own"];
    for name in names {
        fs::write(place.at(name), "x").unwrap();
    }
    fs::hard_link(place.at("plain/shared"), place.folder.path().join("one")).unwrap();
    fs::hard_link(place.at(".git/objects/ab/cd"), place.folder.path().join("two")).unwrap();
    fs::hard_link(place.at("plain/own"), place.at("plain/too")).unwrap();
    place.guard.others.end();
    place.guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    assert_eq!(place.guard.after_command(&[]), []);
    place.guard.before_command();
    for name in names {
        fs::write(place.at(name), "changed").unwrap();
    }
    let incidents = place.guard.after_command(&[]);
    let [Incident::SecondNames { paths, more: 0 }] = &*incidents else { panic!("{incidents:?}") };
    let paths: Vec<_> = paths.iter().map(|path| path.as_str()).collect();
    assert_eq!(paths, ["plain/shared", ".git/objects/ab/cd"]);
}

#[test]
fn indexes_of_no_size_on_disk_are_not_read_for_ever() {
    let mut place = place();
    for number in 0..20 {
        let file = fs::File::create(place.at(&format!(".git/sharedindex.{number:02}"))).unwrap();
        file.set_len(500 * 1024 * 1024).unwrap();
    }
    assert_eq!(place.quarantined().len(), 20);
}

#[test]
fn a_changed_configuration_of_a_running_command_is_not_kept_as_the_users() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    let config = place.at(".git/config");
    fs::write(&config, "forged").unwrap();
    let mut other = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    other.protects(vec![config.to_str().unwrap().to_owned()]);
    other.before_command();
    fs::rename(&config, place.at("away")).unwrap();
    fs::write(&config, "put back").unwrap();
    other.after_command(&[]);
    assert!(!config.exists(), "{:?}", fs::read_to_string(&config));
}

#[test]
fn an_index_that_a_killed_session_left_is_judged() {
    let mut place = place();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::write(place.at(".git/index"), "DIRC").unwrap();
    fs::write(place.at("plain/open"), "x").unwrap();
    fs::set_permissions(place.at("plain/open"), fs::Permissions::from_mode(0o666)).unwrap();
    // Nobody looked after the command.
    place.guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    place.guard.before_command();
    let incidents = place.guard.after_command(&[]);
    let told = |it: &Incident| matches!(it, Incident::LeftByKilled { paths, .. } if paths[0].as_str() == "plain/open");
    let aside = |it: &Incident| matches!(it, Incident::Quarantined { path, .. } if path.as_str() == ".git/index");
    assert!(incidents.iter().any(told) && incidents.iter().any(aside), "{incidents:?}");
}

#[test]
fn a_hook_changed_by_a_second_name_that_is_gone_is_put_aside() {
    let mut place = place();
    let hook = place.at(".git/hooks/pre-commit");
    fs::write(&hook, "x").unwrap();
    fs::hard_link(&hook, place.at("plain/hook")).unwrap();
    let hooks = place.at(".git/hooks").to_str().unwrap().to_owned();
    place.guard.protects(vec![hooks.clone()]);
    place.guard.before_command();
    fs::write(place.at("plain/hook"), "changed").unwrap();
    fs::rename(place.at("plain/hook"), place.folder.path().join("away")).unwrap();
    fs::remove_file(place.folder.path().join("away")).unwrap();
    let incidents = place.guard.after_command(&[hooks]);
    assert!(matches!(&*incidents, [Incident::Quarantined { .. }]), "{incidents:?}");
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

#[test]
fn configuration_named_over_a_link_to_the_project_is_found() {
    let mut place = place();
    let other = place.folder.path().join("other-way");
    symlink(place.at(""), &other).unwrap();
    let config =
        format!("[include]\n\tpath = {0}/inc\n[core]\n\thooksPath = {0}/mine\n", other.display());
    fs::write(place.at(".git/config"), config).unwrap();
    fs::write(place.at("inc"), "[a]\n").unwrap();
    place.guard.before_command();
    assert_eq!(place.guard.in_project().read_only, [b"inc"]);
    fs::create_dir(place.at("mine")).unwrap();
    fs::write(place.at("mine/pre-commit"), "x").unwrap();
    let incidents = place.guard.after_command(&[]);
    assert!(matches!(&*incidents, [Incident::GitRuns { .. }]), "{incidents:?}");
}

/// Git takes what such a name begins with for an object's.
#[test]
fn what_replaces_an_object_is_not_left_a_reference() {
    let mut place = place();
    let folder = place.at(".git/refs/replace");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a".repeat(40)), "x").unwrap();
    place.guard.before_command();
    fs::write(folder.join("b".repeat(40)), "x").unwrap();
    let incidents = place.guard.after_command(&[]);
    let [Incident::Quarantined { moved_to, .. }] = &*incidents else { panic!("{incidents:?}") };
    assert!(moved_to.as_str().starts_with(".git/refs/replace/.bbb"), "{moved_to}");
    assert!(folder.join("a".repeat(40)).exists());
}

#[test]
fn what_other_repositories_configuration_names_is_looked_after() {
    let mut place = place();
    fs::create_dir_all(place.at("sub")).unwrap();
    fs::create_dir_all(place.at("nested/.githooks")).unwrap();
    let nested = "[include]\n\tpath = ../local\n[core]\n\thooksPath = .githooks\n";
    fs::write(place.at("nested/.git/config"), nested).unwrap();
    let module = "[core]\n\tworktree = ../../../sub\n\tsshCommand = ./ssh\n";
    fs::write(place.at(".git/modules/sub/config"), module).unwrap();
    for name in ["nested/local", "sub/ssh"] {
        fs::write(place.at(name), "[a]\n").unwrap();
    }
    assert_eq!(place.guard.in_project().read_only, [b"nested/local"]);
    place.guard.before_command();
    fs::write(place.at("nested/.githooks/pre-commit"), "x").unwrap();
    fs::write(place.at("sub/ssh"), "changed").unwrap();
    let incidents = place.guard.after_command(&[]);
    let told = |path: &str| {
        incidents
            .iter()
            .any(|it| matches!(it, Incident::GitRuns { paths, .. } if paths[0].as_str() == path))
    };
    assert!(told("nested/.githooks/pre-commit") && told("sub/ssh"), "{incidents:?}");
}

#[test]
fn a_link_that_comes_to_stand_on_the_way_to_configuration_is_put_aside() {
    let mut place = place();
    let config = "[include]\n\tpath = ../dev/inc\n\tpath = ../mine/inc\n";
    fs::write(place.at(".git/config"), config).unwrap();
    fs::create_dir(place.at("dev")).unwrap();
    fs::write(place.at("dev/inc"), "[a]\n").unwrap();
    symlink("dev", place.at("mine")).unwrap();
    place.guard.before_command();
    fs::rename(place.at("dev"), place.at("dev1")).unwrap();
    symlink("/proc/self/cwd/dev2", place.at("dev")).unwrap();
    let incidents = place.guard.after_command(&[]);
    let aside =
        |it: &Incident| matches!(it, Incident::Quarantined { path, .. } if path.as_str() == "dev");
    assert!(incidents.iter().any(aside), "{incidents:?}");
    assert!(fs::symlink_metadata(place.at("mine")).is_ok());
}
