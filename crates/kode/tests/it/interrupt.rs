//! Ctrl-C ends the step, twice the run, and nothing of it lives on.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::Workspace;

/// Starts a run whose command sleeps, and waits until it sleeps.
fn start(workspace: &Workspace) -> (Child, BufReader<ChildStdout>) {
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: 'touch started; sleep 97'}\n  - calls:\n      - tool: shell\n        args: {command: 'touch again; sleep 1'}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let mut child = workspace.spawn_script(script, Stdio::piped());
    workspace.wait_for("started");
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn once_ends_the_command_and_the_run_goes_on() {
    let workspace = Workspace::new();
    let (mut child, stdout) = start(&workspace);
    let begun = Instant::now();
    interrupt(&child);
    let lines: Vec<String> = stdout.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{lines:#?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(lines.iter().any(|line| line.contains("stopped by the user")), "{lines:#?}");
}

#[test]
fn twice_ends_the_run_with_130() {
    let workspace = Workspace::new();
    let (mut child, stdout) = start(&workspace);
    interrupt(&child);
    workspace.wait_for("again");
    interrupt(&child);
    let lines: Vec<String> = stdout.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{lines:#?}");
    assert!(lines.last().unwrap().contains("run_finished"));
}
