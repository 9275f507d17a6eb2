//! Literals assigned to names that say they are secret, in code, configuration
//! and shell alike. Word-like values and references are not reported.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use kode_base::ProjectPath;

use super::SecretHit;
use super::assigned::{Form, value_after};
use super::entropy::bits_per_byte;
use super::placeholder::is_placeholder;

/// Parts of names that start a closer look, lower case.
const KEYWORDS: [&str; 11] = [
    "key",
    "token",
    "secret",
    "passw",
    "pwd",
    "passphrase",
    "credential",
    "pass_",
    "_pass",
    "creds",
    "auth",
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasickBuilder::new().ascii_case_insensitive(true).build(KEYWORDS).ok());

/// Words before `key` that make it a secret.
const KEY_WORDS: [&str; 23] = [
    "api",
    "access",
    "secret",
    "private",
    "priv",
    "auth",
    "encryption",
    "signing",
    "master",
    "account",
    "client",
    "app",
    "service",
    "admin",
    "storage",
    "crypt",
    "jwt",
    "session",
    "cipher",
    "aes",
    "hmac",
    "license",
    "subscription",
];

/// Words that make a name describe a secret, or something public, instead of hold one.
const OTHER_WORDS: [&str; 56] = [
    "public",
    "pub",
    "id",
    "ids",
    "name",
    "names",
    "type",
    "types",
    "url",
    "uri",
    "path",
    "file",
    "filename",
    "field",
    "fields",
    "length",
    "len",
    "count",
    "size",
    "expiry",
    "expires",
    "header",
    "regex",
    "pattern",
    "label",
    "placeholder",
    "hint",
    "prompt",
    "param",
    "prefix",
    "suffix",
    "message",
    "msg",
    "error",
    "errors",
    "endpoint",
    "kind",
    "index",
    "max",
    "min",
    "tokenizer",
    "publishable",
    "policy",
    "column",
    "format",
    "title",
    "text",
    "help",
    "description",
    "arn",
    "class",
    "selector",
    "dir",
    "algorithm",
    "hash",
    "version",
];

/// Words that say that what they name is public, wherever they stand.
const NO_SECRET: [&str; 5] = ["public", "publishable", "csrf", "xsrf", "site"];

/// Keys that find something instead of opening it.
const OTHER_KEYS: [&str; 22] = [
    "primary",
    "foreign",
    "bucket",
    "schema",
    "sequence",
    "natural",
    "hot",
    "cache",
    "sort",
    "partition",
    "row",
    "group",
    "object",
    "map",
    "index",
    "idx",
    "storage",
    "query",
    "shortcut",
    "translation",
    "react",
    "host",
];

/// What kind of secret a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    Key,
    /// A key of something, perhaps no secret one.
    AnyKey,
    Password,
}

/// Finds secret-named assignments.
pub(super) fn find(path: &ProjectPath, content: &[u8]) -> Vec<SecretHit> {
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    let bare_values = allows_bare_values(path);
    let is_table = path.extension() == Some("csv");
    let spaced = has_spaced_values(path);
    let in_tests = is_test_path(path);
    let in_docs = is_manual(path);
    let mut hits = Vec::new();
    let mut done = 0;
    for keyword in automaton.find_iter(content) {
        if keyword.start() < done {
            continue;
        }
        let (start, end) = name_around(content, keyword.start(), keyword.end());
        done = end;
        let Some(promise) = promise_of(&content[start..end]) else { continue };
        let form = Form { bare_values, is_table, spaced, name: (start, end) };
        let Some((from, to, quoted)) = value_after(content, form) else { continue };
        done = done.max(from);
        let value = &content[from..to];
        let real = match promise {
            Promise::Key => is_key(value),
            Promise::AnyKey => !in_tests && !in_docs && is_key(value) && is_long_and_mixed(value),
            Promise::Password => !in_tests && !in_docs && is_password(value, quoted),
        };
        if real && !is_placeholder(value) {
            hits.push(hit(promise, from, to));
        }
    }
    hits
}

fn hit(promise: Promise, start: usize, end: usize) -> SecretHit {
    let (rule, title) = match promise {
        Promise::Key | Promise::AnyKey => ("generic-key", "a key or token"),
        Promise::Password => ("generic-password", "a password"),
    };
    SecretHit { start, end, rule: rule.to_owned(), title: title.to_owned() }
}

/// Formats in which a value needs no quotes.
fn allows_bare_values(path: &ProjectPath) -> bool {
    let name = path.file_name();
    let extension = path.extension().unwrap_or_default();
    name.starts_with(".env")
        || name.starts_with("Dockerfile")
        || name.starts_with("Makefile")
        || extension.is_empty()
        || [
            "env",
            "yml",
            "yaml",
            "ini",
            "properties",
            "conf",
            "cfg",
            "config",
            "sh",
            "bash",
            "zsh",
            "txt",
            "tfvars",
            "netrc",
            "npmrc",
            "pypirc",
            "envrc",
            "toml",
            "md",
            "log",
            "mk",
            "bat",
            "cmd",
            "csv",
            "http",
            "rest",
            "dockerfile",
            "tf",
            "hcl",
        ]
        .contains(&extension)
}

/// Formats of lines that are a name, a space and a value.
fn has_spaced_values(path: &ProjectPath) -> bool {
    path.file_name().ends_with("netrc")
        || ["conf", "cfg"].contains(&path.extension().unwrap_or_default())
}

/// Text about a program, where passwords are examples.
pub(super) fn is_manual(path: &ProjectPath) -> bool {
    ["md", "rst", "adoc", "mdx"].contains(&path.extension().unwrap_or_default())
}

