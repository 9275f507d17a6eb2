#![allow(clippy::disallowed_methods, reason = "tests lay out repositories and forge files")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::*;
use rustix::fs::Mode;

mod inside;
mod led_away;
mod others;

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
    let mut guard = Guard::new(&root, &nowhere, true).unwrap();
    guard.before_command();
    Place { folder, guard }
}

impl Place {
    fn root(&self) -> ProjectRoot {
        let nowhere = self.folder.path().join("kode");
        ProjectRoot::find(&self.folder.path().join("p"), &nowhere, &nowhere).unwrap()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("p").join(name)
    }

    fn quarantined(&mut self) -> Vec<String> {
        let incidents = self.guard.after_command(&[]);
        let named = |it: &Incident| !matches!(it, Incident::StrangeInGit { .. });
        let path = |incident: Incident| match incident {
            Incident::Quarantined { path, moved_to } => {
                assert!(fs::symlink_metadata(self.at(path.as_str())).is_err());
                assert!(fs::symlink_metadata(self.at(moved_to.as_str())).is_ok());
                path.as_str().to_owned()
            }
            other => panic!("{other:?}"),
        };
        let mut paths: Vec<String> = incidents.into_iter().filter(named).map(path).collect();
        paths.sort();
        paths
    }
}

#[test]
fn ordinary_changes_are_left_alone() {
    let mut place = place();
    fs::write(place.at("plain/file"), "x").unwrap();
    fs::write(place.at(".git/index"), "").unwrap();
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

/// What git needs to take a folder for a repository, and what it would run.
fn bare(place: &Place, name: &str, head: &str) {
    for folder in ["objects", "refs", "wt", "hooks"] {
        fs::create_dir_all(place.at(name).join(folder)).unwrap();
    }
    let config = "[core]\n\tbare = false\n\tworktree = \"wt\"\n\tfsmonitor = \"touch x\"\n";
    fs::write(place.at(name).join("config"), config).unwrap();
    fs::write(place.at(name).join("HEAD"), head).unwrap();
}

#[test]
fn a_folder_that_becomes_a_repository_loses_its_head() {
    let mut place = place();
    bare(&place, "bb", "ref: refs/heads/main\n");
    bare(&place, "plain/detached", &"0a".repeat(20));
    fs::create_dir(place.at("linked")).unwrap();
    fs::write(place.at("linked/commondir"), "../bb").unwrap();
    symlink("refs/heads/main", place.at("linked/HEAD")).unwrap();
    assert_eq!(place.quarantined(), ["bb/HEAD", "linked/HEAD", "plain/detached/HEAD"]);
    assert!(place.at("bb/config").exists());
    place.guard.before_command();
    assert_eq!(place.quarantined(), [""; 0]);
    // Putting it back is no way around.
    fs::write(place.at("bb/HEAD"), "ref: refs/heads/main\n").unwrap();
    assert_eq!(place.quarantined(), ["bb/HEAD"]);
}

#[test]
fn a_users_repository_without_a_worktree_works_on_but_its_configuration_is_held() {
    let mut place = place();
    bare(&place, "remote", "ref: refs/heads/main\n");
    place.guard.before_command();
    fs::remove_file(place.at("remote/HEAD")).unwrap();
    fs::write(place.at("remote/HEAD"), "ref: refs/heads/other\n").unwrap();
    fs::write(place.at("remote/objects/aa"), "x").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(place.at("remote/config"), "[core]\n\thooksPath = x\n").unwrap();
    fs::write(place.at("remote/hooks/post-update"), "x").unwrap();
    assert_eq!(place.quarantined(), ["remote/config", "remote/hooks/post-update"]);
}

#[test]
fn folders_that_only_sound_like_a_repository_are_left_alone() {
    let mut place = place();
    for folder in ["src/objects", "src/refs", "src/head", "part/objects"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    fs::write(place.at("part/HEAD"), "ref: refs/heads/main\n").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
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

#[test]
fn loose_permission_bits_of_the_commands_own_files_go_and_are_reported() {
    let mut place = place();
    let chmod = |place: &Place, name: &str, mode: u32| {
        fs::set_permissions(place.at(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = |place: &Place, name: &str| {
        fs::metadata(place.at(name)).unwrap().permissions().mode() & 0o7777
    };
    for name in ["users", "plain/new", "plain/program"] {
        fs::write(place.at(name), "x").unwrap();
    }
    chmod(&place, "users", 0o666);
    place.guard.others.end();
    place.guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.guard.before_command();
    fs::write(place.at("users"), "changed by the command").unwrap();
    chmod(&place, "plain/new", 0o646);
    chmod(&place, "plain/program", 0o4755);
    fs::create_dir(place.at("open")).unwrap();
    chmod(&place, "open", 0o1777);
    symlink("/nonexistent", place.at("plain/link")).unwrap();
    let mut tightened: Vec<(String, u32)> = Vec::new();
    for incident in place.guard.after_command(&[]) {
        let Incident::PermissionsTightened { path, bits } = incident else {
            panic!("{incident:?}")
        };
        tightened.push((path.as_str().to_owned(), bits));
    }
    tightened.sort();
    let expected = [("open", 0o002), ("plain/new", 0o002), ("plain/program", 0o4000)];
    assert_eq!(tightened, expected.map(|(path, bits)| (path.to_owned(), bits)));
    assert_eq!(mode(&place, "users"), 0o666);
    assert_eq!(mode(&place, "plain/new"), 0o644);
    assert_eq!(mode(&place, "plain/program"), 0o755);
    assert_eq!(mode(&place, "open"), 0o1775);
    assert!(place.guard.after_command(&[]).is_empty());
}

#[test]
fn many_loose_files_are_all_tightened_and_some_named() {
    let mut place = place();
    for number in 0..30 {
        let file = place.at(&format!("plain/{number}"));
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    }
    let incidents = place.guard.after_command(&[]);
    assert_eq!(incidents.len(), 21);
    assert_eq!(incidents.last(), Some(&Incident::MorePermissions { count: 10 }));
    for number in 0..30 {
        let found = fs::metadata(place.at(&format!("plain/{number}"))).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o664);
    }
}

#[test]
fn credentials_in_folders_of_gits_own_are_named_before_every_command() {
    let mut place = place();
    let names = [
        ".git/credentials",
        ".git/x/.env",
        "nested/.git/.env",
        "plain/.GIT/credentials.json",
        ".git/.git/.env",
        "plain/.env",
    ];
    for name in names {
        fs::create_dir_all(place.at(name).parent().unwrap()).unwrap();
        fs::write(place.at(name), "PIN=1").unwrap();
    }
    fs::create_dir_all(place.at(".git/objects/aa")).unwrap();
    let root = place.at("");
    for _ in 0..2 {
        let (named, complete) = place.guard.named(&root, &Arc::default());
        assert!(complete);
        let found = |name: &&str| named.iter().any(|it| it.path == place.at(name));
        assert_eq!(names.iter().filter(|name| found(name)).count(), names.len(), "{named:?}");
    }
}

/// Exchanges the folder `d` of the project for a link out of it and back, as fast as it
/// can: what a command of another sandbox of the same project can do while this one's
/// guard looks after the first command.
fn while_exchanged<R>(place: &Place, rounds: impl FnOnce() -> R) -> R {
    use std::sync::atomic::{AtomicBool, Ordering};
    let (folder, link) = (place.at("d"), place.at("link"));
    let done = AtomicBool::new(false);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) && std::time::Instant::now() < until {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                let at = rustix::fs::CWD;
                rustix::fs::renameat_with(at, &folder, at, &link, flags).unwrap();
            }
        });
        let result = rounds();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// A folder outside like one inside, with what the guard would act on.
fn outside(place: &Place) -> PathBuf {
    let outside = place.folder.path().join("outside");
    for folder in [outside.clone(), place.at("d")] {
        fs::create_dir_all(folder.join("sub/.git/hooks")).unwrap();
        fs::write(folder.join("sub/.git/config"), "canary").unwrap();
        fs::write(folder.join("sub/open"), "x").unwrap();
        let bits = fs::Permissions::from_mode(0o4666);
        fs::set_permissions(folder.join("sub/open"), bits).unwrap();
    }
    symlink(&outside, place.at("link")).unwrap();
    outside
}

/// Undoes what the guard did to the folder inside, wherever that stands by now.
fn bring_back(sub: &OwnedFd) {
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    let mut listing = rustix::fs::RawDir::new(sub, &mut space);
    while let Some(Ok(entry)) = listing.next() {
        if entry.file_name().to_bytes().starts_with(b".git.kode") {
            rustix::fs::renameat(sub, entry.file_name(), sub, ".git").unwrap();
        }
    }
    rustix::fs::seek(sub, rustix::fs::SeekFrom::Start(0)).unwrap();
    let open = rustix::fs::openat(sub, "open", OFlags::RDONLY, Mode::empty()).unwrap();
    rustix::fs::fchmod(open, Mode::from_raw_mode(0o4666)).unwrap();
}

#[test]
fn a_folder_exchanged_for_a_link_while_the_guard_works_leads_it_nowhere_else() {
    let place = place();
    let outside = outside(&place);
    let mut guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    let inside = beneath::folder(&guard.root, b"d/sub").unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(4);
    let mut acted = 0;
    while_exchanged(&place, || {
        for round in 0..4_000 {
            // Nothing there was seen before: all of it is the command's doing.
            guard.before.clear();
            guard.modes = Modes::new();
            guard.modes.since_ns = i128::MIN;
            let incidents = guard.after_command(&[]);
            let moved = |it: &&Incident| matches!(it, Incident::Quarantined { path, .. } if path.as_str() == "d/sub/.git");
            acted += incidents.iter().filter(moved).count();
            assert!(outside.join("sub/.git/config").exists(), "round {round}: {incidents:?}");
            let mode = fs::metadata(outside.join("sub/open")).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o4666, "round {round}: {incidents:?}");
            if std::time::Instant::now() > until {
                break;
            }
            bring_back(&inside);
        }
    });
    assert!(acted > 10, "{acted}");
}

#[test]
fn what_is_mounted_in_a_folder_is_known_not_to_be_looked_through() {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let devices = rustix::fs::open("/dev", flags, Mode::empty()).unwrap();
    let mut tree = Tree::new(&devices, false).unwrap();
    tree.look_before(&devices);
    let mounted = |name: &&[u8]| tree.mounts.contains(*name);
    assert!([&b"pts"[..], b"shm"].iter().any(mounted), "{:?}", tree.mounts);
    assert!(tree.mounts.iter().all(|path| !tree.folders.contains_key(path)));
}

#[test]
fn what_is_on_another_device_and_no_mount_is_looked_through() {
    let place = place();
    let open = beneath::folder(&place.guard.root, b"").unwrap();
    let mut tree = Tree::new(&open, false).unwrap();
    // As if every folder were of a subvolume.
    tree.device += 1;
    for _ in 0..2 {
        assert!(tree.look_before(&open));
        assert!(tree.mounts.is_empty() && tree.folders.len() > 2, "{tree:?}");
    }
}

#[test]
fn mounts_are_told_of_once_to_everybody_unless_commands_see_something_else_there() {
    let mut place = place();
    let hidden = place.at("hidden").to_str().unwrap().to_owned();
    place.guard.hides(&[hidden, "/tmp".to_owned()]);
    place.guard.tree.mounts = [b"hidden".to_vec(), b"shown".to_vec()].into();
    let path = ProjectPath::new("shown").unwrap();
    assert_eq!(place.guard.tell_of_mounts(), [Incident::NotLookedInto { path }]);
    assert_eq!(place.guard.tell_of_mounts(), []);
}

#[test]
fn many_files_put_aside_are_named_in_part_and_counted() {
    let mut place = place();
    for number in 0..130 {
        fs::create_dir_all(place.at(&format!("many/{number}/.git"))).unwrap();
    }
    let incidents = place.guard.after_command(&[]);
    assert_eq!(incidents.len(), 101);
    assert_eq!(incidents.last(), Some(&Incident::MorePutAside { count: 30, failed: 0 }));
    assert!((0..130).all(|number| !place.at(&format!("many/{number}/.git")).exists()));
}

#[test]
fn what_gits_configuration_reads_and_runs_is_looked_after() {
    let mut place = place();
    let config = "[include]\n\tpath = ../.gitconfig\n[core]\n\thooksPath = .husky\n\
                  [filter \"f\"]\n\tclean = python3 tools/clean.py %f\n\tsmudge = cat\n\
                  [alias]\n\tst = status\n\tgo = !./tools/go\n";
    fs::write(place.at(".git/config"), config).unwrap();
    fs::create_dir_all(place.at("tools")).unwrap();
    fs::create_dir_all(place.at(".husky")).unwrap();
    for name in ["tools/clean.py", "tools/go", "status", "cat", ".husky/old"] {
        fs::write(place.at(name), "old").unwrap();
    }
    fs::write(place.at(".gitconfig"), "[diff \"d\"]\ntextconv = tools/view\n").unwrap();
    fs::write(place.at("tools/view"), "old").unwrap();
    place.guard.before_command();
    assert_eq!(place.guard.in_project().read_only, [b".gitconfig"]);
    for name in ["tools/clean.py", "tools/go", "tools/view", "status", "cat", ".husky/pre-commit"] {
        fs::write(place.at(name), "another one").unwrap();
    }
    let incidents = place.guard.after_command(&[]);
    let told: Vec<(String, String)> = incidents
        .into_iter()
        .map(|incident| match incident {
            Incident::GitRuns { key, paths, more: 0 } => (key, paths[0].as_str().to_owned()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("alias.go", "tools/go"),
        ("core.hookspath", ".husky/pre-commit"),
        ("diff.d.textconv", "tools/view"),
        ("filter.f.clean", "tools/clean.py"),
    ];
    assert_eq!(told, expected.map(|(key, path)| (key.to_owned(), path.to_owned())));
    place.guard.before_command();
    fs::write(place.at(".gitconfig"), "[core]\nfsmonitor = evil\n").unwrap();
    assert_eq!(place.quarantined(), [".gitconfig"]);
}

#[test]
fn a_rebase_is_left_nothing_to_run() {
    let mut place = place();
    fs::create_dir_all(place.at(".git/rebase-merge")).unwrap();
    let list = place.at(".git/rebase-merge/git-rebase-todo");
    fs::write(&list, "pick 0123456 exec\n# exec x\n").unwrap();
    assert_eq!(place.quarantined(), [""; 0]);
    fs::write(&list, "pick 0123456 a\n  x\ttouch canary\n").unwrap();
    assert_eq!(place.quarantined(), [".git/rebase-merge/git-rebase-todo"]);
}

#[test]
fn programs_that_have_set_id_bits_are_to_be_protected() {
    let place = place();
    for (name, mode) in [("plain/with", 0o4755), ("plain/without", 0o755), ("plain/all", 0o666)] {
        fs::write(place.at(name), "x").unwrap();
        fs::set_permissions(place.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut guard = Guard::new(&place.root(), &place.folder.path().join("kode"), true).unwrap();
    assert_eq!(guard.in_project().read_only, [b"plain/with"]);
}
