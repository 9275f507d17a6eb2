//! Taking steps back and bringing them back.

use kode_base::{ChangeKind, ProjectPath};
use kode_session::{Origin, Session, SessionError, UndoTarget};
use proptest::prelude::*;

use super::workspace::{Workspace, path};

fn step(work: &Workspace, session: &mut Session, turn: u32, change: impl FnOnce(&Workspace)) {
    session.attribute(Origin::Person);
    session.compare(&work.files).unwrap();
    session.attribute(Origin::Agent { turn });
    change(work);
    session.compare(&work.files).unwrap();
}

fn paths(names: &[&str]) -> Vec<ProjectPath> {
    names.iter().map(|name| path(name)).collect()
}

#[test]
fn undo_and_redo_walk_back_and_forth() {
    let mut work = Workspace::new();
    work.write("a", "0");
    let mut session = work.session();
    step(&work, &mut session, 1, |work| work.write("a", "1"));
    step(&work, &mut session, 1, |work| work.write("b", "1"));
    step(&work, &mut session, 2, |work| work.write("a", "2"));

    let undone = session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
    assert_eq!((undone.paths, work.read("a")), (paths(&["a"]), b"1".to_vec()));
    let undone = session.undo(&UndoTarget::Turn(1), &work.files, &mut work.gate).unwrap();
    assert_eq!((undone.paths, work.read("a")), (paths(&["a", "b"]), b"0".to_vec()));
    assert!(!work.exists("b"));
    let error = session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap_err();
    assert_eq!(error.to_string(), "there is nothing to undo");

    session.redo(&work.files, &mut work.gate).unwrap();
    assert_eq!((work.read("a"), work.read("b")), (b"1".to_vec(), b"1".to_vec()));
    session.redo(&work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"2");
    assert!(matches!(
        session.redo(&work.files, &mut work.gate),
        Err(SessionError::NothingTo("redo"))
    ));
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"1", "what was brought back can be taken back again");
}

#[test]
fn one_path_is_taken_back_change_by_change() {
    let mut work = Workspace::new();
    let mut session = work.session();
    step(&work, &mut session, 1, |work| work.write("a", "1"));
    step(&work, &mut session, 2, |work| {
        work.write("a", "2");
        work.write("b", "2");
    });
    let target = UndoTarget::Path(path("a"));
    session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert_eq!((work.read("a"), work.read("b")), (b"1".to_vec(), b"2".to_vec()));
    session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert!(!work.exists("a"));
    assert!(session.undo(&target, &work.files, &mut work.gate).is_err());
}

#[test]
fn when_one_file_changed_since_none_is_touched() {
    let mut work = Workspace::new();
    let mut session = work.session();
    step(&work, &mut session, 1, |work| {
        work.write("a", "agent");
        work.write("b", "agent");
    });
    work.write("b", "mine");
    let error = session.undo(&UndoTarget::Turn(1), &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::ChangedSince(_)), "{error}");
    assert_eq!((work.read("a"), work.read("b")), (b"agent".to_vec(), b"mine".to_vec()));
}

#[test]
fn a_persons_own_change_is_not_undone() {
    let mut work = Workspace::new();
    let mut session = work.session();
    session.attribute(Origin::Person);
    work.write("mine", "x");
    session.compare(&work.files).unwrap();
    assert!(session.undo(&UndoTarget::Last, &work.files, &mut work.gate).is_err());
    assert_eq!(work.read("mine"), b"x");
}

#[test]
fn a_reject_can_be_taken_back() {
    let mut work = Workspace::new();
    work.write("a", "base");
    let mut session = work.session();
    step(&work, &mut session, 1, |work| work.write("a", "agent"));
    session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"base");
    let target = UndoTarget::Reject(path("a"));
    session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"agent");
    assert!(session.undo(&target, &work.files, &mut work.gate).is_err());
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"base");
}

