//! What a file's name says of what it holds: a credential, perhaps one, or
//! nothing. Lexical and without case (`data/secrets.toml`); no file is read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::evaluate::glob_matches;

/// Endings such as `.bak.old` that are taken off one name.
const LEFTOVERS_MAX: usize = 4;

/// What a name says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Nothing.
    Ordinary,
    /// Programs need such a file, and now and then it holds a credential.
    Possible,
    /// It looks like a credential.
    Secret,
}

/// The names of one folder, for whoever looks at many.
#[derive(Debug)]
pub struct FolderNames {
    /// In small letters, with a slash at its end.
    folder: String,
    holds_secrets: bool,
}

#[derive(Deserialize)]
struct SecretTable {
    system_names: Vec<String>,
    leftovers: Vec<String>,
    swapped: Vec<String>,
    secret: Patterns,
    public: Patterns,
    possible: Patterns,
}

/// Names and path endings, in small letters.
#[derive(Deserialize)]
struct Patterns {
    #[serde(default)]
    names: HashSet<String>,
    #[serde(default)]
    prefixes: Vec<String>,
    #[serde(default)]
    suffixes: Vec<String>,
    #[serde(default)]
    globs: Vec<String>,
    #[serde(default)]
    containing: Vec<String>,
    #[cfg(test)]
    examples: Vec<String>,
    #[cfg(test)]
    counterexamples: Vec<String>,
}

// The table is compiled in and a test reads it: a failure can't reach users.
static TABLE: LazyLock<Option<SecretTable>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/secrets.toml")).ok());

impl Patterns {
    fn matches(&self, folder: &str, name: &str) -> bool {
        self.names.contains(name)
            || self.prefixes.iter().any(|each| name.starts_with(each.as_str()))
            || self.suffixes.iter().any(|each| ends_with(folder, name, each))
            || self.globs.iter().any(|each| fits(each, name))
    }

    fn holds(&self, path: &str) -> bool {
        self.containing.iter().any(|each| path.contains(each.as_str()))
    }
}

/// [`glob_matches`], after a look at both ends: many names are asked about.
fn fits(glob: &str, name: &str) -> bool {
    let start = glob.split('*').next().unwrap_or_default();
    let end = glob.rsplit('*').next().unwrap_or_default();
    name.starts_with(start) && name.ends_with(end) && glob_matches(glob, name)
}

/// Whether `folder` and `name`, one behind the other, end in `ending`.
fn ends_with(folder: &str, name: &str, ending: &str) -> bool {
    match ending.strip_suffix(name) {
        Some(rest) => folder.ends_with(rest),
        None => name.ends_with(ending),
    }
}

impl FolderNames {
    /// Those of the folder at this path, which begins at the project or at `/`.
    #[must_use]
    pub fn below(folder: &str) -> Self {
        let folder = format!("/{}/", folder.trim_matches('/').to_ascii_lowercase());
        let folder = if folder == "//" { "/".to_owned() } else { folder };
        let holds_secrets = TABLE.as_ref().is_none_or(|table| table.secret.holds(&folder));
        Self { folder, holds_secrets }
    }

    /// What `name` says of the file. Without its table everything is a credential.
    #[must_use]
    pub fn kind(&self, name: &str) -> NameKind {
        let Some(table) = TABLE.as_ref() else { return NameKind::Secret };
        let lower = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        let mut name = lower.as_ref();
        for _ in 0..LEFTOVERS_MAX {
            match self.kind_of(table, name) {
                NameKind::Ordinary => {}
                kind => return kind,
            }
            let Some(original) = table.kept_beside(name) else { break };
            name = original;
        }
        NameKind::Ordinary
    }

    fn kind_of(&self, table: &SecretTable, name: &str) -> NameKind {
        let folder = self.folder.as_str();
        let is_public = |name: &str| table.public.matches(folder, name);
        if is_public(name) || table.kept_beside(name).is_some_and(is_public) {
            return NameKind::Ordinary;
        }
        if self.holds_secrets || table.secret.matches(folder, name) {
            return NameKind::Secret;
        }
        if table.possible.matches(folder, name) { NameKind::Possible } else { NameKind::Ordinary }
    }
}

