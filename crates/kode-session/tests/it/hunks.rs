//! Rejecting the agent's changes while a person edits too.

use kode_base::ProjectPath;
use kode_session::merge::Conflict;
use kode_session::{Origin, Session, SessionError, UndoTarget};
use proptest::prelude::*;

use super::workspace::{Workspace, path};

const BASE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

fn agent(work: &Workspace, session: &mut Session, turn: u32, name: &str, content: &str) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn });
    work.write(name, content);
    session.compare(&work.files).unwrap();
}

fn text(work: &Workspace, name: &str) -> String {
    String::from_utf8(work.read(name)).unwrap()
}

#[test]
fn one_hunk_goes_the_other_and_the_persons_line_stay() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    work.chmod("a", 0o755);
    let mut session = work.session();
    agent(&work, &mut session, 1, "a", &BASE.replace("one", "ONE").replace("nine", "NINE"));
    let edited = text(&work, "a").replace("five\n", "five\nmine\n");
    work.write("a", &edited);
    assert_eq!(work.store.review(session.id()).unwrap().hunks(&path("a")).unwrap().len(), 2);
    session.reject_hunks(&path("a"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "a"), edited.replace("ONE", "one"));
    assert_eq!(work.mode("a"), 0o755);
    // The person's line is no hunk of the agent's.
    let review = work.store.review(session.id()).unwrap();
    assert_eq!(review.hunks(&path("a")).unwrap().len(), 1);
    session.undo(&UndoTarget::Reject(path("a")), &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "a"), edited);
}

#[test]
fn an_edit_of_the_agents_line_is_a_conflict_and_nothing_is_written() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, "a", &BASE.replace("five", "FIVE"));
    let edited = text(&work, "a").replace("FIVE", "FIVE mine");
    work.write("a", &edited);
    let error = session.reject_hunks(&path("a"), &[0], &work.files, &mut work.gate).unwrap_err();
    let conflict = Conflict::Edited { hunk: 0, now: 4..5 };
    assert!(
        matches!(&error, SessionError::Conflict { conflict: c, .. } if *c == conflict),
        "{error}"
    );
    assert_eq!(text(&work, "a"), edited);
}

#[test]
fn an_edit_beside_the_agents_line_leaves_its_hunk_to_be_taken_back_alone() {
    for (mine, booked) in
        [("four", false), ("four", true), ("six", false), ("six", true), ("three", true)]
    {
        let mut work = Workspace::new();
        work.write("a", BASE);
        let mut session = work.session();
        agent(&work, &mut session, 1, "a", &BASE.replace("five", "FIVE"));
        let edited = text(&work, "a").replace(mine, "MINE");
        work.write("a", &edited);
        if booked {
            session.note_persons_edits(&work.files).unwrap();
        }
        let review = work.store.review(session.id()).unwrap();
        assert_eq!(review.hunks(&path("a")).unwrap().len(), 1, "{mine}, {booked}");
        if booked {
            session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
        } else {
            session.reject_hunks(&path("a"), &[0], &work.files, &mut work.gate).unwrap();
        }
        assert_eq!(text(&work, "a"), BASE.replace(mine, "MINE"), "{mine}, {booked}");
        let error = session.reject(&path("a"), &work.files, &mut work.gate).unwrap_err();
        assert!(error.to_string().contains("nothing to put back"), "{error}");
    }
}

#[test]
fn rejecting_a_whole_file_keeps_what_a_person_added_between_the_agents_steps() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    let mut session = work.session();
    agent(&work, &mut session, 1, "a", &BASE.replace("one", "ONE"));
    work.write("a", text(&work, "a").replace("five\n", "five\nmine\n"));
    let more = text(&work, "a").replace("nine", "NINE");
    agent(&work, &mut session, 2, "a", &more);
    session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "a"), BASE.replace("five\n", "five\nmine\n"));
}

#[test]
fn rejecting_a_whole_file_whose_new_lines_a_person_edited_is_refused() {
    let mut work = Workspace::new();
    let mut session = work.session();
    agent(&work, &mut session, 1, "new", "agent\nagent\n");
    work.write("new", "agent\nmine\n");
    session.note_persons_edits(&work.files).unwrap();
    let error = session.reject(&path("new"), &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().starts_with("new, line 2: you edited lines there"), "{error}");
    assert_eq!(text(&work, "new"), "agent\nmine\n");
}

#[test]
fn lines_that_a_person_added_to_the_agents_new_file_stay_alone() {
    let mut work = Workspace::new();
    let mut session = work.session();
    agent(&work, &mut session, 1, "new", "a1\na2\na3\n");
    work.write("new", "mine 0\na1\nmine 1\na2\na3\nmine 2\n");
    session.note_persons_edits(&work.files).unwrap();
    let review = work.store.review(session.id()).unwrap();
    assert_eq!(review.hunks(&path("new")).unwrap().len(), 2);
    session.reject_hunks(&path("new"), &[1], &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "new"), "mine 0\na1\nmine 1\nmine 2\n");
    session.reject(&path("new"), &work.files, &mut work.gate).unwrap();
    assert_eq!(text(&work, "new"), "mine 0\nmine 1\nmine 2\n");
}

