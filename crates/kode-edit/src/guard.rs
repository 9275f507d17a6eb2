//! What every edit must pass, whatever tool made it: no new syntax errors, no
//! placeholder in place of code, no undeclared loss.

use std::borrow::Cow;
use std::ops::Range;

use kode_base::ProjectPath;
use kode_syntax::{
    ErrorSummary, Language, SourceTree, error_summary, faults, reparse, single_replacement,
};

use crate::loss;
use crate::placeholder;
use crate::recent_trees;
use crate::refusal::{EditRefusal, refuse};
use crate::replaced::Replaced;
use crate::stretch::{self, Stretch};

/// A change to one file that is not made yet.
pub(crate) struct Change<'a> {
    pub(crate) path: &'a ProjectPath,
    /// `None` for a file that is not there yet.
    pub(crate) before: Option<&'a [u8]>,
    pub(crate) after: &'a [u8],
    /// The text the request wrote.
    pub(crate) written: &'a str,
}

/// What the request said it would lose.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    /// Losing most of the file is meant.
    pub(crate) shrink: bool,
    /// The old text it quoted; a definition quoted there may go.
    pub(crate) quoted: Option<&'a str>,
    /// It named the symbol or pattern to replace, whose size may change freely.
    pub(crate) named_place: bool,
}

/// Refuses a change that breaks the file or loses more than was declared.
pub(crate) fn check(change: &Change<'_>, declared: &Declared<'_>) -> Result<(), EditRefusal> {
    placeholder::check(change)?;
    let trees = Trees::of(change)?;
    check_trees(change, declared, trees.as_ref())?;
    if let Some(Trees { after, stretch: None, .. }) = trees {
        recent_trees::keep(change.after, &after);
    }
    Ok(())
}

/// [`check`], for a caller that has the trees already.
pub(crate) fn check_parsed(
    change: &Change<'_>,
    declared: &Declared<'_>,
    trees: Option<Trees>,
) -> Result<(), EditRefusal> {
    placeholder::check(change)?;
    let trees = match trees {
        Some(trees) => Some(trees),
        None => Trees::of(change)?,
    };
    check_trees(change, declared, trees.as_ref())
}

fn check_trees(
    change: &Change<'_>,
    declared: &Declared<'_>,
    trees: Option<&Trees>,
) -> Result<(), EditRefusal> {
    check_syntax(change, trees)?;
    if declared.shrink {
        return Ok(());
    }
    loss::check(change, trees, declared)
}

/// The trees before and after, where the file has a grammar.
pub(crate) struct Trees {
    pub(crate) before: Option<SourceTree>,
    pub(crate) after: SourceTree,
    /// Where they may differ, before and after; `None` when that is not known.
    pub(crate) differing: Option<Differing>,
    /// The part of the file they are of; `None` for all of it.
    pub(crate) stretch: Option<Stretch>,
}

/// Corresponding places of two versions, in bytes, ascending.
pub(crate) struct Differing {
    pub(crate) before: Vec<Range<usize>>,
    pub(crate) after: Vec<Range<usize>>,
}

impl Trees {
    pub(crate) fn of(change: &Change<'_>) -> Result<Option<Self>, EditRefusal> {
        let sample = change.before.unwrap_or(change.after);
        let Some(language) = Language::detect(change.path, sample) else { return Ok(None) };
        if language.grammar().is_none() {
            return Ok(None);
        }
        let tree = |source| {
            recent_trees::tree_of(language, source).map_err(|error| EditRefusal(error.to_string()))
        };
        let Some(before) = change.before else {
            let after = tree(change.after)?;
            return Ok(Some(Self { before: None, after, differing: None, stretch: None }));
        };
        if !recent_trees::is_known(language, before)
            && let Some(trees) = stretch::trees(language, change)
        {
            return Ok(Some(trees));
        }
        let replacement = single_replacement(before, change.after);
        Self::reparsed(tree(before)?, change, &[replacement]).map(Some)
    }

