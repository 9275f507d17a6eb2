//! Indentation of code that comes from elsewhere: it follows the place, and
//! lines inside strings are left alone.

use kode_syntax::{Language, parse};

/// The whitespace a line begins with.
pub(crate) fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The indentation of the line that byte `at` is on.
pub(crate) fn indent_at(source: &[u8], at: usize) -> String {
    let start = memchr::memrchr(b'\n', &source[..at]).map_or(0, |newline| newline + 1);
    let line = &source[start..];
    let width = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    String::from_utf8_lossy(&line[..width]).into_owned()
}

/// `code` without the indentation all its lines share, and without blank lines
/// at its ends.
pub(crate) fn dedent(language: Language, code: &str) -> String {
    let code = trim_blank_lines(code);
    let fixed = lines_inside_strings(language, code);
    let common = code
        .split('\n')
        .enumerate()
        .filter(|(index, line)| !fixed.contains(index) && !line.trim().is_empty())
        .map(|(_, line)| indent_of(line))
        .reduce(common_prefix)
        .unwrap_or_default();
    map_lines(code, &fixed, |line| {
        line.strip_prefix(common).unwrap_or(line.trim_start()).to_owned()
    })
}

/// `code` with `indent` before every line but blank ones and, unless
/// `first_too`, the first.
pub(crate) fn indent(language: Language, code: &str, indent: &str, first_too: bool) -> String {
    let mut fixed = lines_inside_strings(language, code);
    if !first_too {
        fixed.push(0);
    }
    map_lines(code, &fixed, |line| {
        if line.trim().is_empty() { line.to_owned() } else { format!("{indent}{line}") }
    })
}

/// Without blank lines at the ends; the first line keeps its indentation.
pub(crate) fn trim_blank_lines(code: &str) -> &str {
    let code = code.trim_end();
    let mut rest = code;
    while let Some((line, after)) = rest.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        rest = after;
    }
    rest
}

fn common_prefix<'a>(left: &'a str, right: &'a str) -> &'a str {
    let length = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    &left[..length]
}

fn map_lines(code: &str, fixed: &[usize], change: impl Fn(&str) -> String) -> String {
    let lines: Vec<String> = code
        .split('\n')
        .enumerate()
        .map(|(index, line)| if fixed.contains(&index) { line.to_owned() } else { change(line) })
        .collect();
    lines.join("\n")
}

/// The 0-based lines that begin inside a string, heredoc or template: their
/// whitespace is content.
fn lines_inside_strings(language: Language, code: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    if !code.contains('\n') {
        return lines;
    }
    let Ok(parsed) = parse(language, code.as_bytes()) else { return lines };
    let mut cursor = parsed.tree.walk();
    loop {
        let node = cursor.node();
        let holds_text = ["string", "heredoc", "template_literal", "raw_string"]
            .iter()
            .any(|part| node.kind().contains(part));
        let (first, last) = (node.start_position().row, node.end_position().row);
        if node.is_named() && holds_text && last > first {
            lines.extend(first + 1..=last);
        } else if last > first && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return lines;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_multi_line_string_are_left_alone() {
        let code = "x = \"\"\"\nkeep\n\"\"\"\nif x:\n    y()";
        assert_eq!(
            indent(Language::Python, code, "    ", true),
            "    x = \"\"\"\nkeep\n\"\"\"\n    if x:\n        y()"
        );
    }

    #[test]
    fn dedenting_removes_only_what_is_shared() {
        assert_eq!(dedent(Language::Python, "\n    a()\n      b()\n\n"), "a()\n  b()");
    }
}