pub(super) fn is_test_path(path: &ProjectPath) -> bool {
    path.components().any(|part| {
        let part = part.to_ascii_lowercase();
        ["test", "tests", "__tests__", "spec", "specs", "fixtures", "testdata", "mocks"]
            .contains(&part.as_str())
            || part.starts_with("test_")
            || part.contains(".test.")
            || part.contains(".spec.")
            || part.contains("_test.")
    })
}

/// The identifier (with `.` and `-`) around a keyword, at most 80 bytes each way.
fn name_around(content: &[u8], start: usize, end: usize) -> (usize, usize) {
    let is_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let before = content[start.saturating_sub(80)..start].iter().rev().take_while(|b| is_name(b));
    let after = content[end..].iter().take(80).take_while(|byte| is_name(byte));
    (start - before.count(), end + after.count())
}

/// Splits `apiKey`, `API_KEY` and `api-key` into lower-case words.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = b'_';
    for byte in name {
        let boundary = !byte.is_ascii_alphanumeric()
            || (byte.is_ascii_uppercase() && previous.is_ascii_lowercase());
        if boundary && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(byte.to_ascii_lowercase() as char);
        }
        previous = *byte;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn promise_of(name: &[u8]) -> Option<Promise> {
    let words = words(name);
    let tail = &words[words.len().saturating_sub(4)..];
    let last = tail.last()?;
    if OTHER_WORDS.contains(&last.as_str()) || tail.iter().any(|w| NO_SECRET.contains(&w.as_str()))
    {
        return None;
    }
    let has = |wanted: &[&str]| tail.iter().any(|word| wanted.contains(&word.as_str()));
    if tail.iter().any(|word| {
        word.contains("passw") || word == "pwd" || word == "passphrase" || word == "pass"
    }) {
        return Some(Promise::Password);
    }
    let compact = tail.concat();
    let key = compact.contains("key")
        && (has(&KEY_WORDS)
            || KEY_WORDS.iter().any(|word| compact.contains(&format!("{word}key"))));
    let token = tail
        .iter()
        .any(|w| w.ends_with("token") || w.ends_with("secret") || w.starts_with("credential"))
        || matches!(last.as_str(), "auth" | "creds" | "authorization")
        || compact.contains("secret");
    if key || token {
        return Some(Promise::Key);
    }
    let any = last == "key" && !tail.iter().any(|word| OTHER_KEYS.contains(&word.as_str()));
    any.then_some(Promise::AnyKey)
}

/// Random-looking: long enough, mixed, not made of words.
pub(super) fn is_key(value: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"_-.=+/~@!#$%^&*:|?".contains(b);
    if !(10..=300).contains(&value.len()) || !value.iter().all(allowed) || is_location(value) {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
    let entropy = bits_per_byte(value);
    let random = if hexadecimal { value.len() >= 16 && entropy >= 2.8 } else { entropy >= 3.3 };
    let counted = digits >= 1 || is_shuffled(value);
    counted && digits < value.len() && random && !is_made_of_words(value)
}

/// Sixteen or more letters of both cases in no order that words have: as many
/// capitals as small letters, and capitals beside capitals.
fn is_shuffled(value: &[u8]) -> bool {
    let capitals = value.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let small = value.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let pairs = value.windows(2);
    let (mut rises, mut twins) = (0, 0);
    for pair in pairs {
        rises += usize::from(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
        twins += usize::from(pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase());
    }
    value.len() >= 12
        && capitals * 3 >= value.len()
        && small * 4 >= value.len()
        && rises >= 2
        && twins >= 1
        && bits_per_byte(value) >= 3.0
}

/// Long, with letters of both cases and digits, or plain hexadecimal.
fn is_long_and_mixed(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    value.len() >= 24 && (mixed || value.iter().all(u8::is_ascii_hexdigit))
}

/// A password a person chose: at least two kinds of characters, no prose.
pub(super) fn is_password(value: &[u8], quoted: bool) -> bool {
    let visible = value.iter().all(|byte| byte.is_ascii_graphic());
    let least = if quoted { 6 } else { 8 };
    if !(least..=128).contains(&value.len()) || !visible || is_location(value) {
        return false;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let special = value.iter().any(|b| b.is_ascii_punctuation() && !b"_-.:/,=&?".contains(b));
    let code = value.iter().any(|byte| b"(){}[]<>".contains(byte)) || value.contains(&b',');
    let varied = digit || special || is_shuffled(value);
    letter && !code && varied && !is_made_of_words(value) && bits_per_byte(value) >= 2.2
}

/// URLs and paths are not secrets by themselves.
fn is_location(value: &[u8]) -> bool {
    value.starts_with(b"/")
        || value.starts_with(b"urn:")
        || value.starts_with(b"./")
        || value.starts_with(b"http") && value.contains(&b':')
        || value.starts_with(b"@") && value.contains(&b'/')
}

/// Whether every part between separators is all letters or all digits and
/// there are at least two, or it is one word with a short number.
fn is_made_of_words(value: &[u8]) -> bool {
    let separators = |byte: &u8| b"_-./:".contains(byte);
    let parts: Vec<&[u8]> = value.split(separators).filter(|part| !part.is_empty()).collect();
    let plain = |part: &&[u8]| {
        let word = is_wordlike(part);
        word || (part.len() <= 4 && part.iter().all(u8::is_ascii_digit))
    };
    parts.iter().all(plain)
}

/// Letters with at most a short number at the end, cased like a name.
fn is_wordlike(part: &[u8]) -> bool {
    let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let letters = &part[..part.len() - digits];
    if digits > 1 || letters.is_empty() || !letters.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let switches = letters
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    switches * 4 <= letters.len() && !is_shuffled(letters)
}
