//! Literals assigned to names that say they are secret, in code, configuration
//! and shell alike. Word-like values and references are not reported.

use kode_base::ProjectPath;

use super::SecretHit;
use super::assigned::{Form, value_after};
use super::codes::{is_listed_code, is_spelled_by_name};
use super::compared;
use super::keywords::Found;
use super::placeholder::is_placeholder;
use super::shape::{
    is_encoded_password, is_encoded_word, is_key, is_long_and_mixed, is_password, is_scrambled,
};

/// Parts of names that start a closer look, lower case.
const STARTS: [&str; 12] = [
    "key",
    "token",
    "secret",
    "pass",
    "psk",
    "pw",
    "credential",
    "creds",
    "auth",
    "pepper",
    "_salt",
    "sonar.login",
];

/// Parts of names that start a closer look.
pub(super) fn words() -> Vec<&'static str> {
    STARTS.to_vec()
}

/// Words before `key` that make it a secret.
const KEY_WORDS: [&str; 25] = [
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
    "deploy",
    "webhook",
];

/// Words that make a name describe a secret, or something public, instead of hold one.
const OTHER_WORDS: [&str; 87] = [
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
    "encoder",
    "encoding",
    "hasher",
    "hashers",
    "validators",
    "validity",
    "strength",
    "cookie",
    "ref",
    "refs",
    "href",
    "short",
    "long",
    "required",
    "mismatch",
    "failed",
    // What is made of a secret, and shows that one has it.
    "hashed",
    "digest",
    "checksum",
    "fingerprint",
    "thumbprint",
    "integrity",
    // Entries of a block chain.
    "tx",
    "txid",
    "txn",
    "transaction",
    "address",
    "addr",
    "contract",
    "bytecode",
    "topic",
];

/// Words for the form in which a value is written, behind what it is.
const WRITTEN: [&str; 5] = ["hex", "hexdigest", "base64", "b64", "bytes"];

/// Words that say that what they name opens nothing, wherever they stand.
const NO_CREDENTIAL: [&str; 7] =
    ["wrong", "invalid", "incorrect", "missing", "null", "nonexistent", "existent"];

/// Words that end in `pass` and open nothing.
const OTHER_PASSES: [&str; 6] =
    ["bypass", "compass", "encompass", "surpass", "trespass", "overpass"];

/// Words that say that what they name is public, wherever they stand.
const NO_SECRET: [&str; 7] = ["public", "pub", "pubkey", "publishable", "csrf", "xsrf", "site"];

/// Tokens that say where something goes on, or that it is done once.
const OTHER_TOKENS: [&str; 11] = [
    "next",
    "page",
    "change",
    "lifecycle",
    "continuation",
    "continue",
    "idempotency",
    "pagination",
    "cursor",
    "resume",
    "sync",
];

/// Keys that find something instead of opening it.
const OTHER_KEYS: [&str; 28] = [
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
    "commit",
    "etag",
    "digest",
    "checksum",
    "verify",
    "verifying",
];

/// What kind of secret a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    Key,
    /// A key of something, perhaps no secret one.
    AnyKey,
    Password,
}

