//! Where a walk takes its ignore rules from. A snapshot records the rules of
//! its moment, so that later walks can hold on to them: a rule that is added
//! afterwards hides nothing.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use serde::{Deserialize, Serialize};

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
            Self::Fixed(rules) => rules.by_folder.get(folder).cloned().unwrap_or_default(),
        }
    }
}
