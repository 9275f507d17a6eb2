//! The agent does again what a person rejected, and turns are taken back.

use kode_base::ProjectPath;
use kode_session::{DoneAgain, Later, Origin, Session, SessionError, UndoTarget};

use super::workspace::{Workspace, path};

const BASE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

fn agent(work: &Workspace, session: &mut Session, turn: u32, files: &[(&str, &str)]) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn });
    for (name, content) in files {
        work.write(name, content);
    }
    session.compare(&work.files).unwrap();
}

fn text(work: &Workspace, name: &str) -> String {
    String::from_utf8(work.read(name)).unwrap()
}

fn again(session: &mut Session) -> Vec<DoneAgain> {
    session.done_again(&[path("a"), path("b")]).unwrap()
}

#[test]
fn a_rejected_hunk_that_comes_again_is_told_once_wherever_it_stands() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, &[("a", &BASE.replace("two", "TWO two"))]);
    assert_eq!(again(&mut session), []);
    session.reject_hunks(&path("a"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!(again(&mut session), []);
    agent(&work, &mut session, 2, &[("a", &BASE.replace("eight", "8 something else"))]);
    assert_eq!(again(&mut session), []);
    // With other words around it, in one larger hunk.
    let redone = BASE.replace("one\ntwo", "ONE more\nTWO two");
    agent(&work, &mut session, 3, &[("a", &redone)]);
    assert_eq!(again(&mut session), [DoneAgain { path: path("a"), line: 2 }]);
    assert_eq!(again(&mut session), []);
    let report = work.store.review(session.id()).unwrap().report();
    assert_eq!(report.files[0].again, Some(2));
}

#[test]
fn what_a_person_brought_back_or_wrote_is_not_done_again() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, &[("a", &BASE.replace("two", "TWO two"))]);
    session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
    session.undo(&UndoTarget::Reject(path("a")), &work.files, &mut work.gate).unwrap();
    assert_eq!(again(&mut session), []);
    session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
    work.write("a", BASE.replace("two", "TWO two"));
    session.note_persons_edits(&work.files).unwrap();
    assert_eq!(again(&mut session), []);
}

#[test]
fn a_turn_is_taken_back_whatever_came_after_it() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, &[("a", &BASE.replace("one", "ONE")), ("b", "made\n")]);
    let later = text(&work, "a").replace("nine", "NINE");
    agent(&work, &mut session, 2, &[("a", &later)]);
    work.write("a", text(&work, "a").replace("five", "mine"));
    let report = work.store.review(session.id()).unwrap().report();
    let turn = report.files[1].turn.unwrap();
    assert_ne!(report.files[0].turn, Some(turn));
    let rejected = session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    assert_eq!(rejected.paths, [path("a"), path("b")]);
    let expected = BASE.replace("nine", "NINE").replace("five", "mine");
    assert_eq!((text(&work, "a"), work.exists("b")), (expected, false));
    session.undo(&UndoTarget::Reject(path("b")), &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "b"), "made\n");
}

#[test]
fn a_turn_whose_lines_were_edited_since_is_refused_whole() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, &[("a", &BASE.replace("one", "ONE")), ("b", "made\n")]);
    work.write("a", BASE.replace("one", "ONE, mine"));
    let turn = work.store.review(session.id()).unwrap().report().files[0].turn.unwrap();
    let error = session.reject_turn(turn, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::TurnMet { by: Later::Person, .. }), "{error}");
    assert_eq!(text(&work, "a"), BASE.replace("one", "ONE, mine"));
    assert!(work.exists("b"));
}

#[test]
fn two_runs_first_turns_are_two_turns() {
    let mut work = Workspace::new();
    let mut session = work.session();
    agent(&work, &mut session, 1, &[("a", "first\n")]);
    let id = session.id().to_owned();
    drop(session);
    let mut session = work.resume(&id);
    agent(&work, &mut session, 1, &[("b", "second\n")]);
    let report = work.store.review(&id).unwrap().report();
    session.reject_turn(report.files[1].turn.unwrap(), &work.files, &mut work.gate).unwrap();
    assert_eq!((work.exists("a"), work.exists("b")), (true, false));
}

#[test]
fn a_rename_with_edits_is_told_and_two_other_files_are_not_one() {
    let work = Workspace::new();
    let text: String = (0..20).map(|line| format!("line {line} of the module\n")).collect();
    work.write("old.py", &text);
    work.write("gone.py", "nothing like it\nat all\n");
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    work.remove("old.py");
    work.remove("gone.py");
    work.write("new.py", text.replace("line 3 ", "line three "));
    work.write("other.py", "print(1)\n");
    session.compare(&work.files).unwrap();
    let files = work.store.review(session.id()).unwrap().report().files;
    let told: Vec<_> = files
        .iter()
        .map(|file| (file.file.path.as_str(), file.renamed_from.as_ref(), file.file.added))
        .collect();
    let old = path("old.py");
    let expected = [("gone.py", None, 0), ("new.py", Some(&old), 1), ("other.py", None, 1)];
    assert_eq!(told, expected);
}

#[test]
fn renames_commands_and_marks_are_told() {
    let work = Workspace::new();
    work.write("old", BASE);
    work.write("a", BASE);
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.attribute_to_command(true);
    work.remove("old");
    work.write("new", BASE);
    session.compare(&work.files).unwrap();
    session.attribute_to_command(false);
    work.write("a", "edited\n");
    session.compare(&work.files).unwrap();
    let mut review = work.store.review(session.id()).unwrap();
    let files = review.report().files;
    let told: Vec<(&str, bool, Option<&ProjectPath>)> = files
        .iter()
        .map(|f| (f.file.path.as_str(), f.by_command, f.renamed_from.as_ref()))
        .collect();
    assert_eq!(told, [("a", false, None), ("new", true, Some(&path("old")))]);

    work.store.mark_reviewed(session.id(), &path("a"), &files[0].state(), true).unwrap();
    let marked =
        |work: &Workspace| work.store.review(session.id()).unwrap().report().files[0].reviewed;
    assert!(marked(&work));
    assert!(review.is_on_disk(&path("a"), &work.files).unwrap());
    work.write("a", "mine\n");
    assert!(!review.is_on_disk(&path("a"), &work.files).unwrap());
    work.remove("a");
    assert!(!review.is_on_disk(&path("a"), &work.files).unwrap());
}
