//! Reads the V4A envelope (`*** Begin Patch` … `*** End Patch`).

use kode_base::escape::escape_line;

use super::hunk::Hunk;
use super::{FilePatch, named_path, unified};
use crate::refusal::{EditRefusal, refuse};

/// The first line of the envelope.
pub(super) const BEGIN: &str = "*** Begin Patch";

const END: &str = "*** End Patch";

/// Reads every envelope: together they are one patch.
pub(super) fn read(patch: &str) -> Result<Vec<FilePatch>, EditRefusal> {
    let mut lines = patch.lines().peekable();
    let mut files = Vec::new();
    let wrapping = read_wrapping(&mut lines)?;
    loop {
        read_envelope(&mut lines, &mut files)?;
        while let Some(line) = lines.next_if(|line| line.trim_end() != BEGIN) {
            let text = line.trim();
            if !text.is_empty() && !wrapping.iter().any(|end| end == text) {
                return refuse!(
                    "`{}` stands below `{END}`: put everything that belongs to the patch into its \
                     envelope",
                    escape_line(line)
                );
            }
        }
        // The first line of another envelope, or nothing more.
        if lines.next().is_none() {
            return Ok(files);
        }
    }
}

/// Passes over what stands above the first envelope (a fence, a shell's here-document),
/// which is none of it; gives the lines that may end such a thing below.
fn read_wrapping(lines: &mut Lines<'_>) -> Result<Vec<String>, EditRefusal> {
    let mut ends = Vec::new();
    while let Some(line) = lines.next().filter(|line| line.trim_end() != BEGIN) {
        if line.starts_with("diff --git ") || line.starts_with("+++ ") {
            return refuse!("the patch is a unified diff above `{BEGIN}`: send one or the other");
        }
        if line.trim_start().starts_with("```") {
            ends.push("```".to_owned());
        } else if let Some((_, word)) = line.split_once("<<") {
            let word = word.trim_start_matches('-').split_whitespace().next().unwrap_or_default();
            ends.push(word.trim_matches(['\'', '"']).to_owned());
        }
    }
    Ok(ends)
}

/// Reads one envelope, its first line already taken.
fn read_envelope(lines: &mut Lines<'_>, files: &mut Vec<FilePatch>) -> Result<(), EditRefusal> {
    loop {
        let Some(line) = lines.next() else {
            return refuse!("the patch does not end in `{END}`: it may be cut off");
        };
        if line.trim_end() == END {
            return Ok(());
        }
        if let Some(path) = line.strip_prefix("*** Add File: ") {
            files.push(read_added(path, lines)?);
        } else if let Some(path) = line.strip_prefix("*** Delete File: ") {
            files.push(FilePatch::Delete { path: named_path(path)?, hunks: None });
        } else if let Some(path) = line.strip_prefix("*** Update File: ") {
            files.push(read_update(path, lines)?);
        } else if !line.trim().is_empty() {
            return refuse!(
                "`{}` is no line of a patch: expected `*** Add|Update|Delete File: PATH`",
                escape_line(line)
            );
        }
    }
}

type Lines<'a> = std::iter::Peekable<std::str::Lines<'a>>;

fn read_added(path: &str, lines: &mut Lines<'_>) -> Result<FilePatch, EditRefusal> {
    let mut content = String::new();
    while let Some(line) = lines.next_if(|line| !line.starts_with("*** ")) {
        let Some(text) = line.strip_prefix('+') else {
            return refuse!("each line of an added file begins with `+`: `{}`", escape_line(line));
        };
        content.push_str(text);
        content.push('\n');
    }
    Ok(FilePatch::Add { path: named_path(path)?, content, executable: false })
}

fn read_update(path: &str, lines: &mut Lines<'_>) -> Result<FilePatch, EditRefusal> {
    let move_to = match lines.next_if(|line| line.starts_with("*** Move to: ")) {
        Some(line) => Some(named_path(&line["*** Move to: ".len()..])?),
        None => None,
    };
    let mut hunks: Vec<Hunk> = vec![Hunk::default()];
    while let Some(line) =
        lines.next_if(|line| !line.starts_with("*** ") || *line == "*** End of File")
    {
        read_line(line, &mut hunks)?;
    }
    hunks.retain(|hunk| hunk.bare.0 < hunk.lines.len());
    if hunks.is_empty() && move_to.is_none() {
        return refuse!("the patch updates {} without a change", escape_line(path));
    }
    Ok(FilePatch::Update { path: named_path(path)?, move_to, hunks })
}

fn read_line(line: &str, hunks: &mut Vec<Hunk>) -> Result<(), EditRefusal> {
    if hunks.last().is_none_or(|hunk| hunk.at_end) {
        hunks.push(Hunk::default());
    }
    let Some(hunk) = hunks.last_mut() else { return Ok(()) };
    if line == "*** End of File" {
        hunk.at_end = true;
        return Ok(());
    }
    if let Some(anchor) = line.strip_prefix("@@") {
        let anchor = anchor.trim().trim_end_matches("@@").trim();
        // Nothing but blank lines stands between the header and this line.
        if hunk.bare.0 == hunk.lines.len() {
            hunk.lines.clear();
            hunk.bare = (0, 0);
        }
        let target = if hunk.lines.is_empty() {
            hunk
        } else {
            hunks.push(Hunk::default());
            let Some(hunk) = hunks.last_mut() else { return Ok(()) };
            hunk
        };
        match unified::line_named(line) {
            Some(named) => target.line = Some(named),
            None if anchor.is_empty() || anchor == "..." => {}
            None => target.anchors.push(anchor.to_owned()),
        }
        return Ok(());
    }
    if hunk.push(line).is_none() {
        return refuse!(
            "a patch line begins with a space, `+` or `-`, not like `{}`",
            escape_line(line)
        );
    }
    Ok(())
}
