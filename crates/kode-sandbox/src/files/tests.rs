#![allow(clippy::disallowed_methods, reason = "tests lay out files and look at them")]

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use kode_audit::AuditLog;
use kode_base::{Action, FileWrite, WriteMode};
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use sha2::{Digest, Sha256};

use super::*;
use rustix::fs::Mode;

struct Place {
    folder: tempfile::TempDir,
    files: ProjectFiles,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(folder.path().join("secret"), "canary").unwrap();
    let nowhere = folder.path().join("kode");
    let root = ProjectRoot::find(&project, &nowhere, &nowhere).unwrap();
    let files = ProjectFiles::open(&root).unwrap();
    Place { folder, files }
}

fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text).unwrap()
}

fn sha(text: &str) -> Option<[u8; 32]> {
    Some(Sha256::digest(text.as_bytes()).into())
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    fn permit<A: Clone + Into<Action>>(&self, action: A) -> Permit<A> {
        let audit = AuditLog::open(&self.folder.path().join("audit"), "test").unwrap();
        let mut gate = Gate::new(
            Policy::default(),
            audit,
            Box::new(NoTerminal),
            true,
            SessionState::default(),
        );
        gate.authorize_person(action).unwrap().0
    }

    fn read(&self, name: &str) -> Result<String, FileError> {
        let permit = self.permit(FileRead { path: path(name) });
        let bytes = self.files.read(permit, 1000)?;
        Ok(String::from_utf8(bytes.expose().clone()).unwrap())
    }

    fn write(
        &self,
        name: &str,
        expected: Option<[u8; 32]>,
        mode: WriteMode,
    ) -> Result<(), FileError> {
        self.files.write(self.permit(FileWrite { path: path(name), expected, mode }))
    }

    fn content(&self, name: &str, expected: Option<[u8; 32]>, text: &str) -> Result<(), FileError> {
        let content = Untrusted::new(text.as_bytes().to_vec());
        self.write(name, expected, WriteMode::Content(content))
    }

    fn walked(&self, from: &str, all: bool) -> Vec<String> {
        let mut seen = Vec::new();
        let end = self.files.walk(&path(from), all, &mut |entry| {
            let mark = if entry.ignored { "!" } else { "" };
            seen.push(format!("{mark}{}", entry.path.as_str()));
            ControlFlow::Continue(())
        });
        assert_eq!(end.unwrap(), WalkEnd::Complete);
        seen
    }
}

#[test]
fn files_are_read_through_links_that_stay_inside() {
    let place = place();
    fs::create_dir(place.at("a")).unwrap();
    fs::write(place.at("a/file"), "text").unwrap();
    symlink("a", place.at("folder")).unwrap();
    symlink("folder/file", place.at("link")).unwrap();
    assert_eq!(place.read("folder/file").unwrap(), "text");
    assert_eq!(place.read("link").unwrap(), "text");
    assert!(matches!(place.files.snapshot_read(&path("link"), 100), Err(FileError::NotRegular(_))));
}

#[test]
fn links_that_lead_out_are_refused_for_reading_and_writing() {
    let place = place();
    symlink("../secret", place.at("relative")).unwrap();
    symlink(place.folder.path().join("secret"), place.at("absolute")).unwrap();
    symlink("..", place.at("up")).unwrap();
    symlink("/proc/self/root/etc/passwd", place.at("magic")).unwrap();
    for name in ["relative", "absolute", "up/secret", "magic"] {
        assert!(matches!(place.read(name), Err(FileError::Outside(_))), "{name}");
        let written = place.content(name, sha("canary"), "overwritten");
        assert!(matches!(written, Err(FileError::Outside(_))), "{name}: {written:?}");
    }
    assert!(matches!(place.content("up/new", None, "x"), Err(FileError::Outside(_))));
    assert_eq!(fs::read_to_string(place.folder.path().join("secret")).unwrap(), "canary");
    assert!(!place.folder.path().join("new").exists());
}

