//! Undeclared loss: most of the lines, or definitions that nobody said would go.

use std::collections::BTreeMap;
use std::ops::Range;

use kode_base::escape::escape_line;
use kode_syntax::{SourceTree, definition_names, definition_names_in};

use crate::guard::{Change, Declared, Trees};
use crate::refusal::{EditRefusal, refuse};

/// Files with fewer non-blank lines may lose any share of them: there is little to lose.
const SMALL_FILE_LINES: usize = 8;

/// How many lost names a refusal lists.
const SHOWN_NAMES: usize = 6;

pub(crate) fn check(
    change: &Change<'_>,
    trees: Option<&Trees>,
    declared: &Declared<'_>,
) -> Result<(), EditRefusal> {
    if !declared.named_place {
        check_lines(change)?;
    }
    let Some((lost, gained)) = definitions_lost_and_gained(change, trees) else { return Ok(()) };
    match declared.quoted {
        Some(quoted) => check_swallowed(change, &lost, quoted),
        None => check_net_loss(change, &lost, gained),
    }
}

/// The names that are defined less often, and how many are more often.
fn definitions_lost_and_gained(
    change: &Change<'_>,
    trees: Option<&Trees>,
) -> Option<(Vec<String>, usize)> {
    let trees = trees?;
    let Trees { before: Some(tree_before), after: tree_after, differing, .. } = trees else {
        return None;
    };
    let (before, after) = trees.texts(change.before?, change.after);
    // Elsewhere the same definitions stand on both sides.
    let differing = differing.as_ref();
    let was = definitions(tree_before, &before, differing.map(|at| at.before.as_slice()));
    let is = definitions(tree_after, &after, differing.map(|at| at.after.as_slice()));
    Some((difference(&was, &is), difference(&is, &was).len()))
}

/// The definitions that are gone with none in their place, as a list to show.
pub(crate) fn lost_definitions(change: &Change<'_>, trees: Option<&Trees>) -> Option<String> {
    let (lost, gained) = definitions_lost_and_gained(change, trees)?;
    (lost.len() > gained).then(|| list(&lost.iter().collect::<Vec<_>>()))
}

/// How many non-blank lines there were and are, when most are gone.
pub(crate) fn lost_lines(change: &Change<'_>) -> Option<(usize, usize)> {
    let (was, is) = (filled_lines(change.before?), filled_lines(change.after));
    (was >= SMALL_FILE_LINES && is * 2 < was).then_some((was, is))
}

fn check_lines(change: &Change<'_>) -> Result<(), EditRefusal> {
    if let Some((was, is)) = lost_lines(change) {
        return refuse!(
            "{} would shrink from {was} to {is} non-blank lines; if that is meant, write the whole \
             file with write_file and `allow_shrink`: true",
            change.path
        );
    }
    Ok(())
}

fn filled_lines(bytes: &[u8]) -> usize {
    bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}

/// How often each name is defined, at the given places or anywhere.
fn definitions(
    tree: &SourceTree,
    source: &[u8],
    places: Option<&[Range<usize>]>,
) -> BTreeMap<String, usize> {
    let names = match places {
        Some(places) => definition_names_in(tree, source, places),
        None => definition_names(tree, source),
    };
    let mut counted = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_insert(0) += 1;
    }
    counted
}

/// The names defined more often in `left` than in `right`, once for each.
fn difference(left: &BTreeMap<String, usize>, right: &BTreeMap<String, usize>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, &count) in left {
        let more = count.saturating_sub(right.get(name).copied().unwrap_or(0));
        names.extend(std::iter::repeat_n(name.clone(), more));
    }
    names
}

/// A definition may go only when the replaced text named it.
fn check_swallowed(change: &Change<'_>, lost: &[String], quoted: &str) -> Result<(), EditRefusal> {
    let swallowed: Vec<&String> =
        lost.iter().filter(|name| !quoted.contains(name.as_str())).collect();
    if swallowed.is_empty() {
        return Ok(());
    }
    refuse!(
        "the change would swallow definitions of {} that `old` does not quote: {}; is a comment, \
         string or block left open?",
        change.path,
        list(&swallowed)
    )
}

fn check_net_loss(change: &Change<'_>, lost: &[String], gained: usize) -> Result<(), EditRefusal> {
    if lost.len() <= gained {
        return Ok(());
    }
    let names: Vec<&String> = lost.iter().collect();
    refuse!(
        "{} would lose definitions: {}; write the file in full, or set `allow_shrink`: true if \
         they are meant to go",
        change.path,
        list(&names)
    )
}

fn list(names: &[&String]) -> String {
    let mut shown: Vec<String> =
        names.iter().take(SHOWN_NAMES).map(|name| escape_line(name)).collect();
    if names.len() > SHOWN_NAMES {
        shown.push(format!("and {} more", names.len() - SHOWN_NAMES));
    }
    shown.join(", ")
}
