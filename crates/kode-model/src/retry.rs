//! How long to wait before a request is sent again, and for how many times.
//!
//! What a server asks for (`Retry-After` in its several forms) is honoured up
//! to a cap; absurd values never stall a session.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// When and how often a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Requests in all, the first included; at least 1.
    pub attempts_max: u32,
    /// Wait before the first repetition; doubles each time.
    pub wait_first: Duration,
    /// Longest wait, whatever the server asks for.
    pub wait_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            wait_first: Duration::from_secs(1),
            wait_max: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// The wait after failed attempt number `attempt` (from 1), or `None` when
    /// there is no further attempt.
    pub(crate) fn wait_after(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let doubled = self.wait_first.saturating_mul(1 << (attempt - 1).min(16));
        Some(asked.unwrap_or(doubled).min(self.wait_max))
    }
}

/// What the headers ask for: `retry-after-ms`, then `Retry-After` as seconds or
/// as a date (RFC 9110 §10.2.3), the date against the server's own clock.
pub(crate) fn asked_in_headers(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|value| value.parse().ok()) {
        return seconds(milliseconds).map(|wait| wait / 1000);
    }
    let value = text("retry-after")?;
    if let Ok(number) = value.parse::<f64>() {
        return seconds(number);
    }
    let at = http_date(value)?;
    let now = text("date").and_then(http_date).unwrap_or_else(Timestamp::now);
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// What an error body asks for: a `retry_after` number, a `retryDelay` such as
/// `34s`, or the words "try again in 1m2.5s".
pub(crate) fn asked_in_body(body: &str) -> Option<Duration> {
    if let Ok(value) = serde_json::from_str::<Value>(body)
        && let Some(wait) = in_json(&value, 0)
    {
        return Some(wait);
    }
    let at = body.find("try again in ")? + "try again in ".len();
    spoken(&body[at..])
}

fn in_json(value: &Value, depth: usize) -> Option<Duration> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, field)| match name.as_str() {
            "retry_after" | "retry_after_seconds" => field.as_f64().and_then(seconds),
            "retry_after_ms" => field.as_f64().and_then(seconds).map(|wait| wait / 1000),
            "retryDelay" => field.as_str().and_then(spoken),
            _ => in_json(field, depth + 1),
        }),
        Value::Array(items) => items.iter().find_map(|item| in_json(item, depth + 1)),
        _ => None,
    }
}

/// Reads `250ms`, `20s`, `1m30s` or `1h2m`; stops at the first other text.
fn spoken(text: &str) -> Option<Duration> {
    let mut total = None;
    let mut rest = text;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Some(number) = rest[..digits].trim_end_matches('.').parse::<f64>().ok() else { break };
        let unit = rest[digits..].trim_start();
        let (scale, length) = match unit.as_bytes() {
            [b'm', b's', ..] => (0.001, 2),
            [b'h', ..] => (3600.0, 1),
            [b'm', ..] => (60.0, 1),
            [b's', ..] => (1.0, 1),
            _ => break,
        };
        total = Some(total.unwrap_or(0.0) + number * scale);
        rest = &unit[length..];
    }
    total.and_then(seconds)
}

/// Negative numbers and NaN are no durations; absurd ones are made finite.
fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() {
        return None;
    }
    Duration::try_from_secs_f64(number.min(1e9)).ok()
}

fn http_date(text: &str) -> Option<Timestamp> {
    // A wrong weekday is no reason to come back too early.
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    parser.parse_zoned(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let entry = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(entry).collect()
    }

    #[test]
    fn headers_ask_in_seconds_milliseconds_or_with_a_date() {
        let asked = |pairs| asked_in_headers(&headers(pairs));
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(asked(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        assert_eq!(asked(&[("retry-after-ms", "250")]), Some(Duration::from_millis(250)));
        let dates = &[
            ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("retry-after", "Wed, 21 Oct 2015 07:28:09 GMT"),
        ];
        assert_eq!(asked(dates), Some(Duration::from_secs(9)));
        let past = &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")];
        assert_eq!(asked(past), Some(Duration::ZERO));
    }

    #[test]
    fn absurd_headers_are_capped_or_ignored() {
        let policy = RetryPolicy::default();
        let wait =
            |value| policy.wait_after(1, asked_in_headers(&headers(&[("retry-after", value)])));
        assert_eq!(wait("99999999999999999999"), Some(policy.wait_max));
        assert_eq!(wait("Fri, 31 Dec 9998 23:59:59 GMT"), Some(policy.wait_max));
        for nonsense in ["-5", "NaN", "soon", ""] {
            assert_eq!(wait(nonsense), Some(policy.wait_first), "{nonsense}");
        }
    }

    #[test]
    fn bodies_ask_in_fields_or_words() {
        let asked = |body| asked_in_body(body).map(|wait| wait.as_millis());
        assert_eq!(asked("Rate limit reached. Please try again in 1m2.5s. Visit"), Some(62_500));
        assert_eq!(asked("please try again in 250ms"), Some(250));
        assert_eq!(asked(r#"{"error":{"details":[{"retryDelay":"34s"}]}}"#), Some(34_000));
        assert_eq!(asked(r#"{"error":{"metadata":{"retry_after":3}}}"#), Some(3000));
        assert_eq!(asked("try again in a while"), None);
        assert_eq!(asked(r#"{"retry_after":-1}"#), None);
    }

    #[test]
    fn waits_double_until_attempts_end() {
        let policy = RetryPolicy { attempts_max: 4, ..RetryPolicy::default() };
        let waits: Vec<_> = (1..=4).map(|attempt| policy.wait_after(attempt, None)).collect();
        let expected = [1, 2, 4].map(|wait| Some(Duration::from_secs(wait)));
        assert_eq!(waits[..3], expected);
        assert_eq!(waits[3], None);
    }
}
