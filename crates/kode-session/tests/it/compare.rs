//! What a comparison sees, and what it does not.

use std::time::{Duration, SystemTime};

use kode_base::ChangeKind::{Changed, Deleted, Mode, New, Symlink};

use super::workspace::{Workspace, path, touched};

#[test]
fn every_kind_of_change_is_seen() {
    let work = Workspace::new();
    for name in ["changed", "deleted", "mode", "same", "touched", "type"] {
        work.write(name, format!("{name}\nline\n"));
    }
    work.link("same", "link");
    let mut session = work.session();
    let before = session.compare(&work.files).unwrap();
    assert!(before.files.is_empty() && before.since_last.is_empty() && before.complete);

    work.write("changed", "changed\nother\nmore\n");
    work.remove("deleted");
    work.chmod("mode", 0o755);
    work.write("new/deep/file", "x\n");
    work.write("touched", "touched\nline\n");
    work.remove("link");
    work.link("changed", "link");
    work.remove("type");
    work.link("same", "type");
    let after = session.compare(&work.files).unwrap();
    assert_eq!(
        touched(&after),
        [
            ("changed", Changed),
            ("deleted", Deleted),
            ("link", Symlink),
            ("mode", Mode),
            ("new/deep/file", New),
            ("type", Symlink),
        ]
    );
    assert_eq!((after.files[0].added, after.files[0].removed), (2, 1));
    assert_eq!((after.files[1].added, after.files[1].removed), (0, 2));
    assert_eq!(after.since_last.len(), 6);
    assert_ne!(after.hash, before.hash);

    let again = session.compare(&work.files).unwrap();
    assert_eq!(touched(&again), touched(&after));
    assert_eq!((again.hash, again.since_last.len()), (after.hash, 0));
}

#[test]
fn a_change_taken_back_by_hand_is_no_change() {
    let work = Workspace::new();
    work.write("a", "one");
    let mut session = work.session();
    let before = session.compare(&work.files).unwrap();
    work.write("a", "two");
    work.write("b", "new");
    session.compare(&work.files).unwrap();
    work.write("a", "one");
    work.remove("b");
    let after = session.compare(&work.files).unwrap();
    assert!(after.files.is_empty());
    assert_eq!(after.hash, before.hash);
    assert_eq!(after.since_last, [(path("a"), Changed), (path("b"), Deleted)]);
}

#[test]
fn a_write_in_the_same_instant_with_the_same_size_and_time_is_seen() {
    let work = Workspace::new();
    for round in 0..50 {
        let name = format!("file{round}");
        work.write(&name, "aaaa");
        let mut session = work.session();
        let file = std::fs::OpenOptions::new().write(true).open(work.place(&name)).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        work.write(&name, "bbbb");
        file.set_modified(modified).unwrap();
        let seen = session.compare(&work.files).unwrap();
        assert_eq!(touched(&seen), [(name.as_str(), Changed)], "round {round}");
        drop(session);
        work.remove(&name);
    }
}

#[test]
fn a_second_session_finds_changes_hidden_by_a_set_back_time() {
    let work = Workspace::new();
    work.write("a", "aaaa");
    drop(work.session());
    let old = SystemTime::now() - Duration::from_secs(3600);
    work.write("a", "bbbb");
    std::fs::File::options().write(true).open(work.place("a")).unwrap().set_modified(old).unwrap();
    let session = work.session();
    assert_eq!(session.base_content(&path("a")).unwrap().unwrap().expose(), b"bbbb");
}

#[test]
fn ignored_files_are_counted_but_not_kept() {
    let work = Workspace::new();
    work.write(".gitignore", "target/\n*.log\n");
    work.write("target/a", "1");
    work.write("target/b", "1");
    work.write("src.rs", "fn main() {}\n");
    let mut session = work.session();
    work.write("target/a", "22");
    work.write("target/c", "1");
    work.remove("target/b");
    work.write("x.log", "log");
    let seen = session.compare(&work.files).unwrap();
    assert_eq!(touched(&seen), []);
    assert_eq!((seen.ignored_changed, seen.ignored_counted), (4, true));
}

