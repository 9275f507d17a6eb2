//! A project in memory.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_edit::{EditRefusal, FileChange, Project};

pub(crate) struct Files(pub(crate) BTreeMap<ProjectPath, Vec<u8>>);

impl Files {
    pub(crate) fn of(files: &[(&str, &[u8])]) -> Self {
        let entry = |(name, bytes): &(&str, &[u8])| (at(name), bytes.to_vec());
        Self(files.iter().map(entry).collect())
    }

    pub(crate) fn write(&mut self, changes: Vec<FileChange>) {
        for change in changes {
            match change.after {
                Some(bytes) => self.0.insert(change.path, bytes),
                None => self.0.remove(&change.path),
            };
        }
    }
}

impl Project for Files {
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal> {
        Ok(self.0.get(path).cloned())
    }

    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal> {
        Ok(self.0.keys().cloned().collect())
    }
}

pub(crate) fn at(name: &str) -> ProjectPath {
    ProjectPath::new(name).unwrap()
}
