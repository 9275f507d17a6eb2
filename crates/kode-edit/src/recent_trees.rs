//! The trees of files read or edited last, so that an edit parses only what it
//! changes. A tree is found by the file's very bytes, never by its name or time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use kode_base::ProjectPath;
use kode_syntax::{Language, ParseError, SourceTree, parse};

/// Sources kept at most, in bytes together; their trees take some twenty times that.
const SOURCES_BYTES_MAX: usize = 512 * 1024;
/// Smaller files are parsed in less than a millisecond.
const WORTH_KEEPING_BYTES: usize = 8 * 1024;

struct Recent {
    source: Vec<u8>,
    tree: SourceTree,
}

static RECENT: Mutex<VecDeque<Recent>> = Mutex::new(VecDeque::new());

/// The tree of `source`: a kept one, or a new one.
pub(crate) fn tree_of(language: Language, source: &[u8]) -> Result<SourceTree, ParseError> {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let known =
        recent.iter().find(|known| known.tree.language == language && known.source == source);
    match known {
        Some(known) => Ok(known.tree.clone()),
        None => {
            drop(recent);
            parse(language, source)
        }
    }
}

/// Whether [`tree_of`] has the tree at hand.
pub(crate) fn is_known(language: Language, source: &[u8]) -> bool {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    recent.iter().any(|known| known.tree.language == language && known.source == source)
}

/// Keeps a tree for the next edit of these bytes.
pub(crate) fn keep(source: &[u8], tree: &SourceTree) {
    if !(WORTH_KEEPING_BYTES..=SOURCES_BYTES_MAX).contains(&source.len()) {
        return;
    }
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    recent.retain(|known| known.source != source);
    recent.push_back(Recent { source: source.to_vec(), tree: tree.clone() });
    let mut bytes: usize = recent.iter().map(|known| known.source.len()).sum();
    while bytes > SOURCES_BYTES_MAX
        && let Some(oldest) = recent.pop_front()
    {
        bytes -= oldest.source.len();
    }
}

/// Parses a file that was just read, so that an edit of it is quick. Does nothing
/// for a small or a very large file, or one in no known language.
pub fn parse_ahead(path: &ProjectPath, source: &[u8]) {
    if !(WORTH_KEEPING_BYTES..=SOURCES_BYTES_MAX).contains(&source.len()) {
        return;
    }
    let tree = Language::detect(path, source).and_then(|language| tree_of(language, source).ok());
    if let Some(tree) = tree {
        keep(source, &tree);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExactEdit, edit};

    #[test]
    fn edits_after_one_another_see_the_tree_of_the_file_as_it_is() {
        let path = ProjectPath::new("recent.js").unwrap();
        let mut file: String =
            (0..600).map(|n| format!("function f{n}() {{ return {n}; }}\n")).collect();
        parse_ahead(&path, file.as_bytes());
        for n in 0..20 {
            let request = |new: &str| ExactEdit {
                old: format!("return {n};"),
                new: new.to_owned(),
                all: false,
                expect_count: None,
            };
            let broken = edit(&path, file.as_bytes(), &request("return (;"));
            assert!(broken.unwrap_err().0.contains("syntax"));
            let after = edit(&path, file.as_bytes(), &request("return [1];")).unwrap();
            file = String::from_utf8(after).unwrap();
            let kept = tree_of(Language::JavaScript, file.as_bytes()).unwrap();
            let afresh = parse(Language::JavaScript, file.as_bytes()).unwrap();
            assert_eq!(kept.tree.root_node().to_sexp(), afresh.tree.root_node().to_sexp());
        }
        let held = RECENT.lock().unwrap().iter().map(|known| known.source.len()).sum::<usize>();
        assert!(held <= SOURCES_BYTES_MAX);
    }
}
