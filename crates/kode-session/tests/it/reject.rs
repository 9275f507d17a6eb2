//! Putting files back.

use kode_audit::{Filter, Record, read, verify};

use super::workspace::{Workspace, path, touched};

#[test]
fn every_kind_of_change_can_be_put_back() {
    let mut work = Workspace::new();
    work.write("changed", b"caf\xe9\r\nno newline");
    work.write("script", "#!/bin/sh\n");
    work.chmod("script", 0o750);
    work.write("deep/deleted", "x\n");
    work.write("became-link", "x\n");
    work.link("changed", "link");
    let mut session = work.session();
    let before = session.compare(&work.files).unwrap();

    work.write("changed", "other");
    work.chmod("script", 0o600);
    work.remove("deep/deleted");
    std::fs::remove_dir(work.place("deep")).unwrap();
    work.remove("became-link");
    work.link("/etc/hostname", "became-link");
    work.remove("link");
    work.write("link", "a file now");
    work.write("new", "x");
    let touched_files = session.compare(&work.files).unwrap().files;
    assert_eq!(touched_files.len(), 6);
    for file in touched_files {
        session.reject(&file.path, &work.files, &mut work.gate).unwrap();
    }
    assert_eq!(work.read("changed"), b"caf\xe9\r\nno newline");
    assert_eq!(work.mode("script"), 0o750);
    assert!(!work.exists("new"));
    assert_eq!(std::fs::read_link(work.place("link")).unwrap().to_str(), Some("changed"));
    let after = session.compare(&work.files).unwrap();
    assert_eq!((touched(&after), after.hash), (vec![], before.hash));
    assert!(after.since_last.is_empty(), "what reject did is known already");
}

#[test]
fn a_file_that_changed_since_is_not_touched() {
    let mut work = Workspace::new();
    work.write("a", "one");
    work.write("gone", "one");
    let mut session = work.session();
    work.write("a", "two");
    work.remove("gone");
    work.write("new", "by the agent");
    session.compare(&work.files).unwrap();
    work.write("a", "mine");
    work.write("gone", "mine");
    work.write("new", "mine");
    for name in ["a", "gone", "new"] {
        let error = session.reject(&path(name), &work.files, &mut work.gate).unwrap_err();
        assert!(error.to_string().contains("changed since"), "{error}");
        assert_eq!(work.read(name), b"mine");
    }
    work.chmod("a", 0o600);
    work.write("a", "two");
    let error = session.reject(&path("a"), &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().contains("changed since"), "another mode counts too: {error}");
}

#[test]
fn nothing_to_put_back_is_said() {
    let mut work = Workspace::new();
    work.write("a", "one");
    let mut session = work.session();
    for name in ["a", "never-there"] {
        let error = session.reject(&path(name), &work.files, &mut work.gate).unwrap_err();
        assert!(error.to_string().contains("nothing to put back"), "{error}");
    }
}

#[test]
fn a_content_that_was_not_kept_is_said_before_anything_is_written() {
    let mut work = Workspace::new();
    work.write("large", vec![b'x'; (16 << 20) + 1]);
    let mut session = work.session();
    work.write("large", "small");
    session.compare(&work.files).unwrap();
    let error = session.reject(&path("large"), &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().contains("not kept"), "{error}");
    assert_eq!(work.read("large"), b"small");
}

#[test]
fn a_reject_is_in_the_audit_log() {
    let mut work = Workspace::new();
    let mut session = work.session();
    work.write("new", "x");
    session.compare(&work.files).unwrap();
    session.reject(&path("new"), &work.files, &mut work.gate).unwrap();
    let entries = read(&work.home.join("audit"), &Filter::default()).unwrap();
    let [decision, outcome] = &entries[..] else { panic!("{entries:?}") };
    assert!(matches!(&decision.record, Record::Decision(record) if record.permitted));
    assert!(matches!(&outcome.record, Record::Outcome(outcome) if outcome.result == "done"));
    verify(&work.home.join("audit")).unwrap();
}

#[test]
fn a_review_without_the_lock_shows_the_same() {
    let work = Workspace::new();
    work.write("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let mut session = work.session();
    work.write("a", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    work.write("b", "new\n");
    session.compare(&work.files).unwrap();
    let mut review = work.store.review(session.id()).unwrap();
    let report = review.report();
    assert_eq!(report.project, work.root.path().to_str().unwrap());
    assert_eq!(report.files.len(), 2);
    assert!(report.files.iter().all(|file| file.restorable));
    assert_eq!((report.files[0].file.added, report.files[0].file.removed), (2, 2));
    let diff = review.diff(&path("a")).unwrap();
    assert!(diff.unified.expose().contains("-1\n+one\n"), "{}", diff.unified.expose());
    assert_eq!(review.hunks(&path("a")).unwrap().len(), 2);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["files"][1]["change"], "new");
    assert_eq!(json["files"][1]["before"], serde_json::Value::Null);
}

#[test]
fn a_file_whose_content_was_not_kept_is_not_deleted() {
    let mut work = Workspace::new();
    work.write("a", "one");
    let mut session = work.session();
    work.write("large", vec![b'x'; (16 << 20) + 1]);
    work.write("a", "two");
    session.compare(&work.files).unwrap();
    let error = session.reject(&path("large"), &work.files, &mut work.gate).unwrap_err();
    assert!(error.to_string().contains("could not be brought back"), "{error}");
    let done = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((done.paths, done.not_done.len()), (vec![path("a")], 1));
    assert_eq!(work.read("large").len(), (16 << 20) + 1);
}

#[test]
fn a_pipe_in_the_place_of_a_file_goes_and_the_file_comes_back() {
    let mut work = Workspace::new();
    work.write("a", "one");
    let mut session = work.session();
    work.remove("a");
    for name in ["a", "pipe"] {
        rustix::fs::mkfifoat(rustix::fs::CWD, work.place(name), rustix::fs::Mode::RWXU).unwrap();
    }
    session.compare(&work.files).unwrap();
    session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!((work.read("a"), work.exists("pipe")), (b"one".to_vec(), false));
}

#[test]
fn folders_and_files_that_took_each_others_place_are_put_back_and_brought_back() {
    let mut work = Workspace::new();
    work.write("file", "a file");
    work.write("folder/one", "one");
    work.write("folder/two", "two");
    let mut session = work.session();
    work.remove("file");
    work.write("file/inner", "inner");
    work.remove("folder/one");
    work.remove("folder/two");
    std::fs::remove_dir(work.place("folder")).unwrap();
    work.write("folder", "a file now");
    session.compare(&work.files).unwrap();
    let done = session.reject_possible(&work.files, &mut work.gate).unwrap();
    assert_eq!(done.not_done, Vec::<String>::new());
    assert_eq!((work.read("file"), work.read("folder/two")), (b"a file".to_vec(), b"two".to_vec()));
    let target = kode_session::UndoTarget::Reject(path("folder"));
    let done = session.undo(&target, &work.files, &mut work.gate).unwrap();
    assert_eq!(done.not_done, Vec::<String>::new());
    assert_eq!(
        (work.read("file/inner"), work.read("folder")),
        (b"inner".to_vec(), b"a file now".to_vec())
    );
}
