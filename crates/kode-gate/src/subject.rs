//! What an action is called in prompts and the audit log, and the digest of
//! the exact bytes that would run or be written.

use std::fmt::Write as _;

use kode_base::escape::escape_line;
use kode_base::{Action, Untrusted, WriteMode};
use sha2::{Digest, Sha256};

/// `shell`, `read`, `list`, `search`, `write` or `fetch`.
pub(crate) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Shell(_) => "shell",
        Action::Read(_) => "read",
        Action::List(_) => "list",
        Action::Search(_) => "search",
        Action::Write(_) => "write",
        Action::Fetch(_) => "fetch",
    }
}

/// The exact bytes a person is asked about. Not escaped: whoever shows them
/// uses the escaping renderer.
#[expect(clippy::disallowed_methods, reason = "the result keeps the untrusted label")]
pub(crate) fn shown(action: &Action) -> Untrusted<String> {
    match action {
        Action::Shell(command) => command.command.clone(),
        Action::Read(read) => format!("read {}", read.path.as_str()).into(),
        Action::List(list) => format!("list {}", list.path.as_str()).into(),
        Action::Search(search) => {
            format!("search {} in {}", search.pattern.expose(), search.path.as_str()).into()
        }
        Action::Fetch(fetch) => {
            format!("fetch https://{}{}", fetch.host, fetch.target.expose()).into()
        }
        Action::Write(write) => {
            let verb = match write.mode {
                WriteMode::Content(_) => "write",
                WriteMode::Delete => "delete",
                WriteMode::Restore { .. } | WriteMode::RestoreLink { .. } => "restore",
            };
            format!("{verb} {}", write.path.as_str()).into()
        }
    }
}

/// The same, escaped to one line for the log.
#[expect(clippy::disallowed_methods, reason = "escaped before it goes on")]
pub(crate) fn logged(action: &Action) -> String {
    escape_line(shown(action).expose())
}

/// The model's own words on why, where the action carries them.
pub(crate) fn why(action: &Action) -> Option<Untrusted<String>> {
    match action {
        Action::Shell(command) => command.description.clone(),
        _ => None,
    }
}

/// SHA-256, in hex, of the exact bytes that run or are written; for reads, of
/// the subject.
#[expect(clippy::disallowed_methods, reason = "a digest shows nothing")]
pub(crate) fn digest(action: &Action) -> String {
    let mut hasher = Sha256::new();
    match action {
        Action::Write(write) => {
            hasher.update(write.path.as_str());
            hasher.update([0]);
            match &write.mode {
                WriteMode::Content(bytes) | WriteMode::Restore { content: bytes, .. } => {
                    hasher.update(bytes.expose());
                }
                WriteMode::RestoreLink { target } => hasher.update(target.expose()),
                WriteMode::Delete => hasher.update("deleted"),
            }
        }
        other => hasher.update(shown(other).expose()),
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
