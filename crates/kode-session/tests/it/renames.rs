//! Renamed files: both names are one change, whatever is rejected and undone,
//! and what a person edited under the new name stays.

use kode_session::{Origin, Session, SessionError, UndoTarget};

use super::workspace::{Workspace, path};

fn text() -> String {
    (0..12).map(|line| format!("line {line} of the module\n")).collect()
}

/// The agent's doing in one turn.
fn agent(work: &Workspace, session: &mut Session, turn: u32, does: impl FnOnce()) {
    session.note_persons_edits(&work.files).unwrap();
    session.attribute(Origin::Agent { turn });
    does();
    session.compare(&work.files).unwrap();
}

fn renamed(edit: impl Fn(&str) -> String) -> (Workspace, Session) {
    let work = Workspace::new();
    work.write("old", text());
    let mut session = work.session();
    agent(&work, &mut session, 1, || {
        work.remove("old");
        work.write("deep/new", edit(&text()));
    });
    (work, session)
}

fn read(work: &Workspace, name: &str) -> Option<String> {
    work.exists(name).then(|| String::from_utf8(work.read(name)).unwrap())
}

#[test]
fn both_names_are_rejected_and_brought_back_together() {
    for name in ["old", "deep/new"] {
        let (mut work, mut session) = renamed(str::to_owned);
        work.chmod("deep/new", 0o755);
        agent(&work, &mut session, 2, || {});
        let done = session.reject(&path(name), &work.files, &mut work.gate).unwrap();
        assert_eq!(done.paths.len(), 2);
        assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(text()), None));
        session.undo(&UndoTarget::Reject(path(name)), &work.files, &mut work.gate).unwrap();
        assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(text())));
        assert_eq!(work.mode("deep/new"), 0o755);
        session.redo(&work.files, &mut work.gate).unwrap();
        assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(text()), None));
    }
}

#[test]
fn a_hunk_of_a_renamed_file_is_the_agents_edit_and_not_the_file() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let review = work.store.review(session.id()).unwrap();
    assert_eq!(review.hunks(&path("deep/new")).unwrap().len(), 1);
    session.reject_hunks(&path("deep/new"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(text())));
    let review = work.store.review(session.id()).unwrap();
    assert!(review.hunks(&path("deep/new")).unwrap().is_empty(), "a mere rename is left");
    let error =
        session.reject_hunks(&path("deep/new"), &[0], &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().contains("there is no hunk 1"), "{error}");
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(text())));
    session.reject(&path("deep/new"), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(text()), None));
}

#[test]
fn what_a_person_edited_under_the_new_name_comes_along() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let mine = read(&work, "deep/new").unwrap().replace("line 9 ", "line 9, mine, ");
    work.write("deep/new", &mine);
    session.note_persons_edits(&work.files).unwrap();
    session.reject(&path("deep/new"), &work.files, &mut work.gate).unwrap();
    let expected = text().replace("line 9 ", "line 9, mine, ");
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(expected.clone()), None));
    let error = session.reject(&path("old"), &work.files, &mut work.gate).unwrap_err();
    assert!(
        matches!(error, SessionError::NotTouched(_)),
        "the person's edit is no change: {error}"
    );
    session.undo(&UndoTarget::Reject(path("deep/new")), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(mine)));
    // As if it had never been rejected.
    session.reject(&path("old"), &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "old"), Some(expected.clone()));
    // The agent edits what came back: its own edit goes, the person's stays.
    agent(&work, &mut session, 2, || work.write("old", expected.replace("line 1 ", "line one ")));
    session.reject(&path("old"), &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "old"), Some(expected));
}

#[test]
fn an_edit_of_the_agents_lines_is_a_conflict_that_says_where() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let mine = read(&work, "deep/new").unwrap().replace("line three ", "line 3, mine, ");
    work.write("deep/new", format!("mine too\n{mine}"));
    session.note_persons_edits(&work.files).unwrap();
    let review = work.store.review(session.id()).unwrap();
    let met = review.meeting(&path("deep/new")).unwrap().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test looks at the text")]
    let texts = [met.before, met.agents, met.edited].map(|text| text.expose().clone());
    let [before, agents, edited] = texts.each_ref().map(String::as_str);
    assert_eq!(before, "line 3 of the module\n");
    assert_eq!(agents, "line three of the module\n");
    assert_eq!(edited, "line 3, mine, of the module\n");
    // The name comes back, and what is the person's with it.
    let done = session.reject(&path("deep/new"), &work.files, &mut work.gate).unwrap();
    assert_eq!(done.paths.len(), 2);
    let [kept] = &done.not_done[..] else { panic!("{done:?}") };
    assert!(kept.starts_with("deep/new, line 5: you edited lines there"), "{kept}");
    let mine = format!("mine too\n{mine}");
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(mine.clone()), None));
    session.undo(&UndoTarget::Reject(path("deep/new")), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(mine.clone())));
    let done = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((done.paths.len(), done.not_done.len()), (2, 1), "{done:?}");
    assert_eq!(read(&work, "old"), Some(mine));
}

