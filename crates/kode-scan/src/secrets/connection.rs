//! Credentials in what a program connects with: a URL's user and password, an
//! `Authorization` header, Postman's collections. Passwords that are words, and
//! hosts that only examples have, are no finding.

use kode_base::ProjectPath;

use super::SecretHit;
use super::keywords::Found;
use super::placeholder::is_placeholder;
use super::shape::{is_key, is_password, is_weak_password};
use super::structure::base64;

/// The longest user, password or token looked at.
const PART_BYTES_MAX: usize = 300;
/// How far from its start a credential may end.
const REACH: usize = 600;

/// What starts a closer look, lower case, in the order of [`Start`].
const STARTS: [&str; 5] = ["://", "basic ", "bearer ", "authorization", "apikey\": ["];

/// What starts a closer look.
pub(super) fn words() -> Vec<&'static str> {
    STARTS.to_vec()
}

/// A range of the content and what stands there.
type Credential = (usize, usize, &'static str);

/// Finds credentials of connections. Manuals and tests hold only examples.
pub(super) fn find(
    path: &ProjectPath,
    content: &[u8],
    starts: impl Iterator<Item = Found>,
) -> Vec<SecretHit> {
    if let Some(separators) = password_file(path) {
        return lines_of_passwords(content, separators);
    }
    let found = starts.filter_map(|start| {
        let rest = &content[start.end..content.len().min(start.end + REACH)];
        let (from, to, title) = match start.word {
            0 => user_and_password(rest)?,
            1 => basic(rest)?,
            2 => bearer(rest)?,
            3 => authorization(rest)?,
            _ => listed_key(rest)?,
        };
        let (start, end) = (start.end + from, start.end + to);
        (!is_placeholder(&content[start..end])).then(|| hit(start, end, title))
    });
    found.collect()
}

/// How many colons stand before the password in each line of a password file.
fn password_file(path: &ProjectPath) -> Option<usize> {
    match path.file_name() {
        ".pgpass" | "pgpass.conf" | "pgpass" => Some(4),
        "sasl_passwd" => Some(2),
        _ => None,
    }
}

fn lines_of_passwords(content: &[u8], separators: usize) -> Vec<SecretHit> {
    let mut hits = Vec::new();
    let mut start = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let colons = (0..text.len()).filter(|at| text[*at] == b':');
        if let Some(last) = colons.take(separators).nth(separators - 1) {
            let value = &text[last + 1..];
            if !text.starts_with(b"#") && is_password(value, false) && !is_placeholder(value) {
                hits.push(hit(
                    start + last + 1,
                    start + text.len(),
                    "a password in a file of them",
                ));
            }
        }
        start += line.len();
    }
    hits
}

fn hit(start: usize, end: usize, title: &str) -> SecretHit {
    SecretHit { start, end, rule: "connection-credential".to_owned(), title: title.to_owned() }
}

