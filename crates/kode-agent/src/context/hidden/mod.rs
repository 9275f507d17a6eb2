//! Content that a person would not see, or that pretends to be something else:
//! found, named, and made visible before the model reads it. A signal, not a
//! fence: what is found changes no permission, and plain visible prose about
//! attacks is not found at all.

mod characters;
mod encoded;
mod look_alike;
mod markup;
mod overwritten;
mod sequences;
mod shown_code;
mod structure;
mod suspicious;
mod triggers;

use std::borrow::Cow;
use std::fmt;

use kode_base::escape::escape_line;

use look_alike::Letters;
use structure::Structure;
use suspicious::{Zone, is_suspicious};

/// Findings of one kind that are kept; more of the same says nothing new.
const FINDINGS_PER_KIND_MAX: usize = 4;
/// Characters of an excerpt.
const EXCERPT_CHARACTERS_MAX: usize = 100;
/// A line longer than this, with something to say at its far end, is reported.
const LINE_BYTES_MAX: usize = 4096;

/// What kind of hidden or pretending content it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HiddenKind {
    /// A terminal sequence that does more than decorate.
    TerminalSequence,
    /// Text that a terminal would overwrite or erase.
    Overwritten,
    /// Unicode tag characters that are no flag.
    TagCharacters,
    /// Zero-width and other invisible characters where no script needs them.
    ZeroWidth,
    /// Variation selectors that select nothing.
    VariationSelectors,
    /// Text direction that does not end where it should, or that hides order.
    Bidi,
    /// A word of letters that only look alike.
    MixedScript,
    /// An instruction in markup that is not shown.
    HiddenMarkup,
    /// A forged header, role, template token or approval.
    ForgedStructure,
    /// A tool's description that instructs rather than describes.
    ToolInstructions,
    /// An instruction inside encoded text.
    Encoded,
    /// An instruction written so that a search for its words fails.
    Disguised,
    /// An instruction at the far end of a very long line.
    LongLine,
}

impl HiddenKind {
    /// In words, for people and the model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TerminalSequence => "terminal sequences",
            Self::Overwritten => "text that a terminal would not show",
            Self::TagCharacters => "invisible tag characters",
            Self::ZeroWidth => "invisible characters",
            Self::VariationSelectors => "invisible variation selectors",
            Self::Bidi => "hidden changes of text direction",
            Self::MixedScript => "look-alike letters",
            Self::HiddenMarkup => "an instruction in invisible markup",
            Self::ForgedStructure => "a forged header, role or approval",
            Self::ToolInstructions => "a tool description that gives orders",
            Self::Encoded => "an encoded instruction",
            Self::Disguised => "a disguised instruction",
            Self::LongLine => "an instruction far out on a long line",
        }
    }
}

impl fmt::Display for HiddenKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// What it is.
    pub kind: HiddenKind,
    /// The line, from 1.
    pub line: usize,
    /// What stands there, escaped and short.
    pub excerpt: String,
}

/// Everything hidden in a text; empty for ordinary text.
pub fn inspect(text: &str) -> Vec<Hidden> {
    look(text).found
}

/// Everything hidden in a tool's description, where orders count as well:
/// a description says what the tool does and nothing else.
pub fn inspect_tool_description(text: &str) -> Vec<Hidden> {
    let Look { revealed, found: list, .. } = look(text);
    let mut found = Found { text, list };
    let plain = look_alike::plain(&revealed);
    if is_suspicious(&revealed, Zone::Tool) || is_suspicious(&plain, Zone::Tool) {
        found.add(HiddenKind::ToolInstructions, 0, text);
    }
    found.list
}

/// What a look at a text gives.
pub(super) struct Look<'t> {
    /// With what was invisible made visible; ordinary text is borrowed, byte for
    /// byte.
    pub(super) revealed: Cow<'t, str>,
    /// What was found.
    pub(super) found: Vec<Hidden>,
    /// Whether the text as it came may hold a template's token, and a header.
    pub(super) structure: Structure,
}

/// Looks for all that is hidden in `text`.
pub(super) fn look(text: &str) -> Look<'_> {
    let mut found = Found { text, list: Vec::new() };
    let seen = characters::reveal(text, &mut found);
    if seen.letters != Letters::default() {
        look_alike::inspect(text, seen.letters, &mut found);
    }
    if seen.edits_screen {
        overwritten::inspect(text, &mut found);
    }
    let structure = triggers::inspect(text, &mut found);
    encoded::inspect(text, &mut found);
    long_lines(text, &mut found);
    found.list.sort_by_key(|hidden| hidden.line);
    Look { revealed: seen.text, found: found.list, structure }
}

/// What stands past the edge of every screen and speaks to an agent.
fn long_lines(text: &str, found: &mut Found<'_>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let padded = padding(line);
        let from = padded.or((line.len() > LINE_BYTES_MAX).then_some(LINE_BYTES_MAX));
        if let Some(from) = from {
            let from = line.ceil_char_boundary(from);
            let mut rest = &line[from..];
            // The regular expressions look at a bounded piece at a time.
            for _ in 0..64 {
                let piece = &rest[..rest.floor_char_boundary(8 * 1024)];
                let words = piece.bytes().filter(|byte| *byte == b' ').count();
                if words > 2 && is_suspicious(piece, Zone::Hidden) {
                    found.add(HiddenKind::LongLine, at + from, piece.trim());
                    break;
                }
                rest = &rest[piece.len()..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        at += line.len();
    }
}

/// Where text goes on after a run of spaces as wide as a screen.
fn padding(line: &str) -> Option<usize> {
    const SPACES: usize = 60;
    if line.len() <= SPACES {
        return None;
    }
    let start = run_of_spaces(line.as_bytes(), SPACES)?;
    let rest = line[start..].trim_start();
    (!rest.is_empty() && start > 0).then(|| line.len() - rest.len())
}

/// Where the first so many spaces in a row begin; looks at one byte of many.
fn run_of_spaces(line: &[u8], length: usize) -> Option<usize> {
    let mut start = 0;
    loop {
        let window = line.get(start..start + length)?;
        match window.iter().rposition(|byte| *byte != b' ') {
            Some(gap) => start += gap + 1,
            None => return Some(start),
        }
    }
}

/// Collects findings, a bounded number of each kind.
struct Found<'t> {
    text: &'t str,
    list: Vec<Hidden>,
}

impl Found<'_> {
    /// Notes `what` at byte `at` of the text.
    fn add(&mut self, kind: HiddenKind, at: usize, what: &str) {
        if self.list.iter().filter(|hidden| hidden.kind == kind).count() >= FINDINGS_PER_KIND_MAX {
            return;
        }
        let line = 1 + memchr::memchr_iter(b'\n', &self.text.as_bytes()[..at]).count();
        let short: String = what.trim().chars().take(EXCERPT_CHARACTERS_MAX).collect();
        self.list.push(Hidden { kind, line, excerpt: escape_line(&short) });
    }
}

/// The findings in one line, for people and the model; `None` for none.
pub fn summary(found: &[Hidden]) -> Option<String> {
    let mut kinds: Vec<HiddenKind> = Vec::new();
    for hidden in found {
        if !kinds.contains(&hidden.kind) {
            kinds.push(hidden.kind);
        }
    }
    let parts: Vec<String> = kinds
        .iter()
        .map(|kind| {
            let line = found.iter().find(|hidden| hidden.kind == *kind).map_or(1, |each| each.line);
            format!("{kind} (line {line})")
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;