#[test]
fn an_edit_elsewhere_leaves_a_conflict_in_sight() {
    let (work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let mine = read(&work, "deep/new").unwrap().replace("line three ", "line 3, mine, ");
    work.write("deep/new", &mine);
    session.note_persons_edits(&work.files).unwrap();
    for lines in ["one more\n", "one more\nand another\n"] {
        work.write("deep/new", format!("{lines}{mine}"));
        session.note_persons_edits(&work.files).unwrap();
        let review = work.store.review(session.id()).unwrap();
        let met = review.meeting(&path("deep/new")).unwrap().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test looks at the text")]
        let agents = met.agents.expose().clone();
        assert_eq!(agents, "line three of the module\n");
    }
}

#[test]
fn a_renamed_file_whose_lines_cannot_be_told_apart_gets_its_name_back_as_it_is() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let mut mine = b"\0mine\n".to_vec();
    mine.extend(text().into_bytes());
    work.write("deep/new", &mine);
    session.note_persons_edits(&work.files).unwrap();
    work.write("deep/new", "one line of mine\n");
    session.note_persons_edits(&work.files).unwrap();
    let done = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert!(done.not_done.is_empty(), "nothing of the agent's is left: {done:?}");
    assert_eq!(read(&work, "old").as_deref(), Some("one line of mine\n"));
    assert!(!work.exists("deep/new"));
}

#[test]
fn a_reject_of_a_name_that_the_agent_changed_meanwhile_follows_the_file() {
    for (home, edits) in [(true, false), (true, true), (false, false)] {
        let mut work = Workspace::new();
        work.write("other", "x\n");
        if home {
            work.write("a", text());
        }
        let mut session = work.session();
        agent(&work, &mut session, 1, || {
            if home {
                work.remove("a");
            }
            work.write("b", text());
        });
        agent(&work, &mut session, 2, || {
            work.remove("b");
            let edit = if edits { text().replace("line 3 ", "line three ") } else { text() };
            work.write("deep/c", edit);
        });
        assert_eq!(work.store.review(session.id()).unwrap().followed(&path("b")), path("deep/c"));
        session.reject(&path("b"), &work.files, &mut work.gate).unwrap();
        assert_eq!((read(&work, "a").is_some(), work.exists("deep/c")), (home, false));
        session.undo(&UndoTarget::Reject(path("deep/c")), &work.files, &mut work.gate).unwrap();
        assert_eq!((work.exists("a"), work.exists("deep/c")), (false, true));
        // Another file of that name is meant before the one that went on.
        agent(&work, &mut session, 3, || work.write("b", "new\n"));
        session.reject(&path("b"), &work.files, &mut work.gate).unwrap();
        assert_eq!((work.exists("b"), work.exists("deep/c")), (false, true));
    }
}

#[test]
fn a_hunk_of_a_name_that_the_agent_changed_meanwhile_is_still_that_hunk() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    agent(&work, &mut session, 2, || {
        std::fs::rename(work.place("deep/new"), work.place("newer")).unwrap();
    });
    session.reject_hunks(&path("deep/new"), &[0], &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "newer"), work.exists("deep/new")), (Some(text()), false));
}