/// Finds secret-named assignments.
pub(super) fn find(
    path: &ProjectPath,
    content: &[u8],
    keywords: impl Iterator<Item = Found>,
    (in_tests, in_docs): (bool, bool),
) -> Vec<SecretHit> {
    let bare_values = allows_bare_values(path);
    let is_table = path.extension() == Some("csv");
    let spaced = has_spaced_values(path);
    let directives = spaced || has_directives(path);
    let mut hits = Vec::new();
    let mut done = 0;
    for keyword in keywords {
        if keyword.start < done {
            continue;
        }
        let (start, end) = name_around(content, keyword.start, keyword.end);
        done = end;
        let Some(promise) = promise_of(&content[start..end]) else { continue };
        let is_kind = promise == Promise::AnyKey && follows_kind(content, start);
        let promise = if is_kind { Promise::Key } else { promise };
        if describes_another(content, start, end) {
            continue;
        }
        let in_comment =
            !bare_values && promise == Promise::Key && stands_in_comment(content, start);
        let bare_values = bare_values || in_comment;
        let form = Form { bare_values, is_table, spaced, directives, name: (start, end) };
        let Some((from, to, quoted)) = compared::beside(content, form.name)
            .or_else(|| value_after(content, form))
            .filter(|_| !is_hashed(content, start))
        else {
            continue;
        };
        done = done.max(from);
        let value = &content[from..to];
        let real = match promise {
            Promise::Key if in_comment && !quoted => is_key(value) && is_long_and_mixed(value),
            Promise::Key => is_key(value),
            Promise::AnyKey => !in_tests && !in_docs && is_key(value) && is_long_and_mixed(value),
            Promise::Password => !in_tests && !in_docs && is_password(value, quoted),
        };
        let real = real || bare_values && is_encoded_password(value);
        let scrambled = quoted && promise != Promise::AnyKey && !in_tests && is_scrambled(value);
        let promises = |name: &[u8]| promise_of(name).is_some();
        if is_listed_commit(content, form.name, (from, to))
            || is_in_list_of_names(content, form.name, (from, to))
            || is_code_of_bundle(content, (from, to), quoted)
            || is_release_key(&content[start..end], value)
            || is_spelled_by_name(&content[start..end], value)
            || is_named_operation(&content[start..end], value)
            || is_hashed_secret(&content[start..end], value)
            || promise == Promise::AnyKey && is_test_vector(content, (from, to))
            || quoted && is_listed_code(content, (from, to), promises)
        {
            continue;
        }
        if scrambled || real && !is_placeholder(value) && !is_encoded_word(value) {
            hits.push(hit(promise, from, to));
        }
    }
    hits
}

/// Whether a value stands unquoted, or after a quoted name, on a line as long as bundlers
/// make them: code.
fn is_code_of_bundle(content: &[u8], (from, to): (usize, usize), quoted: bool) -> bool {
    const LINE: usize = 2_000;
    let is_long = |bytes: &[u8]| bytes.len() >= LINE && !bytes.contains(&b'\n');
    let before = &content[from.saturating_sub(LINE)..from];
    let after = &content[to..content.len().min(to + LINE)];
    let value = &content[from..to];
    let is_code = !quoted && value.iter().any(|byte| b"=?!&|;:".contains(byte))
        || before.ends_with(b",") && value.contains(&b':');
    is_code && (is_long(before) || is_long(after))
}

/// Whether a name and its value are two of a list of names: `["OAuth2Token",
/// "OAuth2Form", …]`, of which all look alike.
fn is_in_list_of_names(content: &[u8], name: (usize, usize), value: (usize, usize)) -> bool {
    const LEAST: usize = 8;
    const REACH: usize = 1_500;
    // A value that stands before its name is compared with it.
    let Some(between) = content.get(name.1..value.0) else { return false };
    let is_quoted = between.contains(&b'"') || between.contains(&b'\'');
    if !is_quoted
        || !between.contains(&b',')
        || !between.iter().all(|byte| b"'\", \t\r\n".contains(byte))
    {
        return false;
    }
    let is_list = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_$*/.'\", \t\r\n-".contains(byte);
    let before = content[name.0.saturating_sub(REACH)..name.0].iter().rev().take_while(is_list);
    let start = name.0 - before.count();
    let after = content[value.1..content.len().min(value.1 + REACH)].iter().take_while(is_list);
    let list = &content[start..value.1 + after.count()];
    let exported = content[..start].trim_ascii_end();
    let is_exported = exported.ends_with(b"__all__ = [") || exported.ends_with(b"__all__ = (");
    is_exported || list.iter().filter(|byte| **byte == b',').count() + 1 >= LEAST
}

/// Whether a value is one of a list of commits: forty hexadecimal digits under the name of
/// a part (`auth`, `secrets-operator`), beside others under names that promise nothing.
fn is_listed_commit(content: &[u8], name: (usize, usize), value: (usize, usize)) -> bool {
    let (name, id) = (&content[name.0..name.1], &content[value.0..value.1]);
    let is_part = words_of(name).last().is_some_and(|last| {
        last == "auth" || !last.contains("secret") && promise_of(last.as_bytes()).is_none()
    });
    let holds_key = ["key", "token", "pass"].iter().any(|word| {
        name.to_ascii_lowercase().windows(word.len()).any(|part| part == word.as_bytes())
    });
    if !is_commit(id) || !is_part || holds_key {
        return false;
    }
    let line = |at: usize| content[..at].iter().rposition(|byte| *byte == b'\n');
    let first = line(value.0).map_or(0, |at| at + 1);
    let before = first.checked_sub(1).map(|end| &content[line(end).map_or(0, |at| at + 1)..end]);
    let mut after = content[value.1..].split(|byte| *byte == b'\n').skip(1);
    [before, after.next()].into_iter().flatten().any(names_a_commit)
}

