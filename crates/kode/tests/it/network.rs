//! Package managers over the real registries, in the real sandbox: approved on a
//! terminal or with `--network` they work, otherwise they say how to allow it.
//! Where a registry can't be reached, a test says that it was skipped.

use std::net::{TcpStream, ToSocketAddrs};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::terminal::start;
use crate::workspace::{Workspace, shell_script};

/// Longer than the 200 ms in which keys don't count.
const SETTLED: Duration = Duration::from_millis(400);

/// Whether `program` is here and `host` answers; says so where not.
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn usable(program: &str, host: &str) -> bool {
    let found =
        Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    let mut addresses = (host, 443).to_socket_addrs().into_iter().flatten();
    let answers = addresses
        .any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok());
    if !(found && answers) {
        eprintln!("skipped: {program} or {host} is not to be had here");
    }
    found && answers
}

/// Runs `command` as the agent's, and presses `key` at the prompt.
fn answered(workspace: &Workspace, command: &str, key: &[u8]) -> String {
    each_answered(workspace, &shell_script(command), &["[A]pprove"], key)
}

/// The same for a whole script with a prompt behind each of `shown`.
fn each_answered(workspace: &Workspace, turns: &str, shown: &[&str], key: &[u8]) -> String {
    let script = workspace.beside("script.yaml");
    std::fs::write(&script, turns).unwrap();
    let script = script.display();
    let arguments = format!("run --may-change 'vendored/**' --script '{script}' 'do the task'");
    let mut session = start(workspace, &arguments);
    for text in shown {
        session.wait_for(text).unwrap();
        session.watch(SETTLED).unwrap();
        session.send(key).unwrap();
    }
    session.finish().unwrap().1
}

/// A project with a secret, which no networked command may read.
fn with_secret() -> Workspace {
    let workspace = Workspace::new();
    workspace.write(".env", "TOKEN=canary\n");
    workspace
}

const SEES_SECRET: &str = "(grep -s canary .env && echo leaked > leaked; true)";

#[test]
fn npm_installs_what_a_person_approved_while_secrets_are_masked() {
    if !usable("npm", "registry.npmjs.org") {
        return;
    }
    let workspace = with_secret();
    let output = answered(&workspace, &format!("npm install ms express && {SEES_SECRET}"), b"a");
    assert!(output.contains("Opens: registry.npmjs.org"), "{output}");
    assert!(workspace.project().join("node_modules/ms/package.json").exists(), "{output}");
    // The packages' own files are no places that ask again.
    assert!(output.contains("✔ approved install") && !output.contains("local_write"), "{output}");
    assert!(workspace.read("package-lock.json").contains("https://registry.npmjs.org/ms/"));
    assert!(!workspace.project().join("leaked").exists());
}

#[test]
fn a_credential_that_was_renamed_before_is_not_read_by_an_approved_command() {
    if !usable("curl", "registry.npmjs.org") {
        return;
    }
    let workspace = with_secret();
    // Spelled so that the gate does not know the name.
    workspace.write("tidy.py", "import os\nos.rename('.e' + 'nv', 'notes.txt')\n");
    let reads = "curl -sS -o got https://registry.npmjs.org/left-pad; cat notes.txt";
    let script = format!(
        "turns:\n  - calls:\n      - tool: shell\n        args: {{command: \"python3 tidy.py\"}}\n  \
         - calls:\n      - tool: shell\n        args: {{command: \"{reads}\"}}\n  \
         - calls:\n      - tool: finish\n        args: {{summary: done}}\n"
    );
    let shown = ["Risk: code_execution", "Opens: registry.npmjs.org"];
    let output = each_answered(&workspace, &script, &shown, b"a");
    assert!(workspace.read("got").contains("\"left-pad\""), "{output}");
    assert!(workspace.project().join("notes.txt").exists(), "{output}");
    assert!(output.contains("Permission denied") && !output.contains("canary"), "{output}");
    assert!(output.contains("notes.txt could not be read"), "{output}");
}

#[test]
fn pip_installs_what_a_person_approved() {
    if !usable("python3", "pypi.org") {
        return;
    }
    let workspace = with_secret();
    let command = format!("pip install --no-input --target vendored six && {SEES_SECRET}");
    let output = answered(&workspace, &command, b"a");
    assert!(output.contains("Opens: pypi.org, files.pythonhosted.org"), "{output}");
    assert!(workspace.project().join("vendored/six.py").exists(), "{output}");
    assert!(!workspace.project().join("leaked").exists());
}

