//! Sets of places by name, ending, part or pattern, asked about once for every file
//! of a project: all of a set is one expression, searched for in one pass. It takes
//! longer to build than to look at a few paths one pattern at a time, so those are. A
//! set that can't be built holds everything, which a test rules out.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use serde::Deserialize;

/// How many paths are looked at before the expression is built.
const FEW_PATHS: usize = 64;

/// One set; see `data/sensitive.toml`.
#[derive(Deserialize)]
pub(super) struct Places {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    suffixes: Vec<String>,
    #[serde(default)]
    pub(super) containing: Vec<String>,
    #[serde(default)]
    globs: Vec<String>,
    #[cfg(test)]
    pub(super) sensitive: Vec<String>,
    #[cfg(test)]
    pub(super) ordinary: Vec<String>,
    #[serde(skip)]
    asked: AtomicUsize,
    #[serde(skip)]
    built: OnceLock<Option<Regex>>,
}

impl Places {
    /// `path` in lower case, beginning with `/`.
    pub(super) fn hold(&self, path: &str) -> bool {
        if self.built.get().is_none() && self.asked.fetch_add(1, Ordering::Relaxed) < FEW_PATHS {
            return self.hold_singly(path);
        }
        self.built.get_or_init(|| self.build()).as_ref().is_none_or(|set| set.is_match(path))
    }

    /// What the expression of [`Self::build`] finds, without building it.
    fn hold_singly(&self, path: &str) -> bool {
        let last = path.rfind('/').map_or("", |at| &path[at..]);
        let is_name = |name: &String| {
            path.strip_suffix(name.as_str()).is_some_and(|above| above.ends_with('/'))
        };
        let is_prefix = |prefix: &String| match prefix.contains('/') {
            true => glob_holds(&format!("/{prefix}*"), path),
            false => last.get(1..).is_some_and(|last| last.starts_with(prefix.as_str())),
        };
        self.names.iter().any(is_name)
            || self.prefixes.iter().any(is_prefix)
            || self.suffixes.iter().any(|suffix| path.ends_with(suffix.as_str()))
            || self.containing.iter().any(|part| path.contains(part.as_str()))
            || self.globs.iter().any(|glob| glob_holds(glob, path))
    }

    fn build(&self) -> Option<Regex> {
        let names = self.names.iter().map(|each| format!("/{}$", regex::escape(each)));
        let prefixes = self.prefixes.iter().map(|each| format!("/{}[^/]*$", regex::escape(each)));
        let suffixes = self.suffixes.iter().map(|each| format!("{}$", regex::escape(each)));
        let containing = self.containing.iter().map(|each| regex::escape(each));
        let globs = self.globs.iter().map(|each| glob(each));
        let all: Vec<String> =
            names.chain(prefixes).chain(suffixes).chain(containing).chain(globs).collect();
        Regex::new(&format!("(?s){}", all.join("|"))).ok()
    }

    /// Whether a folder named `path` would hold such a place.
    pub(super) fn lie_below(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let begins = |place: &String| {
            let ends = place.match_indices('/').skip(1).map(|(at, _)| &place[..=at]);
            ends.into_iter().any(|above| folder.ends_with(above))
        };
        self.containing.iter().chain(&self.globs).any(begins)
    }
}

/// `*` stands for anything within one name, and what does not end with `/` ends the
/// path.
fn glob(glob: &str) -> String {
    let pieces: Vec<String> = glob.split('*').map(regex::escape).collect();
    let end = if glob.ends_with('/') { "" } else { "$" };
    format!("{}{end}", pieces.join("[^/]*"))
}

/// Whether the expression of [`glob`] is found in `path`.
fn glob_holds(glob: &str, path: &str) -> bool {
    let pieces: Vec<&str> = glob.split('*').collect();
    let Some((first, rest)) = pieces.split_first() else { return false };
    let ends = !glob.ends_with('/');
    after_each(first, path, path.len()).any(|behind| pieces_hold(rest, behind, ends))
}

/// Whether `text` goes on with the pieces, with no `/` before each of them.
fn pieces_hold(pieces: &[&str], text: &str, ends: bool) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return !ends || text.is_empty() };
    let within = text.find('/').unwrap_or(text.len());
    after_each(first, text, within).any(|behind| pieces_hold(rest, behind, ends))
}

/// What follows each `piece` in `text` that begins at `last` at the latest.
fn after_each<'a>(piece: &str, text: &'a str, last: usize) -> impl Iterator<Item = &'a str> {
    (0..=last).filter_map(move |at| text.get(at..)?.strip_prefix(piece))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sensitive::TABLE;

    #[test]
    fn every_set_is_built() {
        let table = TABLE.as_ref().unwrap();
        for set in [&table.files, &table.watched, &table.generated] {
            assert!(set.build().is_some());
            assert!(!set.hold("/src/main.rs"));
        }
    }

    /// Paths put together from what the sets are made of.
    fn path() -> impl Strategy<Value = String> {
        let table = TABLE.as_ref().unwrap();
        let sets = [&table.files, &table.watched, &table.generated];
        let all = sets.into_iter().flat_map(|set| {
            [&set.names, &set.prefixes, &set.suffixes, &set.containing, &set.globs]
        });
        let mut pieces: Vec<String> = all.flatten().map(|each| each.replace('*', "x")).collect();
        pieces.extend(["/", "/src/", "main.rs", "x", "é", ".git"].map(str::to_owned));
        prop::collection::vec(prop::sample::select(pieces), 1..4)
            .prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn a_path_is_held_whether_looked_at_singly_or_by_the_expression(path in path()) {
            let table = TABLE.as_ref().unwrap();
            for set in [&table.files, &table.watched, &table.generated] {
                set.built.get_or_init(|| set.build());
                prop_assert_eq!(set.hold(&path), set.hold_singly(&path), "{}", path);
            }
        }
    }

    #[test]
    fn globs_stand_for_one_name_and_end_where_paths_do() {
        let holds = |pattern: &str, path: &str| {
            let found = Regex::new(&glob(pattern)).unwrap().is_match(path);
            assert_eq!(found, glob_holds(pattern, path), "{pattern} {path}");
            found
        };
        assert!(holds("/.tox/*/bin/", "/a/.tox/py312/bin/pytest"));
        assert!(!holds("/.tox/*/bin/", "/.tox/a/b/bin/x"));
        assert!(holds("/compose*.yml", "/x/compose.dev.yml"));
        for other in ["/compose.yml/x", "/decompose.yml", "/compose/a.yml"] {
            assert!(!holds("/compose*.yml", other), "{other}");
        }
        assert!(!holds("/*é*/bin/", "/été"));
    }
}
