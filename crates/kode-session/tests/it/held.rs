//! Held changes: put back, kept, made with a person's yes, and not lost by a
//! kill at any moment.

use kode_base::ProjectPath;
use kode_gate::{
    Answer, ApprovalError, ApprovalRequest, Approver, FileChange, Gate, Policy, SessionState,
};
use kode_session::{Held, Session};

use crate::workspace::Workspace;

fn holds(change: FileChange<'_>) -> Option<String> {
    change.path.as_str().contains("Makefile").then(|| "it runs later".to_owned())
}

fn hold(workspace: &mut Workspace, session: &mut Session) -> Vec<Held> {
    let found = session.compare_and_hold(&workspace.files, &mut workspace.gate, &holds).unwrap();
    assert!(found.stuck.is_empty(), "{found:?}");
    found.held
}

struct Yes;

impl Approver for Yes {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        let shown = kode_base::escape_for_terminal(&request.subject);
        assert!(shown.contains("+all: evil"), "the exact difference is shown: {shown}");
        Ok(Answer::Approve)
    }
}

#[test]
fn a_held_change_is_put_back_and_the_rest_stays() {
    let mut workspace = Workspace::new();
    workspace.write("Makefile", "all: good\n");
    let mut session = workspace.session();
    workspace.write("Makefile", "all: evil\n");
    workspace.write("src/a.py", "x = 1\n");
    let held = hold(&mut workspace, &mut session);
    assert_eq!(held.len(), 1);
    assert_eq!(workspace.read("Makefile"), b"all: good\n");
    assert_eq!(workspace.read("src/a.py"), b"x = 1\n");
    let files = session.compare(&workspace.files).unwrap().files;
    assert_eq!(files.len(), 1, "the held change is not among the touched files: {files:?}");
}

#[test]
fn an_approved_change_is_made_and_can_be_taken_back() {
    let mut workspace = Workspace::new();
    workspace.write("Makefile", "all: good\n");
    let mut session = workspace.session();
    workspace.write("Makefile", "all: evil\n");
    let held = hold(&mut workspace, &mut session).remove(0);
    let audit = kode_audit::AuditLog::open(&workspace.home.join("audit"), "test").unwrap();
    let mut gate =
        Gate::new(Policy::default(), audit, Box::new(Yes), true, SessionState::default());
    let (write, diff) = session.held_write(&held).unwrap();
    let (permit, _) = gate.authorize_sensitive(write, &held.why, diff).unwrap();
    session.make_held(&held, permit, &workspace.files, &mut gate).unwrap();
    assert_eq!(workspace.read("Makefile"), b"all: evil\n");
    assert!(session.pending().is_empty());
    let path = ProjectPath::new("Makefile").unwrap();
    session.compare(&workspace.files).unwrap();
    session.reject(&path, &workspace.files, &mut gate).unwrap();
    assert_eq!(workspace.read("Makefile"), b"all: good\n");
}

#[test]
fn without_a_terminal_it_waits_and_survives_reopening() {
    let mut workspace = Workspace::new();
    workspace.write("Makefile", "all: good\n");
    let mut session = workspace.session();
    workspace.write("Makefile", "all: evil\n");
    let held = hold(&mut workspace, &mut session).remove(0);
    let (write, diff) = session.held_write(&held).unwrap();
    assert!(workspace.gate.authorize_sensitive(write, &held.why, diff).is_err());
    let id = session.id().to_owned();
    drop(session);
    let mut session = workspace.store.resume(Some(&id), workspace.root.path()).unwrap();
    assert_eq!(session.pending(), std::slice::from_ref(&held));
    session.give_up_held(held.id).unwrap();
    drop(session);
    let session = workspace.store.resume(Some(&id), workspace.root.path()).unwrap();
    assert!(session.pending().is_empty());
}

#[test]
fn a_kill_between_the_note_and_the_file_is_made_good() {
    let mut workspace = Workspace::new();
    workspace.write("Makefile", "all: good\n");
    let mut session = workspace.session();
    workspace.write("Makefile", "all: evil\n");
    hold(&mut workspace, &mut session);
    let id = session.id().to_owned();
    drop(session);
    // As if it had ended after the note, before the file was put back.
    workspace.write("Makefile", "all: evil\n");
    let mut session = workspace.store.resume(Some(&id), workspace.root.path()).unwrap();
    assert!(session.restore_pending(&workspace.files, &mut workspace.gate).is_empty());
    assert_eq!(workspace.read("Makefile"), b"all: good\n");
    assert_eq!(session.pending().len(), 1);
    // What a person wrote meanwhile is not overwritten.
    workspace.write("Makefile", "all: mine\n");
    assert!(session.restore_pending(&workspace.files, &mut workspace.gate).is_empty());
    assert_eq!(workspace.read("Makefile"), b"all: mine\n");
}

#[test]
fn new_deleted_and_linked_places_are_put_back_too() {
    let mut workspace = Workspace::new();
    workspace.write("Makefile", "all: good\n");
    let mut session = workspace.session();
    workspace.remove("Makefile");
    workspace.link("/etc/hostname", "Makefile");
    workspace.write("sub/Makefile", "x");
    assert_eq!(hold(&mut workspace, &mut session).len(), 2);
    assert_eq!(workspace.read("Makefile"), b"all: good\n");
    assert!(!workspace.exists("sub/Makefile"));
    workspace.remove("Makefile");
    assert_eq!(hold(&mut workspace, &mut session).len(), 1);
    assert_eq!(workspace.read("Makefile"), b"all: good\n");
}

#[test]
fn ignored_programs_that_run_next_are_compared() {
    let mut workspace = Workspace::new();
    workspace.write(".gitignore", "node_modules\n");
    workspace.write("node_modules/.bin/eslint", "good");
    workspace.write("node_modules/x/index.js", "x");
    let mut session = workspace.session();
    workspace.write("node_modules/.bin/eslint", "evil");
    workspace.write("node_modules/x/index.js", "y");
    let watched = |change: FileChange<'_>| kode_gate::sensitive_change(change);
    let found = session.compare_and_hold(&workspace.files, &mut workspace.gate, &watched).unwrap();
    assert_eq!(found.held.len(), 1);
    assert_eq!(workspace.read("node_modules/.bin/eslint"), b"good");
    assert_eq!(workspace.read("node_modules/x/index.js"), b"y");
}

#[test]
fn a_place_that_can_not_be_put_back_keeps_no_other_from_it() {
    let mut workspace = Workspace::new();
    workspace.write("a/Makefile", "all: good\n");
    workspace.write("b/Makefile", "all: good\n");
    let mut session = workspace.session();
    // A full folder where the file was: nothing of it is kode's to delete.
    workspace.remove("a/Makefile");
    workspace.write("a/Makefile/deep/file", "x");
    workspace.write("b/Makefile", "all: evil\n");
    let only_files =
        |change: FileChange<'_>| holds(change).filter(|_| !change.path.as_str().contains("deep"));
    for _ in 0..2 {
        let found =
            session.compare_and_hold(&workspace.files, &mut workspace.gate, &only_files).unwrap();
        assert_eq!(found.stuck.len(), 1, "{found:?}");
        assert_eq!(found.stuck[0].0.path.as_str(), "a/Makefile");
        assert_eq!(workspace.read("b/Makefile"), b"all: good\n");
        assert_eq!(session.pending().len(), 2, "it is noted once");
    }
}
