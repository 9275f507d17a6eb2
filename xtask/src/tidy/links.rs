//! Links in the documentation lead somewhere: files of this repository are
//! looked up, addresses elsewhere are not asked.

use std::path::Path;

use super::Report;
use super::files::is_sample;

/// Checks every `[text](target)` of one Markdown file.
pub(crate) fn check(root: &Path, path: &Path, place: &str, text: &str, report: &mut Report) {
    if is_sample(place) {
        return;
    }
    let folder = path.parent().unwrap_or(root);
    for (number, line) in prose_lines(text) {
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let base = if file.starts_with('/') { root } else { folder };
            if !file.is_empty() && !base.join(file.trim_start_matches('/')).exists() {
                report.error(&format!("{place}:{number}"), format!("`{file}` does not exist"));
            }
        }
    }
}

/// Lines outside code fences, with their numbers.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

fn targets(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split("](").skip(1);
    let inside = parts.filter_map(|rest| rest.split([')', ' ']).next());
    inside.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut report = Report::default();
        check(root, &root.join("README.md"), "README.md", text, &mut report);
        report.errors
    }

    #[test]
    fn a_link_to_a_missing_file_fails() {
        let text =
            "see [a](src/main.rs#L1), [b](https://example.org/x), [c](#here)\n\n[d](gone.md)";
        assert_eq!(errors(text), ["README.md:3: `gone.md` does not exist"]);
    }

    #[test]
    fn code_blocks_are_not_prose() {
        assert!(errors("```\n[a](gone.md)\n```").is_empty());
    }
}
