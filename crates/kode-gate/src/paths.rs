//! Where a path leads: the project, outside, a device, a credential, kode's
//! own files, a place whose content runs later. Lexical; nothing is read.

use serde::Deserialize;
use std::sync::LazyLock;

use crate::evaluate::glob_matches;
use crate::judge::SessionState;
pub(crate) use crate::secret_names::{looks_secret, secret_folders, secret_samples, secret_tails};
use crate::sensitive::is_sensitive_file;

/// The zone a path is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// The project root itself.
    ProjectRoot,
    /// Below the project root.
    Project,
    /// Temporary folders, private to the sandbox.
    Temporary,
    /// A home folder itself, `/`, `/home`, `/etc`, `/usr`, … or all in it.
    Tree,
    /// Below a home folder.
    Home,
    /// Anywhere else on the machine.
    System,
    /// Harmless devices such as `/dev/null`.
    Null,
    /// A block device, or a device kode does not know.
    Device,
    /// `/dev/tcp/…` and `/dev/udp/…`, which bash connects.
    Network,
    /// kode's policy, audit log, sessions.
    Kode,
    /// Not known.
    Unknown,
}

impl Zone {
    /// Whether writing there stays inside the sandboxed project.
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::ProjectRoot | Self::Project | Self::Temporary | Self::Null)
    }
}

/// A path made absolute and normal, with its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The zone.
    pub(crate) zone: Zone,
    /// Absolute path; relative to nothing when the zone is unknown.
    pub(crate) path: String,
}

#[derive(Deserialize)]
struct PathTable {
    sensitive: Patterns,
    trees: Vec<String>,
    harmless_devices: Vec<String>,
    public_folders: Vec<String>,
}

/// Names, and parts of paths.
#[derive(Deserialize)]
struct Patterns {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    containing: Vec<String>,
}

impl Patterns {
    fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.names.iter().any(|each| each == name)
            || self.containing.iter().any(|each| path.contains(each.as_str()))
    }
}

// The table is compiled in and a test reads it: a failure can't reach users.
static TABLE: LazyLock<Option<PathTable>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/paths.toml")).ok());

/// Whether a path is a file of settings that hold credentials and are rarely
/// under version control: what it held before is lost when it is written.
pub(crate) fn holds_settings(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    (name == ".env" || name.starts_with(".env.")) && looks_secret(path)
}

/// Whether what is written there runs later, outside the sandbox.
pub(crate) fn is_sensitive(path: &str) -> bool {
    TABLE.as_ref().is_none_or(|table| table.sensitive.matches(path)) || is_sensitive_file(path)
}

