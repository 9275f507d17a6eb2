//! The project as the tools see it: gate, sandbox, confined files, and what
//! was read so far.

use std::collections::HashMap;

use kode_base::{FileRead, Interrupt, ProjectPath, Untrusted};
use kode_gate::{Decision, Gate};
use kode_sandbox::{ProjectFiles, ProjectRoot, Sandbox};

use super::ToolOutcome;
use crate::editing::digest;

/// Files past this are not read whole by any tool.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A file read through the gate, its bytes, and the gate's decision.
type PermittedRead = (ProjectPath, Untrusted<Vec<u8>>, Decision);

/// Everything a tool may touch.
pub(crate) struct Workspace {
    pub(crate) root: ProjectRoot,
    pub(crate) files: ProjectFiles,
    pub(crate) sandbox: Sandbox,
    pub(crate) gate: Gate,
    pub(crate) interrupt: Interrupt,
    /// SHA-256 of each file as the model last read or wrote it.
    pub(super) last_read: HashMap<ProjectPath, [u8; 32]>,
}

impl Workspace {
    /// A workspace nothing was read in yet.
    pub(crate) fn new(
        root: ProjectRoot,
        files: ProjectFiles,
        sandbox: Sandbox,
        gate: Gate,
        interrupt: Interrupt,
    ) -> Self {
        Self { root, files, sandbox, gate, interrupt, last_read: HashMap::new() }
    }

    /// The project path a model's argument means: relative to the root, or
    /// absolute below it.
    pub(crate) fn path(&self, text: &str) -> Result<ProjectPath, String> {
        let root = self.root.path().to_string_lossy();
        ProjectPath::below(&root, text).map_err(|error| {
            format!("{}: {error}; give a path relative to the project root", shown(text))
        })
    }

    /// Reads the file that a model's argument means, through the gate.
    ///
    /// # Errors
    /// The outcome for the model.
    pub(super) fn read(&mut self, text: &str) -> Result<PermittedRead, Box<ToolOutcome>> {
        let path = self.path(text).map_err(|why| Box::new(ToolOutcome::failed(why)))?;
        let read = FileRead { path: path.clone() };
        let permitted = self.gate.authorize(read);
        let (permit, decision) =
            permitted.map_err(|denial| Box::new(ToolOutcome::denied(denial)))?;
        match self.files.read(permit, FILE_BYTES_MAX) {
            Ok(bytes) => Ok((path, bytes, decision)),
            Err(error) => {
                Err(Box::new(ToolOutcome::failed(error.to_string()).with_decision(decision)))
            }
        }
    }

    /// Remembers what the model now knows of a file.
    #[expect(clippy::disallowed_methods, reason = "hashing shows nothing")]
    pub(super) fn remember(&mut self, path: &ProjectPath, bytes: &Untrusted<Vec<u8>>) {
        self.last_read.insert(path.clone(), digest(bytes.expose()));
    }
}

/// A model's argument, fit to be shown in an error.
pub(super) fn shown(text: &str) -> String {
    kode_base::escape::escape_line(text).chars().take(200).collect()
}
