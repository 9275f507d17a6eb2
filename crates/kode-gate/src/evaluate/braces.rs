//! Brace expansion: `{a,b}`, `{1..5}`, nested. It comes before every other
//! expansion and knows nothing of their values.

use crate::shell::syntax::{Piece, Word};

/// More words than this are not enumerated.
const WORDS_MAX: usize = 128;

/// A character of unquoted text, or anything else.
#[derive(Debug, Clone)]
enum Atom {
    Plain(char),
    Other(Piece),
}

/// Expands the braces of `word`; `None` when there would be too many words.
pub(crate) fn expand(word: &Word) -> Option<Vec<Word>> {
    let has_brace = |piece: &Piece| matches!(piece, Piece::Literal { text, quoted: false } if text.contains('{'));
    if !word.pieces.iter().any(has_brace) {
        return Some(vec![word.clone()]);
    }
    let mut atoms = Vec::new();
    for piece in &word.pieces {
        match piece {
            Piece::Literal { text, quoted: false } => atoms.extend(text.chars().map(Atom::Plain)),
            other => atoms.push(Atom::Other(other.clone())),
        }
    }
    let words = expand_atoms(&atoms, 0)?;
    Some(words.into_iter().map(to_word).collect())
}

fn expand_atoms(atoms: &[Atom], depth: usize) -> Option<Vec<Vec<Atom>>> {
    if depth > 16 {
        return None;
    }
    let mut from = 0;
    while let Some(open) = (from..atoms.len()).find(|at| is(&atoms[*at], '{')) {
        let Some((close, commas)) = group(atoms, open) else {
            from = open + 1;
            continue;
        };
        let inside = &atoms[open + 1..close];
        let mut alternatives: Vec<Vec<Atom>> = Vec::new();
        if commas.is_empty() {
            match sequence(inside) {
                Some(items) => alternatives.extend(items?),
                None => {
                    from = open + 1;
                    continue;
                }
            }
        } else {
            let mut start = open + 1;
            for end in commas.into_iter().chain([close]) {
                alternatives.extend(expand_atoms(&atoms[start..end], depth + 1)?);
                start = end + 1;
            }
        }
        let rest = expand_atoms(&atoms[close + 1..], depth + 1)?;
        if alternatives.len().saturating_mul(rest.len()) > WORDS_MAX {
            return None;
        }
        let join = |middle: &Vec<Atom>| {
            rest.iter().map(|end| [&atoms[..open], middle, end].concat()).collect::<Vec<_>>()
        };
        return Some(alternatives.iter().flat_map(join).collect());
    }
    Some(vec![atoms.to_vec()])
}

fn is(atom: &Atom, wanted: char) -> bool {
    matches!(atom, Atom::Plain(found) if *found == wanted)
}

/// The matching `}` of the `{` at `open` and the commas of its own level.
fn group(atoms: &[Atom], open: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    for (at, atom) in atoms.iter().enumerate().skip(open) {
        match atom {
            Atom::Plain('{') => depth += 1,
            Atom::Plain('}') => {
                depth -= 1;
                if depth == 0 {
                    return Some((at, commas));
                }
            }
            Atom::Plain(',') if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    None
}

/// `a..e`, `1..9..2`: outer `None` when it is no sequence, inner when too long.
fn sequence(inside: &[Atom]) -> Option<Option<Vec<Vec<Atom>>>> {
    let mut text = String::new();
    for atom in inside {
        match atom {
            Atom::Plain(character) => text.push(*character),
            Atom::Other(_) => return None,
        }
    }
    let parts: Vec<&str> = text.split("..").collect();
    let (first, last) = match parts.as_slice() {
        [first, last] | [first, last, _] => (*first, *last),
        _ => return None,
    };
    let step = parts.get(2).map_or(Some(1), |step| step.parse::<i64>().ok())?.unsigned_abs().max(1);
    let single = |text: &str| {
        let mut characters = text.chars();
        characters.next().filter(|first| first.is_ascii_alphabetic() && characters.next().is_none())
    };
    let (low, high, letters) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(low), Ok(high)) => (low, high, false),
        _ => (i64::from(single(first)? as u32), i64::from(single(last)? as u32), true),
    };
    let count = low.abs_diff(high) / step + 1;
    if count > WORDS_MAX as u64 {
        return Some(None);
    }
    let signed = i64::try_from(step).unwrap_or(1) * if high < low { -1 } else { 1 };
    let mut items = Vec::new();
    let mut value = low;
    for _ in 0..count {
        let shown = if letters {
            u32::try_from(value).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
        } else {
            value.to_string()
        };
        items.push(shown.chars().map(Atom::Plain).collect());
        value += signed;
    }
    Some(Some(items))
}

fn to_word(atoms: Vec<Atom>) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    for atom in atoms {
        match (atom, pieces.last_mut()) {
            (Atom::Plain(character), Some(Piece::Literal { text, quoted: false })) => {
                text.push(character);
            }
            (Atom::Plain(character), _) => {
                pieces.push(Piece::Literal { text: character.to_string(), quoted: false });
            }
            (Atom::Other(piece), _) => pieces.push(piece),
        }
    }
    Word { pieces }
}
