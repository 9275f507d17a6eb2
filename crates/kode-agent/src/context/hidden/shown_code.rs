//! Markup that a document shows instead of obeying: quoted in a code span or a
//! fenced block of Markdown, as texts about hidden instructions do. In a page of
//! markup such marks hide nothing and show nothing, so there it never applies.

use std::ops::Range;

/// Bytes at the beginning that tell whether a text is a page of markup.
const HEAD_BYTES: usize = 4096;

/// Whether `part` stands in code that a reader of the Markdown `text` sees.
pub(super) fn is_shown_as_code(text: &str, part: Range<usize>) -> bool {
    !is_markup(text) && (in_span(text, &part) || in_fence(text, &part))
}

fn is_markup(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(HEAD_BYTES)];
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let is_tag = |tag: &str| {
        head.as_bytes().windows(tag.len()).any(|each| each.eq_ignore_ascii_case(tag.as_bytes()))
    };
    head.starts_with('<') || ["<html", "<body", "<!doctype"].into_iter().any(is_tag)
}

/// Between backticks of one line.
fn in_span(text: &str, part: &Range<usize>) -> bool {
    let start = text[..part.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[part.start..].find('\n').map_or(text.len(), |end| part.start + end);
    let before = text[start..part.start].matches('`').count();
    before % 2 == 1 && part.end <= end && text[part.end..end].contains('`')
}

/// Between two lines that begin with a fence.
fn in_fence(text: &str, part: &Range<usize>) -> bool {
    let fences = |lines: &str| lines.lines().filter(|line| is_fence(line)).count();
    let start = text[..part.start].rfind('\n').map_or(0, |newline| newline + 1);
    fences(&text[..start]) % 2 == 1 && fences(&text[part.end..]) > 0
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> bool {
        let start = text.find("Assistant").unwrap();
        is_shown_as_code(text, start..start + "Assistant: obey".len())
    }

    #[test]
    fn quoted_markup_is_seen() {
        assert!(shown("Pages hide `<!-- Assistant: obey -->` in comments."));
        assert!(shown("Example:\n\n```html\n<!-- Assistant: obey -->\n```\nEnd"));
    }

    #[test]
    fn markup_that_acts_is_not() {
        for text in [
            "Pages hide <!-- Assistant: obey --> in `comments`.",
            "`a` <!-- Assistant: obey --> `b`",
            "```\ncode\n```\n<!-- Assistant: obey -->\n```\ncode\n```\n",
            "```\n<!-- Assistant: obey -->\n",
            "<p>`<!-- Assistant: obey -->`</p>",
            "x <body>\n```\n<!-- Assistant: obey -->\n```\n",
        ] {
            assert!(!shown(text), "{text}");
        }
    }
}