#[test]
fn the_old_name_comes_back_when_the_person_moved_or_deleted_the_new_one() {
    for moved in [true, false] {
        for name in ["old", "deep/new"] {
            let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
            let mine = read(&work, "deep/new").unwrap().replace("line 9 ", "line 9, mine, ");
            work.write("deep/new", &mine);
            session.note_persons_edits(&work.files).unwrap();
            match moved {
                true => std::fs::rename(work.place("deep/new"), work.place("mine")).unwrap(),
                false => work.remove("deep/new"),
            }
            session.note_persons_edits(&work.files).unwrap();
            let mut review = work.store.review(session.id()).unwrap();
            let rows: Vec<_> = review.report().files.into_iter().map(|row| row.file.path).collect();
            assert!(rows.contains(&path("old")), "{rows:?}");
            session.reject(&path(name), &work.files, &mut work.gate).unwrap();
            let expected = text().replace("line 9 ", "line 9, mine, ");
            assert_eq!(read(&work, "old"), Some(expected));
            assert_eq!(read(&work, "mine"), moved.then_some(mine));
            assert!(!work.exists("deep/new"));
            let error = session.reject(&path("old"), &work.files, &mut work.gate).unwrap_err();
            assert!(matches!(error, SessionError::NotTouched(_)), "{error}");
            session.undo(&UndoTarget::Reject(path("old")), &work.files, &mut work.gate).unwrap();
            assert_eq!((work.exists("old"), work.exists("mine")), (false, moved));
            let turn = session.reject_possible(&work.files, &mut work.gate).unwrap();
            assert_eq!((turn.paths, turn.not_done), (vec![path("old")], vec![]));
        }
    }
}

#[test]
fn a_turn_that_renamed_what_the_person_then_moved_gives_the_old_name_back() {
    let (mut work, mut session) = renamed(str::to_owned);
    let report = work.store.review(session.id()).unwrap().report();
    let turn = report.files[0].turn.unwrap();
    std::fs::rename(work.place("deep/new"), work.place("mine")).unwrap();
    session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "mine")), (Some(text()), Some(text())));
}

#[test]
fn a_file_the_person_made_in_the_place_of_a_deleted_one_is_theirs() {
    let mut work = Workspace::new();
    work.write("a", text());
    let mut session = work.session();
    agent(&work, &mut session, 1, || work.remove("a"));
    work.write("a", "mine\n");
    session.note_persons_edits(&work.files).unwrap();
    let error = session.reject(&path("a"), &work.files, &mut work.gate).unwrap_err();
    assert!(matches!(error, SessionError::NotTouched(_)), "{error}");
    assert_eq!(read(&work, "a").as_deref(), Some("mine\n"));
}

#[test]
fn a_turn_that_renamed_is_taken_back_with_both_names_and_the_persons_edit() {
    let (mut work, mut session) = renamed(|text| text.replace("line 3 ", "line three "));
    let mine = read(&work, "deep/new").unwrap().replace("line 9 ", "line 9, mine, ");
    work.write("deep/new", &mine);
    let turn = work.store.review(session.id()).unwrap().report().files[0].turn.unwrap();
    session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    let expected = text().replace("line 9 ", "line 9, mine, ");
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(expected), None));
    session.undo(&UndoTarget::Reject(path("deep/new")), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (None, Some(mine)));
}

#[test]
fn a_later_turn_that_renamed_leaves_the_edits_of_the_one_before() {
    let mut work = Workspace::new();
    work.write("old", text());
    let mut session = work.session();
    let edited = text().replace("line 1 ", "line one ");
    agent(&work, &mut session, 1, || work.write("old", &edited));
    agent(&work, &mut session, 2, || {
        work.remove("old");
        work.write("new", &edited);
    });
    let turn = work.store.review(session.id()).unwrap().report().files[0].turn.unwrap();
    work.write("new", edited.replace("line 9 ", "line 9, mine, "));
    session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    let kept = edited.replace("line 9 ", "line 9, mine, ");
    assert_eq!((read(&work, "old"), read(&work, "new")), (Some(kept), None));
    session.reject(&path("old"), &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "old"), Some(text().replace("line 9 ", "line 9, mine, ")));
}

#[test]
fn edits_between_two_steps_of_a_turn_stay_when_the_turn_goes() {
    let mut work = Workspace::new();
    work.write("a", text());
    let mut session = work.session();
    agent(&work, &mut session, 1, || work.write("a", text().replace("line 1 ", "line one ")));
    let mine = read(&work, "a").unwrap().replace("line 9 ", "line 9, mine, ");
    work.write("a", &mine);
    session.note_persons_edits(&work.files).unwrap();
    work.write("a", mine.replace("line 5 ", "line five "));
    session.compare(&work.files).unwrap();
    let turn = work.store.review(session.id()).unwrap().report().files[0].turn.unwrap();
    session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "a"), Some(text().replace("line 9 ", "line 9, mine, ")));
}