/// A key of hexadecimal digits beside what it makes of what: who publishes both shows how
/// an algorithm works.
fn is_test_vector(content: &[u8], (from, to): (usize, usize)) -> bool {
    const REACH: usize = 400;
    const BESIDE: [&[u8]; 6] =
        [b"ciphertext", b"plaintext", b"cipher_text", b"plain_text", b"tcid", b"\"ct\""];
    let around = &content[from.saturating_sub(REACH)..content.len().min(to + REACH)];
    let around = around.to_ascii_lowercase();
    content[from..to].iter().all(u8::is_ascii_hexdigit)
        && BESIDE.iter().any(|word| memchr::memmem::find(&around, word).is_some())
}

/// `releaseManagerKey`: a fingerprint of the key that releases are signed with, which is
/// public.
fn is_release_key(name: &[u8], value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_fingerprint =
        value.len() == 40 && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    is_fingerprint && name.windows(7).any(|part| part == b"release")
}

/// A line that gives forty hexadecimal digits to a name.
fn names_a_commit(line: &[u8]) -> bool {
    let is_part = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"_-./".contains(byte));
    let mut words = line.split(is_part).filter(|word| !word.is_empty());
    words.next().is_some_and(|name| !is_commit(name)) && words.any(is_commit)
}

fn is_commit(text: &[u8]) -> bool {
    text.len() == 40 && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
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
            "cnf",
            "bru",
            "sls",
            "service",
        ]
        .contains(&extension)
}

/// Formats of lines that are a name, a space and a value.
fn has_spaced_values(path: &ProjectPath) -> bool {
    ["netrc", "msmtprc", "fetchmailrc", "muttrc"].iter().any(|end| path.file_name().ends_with(end))
        || ["conf", "cfg"].contains(&path.extension().unwrap_or_default())
}

/// Formats in which a quoted value follows a name without an operator.
fn has_directives(path: &ProjectPath) -> bool {
    ["gradle", "groovy", "rb", "ex", "exs", "kdl", "el", "clj", "cljs", "tcl", "feature"]
        .contains(&path.extension().unwrap_or_default())
}

/// `checksum/secret`, and a signing key's fingerprint: they tell of a secret.
fn describes_another(content: &[u8], start: usize, end: usize) -> bool {
    let name = content[start..end].to_ascii_lowercase();
    content[..start].ends_with(b"checksum/")
        || [&b"gpg_key"[..], b"pgp_key"].iter().any(|key| name.ends_with(key))
}

/// `sha256(token) == "…"`: what stands there is a hash.
fn is_hashed(content: &[u8], start: usize) -> bool {
    let Some(before) = content[..start].strip_suffix(b"(") else { return false };
    let name = before[before.len().saturating_sub(12)..].to_ascii_lowercase();
    [&b"sha"[..], b"md5", b"hash", b"digest"]
        .iter()
        .any(|hash| name.windows(hash.len()).any(|window| window == *hash))
}

/// `api key: …`, in words.
fn follows_kind(content: &[u8], start: usize) -> bool {
    let before = content[start.saturating_sub(8)..start].to_ascii_lowercase();
    [&b"api "[..], b"access ", b"secret ", b"private "].iter().any(|kind| before.ends_with(kind))
}

/// Whether a line comment begins before a place on its line.
fn stands_in_comment(content: &[u8], at: usize) -> bool {
    let before = &content[at.saturating_sub(120)..at];
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or(before).trim_ascii_start();
    [&b"#"[..], b"//", b"* ", b"-- "].iter().any(|mark| line.starts_with(mark))
        || line.windows(3).any(|part| part == b" //" || part == b" # ")
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
            || part.starts_with("test_") && part.ends_with(".py")
            || part.contains(".test.")
            || part.contains(".spec.")
            || part.contains("_test.")
            || part.contains("_tests.")
    }) || folders(path).any(|folder| {
        // `functionTests`, `acceptance-tests`; not every set of `test_cases`.
        words_of(folder.as_bytes()).last().is_some_and(|word| {
            ["test", "tests", "testing", "testdata", "fixture", "fixtures"].contains(&word.as_str())
                || is_kind_of_test(word)
        })
    })
}

