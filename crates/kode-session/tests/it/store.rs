//! Making, finding, listing, resuming and deleting sessions.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use kode_base::Event;
use kode_session::SessionError;

use super::workspace::{Workspace, path};

#[test]
fn a_session_is_private_on_the_disk() {
    let work = Workspace::new();
    work.write("a", "x");
    let session = work.session();
    let mut folders = vec![work.home.clone()];
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", entry.path());
            }
        }
    }
    drop(session);
}

#[test]
fn the_journal_and_events_read_back_after_a_resume() {
    let work = Workspace::new();
    let mut session = work.session();
    session.append(&"step one").unwrap();
    session.keep_event(&Event::TurnStarted { turn: 1 }).unwrap();
    let id = session.id().to_owned();
    drop(session);
    let mut session = work.store.resume(None, work.root.path()).unwrap();
    assert_eq!(session.id(), id);
    session.append(&"step two").unwrap();
    assert_eq!(session.journal::<String>().unwrap(), ["step one", "step two"]);
    assert_eq!(session.events().unwrap(), [Event::TurnStarted { turn: 1 }]);
    assert!(session.notices().is_empty());
}

#[test]
fn a_torn_journal_line_is_set_aside_and_told() {
    let work = Workspace::new();
    let mut session = work.session();
    session.append(&"whole").unwrap();
    let folder = work.home.join("sessions").join(session.id());
    drop(session);
    let journal = folder.join("journal.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(journal).unwrap();
    file.write_all(b"\"to").unwrap();
    let session = work.store.resume(None, work.root.path()).unwrap();
    assert!(session.notices()[0].contains("3 bytes in journal.jsonl"), "{:?}", session.notices());
    assert_eq!(session.journal::<String>().unwrap(), ["whole"]);
    assert_eq!(std::fs::read(folder.join("journal.jsonl.torn")).unwrap(), b"\"to\n");
}

#[test]
fn two_at_once_on_one_session_are_refused() {
    let work = Workspace::new();
    let session = work.session();
    let error = work.store.resume(Some(session.id()), work.root.path()).unwrap_err();
    let pid = std::process::id();
    assert!(
        matches!(&error, SessionError::Busy(id, holder) if id == session.id() && *holder == pid)
    );
    assert!(error.to_string().ends_with(&format!("in use by process {pid}")), "{error}");
    assert!(matches!(work.store.delete(session.id()), Err(SessionError::Busy(..))));
    assert_eq!(work.store.show(session.id()).unwrap().open_in, Some(pid));
    let id = session.id().to_owned();
    drop(session);
    assert_eq!(work.store.show(&id).unwrap().open_in, None);
    work.resume(&id);
}

#[test]
fn a_lock_file_left_behind_by_a_dead_process_locks_nothing() {
    let work = Workspace::new();
    let id = work.session().id().to_owned();
    std::fs::write(work.home.join("sessions").join(&id).join("lock"), "1\n").unwrap();
    assert_eq!(work.store.show(&id).unwrap().open_in, None);
    work.resume(&id);
}

#[test]
fn sessions_are_listed_newest_first_with_their_end() {
    let work = Workspace::new();
    assert!(work.store.list().unwrap().is_empty());
    let mut first = work.store.create(work.root.path(), "first \u{1b}[2J").unwrap();
    first.finish(3).unwrap();
    let second = work.store.create(work.root.path(), "second").unwrap();
    let list = work.store.list().unwrap();
    assert_eq!(list.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), [second.id(), first.id()]);
    assert_eq!((list[0].ended, list[1].ended), (None, Some(3)));
    assert_eq!(list[1].task.expose(), "first \u{1b}[2J");
    let id = first.id().to_owned();
    drop(first);
    let mut first = work.resume(&id);
    assert_eq!(work.store.list().unwrap()[1].ended, Some(3), "it was only looked at");
    first.append(&"goes on").unwrap();
    assert_eq!(work.store.list().unwrap()[1].ended, None);
}

