//! Whether a credential stands in an example that is shown, and not where it is used: in
//! what a docstring or a comment shows, under an API description's `example`, in a file
//! of settings that is all comments, in the address of a badge. It looks only around
//! what was found, so it costs nothing where there is nothing.

use kode_base::ProjectPath;

use crate::coverage;

/// How far before a credential an example's beginning is looked for.
const REACH: usize = 40_000;
/// Lines that a file of nothing but comments has at least.
const COMMENT_LINES_MIN: usize = 4;

/// Whether what stands at `start` is only shown.
pub(super) fn is_shown(path: &ProjectPath, content: &[u8], (start, end): (usize, usize)) -> bool {
    let shown = match coverage::extension(path).as_str() {
        "py" | "pyi" => in_docstring(content, start),
        "java" | "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" | "kt" | "scala" | "php" | "cs" => {
            in_doc_comment(content, start)
        }
        "yml" | "yaml" => under_example(content, start),
        _ => false,
    };
    shown
        || in_address_of_example(content, start)
        || in_written_markup(content, start)
        || path.file_name().to_ascii_lowercase().starts_with("example")
        || is_said_to_be_encrypted(content, start, &content[start..end])
        || coverage::language(path, content).is_none() && is_all_comments(content)
}

/// A docstring's example, or an example that a module keeps in a text of that name.
fn in_docstring(content: &[u8], at: usize) -> bool {
    let Some((start, is_named)) = docstring_around(content, at) else { return false };
    is_named || says_example(&content[start..at])
}

