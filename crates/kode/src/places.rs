//! Where things are: home, `$KODE_HOME`, the working folder, the project root.

use std::path::PathBuf;

use kode_base::{ExitStatus, ProjectPath};
use kode_sandbox::ProjectRoot;

use crate::failure::Failure;

/// The machine-wide policy file.
pub(crate) const MANAGED_FILE: &str = "/etc/kode/managed.json";

/// The folders a command works with.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The user's home folder.
    pub(crate) home: PathBuf,
    /// `$KODE_HOME`, default `~/.kode`.
    pub(crate) kode_home: PathBuf,
    /// Where kode was started.
    pub(crate) working: PathBuf,
    /// The same as the project is found from: not by a path that leads elsewhere when a
    /// command of a project around it exchanges a folder.
    pub(crate) start: PathBuf,
}

impl Places {
    /// Reads `HOME`, `KODE_HOME` and the working folder.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let kode_home =
            std::env::var_os("KODE_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = home.or_else(|| kode_home.clone()).ok_or_else(|| {
            Failure::new(ExitStatus::Usage, "neither HOME nor KODE_HOME is set")
                .hint("set KODE_HOME to a folder where kode may keep its sessions")
        })?;
        let working = std::env::current_dir().map_err(|error| {
            Failure::error(format!("the working folder can't be used: {error}"))
                .hint("change to a folder that exists")
        })?;
        let kode_home = kode_home.unwrap_or_else(|| home.join(".kode"));
        if !kode_home.is_absolute() {
            return Err(Failure::new(
                ExitStatus::Usage,
                format!("KODE_HOME={} is not an absolute path", kode_home.display()),
            ));
        }
        Ok(Self { home, kode_home, working, start: PathBuf::from(".") })
    }

    /// The project root for the working folder.
    pub(crate) fn project_root(&self) -> Result<ProjectRoot, Failure> {
        Ok(ProjectRoot::find(&self.start, &self.home, &self.kode_home)?)
    }

    /// The working folder relative to `root`.
    pub(crate) fn directory_below(&self, root: &ProjectRoot) -> ProjectPath {
        let below = self.working.strip_prefix(root.path()).ok().and_then(|path| path.to_str());
        below.and_then(|path| ProjectPath::new(path).ok()).unwrap_or_else(ProjectPath::root)
    }

    /// The audit log's folder.
    pub(crate) fn audit_folder(&self) -> PathBuf {
        self.kode_home.join("audit")
    }
}
