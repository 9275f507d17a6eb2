//! The nearest candidate on a miss: shown with its whitespace made visible and
//! its odd characters named, never applied.

use std::fmt::Write as _;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

/// Files with more lines are not searched for a candidate.
const MAX_LINES: usize = 50_000;
/// How many lines of a candidate are shown.
const SHOWN_LINES: usize = 12;
/// How many differences are named.
const SHOWN_DIFFERENCES: usize = 4;
/// Lines are compared by their first characters only.
const COMPARED_CHARS: usize = 200;
/// Below this similarity (0 to 1, Sørensen–Dice over character pairs) nothing is shown.
const LEAST_SIMILARITY: f64 = 0.5;

/// The sentence for "`old` is not in the file".
pub(crate) fn describe_miss(path: &ProjectPath, text: &[u8], old: &str) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.split('\n').collect();
    let wanted: Vec<&str> = old.trim_end_matches('\n').split('\n').collect();
    let Some(start) = nearest_start(&lines, &wanted) else {
        return format!("`old` is not in {path}, nor anything like it: read the file again");
    };
    let end = (start + wanted.len()).min(lines.len());
    let mut message = format!(
        "`old` is not in {path}. The nearest text is lines {}-{end} (→ tab, · space at the ends, \
         ␍ carriage return); nothing was changed:\n",
        start + 1
    );
    for line in lines[start..end].iter().take(SHOWN_LINES) {
        // Writing to a String can't fail.
        let _ = writeln!(message, "| {}", visible(line));
    }
    if end - start > SHOWN_LINES {
        let _ = writeln!(message, "| … {} more lines", end - start - SHOWN_LINES);
    }
    let differences = name_differences(&lines[start..end], &wanted, start);
    if !differences.is_empty() {
        let _ = write!(message, "Differences: {}", differences.join("; "));
    }
    message
}

/// Where the candidate begins (0-based line).
fn nearest_start(lines: &[&str], wanted: &[&str]) -> Option<usize> {
    if lines.len() > MAX_LINES {
        return None;
    }
    let plain: Vec<String> = lines.iter().map(|line| plain_form(line)).collect();
    let wanted: Vec<String> = wanted.iter().map(|line| plain_form(line)).collect();
    let whole = plain.windows(wanted.len()).position(|window| window == wanted);
    whole.or_else(|| by_fragment(&plain, &wanted)).or_else(|| by_anchor(&plain, &wanted))
}

/// The line that holds the one wanted line.
fn by_fragment(plain: &[String], wanted: &[String]) -> Option<usize> {
    match wanted {
        [fragment] if !fragment.is_empty() => {
            plain.iter().position(|line| line.contains(fragment.as_str()))
        }
        _ => None,
    }
}

/// Aligns on the wanted line that says most, and picks the place whose lines agree best.
fn by_anchor(plain: &[String], wanted: &[String]) -> Option<usize> {
    let (offset, anchor) = wanted.iter().enumerate().max_by_key(|(_, line)| line.len())?;
    if anchor.is_empty() {
        return None;
    }
    let mut best: Option<(f64, usize)> = None;
    for (at, line) in plain.iter().enumerate() {
        let similarity = strsim::sorensen_dice(line, anchor);
        if similarity < LEAST_SIMILARITY || at < offset {
            continue;
        }
        let start = at - offset;
        let agreeing = wanted.iter().zip(&plain[start..]).filter(|(a, b)| a == b).count();
        let score = similarity + agreeing as f64;
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, start));
        }
    }
    best.map(|(_, start)| start)
}

/// A line without what people can't see: runs of whitespace as one space, typographic
/// quotes, dashes and spaces as their ASCII forms.
fn plain_form(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(COMPARED_CHARS * 4));
    for character in line.trim().chars().take(COMPARED_CHARS) {
        match look_alike(character) {
            _ if is_invisible(character) => {}
            Some(' ') | None if plain.ends_with(' ') && is_space(character) => {}
            Some(ascii) => plain.push(ascii),
            None if character.is_whitespace() => plain.push(' '),
            None => plain.push(character),
        }
    }
    plain
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || look_alike(character) == Some(' ')
}

/// The ASCII character that `character` is easily taken for.
const fn look_alike(character: char) -> Option<char> {
    Some(match character {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{c0}'..='\u{c5}' => 'A',
        '\u{c8}'..='\u{cb}' => 'E',
        '\u{cc}'..='\u{cf}' => 'I',
        '\u{d2}'..='\u{d6}' => 'O',
        '\u{d9}'..='\u{dc}' => 'U',
        '\u{e0}'..='\u{e5}' => 'a',
        '\u{e8}'..='\u{eb}' => 'e',
        '\u{ec}'..='\u{ef}' => 'i',
        '\u{f2}'..='\u{f6}' => 'o',
        '\u{f9}'..='\u{fc}' => 'u',
        '\u{c7}' => 'C',
        '\u{d1}' => 'N',
        '\u{e7}' => 'c',
        '\u{f1}' => 'n',
        // The full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => ((character as u32 - 0xff01) as u8 + b'!') as char,
        _ => return None,
    })
}

/// Whether a character takes no room of its own: marks that combine with the
/// letter before, joiners, soft hyphens, the byte order mark.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// A line with tabs, leading and trailing spaces and carriage returns made visible.
fn visible(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let content_end = line.trim_end_matches([' ', '\r']).len().max(indent);
    let mut shown = String::new();
    for (at, character) in line.char_indices() {
        match character {
            '\t' => shown.push('→'),
            '\r' => shown.push('␍'),
            ' ' if at < indent || at >= content_end => shown.push('·'),
            other => shown.push_str(&escape_line(other.encode_utf8(&mut [0; 4]))),
        }
    }
    shown
}

fn name_differences(found: &[&str], wanted: &[&str], start: usize) -> Vec<String> {
    let mut named = Vec::new();
    for (index, (has, want)) in found.iter().zip(wanted).enumerate() {
        if has == want {
            continue;
        }
        // A part of the line differs from what it was taken for in odd characters.
        if wanted.len() == 1 && plain_form(has) != plain_form(want) {
            named.extend(odd_characters(has, start + index + 1));
            if !named.is_empty() {
                break;
            }
        }
        let column = has.chars().zip(want.chars()).take_while(|(a, b)| a == b).count();
        named.push(format!(
            "line {} column {}: the file has {}, `old` has {}",
            start + index + 1,
            column + 1,
            code_point(has.chars().nth(column)),
            code_point(want.chars().nth(column))
        ));
        if named.len() == SHOWN_DIFFERENCES {
            break;
        }
    }
    named
}

/// The characters of a line that are easily taken for others or not seen.
fn odd_characters(line: &str, number: usize) -> Vec<String> {
    line.chars()
        .enumerate()
        .filter(|(_, character)| is_invisible(*character) || look_alike(*character).is_some())
        .take(SHOWN_DIFFERENCES)
        .map(|(column, character)| {
            format!(
                "line {number} column {}: the file has {}",
                column + 1,
                code_point(Some(character))
            )
        })
        .collect()
}

fn code_point(character: Option<char>) -> String {
    match character {
        None => "the end of the line".to_owned(),
        Some(character) => format!(
            "U+{:04X} '{}'",
            character as u32,
            escape_line(character.encode_utf8(&mut [0; 4]))
        ),
    }
}
