//! `%` and `.format` on literal strings, taken apart into what they join.

/// A piece of a format string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// A place for the next value, a named one, or one that only takes numbers.
    Next,
    Named(String),
    Number,
}

/// Splits a `%` format.
pub(super) fn percent(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut name = None;
        if rest.peek() == Some(&'(') {
            rest.next();
            name = Some(rest.by_ref().take_while(|c| *c != ')').collect::<String>());
        }
        while rest.peek().is_some_and(|c| "0123456789.-+# *".contains(*c)) {
            rest.next();
        }
        match (rest.next(), name) {
            (Some('%') | None, _) => text.push('%'),
            (Some('d' | 'i' | 'f' | 'x' | 'o' | 'e' | 'g' | 'u' | 'X'), _) => {
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Number);
            }
            (_, Some(name)) => {
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Named(name));
            }
            _ => {
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Next);
            }
        }
    }
    flush(&mut text, &mut pieces);
    pieces
}

/// Splits a `.format` string.
pub(super) fn braces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '{' if rest.peek() == Some(&'{') => {
                rest.next();
                text.push('{');
            }
            '}' if rest.peek() == Some(&'}') => {
                rest.next();
                text.push('}');
            }
            '{' => {
                flush(&mut text, &mut pieces);
                let inside: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let (name, spec) = inside.split_once(':').unwrap_or((&inside, ""));
                let name = name.split(['.', '[', '!']).next().unwrap_or("");
                pieces.push(if spec.ends_with('d') || spec.ends_with('f') {
                    Piece::Number
                } else if name.is_empty() {
                    Piece::Next
                } else {
                    Piece::Named(name.to_owned())
                });
            }
            other => text.push(other),
        }
    }
    flush(&mut text, &mut pieces);
    pieces
}

fn flush(text: &mut String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_formats_come_apart() {
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            percent("a %s b %d%%"),
            [text("a "), Piece::Next, text(" b "), Piece::Number, text("%")]
        );
        assert_eq!(percent("%(n)s"), [Piece::Named("n".to_owned())]);
    }

    #[test]
    fn brace_formats_come_apart() {
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            braces("a {} {{x}} {n:d}"),
            [text("a "), Piece::Next, text(" {x} "), Piece::Number]
        );
        assert_eq!(braces("{user.name}"), [Piece::Named("user".to_owned())]);
    }
}
