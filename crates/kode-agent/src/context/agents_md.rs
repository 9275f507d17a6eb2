//! `AGENTS.md` from the project root down to the working directory: project
//! context, wrapped as data. Reading it makes the session's context untrusted.

use kode_base::{ModelVisible, ProjectPath};
use kode_sandbox::{FileError, ProjectFiles};
use sha2::{Digest, Sha256};

use super::{Hidden, Redactor, WrapError, wrap_and_inspect};

/// Larger files are cut: context is for summaries, not for manuals.
const AGENTS_BYTES_MAX: u64 = 64 * 1024;

/// What was read from the project before the first turn.
#[derive(Debug, Default)]
pub struct ProjectContext {
    /// Wrapped `AGENTS.md` files, root first.
    pub parts: Vec<ModelVisible>,
    /// Where they came from.
    pub sources: Vec<ProjectPath>,
    /// SHA-256 of each file, as read.
    pub digests: Vec<(ProjectPath, [u8; 32])>,
    /// What was hidden in them.
    pub hidden: Vec<(ProjectPath, Vec<Hidden>)>,
    /// Things to tell the person, such as a file that could not be read.
    pub notices: Vec<String>,
}

/// Reads every `AGENTS.md` from the root down to `directory`.
///
/// # Errors
/// When wrapping fails; unreadable files become notices.
pub fn read_project_context(
    files: &ProjectFiles,
    directory: &ProjectPath,
    redactor: &Redactor,
) -> Result<ProjectContext, WrapError> {
    let mut context = ProjectContext::default();
    for path in candidates(directory) {
        match files.snapshot_read(&path, AGENTS_BYTES_MAX) {
            Ok(bytes) => {
                #[expect(clippy::disallowed_methods, reason = "hashing shows nothing")]
                let digest = Sha256::digest(bytes.expose()).into();
                let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let (part, hidden) = wrap_and_inspect(path.as_str(), &text, redactor)?;
                context.parts.push(part);
                context.digests.push((path.clone(), digest));
                context.hidden.push((path.clone(), hidden));
                context.sources.push(path);
            }
            Err(FileError::NotFound(_)) => {}
            Err(error) => context.notices.push(format!("{path} was not read: {error}")),
        }
    }
    Ok(context)
}

fn candidates(directory: &ProjectPath) -> Vec<ProjectPath> {
    let mut folder = ProjectPath::root();
    let mut paths = vec![folder.join("AGENTS.md")];
    for part in directory.components() {
        if let Ok(next) = folder.join(part) {
            folder = next;
        }
        paths.push(folder.join("AGENTS.md"));
    }
    paths.into_iter().filter_map(Result::ok).collect()
}
