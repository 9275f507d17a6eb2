//! Replacing the body or the definition of a symbol found by its path.

use std::ops::Range;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, SourceTree, Symbol, SymbolKind, reparse, symbols};

use crate::exact::check_size;
use crate::guard::{Change, Declared, check};
use crate::indentation::{dedent, indent, indent_at, indent_of, trim_blank_lines};
use crate::newline::{ending_at, to_lf, with_ending};
use crate::recent_trees;
use crate::refusal::{EditRefusal, refuse};

/// How many candidates a refusal lists.
const SHOWN_CANDIDATES: usize = 8;

/// Replaces the body of the one function named `symbol`.
pub(crate) fn replace_body(
    path: &ProjectPath,
    before: &[u8],
    symbol: &str,
    body: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let file = SymbolFile::open(path, before)?;
    let found = file.the_function(symbol)?;
    let Some(range) = file.body_range(found) else {
        return refuse!("`{}` of {path} has no body to replace", escape_line(symbol));
    };
    let text = file.fit_body(found, &range, &to_lf(body))?;
    let behind = found.item.end.saturating_sub(range.end);
    let after = file.replace(range.clone(), &text, body)?;
    // Nothing below the body changed, so the definition ends as far from the end as before.
    let below = file.source.len() - range.end;
    let body_end = after.len() - below;
    let replacement = (range.clone(), body_end - range.start);
    file.still_one_definition(found, &after, replacement, body_end + behind)?;
    Ok(after)
}

/// Replaces the definition of the one symbol named `symbol`. Decorators,
/// attributes and doc comments stay unless the new definition brings its own.
pub(crate) fn replace_definition(
    path: &ProjectPath,
    before: &[u8],
    symbol: &str,
    definition: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let file = SymbolFile::open(path, before)?;
    let found = file.the_symbol(symbol)?;
    let lf = to_lf(definition);
    let definition_text = dedent(file.language, &lf);
    let range = if brings_its_own_head(&definition_text) {
        found.range.clone()
    } else {
        found.item.start..found.range.end.max(found.item.end)
    };
    let place = indent_at(before, range.start);
    let text = indent(file.language, &definition_text, &place, false);
    file.replace(range, &text, definition)
}

/// Whether a definition begins with what belongs above it.
fn brings_its_own_head(definition: &str) -> bool {
    ["@", "#[", "#", "//", "/*", "[", "export ", "template"]
        .iter()
        .any(|head| definition.starts_with(head))
}

/// A file with the symbols in it.
pub(crate) struct SymbolFile<'a> {
    path: &'a ProjectPath,
    pub(crate) source: &'a [u8],
    pub(crate) language: Language,
    tree: SourceTree,
    symbols: Vec<Symbol>,
}

impl<'a> SymbolFile<'a> {
    pub(crate) fn open(path: &'a ProjectPath, source: &'a [u8]) -> Result<Self, EditRefusal> {
        check_size(path, source.len())?;
        let Some(language) = Language::detect(path, source) else {
            return refuse!("{path} is in no language kode can parse: use the exact `edit`");
        };
        let tree = recent_trees::tree_of(language, source)
            .map_err(|error| EditRefusal(error.to_string()))?;
        let symbols = symbols(&tree, source);
        Ok(Self { path, source, language, tree, symbols })
    }

    /// The node kind around the definition at `item`.
    pub(crate) fn parent_kind(&self, item: Range<usize>) -> Option<String> {
        let node =
            self.tree.tree.root_node().named_descendant_for_byte_range(item.start, item.end)?;
        Some(node.parent()?.kind().to_owned())
    }

    /// Whether any function is so named.
    pub(crate) fn has_function(&self, wanted: &str) -> bool {
        self.symbols
            .iter()
            .any(|symbol| symbol.kind == SymbolKind::Function && symbol.is_named(wanted))
    }

