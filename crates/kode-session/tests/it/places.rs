//! Files, folders and links that took each other's place: a reject puts each back
//! where it was, its undo brings all of them, and nothing behind a link is written.

use kode_session::{Origin, Session, SessionError, UndoTarget};

use super::workspace::{Workspace, path};

fn agent(work: &Workspace, session: &mut Session, does: impl FnOnce()) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn: 1 });
    does();
    session.compare(&work.files).unwrap();
}

/// Rejects `name`, or all; checks that all is as before the agent, and that undo and
/// redo lead there and back.
fn there_and_back(before: impl Fn(&Workspace), agents: impl Fn(&Workspace), name: Option<&str>) {
    let mut work = Workspace::new();
    before(&work);
    let mut session = work.session();
    let at_first = work.all();
    agent(&work, &mut session, || agents(&work));
    let then = work.all();
    let done = match name {
        Some(name) => session.reject(&path(name), &work.files, &mut work.gate).unwrap(),
        None => session.reject_possible(&work.files, &mut work.gate).unwrap(),
    };
    assert_eq!((work.all(), done.not_done), (at_first.clone(), vec![]), "reject");
    let undone = session.undo(&UndoTarget::NewestReject, &work.files, &mut work.gate).unwrap();
    assert_eq!((work.all(), undone.not_done), (then, vec![]), "undo");
    session.redo(&work.files, &mut work.gate).unwrap();
    assert_eq!(work.all(), at_first, "redo");
}

fn link_and_target(work: &Workspace) {
    work.write("real/x", "the person's\n");
    work.link("real", "place");
}

fn folder_for_link(work: &Workspace) {
    work.remove("place");
    work.write("place/x", "the agent's\n");
    work.write("place/deep/y", "y\n");
}

#[test]
fn a_folder_in_a_links_place() {
    there_and_back(link_and_target, folder_for_link, None);
    there_and_back(link_and_target, folder_for_link, Some("place"));
    // The same as what the link led to.
    let copied = |work: &Workspace| {
        work.remove("place");
        work.write("place/x", "the person's\n");
    };
    there_and_back(link_and_target, copied, None);
    there_and_back(link_and_target, copied, Some("place"));
}

#[test]
fn a_folder_in_the_place_of_a_link_that_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("x"), "outside").unwrap();
    let before = |work: &Workspace| work.link(outside.path().to_str().unwrap(), "place");
    there_and_back(before, folder_for_link, None);
    assert_eq!(std::fs::read_to_string(outside.path().join("x")).unwrap(), "outside");
}

#[test]
fn a_link_in_a_folders_place() {
    let before = |work: &Workspace| {
        work.write("other/x", "other\n");
        work.write("place/x", "x\n");
        work.write("place/deep/y", "y\n");
    };
    let agents = |work: &Workspace| {
        std::fs::remove_dir_all(work.place("place")).unwrap();
        work.link("other", "place");
    };
    there_and_back(before, agents, None);
    for name in ["place", "place/x"] {
        let mut work = Workspace::new();
        before(&work);
        let mut session = work.session();
        agent(&work, &mut session, || agents(&work));
        session.reject(&path(name), &work.files, &mut work.gate).unwrap();
        assert_eq!(work.read("other/x"), b"other\n");
        session.reject_possible(&work.files, &mut work.gate).unwrap();
        assert_eq!(
            (work.read("place/x"), work.read("place/deep/y")),
            (b"x\n".into(), b"y\n".into())
        );
    }
}

#[test]
fn nested_folders_in_a_files_place() {
    let before = |work: &Workspace| work.write("a", "a file\n");
    let agents = |work: &Workspace| {
        work.remove("a");
        work.write("a/b/c/d", "deep and deeper\n");
        work.write("a/b/e/f", "f\n");
    };
    there_and_back(before, agents, None);
    there_and_back(before, agents, Some("a"));
    // What the folder was left with counts as nothing.
    there_and_back(
        before,
        |work| {
            work.remove("a");
            std::fs::create_dir_all(work.place("a/b/c")).unwrap();
            work.write("other", "x\n");
        },
        None,
    );
}

