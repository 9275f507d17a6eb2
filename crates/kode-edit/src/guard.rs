//! What every edit must pass, whatever tool made it: no new syntax errors, no
//! placeholder in place of code, no undeclared loss.

use kode_base::ProjectPath;
use kode_syntax::{ErrorSummary, Language, SourceTree, error_summary, parse};

use crate::loss;
use crate::placeholder;
use crate::refusal::{EditRefusal, refuse};

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
    check_parsed(change, declared, None)
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
    check_syntax(change, trees.as_ref())?;
    if declared.shrink {
        return Ok(());
    }
    loss::check(change, trees.as_ref(), declared)
}

/// The trees before and after, where the file has a grammar.
pub(crate) struct Trees {
    pub(crate) before: Option<SourceTree>,
    pub(crate) after: SourceTree,
}

impl Trees {
    fn of(change: &Change<'_>) -> Result<Option<Self>, EditRefusal> {
        let sample = change.before.unwrap_or(change.after);
        let Some(language) = Language::detect(change.path, sample) else { return Ok(None) };
        if language.grammar().is_none() {
            return Ok(None);
        }
        let tree = |source| parse(language, source).map_err(|error| EditRefusal(error.to_string()));
        let before = change.before.map(tree).transpose()?;
        Ok(Some(Self { before, after: tree(change.after)? }))
    }
}

fn check_syntax(change: &Change<'_>, trees: Option<&Trees>) -> Result<(), EditRefusal> {
    let Some(trees) = trees else { return Ok(()) };
    let after = error_summary(&trees.after.tree);
    let language = trees.after.language;
    let before = match &trees.before {
        Some(tree) => error_summary(&tree.tree),
        // A new C or C++ file may lean on macros that no grammar can see through.
        None if matches!(language, Language::C | Language::Cpp) => return Ok(()),
        None => ErrorSummary::default(),
    };
    let grown = change.after.len().saturating_sub(change.before.map_or(0, <[u8]>::len));
    if after.count <= before.count && after.bytes <= before.bytes + grown {
        return Ok(());
    }
    let line = after.first_line.unwrap_or(1);
    let shown = String::from_utf8_lossy(change.after)
        .lines()
        .nth(line - 1)
        .map_or_else(String::new, |text| {
            format!(": {}", kode_base::escape::escape_line(text.trim()))
        });
    let was = if before.count > 0 { " more" } else { "" };
    refuse!(
        "the change leaves {} with{was} {} syntax errors (line {line} after the change{shown}); \
         nothing was written",
        change.path,
        language.name()
    )
}
