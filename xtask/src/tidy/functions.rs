//! Finds functions and test code in blanked source by counting brackets: no
//! parser, and nothing that a new syntax could break badly.

use super::blank::is_word;

/// One function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Line of the `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// Every function of `blanked`, nested ones too.
pub(crate) fn functions(blanked: &str) -> Vec<Function> {
    let bytes = blanked.as_bytes();
    let starts = word_positions(blanked, "fn");
    starts.filter_map(|start| function_at(blanked, bytes, start)).collect()
}

fn function_at(blanked: &str, bytes: &[u8], start: usize) -> Option<Function> {
    let name: String = blanked[start + 2..]
        .trim_start()
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    // `fn(…)` is a type.
    if name.is_empty() {
        return None;
    }
    let open = body_start(bytes, start)?;
    let close = matching_brace(bytes, open)?;
    let line = line_of(bytes, start);
    Some(Function { name, line, lines: line_of(bytes, close) - line + 1 })
}

/// The `{` of the body; `None` when a `;` ends the declaration first.
fn body_start(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The `}` that closes the `{` at `open`.
pub(crate) fn matching_brace(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where `word` stands by itself.
pub(crate) fn word_positions<'a>(
    blanked: &'a str,
    word: &'a str,
) -> impl Iterator<Item = usize> + 'a {
    let bytes = blanked.as_bytes();
    blanked.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(at + word.len());
        !before.is_some_and(|byte| is_word(*byte)) && !after.is_some_and(|byte| is_word(*byte))
    })
}

/// The line of byte `at`, from 1.
pub(crate) fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// `blanked` without the modules and functions under `#[cfg(test)]`.
pub(crate) fn without_tests(blanked: &str) -> String {
    let mut kept = blanked.as_bytes().to_vec();
    for (at, _) in blanked.match_indices("#[cfg(test)]") {
        let after = at + "#[cfg(test)]".len();
        if let Some(open) = body_start(blanked.as_bytes(), after)
            && let Some(close) = matching_brace(blanked.as_bytes(), open)
        {
            kept[at..=close]
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|byte| *byte = b' ');
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_fn_to_its_closing_brace() {
        let text = "trait T { fn declared(&self) -> [u8; 3]; }\n\
                    fn one() {}\n\
                    pub fn two<F: Fn(u8) -> u8>(f: F) -> fn(u8) -> u8\nwhere F: Copy,\n{\n    \
                    fn inner() {\n    }\n}\n";
        let found: Vec<_> =
            functions(text).into_iter().map(|each| (each.name, each.line, each.lines)).collect();
        let expected = [("one", 2, 1), ("two", 3, 6), ("inner", 6, 2)];
        assert_eq!(found, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
    }

    #[test]
    fn test_modules_are_left_out() {
        let kept = without_tests("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}");
        assert!(kept.contains("fn a") && kept.contains("fn c") && !kept.contains("fn b"));
        let outside = without_tests("#[cfg(test)]\nmod tests;\nfn a() { b }");
        assert!(outside.contains("fn a() { b }"));
    }
}
