//! What `head`, `cut`, `sed` and their kin make of text that is known whole:
//! only the plain forms, which disguises use; everything else stays unknown.

use super::text::{Field, Text};

/// Longer text is not followed, in bytes.
const LENGTH_MAX: usize = 4 * 1024;

/// The output of `name` with these arguments for `text`; `None` when kode does
/// not follow this form.
pub(super) fn filtered(name: &str, arguments: &[&str], text: &str) -> Option<String> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    match name {
        "head" => {
            let count = line_count(arguments)?;
            Some(lines(text.lines().take(count)))
        }
        "tail" => {
            let count = line_count(arguments)?;
            let all: Vec<&str> = text.lines().collect();
            Some(lines(all[all.len().saturating_sub(count)..].iter().copied()))
        }
        "cut" => cut(arguments, text),
        "sed" => match arguments {
            [script] | ["-e", script] => {
                let changed: Option<Vec<String>> =
                    text.lines().map(|line| substituted(script, line)).collect();
                Some(lines(changed?.iter().map(String::as_str)))
            }
            _ => None,
        },
        "grep" => match arguments {
            [pattern] if plain(pattern) => {
                Some(lines(text.lines().filter(|line| line.contains(pattern))))
            }
            _ => None,
        },
        "sort" | "uniq" if arguments.is_empty() && text.lines().count() < 2 => {
            Some(text.to_owned())
        }
        "awk" => match arguments {
            ["{print}" | "{ print }" | "1"] => Some(text.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// What `awk 'BEGIN{print "text"}'` prints.
pub(super) fn printed(arguments: &[Field]) -> Option<Text> {
    let [program] = arguments else { return None };
    let body = program.as_exact()?.trim().strip_prefix("BEGIN")?.trim();
    let body = body.strip_prefix('{')?.strip_suffix('}')?.trim().trim_end_matches(';');
    let literal = body.strip_prefix("print")?.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!literal.contains('"')).then(|| Text::exact(&format!("{literal}\n")))
}

fn lines<'l>(all: impl Iterator<Item = &'l str>) -> String {
    all.map(|line| format!("{line}\n")).collect()
}

/// `-1`, `-n1`, `-n 1`; ten without.
fn line_count(arguments: &[&str]) -> Option<usize> {
    match arguments {
        [] => Some(10),
        [one] => {
            one.strip_prefix("-n").or_else(|| one.strip_prefix('-')).and_then(|n| n.parse().ok())
        }
        ["-n", count] => count.parse().ok(),
        _ => None,
    }
}

/// `cut -c FROM-TO` and `cut -d D -f N`, one range each.
fn cut(arguments: &[&str], text: &str) -> Option<String> {
    let mut delimiter = '\t';
    let mut by = None;
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        at += 1;
        let flag = word.strip_prefix('-')?.chars().next()?;
        let attached = word.get(2..).filter(|rest| !rest.is_empty());
        let value = match attached {
            Some(value) => value,
            None => {
                at += 1;
                arguments.get(at - 1)?
            }
        };
        match flag {
            'd' => delimiter = value.chars().next()?,
            'c' | 'b' | 'f' => by = Some((flag, range(value)?)),
            _ => return None,
        }
    }
    let (flag, (from, to)) = by?;
    let count = to.saturating_sub(from.saturating_sub(1));
    let cut_line = |line: &str| -> String {
        if flag == 'f' {
            let parts: Vec<&str> = line.split(delimiter).skip(from - 1).take(count).collect();
            parts.join(&delimiter.to_string())
        } else {
            line.chars().skip(from - 1).take(count).collect()
        }
    };
    let changed: Vec<String> = text.lines().map(cut_line).collect();
    Some(lines(changed.iter().map(String::as_str)))
}

/// `N`, `N-`, `-N`, `N-M`, counted from 1.
fn range(text: &str) -> Option<(usize, usize)> {
    let number = |part: &str, default: usize| {
        if part.is_empty() { Some(default) } else { part.parse::<usize>().ok() }
    };
    let (from, to) = match text.split_once('-') {
        Some((from, to)) => (number(from, 1)?, number(to, usize::MAX)?),
        None => (number(text, 0)?, number(text, 0)?),
    };
    (from > 0).then_some((from, to))
}

/// One `s/plain/plain/` on one line.
fn substituted(script: &str, line: &str) -> Option<String> {
    let body = script.strip_prefix('s')?;
    let delimiter = body.chars().next()?;
    // An escaped delimiter stands for itself.
    const MARK: char = '\u{e000}';
    let marked = body[delimiter.len_utf8()..].replace(&format!("\\{delimiter}"), &MARK.to_string());
    let mut parts = marked.split(delimiter);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let restored = |text: &str| text.replace(MARK, &delimiter.to_string());
    if parts.next().is_none() && !to.contains('\\') {
        // What is put before, behind or around a line.
        match from {
            "^" if !to.contains('&') => return Some(format!("{}{line}", restored(to))),
            "$" if !to.contains('&') => return Some(format!("{line}{}", restored(to))),
            ".*" | "^.*$" | "^.*" => return Some(restored(to).replace('&', line)),
            _ => {}
        }
    }
    if marked.split(delimiter).count() > 3 || !plain(from) || to.contains(['\\', '&']) {
        return None;
    }
    let unmarked = |text: &str| text.replace(MARK, &delimiter.to_string());
    let (from, to) = (&unmarked(from), &unmarked(to));
    match flags {
        "" => Some(line.replacen(from, to, 1)),
        "g" => Some(line.replace(from, to)),
        _ => None,
    }
}

/// Text that means itself in a regular expression.
fn plain(pattern: &str) -> bool {
    !pattern.is_empty()
        && !pattern.starts_with('-')
        && !pattern.contains(['\\', '.', '*', '[', ']', '^', '$', '+', '?', '(', ')', '{', '|'])
}
