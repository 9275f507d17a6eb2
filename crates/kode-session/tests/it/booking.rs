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
    assert_eq!(told.collect::<Vec<_>>(), [("a.txt", true)]);
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

/// A session whose kode is gone since a command began that changed `a.txt`.
fn killed_in_a_command(work: &Workspace) -> String {
    work.write("a.txt", BEFORE);
    work.write("b.txt", BEFORE);
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.nothing_runs();
    session.command_begins(&work.files).unwrap();
    work.write("a.txt", AGENTS);
    session.id().to_owned()
}

#[test]
fn a_command_whose_end_nobody_saw_made_what_the_next_look_finds() {
    let mut work = Workspace::new();
    let id = killed_in_a_command(&work);
    assert!(work.store.review(&id).unwrap().has_unfinished_command());
    let mut session = work.resume(&id);
    session.nothing_runs();
    session.note_persons_edits(&work.files).unwrap();
    assert!(!session.has_unfinished_command());
    let report = work.store.review(&id).unwrap().report();
    assert!(report.files[0].by_command && report.files[0].rejectable, "{report:?}");
    drop(session);
    work.write("b.txt", "mine\n");
    let mut session = work.resume(&id);
    session.note_persons_edits(&work.files).unwrap();
    assert_eq!(after_reject(&mut work, &mut session), [BEFORE, "mine\n"]);
}

#[test]
fn a_hunk_of_such_a_command_can_be_rejected_at_once() {
    let mut work = Workspace::new();
    let id = killed_in_a_command(&work);
    let mut session = work.resume(&id);
    session.reject_hunks(&path("a.txt"), &[0], &work.files, &mut work.gate).unwrap_err();
    session.note_persons_edits(&work.files).unwrap();
    session.reject_hunks(&path("a.txt"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a.txt"), BEFORE.as_bytes());
}

#[test]
fn a_command_that_changed_nothing_is_over_all_the_same() {
    let work = Workspace::new();
    work.write("a.txt", BEFORE);
    let mut session = work.session();
    session.attribute(Origin::Agent { turn: 1 });
    session.command_begins(&work.files).unwrap();
    session.compare(&work.files).unwrap();
    let id = session.id().to_owned();
    drop(session);
    work.write("a.txt", "mine\n");
    let mut session = work.resume(&id);
    assert!(session.notes_commands() && !session.has_unfinished_command());
    session.note_persons_edits(&work.files).unwrap();
    assert!(work.store.review(&id).unwrap().turns().is_empty());
}

#[test]
fn a_session_of_an_earlier_kode_opens_and_says_that_it_notes_no_commands() {
    let work = Workspace::new();
    work.write("a.txt", BEFORE);
    let id = work.session().id().to_owned();
    let base = work.home.join("sessions").join(&id).join("base.jsonl");
    let text = std::fs::read_to_string(&base).unwrap();
    assert!(text.contains(",\"commands\":true"), "{text}");
    std::fs::write(&base, text.replace(",\"commands\":true", "")).unwrap();
    let mut session = work.resume(&id);
    assert!(!session.notes_commands() && !session.has_unfinished_command());
    session.compare(&work.files).unwrap();
}

/// A session whose kode is gone since it announced `AGENTS` for `a.txt`, where `found`
/// stands now; what is there after a reject of everything.
fn rejected_after_a_kill(found: &str) -> String {
    let mut work = Workspace::new();
    let session = announced(&work, "a.txt");
    let id = session.id().to_owned();
    drop(session);
    work.write("a.txt", found);
    let mut session = work.resume(&id);
    session.note_persons_edits(&work.files).unwrap();
    let _ = session.reject_possible(&work.files, &mut work.gate);
    String::from_utf8(work.read("a.txt")).unwrap()
}

#[test]
fn what_was_written_before_a_kill_and_edited_elsewhere_since_is_told_apart() {
    assert_eq!(rejected_after_a_kill("one\nmine\ntwo\nagent\n"), "one\nmine\ntwo\nthree\n");
}

#[test]
fn what_a_kill_kept_from_being_written_is_no_step_whatever_a_person_does() {
    for found in ["one\nmine\ntwo\nthree\n", "one\ntwo\n", "one\ntwo\nthree\nagent\n", "mine\n"] {
        assert_eq!(rejected_after_a_kill(found), found);
    }
}
