use super::*;

fn failure(status: u16, body: &str) -> Failure {
    Fault::of_body(status, None, body).into_failure("api.example", "m", Some("sk-secret"))
}

fn judged(status: u16, body: &str) -> (ProviderErrorKind, Retry) {
    let failure = failure(status, body);
    (failure.error.kind, failure.retry)
}

const LATER: Retry = Retry::After(None);

#[test]
fn a_full_window_is_recognised_in_every_servers_form() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":8192}}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"The decoder prompt is longer than the maximum model length of 4096","type":"BadRequestError","code":400}"#,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        ),
    ] {
        assert_eq!(judged(status, body), (ContextWindow, Retry::Never), "{body}");
    }
}

#[test]
fn an_unknown_model_is_recognised_in_every_servers_form() {
    for body in [
        r#"{"error":{"message":"The model `gpt-x` does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}"#,
        r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}"#,
        r#"{"error":"model 'x' not found"}"#,
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#,
    ] {
        assert_eq!(judged(404, body), (UnknownModel, Retry::Never), "{body}");
    }
    assert_eq!(judged(404, "404 page not found").0, Configuration);
}

#[test]
fn limits_are_retried_but_an_empty_account_is_not() {
    let limited = r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#;
    assert_eq!(judged(429, limited), (RateLimited, LATER));
    assert_eq!(judged(429, ""), (RateLimited, LATER));
    let empty =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    assert_eq!(judged(429, empty), (RateLimited, Retry::Never));
    let credit = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
    assert_eq!(judged(400, credit), (RateLimited, Retry::Never));
}

#[test]
fn server_trouble_is_retried_and_bad_requests_are_not() {
    for status in [500, 502, 504, 408, 522] {
        assert_eq!(judged(status, "<html>bad gateway</html>"), (Server, LATER), "{status}");
    }
    assert_eq!(judged(503, ""), (Overloaded, LATER));
    assert_eq!(judged(529, "{}"), (Overloaded, LATER));
    for status in [400, 422, 501] {
        assert_eq!(judged(status, r#"{"detail":"bad"}"#), (Server, Retry::Never), "{status}");
    }
}

#[test]
fn an_error_event_is_judged_by_its_words() {
    let judge = |json: &str| {
        let fault = Fault::of_json(&serde_json::from_str(json).unwrap());
        let failure = fault.into_failure("s", "m", None);
        (failure.error.kind, failure.retry)
    };
    let overloaded =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    assert_eq!(judge(overloaded), (Overloaded, LATER));
    assert_eq!(judge(r#"{"error":{"type":"server_error","message":"oops"}}"#), (Server, LATER));
    assert_eq!(judge(r#"{"error":{"message":"bad grammar"}}"#), (Server, Retry::Never));
}

#[test]
fn a_server_without_native_tools_is_recognised() {
    let ollama = r#"{"error":{"message":"registry.ollama.ai/library/x does not support tools","type":"api_error"}}"#;
    assert_eq!(judged(400, ollama).1, Retry::WithoutNativeTools);
    let llama = r#"{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}"#;
    assert_eq!(judged(500, llama).1, Retry::WithoutNativeTools);
}

#[test]
fn messages_mask_the_key_escape_and_shorten() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: sk-secret. \u001b[2J{}"}}}}"#,
        "x".repeat(9000)
    );
    let error = failure(401, &body).error;
    assert_eq!(error.kind, Authentication);
    assert!(error.message.contains("****") && !error.message.contains("sk-secret"));
    assert!(!error.message.contains('\u{1b}') && error.message.len() < 600);
}

#[test]
fn a_missing_key_is_told_from_a_wrong_one() {
    let body = r#"{"error":{"message":"You didn't provide an API key."}}"#;
    let error = Fault::of_body(401, None, body).into_failure("s", "m", None).error;
    assert!(
        error.message.contains("needs an API key") && error.to_string().contains("KODE_API_KEY")
    );
    assert!(failure(401, "{}").error.message.contains("refused the API key"));
    assert!(failure(403, "{}").error.message.contains("refused access"));
}

#[test]
fn a_web_page_is_named_not_quoted() {
    let error = failure(502, "<!DOCTYPE html><html>secret page</html>").error;
    assert!(error.message.contains("web page") && !error.message.contains("secret"));
}
