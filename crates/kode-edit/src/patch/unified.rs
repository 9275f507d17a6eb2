//! Reads unified diffs, git's headers included. Wrong line numbers and counts
//! are forgiven where nothing can be lost by it; binary patches and links are not
//! applied.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

use super::hunk::{Hunk, Tag};
use super::{FilePatch, named_path};
use crate::diff::unquoted_name;
use crate::refusal::{EditRefusal, refuse};

pub(super) fn read(patch: &str) -> Result<Vec<FilePatch>, EditRefusal> {
    let lines: Vec<&str> = patch.lines().collect();
    let mut files = Vec::new();
    let mut header = GitHeader::default();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            return refuse!("binary patches are not applied");
        }
        if is_file_header(&lines, at) {
            let (old, new) = header_paths(line, lines[at + 1])?;
            at += 2;
            let hunks = read_hunks(&lines, &mut at)?;
            let header = std::mem::take(&mut header);
            files.push(file_patch(old, new, hunks, &header)?);
        } else if line.starts_with("@@") {
            return refuse!("the patch has a hunk before any `---` and `+++` header");
        } else {
            if line.starts_with("diff --git ") {
                files.extend(std::mem::take(&mut header).without_hunks()?);
            }
            header.read(line)?;
            at += 1;
        }
    }
    files.extend(header.without_hunks()?);
    if files.is_empty() {
        return refuse!(
            "this is neither a V4A patch (`*** Begin Patch`) nor a unified diff (`---`, `+++`)"
        );
    }
    Ok(files)
}

/// What git says of a file above its hunks.
#[derive(Default)]
struct GitHeader {
    paths: Option<String>,
    is_new: bool,
    is_deleted: bool,
    is_executable: bool,
    copied: bool,
    moved: (Option<ProjectPath>, Option<ProjectPath>),
}

impl GitHeader {
    fn read(&mut self, line: &str) -> Result<(), EditRefusal> {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            self.paths = Some(paths.to_owned());
        }
        if self.paths.is_none() {
            return Ok(());
        }
        for mode in ["new file mode ", "deleted file mode ", "new mode ", "old mode "] {
            if line.strip_prefix(mode).is_some_and(|mode| !mode.starts_with("100")) {
                return refuse!("patches to links and submodules are not applied");
            }
        }
        self.is_new |= line.starts_with("new file mode ");
        self.is_deleted |= line.starts_with("deleted file mode ");
        self.is_executable |= line.starts_with("new file mode 1007");
        if line.starts_with("new mode ") {
            return refuse!(
                "the patch sets a file's mode, which patches don't do here: leave the mode out \
                 of it and use `chmod` in the shell afterwards"
            );
        }
        for (mark, copied) in [("rename", false), ("copy", true)] {
            let Some(rest) = line.strip_prefix(mark) else { continue };
            if let Some(path) = rest.strip_prefix(" from ") {
                self.moved.0 = Some(plain_path(path)?);
            } else if let Some(path) = rest.strip_prefix(" to ") {
                self.moved.1 = Some(plain_path(path)?);
                self.copied = copied;
            }
        }
        Ok(())
    }

    /// What the header alone does, where no hunks followed it.
    fn without_hunks(self) -> Result<Option<FilePatch>, EditRefusal> {
        let Some(paths) = &self.paths else { return Ok(None) };
        if let (Some(from), Some(to)) = &self.moved {
            let moved = (Some(from.clone()), Some(to.clone()));
            return file_patch(moved.0, moved.1, Vec::new(), &self).map(Some);
        }
        if self.is_new || self.is_deleted {
            let path = same_path(paths)?;
            return Ok(Some(match self.is_new {
                true => {
                    let executable = self.is_executable;
                    FilePatch::Add { path, content: String::new(), executable }
                }
                false => FilePatch::Delete { path, hunks: Some(Vec::new()) },
            }));
        }
        Ok(None)
    }
}

/// The path of `a/PATH b/PATH`.
fn same_path(paths: &str) -> Result<ProjectPath, EditRefusal> {
    let half = paths.len() / 2;
    let (Some(old), Some(new)) = (paths.get(..half), paths.get(half + 1..)) else {
        return refuse!("`{}` names no file", escape_line(paths));
    };
    let (old, new) = (plain_name(old)?, plain_name(new)?);
    match (old.strip_prefix("a/"), new.strip_prefix("b/")) {
        (Some(old), Some(new)) if old == new => named_path(old),
        _ => refuse!("`{}` names no file", escape_line(paths)),
    }
}

fn is_file_header(lines: &[&str], at: usize) -> bool {
    lines[at].starts_with("--- ") && lines.get(at + 1).is_some_and(|l| l.starts_with("+++ "))
}

/// The paths of a `---` and a `+++` line; `None` for `/dev/null`. Git's `a/` and
/// `b/` are taken off where they are git's.
fn header_paths(
    old: &str,
    new: &str,
) -> Result<(Option<ProjectPath>, Option<ProjectPath>), EditRefusal> {
    let (old, new) = (header_name(old)?, header_name(new)?);
    let is_gits = old == "/dev/null" || new == "/dev/null" || old != new;
    let path = |name: &str, mark: &str| -> Result<Option<ProjectPath>, EditRefusal> {
        if name == "/dev/null" {
            return Ok(None);
        }
        let plain = if is_gits { name.strip_prefix(mark) } else { None };
        named_path(plain.unwrap_or(name)).map(Some)
    };
    Ok((path(&old, "a/")?, path(&new, "b/")?))
}