#[test]
fn cargo_adds_and_builds_what_a_person_approved() {
    if !usable("cargo", "index.crates.io") {
        return;
    }
    let workspace = with_secret();
    workspace.write(
        "Cargo.toml",
        "[package]\nname = \"c\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    workspace
        .write("src/main.rs", "fn main() { print!(\"{}\", itoa::Buffer::new().format(42)); }\n");
    let command = format!("cargo add itoa && cargo run --quiet > made && {SEES_SECRET}");
    let output = answered(&workspace, &command, b"a");
    assert!(output.contains("index.crates.io"), "{output}");
    assert_eq!(workspace.read("made"), "42", "{output}");
    assert!(!workspace.project().join("leaked").exists());
}

#[test]
fn without_a_persons_approval_an_install_fails_and_says_how_to_allow_it() {
    let workspace = Workspace::new();
    // No terminal: the class question is answered, the network stays shut.
    let run = workspace.run_script(&shell_script("npm install left-pad --fetch-retries=0"), &[]);
    let said = run.outputs();
    assert!(said.contains("no host was open for this command"), "{said}");
    assert!(said.contains("opens registry.npmjs.org by approving"), "{said}");
    assert!(
        said.contains("sandbox.network.allow") && said.contains("kode sandbox --network"),
        "{said}"
    );
    assert!(!workspace.project().join("node_modules/left-pad").exists());
}

#[test]
fn without_a_terminal_the_remedy_is_shown_whole_and_nothing_is_called_approved() {
    let workspace = Workspace::new();
    let lines = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); done; false";
    workspace.write("install.sh", lines);
    let script = workspace.beside("script.yaml");
    let command = "sh install.sh || npm install left-pad";
    std::fs::write(&script, shell_script(command)).unwrap();
    let arguments = ["run", "--script", script.to_str().unwrap(), "do the task"];
    let run = workspace.kode(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("more lines"), "{said}");
    assert!(said.contains("by listing hosts in sandbox.network.allow"), "{said}");
    assert!(said.contains("kode sandbox --network HOST -- COMMAND"), "{said}");
    assert!(said.contains("not asked, for want of a terminal: install"), "{said}");
    assert!(!said.contains("✔ approved"), "{said}");
}

#[test]
fn a_build_that_lacks_a_dependency_says_how_to_fetch_it() {
    let workspace = Workspace::new();
    workspace
        .write("build.sh", "echo 'failed to download: --offline was specified' >&2\nexit 101\n");
    let run = workspace.run_script(&shell_script("sh build.sh"), &[]);
    assert!(run.outputs().contains("`cargo fetch`"), "{}", run.outputs());
}

#[test]
fn a_page_is_not_read_without_a_persons_approval() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: web_fetch\n        args: {url: \"https://example.com/\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]);
    let said = run.outputs();
    assert!(said.contains("example.com is not open for this command"), "{said}");
}

#[test]
fn the_sandbox_command_opens_the_hosts_it_names_and_records_each_connection() {
    if !usable("curl", "registry.npmjs.org") {
        return;
    }
    let workspace = with_secret();
    let script = "curl -sS -o got https://registry.npmjs.org/left-pad; \
                  curl -sS -X PUT -d x https://registry.npmjs.org/left-pad; \
                  curl -sS https://example.com; curl -sS https://127.0.0.1; cat .env; true";
    let arguments = ["sandbox", "--network", "registry.npmjs.org", "--", "sh", "-c", script];
    let run = workspace.kode(&arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, errors) = (text(&run.stdout), text(&run.stderr));
    assert!(workspace.read("got").contains("\"left-pad\""), "{errors}");
    assert!(out.contains("can only be read from here"), "{out}");
    assert!(!out.contains("canary") && errors.contains("Permission denied"), "{out}{errors}");
    assert!(errors.contains("example.com is not open"), "{errors}");
    let log = std::fs::read_to_string(workspace.kode_home().join("audit/log.jsonl")).unwrap();
    let connections: Vec<&str> =
        log.lines().filter(|line| line.contains("\"record\":\"connection\"")).collect();
    assert_eq!(connections.len(), 3, "{log}");
}

#[test]
fn a_host_that_was_reached_is_on_record_when_kode_is_killed() {
    if !usable("curl", "registry.npmjs.org") {
        return;
    }
    let workspace = Workspace::new();
    let script = "curl -sS -o got https://registry.npmjs.org/left-pad; \
                  curl -sS https://example.com; sleep 600";
    let arguments = ["sandbox", "--network", "registry.npmjs.org", "--", "sh", "-c", script];
    let mut run = workspace.kode(&arguments).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let read = || {
        let log = workspace.kode_home().join("audit/log.jsonl");
        std::fs::read_to_string(log).unwrap_or_default()
    };
    let ended = |log: &str| {
        let lines = log.lines().filter(|line| line.contains("\"record\":\"connection\""));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    while ended(&read()).len() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let log = read();
    let (carried, refused) = (&ended(&log)[0], &ended(&log)[1]);
    assert_eq!(
        (carried["host"].as_str(), carried["refused"].as_str()),
        (Some("registry.npmjs.org"), None)
    );
    assert!(carried["bytes_received"].as_u64() > Some(1000), "{carried}");
    assert!(carried["bytes_sent"].as_u64() > Some(100), "{carried}");
    assert!(refused["refused"].as_str().unwrap().contains("example.com is not open"), "{refused}");
    let departures = log.lines().filter(|line| line.contains("\"record\":\"departure\""));
    let departures: Vec<&str> = departures.collect();
    assert!(departures.iter().all(|line| line.contains("registry.npmjs.org")), "{log}");
    assert_eq!(departures.len(), 1, "{log}");
    assert!(workspace.kode(&["audit", "verify"]).output().unwrap().status.success());
}
