//! An edit tool's step is what it announced and wrote; all else is a person's.

use kode_base::{FileWrite, Untrusted, WriteMode};
use kode_session::{Origin, Session};

use crate::workspace::{Workspace, path};

const BEFORE: &str = "one\ntwo\nthree\n";
const AGENTS: &str = "one\ntwo\nagent\n";

/// A session whose agent is about to write `AGENTS` to `name`.
fn announced(work: &Workspace, name: &str) -> Session {
    work.write("a.txt", BEFORE);
    work.write("b.txt", BEFORE);
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.nothing_runs();
    session.note_persons_edits(&work.files).unwrap();
    let mode = WriteMode::Content(Untrusted::new(AGENTS.as_bytes().to_vec()));
    let write = FileWrite { path: path(name), expected: None, mode };
    session.mark_edited(&path(name), &work.files).unwrap();
    session.announce(&[write], &work.files).unwrap();
    session
}

/// Rejects all and tells what is left.
fn after_reject(work: &mut Workspace, session: &mut Session) -> [String; 2] {
    session.compare(&work.files).unwrap();
    session.reject_possible(&work.files, &mut work.gate).unwrap();
    ["a.txt", "b.txt"].map(|name| String::from_utf8(work.read(name)).unwrap())
}

#[test]
fn another_file_that_changed_meanwhile_is_a_persons() {
    let mut work = Workspace::new();
    let mut session = announced(&work, "a.txt");
    work.write("a.txt", AGENTS);
    work.write("b.txt", "mine\n");
    session.announced_is_written();
    let since = session.compare(&work.files).unwrap().since_last;
    assert_eq!(since.len(), 1, "{since:?}");
    let report = work.store.review(session.id()).unwrap().report();
    let told = report.files.iter().map(|file| (file.file.path.as_str(), file.rejectable));
    assert_eq!(told.collect::<Vec<_>>(), [("a.txt", true), ("b.txt", false)]);
    assert_eq!(after_reject(&mut work, &mut session), [BEFORE, "mine\n"]);
}

#[test]
fn the_same_file_edited_right_after_the_write_is_both() {
    let mut work = Workspace::new();
    let mut session = announced(&work, "a.txt");
    work.write("a.txt", "one\nmine\ntwo\nagent\n");
    session.announced_is_written();
    assert_eq!(after_reject(&mut work, &mut session), ["one\nmine\ntwo\nthree\n", BEFORE]);
}

#[test]
fn a_write_through_a_link_is_the_agents_where_it_leads() {
    let mut work = Workspace::new();
    work.write("folder/c", "");
    work.link("../a.txt", "folder/link");
    let mut session = announced(&work, "folder/link");
    work.write("a.txt", AGENTS);
    session.announced_is_written();
    assert_eq!(after_reject(&mut work, &mut session), [BEFORE, BEFORE]);
}

#[test]
fn what_was_announced_and_refused_is_a_persons_when_it_is_done_by_hand() {
    let work = Workspace::new();
    let mut session = announced(&work, "a.txt");
    session.retract_announced().unwrap();
    let id = session.id().to_owned();
    drop(session);
    work.write("a.txt", AGENTS);
    let mut session = work.resume(&id);
    session.note_persons_edits(&work.files).unwrap();
    assert!(work.store.review(&id).unwrap().turns().is_empty());
}

#[test]
fn only_what_changes_while_a_command_runs_is_the_commands() {
    let mut work = Workspace::new();
    work.write("a.txt", BEFORE);
    work.write("b.txt", BEFORE);
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.nothing_runs();
    work.write("b.txt", "mine\n");
    session.command_begins(&work.files).unwrap();
    work.write("a.txt", AGENTS);
    session.compare(&work.files).unwrap();
    session.nothing_runs();
    work.write("a.txt", "one\nmine\ntwo\nagent\n");
    let expected = ["one\nmine\ntwo\nthree\n", "mine\n"];
    assert_eq!(after_reject(&mut work, &mut session), expected);
}