#[test]
fn an_ignore_rule_added_later_hides_nothing() {
    let work = Workspace::new();
    work.write("src.rs", "fn main() {}\n");
    let mut session = work.session();
    work.write(".gitignore", "*\n");
    work.write("evil/.gitignore", "*\n");
    work.write("evil/payload", "x");
    work.write("src.rs", "changed");
    let seen = session.compare(&work.files).unwrap();
    assert_eq!(
        touched(&seen),
        [(".gitignore", New), ("evil/.gitignore", New), ("evil/payload", New), ("src.rs", Changed)]
    );
}

#[test]
fn an_ignored_file_that_an_edit_tool_writes_is_compared() {
    let work = Workspace::new();
    work.write(".gitignore", ".env\nout/\n");
    work.write(".env", "A=1\n");
    let mut session = work.session();
    session.mark_edited(&path(".env"), &work.files).unwrap();
    session.mark_edited(&path("out/new"), &work.files).unwrap();
    assert_eq!(touched(&session.compare(&work.files).unwrap()), []);
    work.write(".env", "A=2\n");
    work.write("out/new", "x\n");
    work.write("out/other", "x\n");
    let id = session.id().to_owned();
    let seen = session.compare(&work.files).unwrap();
    assert_eq!(touched(&seen), [(".env", Changed), ("out/new", New)]);
    assert_eq!(seen.ignored_changed, 1);
    drop(session);
    let mut session = work.resume(&id);
    assert_eq!(session.base_content(&path(".env")).unwrap().unwrap().expose(), b"A=1\n");
    assert_eq!(touched(&session.compare(&work.files).unwrap()).len(), 2);
}

#[test]
fn what_was_seen_survives_a_crash() {
    let work = Workspace::new();
    work.write("a", "one");
    work.write("b", "one");
    let mut session = work.session();
    work.write("a", "two");
    work.remove("b");
    let seen = session.compare(&work.files).unwrap();
    let id = session.id().to_owned();
    drop(session);
    work.write("a", "three");
    let mut session = work.resume(&id);
    assert_eq!(session.last_content(&path("a")).unwrap().unwrap().expose(), b"two");
    assert_eq!(session.last_content(&path("b")).unwrap(), None);
    assert_eq!(session.base_content(&path("b")).unwrap().unwrap().expose(), b"one");
    let again = session.compare(&work.files).unwrap();
    assert_eq!(again.since_last, [(path("a"), Changed)]);
    assert_eq!(touched(&again), touched(&seen));
}

#[test]
fn a_file_too_large_to_keep_is_seen_and_reported() {
    let work = Workspace::new();
    let large = vec![b'x'; (16 << 20) + 1];
    work.write("large", &large);
    let mut session = work.session();
    assert!(session.notices()[0].contains("1 files"), "{:?}", session.notices());
    work.write("large", &large[1..]);
    let seen = session.compare(&work.files).unwrap();
    assert_eq!(touched(&seen), [("large", Changed)]);
    assert!(session.base_content(&path("large")).unwrap_err().to_string().contains("not kept"));
}

#[test]
fn special_files_are_seen_and_never_opened() {
    let work = Workspace::new();
    let mut session = work.session();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        work.place("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let seen = session.compare(&work.files).unwrap();
    assert_eq!(touched(&seen), [("pipe", New)]);
    assert!(seen.files[0].binary);
}

#[test]
fn a_file_that_may_not_be_read_is_still_compared() {
    let work = Workspace::new();
    work.write("secret", "x");
    work.chmod("secret", 0o000);
    let mut session = work.session();
    work.chmod("secret", 0o600);
    assert_eq!(session.compare(&work.files).unwrap().files.len(), 1);
}

#[test]
fn the_hash_tells_modes_names_and_kinds_apart() {
    let work = Workspace::new();
    work.write("a", "x");
    let mut session = work.session();
    let mut hashes = vec![session.compare(&work.files).unwrap().hash];
    work.chmod("a", 0o755);
    hashes.push(session.compare(&work.files).unwrap().hash);
    std::fs::rename(work.place("a"), work.place("b")).unwrap();
    hashes.push(session.compare(&work.files).unwrap().hash);
    work.remove("b");
    work.link("x", "b");
    hashes.push(session.compare(&work.files).unwrap().hash);
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn without_a_base_nothing_is_compared() {
    let work = Workspace::new();
    let mut session = work.store.create(work.root.path(), "task").unwrap();
    assert!(session.compare(&work.files).unwrap_err().to_string().contains("no snapshot"));
}