#[test]
fn undo_brings_back_everything_that_a_turn_or_run_reject_took() {
    for whole_run in [false, true] {
        let (mut work, mut session) = renamed(str::to_owned);
        work.write("mine", "mine\n");
        session.note_persons_edits(&work.files).unwrap();
        session.attribute(Origin::Agent { turn: 2 });
        work.write("a", "a\n");
        work.write("b", "b\n");
        session.compare(&work.files).unwrap();
        if whole_run {
            session.reject_possible(&work.files, &mut work.gate).unwrap();
        } else {
            let turn = work.store.review(session.id()).unwrap().report().files[0].turn.unwrap();
            session.reject_turn(turn, &work.files, &mut work.gate).unwrap();
        }
        assert_eq!((work.exists("a"), work.exists("b"), work.exists("mine")), (false, false, true));
        assert_eq!(work.exists("deep/new"), !whole_run);
        // One of them came anew meanwhile: the others come back all the same.
        work.write("b", "mine\n");
        let undone =
            session.undo(&UndoTarget::Reject(path("a")), &work.files, &mut work.gate).unwrap();
        assert_eq!(undone.not_done.len(), 1, "{undone:?}");
        assert_eq!(
            (read(&work, "a"), read(&work, "b")),
            (Some("a\n".into()), Some("mine\n".into()))
        );
        assert_eq!((work.exists("deep/new"), work.exists("old")), (true, false));
    }
}

#[test]
fn undo_of_a_renamed_path_takes_both_names_back() {
    let (mut work, mut session) = renamed(str::to_owned);
    session.undo(&UndoTarget::Path(path("deep/new")), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(text()), None));
    session.redo(&work.files, &mut work.gate).unwrap();
    session.undo(&UndoTarget::Path(path("old")), &work.files, &mut work.gate).unwrap();
    assert_eq!((read(&work, "old"), read(&work, "deep/new")), (Some(text()), None));
}

#[test]
fn a_file_renamed_twice_keeps_what_was_edited_in_between() {
    let mut work = Workspace::new();
    work.write("a", text());
    let mut session = work.session();
    let moved = |from: &str, to: &str| {
        std::fs::rename(work.place(from), work.place(to)).unwrap();
    };
    agent(&work, &mut session, 1, || moved("a", "b"));
    work.write("b", text().replace("line 9 ", "line 9, mine, "));
    agent(&work, &mut session, 2, || moved("b", "c"));
    session.reject(&path("c"), &work.files, &mut work.gate).unwrap();
    let expected = text().replace("line 9 ", "line 9, mine, ");
    assert_eq!(
        (read(&work, "a"), work.exists("b"), work.exists("c")),
        (Some(expected), false, false)
    );
}

#[test]
fn a_rename_by_the_person_stays() {
    let mut work = Workspace::new();
    work.write("old", text());
    let mut session = work.session();
    std::fs::rename(work.place("old"), work.place("new")).unwrap();
    let edited = text().replace("line 1 ", "line one ");
    agent(&work, &mut session, 1, || work.write("new", &edited));
    let report = work.store.review(session.id()).unwrap().report();
    assert_eq!(report.files.len(), 1);
    assert_eq!(report.files[0].renamed_from, Some(path("old")));
    session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((work.exists("old"), read(&work, "new")), (false, Some(text())));
}

#[test]
fn a_persons_own_file_under_the_new_name_is_not_taken_for_the_renamed_one() {
    let mut work = Workspace::new();
    work.write("old", text());
    work.write("new", "the person's\n");
    let mut session = work.session();
    work.remove("new");
    session.note_persons_edits(&work.files).unwrap();
    work.write("new", "the person's again\n");
    agent(&work, &mut session, 1, || {
        work.remove("old");
        work.write("new", text());
    });
    session.reject(&path("new"), &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "new").as_deref(), Some("the person's again\n"));
    session.reject(&path("old"), &work.files, &mut work.gate).unwrap();
    assert_eq!(read(&work, "old"), Some(text()));
}

#[test]
fn a_name_that_the_person_gave_up_is_not_brought_back_under_a_file_that_took_it() {
    let mut work = Workspace::new();
    work.write("a", text());
    let mut session = work.session();
    let moved = |from: &str, to: &str| {
        std::fs::rename(work.place(from), work.place(to)).unwrap();
    };
    moved("a", "b");
    agent(&work, &mut session, 1, || moved("b", "c"));
    let mine = format!("mine\n{}", text());
    work.write("c", &mine);
    agent(&work, &mut session, 2, || moved("c", "a"));
    session.reject_all(&work.files, &mut work.gate).unwrap();
    assert_eq!((work.exists("a"), read(&work, "b")), (false, Some(mine)));
}
