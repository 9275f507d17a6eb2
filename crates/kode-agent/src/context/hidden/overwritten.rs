//! Text a terminal would show only for a moment: overwritten after a carriage
//! return or backspaces, erased, or scrolled away. Progress bars do that too,
//! so what counts is what the vanished text says.

use super::suspicious::{Zone, is_suspicious};
use super::{Found, HiddenKind};

/// Letters that backspaces may take away without a word: percentages,
/// spinners, overstruck bold.
const LETTERS_TAKEN_BACK_MAX: usize = 3;

/// Looks at each line, then at screens that are cleared.
pub(super) fn inspect(text: &str, found: &mut Found<'_>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\r', '\n']);
        if body.contains('\u{8}') {
            backspaces(body, at, found);
        }
        if body.contains('\r') {
            returns(body, at, found);
        }
        at += line.len();
    }
    if let Some(erases) = text.find("\u{1b}[").filter(|_| moves(text)) {
        let shown: String = without_sequences(text);
        if is_suspicious(&shown, Zone::Hidden) {
            found.add(HiddenKind::Overwritten, erases, shown.trim());
        }
    }
}

fn backspaces(line: &str, at: usize, found: &mut Found<'_>) {
    let mut kept: Vec<char> = Vec::new();
    let mut run: Vec<char> = Vec::new();
    for character in line.chars() {
        if character == '\u{8}' {
            run.extend(kept.pop());
            continue;
        }
        let letters = run.iter().filter(|each| each.is_alphabetic()).count();
        if letters > LETTERS_TAKEN_BACK_MAX {
            let gone: String = run.iter().rev().collect();
            found.add(HiddenKind::Overwritten, at, &gone);
        }
        run.clear();
        kept.push(character);
    }
}

fn returns(line: &str, at: usize, found: &mut Found<'_>) {
    let mut segments: Vec<&str> = line.split('\r').filter(|each| !each.is_empty()).collect();
    segments.pop();
    for segment in segments {
        if is_suspicious(segment, Zone::Hidden) {
            found.add(HiddenKind::Overwritten, at, segment);
        }
    }
}

/// Whether anything goes back over what was written: cursor movement,
/// erasing, clearing, scrolling.
fn moves(text: &str) -> bool {
    text.match_indices("\u{1b}[").any(|(at, _)| {
        let body = &text[at + 2..];
        let last = body.bytes().find(|byte| (0x40..=0x7e).contains(byte));
        last.is_some_and(|last| {
            matches!(
                last,
                b'A'..=b'H'
                    | b'J'
                    | b'K'
                    | b'f'
                    | b's'
                    | b'u'
                    | b'S'
                    | b'T'
                    | b'r'
                    | b'L'
                    | b'M'
                    | b'P'
                    | b'X'
                    | b'd'
            )
        })
    })
}

fn without_sequences(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(64 * 1024));
    let mut rest = &text[..text.floor_char_boundary(64 * 1024)];
    while let Some(start) = rest.find("\u{1b}[") {
        shown.push_str(&rest[..start]);
        let body = &rest[start + 2..];
        let end = body.bytes().position(|byte| (0x40..=0x7e).contains(&byte));
        rest = end.map_or("", |end| &body[end + 1..]);
    }
    shown.push_str(rest);
    shown
}
