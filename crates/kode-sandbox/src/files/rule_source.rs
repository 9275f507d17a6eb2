//! Where a walk takes its ignore rules from. A snapshot records the rules of
//! its moment, so that later walks can hold on to them: a rule that is added
//! afterwards hides nothing.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use serde::{Deserialize, Serialize};

use super::ignore_rules::{IGNORE_FILE_BYTES_MAX, IGNORE_FILES};

/// The ignore files of a project at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IgnoreRules {
    /// The texts of each folder's ignore files, weaker ones first.
    by_folder: BTreeMap<ProjectPath, Vec<String>>,
}

/// Which ignore rules a walk follows.
#[derive(Debug)]
pub enum RuleSource<'a> {
    /// Those the project has now.
    Disk,
    /// Those the project has now; they are written down.
    Record(&'a mut IgnoreRules),
    /// These, whatever the project has now.
    Fixed(&'a IgnoreRules),
    /// The same for a walk that only reads, as with [`RuleSource::Disk`].
    Past(&'a IgnoreRules),
}

/// Whether a file of this name holds ignore rules.
pub fn is_ignore_file(name: &str) -> bool {
    IGNORE_FILES.contains(&name)
}

impl IgnoreRules {
    /// The rules of a project in which these ignore files have these texts.
    pub fn of_files<'t>(files: impl Iterator<Item = (&'t ProjectPath, &'t [u8])>) -> Self {
        let mut found: Vec<(ProjectPath, usize, String)> = files
            .filter_map(|(path, text)| {
                let rank = IGNORE_FILES.iter().position(|name| *name == path.file_name())?;
                let folder = path.as_str().rsplit_once('/').map_or(".", |(folder, _)| folder);
                let text = &text[..text.len().min(IGNORE_FILE_BYTES_MAX as usize)];
                let text = String::from_utf8_lossy(text).into_owned();
                Some((ProjectPath::new(folder).ok()?, rank, text))
            })
            .collect();
        found.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        let mut rules = Self::default();
        for (folder, _, text) in found {
            rules.by_folder.entry(folder).or_default().push(text);
        }
        rules
    }
}

impl RuleSource<'_> {
    /// The texts for `folder`; `read` gets them from the disk.
    pub(super) fn texts(
        &mut self,
        folder: &ProjectPath,
        read: impl FnOnce() -> Vec<String>,
    ) -> Vec<String> {
        match self {
            Self::Disk => read(),
            Self::Record(rules) => {
                let texts = read();
                if !texts.is_empty() {
                    rules.by_folder.insert(folder.clone(), texts.clone());
                }
                texts
            }
            Self::Fixed(rules) | Self::Past(rules) => {
                rules.by_folder.get(folder).cloned().unwrap_or_default()
            }
        }
    }
}
