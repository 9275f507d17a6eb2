//! What every Rust file is held to: its length and its functions', a header,
//! nothing unfinished, no unwrapping and no unsafe code where it has no place.

use super::Report;
use super::blank::blank;
use super::files::is_sample;
use super::functions::{Function, functions, line_of, without_tests, word_positions};

const FILE_LINES_MAX: usize = 800;
const FILE_LINES_WARN: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const FUNCTION_LINES_WARN: usize = 50;

/// Checks one file.
pub(crate) fn check(place: &str, text: &str, report: &mut Report) {
    if is_sample(place) {
        return;
    }
    check_length(place, text, report);
    // A `tests.rs` is about the file it lies beside.
    if !text.starts_with("//!") && !place.ends_with("/tests.rs") {
        report.error(place, "the file begins with `//!`: what it is for and what it refuses to do");
    }
    let blanked = blank(text);
    for function in functions(&blanked) {
        check_function(place, &function, report);
    }
    check_words(place, &blanked, report);
    check_allows(place, text, &blanked, report);
}

fn check_length(place: &str, text: &str, report: &mut Report) {
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        report.error(place, format!("{lines} lines, at most {FILE_LINES_MAX}: split it"));
    } else if lines > FILE_LINES_WARN {
        report.warn(place, format!("{lines} lines; is it about one thing?"));
    }
}

fn check_function(place: &str, function: &Function, report: &mut Report) {
    let Function { name, line, lines } = function;
    let place = format!("{place}:{line}");
    if *lines > FUNCTION_LINES_MAX {
        report.error(&place, format!("fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"));
    } else if *lines > FUNCTION_LINES_WARN {
        report.warn(&place, format!("fn {name} has {lines} lines"));
    }
}

fn check_words(place: &str, blanked: &str, report: &mut Report) {
    for word in ["todo", "unimplemented"] {
        for at in macro_calls(blanked, word) {
            report.error(&at_line(place, blanked, at), format!("`{word}!` is unfinished work"));
        }
    }
    if !may_use_unsafe(place) {
        for at in word_positions(blanked, "unsafe") {
            report.error(&at_line(place, blanked, at), "unsafe code belongs in kode-sandbox alone");
        }
    }
    if is_test_file(place) {
        return;
    }
    let product = without_tests(blanked);
    for at in word_positions(&product, "unwrap") {
        if product[..at].ends_with('.') && product[at..].starts_with("unwrap()") {
            report
                .error(&at_line(place, blanked, at), "`unwrap()` outside tests: say what is wrong");
        }
    }
}

/// An `allow` or `expect` of a lint says why.
fn check_allows(place: &str, text: &str, blanked: &str, report: &mut Report) {
    for attribute in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
        for (at, _) in blanked.match_indices(attribute) {
            let end = blanked[at..].find(")]").map_or(blanked.len(), |end| at + end);
            let attribute = &text.as_bytes()[at..end.min(text.len())];
            let attribute = String::from_utf8_lossy(attribute);
            let place = at_line(place, blanked, at);
            if !attribute.contains("reason") {
                report.error(&place, "an allowed lint needs `reason = \"…\"`");
            } else if attribute.contains("interface sketch") {
                report.error(&place, "the sketch's blanket `allow` is still here");
            }
        }
    }
}

fn macro_calls<'a>(blanked: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    word_positions(blanked, name).filter(move |at| blanked[at + name.len()..].starts_with('!'))
}

fn may_use_unsafe(place: &str) -> bool {
    place.starts_with("crates/kode-sandbox/")
}

fn is_test_file(place: &str) -> bool {
    place.ends_with("/tests.rs")
        || ["tests", "benches", "examples"]
            .iter()
            .any(|folder| place.split('/').any(|part| part == *folder))
}

fn at_line(place: &str, blanked: &str, at: usize) -> String {
    format!("{place}:{}", line_of(blanked.as_bytes(), at))
}

#[cfg(test)]
mod tests;
