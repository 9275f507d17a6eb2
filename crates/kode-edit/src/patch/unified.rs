//! Reads unified diffs, git's headers included.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

use super::hunk::{Hunk, Tag};
use super::{FilePatch, named_path};
use crate::diff::unquoted_name;
use crate::refusal::{EditRefusal, refuse};

pub(super) fn read(patch: &str) -> Result<Vec<FilePatch>, EditRefusal> {
    let lines: Vec<&str> = patch.lines().collect();
    let mut files = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            return refuse!("binary patches are not applied");
        }
        if line.starts_with("--- ") && lines.get(at + 1).is_some_and(|l| l.starts_with("+++ ")) {
            let (old, new) = (header_path(line)?, header_path(lines[at + 1])?);
            at += 2;
            let hunks = read_hunks(&lines, &mut at)?;
            files.push(file_patch(old, new, hunks)?);
        } else if line.starts_with("@@ ") {
            return refuse!("the patch has a hunk before any `---` and `+++` header");
        } else {
            at += 1;
        }
    }
    if files.is_empty() {
        return refuse!(
            "this is neither a V4A patch (`*** Begin Patch`) nor a unified diff (`---`, `+++`)"
        );
    }
    Ok(files)
}

/// The path of a `---` or `+++` line; `None` for `/dev/null`.
fn header_path(line: &str) -> Result<Option<ProjectPath>, EditRefusal> {
    let text = line[4..].split('\t').next().unwrap_or_default().trim();
    if text == "/dev/null" {
        return Ok(None);
    }
    let unquoted = text.starts_with('"').then(|| unquoted_name(text)).flatten();
    let text = unquoted.as_deref().unwrap_or(text);
    let plain = text.strip_prefix("a/").or_else(|| text.strip_prefix("b/")).unwrap_or(text);
    named_path(plain).map(Some)
}

fn file_patch(
    old: Option<ProjectPath>,
    new: Option<ProjectPath>,
    hunks: Vec<Hunk>,
) -> Result<FilePatch, EditRefusal> {
    match (old, new) {
        (None, Some(path)) => {
            let mut content: String = hunks.iter().map(Hunk::added_text).collect();
            if hunks.iter().any(|hunk| hunk.final_newline == Some(false)) {
                content.pop();
            }
            Ok(FilePatch::Add { path, content })
        }
        (Some(path), None) => Ok(FilePatch::Delete { path }),
        (Some(old), Some(new)) => {
            let move_to = (old != new).then_some(new);
            Ok(FilePatch::Update { path: old, move_to, hunks })
        }
        (None, None) => refuse!("the patch turns nothing into nothing"),
    }
}

fn read_hunks(lines: &[&str], at: &mut usize) -> Result<Vec<Hunk>, EditRefusal> {
    let mut hunks = Vec::new();
    while let Some(header) = lines.get(*at).filter(|line| line.starts_with("@@")) {
        let (line, old_count, new_count) = read_ranges(header)?;
        *at += 1;
        let mut hunk = Hunk { line: Some(line), ..Hunk::default() };
        read_body(lines, at, &mut hunk, old_count, new_count)?;
        hunks.push(hunk);
    }
    Ok(hunks)
}

fn read_body(
    lines: &[&str],
    at: &mut usize,
    hunk: &mut Hunk,
    mut old_left: usize,
    mut new_left: usize,
) -> Result<(), EditRefusal> {
    while let Some(line) = lines.get(*at) {
        if line.starts_with('\\') {
            let removed = hunk.lines.last().is_some_and(|(tag, _)| *tag == Tag::Remove);
            hunk.final_newline = Some(removed);
            *at += 1;
            continue;
        }
        if old_left == 0 && new_left == 0 {
            break;
        }
        let (tag, text) = match line.as_bytes().first() {
            None => (Tag::Keep, ""),
            Some(b' ') => (Tag::Keep, &line[1..]),
            Some(b'-') => (Tag::Remove, &line[1..]),
            Some(b'+') => (Tag::Add, &line[1..]),
            Some(_) => break,
        };
        if tag != Tag::Add {
            old_left = old_left.saturating_sub(1);
        }
        if tag != Tag::Remove {
            new_left = new_left.saturating_sub(1);
        }
        hunk.lines.push((tag, text.to_owned()));
        *at += 1;
    }
    if old_left > 0 || new_left > 0 {
        return refuse!(
            "a hunk of the patch is shorter than its `@@` line says: it may be cut off, or the \
             counts are wrong"
        );
    }
    Ok(())
}

/// Start line and counts of `@@ -a,b +c,d @@`.
fn read_ranges(header: &str) -> Result<(usize, usize, usize), EditRefusal> {
    let parse = || {
        let mut words = header.trim_start_matches('@').split_whitespace();
        let old = words.next()?.strip_prefix('-')?;
        let new = words.next()?.strip_prefix('+')?;
        let (line, old_count) = range(old)?;
        Some((line, old_count, range(new)?.1))
    };
    parse().ok_or_else(|| {
        EditRefusal::new(format!("`{}` is no `@@ -a,b +c,d @@` line", escape_line(header)))
    })
}

fn range(text: &str) -> Option<(usize, usize)> {
    match text.split_once(',') {
        Some((line, count)) => Some((line.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}