fn header_name(line: &str) -> Result<String, EditRefusal> {
    plain_name(line[4..].split('\t').next().unwrap_or_default().trim())
}

fn plain_name(text: &str) -> Result<String, EditRefusal> {
    if !text.starts_with('"') {
        return Ok(text.to_owned());
    }
    let unquoted = unquoted_name(text);
    unquoted.ok_or_else(|| {
        EditRefusal::new(format!("the patch names a bad path: {}", escape_line(text)))
    })
}

fn plain_path(text: &str) -> Result<ProjectPath, EditRefusal> {
    named_path(&plain_name(text)?)
}

fn file_patch(
    old: Option<ProjectPath>,
    new: Option<ProjectPath>,
    hunks: Vec<Hunk>,
    header: &GitHeader,
) -> Result<FilePatch, EditRefusal> {
    match (old, new) {
        (None, Some(path)) => {
            let ends = |hunk: &Hunk| hunk.ends.1;
            let ends_before = hunks.iter().position(ends).is_some_and(|at| at + 1 < hunks.len());
            if ends_before || hunks.iter().any(|hunk| hunk.goes_on_behind_end) {
                return refuse!(
                    "the patch says `\\ No newline at end of file` of a line of {path} that is \
                     not the last"
                );
            }
            let mut content: String = hunks.iter().map(Hunk::added_text).collect();
            if hunks.iter().any(|hunk| hunk.final_newline == Some(false)) {
                content.pop();
            }
            Ok(FilePatch::Add { path, content, executable: header.is_executable })
        }
        (Some(path), None) => Ok(FilePatch::Delete { path, hunks: Some(hunks) }),
        (Some(from), Some(to)) if header.copied => Ok(FilePatch::Copy { from, to, hunks }),
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
        let ranges = read_ranges(header)?;
        *at += 1;
        let mut hunk = Hunk { line: ranges.map(|ranges| ranges.line), ..Hunk::default() };
        read_body(lines, at, &mut hunk, ranges)?;
        hunks.push(hunk);
    }
    Ok(hunks)
}

/// What `@@ -line,old +_,new @@` says.
#[derive(Clone, Copy)]
struct Ranges {
    line: usize,
    old: usize,
    new: usize,
}

fn read_body(
    lines: &[&str],
    at: &mut usize,
    hunk: &mut Hunk,
    ranges: Option<Ranges>,
) -> Result<(), EditRefusal> {
    let (mut old, mut new) = (0, 0);
    let (wanted_old, wanted_new) = ranges.map_or((0, 0), |ranges| (ranges.old, ranges.new));
    while let Some(line) = lines.get(*at) {
        if line.starts_with('\\') {
            hunk.note_no_newline();
            *at += 1;
            continue;
        }
        let complete = old >= wanted_old && new >= wanted_new;
        if complete && ends_hunk(lines, *at, ranges.is_some()) {
            break;
        }
        let Some(tag) = hunk.push(line) else { break };
        old += usize::from(tag != Tag::Add);
        new += usize::from(tag != Tag::Remove);
        *at += 1;
    }
    let (short_old, short_new) = (wanted_old.saturating_sub(old), wanted_new.saturating_sub(new));
    // A patch that goes on was not cut off here, so only its counts are wrong.
    if lines.get(*at).is_none() && short_old + short_new > 0 {
        if short_old != short_new {
            return refuse!("the patch ends inside a hunk: it may be cut off");
        }
        hunk.lost = short_old;
    }
    Ok(())
}

/// Whether the line after a complete hunk is no part of it.
fn ends_hunk(lines: &[&str], at: usize, counted: bool) -> bool {
    let line = lines[at];
    // The signature of a mailed patch, and blank lines after the last hunk.
    line == "-- " || is_file_header(lines, at) || line.is_empty() && counted
}

/// `None` for an `@@` line without ranges, which says nothing.
fn read_ranges(header: &str) -> Result<Option<Ranges>, EditRefusal> {
    let text = header.trim_start_matches('@').trim_start();
    if !text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Ok(None);
    }
    let parse = || {
        let mut words = text.split_whitespace();
        let old = words.next()?.strip_prefix('-')?;
        let new = words.next()?.strip_prefix('+')?;
        let (line, old) = range(old)?;
        Some(Ranges { line, old, new: range(new)?.1 })
    };
    parse().map(Some).ok_or_else(|| {
        EditRefusal::new(format!("`{}` is no `@@ -a,b +c,d @@` line", escape_line(header)))
    })
}

/// The old line an `@@` line of ranges names.
pub(super) fn line_named(header: &str) -> Option<usize> {
    read_ranges(header).ok().flatten().map(|ranges| ranges.line)
}

fn range(text: &str) -> Option<(usize, usize)> {
    match text.split_once(',') {
        Some((line, count)) => Some((line.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}
