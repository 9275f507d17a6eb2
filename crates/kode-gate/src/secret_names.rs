//! What a file's name says of what it holds: a credential, perhaps one, or
//! nothing. Lexical and without case (`data/secrets.toml`); no file is read.

use std::borrow::Cow;
use std::sync::LazyLock;

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

#[derive(Debug, Default)]
struct SecretTable {
    system_names: Vec<&'static str>,
    leftovers: Vec<&'static str>,
    swapped: Vec<&'static str>,
    secret: Patterns,
    public: Patterns,
    possible: Patterns,
}

/// Names and path endings, in small letters.
#[derive(Debug, Default)]
struct Patterns {
    /// Sorted.
    names: Vec<&'static str>,
    prefixes: Vec<&'static str>,
    suffixes: Vec<&'static str>,
    globs: Vec<&'static str>,
    containing: Vec<&'static str>,
    examples: Vec<&'static str>,
    counterexamples: Vec<&'static str>,
}

const TEXT: &str = include_str!("../data/secrets.toml");

// The table is compiled in and a test reads it: a failure can't reach users.
static TABLE: LazyLock<Option<SecretTable>> = LazyLock::new(|| SecretTable::read(TEXT));

impl SecretTable {
    /// Reads sections of `key = ["text", …]`, over any number of lines. The file is
    /// TOML, and a test holds this against a real parser; reading only this form
    /// takes a tenth of its time at every start.
    fn read(text: &'static str) -> Option<Self> {
        let mut table = Self::default();
        let mut section = "";
        let mut key = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                continue;
            }
            let mut values = line;
            if let Some((name, rest)) = line.split_once(" = ") {
                (key, values) = (name, rest);
            }
            for text in values.split('"').skip(1).step_by(2) {
                table.add(section, key, text)?;
            }
        }
        for patterns in [&mut table.secret, &mut table.public, &mut table.possible] {
            patterns.names.sort_unstable();
        }
        Some(table)
    }

    fn add(&mut self, section: &str, key: &str, text: &'static str) -> Option<()> {
        let patterns = match section {
            "" => {
                let list = match key {
                    "system_names" => &mut self.system_names,
                    "leftovers" => &mut self.leftovers,
                    "swapped" => &mut self.swapped,
                    _ => return None,
                };
                list.push(text);
                return Some(());
            }
            "secret" => &mut self.secret,
            "public" => &mut self.public,
            "possible" => &mut self.possible,
            _ => return None,
        };
        let list = match key {
            "names" => &mut patterns.names,
            "prefixes" => &mut patterns.prefixes,
            "suffixes" => &mut patterns.suffixes,
            "globs" => &mut patterns.globs,
            "containing" => &mut patterns.containing,
            "examples" => &mut patterns.examples,
            "counterexamples" => &mut patterns.counterexamples,
            _ => return None,
        };
        list.push(text);
        Some(())
    }
}

impl Patterns {
    fn matches(&self, folder: &str, name: &str) -> bool {
        self.names.binary_search(&name).is_ok()
            || self.prefixes.iter().any(|each| name.starts_with(each))
            || self.suffixes.iter().any(|each| ends_with(folder, name, each))
            || self.globs.iter().any(|each| fits(each, name))
    }

    fn holds(&self, path: &str) -> bool {
        self.containing.iter().any(|each| path.contains(each))
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
        let swapped = self
            .swapped
            .iter()
            .find_map(|ending| name.strip_suffix(ending).and_then(|rest| rest.strip_prefix('.')));
        let emacs = || {
            let saved = name.strip_prefix('#').and_then(|rest| rest.strip_suffix('#'));
            saved.or_else(|| name.strip_prefix(".#"))
        };
        let ending = || self.leftovers.iter().find_map(|end| name.strip_suffix(end));
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
    let fits = move |name: &&&str| outside || !system.contains(*name);
    names.filter(fits).copied().chain(ENDING_SAMPLES)
}

/// The ends of paths that are credentials: `/.kube/config`.
pub(crate) fn secret_tails() -> impl Iterator<Item = &'static str> {
    let suffixes = TABLE.as_ref().map_or(&[][..], |table| table.secret.suffixes.as_slice());
    suffixes.iter().copied().filter(|suffix| suffix.starts_with('/'))
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

    impl SecretTable {
        fn list(&self, section: &str, key: &str) -> Vec<&'static str> {
            let patterns = match section {
                "secret" => &self.secret,
                "public" => &self.public,
                _ => &self.possible,
            };
            match (section, key) {
                ("", "system_names") => self.system_names.clone(),
                ("", "leftovers") => self.leftovers.clone(),
                ("", _) => self.swapped.clone(),
                (_, "names") => patterns.names.clone(),
                (_, "prefixes") => patterns.prefixes.clone(),
                (_, "suffixes") => patterns.suffixes.clone(),
                (_, "globs") => patterns.globs.clone(),
                (_, "containing") => patterns.containing.clone(),
                (_, "examples") => patterns.examples.clone(),
                _ => patterns.counterexamples.clone(),
            }
        }
    }

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
    fn the_quick_reader_reads_what_a_toml_parser_reads() {
        let mut count = 0;
        let mut check = |section: &str, key: &str, value: &toml::Value| {
            let mut texts: Vec<&str> =
                value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
            count += texts.len();
            if key == "names" {
                texts.sort_unstable();
            }
            let table = TABLE.as_ref().unwrap();
            assert_eq!(table.list(section, key), texts, "{section} {key}");
        };
        for (name, value) in &toml::from_str::<toml::Table>(TEXT).unwrap() {
            match value.as_table() {
                Some(section) => section.iter().for_each(|(key, value)| check(name, key, value)),
                None => check("", name, value),
            }
        }
        assert!(count > 200);
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
