//! Around the stream: statuses, waits, lost connections, interrupts.

use std::time::{Duration, Instant};

use kode_base::{Interrupt, Secret};
use kode_model::ProviderErrorKind::{self, *};
use kode_model::ProviderKind::OpenAi;
use kode_model::{ProviderChoice, connect_with};
use kode_testkit::wire::answer::{events, send, status, stream_head};
use kode_testkit::wire::{Step, WireServer};

use crate::ask::{ask, ask_server, ask_until, impatient, provider_at, provider_with, quick, user};

use super::{DONE, finish, piece, text};

#[test]
fn an_error_event_after_200_is_an_error_and_retried_only_before_output() {
    let overloaded = r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#.to_owned();
    let good = vec![text("ok"), finish("stop"), DONE.into()];
    let (outcome, _server) = ask_server(OpenAi, vec![events(&[&overloaded]), events(&good)]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
    let (outcome, server) =
        ask_server(OpenAi, vec![events(&[text("a"), overloaded]), events(&good)]);
    assert_eq!(outcome.error().kind, Overloaded);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_error_field_after_200_is_an_error() {
    let error = r#"{"code":500,"message":"slot lost","type":"server_error"}"#;
    let steps = vec![stream_head(), send(format!("data: {}\n\nerror: {error}\n\n", text("a")))];
    let (outcome, _server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Server);
    assert!(outcome.error().message.contains("slot lost"));
}

#[test]
fn limits_are_waited_for_in_every_form_and_capped() {
    let good = events(&[text("ok"), finish("stop"), DONE.into()]);
    let body = r#"{"error":{"message":"Rate limit. Please try again in 20ms.","code":"rate_limit_exceeded"}}"#;
    for (answer, wait_ms) in [
        (status(429, &[("retry-after", "0.03")], ""), 30),
        (status(429, &[("retry-after", "99999999999")], ""), 50),
        (status(429, &[("retry-after", "Fri, 31 Dec 9998 23:59:59 GMT")], ""), 50),
        (status(429, &[("retry-after", "-3")], ""), 10),
        (status(429, &[], body), 20),
        (status(500, &[], ""), 10),
        (
            status(
                529,
                &[],
                r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
            ),
            10,
        ),
        (status(503, &[], "<html>"), 10),
        (Vec::new(), 10),
        (vec![stream_head()], 10),
    ] {
        let (outcome, server) = ask_server(OpenAi, vec![answer, good.clone()]);
        assert_eq!(outcome.text(), "ok");
        assert_eq!(outcome.retries.len(), 1);
        assert_eq!(outcome.retries[0].0, Duration::from_millis(wait_ms));
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn retries_end() {
    let (outcome, server) = ask_server(OpenAi, vec![status(500, &[], ""); 5]);
    assert_eq!(outcome.error().kind, Server);
    assert_eq!(server.requests().len(), 3);
    assert!(outcome.error().message.contains("tried 3 times"));
}

#[test]
fn clear_faults_are_not_retried() {
    let quota = r#"{"error":{"message":"quota","code":"insufficient_quota"}}"#;
    let window = r#"{"error":{"code":400,"message":"exceeds the available context size","type":"exceed_context_size_error"}}"#;
    let cases: [(u16, &str, ProviderErrorKind); 6] = [
        (401, r#"{"error":{"message":"bad key sk-test"}}"#, Authentication),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            UnknownModel,
        ),
        (404, "page not found", Configuration),
        (429, quota, RateLimited),
        (400, window, ContextWindow),
        (307, "", Configuration),
    ];
    for (code, text, kind) in cases {
        let answer = status(code, &[("location", "http://127.0.0.1:1/steal")], text);
        let (outcome, server) = ask_server(OpenAi, vec![answer]);
        assert_eq!(outcome.error().kind, kind, "{code} {text}");
        assert_eq!(server.requests().len(), 1);
        assert!(!outcome.error().to_string().contains("sk-test"));
    }
}

#[test]
fn a_redirect_is_told_and_never_followed() {
    let thief = WireServer::start(Vec::new()).unwrap();
    for code in [301, 302, 307, 308] {
        let target = format!("{}/v1/chat/completions", thief.origin());
        let answer = status(code, &[("location", &target)], "");
        let (outcome, _server) = ask_server(OpenAi, vec![answer]);
        assert_eq!(outcome.error().kind, Configuration);
        assert!(outcome.error().message.contains(&target));
    }
    assert!(thief.requests().is_empty() && thief.probes().is_empty());
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = WireServer::start(Vec::new()).unwrap();
    let (origin, mut provider) = (server.origin(), provider_at(&server, OpenAi));
    drop(server);
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().to_string().contains(&format!("is the server running at {origin}")));
    assert!(outcome.retries.is_empty());
}

#[test]
fn a_server_without_tls_is_told_from_one_that_is_gone() {
    let server = WireServer::start(Vec::new()).unwrap();
    let choice = ProviderChoice {
        kind: OpenAi,
        base_url: Some(server.origin().replace("http://", "https://")),
        model: "m".to_owned(),
        api_key: Some(Secret::new("sk-test".to_owned())),
    };
    let outcome = ask(&mut *connect_with(choice, quick()).unwrap(), &[user("hi")]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().to_string().contains("http://?"), "{}", outcome.error());
    assert!(outcome.retries.is_empty() && server.requests().is_empty());
}

#[test]
fn long_silence_ends_the_answer() {
    let ask_impatiently = |answers| {
        let server = WireServer::start(answers).unwrap();
        let options = impatient(Duration::from_millis(700));
        ask(&mut *provider_with(&server, OpenAi, options), &[user("hi")])
    };
    let quiet = Step::Pause(Duration::from_secs(60));
    let steps = vec![stream_head(), send(format!("data: {}\n\n", text("a"))), quiet.clone()];
    let outcome = ask_impatiently(vec![steps]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().message.contains("silent"));
    let good = events(&[text("ok"), finish("stop"), DONE.into()]);
    let outcome = ask_impatiently(vec![vec![quiet], good]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
}

#[test]
fn a_reset_in_the_middle_runs_nothing() {
    let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"x"}"#));
    let wait = Step::Pause(Duration::from_millis(50));
    let steps = vec![stream_head(), send(format!("data: {call}\n\n")), wait, Step::Reset];
    let (outcome, server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Connection);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_interrupt_ends_the_wait() {
    let server = WireServer::start(vec![vec![Step::Pause(Duration::from_secs(60))]]).unwrap();
    let mut provider = provider_at(&server, OpenAi);
    let interrupt = Interrupt::new();
    let raiser = interrupt.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        raiser.raise();
    });
    let started = Instant::now();
    let outcome = ask_until(&mut *provider, &[user("hi")], &interrupt);
    thread.join().unwrap();
    assert_eq!(outcome.error().kind, Interrupted);
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn endless_and_foreign_answers_are_refused() {
    let mut steps = vec![stream_head(), send("data: ")];
    steps.extend(std::iter::repeat_n(send(vec![b'x'; 1024 * 1024]), 17));
    let (outcome, _server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Protocol);
    let (outcome, server) =
        ask_server(OpenAi, vec![status(200, &[], "<html><body>Login</body></html>")]);
    assert_eq!(outcome.error().kind, Protocol);
    assert!(outcome.error().to_string().contains("web page"));
    assert_eq!(server.requests().len(), 1);
}
