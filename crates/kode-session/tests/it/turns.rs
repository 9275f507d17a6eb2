//! Turns of the agent's: any of them can be taken back, not only the newest, and what
//! stands in the way is named with whose it is.

use kode_session::{Later, Origin, Session, SessionError, StepId, UndoTarget};

use super::workspace::{Workspace, path};

fn text() -> String {
    (0..12).map(|line| format!("line {line}\n")).collect()
}

fn agent(work: &Workspace, session: &mut Session, turn: u32, does: impl FnOnce()) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn });
    does();
    session.compare(&work.files).unwrap();
}

/// Each edit is a turn of its own: the lines it changes.
fn edited(edits: &[(&str, &str)]) -> (Workspace, Session) {
    let work = Workspace::new();
    work.write("a", text());
    let mut session = work.session();
    for (turn, (from, to)) in (1..).zip(edits) {
        let now = String::from_utf8(work.read("a")).unwrap();
        agent(&work, &mut session, turn, || work.write("a", now.replace(from, to)));
    }
    (work, session)
}

fn turns(work: &Workspace, session: &Session) -> Vec<(StepId, Vec<String>)> {
    let turns = work.store.review(session.id()).unwrap().turns();
    turns
        .into_iter()
        .map(|turn| (turn.id, turn.paths.iter().map(ToString::to_string).collect()))
        .collect()
}

#[test]
fn every_turn_is_told_newest_first_and_can_be_taken_back() {
    let (mut work, mut session) =
        edited(&[("line 1\n", "one\n"), ("line 5\n", "five\n"), ("line 9\n", "nine\n")]);
    agent(&work, &mut session, 4, || work.write("b", "b\n"));
    let told = turns(&work, &session);
    let paths: Vec<_> = told.iter().map(|(_, paths)| paths.join(" ")).collect();
    assert_eq!(paths, ["b", "a", "a", "a"]);
    session.reject_turn(told[3].0, &work.files, &mut work.gate).unwrap();
    let left = text().replace("line 5\n", "five\n").replace("line 9\n", "nine\n");
    assert_eq!(work.read("a"), left.as_bytes());
    session.reject_turn(told[2].0, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), text().replace("line 9\n", "nine\n").as_bytes());
    assert!(work.exists("b"));
    let error = session.reject_turn(told[2].0, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::NothingTo(_)), "{error}");
    assert_eq!(turns(&work, &session).len(), 2, "what was rejected is not offered any more");
    let target = UndoTarget::NewestReject;
    session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert_eq!(turns(&work, &session).len(), 3);
    session.reject_turn(told[2].0, &work.files, &mut work.gate).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test looks at the text")]
fn a_later_turn_on_the_same_lines_is_named_as_the_agents() {
    let (mut work, mut session) = edited(&[("line 5\n", "five\n"), ("five\n", "fünf\n")]);
    let told = turns(&work, &session);
    let error = session.reject_turn(told[1].0, &work.files, &mut work.gate).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("a, line 6: the agent changed there again"), "{said}");
    assert!(!said.contains("you "), "{said}");
    let SessionError::TurnMet { by: Later::Agent, met: Some(met), .. } = error else { panic!() };
    let texts = [met.before, met.agents, met.edited].map(|text| text.expose().clone());
    assert_eq!(texts, ["line 5\n", "five\n", "fünf\n"]);
    assert_eq!(work.read("a"), text().replace("line 5\n", "fünf\n").as_bytes());
    for turn in [told[0].0, told[1].0] {
        session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    }
    assert_eq!(work.read("a"), text().as_bytes());
}

#[test]
fn a_persons_edit_of_the_same_lines_is_named_as_theirs() {
    let (mut work, mut session) = edited(&[("line 5\n", "five\n"), ("line 9\n", "nine\n")]);
    let mine = String::from_utf8(work.read("a")).unwrap().replace("five\n", "mine\n");
    work.write("a", &mine);
    let told = turns(&work, &session);
    let error = session.reject_turn(told[1].0, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::TurnMet { by: Later::Person, .. }), "{error:?}");
    assert_eq!(work.read("a"), mine.as_bytes());
}

#[test]
fn a_file_that_a_later_turn_deleted_or_made_again_is_the_agents_doing() {
    let (mut work, mut session) = edited(&[("line 5\n", "five\n")]);
    agent(&work, &mut session, 2, || work.remove("a"));
    let first = turns(&work, &session)[1].0;
    let error = session.reject_turn(first, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::TurnMet { by: Later::Agent, .. }), "{error:?}");
    agent(&work, &mut session, 3, || work.write("a", "other\n"));
    let second = turns(&work, &session)[1].0;
    let error = session.reject_turn(second, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::TurnMet { by: Later::Agent, .. }), "{error:?}");
}

#[test]
fn a_new_file_that_a_later_turn_edited_is_a_conflict_of_the_agents_own() {
    let mut work = Workspace::new();
    let mut session = work.session();
    agent(&work, &mut session, 1, || work.write("a", text()));
    agent(&work, &mut session, 2, || work.write("a", text().replace("line 5\n", "five\n")));
    let first = turns(&work, &session)[1].0;
    let error = session.reject_turn(first, &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::TurnMet { by: Later::Agent, .. }), "{error:?}");
    let paths = session.reject(&path("a"), &work.files, &mut work.gate).unwrap().paths;
    assert_eq!(paths, [path("a")]);
}
