//! Sets of places by name, ending, part or pattern, asked about once for every file
//! of a project: all of a set is one expression, searched for in one pass. A set
//! that can't be built holds everything, which a test rules out.

use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

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
    built: OnceLock<Option<Regex>>,
}

impl Places {
    /// `path` in lower case, beginning with `/`.
    pub(super) fn hold(&self, path: &str) -> bool {
        self.built.get_or_init(|| self.build()).as_ref().is_none_or(|set| set.is_match(path))
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

#[cfg(test)]
mod tests {
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

    #[test]
    fn globs_stand_for_one_name_and_end_where_paths_do() {
        let holds = |pattern: &str, path: &str| Regex::new(&glob(pattern)).unwrap().is_match(path);
        assert!(holds("/.tox/*/bin/", "/a/.tox/py312/bin/pytest"));
        assert!(!holds("/.tox/*/bin/", "/.tox/a/b/bin/x"));
        assert!(holds("/compose*.yml", "/x/compose.dev.yml"));
        for other in ["/compose.yml/x", "/decompose.yml", "/compose/a.yml"] {
            assert!(!holds("/compose*.yml", other), "{other}");
        }
        assert!(!holds("/*é*/bin/", "/été"));
    }
}