    /// The one function or method with a body that is so named.
    pub(crate) fn the_function(&self, wanted: &str) -> Result<&Symbol, EditRefusal> {
        let is_function = |symbol: &&Symbol| symbol.kind == SymbolKind::Function;
        let named: Vec<&Symbol> =
            self.symbols.iter().filter(is_function).filter(|s| s.is_named(wanted)).collect();
        let with_body: Vec<&Symbol> =
            named.iter().copied().filter(|symbol| self.body_range(symbol).is_some()).collect();
        self.the_one(wanted, if with_body.is_empty() { &named } else { &with_body })
    }

    /// The one symbol that is so named; a constructor does not compete with its type.
    pub(crate) fn the_symbol(&self, wanted: &str) -> Result<&Symbol, EditRefusal> {
        let named: Vec<&Symbol> =
            self.symbols.iter().filter(|symbol| symbol.is_named(wanted)).collect();
        let constructs = |symbol: &Symbol| {
            let doubled = format!("{0}.{0}", symbol.name);
            symbol.kind == SymbolKind::Function
                && (symbol.path == doubled || symbol.path.ends_with(&format!(".{doubled}")))
        };
        let definitions: Vec<&Symbol> = named
            .iter()
            .copied()
            .filter(|symbol| symbol.kind != SymbolKind::Extension)
            .filter(|symbol| named.len() == 1 || !constructs(symbol))
            .collect();
        self.the_one(wanted, if definitions.is_empty() { &named } else { &definitions })
    }

