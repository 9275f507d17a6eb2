//! What a broken provider does to a whole run: exit 6, a clear message, and
//! nothing half-received is executed. The model crate's own tests go through
//! every fault on the wire.

use kode_testkit::wire::{Step, WireServer, answer};
use serde_json::json;

use crate::workspace::{Run, Workspace};

/// A streamed call of `shell` that would leave a mark, without its end.
fn half_a_call() -> Vec<Step> {
    let arguments = json!({"command": "touch executed"}).to_string();
    let delta = json!({"choices": [{"index": 0, "delta": {"tool_calls": [{
        "index": 0, "id": "c1", "type": "function",
        "function": {"name": "shell", "arguments": arguments},
    }]}}]});
    answer::events(&[delta.to_string()])
}

fn run(answers: Vec<Vec<Step>>) -> (Workspace, Run) {
    let server = WireServer::start(answers).unwrap();
    let base_url = format!("{}/v1", server.origin());
    let workspace = Workspace::new();
    let arguments = ["run", "--json", "--model", "m", "--base-url", &base_url, "do it"];
    let run = Run::of(workspace.kode(&arguments).output().unwrap());
    (workspace, run)
}

#[test]
fn a_stream_that_ends_early_executes_nothing() {
    let (workspace, run) = run(vec![half_a_call()]);
    let run = run.expect(6);
    assert!(run.of_type("decision").is_empty());
    assert!(!workspace.project().join("executed").exists());
    assert!(!run.stderr.trim().is_empty(), "it says why");
}

#[test]
fn a_refused_key_ends_with_6_and_is_not_tried_again() {
    let body = r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let refused = answer::status(401, &[("content-type", "application/json")], body);
    let (_, run) = run(vec![refused.clone(), refused]);
    let run = run.expect(6);
    assert!(run.stderr.contains("key"), "{}", run.stderr);
}

#[test]
fn an_unknown_model_ends_with_6_and_names_it() {
    let body = r#"{"error":{"message":"The model `m` does not exist","type":"invalid_request_error","code":"model_not_found"}}"#;
    let (_, run) = run(vec![answer::status(404, &[("content-type", "application/json")], body)]);
    let run = run.expect(6);
    assert!(run.stderr.contains("model") && run.stderr.contains('m'), "{}", run.stderr);
}

#[test]
fn a_rate_limit_is_waited_out() {
    let busy = answer::status(429, &[("retry-after", "1")], "{}");
    let says = json!({"choices": [{"index": 0, "delta": {"content": "hello"}}]}).to_string();
    let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let good = answer::events(&[says, stop, "[DONE]".to_owned()]);
    let (_, run) = run(vec![busy, good]);
    let run = run.expect(0);
    let notices = serde_json::to_string(&run.of_type("notice")).unwrap();
    assert!(notices.contains("asking the model again"), "{notices}");
}
