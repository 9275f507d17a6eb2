//! Macros that a C or C++ file takes from headers of the project: one of the new name
//! would stand in for it, and one whose body or `##` makes the old name hides a place.

use std::collections::BTreeSet;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, MacroHazards, macro_definitions};

use crate::operation::Project;
use crate::refusal::{EditRefusal, refuse};
use crate::rename::ScopedFile;

/// How many headers are read for one rename.
const MAX_HEADERS: usize = 500;

/// Refuses where a macro of an included header of the project stands in the way.
pub(crate) fn check(
    project: &dyn Project,
    file: &ScopedFile<'_>,
    name: &str,
    new_name: &str,
) -> Result<(), EditRefusal> {
    if !matches!(file.language, Language::C | Language::Cpp) {
        return Ok(());
    }
    let code = String::from_utf8_lossy(file.source);
    let mut pending = included(&code);
    if pending.is_empty() {
        return Ok(());
    }
    let files = project.files()?;
    let mut seen = BTreeSet::new();
    while let Some(include) = pending.pop() {
        for path in files.iter().filter(|path| may_be(path, &include)) {
            if path == file.path || !seen.insert(path.clone()) {
                continue;
            }
            if seen.len() > MAX_HEADERS {
                return refuse!("{} includes more than {MAX_HEADERS} headers", file.path);
            }
            let Some(source) = project.read(path)? else { continue };
            let header = String::from_utf8_lossy(&source);
            check_header(path, &header, &code, name, new_name)?;
            pending.extend(included(&header));
        }
    }
    Ok(())
}

fn check_header(
    path: &ProjectPath,
    header: &str,
    code: &str,
    name: &str,
    new_name: &str,
) -> Result<(), EditRefusal> {
    let macros = macro_definitions(header);
    if macros.iter().any(|one| one.name == new_name) {
        return refuse!("`{}` is a macro that {path} defines", escape_line(new_name));
    }
    let hazards = MacroHazards::of(&macros, code);
    match [name, new_name].into_iter().find_map(|name| Some((name, hazards.why_not(name)?))) {
        Some((name, why)) => {
            refuse!("`{}` can't be renamed safely: {path} has macros: {why}", escape_line(name))
        }
        None => Ok(()),
    }
}

/// What `#include "…"` and `#include <…>` write.
fn included(source: &str) -> Vec<String> {
    let directives = source.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?;
        let rest = rest.trim_start();
        let end = if rest.starts_with('"') { '"' } else { '>' };
        rest.get(1..)?.split(end).next().map(str::to_owned)
    });
    directives.filter(|name| !name.is_empty()).collect()
}

/// Whether the path ends as the include says, `..` left out.
fn may_be(path: &ProjectPath, include: &str) -> bool {
    let wanted = include.rsplit("../").next().unwrap_or(include).trim_start_matches("./");
    let before = path.as_str().strip_suffix(wanted);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