#[test]
fn undo_works_after_a_crash() {
    let mut work = Workspace::new();
    work.write("a", "0");
    let mut session = work.session();
    step(&work, &mut session, 1, |work| work.write("a", "1"));
    let id = session.id().to_owned();
    drop(session);
    let mut session = work.resume(&id);
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"0");
}

/// One thing that may happen to one of three files.
#[derive(Debug, Clone)]
enum Act {
    Write(usize, Vec<u8>),
    Remove(usize),
    Mode(usize, u32),
    Link(usize),
}

const NAMES: [&str; 3] = ["a", "folder/b", "folder/c"];

fn act() -> impl Strategy<Value = Act> {
    let name = 0..NAMES.len();
    prop_oneof![
        (name.clone(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(n, c)| Act::Write(n, c)),
        name.clone().prop_map(Act::Remove),
        (name.clone(), prop::sample::select(vec![0o600, 0o644, 0o755]))
            .prop_map(|(n, m)| Act::Mode(n, m)),
        name.prop_map(Act::Link),
    ]
}

fn perform(work: &Workspace, act: &Act) {
    match act {
        Act::Write(name, content) => {
            if work.exists(NAMES[*name]) {
                work.remove(NAMES[*name]);
            }
            work.write(NAMES[*name], content);
        }
        Act::Remove(name) if work.exists(NAMES[*name]) => work.remove(NAMES[*name]),
        Act::Mode(name, mode) if work.place(NAMES[*name]).is_file() => {
            work.chmod(NAMES[*name], *mode);
        }
        Act::Link(name) if !work.exists(NAMES[*name]) => {
            std::fs::create_dir_all(work.place(NAMES[*name]).parent().unwrap()).unwrap();
            work.link("nowhere", NAMES[*name]);
        }
        Act::Remove(_) | Act::Mode(..) | Act::Link(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn undoing_every_step_gives_the_tree_of_the_beginning(
        before in prop::collection::vec(act(), 0..6),
        turns in prop::collection::vec(prop::collection::vec(act(), 1..4), 1..5),
    ) {
        let mut work = Workspace::new();
        before.iter().for_each(|act| perform(&work, act));
        let mut session = work.session();
        let mut hashes = vec![session.compare(&work.files).unwrap().hash];
        for (turn, acts) in (1..).zip(&turns) {
            session.attribute(Origin::Agent { turn });
            acts.iter().for_each(|act| perform(&work, act));
            let hash = session.compare(&work.files).unwrap().hash;
            if hashes.last() != Some(&hash) {
                hashes.push(hash);
            }
        }
        let steps = hashes.len() - 1;
        for expected in hashes[..steps].iter().rev() {
            let written = NAMES.map(|name| work.modified(name));
            let undone = session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
            // A build has to notice the old bytes as it would new ones.
            for (name, before) in NAMES.iter().zip(written) {
                let is_older = work.modified(name).zip(before).is_some_and(|(now, was)| now <= was);
                prop_assert!(!is_older || !undone.paths.contains(&path(name)), "{}", name);
            }
            let now = session.compare(&work.files).unwrap();
            prop_assert_eq!(&now.hash, expected);
            prop_assert!(now.since_last.is_empty());
        }
        prop_assert!(session.undo(&UndoTarget::Last, &work.files, &mut work.gate).is_err());
        for expected in &hashes[1..] {
            session.redo(&work.files, &mut work.gate).unwrap();
            prop_assert_eq!(&session.compare(&work.files).unwrap().hash, expected);
        }
    }
}

/// Nothing names the files any more: a later review lists only what is left.
#[test]
fn what_was_rejected_last_comes_back_in_a_later_session_too() {
    let mut work = Workspace::new();
    work.write("a", "0");
    let mut session = work.session();
    step(&work, &mut session, 1, |work| {
        work.write("a", "1");
        work.write("b", "1");
    });
    session.reject_all(&work.files, &mut work.gate).unwrap();
    let id = session.id().to_owned();
    drop(session);
    let mut session = work.store.resume(Some(&id), work.root.path()).unwrap();
    let target = UndoTarget::NewestReject;
    let undone = session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert_eq!(undone.paths, paths(&["a", "b"]));
    assert_eq!((work.read("a"), work.read("b")), (b"1".to_vec(), b"1".to_vec()));
    assert!(session.undo(&target, &work.files, &mut work.gate).is_err(), "once");
}

/// A command that writes ignored files, followed as the agent follows code there.
fn command_in_ignored(work: &Workspace, session: &mut Session, files: &[(&str, &str)]) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn: 1 });
    for (name, content) in files {
        work.write(name, content);
    }
    session.compare(&work.files).unwrap();
    for (name, _) in files {
        session.follow(&path(name)).unwrap();
    }
    session.compare(&work.files).unwrap();
}

