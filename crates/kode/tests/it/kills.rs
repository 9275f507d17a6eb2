//! `kill -9` at random moments of a run: `continue` goes on, no acknowledged
//! step is lost or repeated with effect, no file is torn, the audit log holds.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::workspace::{Run, Workspace};

const STEPS: usize = 8;
/// What every written file holds: long enough to be torn, if anything tears.
const LINES: usize = 400;

fn content(step: usize) -> String {
    (0..LINES).map(|line| format!("step {step} line {line}\n")).collect()
}

/// Each step writes a file and appends one line by shell.
fn script() -> String {
    let mut script = String::from("turns:\n");
    for step in 0..STEPS {
        let text = serde_json::to_string(&content(step)).unwrap();
        script.push_str(&format!(
            "  - calls:\n      - tool: write_file\n        args: {{path: file-{step}.txt, content: {text}}}\n      - tool: shell\n        args: {{command: 'echo step-{step} >> log.txt'}}\n"
        ));
    }
    // However late the kill comes, the script can finish once more.
    script.push_str(
        "  - label: end\n    calls:\n      - tool: finish\n        args: {summary: done}\n    goto: end\n",
    );
    script
}

/// Calls whose result the journal acknowledged as done, by step.
fn acknowledged(workspace: &Workspace) -> Vec<usize> {
    let Ok(sessions) = std::fs::read_dir(workspace.kode_home().join("sessions")) else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    for session in sessions {
        let journal = session.unwrap().path().join("journal.jsonl");
        let text = std::fs::read_to_string(journal).unwrap_or_default();
        let mut shells: Vec<(String, usize)> = Vec::new();
        for line in text.lines() {
            let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
            let message = &entry["message"];
            for call in message["calls"].as_array().into_iter().flatten() {
                let arguments = call["arguments"].as_str().unwrap_or_default();
                let number = arguments.split("echo step-").nth(1);
                let number = number.and_then(|rest| rest.split(' ').next()?.parse().ok());
                if let Some(step) = number {
                    shells.push((call["id"].as_str().unwrap().to_owned(), step));
                }
            }
            let done = message["content"].as_str().is_some_and(|text| text.contains("exit code 0"));
            let call = message["call"].as_str().unwrap_or_default();
            steps.extend(shells.iter().filter(|(id, _)| done && id == call).map(|(_, step)| *step));
        }
    }
    steps
}

fn one_kill(moment: Duration) {
    let workspace = Workspace::new();
    let mut child = workspace.spawn_script(&script(), Stdio::null());
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = acknowledged(&workspace);

    let script = workspace.beside("script.yaml");
    let arguments = ["continue", "--json", "--script", script.to_str().unwrap(), "go on"];
    let output = workspace.kode(&arguments).output().unwrap();
    if output.status.code() == Some(1) && before.is_empty() {
        // Killed before the session was acknowledged: there is none.
        assert!(!workspace.project().join("log.txt").exists());
        return;
    }
    Run::of(output).expect(0);

    let log = std::fs::read_to_string(workspace.project().join("log.txt")).unwrap_or_default();
    for step in 0..STEPS {
        let times = log.lines().filter(|line| *line == format!("step-{step}")).count();
        assert!(times <= 1, "step {step} had its effect {times} times after {moment:?}");
        assert!(times == 1 || !before.contains(&step), "step {step} was lost after {moment:?}");
        if let Ok(text) =
            std::fs::read_to_string(workspace.project().join(format!("file-{step}.txt")))
        {
            assert_eq!(text, content(step), "file {step} is torn after {moment:?}");
        }
    }
    let verify = workspace.kode(&["audit", "verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", String::from_utf8_lossy(&verify.stderr));
}

/// 25 moments spread over a run, from a seed of the clock.
fn kill_25_times() {
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    for number in 0..25u32 {
        let spread = seed.wrapping_mul(2_654_435_761).wrapping_add(number * 40_503) % 300;
        one_kill(Duration::from_millis(u64::from(spread + 5)));
    }
}

#[test]
fn first_quarter_of_a_hundred_kills() {
    kill_25_times();
}

#[test]
fn second_quarter_of_a_hundred_kills() {
    kill_25_times();
}

#[test]
fn third_quarter_of_a_hundred_kills() {
    kill_25_times();
}

#[test]
fn last_quarter_of_a_hundred_kills() {
    kill_25_times();
}
