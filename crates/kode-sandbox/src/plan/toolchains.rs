//! Which parts of the user's own toolchains commands may read.
//!
//! Named subtrees only, never a home, its ancestors, anything world-writable
//! or in the project, and never a file that holds credentials or settings.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::plan::environment::variable;
use crate::plan::toolchain_list::{TOOLCHAINS, Toolchain};
use crate::plan::{links, private_parts};
use crate::{ProjectRoot, SandboxSettings};

impl Toolchain {
    /// Whether `base` holds what shows that it is this toolchain's.
    fn is_at(&self, base: &Path) -> bool {
        let proof = PROOFS.iter().find(|(variable, _)| *variable == self.variable);
        proof.is_none_or(|(_, program)| base.join(program).is_file())
    }
}

/// What a root that is shown whole must hold: a variable alone could name any folder.
const PROOFS: &[(&str, &str)] = &[("GOROOT", "bin/go"), ("JAVA_HOME", "bin/java")];

/// Names of folders on `PATH` outside the system that are shown as they are.
const PROGRAM_FOLDERS: &[&str] = &["bin", "sbin", "shims"];

/// A part of the host's file system that commands may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// Canonical.
    pub(super) source: PathBuf,
    /// As the environment names it.
    pub(super) target: String,
    /// Writable inside, into memory.
    pub(super) is_cache: bool,
}

/// The toolchains of this host.
#[derive(Debug, Default)]
pub(super) struct Toolchains {
    /// Without duplicates, outer folders first.
    pub(super) grants: Vec<Grant>,
    /// Roots outside home, where programs expect to write locks and caches:
    /// each gets a private folder in memory below its grants.
    pub(super) roots: Vec<String>,
    /// Settings among what is shown.
    pub(super) private: Vec<PathBuf>,
}

pub(super) fn find(root: &ProjectRoot, settings: &SandboxSettings, home: &str) -> Toolchains {
    let check = Check::new(root, settings, home);
    let mut grants: Vec<Grant> = Vec::new();
    let mut roots: Vec<String> = Vec::new();
    let mut private = private_parts::of_the_system();
    for toolchain in TOOLCHAINS {
        let base = check.base(toolchain).filter(|base| fs::symlink_metadata(base).is_ok());
        let Some(base) = base.filter(|base| toolchain.is_at(base)) else { continue };
        let before = grants.len();
        for part in toolchain.parts {
            grants.extend(check.grant(&base.join(part)));
        }
        for part in toolchain.caches {
            let grant = check.grant(&base.join(part));
            grants.extend(grant.map(|grant| Grant { is_cache: true, ..grant }));
        }
        if grants.len() > before {
            private.extend(private_parts::of(toolchain.default, &base));
        }
        let is_root = grants.len() > before && toolchain.parts != ["."];
        if is_root && !base.starts_with(home) {
            roots.extend(base.to_str().map(str::to_owned));
        }
    }
    let path = variable(&settings.host.variables, "PATH").unwrap_or_default();
    for entry in path.split(':').map(Path::new) {
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if PROGRAM_FOLDERS.contains(&name) && !system(entry) {
            // An environment of some project's: what it is a link to, a command may have
            // chosen.
            grants.extend(check.grant(entry).filter(|grant| {
                let leads_to = grant.source.file_name().and_then(|name| name.to_str());
                leads_to.is_some_and(|name| PROGRAM_FOLDERS.contains(&name))
            }));
        }
    }
    grants.sort_by(|one, other| one.target.cmp(&other.target));
    let mut kept: Vec<Grant> = Vec::new();
    for grant in grants {
        let covered = |outer: &Grant| Path::new(&grant.target).starts_with(&outer.target);
        if !kept.iter().any(covered) {
            kept.push(grant);
        }
    }
    let is_shown = |path: &PathBuf| {
        path.starts_with("/etc") || kept.iter().any(|grant| path.starts_with(&grant.target))
    };
    private.retain(is_shown);
    Toolchains { grants: kept, roots, private }
}

