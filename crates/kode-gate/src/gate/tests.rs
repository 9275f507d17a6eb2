use std::sync::{Arc, Mutex};
use std::time::Duration;

use kode_base::{Layer, ProjectPath, ShellCommand};

use super::*;
use crate::approval::{ApprovalError, NoTerminal};
use crate::policy::LayerPolicy;

type Asked = Arc<Mutex<Vec<ApprovalRequest>>>;

/// A person at a terminal who answers from a script, then approves.
struct Person {
    answers: Vec<Answer>,
    asked: Asked,
}

impl Approver for Person {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        self.asked.lock().unwrap().push(request.clone());
        Ok(if self.answers.is_empty() { Answer::Approve } else { self.answers.remove(0) })
    }
}

struct BrokenTerminal;

impl Approver for BrokenTerminal {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask(&mut self, _request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        Err(std::io::Error::other("gone").into())
    }
}

fn command(text: &str) -> ShellCommand {
    ShellCommand {
        command: text.into(),
        description: Some("to see".into()),
        directory: ProjectPath::root(),
        timeout: Duration::from_secs(1),
    }
}

fn gate_with(policy: Policy, approver: Box<dyn Approver>) -> (Gate, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let audit = AuditLog::open(folder.path(), "s").unwrap();
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    (Gate::new(policy, audit, approver, true, state), folder)
}

fn asking(answers: Vec<Answer>) -> (Gate, Asked, tempfile::TempDir) {
    let asked = Asked::default();
    let person = Person { answers, asked: Arc::clone(&asked) };
    let (gate, folder) = gate_with(Policy::default(), Box::new(person));
    (gate, asked, folder)
}

#[test]
fn what_is_shown_is_what_runs() {
    let (mut gate, asked, _folder) = asking(vec![Answer::Approve]);
    let (permit, decision) = gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!(decision.answered_by, AnsweredBy::Person);
    assert_eq!(permit.action().command, asked.lock().unwrap()[0].subject);
    assert!(asked.lock().unwrap()[0].why.is_some());
}

#[test]
fn a_denial_by_the_person_mints_nothing() {
    let (mut gate, _asked, _folder) = asking(vec![Answer::Deny]);
    let denial = gate.authorize(command("python3 -c 'print(1)'")).unwrap_err();
    assert_eq!(denial.kind, DenialKind::Person);
}

#[test]
fn a_broken_terminal_denies() {
    let (mut gate, _folder) = gate_with(Policy::default(), Box::new(BrokenTerminal));
    let denial = gate.authorize(command("python3 -c 'print(1)'")).unwrap_err();
    assert_eq!(denial.kind, DenialKind::Failure);
}

