//! What a sandbox costs: 200 runs of `/bin/true` plainly, under `kode sandbox`
//! (the `sandboxed` example beside this one), under bubblewrap with the same
//! namespaces, under `codex sandbox` where that is installed, and in a sandbox
//! that stands already. Reported, never asserted.
//!
//! `cargo build --release -p kode-sandbox --examples && target/release/examples/startup`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a small program for developers"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kode_audit::AuditLog;
use kode_base::{Interrupt, ProjectPath, ShellCommand};
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use kode_sandbox::{Host, ProjectRoot, Sandbox, SandboxSettings};

const RUNS: usize = 200;

fn main() {
    if let Some(code) = kode_sandbox::run_helper_if_requested() {
        std::process::exit(i32::from(code));
    }
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let place = project.to_str().unwrap().to_owned();
    let sandboxed = std::env::current_exe().unwrap().with_file_name("sandboxed");
    let bubblewrap = format!(
        "bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink \
         usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --tmpfs /root --bind {place} \
         {place} --unshare-all --die-with-parent --new-session /bin/true"
    );
    let kode = format!("{} -- /bin/true", sandboxed.display());
    let codex = "codex sandbox linux /bin/true".to_owned();
    let rows = [
        ("plain", "/bin/true".to_owned()),
        ("kode sandbox", kode),
        ("bubblewrap", bubblewrap),
        ("codex sandbox", codex),
    ];
    println!("{RUNS} runs of /bin/true, milliseconds");
    // Interleaved, so that noise hits all alike.
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); rows.len()];
    for _ in 0..RUNS {
        for ((_, line), times) in rows.iter().zip(&mut times) {
            times.extend(spawned(line, &project));
        }
    }
    for ((name, _), times) in rows.iter().zip(&mut times) {
        report(name, times);
    }
    in_a_standing_sandbox(folder.path(), &project);
}

/// Runs one command line; `None` when it can't be run here.
fn spawned(line: &str, project: &Path) -> Option<Duration> {
    let mut words = line.split(' ');
    let started = Instant::now();
    let status = Command::new(words.next()?)
        .args(words)
        .current_dir(project)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success()).then(|| started.elapsed())
}

fn in_a_standing_sandbox(folder: &Path, project: &Path) {
    let (home, kode_home) = (folder.join("home"), folder.join("kode"));
    let root = ProjectRoot::find(project, &home, &kode_home).unwrap();
    let variables = std::env::vars().collect();
    let host = Host { home, kode_home: kode_home.clone(), variables, ..Host::default() };
    let sandbox = Sandbox::start(&root, SandboxSettings { host, ..Default::default() }).unwrap();
    let audit = AuditLog::open(&kode_home, "startup").unwrap();
    let state = SessionState::default();
    let mut gate = Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, state);
    let (mut plain, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let command = ShellCommand {
            command: "true".into(),
            description: None,
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(10),
        };
        let permit = gate.authorize_person(command).unwrap().0;
        let started = Instant::now();
        sandbox.run(permit, &Interrupt::new(), &mut |_| {}).unwrap();
        inside.push(started.elapsed());
        plain.extend(spawned("bash -c true", project));
    }
    report("bash -c true", &mut plain);
    report("the same in a standing sandbox", &mut inside);
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    if times.is_empty() {
        println!("{name:32} not here");
        return;
    }
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!("{name:32} median {:6.2}   p90 {:6.2}", at(50), at(90));
}
