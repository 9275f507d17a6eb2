//! Places in a repository whose content runs later, outside the sandbox
//! (`data/sensitive.toml`), and whether a change of one matters. Pure: paths
//! and bytes in, a reason out. What can't be read for its parts counts as
//! sensitive whole.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kode_base::ProjectPath;
use serde::Deserialize;

mod dependencies;
mod ignored;
mod lines;
mod places;
use ignored::IgnoredFolders;
use lines::LineRule;
use places::Places;

/// Larger files are not taken apart: any change of them matters.
const PARSED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Larger lock files count with all their addresses.
const LOCK_PARSED_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct Table {
    package_folders: Vec<String>,
    files: Places,
    watched: Places,
    /// Of `files`, what tools make and ignore files name: not watched there.
    generated: Places,
    /// Of `files`, what has no power of its own in a package's folder.
    packaged: Places,
    ignored_folders: IgnoredFolders,
    part: Vec<Part>,
    lines: Vec<LineRule>,
    locks: Locks,
}

#[derive(Deserialize)]
struct Part {
    names: Vec<String>,
    format: Format,
    keys: Vec<String>,
    /// Names of tables and lists of dependencies, of which only those matter that
    /// come from a new place.
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Toml,
    /// Sections of `key = value`, with indented lines going on.
    Ini,
}

#[derive(Deserialize)]
struct Locks {
    names: Vec<String>,
    hosts: Vec<String>,
    /// Of `names`, those in JSON, whose packages say more than where they are from.
    json: Vec<String>,
    /// What of a package in one is for people to read.
    remarks: Vec<String>,
}

// The table is compiled in and a test reads it: a failure can't reach users.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/sensitive.toml")).ok());

/// One file before and after a change.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'a> {
    /// The file.
    pub path: &'a ProjectPath,
    /// Its bytes before; `None` when it was not there.
    pub before: Option<&'a [u8]>,
    /// Its bytes after; `None` when it is gone.
    pub after: Option<&'a [u8]>,
    /// Whether either side is a symbolic link.
    pub is_link: bool,
}

/// Why the change of a file matters beyond the project; `None` when it does
/// not. Without its table every change does.
pub fn sensitive_change(change: FileChange<'_>) -> Option<String> {
    let path = slashed(change.path.as_str());
    let Some(table) = TABLE.as_ref() else {
        return Some(format!("{} can't be judged", change.path));
    };
    let runs = format!("{} is a place whose content runs later, outside the sandbox", change.path);
    if table.files.hold(&path) || table.watched.hold(&path) {
        return Some(runs);
    }
    if change.is_link && (table.files.lie_below(&path) || table.watched.lie_below(&path)) {
        return Some(format!(
            "{} is a link in the place of a folder whose content runs later",
            change.path
        ));
    }
    let name = path.rsplit('/').next().unwrap_or(&path);
    if let Some(part) = table.part.iter().find(|part| part.names.iter().any(|each| each == name)) {
        return part.changed(change).map(|key| {
            format!("{} changes `{key}`, which runs later, outside the sandbox", change.path)
        });
    }
    if let Some(rule) = table.lines.iter().find(|rule| rule.is_for(name)) {
        return rule.changed(change).map(|line| {
            format!("{} changes `{line}`, which may run later, outside the sandbox", change.path)
        });
    }
    if table.locks.names.iter().any(|each| each == name) {
        return table
            .locks
            .new_source(change)
            .map(|source| format!("{} takes something from a new place: {source}", change.path));
    }
    None
}

/// Whether any change of the file asks, whatever it is. `path` may be absolute.
pub(crate) fn is_sensitive_file(path: &str) -> bool {
    let path = slashed(path);
    TABLE.as_ref().is_none_or(|table| table.files.hold(&path))
}

/// Whether a file is compared and held although ignore files name it.
pub fn is_watched(path: &ProjectPath) -> bool {
    TABLE.as_ref().is_none_or(|table| table.watched.hold(&slashed(path.as_str())))
}

/// Whether a file is compared and held although ignore files name it: what
/// [`is_watched`] says, and every place whose content runs later, but for what
/// tools make themselves and what lies in folders of other people's files.
pub fn is_watched_place(path: &ProjectPath) -> bool {
    let path = slashed(path.as_str());
    TABLE.as_ref().is_none_or(|table| {
        table.watched.hold(&path)
            || !table.ignored_folders.is_below_foreign(&path)
                && table.files.hold(&path)
                && !table.generated.hold(&path)
    })
}

/// Whether a walk through a large project enters an ignored folder:
/// `is_environment` says whether a file stands at a path, which tells virtual
/// environments of any name.
pub fn enters_ignored(folder: &ProjectPath, is_there: &dyn Fn(&ProjectPath) -> bool) -> bool {
    let path = slashed(folder.as_str());
    TABLE.as_ref().is_none_or(|table| table.ignored_folders.enters(folder, &path, is_there))
}

/// What an installation that a person approved may change: where packages put
/// their programs (`node_modules/.bin`, the `bin` of a virtual environment), and the
/// packages' own files, but for those that are read or run wherever they stand.
pub fn is_installed_place(path: &ProjectPath) -> bool {
    let path = slashed(path.as_str());
    TABLE.as_ref().is_some_and(|table| {
        table.watched.containing.iter().any(|each| path.contains(each))
            || table.is_in_package(&path)
                && !table.watched.hold(&path)
                && (!table.files.hold(&path) || table.packaged.hold(&path))
    })
}