#[test]
fn an_ignored_file_that_was_there_before_is_never_taken_for_new() {
    let mut work = Workspace::new();
    work.write(".gitignore", "node_modules\ntarget\n");
    work.write("node_modules/x.js", "old\n");
    work.write("src/a.js", "0\n");
    let mut session = work.session();
    // A person's own build makes one more, after the base.
    work.write("target/made.js", "built\n");
    let files = [("node_modules/x.js", "new\n"), ("target/made.js", "n\n"), ("target/n.js", "n\n")];
    command_in_ignored(&work, &mut session, &files);
    let seen = session.compare(&work.files).unwrap();
    let kinds: Vec<_> =
        seen.files.iter().map(|file| (file.path.as_str().to_owned(), file.change)).collect();
    let (changed, new) = (ChangeKind::Changed, ChangeKind::New);
    assert_eq!(
        kinds,
        [
            ("node_modules/x.js".to_owned(), changed),
            ("target/made.js".to_owned(), changed),
            ("target/n.js".to_owned(), new),
        ]
    );
    drop(session);

    // The record says the same after a restart.
    let mut session = work.store.resume(None, work.root.path()).unwrap();
    session.ensure_base(&work.root, &work.files).unwrap();
    for (name, now) in &files[..2] {
        let target = UndoTarget::Path(path(name));
        let error = session.undo(&target, &work.files, &mut work.gate).unwrap_err();
        assert!(matches!(error, SessionError::NotKept(_)), "{error}");
        let error = session.reject(&path(name), &work.files, &mut work.gate).unwrap_err();
        assert!(matches!(error, SessionError::NotKept(_)), "{error}");
        assert_eq!(work.read(name), now.as_bytes());
    }
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap_err();
    session.reject_all(&work.files, &mut work.gate).unwrap_err();
    let rejected = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((rejected.paths, rejected.not_done.len()), (paths(&["target/n.js"]), 2));
    assert!(work.exists("node_modules/x.js") && work.exists("target/made.js"));
    assert!(!work.exists("target/n.js"));
}

#[test]
fn a_file_that_a_command_made_too_large_to_keep_goes_back_to_what_it_was() {
    let mut work = Workspace::new();
    work.write("a.log", "small\n");
    let mut session = work.session();
    let large = vec![b'x'; (16 << 20) + 1];
    step(&work, &mut session, 1, |work| work.write("a.log", &large));
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a.log"), b"small\n");
    let error = session.redo(&work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::NotKept(_)), "{error}");

    step(&work, &mut session, 2, |work| work.write("a.log", &large));
    session.reject(&path("a.log"), &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a.log"), b"small\n");
    // What a person wrote into it since is nobody's to lose.
    step(&work, &mut session, 3, |work| work.write("a.log", &large));
    work.write("a.log", vec![b'y'; (16 << 20) + 1]);
    session.undo(&UndoTarget::Last, &work.files, &mut work.gate).unwrap_err();
    assert_eq!(work.read("a.log").first(), Some(&b'y'));
}