/// Whether the system view shows `path` anyway.
pub(super) fn system(path: &Path) -> bool {
    ["/usr", "/bin", "/sbin"].iter().any(|folder| path.starts_with(folder))
}

struct Check<'a> {
    settings: &'a SandboxSettings,
    home: &'a str,
    /// Neither these nor what holds them may be shown.
    private: Vec<PathBuf>,
    /// Nothing inside these may be shown.
    closed: Vec<PathBuf>,
    user: u32,
}

impl<'a> Check<'a> {
    fn new(root: &ProjectRoot, settings: &'a SandboxSettings, home: &'a str) -> Self {
        let host = &settings.host;
        let named = [PathBuf::from(home), host.home.clone(), host.kode_home.clone()];
        let resolved: Vec<PathBuf> =
            named.iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect();
        let mut private: Vec<PathBuf> = named.into_iter().chain(resolved).collect();
        private.push(root.path().to_owned());
        private.retain(|folder| !folder.as_os_str().is_empty());
        let closed = [root.path(), &host.kode_home];
        let closed = closed.iter().filter(|folder| !folder.as_os_str().is_empty());
        Self {
            settings,
            home,
            private,
            closed: closed.map(|folder| folder.to_path_buf()).collect(),
            user: rustix::process::geteuid().as_raw(),
        }
    }

    fn base(&self, toolchain: &Toolchain) -> Option<PathBuf> {
        if let Some(value) = variable(&self.settings.host.variables, toolchain.variable)
            && value.starts_with('/')
        {
            return Some(PathBuf::from(value.trim_end_matches('/')));
        }
        (!toolchain.default.is_empty()).then(|| Path::new(self.home).join(toolchain.default))
    }

    fn grant(&self, path: &Path) -> Option<Grant> {
        let path: PathBuf = path.components().collect();
        let target = path.to_str()?.trim_end_matches("/.").to_owned();
        let is_plain = target.starts_with('/') && !target.contains("..");
        if !is_plain || system(&path) || fs::symlink_metadata(&path).is_err() {
            return None;
        }
        let source = fs::canonicalize(&path).ok()?;
        let may = !system(&source) && self.is_safe(&source, &path) && self.is_meant(&source, &path);
        may.then_some(Grant { source, target, is_cache: false })
    }

    /// Owned by root or this user, not writable by others, and nowhere near
    /// what must stay hidden.
    fn is_safe(&self, source: &Path, target: &Path) -> bool {
        let Ok(metadata) = fs::metadata(source) else { return false };
        let owned = metadata.uid() == self.user || metadata.uid() == 0;
        let closed = metadata.mode() & 0o002 == 0;
        owned && closed && [source, target].iter().all(|path| !self.is_private(path))
    }

    /// Whether no link that a command could have made leads from the path to the source:
    /// none lies in the project, and none leads to a folder of settings that the path
    /// doesn't name, or to one that is closed to others.
    fn is_meant(&self, source: &Path, path: &Path) -> bool {
        if source == path {
            return true;
        }
        let Some(links) = links::on_the_way(path) else { return false };
        let is_closed = |link: &PathBuf| self.closed.iter().any(|folder| link.starts_with(folder));
        let is_hidden = |part: &Component<'_>| {
            part.as_os_str().as_bytes().starts_with(b".")
                && !path.components().any(|it| it == *part)
        };
        let is_shut = || fs::metadata(source).map_or(true, |found| found.mode() & 0o055 == 0);
        let is_renamed = source.file_name() != path.file_name();
        let is_odd = is_renamed && (source.components().any(|part| is_hidden(&part)) || is_shut());
        !links.iter().any(is_closed) && !is_odd
    }

    fn is_private(&self, path: &Path) -> bool {
        let shallow = path.components().count() < 3;
        shallow
            || self.private.iter().any(|folder| folder.starts_with(path))
            || self.closed.iter().any(|folder| path.starts_with(folder))
    }
}