/// Words after which documentation shows something.
fn says_example(text: &[u8]) -> bool {
    const MARKS: [&str; 10] = [
        "example",
        "::\n",
        "code-block",
        ">>>",
        "usage:",
        "e.g.",
        "<pre",
        "<code",
        "{@code",
        "```",
    ];
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Where the docstring around a place begins, and whether it is a text under a name that
/// says what it holds (`EXAMPLES = """…"""`).
fn docstring_around(content: &[u8], at: usize) -> Option<(usize, bool)> {
    let mut position = 0;
    let mut depth = 0usize;
    while position < at {
        let rest = &content[position..];
        let byte = rest[0];
        let length = match byte {
            b'#' => line_length(rest),
            b'"' | b'\'' => {
                let length = text_length(rest);
                if position + length > at {
                    let is_long = rest.starts_with(&[byte; 3]);
                    return is_long.then(|| shown_text(content, position, depth)).flatten();
                }
                length
            }
            _ => 1,
        };
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        position += length;
    }
    None
}

/// A text that is a statement of its own, or stands under a name of documentation.
fn shown_text(content: &[u8], start: usize, depth: usize) -> Option<(usize, bool)> {
    const NAMES: [&[u8]; 4] = [b"EXAMPLES", b"EXAMPLE", b"DOCUMENTATION", b"USAGE"];
    let line = content[..start].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii();
    let prefixed = |text: &[u8]| text.iter().all(|byte| b"rRuUbB".contains(byte));
    if depth == 0 && prefixed(line) {
        return Some((start, false));
    }
    let (name, rest) = line.split_at(line.iter().position(|byte| *byte == b'=')?);
    let is_named = NAMES.contains(&name.trim_ascii()) && prefixed(rest[1..].trim_ascii());
    is_named.then_some((start, true))
}

/// How long the text is that begins here, to its end or the content's.
fn text_length(rest: &[u8]) -> usize {
    let quote = rest[0];
    let is_long = rest.starts_with(&[quote; 3]);
    let mut at = if is_long { 3 } else { 1 };
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 1,
            b'\n' if !is_long => return at,
            byte if byte == quote && !is_long => return at + 1,
            byte if byte == quote && rest[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// What a comment of documentation shows: `* <code>…</code>`, `* @example`.
fn in_doc_comment(content: &[u8], at: usize) -> bool {
    let before = &content[at.saturating_sub(REACH)..at];
    let Some(open) = before.windows(3).rposition(|part| part == b"/**") else { return false };
    let comment = &before[open..];
    let line = comment.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_inside = line.trim_ascii_start().starts_with(b"*")
        && !comment.windows(2).skip(1).any(|part| part == b"*/");
    is_inside && says_example(comment)
}

/// Whether an enclosing key of YAML is `example`, or a description over several lines.
fn under_example(content: &[u8], at: usize) -> bool {
    let before = &content[at.saturating_sub(REACH)..at];
    let indentation = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count();
    let mut lines = before.rsplit(|byte| *byte == b'\n');
    let mut inner = lines.next().map_or(0, indentation);
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        let outer = indentation(line);
        if outer >= inner {
            continue;
        }
        inner = outer;
        let key = line.trim_ascii();
        let key = key.strip_prefix(b"- ").unwrap_or(key);
        let is_text = key.ends_with(b"|") || key.ends_with(b">") || key.ends_with(b"|-");
        if key.starts_with(b"example:")
            || key.starts_with(b"examples:")
            || key.starts_with(b"description:") && is_text
        {
            return true;
        }
    }
    false
}

/// A token in the address of a picture, as badges have, or of a host that is an example.
fn in_address_of_example(content: &[u8], at: usize) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`<>()".contains(byte);
    let length = content[..at].iter().rev().take(300).take_while(is_part).count();
    let Ok(address) = std::str::from_utf8(&content[at - length..at]) else { return false };
    let Some((_, rest)) = address.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_example = ["example.com", "example.org", "example.net"]
        .iter()
        .any(|name| host == *name || host.strip_suffix(name).is_some_and(|it| it.ends_with('.')));
    rest.contains('?') && (is_example || rest.contains(".svg?token="))
}

/// `&lt;user password="…"/&gt;`: markup that a page shows.
fn in_written_markup(content: &[u8], at: usize) -> bool {
    let before = &content[at.saturating_sub(200)..at];
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(open) = memchr::memmem::rfind(line, b"&lt;") else { return false };
    !line[open..].contains(&b'<') && memchr::memmem::find(&line[open..], b"&gt;").is_none()
}

/// `encryptedClientSecret = "…"`: long and of the letters that ciphers' outputs have.
fn is_said_to_be_encrypted(content: &[u8], at: usize, value: &[u8]) -> bool {
    const LEAST: usize = 40;
    let before = &content[at.saturating_sub(120)..at];
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    let line = line.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = line.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c)).next();
    let is_encoded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let says_so =
        |name: &str| ["encrypted", "obscured", "ciphertext"].iter().any(|word| name.contains(word));
    name.is_some_and(says_so) && value.len() >= LEAST && value.iter().all(is_encoded)
}

/// Settings of which none is set.
fn is_all_comments(content: &[u8]) -> bool {
    let mut lines =
        content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|it| !it.is_empty());
    let mut count = 0;
    lines.all(|line| {
        count += 1;
        line.starts_with(b"#")
    }) && count >= COMMENT_LINES_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "k3Jd82hTqPz71LmVb4Rn";

    fn shown(path: &str, text: &str) -> bool {
        let text = text.replace("VALUE", VALUE);
        let (start, end) = (text.find(VALUE).unwrap(), text.rfind(VALUE).unwrap() + VALUE.len());
        is_shown(&ProjectPath::new(path).unwrap(), text.as_bytes(), (start, end))
    }

    #[test]
    fn what_documentation_shows_is_told() {
        for (path, text) in [
            (
                "a.py",
                "def f():\n    r\"\"\"Does.\n\n    Example::\n\n        f(token='VALUE')\n    \"\"\"\n",
            ),
            ("a.py", "x = ('a', \"b'\")  # it's\nEXAMPLES = r'''\n- api_key: VALUE\n'''\n"),
            ("A.java", "/**\n * For example\n * <code>secret=VALUE</code>\n */\nclass A {}"),
            ("api.yaml", "a:\n  example:\n    b:\n\n      secret: VALUE\n"),
            ("api.yaml", "a:\n  description: |\n    Send\n      secret: VALUE\n"),
            ("README", ".. image:: https://codecov.io/badge.svg?token=VALUE\n"),
            ("a.py", "# https://api.example.com/check?token=VALUE\n"),
            ("cloud.conf", "# One\n\n#a:\n#  b: c\n#  key: VALUE\n"),
            ("a.go", "const encryptedSecret = \"VALUEVALUEVALUE\""),
            ("a.jsp", "<pre>\n&lt;user password=\"VALUE\"/&gt;\n</pre>"),
            ("examples-1.json", "{\"token\": \"VALUE\"}"),
        ] {
            assert!(shown(path, text), "{text}");
        }
    }

    #[test]
    fn what_is_used_is_not_only_shown() {
        for (path, text) in [
            ("a.py", "def f():\n    \"\"\"Example.\"\"\"\n    token = 'VALUE'\n"),
            ("a.py", "def f():\n    '''Signs in with VALUE.'''\n"),
            ("a.py", "QUERY = \"\"\"\nexample token=VALUE\n\"\"\"\n"),
            ("a.py", "call(\n    \"\"\"example token=VALUE\"\"\"\n)\n"),
            ("A.java", "/** example */\nString secret = \"VALUE\";"),
            ("A.java", "/** The secret is\n * VALUE */\nclass A {}"),
            ("api.yaml", "a:\n  example:\n    b: c\n  secret: VALUE\n"),
            ("a.py", "# https://api.acme.io/check?token=VALUE\n"),
            ("cloud.conf", "# One\n#a:\n#  key: VALUE\nb: c\n#d\n"),
            ("a.go", "const encryptedSecret = \"VALUE\""),
            ("a.go", "/* encrypted: no */ var secret = \"VALUEVALUEVALUE\""),
            ("a.xml", "<a>&lt;b&gt;</a><user password=\"VALUE\"/>"),
            ("a.xml", "<user title=\"&lt;b&gt;\" password=\"VALUE\"/>"),
        ] {
            assert!(!shown(path, text), "{text}");
        }
    }
}
