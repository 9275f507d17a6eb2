//! Killed sessions lose nothing they acknowledged, and no project file is torn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kode_audit::AuditLog;
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use kode_session::{Origin, SessionStore, UndoTarget};

use super::workspace::Workspace;

const TOP: &str = "KODE_SESSION_TEST_TOP";
const KILLS: u32 = 200;
const CONTENT_BYTES: usize = 20_000;

/// Works like an agent until it is killed: journal, edit, compare, undo.
#[test]
#[ignore = "a child process of the kill test"]
fn agent_process() {
    let Ok(top) = std::env::var(TOP) else { return };
    let top = Path::new(&top);
    let home = top.join("kode");
    let root = ProjectRoot::find(&top.join("project"), &top.join("user"), &home).unwrap();
    let files = ProjectFiles::open(&root).unwrap();
    let store = SessionStore::open(&home).unwrap();
    let audit = AuditLog::open(&home.join("audit"), "killed").unwrap();
    let mut gate =
        Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, SessionState::default());
    let mut session = store.resume(None, root.path()).unwrap();
    session.ensure_base(&root, &files).unwrap();
    session.attribute(Origin::Agent { turn: 1 });
    let mut stdout = std::io::stdout();
    let first = session.journal::<u64>().unwrap().len() as u64 + 1;
    for number in first.. {
        session.append(&number).unwrap();
        writeln!(stdout, "acknowledged {number}").unwrap();
        stdout.flush().unwrap();
        let name = root.path().join(format!("file{}", number % 3));
        std::fs::write(name, number.to_string()).unwrap();
        session.compare(&files).unwrap();
        session.undo(&UndoTarget::Last, &files, &mut gate).unwrap();
    }
}

fn start_agent(top: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::agent_process", "--ignored", "--nocapture"])
        .env(TOP, top)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the agent after `wait`, counted from its start or, so that a slow
/// machine gets any step done, from its first acknowledgement.
fn kill(mut agent: Child, wait: Duration, from_first: bool) -> Vec<u64> {
    let output = BufReader::new(agent.stdout.take().unwrap());
    let lines = output.lines().map(Result::unwrap);
    let mut numbers =
        lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
    let mut acknowledged = Vec::new();
    if from_first {
        acknowledged.extend(numbers.next());
    }
    std::thread::sleep(wait);
    agent.kill().unwrap();
    acknowledged.extend(numbers);
    agent.wait().unwrap();
    acknowledged
}

#[test]
fn no_acknowledged_step_is_lost_in_many_kills() {
    let work = Workspace::new();
    for number in 0..3 {
        work.write(&format!("file{number}"), vec![b'0' + number; CONTENT_BYTES]);
    }
    let top = work.home.parent().unwrap();
    let id = work.store.create(work.root.path(), "task").unwrap().id().to_owned();
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let wait = Duration::from_micros(u64::from(round * 7919 % 30_011));
        acknowledged.extend(kill(start_agent(top), wait, round % 4 == 3));
    }
    let mut session = work.resume(&id);
    let journal = session.journal::<u64>().unwrap();
    assert!(journal.len() > 20, "only {} steps", journal.len());
    assert!(journal.iter().copied().eq(1..=journal.len() as u64), "{journal:?}");
    assert!(acknowledged.iter().all(|number| journal.contains(number)));
    kode_audit::verify(&work.home.join("audit")).unwrap();
    // Every content that was ever there can still be read, and comparing works.
    let comparison = session.compare(&work.files).unwrap();
    for file in &comparison.files {
        session.base_content(&file.path).unwrap();
        session.last_content(&file.path).unwrap();
    }
    for number in 0..3_u8 {
        let content = work.read(&format!("file{number}"));
        let base = content == vec![b'0' + number; CONTENT_BYTES];
        let written = content.len() < 8 && content.iter().all(u8::is_ascii_digit);
        assert!(base || written, "file{number} is torn: {} bytes", content.len());
    }
}
