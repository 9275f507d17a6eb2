//! Commands that other agents choke on: floods, binary output, background
//! jobs, processes that won't end. Bounded, clear, nothing lost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::workspace::{Run, Workspace, shell_script};

fn result_of(command: &str) -> (Value, Duration) {
    let workspace = Workspace::new();
    let started = Instant::now();
    let run = workspace.run_script(&shell_script(command), &[]);
    (run.of_type("tool_result")[0].clone(), started.elapsed())
}

fn text(result: &Value) -> &str {
    result["output"].as_str().unwrap()
}

#[test]
fn a_gigabyte_of_output_is_counted_and_does_not_fill_memory() {
    let workspace = Workspace::new();
    let script = shell_script("head -c 1000000000 /dev/zero | tr '\\0' x");
    let mut child = workspace.spawn_script(&script, Stdio::piped());
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kilobytes = 0u64;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak_kilobytes = peak_kilobytes.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let run = Run::of(child.wait_with_output().unwrap()).expect(0);
    let journal = run.of_type("tool_result")[0].clone();
    assert_eq!(journal["exit_code"], 0);
    assert!(peak_kilobytes > 0 && peak_kilobytes < 200_000, "{peak_kilobytes} kB");
}

#[test]
fn binary_output_is_described() {
    let (result, _) = result_of("head -c 100000 /dev/urandom");
    assert!(text(&result).contains("bytes of binary output"), "{result}");
}

#[test]
fn output_without_a_line_end_is_whole() {
    let (result, _) = result_of("printf abc");
    assert!(text(&result).starts_with("abc\n[exit code 0"), "{result}");
}

#[test]
fn a_background_job_does_not_hold_the_command() {
    let (result, took) = result_of("sleep 300 & echo started");
    assert!(text(&result).contains("started"), "{result}");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_command_that_ignores_sigterm_ends_at_its_time_limit() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"trap '' TERM INT HUP; echo waiting; while true; do sleep 1; done\", timeout_s: 1}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let started = Instant::now();
    let run = workspace.run_script(script, &[]);
    let result = run.of_type("tool_result")[0];
    assert!(text(result).contains("waiting") && text(result).contains("time limit"), "{result}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_deleted_working_folder_is_a_clear_error() {
    let workspace = Workspace::new();
    let gone = workspace.beside("gone");
    std::fs::create_dir(&gone).unwrap();
    let kode = env!("CARGO_BIN_EXE_kode");
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("rmdir ../gone; exec '{kode}' review")])
        .current_dir(&gone)
        .env_clear()
        .env("HOME", workspace.user_home())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("working folder") && said.contains("hint:"), "{said}");
}
