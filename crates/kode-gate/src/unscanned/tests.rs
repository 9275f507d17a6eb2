use std::sync::{Arc, Mutex};

use kode_audit::AuditLog;

use super::*;
use crate::approval::{ApprovalError, Approver, NoTerminal};
use crate::{Policy, SessionState};

type Asked = Arc<Mutex<Vec<ApprovalRequest>>>;

struct Person(Answer, Asked);

impl Approver for Person {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        self.1.lock().unwrap().push(request.clone());
        Ok(self.0)
    }
}

fn gate(unscanned: UnscannedPolicy, approver: Box<dyn Approver>) -> (Gate, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let audit = AuditLog::open(folder.path(), "s").unwrap();
    let policy = Policy { unscanned, ..Policy::default() };
    (Gate::new(policy, audit, approver, true, SessionState::default()), folder)
}

fn asking(answer: Answer) -> (Gate, Asked, tempfile::TempDir) {
    let asked = Asked::default();
    let person = Box::new(Person(answer, Arc::clone(&asked)));
    let (gate, folder) = gate(UnscannedPolicy::default(), person);
    (gate, asked, folder)
}

fn file(path: &str, kind: &str, singly: bool) -> UnscannedFile {
    UnscannedFile {
        path: ProjectPath::new(path).unwrap(),
        elsewhere: None,
        kind: kind.to_owned(),
        why: "no rules".to_owned(),
        singly,
        digest: "ab".repeat(32),
    }
}

fn logged(folder: &tempfile::TempDir) -> String {
    #[allow(clippy::disallowed_methods, reason = "a test reads its own folder")]
    std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap()
}

fn listing(layer: Layer, glob: &str, forbidden_by: Option<Layer>) -> UnscannedPolicy {
    UnscannedPolicy { accepted: vec![AcceptedGlob { layer, glob: glob.to_owned() }], forbidden_by }
}

#[test]
fn a_person_is_asked_once_about_all_and_each_file_is_recorded_with_its_hash() {
    let (mut gate, asked, folder) = asking(Answer::Approve);
    let files = [file("a.rb", "Ruby", false), file("run.sh", "shell script", false)];
    assert_eq!(gate.ask_about_unscanned(&files), Ok(()));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].label, "Accept: ");
    let kinds = vec!["Ruby".to_owned(), "shell script".to_owned()];
    assert_eq!(asked[0].trust, Some(TrustScope::UnscannedKinds(kinds)));
    let log = logged(&folder);
    assert_eq!(log.matches(&"ab".repeat(32)).count(), 2, "{log}");
    assert_eq!(log.matches("\"answered_by\":\"person\"").count(), 2, "{log}");
    assert!(gate.accepted_in_advance(&files[0]).is_none(), "another file is asked about");
}

#[test]
fn a_denial_is_recorded_and_accepts_nothing() {
    let (mut gate, _asked, folder) = asking(Answer::Deny);
    let denied = gate.ask_about_unscanned(&[file("a.rb", "Ruby", false)]);
    assert_eq!(denied, Err(DenialKind::Person));
    assert!(logged(&folder).contains("\"permitted\":false"));
}

#[test]
fn trusting_a_kind_covers_its_other_files_and_no_other_kind() {
    let (mut gate, _asked, _folder) = asking(Answer::TrustSession);
    gate.ask_about_unscanned(&[file("a.rb", "Ruby", false)]).unwrap();
    let by = |name: &str, kind: &str, singly| gate.accepted_in_advance(&file(name, kind, singly));
    assert_eq!(by("b.rb", "Ruby", false), Some(AcceptedBy::SessionTrust));
    assert_eq!(by("b.sh", "shell script", false), None);
    assert_eq!(by("b.rb", "Ruby", true), None);
}

#[test]
fn files_that_count_singly_offer_no_trust() {
    let (mut gate, asked, _folder) = asking(Answer::Approve);
    gate.ask_about_unscanned(&[file("a.rb", "Ruby", false), file("a.py", "Python", true)]).unwrap();
    assert_eq!(asked.lock().unwrap()[0].trust, None);
}

#[test]
fn without_a_terminal_only_lists_accept() {
    let listed = listing(Layer::User, "*.rb", None);
    let (mut gate, folder) = gate(listed.clone(), Box::new(NoTerminal));
    let by = gate.accepted_in_advance(&file("lib/a.rb", "Ruby", false));
    assert_eq!(by, Some(AcceptedBy::List(listed.accepted[0].clone())));
    assert_eq!(gate.accepted_in_advance(&file("a.sh", "shell script", false)), None);
    assert!(!gate.can_ask_about_unscanned());
    let denied = gate.ask_about_unscanned(&[file("a.sh", "shell script", false)]);
    assert_eq!(denied, Err(DenialKind::NoTerminal));
    gate.record_accepted(&[(file("lib/a.rb", "Ruby", false), by.unwrap())]).unwrap();
    assert!(logged(&folder).contains("*.rb is on the list"));
}

#[test]
fn globs_name_paths_or_file_names_and_a_bare_star_only_what_no_rule_reads() {
    let accepts = |glob: &str, name: &str, singly| {
        let (gate, _folder) = gate(listing(Layer::User, glob, None), Box::new(NoTerminal));
        gate.accepted_in_advance(&file(name, "x", singly)).is_some()
    };
    assert!(accepts("scripts/**", "scripts/a/b.sh", false));
    assert!(!accepts("scripts/*.sh", "other/scripts/a.sh", false));
    assert!(accepts("./a.sh", "a.sh", false));
    assert!(accepts("**", "a/b.sh", false) && !accepts("**", "a/b.py", true));
    assert!(accepts("*.min.js", "vendor/x.min.js", true));
}

#[test]
fn a_layer_that_forbids_it_leaves_only_lists_at_or_above_it_and_asks_nobody() {
    let accepts = |layer, forbidden_by| {
        let policy = listing(layer, "*.rb", Some(forbidden_by));
        let (gate, _folder) = gate(policy, Box::new(NoTerminal));
        gate.accepted_in_advance(&file("a.rb", "Ruby", false)).is_some()
    };
    assert!(accepts(Layer::Managed, Layer::Managed) && accepts(Layer::User, Layer::User));
    assert!(accepts(Layer::User, Layer::Project) && !accepts(Layer::User, Layer::Managed));
    let asked = Asked::default();
    let person = Box::new(Person(Answer::Approve, Arc::clone(&asked)));
    let policy = UnscannedPolicy { accepted: Vec::new(), forbidden_by: Some(Layer::Managed) };
    let (mut gate, _folder) = gate(policy, person);
    let denied = gate.ask_about_unscanned(&[file("a.rb", "Ruby", false)]);
    assert_eq!(denied, Err(DenialKind::Policy));
    assert!(asked.lock().unwrap().is_empty() && !gate.can_ask_about_unscanned());
}