#[test]
fn special_files_folders_and_large_files_are_refused() {
    let place = place();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.at("pipe"),
        rustix::fs::FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("large"), vec![b'x'; 1001]).unwrap();
    assert!(matches!(place.read("pipe"), Err(FileError::NotRegular(_))));
    assert!(matches!(place.read("folder"), Err(FileError::NotRegular(_))));
    assert!(matches!(place.read("large"), Err(FileError::TooLarge { size: 1001, .. })));
    assert!(matches!(place.read("none"), Err(FileError::NotFound(_))));
}

#[test]
fn a_write_replaces_the_target_of_a_link_and_keeps_its_mode() {
    let place = place();
    fs::create_dir(place.at("a")).unwrap();
    fs::write(place.at("a/script"), "old").unwrap();
    fs::set_permissions(place.at("a/script"), fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("a/script", place.at("link")).unwrap();
    place.content("link", sha("old"), "new").unwrap();
    assert!(fs::symlink_metadata(place.at("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(place.at("a/script")).unwrap(), "new");
    let mode = fs::metadata(place.at("a/script")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755, "set-id bits are never written");
    assert_eq!(fs::read_dir(place.at("a")).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn a_write_makes_missing_folders_and_new_files() {
    let place = place();
    place.content("src/deep/new.rs", None, "fn main() {}").unwrap();
    assert_eq!(fs::read_to_string(place.at("src/deep/new.rs")).unwrap(), "fn main() {}");
}

#[test]
fn a_write_that_expects_something_else_changes_nothing() {
    let place = place();
    fs::write(place.at("file"), "theirs").unwrap();
    for expected in [None, sha("mine")] {
        let written = place.content("file", expected, "ours");
        assert!(matches!(written, Err(FileError::Changed(_))), "{written:?}");
    }
    assert!(matches!(place.content("gone", sha("x"), "y"), Err(FileError::Changed(_))));
    assert_eq!(fs::read_to_string(place.at("file")).unwrap(), "theirs");
    assert!(!place.at("gone").exists());
}

#[test]
fn what_fails_leaves_no_new_folder_behind() {
    let place = place();
    fs::write(place.at("old"), "old").unwrap();
    let new = |name: &str, expected| {
        let mode = WriteMode::Content(Untrusted::new(b"new".to_vec()));
        place.permit(FileWrite { path: path(name), expected, mode })
    };
    let several = vec![new("deep/er/one", None), new("deep/two", None), new("old", None)];
    let failure = place.files.write_all(several).unwrap_err();
    assert!(failure.written.is_empty() && failure.new_folders.is_empty());
    assert_eq!(place.walked(".", true), ["old"]);
    assert!(!place.at("deep").exists());
    // What was written already is the caller's to put back, and then its folders.
    let delete = FileWrite { path: path("old"), expected: sha("other"), mode: WriteMode::Delete };
    let several = vec![new("deep/er/one", None), place.permit(delete)];
    let failure = place.files.write_all(several).unwrap_err();
    assert_eq!(failure.written, [0]);
    assert_eq!(failure.new_folders, [path("deep"), path("deep/er")]);
    place.files.remove_empty_folders(&failure.new_folders);
    assert!(place.at("deep/er/one").exists());
    fs::remove_file(place.at("deep/er/one")).unwrap();
    place.files.remove_empty_folders(&failure.new_folders);
    assert!(!place.at("deep").exists());
}

#[test]
fn many_files_are_written_in_one_go() {
    let place = place();
    let name = |n: usize| format!("d{}/f{n}", n % 7);
    let new = |n: usize| {
        let mode = WriteMode::Content(Untrusted::new(n.to_string().into_bytes()));
        place.permit(FileWrite { path: path(&name(n)), expected: None, mode })
    };
    place.files.write_all((0..300).map(new).collect()).unwrap();
    for n in 0..300 {
        assert_eq!(fs::read_to_string(place.at(&name(n))).unwrap(), n.to_string());
    }
    assert_eq!(place.walked(".", true).len(), 300);
}

#[test]
fn gits_own_files_are_never_written() {
    let place = place();
    fs::create_dir_all(place.at(".git/hooks")).unwrap();
    symlink(".git/hooks", place.at("innocent")).unwrap();
    for name in
        [".git/hooks/a", "sub/.GIT/config", "innocent/post-checkout", "innocent/new/b", ".git"]
    {
        let written = place.content(name, None, "#!/bin/sh");
        assert!(matches!(written, Err(FileError::Protected(_))), "{name}: {written:?}");
    }
    assert_eq!(fs::read_dir(place.at(".git/hooks")).unwrap().count(), 0);
}

#[test]
fn kodes_own_files_are_never_written_through_a_link_either() {
    let place = place();
    fs::write(place.at("kode.json"), "{}").unwrap();
    fs::create_dir(place.at(".kode")).unwrap();
    symlink("kode.json", place.at("notes.txt")).unwrap();
    symlink(".kode", place.at("docs")).unwrap();
    for name in ["kode.json", "KODE.JSON", "notes.txt", "docs/skills.md", ".Kode/x"] {
        let expected = if name == "notes.txt" || name == "kode.json" { sha("{}") } else { None };
        let written = place.content(name, expected, "evil");
        assert!(matches!(written, Err(FileError::Protected(_))), "{name}: {written:?}");
    }
    // A hard link is another name of the same bytes: writing breaks it off.
    fs::hard_link(place.at("kode.json"), place.at("hard.txt")).unwrap();
    place.content("hard.txt", sha("{}"), "evil").unwrap();
    assert_eq!(fs::read_to_string(place.at("kode.json")).unwrap(), "{}");
}

#[test]
fn undoing_deletes_restores_and_relinks_the_entry_itself() {
    let place = place();
    fs::write(place.at("target"), "target").unwrap();
    symlink("target", place.at("entry")).unwrap();
    let content = Untrusted::new(b"restored".to_vec());
    let restore = WriteMode::Restore { content, mode: 0o6750 };
    place.write("entry", sha("target"), restore).unwrap();
    let metadata = fs::symlink_metadata(place.at("entry")).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o750);
    let target = Untrusted::new(b"../anywhere".to_vec());
    place.write("entry", sha("restored"), WriteMode::RestoreLink { target }).unwrap();
    assert_eq!(fs::read_link(place.at("entry")).unwrap(), PathBuf::from("../anywhere"));
    place.write("entry", sha("../anywhere"), WriteMode::Delete).unwrap();
    assert!(fs::symlink_metadata(place.at("entry")).is_err());
    assert_eq!(fs::read_to_string(place.at("target")).unwrap(), "target");
}

#[test]
fn a_walk_is_in_byte_order_and_respects_ignore_files() {
    let place = place();
    for folder in ["a", "build/deep", ".git/objects", ".hidden", "sub"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    for file in
        ["a/z", "a.txt", "build/deep/x", ".git/HEAD", ".hidden/y", "sub/one.log", "sub/two.log"]
    {
        fs::write(place.at(file), "").unwrap();
    }
    fs::write(place.at(".gitignore"), "/build/\n*.log\n").unwrap();
    fs::write(place.at("sub/.gitignore"), "!two.log\n").unwrap();
    assert_eq!(
        place.walked(".", false),
        [".gitignore", ".hidden/y", "a.txt", "a/z", "sub/.gitignore", "sub/two.log"]
    );
    let all = place.walked(".", true);
    assert!(all.contains(&"!build/deep/x".to_owned()) && all.contains(&"!sub/one.log".to_owned()));
    assert!(!all.iter().any(|name| name.contains(".git/")));
    assert_eq!(place.walked("sub", false), ["sub/.gitignore", "sub/two.log"]);
    assert_eq!(place.walked("build", true), ["!build/deep/x"]);
}

#[test]
fn a_walk_reports_links_without_following_them() {
    let place = place();
    symlink("..", place.at("up")).unwrap();
    let mut kinds = Vec::new();
    let visited = place.files.walk(&ProjectPath::root(), false, &mut |entry| {
        kinds.push(entry.kind);
        ControlFlow::Continue(())
    });
    assert_eq!(visited.unwrap(), WalkEnd::Complete);
    assert_eq!(kinds, [EntryKind::Symlink { target: Untrusted::new(b"..".to_vec()) }]);
}

#[test]
fn a_walk_with_recorded_rules_lets_later_rules_hide_nothing() {
    let place = place();
    fs::write(place.at(".gitignore"), "*.log\n").unwrap();
    fs::write(place.at("a.log"), "").unwrap();
    let names = |rules: RuleSource<'_>| {
        let mut names = Vec::new();
        let mut visit = |entry: WalkEntry| {
            names.push(entry.path.to_string());
            ControlFlow::Continue(())
        };
        place.files.walk_with(&ProjectPath::root(), Reach::Unignored, rules, &mut visit).unwrap();
        names
    };
    let mut recorded = IgnoreRules::default();
    assert_eq!(names(RuleSource::Record(&mut recorded)), [".gitignore"]);
    fs::create_dir(place.at("new")).unwrap();
    fs::write(place.at("new/.gitignore"), "*\n").unwrap();
    fs::write(place.at("new/b"), "").unwrap();
    fs::write(place.at(".gitignore"), "").unwrap();
    assert_eq!(names(RuleSource::Fixed(&recorded)), [".gitignore", "new/.gitignore", "new/b"]);
    assert_eq!(names(RuleSource::Disk), [".gitignore", "a.log"]);
    let (top, below) = (path(".gitignore"), path("new/.ignore"));
    let files = [(&top, &b"*.log\n"[..]), (&below, b"b\n")];
    let past = IgnoreRules::of_files(files.into_iter());
    assert_eq!(names(RuleSource::Past(&past)), [".gitignore", "new/.gitignore"]);
}

#[test]
fn one_entry_is_looked_at_without_following_it() {
    let place = place();
    fs::create_dir(place.at("folder")).unwrap();
    symlink("nowhere", place.at("folder/link")).unwrap();
    let link = place.files.snapshot_entry(&path("folder/link")).unwrap().unwrap();
    assert!(matches!(link.kind, EntryKind::Symlink { .. }));
    for nothing in ["folder", "missing", "missing/file", "folder/link/file"] {
        assert_eq!(place.files.snapshot_entry(&path(nothing)).unwrap(), None, "{nothing}");
    }
    assert!(matches!(
        place.files.snapshot_open(&path("folder/link")),
        Err(FileError::NotRegular(_))
    ));
}

#[test]
fn what_is_reached_through_a_link_is_told_apart() {
    let place = place();
    fs::create_dir_all(place.at("real/inner")).unwrap();
    fs::write(place.at("real/inner/file"), "x").unwrap();
    symlink("real", place.at("link")).unwrap();
    symlink("/etc", place.at("out")).unwrap();
    for (name, expected) in [
        ("link/inner/file", true),
        ("link/none", true),
        ("out/none", true),
        ("link", false),
        ("real/inner/file", false),
        ("real/inner/file/none/deep", false),
        ("none/at/all", false),
    ] {
        assert_eq!(place.files.is_behind_link(&path(name)).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_file_comes_back_in_the_place_of_empty_folders_and_of_nothing_else() {
    let place = place();
    fs::create_dir_all(place.at("a/b/c/d")).unwrap();
    fs::create_dir_all(place.at("a/e")).unwrap();
    let restore = || {
        let mode = WriteMode::Restore { content: Untrusted::new(b"back".to_vec()), mode: 0o644 };
        place.files.write(place.permit(FileWrite { path: path("a"), expected: None, mode }))
    };
    symlink("nowhere", place.at("a/e/link")).unwrap();
    restore().unwrap_err();
    assert!(place.at("a/b/c/d").is_dir(), "nothing goes where not all can");
    fs::remove_file(place.at("a/e/link")).unwrap();
    fs::create_dir(place.at("a/e/.git")).unwrap();
    restore().unwrap_err();
    fs::remove_dir(place.at("a/e/.git")).unwrap();
    restore().unwrap();
    assert_eq!(fs::read_to_string(place.at("a")).unwrap(), "back");
}

/// Runs `test` where `openat2` and all else that commands do without is refused,
/// as when kode runs inside its own sandbox. A filter holds for one thread.
fn below_our_own_filter(test: fn()) {
    let thread = std::thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        crate::seccomp::install().unwrap();
        let missing = rustix::fs::openat2(
            rustix::fs::CWD,
            ".",
            OFlags::PATH,
            Mode::empty(),
            rustix::fs::ResolveFlags::BENEATH,
        );
        assert_eq!(missing.unwrap_err(), Errno::NOSYS);
        test();
    });
    thread.join().unwrap();
}

#[test]
fn everything_holds_without_openat2_as_well() {
    for test in [
        files_are_read_through_links_that_stay_inside as fn(),
        links_that_lead_out_are_refused_for_reading_and_writing,
        special_files_folders_and_large_files_are_refused,
        a_write_makes_missing_folders_and_new_files,
        a_write_that_expects_something_else_changes_nothing,
        gits_own_files_are_never_written,
        kodes_own_files_are_never_written_through_a_link_either,
        a_walk_is_in_byte_order_and_respects_ignore_files,
        one_entry_is_looked_at_without_following_it,
        what_is_reached_through_a_link_is_told_apart,
        a_file_comes_back_in_the_place_of_empty_folders_and_of_nothing_else,
    ] {
        below_our_own_filter(test);
    }
}

/// The paths that a walk of a snapshot meets.
fn snapshot(place: &Place) -> Vec<String> {
    let (mut rules, mut met) = (IgnoreRules::default(), Vec::new());
    let rules = RuleSource::Record(&mut rules);
    let mut visit = |entry: WalkEntry| {
        met.push(entry.path.to_string());
        ControlFlow::Continue(())
    };
    place.files.walk_with(&ProjectPath::root(), Reach::All, rules, &mut visit).unwrap();
    met
}

#[test]
fn what_a_killed_kode_left_beside_is_taken_away_and_never_in_a_snapshot() {
    let place = place();
    let (dead, live) = (".kode-0123456789abcdef.tmp", "in/.kode-aaaaaaaaaaaaaaaa.tmp");
    fs::create_dir(place.at("in")).unwrap();
    fs::write(place.at("kept.py"), "x").unwrap();
    fs::write(place.at(".kode-mine.tmp"), "x").unwrap();
    fs::write(place.at(dead), "half").unwrap();
    fs::write(place.at(live), "half").unwrap();
    symlink("kept.py", place.at(".kode-bbbbbbbbbbbbbbbb.tmp")).unwrap();
    let writer = fs::File::open(place.at(live)).unwrap();
    assert!(leftover::hold(&writer));
    let mut read_only = Vec::new();
    let mut visit = |entry: WalkEntry| {
        read_only.push(entry.path.to_string());
        ControlFlow::Continue(())
    };
    place.files.walk(&ProjectPath::root(), true, &mut visit).unwrap();
    assert!(read_only.contains(&dead.to_owned()) && place.at(dead).exists());
    assert_eq!(snapshot(&place), [".kode-mine.tmp", "kept.py"]);
    assert!(!place.at(dead).exists() && place.at(live).exists());
    drop(writer);
    assert_eq!(snapshot(&place), [".kode-mine.tmp", "kept.py"]);
    assert!(!place.at(live).exists());
}

#[test]
fn a_file_named_alike_that_stands_elsewhere_too_is_left_alone() {
    let place = place();
    let name = ".kode-0123456789abcdef.tmp";
    fs::write(place.at("a"), "x").unwrap();
    fs::hard_link(place.at("a"), place.at(name)).unwrap();
    assert_eq!(snapshot(&place), [name, "a"]);
}
