//! Credentials in what a program connects with: a URL's user and password, an
//! `Authorization` header, curl's `-u`, JDBC's third argument. Passwords that are
//! words, and hosts that only examples have, are no finding.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use kode_base::ProjectPath;

use super::SecretHit;
use super::generic::{is_key, is_manual, is_password, is_test_path};
use super::placeholder::is_placeholder;
use super::structure::base64;

/// The longest user, password or token looked at.
const PART_BYTES_MAX: usize = 300;
/// How far from `curl` its `-u` may stand.
const COMMAND_BYTES_MAX: usize = 600;

/// What starts a closer look, lower case, in the order of [`Start`].
const STARTS: [&str; 5] = ["://", "basic ", "bearer ", "curl ", "getconnection("];

static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasickBuilder::new().ascii_case_insensitive(true).build(STARTS).ok());

/// A range of the content and what stands there.
type Found = (usize, usize, &'static str);

/// Finds credentials of connections. Manuals and tests hold only examples.
pub(super) fn find(path: &ProjectPath, content: &[u8]) -> Vec<SecretHit> {
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    if is_manual(path) || is_test_path(path) {
        return Vec::new();
    }
    let found = automaton.find_iter(content).filter_map(|start| {
        let rest = &content[start.end()..content.len().min(start.end() + COMMAND_BYTES_MAX)];
        let (from, to, title) = match start.pattern().as_usize() {
            0 => user_and_password(rest)?,
            1 => basic(rest)?,
            2 => bearer(rest)?,
            3 => curl_user(rest)?,
            _ => third_argument(rest)?,
        };
        let (start, end) = (start.end() + from, start.end() + to);
        (!is_placeholder(&content[start..end])).then(|| SecretHit {
            start,
            end,
            rule: "connection-credential".to_owned(),
            title: title.to_owned(),
        })
    });
    found.collect()
}

/// `user:password@host` after `://`.
fn user_and_password(rest: &[u8]) -> Option<Found> {
    let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`<>\\/,|".contains(byte);
    let length = rest.iter().take(PART_BYTES_MAX).position(is_end).unwrap_or(rest.len());
    let authority = &rest[..length.min(PART_BYTES_MAX)];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    let (password, host) = (&authority[colon + 1..at], &authority[at + 1..]);
    let real = is_password(password, false) && !is_placeholder(password) && !is_example_host(host);
    real.then_some((colon + 1, at, "a password in a URL"))
}

/// Hosts that stand in examples, and this machine.
fn is_example_host(host: &[u8]) -> bool {
    let host = String::from_utf8_lossy(host).to_ascii_lowercase();
    let name = host.split([':', '?', '#', ')', ']', ';']).next().unwrap_or_default();
    let name = name.trim_end_matches('.');
    name.is_empty()
        || ["localhost", "host", "hostname", "server", "127.0.0.1", "0.0.0.0"].contains(&name)
        || name.contains("example")
        || [".test", ".invalid", ".localhost"].iter().any(|end| name.ends_with(end))
}

/// `Basic` and base64 of a user and a password.
fn basic(rest: &[u8]) -> Option<Found> {
    let length = token_length(rest, b"+/=_-");
    let decoded = base64(rest.get(..length).filter(|text| text.len() >= 12)?)?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let printable = decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let password = &decoded[colon + 1..];
    let real = printable && is_password(password, true) && !is_placeholder(&decoded);
    real.then_some((0, length, "a user and password in a header"))
}

/// `Bearer` and a random token.
fn bearer(rest: &[u8]) -> Option<Found> {
    let length = token_length(rest, b"-._~+/=");
    let token = &rest[..length];
    let real = token.len() >= 20 && is_key(token);
    real.then_some((0, length, "a token in a header"))
}

/// curl's `-u user:password`, on the command's line or one it goes on to.
fn curl_user(rest: &[u8]) -> Option<Found> {
    let line_end = |at: usize| rest[at] == b'\n' && (at == 0 || rest[at - 1] != b'\\');
    let end = (0..rest.len()).find(|at| line_end(*at)).unwrap_or(rest.len());
    let line = &rest[..end];
    let after = [&b"-u "[..], b"--user ", b"--user=", b"-u"].iter().find_map(|option| {
        let at = line.windows(option.len()).position(|window| window == *option)?;
        let starts = at == 0 || line[at - 1].is_ascii_whitespace();
        starts.then_some(at + option.len())
    })?;
    let quote = line.get(after).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = after + usize::from(quote.is_some());
    let ends = |byte: &u8| quote.map_or(byte.is_ascii_whitespace(), |quote| *byte == quote);
    let length = line.get(start..)?.iter().position(ends).unwrap_or(line.len() - start);
    let colon = line[start..start + length].iter().position(|byte| *byte == b':')?;
    let password = &line[start + colon + 1..start + length];
    let real = is_password(password, false);
    real.then_some((start + colon + 1, start + length, "a password in a command"))
}

/// `"jdbc:…", "user", "password")`.
fn third_argument(rest: &[u8]) -> Option<Found> {
    let end = rest.iter().position(|byte| *byte == b')')?;
    let quotes: Vec<usize> = (0..end).filter(|at| rest[*at] == b'"').collect();
    let [first, .., open, close] = quotes[..] else { return None };
    let is_last = rest[close + 1..end].iter().all(u8::is_ascii_whitespace);
    let is_third = rest[..open].iter().filter(|byte| **byte == b',').count() >= 2;
    let password = &rest[open + 1..close];
    let real = is_last && is_third && first < open && is_password(password, true);
    real.then_some((open + 1, close, "a password"))
}

fn token_length(rest: &[u8], others: &[u8]) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || others.contains(byte);
    rest.iter().take(PART_BYTES_MAX).take_while(is_part).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let path = ProjectPath::new("settings.py").unwrap();
        let hits = find(&path, text.as_bytes());
        hits.first().map(|hit| text[hit.start..hit.end].to_owned())
    }

    #[test]
    fn passwords_of_connections_are_found() {
        for (text, password) in [
            ("'postgres://app:k3Jd82hTq@db.acme.io:5432/x'", "k3Jd82hTq"),
            ("\"redis://:k3Jd82hTq@cache.acme.io/0\"", "k3Jd82hTq"),
            ("curl -s -u admin:k3Jd82hTq https://ci.acme.io", "k3Jd82hTq"),
            ("curl \\\n  --user 'admin:k3Jd82hTq' https://ci.acme.io", "k3Jd82hTq"),
            ("getConnection(\"jdbc:x\", \"root\", \"k3Jd82hTq\")", "k3Jd82hTq"),
            ("'Authorization': 'Bearer k3Jd82hTqPz71LmVb4Rn6Yw0'", "k3Jd82hTqPz71LmVb4Rn6Yw0"),
            ("'Basic YWRtaW46azNKZDgyaFRx'", "YWRtaW46azNKZDgyaFRx"),
        ] {
            assert_eq!(found(text).as_deref(), Some(password), "{text}");
        }
    }

    #[test]
    fn examples_references_and_words_are_none() {
        for text in [
            "postgres://user:password@db.acme.io/x",
            "postgres://app:k3Jd82hTq@localhost/x",
            "https://u:k3Jd82hTq@example.com/",
            "postgres://app:${DB_PASSWORD1}@db.acme.io/x",
            "f'postgres://{user}:{password1}@db.acme.io/x'",
            "https://fonts.acme.io/css?family=A:400@2x",
            "curl -u \"$USER1:$PASSWORD1\" https://ci.acme.io",
            "curl https://ci.acme.io -X POST",
            "Bearer ${token1}",
            "Basic authentication needs2 a user",
            "getConnection(url, user, \"pass\" + x1)",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
