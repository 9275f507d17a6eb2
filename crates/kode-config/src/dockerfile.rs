//! `Dockerfile.kode`: what a project would have its container built from. Like
//! `kode.json` it counts only once a person trusted exactly these bytes.

use std::path::Path;

use kode_base::escape::escape_line;

use crate::project::{self, ProjectFile};
use crate::{ConfigError, trust};

/// Its name, in the project's root.
const FILE_NAME: &str = "Dockerfile.kode";

/// One reading of it.
#[derive(Debug)]
pub struct Dockerfile(ProjectFile);

impl Dockerfile {
    /// Reads it; `None` without one.
    ///
    /// # Errors
    /// When it leads out of the project or is no small ordinary file.
    pub fn read(project_root: &Path) -> Result<Option<Self>, ConfigError> {
        Ok(project::read_named(project_root, FILE_NAME)?.map(Self))
    }

    /// Its text, once a person trusted exactly this; `None` before.
    ///
    /// # Errors
    /// When the trust store is unfit, or the file is trusted and not UTF-8.
    pub fn trusted(&self, kode_home: &Path) -> Result<Option<String>, ConfigError> {
        let known = trust::trusted_dockerfile(kode_home, self.root()?)?;
        if known != Some(self.0.sha256()) {
            return Ok(None);
        }
        let text = String::from_utf8(self.0.bytes.clone());
        text.map(Some).map_err(|_| ConfigError::whole(&self.0.path, "this file is not UTF-8"))
    }

    /// The sentence that it has no effect yet.
    pub fn ignored(&self) -> String {
        format!(
            "{} is ignored because it is not trusted as it is now; read it, then run `kode trust`",
            escape_line(&self.0.path.to_string_lossy())
        )
    }

    /// Its text, with what could deceive the eye made visible.
    pub fn text(&self) -> String {
        kode_base::escape::escape_block(&String::from_utf8_lossy(&self.0.bytes))
    }

    /// Records the trust durably and says so in one sentence.
    ///
    /// # Errors
    /// When `$KODE_HOME` or the trust store is unfit or can't be written.
    pub fn accept(self, kode_home: &Path) -> Result<String, ConfigError> {
        let sha256 = self.0.sha256();
        trust::trust_dockerfile(kode_home, self.root()?, &sha256)?;
        Ok(format!(
            "trusted {} with SHA-256 {}…; `--sandbox` builds its container from it; any change to \
             the file ends the trust",
            escape_line(&self.0.path.to_string_lossy()),
            sha256.get(..12).unwrap_or(&sha256),
        ))
    }

    fn root(&self) -> Result<&str, ConfigError> {
        trust::root_name(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

    use super::*;

    #[test]
    fn it_counts_once_trusted_and_until_it_changes() {
        let home = tempfile::tempdir().unwrap();
        let (kode_home, root) = (home.path().join("kode"), home.path().join("project"));
        std::fs::create_dir(&root).unwrap();
        assert!(Dockerfile::read(&root).unwrap().is_none());
        std::fs::write(root.join(FILE_NAME), "FROM a\n").unwrap();
        let read = || Dockerfile::read(&root).unwrap().unwrap();
        assert_eq!(read().trusted(&kode_home).unwrap(), None);
        assert!(read().accept(&kode_home).unwrap().contains("Dockerfile.kode"));
        assert_eq!(read().trusted(&kode_home).unwrap().as_deref(), Some("FROM a\n"));
        std::fs::write(root.join(FILE_NAME), "FROM b\n").unwrap();
        assert_eq!(read().trusted(&kode_home).unwrap(), None);
        assert!(read().ignored().contains("kode trust"));
    }
}