/// Resolves `text` against `directory` (absolute) lexically.
pub(crate) fn normalise(text: &str, directory: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if text.starts_with('/') { "" } else { directory };
    for part in base.split('/').chain(text.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Finds where `text` leads from `directory`; `None` stands for an unknown
/// working directory.
pub(crate) fn place(text: &str, directory: Option<&str>, session: &SessionState) -> Place {
    let Some(directory) = directory.or_else(|| text.starts_with('/').then_some("/")) else {
        return Place { zone: Zone::Unknown, path: text.to_owned() };
    };
    if directory.starts_with('/')
        && let Some(place) = on_drive(text)
    {
        return place;
    }
    let path = normalise(text, directory);
    let mut zone = zone(&path, session);
    // `../x` leaves the project, also where that is a temporary folder.
    let climbs = !text.starts_with('/') && text.split('/').any(|part| part == "..");
    if zone == Zone::Temporary && climbs && below(directory, &session.project_root).is_some() {
        zone = Zone::System;
    }
    Place { zone, path }
}

/// A path on a Windows drive, `C:\Users` or `c:/`, which is no file's name here.
fn on_drive(text: &str) -> Option<Place> {
    let [letter, b':', b'/' | b'\\', ..] = text.as_bytes() else { return None };
    if !letter.is_ascii_alphabetic() {
        return None;
    }
    let path = text.replace('\\', "/");
    let parts: Vec<&str> = path[3..].split('/').filter(|part| !part.is_empty()).collect();
    let temporary = |part: &&str| matches!(part.to_ascii_lowercase().as_str(), "temp" | "tmp");
    let below = parts.iter().position(temporary).is_some_and(|at| at + 1 < parts.len());
    if below && !parts.contains(&"..") {
        return Some(Place { zone: Zone::Temporary, path });
    }
    let tree = match parts.as_slice() {
        [] | ["*"] => true,
        [first] | [first, "*"] => {
            let lower = first.to_ascii_lowercase();
            lower == "windows" || lower == "users" || lower.starts_with("program")
        }
        _ => false,
    };
    Some(Place { zone: if tree { Zone::Tree } else { Zone::System }, path })
}

/// Whether `path`, or what it is a pattern of, is a folder above the project:
/// such a folder is never private to the sandbox.
pub(crate) fn holds_project(path: &str, session: &SessionState) -> bool {
    let folder = path.trim_end_matches(['*', '?', '.', '[', ']']).trim_end_matches('/');
    below(&session.project_root, folder).is_some()
}

fn zone(path: &str, session: &SessionState) -> Zone {
    if is_kodes_own(path, session) {
        return Zone::Kode;
    }
    if let Some(rest) = below(path, "/dev") {
        return device(path, rest, session.bare_host);
    }
    // The parts of /proc that show the process's own descriptors.
    if path.starts_with("/proc/self/fd/") {
        return Zone::Null;
    }
    // A home below the project is a home, and no part of the project.
    let own_home = session.home.len() > session.project_root.len()
        && below(&session.home, &session.project_root).is_some()
        && below(path, &session.home).is_some();
    if !session.project_root.is_empty()
        && !own_home
        && let Some(rest) = below(path, &session.project_root)
    {
        return if rest.is_empty() { Zone::ProjectRoot } else { Zone::Project };
    }
    // Without a sandbox they are everybody's. A home below them is a home.
    let folders = ["/tmp", "/var/tmp"];
    let temporary = folders.iter().any(|folder| below(path, folder).is_some());
    let is_home = !folders.contains(&session.home.as_str())
        && !session.home.is_empty()
        && below(path, &session.home).is_some();
    let trimmed = path.trim_end_matches(['*', '?', '.', '[', ']']).trim_end_matches('/');
    // A folder that holds the project is not private to the sandbox.
    let holds_project = !folders.contains(&path) && below(&session.project_root, trimmed).is_some();
    // What lies beside a project that is itself in a folder of a temporary one
    // belongs to whoever made that folder.
    let parent = session.project_root.rsplit_once('/').map_or("", |(parent, _)| parent);
    let beside = !folders.contains(&parent)
        && folders.iter().any(|folder| below(parent, folder).is_some())
        && below(path, parent).is_some();
    if temporary && !is_home && !holds_project && !beside && !session.bare_host {
        return Zone::Temporary;
    }
    let known = TABLE.as_ref().is_none_or(|table| table.trees.iter().any(|tree| tree == trimmed));
    if trimmed.is_empty() || known || trimmed == session.home {
        return Zone::Tree;
    }
    let homes = [session.home.as_str(), "/root", "/home"];
    if homes.iter().any(|home| !home.is_empty() && below(path, home).is_some()) {
        return Zone::Home;
    }
    Zone::System
}

fn device(path: &str, rest: &str, bare_host: bool) -> Zone {
    if rest.starts_with("tcp/") || rest.starts_with("udp/") {
        return Zone::Network;
    }
    if rest.starts_with("shm/") {
        return if bare_host { Zone::System } else { Zone::Temporary };
    }
    let harmless = |table: &PathTable| {
        table
            .harmless_devices
            .iter()
            .any(|each| path == each || (each.ends_with('/') && path.starts_with(each.as_str())))
    };
    if TABLE.as_ref().is_some_and(harmless) { Zone::Null } else { Zone::Device }
}

/// kode's policy, audit log and sessions: the project's `kode.json` and
/// `.kode`, `$KODE_HOME`, and the managed folder.
fn is_kodes_own(path: &str, session: &SessionState) -> bool {
    let folders = [session.kode_home.as_str(), "/etc/kode"];
    if folders.iter().any(|folder| !folder.is_empty() && below(path, folder).is_some()) {
        return true;
    }
    // Compared without case: some file systems fold it.
    let own = |rest: &str, names: &[&str]| {
        let rest = rest.to_lowercase();
        names.iter().any(|name| below(&rest, name).is_some())
    };
    let in_home = below(path, &session.home).filter(|_| !session.home.is_empty());
    if in_home.is_some_and(|rest| own(rest, &[".kode", ".config/kode"])) {
        return true;
    }
    let in_project =
        below(path, &session.project_root).filter(|_| !session.project_root.is_empty());
    in_project.is_some_and(|rest| own(rest, &["kode.json", ".kode"]))
}

/// Whether everybody on the machine may read what is there anyway: programs,
/// libraries, the system's settings.
pub(crate) fn is_public(path: &str) -> bool {
    let holds = |folder: &String| below(path, folder).is_some();
    TABLE.as_ref().is_some_and(|table| table.public_folders.iter().any(holds))
        && !looks_secret(path)
}

/// Whether reading `path` with all it holds would read credentials or kode's
/// own sessions: a home, what holds homes, a hidden folder of a home, `/etc`.
pub(crate) fn holds_secrets(path: &str, session: &SessionState) -> bool {
    let path = path.trim_end_matches(['*', '.']).trim_end_matches('/');
    let homes =
        [session.home.as_str(), session.kode_home.as_str(), "/root", "/home/x", "/etc/shadow"];
    // A home that was put below the project is read with it.
    let root = session.project_root.as_str();
    let in_project = |place: &&str| {
        !root.is_empty() && below(place, root).is_some() && below(path, root).is_some()
    };
    if homes
        .iter()
        .filter(|home| !in_project(home))
        .any(|home| home.len() > 1 && below(home, path).is_some())
    {
        return true;
    }
    let in_kode_home = !session.kode_home.is_empty() && below(path, &session.kode_home).is_some();
    let hidden = below(path, &session.home)
        .filter(|_| !session.home.is_empty())
        .is_some_and(|rest| rest.starts_with('.') && !rest.contains('/'));
    in_kode_home || hidden || looks_secret(path)
}

/// Whether a pattern, such as `/e?c`, stands for a tree nobody deletes.
pub(crate) fn is_tree_pattern(path: &str) -> bool {
    let given = path.rsplit('/').next().is_some_and(|last| last.contains(char::is_alphanumeric));
    let stands_for = |tree: &String| {
        tree.matches('/').count() == path.matches('/').count() && glob_matches(path, tree)
    };
    given && TABLE.as_ref().is_none_or(|table| table.trees.iter().any(stands_for))
}

/// Whether recursively deleting `path` would take kode's own files with it.
pub(crate) fn holds_kodes_own(path: &str, session: &SessionState) -> bool {
    !session.kode_home.is_empty() && below(&session.kode_home, path).is_some()
}
