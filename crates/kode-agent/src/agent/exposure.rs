//! Credentials that programs open: a command that opened one may have written or
//! printed it in a form nobody recognises (compressed, a cipher, octal). Whatever
//! route it took, the context counts as exposed from there on, and hosts that the
//! user neither names nor lists are closed. It tells nothing of what was read.

use kode_base::ProjectPath;
use kode_gate::Label;
use kode_sandbox::{FileError, OpenWatch, ProjectFiles};

use super::{Agent, BeginError};

/// The project's credential files, watched while commands run.
#[derive(Debug, Default)]
pub(super) struct CredentialWatch {
    files: Vec<ProjectPath>,
    watch: Option<OpenWatch>,
}

impl CredentialWatch {
    pub(super) fn over(files: Vec<ProjectPath>) -> Self {
        Self { files, watch: None }
    }

    /// Before a command: files that replaced watched ones are watched too, and
    /// what was opened before is not the command's doing.
    fn begin(&mut self, files: &ProjectFiles) -> Result<(), FileError> {
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

    fn opened(&self) -> bool {
        self.watch.as_ref().is_some_and(OpenWatch::opened)
    }
}

impl Agent<'_> {
    /// Begins to watch; what can't be watched counts as opened.
    pub(super) fn watch_credentials(&mut self) -> Result<(), BeginError> {
        if self.workspace.gate.state.credential_opened {
            return Ok(());
        }
        match self.credentials.begin(&self.workspace.files) {
            Ok(()) => Ok(()),
            Err(error) => self.expose(&format!(
                "whether a program opens the project's credentials can't be watched ({error})"
            )),
        }
    }

    /// After a command: whether it opened a credential, by any name.
    pub(super) fn look_for_opened_credentials(&mut self) -> Result<(), BeginError> {
        if self.workspace.gate.state.credential_opened || !self.credentials.opened() {
            return Ok(());
        }
        self.expose("a program that the command ran opened one of the project's credentials")
    }

    /// A command that a kill interrupted may have opened one.
    pub(super) fn expose_after_a_kill(&mut self) -> Result<(), BeginError> {
        if self.credentials.files.is_empty() || self.workspace.gate.state.credential_opened {
            return Ok(());
        }
        self.expose("kode was stopped while a command ran, which may have opened a credential")
    }

    fn expose(&mut self, what: &str) -> Result<(), BeginError> {
        let text = format!(
            "{what}. What it wrote or printed may hold it in another form: hosts that you neither \
             name in the task nor list are closed from here on"
        );
        self.trace(Label::EXPOSED, "secret.opened", text)
    }
}