impl SecretTable {
    /// The name of the file that one with this name was kept beside, if any.
    fn kept_beside<'n>(&self, name: &'n str) -> Option<&'n str> {
        let inner = |inner: &&str| !inner.is_empty();
        let swapped = self.swapped.iter().find_map(|ending| {
            name.strip_suffix(ending.as_str()).and_then(|rest| rest.strip_prefix('.'))
        });
        let emacs = || {
            let saved = name.strip_prefix('#').and_then(|rest| rest.strip_suffix('#'));
            saved.or_else(|| name.strip_prefix(".#"))
        };
        let ending = || self.leftovers.iter().find_map(|end| name.strip_suffix(end.as_str()));
        swapped.or_else(emacs).or_else(ending).filter(inner)
    }
}

/// Whether a path looks like a credential. Without its table everything does.
pub(crate) fn looks_secret(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_place = || {
        // A place that is no folder: `/etc/ssl/private`.
        let lower = path.to_ascii_lowercase();
        TABLE.as_ref().is_some_and(|table| table.secret.holds(&lower))
    };
    FolderNames::below(folder).kind(name) == NameKind::Secret || name == "private" && in_place()
}

/// Names that credentials have, for patterns that could stand for one;
/// those of the system only with `outside`.
pub(crate) fn secret_samples(outside: bool) -> impl Iterator<Item = &'static str> {
    const ENDING_SAMPLES: [&str; 6] =
        ["server.pem", "private.key", ".env.local", "id_rsa_x", "cert.p12", "app.keystore"];
    let table = TABLE.as_ref();
    let system = table.map_or(&[][..], |table| table.system_names.as_slice());
    let names = table.into_iter().flat_map(|table| table.secret.names.iter());
    let fits = move |name: &&String| outside || !system.contains(name);
    names.filter(fits).map(String::as_str).chain(ENDING_SAMPLES)
}

/// The ends of paths that are credentials: `/.kube/config`.
pub(crate) fn secret_tails() -> impl Iterator<Item = &'static str> {
    let suffixes = TABLE.as_ref().map_or(&[][..], |table| table.secret.suffixes.as_slice());
    suffixes.iter().map(String::as_str).filter(|suffix| suffix.starts_with('/'))
}

/// Names of folders that hold credentials: `.ssh`, `.aws`.
pub(crate) fn secret_folders() -> &'static [String] {
    static FOLDERS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let table = TABLE.as_ref();
        let places = table.into_iter().flat_map(|table| &table.secret.containing);
        let parts = places.flat_map(|place| place.split('/')).filter(|part| part.len() > 2);
        parts
            .filter(|part| part.starts_with('.') && *part != ".config")
            .map(str::to_owned)
            .collect()
    });
    &FOLDERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &str) -> NameKind {
        let (folder, name) = path.rsplit_once('/').unwrap();
        FolderNames::below(folder).kind(name)
    }

    #[test]
    fn every_example_of_the_table_is_what_it_stands_for() {
        let table = TABLE.as_ref().unwrap();
        let sections = [
            (&table.secret, NameKind::Secret),
            (&table.public, NameKind::Ordinary),
            (&table.possible, NameKind::Possible),
        ];
        for (section, expected) in sections {
            for path in &section.examples {
                assert_eq!(kind(path), expected, "{path}");
                assert_eq!(looks_secret(path), expected == NameKind::Secret, "{path}");
            }
            for path in &section.counterexamples {
                assert_ne!(kind(path), expected, "{path}");
            }
        }
    }

    #[test]
    fn every_pattern_is_in_small_letters() {
        let table = TABLE.as_ref().unwrap();
        for section in [&table.secret, &table.public, &table.possible] {
            let lists = [&section.prefixes, &section.suffixes, &section.globs, &section.containing];
            for pattern in lists.into_iter().flatten().chain(&section.names) {
                assert_eq!(*pattern, pattern.to_ascii_lowercase());
            }
        }
    }
}