#[test]
fn trust_covers_the_class_until_untrusted_text_arrives() {
    let (mut gate, asked, _folder) = asking(vec![Answer::TrustSession]);
    for _ in 0..3 {
        gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    gate.context_became(true, false);
    gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn trust_that_lapsed_is_asked_for_again_with_the_reason() {
    use Answer::{Approve, TrustSession};
    let memory = GateMemory::default();
    let (gate, asked, _folder) = asking(vec![TrustSession, Approve, TrustSession]);
    let mut gate = gate.remembering(memory.clone());
    let run = |gate: &mut Gate| drop(gate.authorize(command("python3 -c 'print(1)'")).unwrap());
    run(&mut gate);
    gate.context_became(true, false);
    run(&mut gate);
    // Until it is given anew, also over messages.
    let (gate, asked_next, _folder) = asking(vec![TrustSession]);
    let mut gate = gate.remembering(memory);
    run(&mut gate);
    run(&mut gate);
    gate.context_became(true, true);
    run(&mut gate);
    let told = |asked: &Asked| -> Vec<_> {
        asked.lock().unwrap().iter().map(|request| request.lapsed).collect()
    };
    assert_eq!(told(&asked), [None, Some(Lapse::Untrusted)]);
    assert_eq!(told(&asked_next), [Some(Lapse::Untrusted), Some(Lapse::Secret)]);
}

#[test]
fn trust_and_what_came_into_the_context_outlive_the_gate() {
    let memory = GateMemory::default();
    let next = |answers: Vec<Answer>| {
        let (gate, asked, folder) = asking(answers);
        (gate.remembering(memory.clone()), asked, folder)
    };
    let (mut gate, _asked, _folder) = next(vec![]);
    gate.context_became(true, false);
    let (mut gate, asked, _folder) = next(vec![Answer::TrustSession]);
    gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
    // The same text is in the next message's context: nothing new came in.
    let (mut gate, asked, _folder) = next(vec![]);
    gate.context_became(true, false);
    let (_, decision) = gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!((decision.answered_by, asked.lock().unwrap().len()), (AnsweredBy::SessionTrust, 0));
    gate.context_became(true, true);
    gate.sensitive_place_changed();
    let (mut gate, asked, _folder) = next(vec![]);
    assert!(gate.state.secret_in_context && gate.state.sensitive_changed);
    gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[test]
fn an_effect_denied_once_is_not_granted_by_trust_for_something_else() {
    use Answer::{Approve, Deny, TrustSession};
    let answers = vec![Deny, TrustSession, Deny, Deny, Approve];
    let (mut gate, asked, _folder) = asking(answers);
    assert!(gate.authorize(command("bash evil.sh")).is_err());
    gate.authorize(command("node build.js")).unwrap();
    gate.authorize(command("node other.js")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
    // The same again, and the same in other words.
    assert!(gate.authorize(command("bash evil.sh")).is_err());
    assert!(gate.authorize(command("true; 'bash' ./evil.sh")).is_err());
    gate.authorize(command("bash evil.sh")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 5);
    // A person said yes to it since.
    gate.authorize(command("bash evil.sh")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 5);
}

#[test]
fn trust_in_a_host_does_not_run_code_on_the_way_to_it() {
    let (mut gate, asked, _folder) = asking(vec![Answer::TrustSession]);
    gate.authorize(command("ssh build.example.com uptime")).unwrap();
    gate.authorize(command("ssh build.example.com date")).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
    for more in [
        "ssh -o ProxyCommand=./x build.example.com",
        "ssh build.example.com date > ~/date",
        "GIT_SSH_COMMAND=./x ssh build.example.com",
    ] {
        let before = asked.lock().unwrap().len();
        gate.authorize(command(more)).unwrap();
        assert_eq!(asked.lock().unwrap().len(), before + 1, "{more}");
    }
}

#[test]
fn the_fourth_approval_of_a_class_within_a_minute_takes_the_typed_word() {
    let (mut gate, asked, _folder) = asking(vec![]);
    for _ in 0..4 {
        gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    }
    let flags: Vec<bool> = asked.lock().unwrap().iter().map(|each| each.type_approve).collect();
    assert_eq!(flags, [false, false, false, true]);
}

#[test]
fn without_a_terminal_the_class_question_follows_the_sandbox() {
    let (mut gate, _folder) = gate_with(Policy::default(), Box::new(NoTerminal));
    let (_, decision) = gate.authorize(command("python3 -c 'print(1)'")).unwrap();
    assert_eq!(decision.answered_by, AnsweredBy::NonInteractive);
    gate.sandboxed = false;
    let denial = gate.authorize(command("python3 -c 'print(1)'")).unwrap_err();
    assert_eq!(denial.kind, DenialKind::NoTerminal);
}

#[test]
fn an_explicit_non_interactive_is_honoured() {
    let policy =
        Policy { layers: vec![], non_interactive: Some(NonInteractive::Deny), ..Policy::default() };
    let (mut gate, _folder) = gate_with(policy, Box::new(NoTerminal));
    assert!(gate.authorize(command("python3 -c 'print(1)'")).is_err());
}

#[test]
fn a_persons_own_action_is_recorded_not_judged() {
    let denied = LayerPolicy {
        layer: Layer::User,
        trusted: true,
        classes: RiskClass::ALL.into_iter().map(|class| (class, Verdict::Deny)).collect(),
        allowlist: Vec::new(),
        denylist: Vec::new(),
        rules: Vec::new(),
    };
    let policy = Policy { layers: vec![denied], non_interactive: None, ..Policy::default() };
    let (mut gate, _folder) = gate_with(policy, Box::new(NoTerminal));
    let (_, decision) = gate.authorize_person(command("make deploy")).unwrap();
    assert_eq!(decision.answered_by, AnsweredBy::Person);
    assert!(decision.audit.0 > 0);
}

#[test]
fn a_gate_without_a_sandbox_asks_before_a_build() {
    for (sandboxed, permitted) in [(true, true), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(folder.path(), "s").unwrap();
        let state =
            SessionState { project_root: "/work/app".to_owned(), ..SessionState::default() };
        let policy = Policy::default();
        let mut gate = Gate::new(policy, audit, Box::new(NoTerminal), sandboxed, state);
        assert_eq!(gate.state.bare_host, !sandboxed);
        assert_eq!(gate.authorize(command("make")).is_ok(), permitted, "sandboxed: {sandboxed}");
    }
}
