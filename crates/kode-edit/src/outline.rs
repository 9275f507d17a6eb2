//! What a file defines, as a model needs it to name a symbol.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, Symbol, parse, symbols};

use crate::operation::Project;
use crate::refusal::{EditRefusal, refuse};

/// How many places [`find_symbol`] names at most.
pub const MAX_FOUND_SYMBOLS: usize = 200;

/// The symbols of one file, in the order they begin.
///
/// # Errors
/// When the file is too large or in no language kode can parse.
pub fn outline(path: &ProjectPath, source: &[u8]) -> Result<Vec<Symbol>, EditRefusal> {
    crate::exact::check_size(path, source.len())?;
    let Some(language) = Language::detect(path, source) else {
        return refuse!("{path} is in no language kode can parse");
    };
    let tree = parse(language, source).map_err(|error| EditRefusal(error.to_string()))?;
    Ok(symbols(&tree, source))
}

/// An outline as text: one line a symbol, `first-last kind path`, indented by nesting.
pub fn render_outline(symbols: &[Symbol]) -> String {
    let mut text = String::new();
    for symbol in symbols {
        text.push_str(&format!(
            "{:indent$}{}-{} {} {}\n",
            "",
            symbol.line,
            symbol.end_line,
            symbol.kind.name(),
            escape_line(&symbol.path),
            indent = symbol.depth * 2
        ));
    }
    text
}

/// Every definition in the project that `name` names (a name or the end of a
/// path), at most [`MAX_FOUND_SYMBOLS`].
///
/// # Errors
/// When the project can't be listed.
pub fn find_symbol(
    project: &dyn Project,
    name: &str,
) -> Result<Vec<(ProjectPath, Symbol)>, EditRefusal> {
    let own_name = name.rsplit(['.', ':', '#']).next().unwrap_or(name);
    let finder = memchr::memmem::Finder::new(own_name.as_bytes());
    let mut found = Vec::new();
    for path in project.files()? {
        if Language::of(&path).is_none() {
            continue;
        }
        // A file that can't be read or parsed defines nothing that can be named.
        let Ok(Some(source)) = project.read(&path) else { continue };
        if finder.find(&source).is_none() {
            continue;
        }
        let Ok(symbols) = outline(&path, &source) else { continue };
        for symbol in symbols.into_iter().filter(|symbol| symbol.is_named(name)) {
            found.push((path.clone(), symbol));
            if found.len() == MAX_FOUND_SYMBOLS {
                return Ok(found);
            }
        }
    }
    Ok(found)
}