/// `unittest`, `greentest`, `smoketests`; not `latest`.
fn is_kind_of_test(word: &str) -> bool {
    const OTHERS: [&str; 7] =
        ["latest", "greatest", "fastest", "contest", "protest", "attest", "detest"];
    let word = word.strip_suffix('s').unwrap_or(word);
    word.len() > 6 && word.ends_with("test") && !OTHERS.contains(&word)
}

/// The folders of a path, without the file's own name.
fn folders(path: &ProjectPath) -> impl Iterator<Item = &str> {
    let count = path.components().count();
    path.components().take(count.saturating_sub(1))
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
fn words_of(name: &[u8]) -> Vec<String> {
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

/// `token_sha256`, `passwordMd5`, `key_digest_hex`: a digest of what it speaks of.
fn is_digest_name(words: &[String]) -> bool {
    let is_written = |word: &&String| WRITTEN.contains(&word.as_str());
    let mut named = words.iter().rev().skip_while(is_written);
    let Some(last) = named.next() else { return false };
    let of_sha = named.next().is_some_and(|before| before == "sha");
    let kind = last.trim_end_matches(|digit: char| digit.is_ascii_digit());
    matches!(last.as_str(), "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "md5" | "sha")
        || matches!(kind, "digest" | "checksum" | "hash")
        || last.starts_with("blake")
        || of_sha && kind.is_empty()
}

/// `resetPassword: "<64 digits>"`: what a function's name stands for is no credential, where
/// a digest tells it from others.
fn is_named_operation(name: &[u8], value: &[u8]) -> bool {
    const VERBS: [&str; 14] = [
        "get", "reset", "forgot", "change", "create", "update", "delete", "remove", "revoke",
        "validate", "generate", "find", "fetch", "list",
    ];
    let words = words_of(name);
    let is_camel = name.iter().all(u8::is_ascii_alphanumeric);
    let is_verb = words.len() >= 2 && VERBS.contains(&words[0].as_str());
    is_camel && is_verb && is_hexadecimal_digest(value)
}

/// `hashed_secret: "<40 digits>"`, as lists of known findings have it: a digest shows that one
/// has the secret. One of a password may be guessed.
fn is_hashed_secret(name: &[u8], value: &[u8]) -> bool {
    let words = words_of(name);
    let is_key =
        words.last().is_some_and(|last| matches!(last.as_str(), "secret" | "token" | "key"));
    is_key && matches!(words[0].as_str(), "hashed" | "digested") && is_hexadecimal_digest(value)
}

fn is_hexadecimal_digest(value: &[u8]) -> bool {
    matches!(value.len(), 32 | 40 | 64 | 128)
        && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn promise_of(name: &[u8]) -> Option<Promise> {
    let words = words_of(name);
    let tail = &words[words.len().saturating_sub(4)..];
    let last = tail.last()?;
    if is_digest_name(tail)
        || OTHER_WORDS.contains(&last.as_str())
        || tail.iter().any(|w| NO_SECRET.contains(&w.as_str()))
    {
        return None;
    }
    let has = |wanted: &[&str]| tail.iter().any(|word| wanted.contains(&word.as_str()));
    if has(&NO_CREDENTIAL) || last == "token" && has(&OTHER_TOKENS) {
        return None;
    }
    if tail.iter().any(|word| {
        let is_password = word.contains("passw")
            || ["pwd", "pw", "bindpw", "rootpw", "passphrase", "psk"].contains(&&word[..]);
        is_password || word.ends_with("pass") && !OTHER_PASSES.contains(&word.as_str())
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
        || matches!(last.as_str(), "auth" | "creds" | "authorization" | "pepper")
        || compact.ends_with("sonarlogin")
        // WordPress' salts, which sign what its keys do.
        || ["authsalt", "loggedinsalt", "noncesalt"].iter().any(|salt| compact.ends_with(salt))
        || compact.contains("secret");
    if key || token {
        return Some(Promise::Key);
    }
    let any = ["key", "authentication"].contains(&last.as_str())
        && !tail.iter().any(|word| OTHER_KEYS.contains(&word.as_str()));
    any.then_some(Promise::AnyKey)
}