/// `user:password@host` after `://`.
fn user_and_password(rest: &[u8]) -> Option<Credential> {
    let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`<>\\/,|".contains(byte);
    let length = rest.iter().take(PART_BYTES_MAX).position(is_end).unwrap_or(rest.len());
    let authority = &rest[..length.min(PART_BYTES_MAX)];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    let (password, host) = (&authority[colon + 1..at], &authority[at + 1..]);
    let is_weak = || is_weak_password(password) && is_named_host(host);
    let real = (is_password(password, true) || is_weak())
        && !is_placeholder(password)
        && !is_known_sample(&authority[..colon], password)
        && !is_example_host(host);
    real.then_some((colon + 1, at, "a password in a URL"))
}

/// Words with spaces (`a%20secret`), and the user of every Oracle manual.
fn is_known_sample(user: &[u8], password: &[u8]) -> bool {
    let text = String::from_utf8_lossy(password).replace("%20", " ");
    let is_words = text.contains(' ') && text.chars().all(|c| c.is_alphabetic() || c == ' ');
    is_words || user == b"scott" && password.starts_with(b"tiger")
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

/// A host somewhere else: three or more parts, the last of letters.
fn is_named_host(host: &[u8]) -> bool {
    let name = host.split(|byte| b":?#)];".contains(byte)).next().unwrap_or_default();
    let mut parts = name.rsplit(|byte| *byte == b'.');
    let last = parts.next().unwrap_or_default();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-.".contains(b);
    last.len() >= 2
        && last.iter().all(u8::is_ascii_alphabetic)
        && parts.count() >= 2
        && name.iter().all(is_plain)
}

/// `Basic` and base64 of a user and a password.
fn basic(rest: &[u8]) -> Option<Credential> {
    let length = token_length(rest, b"+/=_-");
    let decoded = base64(rest.get(..length).filter(|text| text.len() >= 12)?)?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let printable = decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let password = &decoded[colon + 1..];
    let real = printable && is_password(password, true) && !is_placeholder(&decoded);
    real.then_some((0, length, "a user and password in a header"))
}

/// `Bearer` and a random token.
fn bearer(rest: &[u8]) -> Option<Credential> {
    let length = token_length(rest, b"-._~+/=");
    let token = &rest[..length];
    let real = token.len() >= 20 && is_key(token);
    real.then_some((0, length, "a token in a header"))
}

/// `Authorization: token …`, with any scheme's name, in any notation.
fn authorization(rest: &[u8]) -> Option<Credential> {
    let is_mark = |byte: &&u8| b"\"'`:,=()[] ".contains(byte);
    let from = rest.iter().take(12).take_while(is_mark).count();
    let is_scheme = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
    let scheme = rest.get(from..)?.iter().take(20).take_while(is_scheme).count();
    // Who asks is no secret.
    let says_who = rest[from..].to_ascii_lowercase().starts_with(b"client-id");
    if from == 0 || scheme < 3 || rest.get(from + scheme) != Some(&b' ') || says_who {
        return None;
    }
    let start = from + scheme + 1;
    let length = token_length(&rest[start..], b"-._~+/=");
    let token = &rest[start..start + length];
    let real = token.len() >= 16 && is_key(token);
    real.then_some((start, start + length, "a token in a header"))
}

/// Postman's `"apikey": [{"key": "value", "value": "…"}]`.
fn listed_key(rest: &[u8]) -> Option<Credential> {
    const NAMES: [&[u8]; 2] = [b"\"value\"", b"\"value\""];
    let mut from = 0;
    for name in NAMES {
        let rest = rest.get(from..)?;
        from += rest.windows(name.len()).position(|window| window == name)? + name.len();
    }
    from += rest[from..].iter().take_while(|byte| b": \"".contains(byte)).count();
    let length = token_length(&rest[from..], b"-._~+/=");
    let real = is_key(&rest[from..from + length]);
    real.then_some((from, from + length, "a key in a collection of requests"))
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
        let places = super::super::places::Places::of(text.as_bytes());
        let starts = places.among(super::super::places::Search::Connection);
        let hits = find(&path, text.as_bytes(), starts);
        hits.first().map(|hit| text[hit.start..hit.end].to_owned())
    }

    #[test]
    fn passwords_of_connections_are_found() {
        for (text, password) in [
            ("'postgres://app:k3Jd82hTq@db.acme.io:5432/x'", "k3Jd82hTq"),
            ("\"redis://:k3Jd82hTq@cache.acme.io/0\"", "k3Jd82hTq"),
            ("\"mongodb+srv://ann:meadow306@c0.md7kd1b.acme.net/x\"", "meadow306"),
            ("'Authorization': 'Bearer k3Jd82hTqPz71LmVb4Rn6Yw0'", "k3Jd82hTqPz71LmVb4Rn6Yw0"),
            ("Authorization: token k3Jd82hTqPz71LmVb4Rn", "k3Jd82hTqPz71LmVb4Rn"),
            ("header(\"Authorization\", \"Key k3Jd82hTqPz71LmVb4Rn\")", "k3Jd82hTqPz71LmVb4Rn"),
            (
                "\"apikey\": [{\"key\": \"value\", \"value\": \"k3Jd82hTqPz71LmVb4Rn\"}]",
                "k3Jd82hTqPz71LmVb4Rn",
            ),
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
            "mongodb+srv://ann:password1@c0.md7kd1b.acme.net/x",
            "mongodb+srv://ann:meadow3@cluster/x",
            "postgres://app:${DB_PASSWORD1}@db.acme.io/x",
            "f'postgres://{user}:{password1}@db.acme.io/x'",
            "https://fonts.acme.io/css?family=A:400@2x",
            "Bearer ${token1}",
            "Authorization: token ${token1}",
            "authorization is checked by k3Jd82hTqPz71LmVb4Rn",
            "Basic authentication needs2 a user",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
