//! A run against a model server nobody here wrote: `llmock` of npm's
//! `@copilotkit/aimock`, streaming OpenAI Chat Completions.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::{Run, Workspace};

/// A running llmock; killed when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    let tools =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/node_modules/.bin/llmock");
    let named = std::env::var_os("KODE_LLMOCK").map(PathBuf::from);
    named.into_iter().chain([tools]).find(|path| path.exists())
}

fn start(fixtures: &Path) -> Option<Server> {
    let Some(program) = program() else {
        kode_testkit::skip_or_fail("llmock is not installed; scripts/setup-tests.sh installs it");
        return None;
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(program)
        .args(["-p", &port.to_string(), "-f", fixtures.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || for _ in BufReader::new(stdout).lines() {});
    let server = Server { child, port };
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "llmock did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(server)
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/llmock").join(name)
}

fn run(workspace: &Workspace, server: &Server, provider: &str, task: &str) -> Run {
    let path = if provider == "openai" { "/v1" } else { "" };
    let base_url = format!("http://127.0.0.1:{}{path}", server.port);
    let arguments =
        ["run", "--json", "--provider", provider, "--model", "m", "--base-url", &base_url, task];
    Run::of(workspace.kode(&arguments).output().unwrap())
}

#[test]
fn a_task_over_chat_completions_goes_from_red_to_green_and_changes_files() {
    red_to_green("openai");
}

#[test]
fn a_task_over_anthropic_messages_goes_from_red_to_green_and_changes_files() {
    red_to_green("anthropic");
}

fn red_to_green(provider: &str) {
    let Some(server) = start(&fixtures("members")) else { return };
    let workspace = Workspace::new();
    workspace.write("app.py", "from flask import Flask\n\napp = Flask(__name__)\n");
    let run = run(&workspace, &server, provider, "add a member search").expect(0);

    let started = run.of_type("run_started")[0];
    assert_eq!(started["provider"], provider);
    assert_eq!(started["scripted"], false);
    let gates = run.of_type("gate");
    assert_eq!(gates[0]["colour"], "red");
    assert_eq!(gates[0]["findings"][0]["cwe"], 89);
    assert_eq!(gates.last().unwrap()["colour"], "green");
    assert!(run.of_type("text").len() >= 2, "text is streamed in pieces");
    assert!(workspace.read("search.py").contains("name = ?"));
    let kinds: Vec<&str> = run.events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"run_started"));
    assert_eq!(kinds.last(), Some(&"run_finished"));
}

#[test]
fn a_text_only_answer_ends_the_run_through_the_gate() {
    let Some(server) = start(&fixtures("text-only")) else { return };
    let workspace = Workspace::new();
    let run = run(&workspace, &server, "openai", "what is this project?").expect(0);
    assert_eq!(run.of_type("gate").len(), 1);
    assert!(run.of_type("run_finished")[0]["summary"].as_str().unwrap().contains("empty project"));
}
