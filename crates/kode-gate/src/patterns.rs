//! What a path with shell wildcards could stand for, among the names that
//! matter: credentials and kode's own files. Lexical; no folder is listed.

use crate::evaluate::glob_matches;
use crate::judge::SessionState;
use crate::paths::{holds_secrets, secret_folders, secret_samples, secret_tails};

/// Endings so usual that they say nothing of what a pattern means.
const USUAL_ENDINGS: [&str; 12] = [
    ".json",
    ".yml",
    ".yaml",
    ".toml",
    ".db",
    ".txt",
    ".js",
    ".ts",
    ".config",
    ".csv",
    ".ini",
    ".properties",
];
/// Letters from which on a pattern is about that very name.
const MEANT_LETTERS: usize = 3;

/// How plainly a pattern means a name that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aim {
    /// It matches most names, this one as well.
    Anything,
    /// It gives part of the name.
    Likely,
    /// It gives nearly all of it.
    Meant,
}

/// Whether a glob of project paths covers `path`: `*` and `?` within a name,
/// `**` across folders; a folder covers what is below it.
pub(crate) fn covers(glob: &str, path: &str) -> bool {
    let parts: Vec<&str> = glob.trim_end_matches('/').split('/').take(GLOB_PARTS_MAX).collect();
    let names: Vec<&str> = path.split('/').collect();
    parts_cover(&parts, &names)
}

/// Parts of a glob that are looked at.
const GLOB_PARTS_MAX: usize = 16;

fn parts_cover(parts: &[&str], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, _) => true,
        (Some((&"**", rest)), _) => (0..=names.len()).any(|skipped| {
            parts_cover(rest, &names[skipped..]) && (!rest.is_empty() || skipped > 0)
        }),
        (Some((part, rest)), Some((name, below))) => {
            glob_matches(part, name) && parts_cover(rest, below)
        }
        (Some(_), None) => false,
    }
}

/// Whether `path` holds wildcards at all.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether the pattern `path` (absolute) is likely to name a credential. A
/// pattern that matches everything counts only where credentials are expected.
pub(crate) fn could_be_secret(path: &str, session: &SessionState) -> bool {
    if !is_pattern(path) {
        return false;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    let last = parts.pop().unwrap_or_default();
    let in_folder = parts.iter().chain([&last]).filter(|part| is_pattern(part)).any(|part| {
        secret_folders().iter().any(|name| aim(part, name).is_some_and(|aim| aim >= Aim::Likely))
    });
    let folder = parts.join("/");
    let root = session.project_root.as_str();
    let outside = root.is_empty() || !path.starts_with(root);
    let least =
        if outside && holds_secrets(&folder, session) { Aim::Anything } else { Aim::Likely };
    in_folder
        || is_pattern(path) && secret_tails().any(|tail| could_end_in(path, tail))
        || is_pattern(last)
            && secret_samples(outside).any(|name| aim(last, name).is_some_and(|aim| aim >= least))
}

/// Whether the pattern's last parts plainly stand for `tail`, such as
/// `/.kube/config`.
fn could_end_in(path: &str, tail: &str) -> bool {
    let mut parts = path.rsplit('/');
    tail.trim_start_matches('/').rsplit('/').all(|name| {
        let part = parts.next().unwrap_or_default();
        part == name || is_pattern(part) && aim(part, name).is_some_and(|aim| aim >= Aim::Likely)
    })
}

/// How plainly the pattern `path` (absolute) names one of kode's own files.
pub(crate) fn could_be_kodes_own(path: &str, session: &SessionState) -> Option<Aim> {
    if !is_pattern(path) {
        return None;
    }
    let inside = |folder: &str, name: &str| {
        (!folder.is_empty()).then(|| format!("{}/{name}", folder.trim_end_matches('/')))
    };
    let targets = [
        inside(&session.project_root, "kode.json"),
        inside(&session.project_root, ".kode"),
        inside(&session.home, ".kode"),
        Some(session.kode_home.clone()).filter(|folder| !folder.is_empty()),
        Some("/etc/kode".to_owned()),
    ];
    targets.into_iter().flatten().filter_map(|target| aim_at_path(path, &target)).max()
}

/// Compares part by part; what lies below the target counts as well.
fn aim_at_path(pattern: &str, target: &str) -> Option<Aim> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let names: Vec<&str> = target.split('/').collect();
    if parts.len() < names.len() {
        return None;
    }
    let mut plainest: Option<Aim> = None;
    for (part, name) in parts.iter().zip(&names) {
        if is_pattern(part) {
            plainest = plainest.max(Some(aim(part, name)?));
        } else if part != name {
            return None;
        }
    }
    plainest
}

/// How plainly `pattern` means `name`; `None` when it doesn't match. A leading
/// dot is only matched by a dot, as in the shell.
fn aim(pattern: &str, name: &str) -> Option<Aim> {
    let hidden = name.starts_with('.');
    if hidden != pattern.starts_with('.') && (hidden || !pattern.starts_with(['*', '?', '['])) {
        return None;
    }
    if !glob_matches(pattern, name) {
        return None;
    }
    let usual = USUAL_ENDINGS.iter().find(|ending| pattern.ends_with(**ending));
    let said = usual.map_or(pattern, |ending| &pattern[..pattern.len() - ending.len()]);
    let letters = given_letters(said);
    Some(match letters {
        0 if hidden => Aim::Likely,
        0 => Aim::Anything,
        letters if letters < MEANT_LETTERS => Aim::Likely,
        _ => Aim::Meant,
    })
}

/// Letters and digits a pattern gives; a set of a few characters is one.
fn given_letters(pattern: &str) -> usize {
    let mut letters = 0;
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let set = rest.strip_prefix('[').and_then(|inner| inner.split_once(']'));
        if let Some((set, after)) = set {
            letters += usize::from(!set.starts_with(['!', '^']) && !set.contains('-'));
            rest = after;
            continue;
        }
        letters += usize::from(first.is_alphanumeric());
        rest = &rest[first.len_utf8()..];
    }
    letters
}

#[cfg(test)]
mod tests;
