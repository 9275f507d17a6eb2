//! Notices when a command opens one of the project's credential files. Only what
//! happens between a command's start and its end counts: kode itself reads these
//! files before and after, to compare them. It tells nothing of what was read.

use kode_base::ProjectPath;
use kode_sandbox::{FileError, OpenWatch, ProjectFiles};

/// What was noticed of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// It opened a credential.
    Opened,
    /// A tool of kode's read a file that was one under another name.
    Read(ProjectPath),
    /// It could not be watched, which counts as much.
    Unwatched(String),
}

/// The project's credential files, watched while commands run.
#[derive(Debug, Default)]
pub(crate) struct CredentialWatch {
    files: Vec<ProjectPath>,
    watch: Option<OpenWatch>,
    noticed: Option<Noticed>,
}

impl CredentialWatch {
    pub(crate) fn over(files: Vec<ProjectPath>) -> Self {
        Self { files, ..Self::default() }
    }

    /// Whether there is no credential to watch.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Right before a command: files that replaced watched ones are watched too, and
    /// what was opened before is not the command's doing.
    pub(super) fn begin(&mut self, files: &ProjectFiles) {
        if let Err(error) = self.watch_all(files) {
            self.noticed = Some(Noticed::Unwatched(error.to_string()));
        }
    }

    fn watch_all(&mut self, files: &ProjectFiles) -> Result<(), FileError> {
        if self.files.is_empty() {
            return Ok(());
        }
        let watch = match self.watch.take() {
            Some(watch) => watch,
            None => OpenWatch::new()?,
        };
        for path in &self.files {
            watch.add(files, path)?;
        }
        watch.opened();
        self.watch = Some(watch);
        Ok(())
    }

    /// Right after it, before anything else looks at the files.
    pub(super) fn end(&mut self) {
        if self.watch.as_ref().is_some_and(OpenWatch::opened) {
            self.noticed = Some(Noticed::Opened);
        }
    }

    /// A tool of kode's read what was a credential under another name.
    pub(super) fn was_read(&mut self, path: &ProjectPath) {
        self.noticed = Some(Noticed::Read(path.clone()));
    }

    /// What was noticed since the last time.
    pub(crate) fn take_noticed(&mut self) -> Option<Noticed> {
        self.noticed.take()
    }
}
