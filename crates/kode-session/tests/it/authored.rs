//! Rows, counts and the gate are about files that the agent answers for: what it
//! touched, and what a person made of that. Everything else is a person's alone.

use kode_session::{Origin, Session};

use crate::workspace::{Workspace, path, touched};

const BEFORE: &str = "first line\nsecond line\nthird line\n";
const AGENTS: &str = "first line\nsecond line\nagent wrote this\n";

/// A session whose agent changed `a.txt` by a command.
fn begun(work: &Workspace) -> Session {
    for name in ["a.txt", "b.txt", "c.txt"] {
        work.write(name, BEFORE);
    }
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.nothing_runs();
    command(work, &mut session, |work| work.write("a.txt", AGENTS));
    session
}

fn command(work: &Workspace, session: &mut Session, change: impl FnOnce(&Workspace)) {
    session.command_begins(&work.files).unwrap();
    change(work);
    session.compare(&work.files).unwrap();
    session.nothing_runs();
}

/// What is compared, and what the review lists, live and read back.
fn listed(work: &Workspace, session: &mut Session) -> Vec<String> {
    let compared = session.compare(&work.files).unwrap();
    let names: Vec<String> =
        touched(&compared).iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut review = work.store.review(session.id()).unwrap();
    let files = review.files().into_iter().map(|file| file.path.as_str().to_owned());
    assert_eq!(files.collect::<Vec<_>>(), names, "read back");
    names
}

#[test]
fn what_a_person_alone_changed_is_nowhere() {
    let work = Workspace::new();
    let mut session = begun(&work);
    work.write("b.txt", "mine\n");
    work.write("new.txt", "a file of my own\n");
    work.remove("c.txt");
    assert_eq!(listed(&work, &mut session), ["a.txt"]);
    let compared = session.compare(&work.files).unwrap();
    let persons: Vec<&str> = compared.persons.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(persons, ["b.txt", "c.txt", "new.txt"]);
    let report = work.store.review(session.id()).unwrap().report();
    assert_eq!(report.files.len(), 1, "{report:?}");
}

#[test]
fn a_file_of_both_stays_whoever_came_first() {
    let work = Workspace::new();
    let mut session = begun(&work);
    work.write("a.txt", format!("mine\n{AGENTS}"));
    work.write("b.txt", format!("mine\n{BEFORE}"));
    command(&work, &mut session, |work| work.write("b.txt", format!("mine\n{AGENTS}")));
    assert_eq!(listed(&work, &mut session), ["a.txt", "b.txt"]);
}

#[test]
fn a_file_that_a_person_moves_stays_with_its_new_name() {
    let work = Workspace::new();
    let mut session = begun(&work);
    std::fs::rename(work.place("a.txt"), work.place("moved.txt")).unwrap();
    assert_eq!(listed(&work, &mut session), ["a.txt", "moved.txt"]);
}

#[test]
fn moved_and_edited_it_stays_too() {
    let work = Workspace::new();
    let mut session = begun(&work);
    work.remove("a.txt");
    work.write("deep/moved.txt", format!("mine\n{AGENTS}"));
    assert_eq!(listed(&work, &mut session), ["a.txt", "deep/moved.txt"]);
}

#[test]
fn a_copy_of_what_the_agent_wrote_is_its_own() {
    let work = Workspace::new();
    let mut session = begun(&work);
    work.write("copy.txt", AGENTS);
    work.write("part.txt", "# of my own\nagent wrote this\n");
    assert_eq!(listed(&work, &mut session), ["a.txt", "copy.txt", "part.txt"]);
}

#[test]
fn a_line_that_both_happen_to_have_makes_no_file_the_agents() {
    let work = Workspace::new();
    let mut session = begun(&work);
    command(&work, &mut session, |work| {
        work.write("new.py", "from flask import Flask\napp = Flask(__name__)\nprint(app.name)\n");
    });
    let mine = "from flask import Flask\ndef my_own_view(request):\n    return request.arguments\n";
    work.write("mine.py", format!("{mine}\n# and a good deal more of my own here\n"));
    assert_eq!(listed(&work, &mut session), ["a.txt", "new.py"]);
}

#[test]
fn what_left_and_came_back_stays() {
    let work = Workspace::new();
    let mut session = begun(&work);
    // As by `git stash`, and its `pop`.
    work.write("a.txt", BEFORE);
    assert!(listed(&work, &mut session).is_empty());
    work.write("a.txt", AGENTS);
    assert_eq!(listed(&work, &mut session), ["a.txt"]);
}

#[test]
fn what_the_agent_moved_away_and_a_person_brings_back_stays() {
    let work = Workspace::new();
    let mut session = begun(&work);
    command(&work, &mut session, |work| work.write("evil.txt", "the agent's own text\n"));
    command(&work, &mut session, |work| work.remove("evil.txt"));
    work.write("elsewhere.txt", "the agent's own text\n");
    assert_eq!(listed(&work, &mut session), ["a.txt", "elsewhere.txt"]);
}

#[test]
fn a_later_command_that_renames_or_links_keeps_it_in_sight() {
    let work = Workspace::new();
    let mut session = begun(&work);
    command(&work, &mut session, |work| {
        std::fs::rename(work.place("a.txt"), work.place("b.txt")).unwrap();
        work.link("b.txt", "link");
    });
    assert_eq!(listed(&work, &mut session), ["a.txt", "b.txt", "link"]);
}

#[test]
fn where_processes_outlive_their_commands_nothing_is_a_persons_alone() {
    let work = Workspace::new();
    let mut session = begun(&work);
    session.processes_may_outlive_commands();
    work.write("b.txt", "mine\n");
    assert_eq!(listed(&work, &mut session), ["a.txt", "b.txt"]);
}

#[test]
fn a_record_that_does_not_tell_has_all_in_sight() {
    let work = Workspace::new();
    let mut session = begun(&work);
    work.write("b.txt", "mine\n");
    listed(&work, &mut session);
    let id = session.id().to_owned();
    drop(session);
    let base = work.home.join("sessions").join(&id).join("base.jsonl");
    let text = std::fs::read_to_string(&base).unwrap();
    std::fs::write(&base, text.replace(",\"commands\":true", "")).unwrap();
    assert_eq!(listed(&work, &mut work.resume(&id)), ["a.txt", "b.txt"]);
}

#[test]
fn once_the_agents_part_is_rejected_the_rest_is_no_row_any_more() {
    let mut work = Workspace::new();
    let mut session = begun(&work);
    work.write("a.txt", format!("mine\n{AGENTS}"));
    session.note_persons_edits(&work.files).unwrap();
    session.reject_hunks(&path("a.txt"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a.txt"), format!("mine\n{BEFORE}").as_bytes());
    let mut review = work.store.review(session.id()).unwrap();
    assert!(review.report().files.is_empty(), "{:?}", review.report());
    let rejected = review.rejected();
    assert_eq!(rejected.iter().map(|file| file.file.path.as_str()).collect::<Vec<_>>(), ["a.txt"]);
    let undo = kode_session::UndoTarget::Reject(path("a.txt"));
    session.undo(&undo, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.store.review(session.id()).unwrap().report().files.len(), 1);
    assert_eq!(work.read("a.txt"), format!("mine\n{AGENTS}").as_bytes());
}