#[test]
fn a_file_moved_into_a_folder_of_its_own_name_and_back_out() {
    let text = |work: &Workspace, name: &str| work.write(name, "one\ntwo\nthree\n");
    let inward = |work: &Workspace| {
        work.remove("a.txt");
        text(work, "a.txt/a.txt");
    };
    for name in [None, Some("a.txt"), Some("a.txt/a.txt")] {
        there_and_back(|work| text(work, "a.txt"), inward, name);
    }
    let outward = |work: &Workspace| {
        std::fs::remove_dir_all(work.place("d")).unwrap();
        text(work, "d");
    };
    for name in [None, Some("d"), Some("d/e/f")] {
        there_and_back(|work| text(work, "d/e/f"), outward, name);
    }
}

#[test]
fn files_that_moved_into_folders_of_each_others_names() {
    let before = |work: &Workspace| {
        work.write("a", "1\n2\n3\n");
        work.write("b", "7\n8\n9\n");
    };
    let agents = |work: &Workspace| {
        work.remove("a");
        work.remove("b");
        work.write("a/x", "7\n8\n9\n");
        work.write("b/x", "1\n2\n3\n");
    };
    there_and_back(before, agents, None);
    there_and_back(before, agents, Some("a"));
}

#[test]
fn a_persons_file_in_the_way_stays_and_is_named() {
    let mut work = Workspace::new();
    work.write("a", "a file\n");
    let mut session = work.session();
    agent(&work, &mut session, || {
        work.remove("a");
        work.write("a/agents", "x\n");
    });
    work.write("a/deep/mine", "mine\n");
    session.note_persons_edits(&work.files).unwrap();
    let before = work.all();
    let error = session.reject(&path("a"), &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::InTheWay { .. }), "{error}");
    assert!(error.to_string().contains("a/deep/mine"), "{error}");
    assert_eq!(work.all(), before, "nothing was written");
    let done = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((done.paths, done.not_done.len()), (vec![path("a/agents")], 1));
    assert_eq!(work.read("a/deep/mine"), b"mine\n");
    std::fs::remove_dir_all(work.place("a/deep")).unwrap();
    session.note_persons_edits(&work.files).unwrap();
    session.reject(&path("a"), &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("a"), b"a file\n");
}

#[test]
fn an_ignored_file_in_the_way_is_seen_before_anything_is_written() {
    let mut work = Workspace::new();
    work.write(".gitignore", "*.log\n");
    work.write("a", "a file\n");
    let mut session = work.session();
    agent(&work, &mut session, || {
        work.remove("a");
        work.write("a/agents", "x\n");
        work.write("a/b/run.log", "x\n");
    });
    let before = work.all();
    let error = session.reject(&path("a"), &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().contains("a/b/run.log"), "{error}");
    assert_eq!(work.all(), before);
}

#[test]
fn a_file_that_an_edit_tool_reached_through_a_link_is_put_back_through_it() {
    let mut work = Workspace::new();
    work.write(".gitignore", "real/\n");
    link_and_target(&work);
    let mut session = work.session();
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn: 1 });
    session.mark_edited(&path("place/x"), &work.files).unwrap();
    work.write("place/x", "the agent's\n");
    let touched = session.compare(&work.files).unwrap().files;
    assert_eq!(touched.len(), 1, "{touched:?}");
    // Also by a kode that only reads of it.
    let id = session.id().to_owned();
    drop(session);
    let review = work.store.review(&id).unwrap();
    assert!(review.is_on_disk(&path("place/x"), &work.files).unwrap());
    let mut session = work.resume(&id);
    session.reject(&path("place/x"), &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("real/x"), b"the person's\n");
    session.undo(&UndoTarget::NewestReject, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("real/x"), b"the agent's\n");
    assert!(work.place("place").is_symlink());
}

#[test]
fn a_folder_that_an_edit_tool_wrote_in_a_links_place_goes_and_the_link_is_no_alias_of_it() {
    let mut work = Workspace::new();
    link_and_target(&work);
    let mut session = work.session();
    let at_first = work.all();
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn: 1 });
    work.remove("place");
    session.mark_edited(&path("place/x"), &work.files).unwrap();
    work.write("place/x", "the agent's\n");
    session.compare(&work.files).unwrap();
    session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!(work.all(), at_first);
    let comparison = session.compare(&work.files).unwrap();
    assert!(comparison.files.is_empty(), "{comparison:?}");
    session.undo(&UndoTarget::NewestReject, &work.files, &mut work.gate).unwrap();
    assert_eq!(work.read("place/x"), b"the agent's\n");
    assert_eq!(work.read("real/x"), b"the person's\n");
}
