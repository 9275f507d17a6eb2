//! What setting an environment variable does to programs started later.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::evaluate::glob_matches as glob;

/// What a variable means to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Data.
    Plain,
    /// Where programs or libraries are searched.
    Searched,
    /// Its value is run, or loaded as code.
    Runs,
}

#[derive(Deserialize)]
struct Table {
    runs: Vec<String>,
    programs: Vec<String>,
    flags: Vec<String>,
    searched: Vec<String>,
    ordinary_folders: Vec<String>,
}

static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/environment.toml")).ok());

/// What giving `name` this `value` means. Without its table every variable
/// runs its value.
pub(crate) fn meaning(name: &str, value: &str) -> Meaning {
    let Some(table) = TABLE.as_ref() else { return Meaning::Runs };
    let listed = |list: &[String]| list.iter().any(|each| glob(each, name));
    let first = value.split_whitespace().next().unwrap_or_default();
    let unknown_program = listed(&table.programs) && !super::table::knows(first);
    let runs_by_flag = listed(&table.flags) && value.contains("exec");
    if listed(&table.runs) || unknown_program || runs_by_flag {
        Meaning::Runs
    } else if listed(&table.searched) {
        Meaning::Searched
    } else {
        Meaning::Plain
    }
}

/// Whether a search path holds only folders where programs are expected.
pub(crate) fn is_ordinary_path(value: &str) -> bool {
    let Some(table) = TABLE.as_ref() else { return false };
    value.split(':').all(|folder| {
        table.ordinary_folders.iter().any(|each| glob(each, folder.trim_end_matches('/')))
    })
}