    /// The texts the trees are of.
    pub(crate) fn texts<'a>(
        &self,
        before: &'a [u8],
        after: &'a [u8],
    ) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
        match &self.stretch {
            Some(stretch) => stretch.texts(before, after),
            None => (Cow::Borrowed(before), Cow::Borrowed(after)),
        }
    }

    /// The trees of a change that makes `replacements` in a file with the tree `before`.
    pub(crate) fn reparsed(
        before: SourceTree,
        change: &Change<'_>,
        replacements: &[(Range<usize>, usize)],
    ) -> Result<Self, EditRefusal> {
        let source = change.before.unwrap_or_default();
        let again = reparse(&before, source, change.after, replacements)
            .map_err(|error| EditRefusal(error.to_string()))?;
        // What recovery made of a broken file says little about where it differs.
        let known = again.changed.filter(|_| !before.tree.root_node().has_error());
        let differing = known.map(|after| Differing {
            before: Replaced::of(replacements).all_before(&after),
            after,
        });
        Ok(Self { before: Some(before), after: again.tree, differing, stretch: None })
    }
}

fn check_syntax(change: &Change<'_>, trees: Option<&Trees>) -> Result<(), EditRefusal> {
    let (Some(line), Some(trees)) = (syntax_harm(change, trees), trees) else { return Ok(()) };
    let shown = String::from_utf8_lossy(change.after)
        .lines()
        .nth(line - 1)
        .map_or_else(String::new, |text| {
            format!(": {}", kode_base::escape::escape_line(text.trim()))
        });
    let broken_before = trees.before.as_ref().is_some_and(|tree| tree.tree.root_node().has_error());
    let was = if broken_before { " more" } else { "" };
    refuse!(
        "the change leaves {} with{was} {} syntax errors (line {line} after the change{shown}); \
         nothing was written",
        change.path,
        trees.after.language.name()
    )
}

/// The line of the first syntax error, when the change makes the file worse.
pub(crate) fn syntax_harm(change: &Change<'_>, trees: Option<&Trees>) -> Option<usize> {
    let trees = trees?;
    error_harm(change, trees).or_else(|| fault_harm(change, trees))
}

/// The line of the first error that the grammar sees.
fn error_harm(change: &Change<'_>, trees: &Trees) -> Option<usize> {
    if !trees.after.tree.root_node().has_error() {
        return None;
    }
    let after = error_summary(&trees.after.tree);
    let before = match &trees.before {
        Some(tree) => error_summary(&tree.tree),
        // A new C or C++ file may lean on macros that no grammar can see through.
        None if matches!(trees.after.language, Language::C | Language::Cpp) => return None,
        None => ErrorSummary::default(),
    };
    let grown = change.after.len().saturating_sub(change.before.map_or(0, <[u8]>::len));
    let worse = after.count > before.count || after.bytes > before.bytes + grown;
    worse.then(|| after.first_line.unwrap_or(1))
}

/// The line of the first fault that the grammar passes over. A stretch has none, and what
/// recovery makes of a broken file is no measure.
fn fault_harm(change: &Change<'_>, trees: &Trees) -> Option<usize> {
    if trees.stretch.is_some() || trees.after.tree.root_node().has_error() {
        return None;
    }
    let language = trees.after.language;
    let line = |at: usize| change.after[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let before = change.before.unwrap_or_default();
    let marks =
        |text: &[u8]| [b"/*", b"*/"].map(|mark| memchr::memmem::find_iter(text, mark).count());
    if marks(before) != marks(change.after)
        && let Some(at) = stretch::open_comment(language, change.after)
        && stretch::open_comment(language, before).is_none()
    {
        return Some(line(at));
    }
    let (places, places_before) =
        trees.differing.as_ref().map(|at| (at.after.as_slice(), at.before.as_slice())).unzip();
    let after = faults(&trees.after, change.after, places);
    let first = after.first()?;
    let was = trees.before.as_ref().map_or(0, |tree| faults(tree, before, places_before).len());
    (after.len() > was).then(|| line(first.start))
}
