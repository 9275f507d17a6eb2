//! A temporary kode home and project with everything a session needs.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kode_audit::AuditLog;
use kode_base::{ChangeKind, ProjectPath};
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use kode_session::{Comparison, Session, SessionStore};

pub(crate) struct Workspace {
    /// Removed with everything in it when the test ends.
    _folder: Option<tempfile::TempDir>,
    pub(crate) home: PathBuf,
    pub(crate) root: ProjectRoot,
    pub(crate) files: ProjectFiles,
    pub(crate) store: SessionStore,
    pub(crate) gate: Gate,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        std::fs::create_dir(top.join("project")).unwrap();
        Self { _folder: Some(folder), ..Self::at(&top) }
    }

    /// The workspace that another process made in `top`.
    pub(crate) fn at(top: &Path) -> Self {
        let home = top.join("kode");
        let root = ProjectRoot::find(&top.join("project"), &top.join("user"), &home).unwrap();
        let files = ProjectFiles::open(&root).unwrap();
        let store = SessionStore::open(&home).unwrap();
        let audit = AuditLog::open(&home.join("audit"), "test").unwrap();
        let (policy, state) = (Policy::default(), SessionState::default());
        let gate = Gate::new(policy, audit, Box::new(NoTerminal), true, state);
        Self { _folder: None, home, root, files, store, gate }
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.place(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.place(path)).unwrap()
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.place(path)).unwrap();
    }

    pub(crate) fn link(&self, target: &str, path: &str) {
        std::os::unix::fs::symlink(target, self.place(path)).unwrap();
    }

    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.place(path), mode).unwrap();
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        self.place(path).metadata().unwrap().mode() & 0o7777
    }

    /// When a regular file was last written, in seconds and nanoseconds.
    pub(crate) fn modified(&self, path: &str) -> Option<(i64, i64)> {
        let metadata = self.place(path).symlink_metadata().ok().filter(|found| found.is_file())?;
        Some((metadata.mtime(), metadata.mtime_nsec()))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.place(path).symlink_metadata().is_ok()
    }

    /// Everything in the project but folders: mode and content, or where a link leads.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.root.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let place = entry.unwrap().path();
                let name = place.strip_prefix(self.root.path()).unwrap().to_str().unwrap();
                let kind = place.symlink_metadata().unwrap().file_type();
                if kind.is_symlink() {
                    let target = std::fs::read_link(&place).unwrap();
                    found.insert(name.to_owned(), format!("-> {}", target.display()));
                } else if kind.is_dir() {
                    folders.push(place);
                } else {
                    let content = String::from_utf8_lossy(&self.read(name)).into_owned();
                    found.insert(name.to_owned(), format!("{:o} {content}", self.mode(name)));
                }
            }
        }
        found
    }

    /// Takes away the folder `path` if it holds nothing but folders.
    pub(crate) fn remove_empty(&self, path: &str) {
        let below = format!("{path}/");
        let is_empty = !self.all().keys().any(|name| name.starts_with(&below));
        let kind = self.place(path).symlink_metadata().map(|found| found.is_dir());
        if is_empty && kind.unwrap_or(false) {
            std::fs::remove_dir_all(self.place(path)).unwrap();
        }
    }

    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// A new session with its base snapshot taken.
    pub(crate) fn session(&self) -> Session {
        let mut session = self.store.create(self.root.path(), "a task").unwrap();
        session.ensure_base(&self.root, &self.files).unwrap();
        session
    }

    pub(crate) fn resume(&self, id: &str) -> Session {
        self.store.resume(Some(id), self.root.path()).unwrap()
    }
}

pub(crate) fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text).unwrap()
}

/// The touched files in short.
pub(crate) fn touched(comparison: &Comparison) -> Vec<(&str, ChangeKind)> {
    comparison.files.iter().map(|file| (file.path.as_str(), file.change)).collect()
}