impl Table {
    /// Whether the file is in the folder of a package, at any depth.
    fn is_in_package(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let folder =
            names.iter().rposition(|name| self.package_folders.iter().any(|it| it == name));
        folder.is_some_and(|at| names.len() > at + 2)
    }
}

fn slashed(path: &str) -> String {
    let path = path.trim_start_matches('/').to_lowercase();
    format!("/{path}")
}

impl Part {
    /// The first key whose value differs, or the dependency from a new place.
    fn changed(&self, change: FileChange<'_>) -> Option<String> {
        let read = |bytes: Option<&[u8]>| match bytes {
            None => Some(serde_json::Value::Null),
            Some(bytes) => self.format.read(bytes),
        };
        let (before, after) = (read(change.before), read(change.after));
        let unreadable = before.is_none() && change.before != change.after || after.is_none();
        if let (Some(before), Some(after)) = (&before, &after)
            && let Some(source) = dependencies::new_source(before, after, &self.dependencies)
        {
            return Some(source);
        }
        let key = self.keys.iter().find(|key| {
            let part = |value: &Option<serde_json::Value>| {
                value.as_ref().and_then(|value| at(value, key)).cloned()
            };
            unreadable || change.is_link || part(&before) != part(&after)
        });
        key.cloned()
    }
}

impl Format {
    fn read(self, bytes: &[u8]) -> Option<serde_json::Value> {
        if bytes.len() > PARSED_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match self {
            Self::Json => serde_json::from_str(text.trim_start_matches('\u{feff}')).ok(),
            Self::Toml => {
                let value: toml::Value = toml::from_str(text).ok()?;
                serde_json::to_value(value).ok()
            }
            Self::Ini => Some(lines::read_ini(text)),
        }
    }
}

fn at<'v>(value: &'v serde_json::Value, key: &str) -> Option<&'v serde_json::Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}

impl Locks {
    /// A source after the change that was none before and no known registry.
    fn new_source(&self, change: FileChange<'_>) -> Option<String> {
        let name = change.path.file_name().to_lowercase();
        let sources_of = |bytes: Option<&[u8]>| {
            let bytes = bytes.unwrap_or_default();
            let bare = self.json.contains(&name).then(|| self.without_remarks(bytes)).flatten();
            sources(bare.as_deref().unwrap_or(bytes))
        };
        let (before, after) = (sources_of(change.before), sources_of(change.after));
        if change.is_link {
            return Some("a link".to_owned());
        }
        after.into_iter().find(|source| {
            let known = |host: &String| {
                source
                    .strip_prefix(host.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            !before.contains(source) && !self.hosts.iter().any(known)
        })
    }
}

impl Locks {
    /// A lock file without addresses that nothing is fetched from, such as of those
    /// who ask for money; `None` where it can't be read, and counts as it is.
    fn without_remarks(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if bytes.len() > LOCK_PARSED_BYTES_MAX {
            return None;
        }
        let mut lock: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        for list in ["packages", "packages-dev"] {
            let packages: Vec<&mut serde_json::Value> = match lock.get_mut(list) {
                Some(serde_json::Value::Object(named)) => named.values_mut().collect(),
                Some(serde_json::Value::Array(listed)) => listed.iter_mut().collect(),
                _ => continue,
            };
            for package in packages.into_iter().filter_map(|package| package.as_object_mut()) {
                self.remarks.iter().for_each(|key| drop(package.remove(key)));
            }
        }
        // Line by line, as marks are looked for.
        serde_json::to_vec_pretty(&lock).ok()
    }
}

/// Where a lock file takes things from: hosts of registries, and of version
/// control, files and paths the whole address.
fn sources(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64 << 20)]);
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(start) = rest.find("://") {
            let scheme = rest[..start]
                .rsplit(|each: char| !each.is_ascii_alphanumeric() && each != '+')
                .next()
                .unwrap_or_default();
            let address = &rest[start + 3..];
            let end = address
                .find(['"', '\'', ' ', '#', '?', ')', ',', ';', '>', '}', '\\'])
                .unwrap_or(address.len());
            let address = &address[..end];
            let archive = matches!(scheme, "https" | "registry")
                || scheme.ends_with("+https") && scheme.starts_with("registry");
            let parts = if archive && !address.contains(".git") { 1 } else { 3 };
            let place: Vec<&str> = address.split('/').take(parts).collect();
            let index =
                scheme.starts_with("registry") || address.starts_with("github.com/rust-lang/");
            let place = if archive && !index { place.join("/") } else { address.to_owned() };
            found.insert(if archive || index { place } else { format!("{scheme}://{place}") });
            rest = &rest[start + 3 + end..];
        }
        for mark in [
            "\"file:",
            "\"link:",
            "git@",
            "--index-url",
            "--extra-index-url",
            "--find-links",
            "-e ",
            "@ file",
        ] {
            if line.contains(mark) {
                found.insert(line.trim().chars().take(200).collect());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
