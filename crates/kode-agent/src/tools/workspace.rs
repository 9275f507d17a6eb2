//! The project as the tools see it: gate, sandbox, confined files, and what
//! was read so far.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kode_base::{FileRead, Interrupt, ProjectPath, Untrusted};
use kode_gate::{Decision, Gate};
use kode_sandbox::{ProjectFiles, ProjectRoot, Sandbox};

use super::ToolOutcome;
use super::credential_watch::CredentialWatch;
use crate::editing::digest;

/// Files past this are not read whole by any tool.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Files the gate is told of for one command at most.
const KNOWN_FILES_MAX: usize = 64;
/// Larger files the gate is not told of.
const KNOWN_FILE_BYTES_MAX: u64 = 256 * 1024;

/// A file read through the gate, its bytes, and the gate's decision.
type PermittedRead = (ProjectPath, Untrusted<Vec<u8>>, Decision);

/// Everything a tool may touch.
pub(crate) struct Workspace {
    pub(crate) root: ProjectRoot,
    pub(crate) files: ProjectFiles,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) gate: Gate,
    pub(crate) interrupt: Interrupt,
    /// Files that differ from the base snapshot, as of the last step.
    pub(crate) touched: Vec<ProjectPath>,
    /// Tells when a command opens a credential.
    pub(crate) credentials: CredentialWatch,
    /// SHA-256 of each file as the model last read or wrote it.
    pub(super) last_read: HashMap<ProjectPath, [u8; 32]>,
}

impl Workspace {
    /// A workspace nothing was read in yet.
    pub(crate) fn new(
        root: ProjectRoot,
        files: ProjectFiles,
        sandbox: Arc<Sandbox>,
        gate: Gate,
        interrupt: Interrupt,
    ) -> Self {
        let (touched, credentials) = (Vec::new(), CredentialWatch::default());
        let last_read = HashMap::new();
        Self { root, files, sandbox, gate, interrupt, touched, credentials, last_read }
    }

    /// Tells the gate what touched files that `command` names hold, so that a
    /// script the agent wrote is judged by what it does.
    pub(super) fn tell_scripts(&mut self, command: &str) {
        let named = |path: &&ProjectPath| {
            let name = path.as_str().rsplit('/').next().unwrap_or_default();
            !name.is_empty() && command.contains(name)
        };
        let known = self.touched.iter().filter(named).take(KNOWN_FILES_MAX);
        let known =
            known.filter_map(|path| Some((path.as_str().to_owned(), text_of(&self.files, path)?)));
        self.gate.state.known_files = known.collect();
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
            Ok(bytes) => {
                if self.sandbox.remembers_as_credential(&path) {
                    self.credentials.was_read(&path);
                }
                Ok((path, bytes, decision))
            }
            Err(error) => {
                Err(Box::new(ToolOutcome::failed(error.to_string()).with_decision(decision)))
            }
        }
    }

    /// Remembers what the model now knows of a file.
    #[expect(clippy::disallowed_methods, reason = "hashing shows nothing")]
    pub(super) fn remember(&mut self, path: &ProjectPath, bytes: &Untrusted<Vec<u8>>) {
        self.last_read.insert(path.clone(), digest(bytes.expose()));
        parse_in_the_background(path.clone(), bytes.expose().clone());
    }
}

/// Files that are parsed at this moment; more are not begun.
static PARSES: AtomicUsize = AtomicUsize::new(0);
const PARSES_MAX: usize = 2;

/// While the model thinks about a file it read, kode parses it: an edit is quick then.
fn parse_in_the_background(path: ProjectPath, bytes: Vec<u8>) {
    if PARSES.fetch_add(1, Ordering::Relaxed) >= PARSES_MAX {
        PARSES.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let parse = move || {
        kode_edit::parse_ahead(&path, &bytes);
        PARSES.fetch_sub(1, Ordering::Relaxed);
    };
    // Without a thread the edit parses the file itself.
    if std::thread::Builder::new().spawn(parse).is_err() {
        PARSES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A small text file's content, for the gate's eyes only.
#[expect(clippy::disallowed_methods, reason = "the gate judges by it; nothing is shown")]
pub(super) fn text_of(files: &ProjectFiles, path: &ProjectPath) -> Option<String> {
    let bytes = files.planning_read(path, KNOWN_FILE_BYTES_MAX).ok()?;
    String::from_utf8(bytes.expose().clone()).ok()
}

/// A model's argument, fit to be shown in an error.
pub(super) fn shown(text: &str) -> String {
    kode_base::escape::escape_line(text).chars().take(200).collect()
}
