//! The person's editor: which one, and opened on a project file.

use kode_base::ProjectPath;
use kode_sandbox::{ProjectFiles, open_in_editor};

use crate::failure::Failure;
use crate::places::Places;

/// Opens the file in `$VISUAL` or `$EDITOR` and waits until it is closed. The
/// terminal must be in its ordinary mode.
pub(super) fn edit(places: &Places, path: &ProjectPath) -> Result<(), Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_default();
    let root = places.project_root()?;
    let files = ProjectFiles::open(&root)?;
    open_in_editor(&editor, path, &root, &files).map_err(|error| Failure::error(error.to_string()))
}