#[test]
fn rejecting_the_whole_run_is_all_or_nothing() {
    let mut work = Workspace::new();
    work.write("a", BASE);
    work.write("b", BASE);
    let mut session = work.session();
    let error = session.reject_all(&work.files, &mut work.gate).unwrap_err();
    assert_eq!(error.to_string(), "there is nothing to reject");
    agent(&work, &mut session, 1, "a", "agent\n");
    work.write("mine", "mine\n");
    agent(&work, &mut session, 2, "b", &BASE.replace("one", "ONE"));
    agent(&work, &mut session, 2, "new", "agent\n");
    work.write("b", BASE.replace("one", "ONE").replace("nine", "mine"));
    let error = session.reject_all(&work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::ChangedSince(_)), "{error}");
    assert_eq!(text(&work, "a"), "agent\n");
    session.note_persons_edits(&work.files).unwrap();
    let rejected = session.reject_all(&work.files, &mut work.gate).unwrap();
    assert_eq!(rejected.paths, [path("a"), path("b"), path("new")]);
    assert_eq!(text(&work, "a"), BASE);
    assert_eq!(text(&work, "b"), BASE.replace("nine", "mine"));
    assert_eq!((work.exists("new"), text(&work, "mine").as_str()), (false, "mine\n"));
}

#[test]
fn undoing_a_turn_never_jumps_over_a_persons_edit() {
    let mut work = Workspace::new();
    work.write("a", "0\n");
    let mut session = work.session();
    agent(&work, &mut session, 1, "a", "1\n");
    work.write("a", "mine\n");
    agent(&work, &mut session, 1, "a", "mine\n2\n");
    let error = session.undo(&UndoTarget::Turn(1), &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::ChangedSince(_)), "{error}");
    assert_eq!(text(&work, "a"), "mine\n2\n");
}

#[test]
fn hunks_of_new_and_deleted_files_are_the_whole_file() {
    let mut work = Workspace::new();
    work.write("gone", BASE);
    work.chmod("gone", 0o640);
    let mut session = work.session();
    agent(&work, &mut session, 1, "new", "x\n");
    work.remove("gone");
    session.compare(&work.files).unwrap();
    session.reject_hunks(&path("new"), &[0], &work.files, &mut work.gate).unwrap();
    session.reject_hunks(&path("gone"), &[0], &work.files, &mut work.gate).unwrap();
    assert!(!work.exists("new"));
    assert_eq!((text(&work, "gone").as_str(), work.mode("gone")), (BASE, 0o640));
    assert!(session.compare(&work.files).unwrap().files.is_empty());
}

#[derive(Debug, Clone)]
enum Act {
    /// The agent replaces lines.
    Agent(prop::sample::Index, usize),
    /// A person inserts a line nobody else has.
    Person(prop::sample::Index),
    RejectHunk(prop::sample::Index),
    RejectFile,
    Undo,
    UndoReject,
    Redo,
}

fn act() -> impl Strategy<Value = Act> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        3 => (place(), 0..4_usize).prop_map(|(place, count)| Act::Agent(place, count)),
        3 => place().prop_map(Act::Person),
        2 => place().prop_map(Act::RejectHunk),
        1 => Just(Act::RejectFile),
        1 => Just(Act::Undo),
        1 => Just(Act::UndoReject),
        1 => Just(Act::Redo),
    ]
}

struct Story {
    work: Workspace,
    session: Session,
    number: u32,
    persons_lines: Vec<String>,
}

impl Story {
    fn perform(&mut self, act: &Act) {
        let Self { work, session, .. } = self;
        let file: ProjectPath = path("a");
        let gate = &mut work.gate;
        self.number += 1;
        match act {
            Act::Agent(place, count) => {
                let before = text(work, "a");
                // The agent may replace anything but a person's line.
                let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
                let start = place.index(lines.len() + 1);
                let mut end = (start + count).min(lines.len());
                while lines[start..end].iter().any(|line| line.starts_with("person")) {
                    end -= 1;
                }
                lines.splice(start..end, [format!("agent {}", self.number)]);
                let content = lines.join("\n") + "\n";
                agent(work, session, self.number, "a", &content);
            }
            Act::Person(place) => {
                let before = text(work, "a");
                let mut lines: Vec<&str> = before.lines().collect();
                let mine = format!("person {}", self.number);
                lines.insert(place.index(lines.len() + 1), &mine);
                work.write("a", lines.join("\n") + "\n");
                self.persons_lines.push(mine);
            }
            Act::RejectHunk(place) => {
                let hunks = work.store.review(session.id()).unwrap().hunks(&file).unwrap().len();
                let _ = session.reject_hunks(&file, &[place.index(hunks + 1)], &work.files, gate);
            }
            Act::RejectFile => drop(session.reject(&file, &work.files, gate)),
            Act::Undo => drop(session.undo(&UndoTarget::Last, &work.files, gate)),
            Act::UndoReject => {
                drop(session.undo(&UndoTarget::Reject(file), &work.files, gate));
            }
            Act::Redo => drop(session.redo(&work.files, gate)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_line_of_a_person_is_ever_lost(acts in prop::collection::vec(act(), 1..14)) {
        let work = Workspace::new();
        work.write("a", BASE);
        let session = work.session();
        let mut story = Story { work, session, number: 0, persons_lines: Vec::new() };
        for act in &acts {
            story.perform(act);
            let now = text(&story.work, "a");
            for mine in &story.persons_lines {
                let count = now.lines().filter(|line| line == mine).count();
                prop_assert_eq!(count, 1, "{} after {:?} in\n{}", mine, act, now);
            }
        }
    }
}
