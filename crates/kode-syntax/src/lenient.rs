//! Faults that grammars pass over and compilers don't: parsers made for editors take a
//! surplus `end` for a name and a body that is missing for an empty one.

use std::ops::Range;

use tree_sitter::Node;

use crate::{Language, SourceTree};

/// Ruby's words that end a block or go on with it.
const BLOCK_WORDS: [&[u8]; 9] =
    [b"end", b"else", b"elsif", b"when", b"in", b"rescue", b"ensure", b"then", b"do"];

/// Words that go on with a statement where there is none.
const SCRIPT_WORDS: [&str; 4] = ["else", "catch", "finally", "case"];
const PHP_WORDS: [&str; 8] =
    ["else", "elseif", "endif", "endfor", "endforeach", "endwhile", "endswitch", "enddeclare"];

/// Where a text has faults that its grammar passes over: their places in bytes, in the
/// order of the tree. With `places` only what touches one of them is looked at.
pub fn faults(
    tree: &SourceTree,
    text: &[u8],
    places: Option<&[Range<usize>]>,
) -> Vec<Range<usize>> {
    let Some(rule) = rule(tree.language) else { return Vec::new() };
    let touches = |node: Node<'_>| {
        places.is_none_or(|places| {
            let at = node.byte_range();
            places.iter().any(|place| place.start <= at.end && at.start <= place.end)
        })
    };
    let mut found = Vec::new();
    let mut cursor = tree.tree.walk();
    loop {
        let node = cursor.node();
        let touched = touches(node);
        if touched && rule(node, text) {
            found.push(node.byte_range());
        }
        if touched && cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        loop {
            if !cursor.goto_parent() {
                return found;
            }
            if cursor.goto_next_sibling() {
                break;
            }
        }
    }
}

type Rule = fn(Node<'_>, &[u8]) -> bool;

fn rule(language: Language) -> Option<Rule> {
    Some(match language {
        Language::Ruby => in_ruby,
        Language::Python => in_python,
        Language::JavaScript | Language::TypeScript | Language::Tsx => in_script,
        Language::Go => in_go,
        Language::Java => in_java,
        Language::Php => in_php,
        Language::C | Language::Cpp => in_c,
        _ => return None,
    })
}

/// A word that ends a block or goes on with it, where none is open.
fn in_ruby(node: Node<'_>, text: &[u8]) -> bool {
    if node.kind() != "identifier" || !BLOCK_WORDS.contains(&&text[node.byte_range()]) {
        return false;
    }
    // `range.end`, `def end`, `def at(end:)`
    node.parent().is_none_or(|parent| match parent.kind() {
        "call" => {
            parent.child_by_field_name("receiver").is_none()
                || parent.child_by_field_name("method") != Some(node)
        }
        "method" | "singleton_method" => parent.child_by_field_name("name") != Some(node),
        "keyword_parameter" | "alias" | "undef" => false,
        _ => true,
    })
}

/// A body with nothing in it, or a statement that is farther in or out than its block.
fn in_python(node: Node<'_>, text: &[u8]) -> bool {
    let inside: Option<&[u8]> = match node.kind() {
        "module" => Some(b""),
        "block" => None,
        _ => return false,
    };
    let mut cursor = node.walk();
    let mut statements =
        node.named_children(&mut cursor).filter(|child| child.kind() != "comment").peekable();
    if inside.is_none() && statements.peek().is_none() {
        return true;
    }
    let mut margins = statements.filter_map(|statement| margin(statement, text));
    let Some(inside) = inside.or_else(|| margins.next()) else { return false };
    margins.any(|margin| margin != inside)
}

/// The spaces before a node that begins its line.
fn margin<'a>(node: Node<'_>, text: &'a [u8]) -> Option<&'a [u8]> {
    let before = &text[..node.start_byte()];
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or(before);
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\x0c')).then_some(line)
}

/// An element that ends with another's name, a `try` by itself, a list with a comma too
/// many, a word that goes on with a statement where there is none.
fn in_script(node: Node<'_>, text: &[u8]) -> bool {
    match node.kind() {
        "jsx_element" => {
            let name = |field: &str| {
                let tag = node.child_by_field_name(field)?;
                Some(tag.child_by_field_name("name").map(|name| &text[name.byte_range()]))
            };
            name("open_tag") != name("close_tag")
        }
        "try_statement" => {
            ["handler", "finalizer"].iter().all(|field| node.child_by_field_name(field).is_none())
        }
        "object" | "arguments" | "formal_parameters" | "named_imports" | "export_clause" => {
            let mut cursor = node.walk();
            let kinds: Vec<&str> = node.children(&mut cursor).map(|node| node.kind()).collect();
            kinds.windows(2).any(|pair| pair[1] == "," && matches!(pair[0], "," | "(" | "{"))
        }
        "identifier" => SCRIPT_WORDS.iter().any(|word| &text[node.byte_range()] == word.as_bytes()),
        _ => false,
    }
}

/// What is no declaration at the top of a file, or one in the wrong place.
fn in_go(node: Node<'_>, _: &[u8]) -> bool {
    if node.parent().is_none_or(|parent| parent.kind() != "source_file") || !node.is_named() {
        return false;
    }
    let before = |kinds: &[&str]| {
        let sibling = std::iter::successors(node.prev_named_sibling(), Node::prev_named_sibling);
        sibling.into_iter().any(|node| !kinds.contains(&node.kind()))
    };
    match node.kind() {
        "package_clause" => before(&["comment"]),
        "import_declaration" => before(&["comment", "package_clause", "import_declaration"]),
        "comment"
        | "function_declaration"
        | "method_declaration"
        | "type_declaration"
        | "var_declaration"
        | "const_declaration" => false,
        _ => true,
    }
}

/// An import in a class or a method, or a statement outside of one.
fn in_java(node: Node<'_>, _: &[u8]) -> bool {
    let at_top = node.parent().is_some_and(|parent| parent.kind() == "program");
    match node.kind() {
        "import_declaration" | "package_declaration" => !at_top,
        kind => at_top && (kind.ends_with("_statement") || kind == "block"),
    }
}

fn in_php(node: Node<'_>, text: &[u8]) -> bool {
    node.kind() == "name"
        && node.parent().is_some_and(|parent| parent.kind() == "expression_statement")
        && PHP_WORDS
            .iter()
            .any(|word| text[node.byte_range()].eq_ignore_ascii_case(word.as_bytes()))
}

/// A directive that ends or goes on with a condition where none is open.
fn in_c(node: Node<'_>, text: &[u8]) -> bool {
    node.kind() == "preproc_call"
        && node.child_by_field_name("directive").is_some_and(|directive| {
            let word = text[directive.byte_range()].trim_ascii_start();
            let word = word.strip_prefix(b"#").unwrap_or(word).trim_ascii();
            [b"endif".as_slice(), b"else", b"elif", b"elifdef"].contains(&word)
        })
}

#[cfg(test)]
mod tests;