#[test]
fn identifiers_may_be_shortened_but_lead_nowhere_else() {
    let work = Workspace::new();
    let id = work.session().id().to_owned();
    assert_eq!(work.store.show(&id[..13]).unwrap().summary.id, id);
    for wrong in ["", "../sessions", "..", "/etc", "zzzz", "\u{1b}[2J"] {
        let error = work.store.resume(Some(wrong), work.root.path()).unwrap_err();
        assert!(matches!(error, SessionError::Unknown(_)), "{wrong}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a_session_of_another_project_is_not_resumed_here() {
    let work = Workspace::new();
    let id = work.session().id().to_owned();
    let other = work.home.parent().unwrap().join("other");
    let error = work.store.resume(Some(&id), &other).unwrap_err();
    assert!(error.to_string().contains("belongs to"), "{error}");
    let error = work.store.resume(None, &other).unwrap_err();
    assert!(matches!(error, SessionError::NoneHere(_)), "{error}");
}

#[test]
fn deleting_a_session_keeps_what_others_need() {
    let work = Workspace::new();
    work.write("shared", "shared");
    let first = work.session().id().to_owned();
    work.write("only-second", "second");
    let second = work.session().id().to_owned();
    let before = packs(&work);
    work.store.delete(&second).unwrap();
    assert_eq!(packs(&work), before - 1);
    let session = work.resume(&first);
    assert_eq!(session.base_content(&path("shared")).unwrap().unwrap().expose(), b"shared");
    assert!(matches!(work.store.show(&second), Err(SessionError::Unknown(_))));
    assert_eq!(work.store.list().unwrap().len(), 1);
}

#[test]
fn contents_are_not_collected_while_a_session_is_open() {
    let work = Workspace::new();
    work.write("a", "one");
    let old = work.session().id().to_owned();
    work.write("a", "two");
    let open = work.session();
    let before = packs(&work);
    work.store.delete(&old).unwrap();
    assert_eq!(open.base_content(&path("a")).unwrap().unwrap().expose(), b"two");
    assert_eq!(packs(&work), before);
}

#[test]
fn a_session_folder_without_its_first_line_is_no_session() {
    let work = Workspace::new();
    let id = work.session().id().to_owned();
    std::fs::write(work.home.join("sessions").join(&id).join("meta.jsonl"), "").unwrap();
    assert!(work.store.list().unwrap().is_empty());
    assert!(matches!(work.store.show(&id), Err(SessionError::Unknown(_))));
}

fn packs(work: &Workspace) -> usize {
    let names = std::fs::read_dir(work.home.join("packs")).unwrap();
    names
        .filter(|entry| entry.as_ref().unwrap().path().extension() == Some("pack".as_ref()))
        .count()
}

#[test]
fn packed_contents_live_as_long_as_a_session_needs_them() {
    let work = Workspace::new();
    let names: Vec<String> = (0..40).map(|number| format!("file{number:02}")).collect();
    let write_all =
        |word: &str| names.iter().for_each(|name| work.write(name, format!("{word} {name}")));
    write_all("first");
    let first = work.session().id().to_owned();
    let mut session = work.session();
    let second = session.id().to_owned();
    write_all("changed");
    assert_eq!(session.compare(&work.files).unwrap().files.len(), 40);
    drop(session);
    work.store.delete(&first).unwrap();
    let session = work.resume(&second);
    for name in &names {
        let base = session.base_content(&path(name)).unwrap().unwrap();
        assert_eq!(base.expose(), format!("first {name}").as_bytes());
        let last = session.last_content(&path(name)).unwrap().unwrap();
        assert_eq!(last.expose(), format!("changed {name}").as_bytes());
    }
    drop(session);
    work.store.delete(&second).unwrap();
    assert_eq!(packs(&work), 0);
    // The cache still names the pack that is gone.
    let third = work.session();
    assert_eq!(third.base_content(&path("file07")).unwrap().unwrap().expose(), b"changed file07");
}