    fn the_one<'s>(
        &self,
        wanted: &str,
        candidates: &[&'s Symbol],
    ) -> Result<&'s Symbol, EditRefusal> {
        let exact: Vec<&&Symbol> =
            candidates.iter().filter(|symbol| symbol.path == wanted).collect();
        match (candidates, exact.as_slice()) {
            ([one], _) => Ok(one),
            // A full path with separators tells apart what the bare name can't.
            (_, [one]) if wanted.contains('.') => Ok(one),
            ([], _) => self.refuse_missing(wanted),
            _ => refuse!(
                "`{}` names {} definitions in {}: {}; give the path, or use the exact `edit`",
                escape_line(wanted),
                candidates.len(),
                self.path,
                describe(candidates)
            ),
        }
    }

    fn refuse_missing<T>(&self, wanted: &str) -> Result<T, EditRefusal> {
        let wanted_name = wanted.rsplit(['.', ':', '#']).next().unwrap_or(wanted);
        let mut near: Vec<&Symbol> = self.symbols.iter().collect();
        near.sort_by_key(|symbol| strsim::levenshtein(&symbol.name, wanted_name));
        near.truncate(SHOWN_CANDIDATES);
        refuse!(
            "{} defines no `{}`; the nearest are {}",
            self.path,
            escape_line(wanted),
            describe(&near)
        )
    }

    /// The bytes a new body replaces.
    fn body_range(&self, symbol: &Symbol) -> Option<Range<usize>> {
        let body = symbol.body.clone()?;
        let expression = symbol.body_kind.as_deref() == Some("arrow_expression_clause");
        // `=> value;` ends with its semicolon, which a block does not want.
        if expression && self.source.get(body.end) == Some(&b';') {
            return Some(body.start..body.end + 1);
        }
        Some(body)
    }

    fn fit_body(
        &self,
        symbol: &Symbol,
        range: &Range<usize>,
        body: &str,
    ) -> Result<String, EditRefusal> {
        let place = indent_at(self.source, symbol.item.start);
        if matches!(self.language, Language::Python | Language::Ruby) {
            return Ok(self.fit_indented_body(symbol, range, body, &place));
        }
        let body = trim_blank_lines(body);
        if self.language == Language::CSharp && body.trim_start().starts_with("=>") {
            let end = if body.ends_with(';') { "" } else { ";" };
            return Ok(format!("{}{end}", body.trim_start()));
        }
        let braced = self.source.get(range.start) == Some(&b'{');
        if braced && !body.trim_start().starts_with('{') {
            return refuse!("`body` must come with its braces");
        }
        let closing = body.rsplit('\n').next().map(indent_of).unwrap_or_default();
        if closing == place {
            return Ok(body.trim_start().to_owned());
        }
        let lines: Vec<&str> = body.trim_start().split('\n').collect();
        let shifted: Vec<&str> =
            lines.iter().map(|line| line.strip_prefix(closing).unwrap_or(line)).collect();
        Ok(indent(self.language, &shifted.join("\n"), &place, false))
    }

    /// A body without `def` and `end`, at the indentation of the one it replaces.
    fn fit_indented_body(
        &self,
        symbol: &Symbol,
        range: &Range<usize>,
        body: &str,
        place: &str,
    ) -> String {
        let body = dedent(self.language, body);
        let line_start =
            memchr::memrchr(b'\n', &self.source[..range.start]).map_or(0, |newline| newline + 1);
        if line_start > symbol.item.start {
            let inner = indent_at(self.source, range.start);
            return indent(self.language, &body, &inner, false);
        }
        // The old body shares its line with the signature.
        if body.contains('\n') || self.language == Language::Python {
            let unit = if place.contains('\t') { "\t" } else { "    " };
            let inner = format!("{place}{unit}");
            return format!("\n{}", indent(self.language, &body, &inner, true));
        }
        body
    }

    /// Refuses a new body that is more than one: where it closes the definition early, what
    /// follows stands beside it. Layout below the last statement may count as outside.
    fn still_one_definition(
        &self,
        symbol: &Symbol,
        after: &[u8],
        replacement: (Range<usize>, usize),
        end: usize,
    ) -> Result<(), EditRefusal> {
        let tree = reparse(&self.tree, self.source, after, &[replacement])
            .map_err(|error| EditRefusal(error.to_string()))?
            .tree;
        // In what can't be parsed whole little is known of where definitions end.
        if tree.tree.root_node().has_error() {
            return Ok(());
        }
        let is_it = |one: &&Symbol| one.item.start == symbol.item.start && one.path == symbol.path;
        let reaches = symbols(&tree, after).iter().find(is_it).is_some_and(|one| {
            one.item.end >= end || after.get(one.item.end..end).is_some_and(is_layout)
        });
        if reaches {
            return Ok(());
        }
        refuse!(
            "`body` holds more than the body of `{}`: it closes the definition before its end; add \
             other definitions with `ast_insert`",
            escape_line(&symbol.path)
        )
    }

    /// Splices `text` (LF) over `range` and puts the result before the guards.
    pub(crate) fn replace(
        &self,
        range: Range<usize>,
        text: &str,
        written: &str,
    ) -> Result<Vec<u8>, EditRefusal> {
        if std::str::from_utf8(self.source).is_err() && !text.is_ascii() {
            return refuse!("{} is not UTF-8: only ASCII text can be put into it", self.path);
        }
        let quoted = String::from_utf8_lossy(&self.source[range.clone()]);
        let mut after = self.source[..range.start].to_vec();
        after.extend_from_slice(with_ending(text, ending_at(self.source, range.start)).as_bytes());
        after.extend_from_slice(&self.source[range.end..]);
        let change = Change { path: self.path, before: Some(self.source), after: &after, written };
        // The symbol was named, so its own size may change; nothing else may go.
        check(&change, &Declared { shrink: false, quoted: Some(&quoted), named_place: true })?;
        Ok(after)
    }
}

/// Whether nothing but blank lines and comments to the end of their lines is there.
fn is_layout(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .all(|line| line.is_empty() || line.starts_with(b"#") || line.starts_with(b"//"))
}

fn describe(candidates: &[&Symbol]) -> String {
    let mut shown: Vec<String> = candidates
        .iter()
        .take(SHOWN_CANDIDATES)
        .map(|symbol| {
            format!("{} `{}` (line {})", symbol.kind.name(), escape_line(&symbol.path), symbol.line)
        })
        .collect();
    if candidates.len() > SHOWN_CANDIDATES {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests;
