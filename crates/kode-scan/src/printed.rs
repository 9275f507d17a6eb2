//! Markup that a server's page prints from a text: `echo "<script>…</script>";` in PHP,
//! `out.println("<script>…")` in JSP. The texts of such a statement stay where they stand,
//! all around them is blank. It refuses to follow values: only texts written down count.

/// What prints, in lower case.
const PRINTING: [&[u8]; 8] = [
    b"echo",
    b"print",
    b"printf",
    b"exit",
    b"die",
    b"out.print",
    b"out.println",
    b"response.write",
];
/// Statements with more bytes hold no script of a few lines.
const STATEMENT_BYTES_MAX: usize = 4096;

/// Puts the texts that a server's part prints into `page`, where it stands at `start`.
pub(crate) fn show(page: &mut [u8], part: &[u8], start: usize) {
    if memchr::memmem::find(part, b"<script").is_none()
        && memchr::memmem::find(part, b"onclick").is_none()
    {
        return;
    }
    let mut at = 0;
    while at < part.len() {
        at += match part[at] {
            b'"' | b'\'' => text_length(&part[at..]),
            b'/' | b'#' => comment_length(&part[at..]),
            byte if byte.is_ascii_alphabetic() => {
                let length = word_length(&part[at..]);
                let word = part[at..at + length].to_ascii_lowercase();
                if PRINTING.contains(&&word[..]) {
                    at += length;
                    show_statement(page, &part[at..], start + at)
                } else {
                    length
                }
            }
            _ => 1,
        };
    }
}

/// Shows the texts of one statement, and returns its length.
fn show_statement(page: &mut [u8], statement: &[u8], start: usize) -> usize {
    let mut at = 0;
    let mut texts = Vec::new();
    if let Some((text, end)) = long_text(statement) {
        texts.push(text);
        at = end;
    }
    while at < statement.len().min(STATEMENT_BYTES_MAX) {
        match statement[at] {
            b';' => break,
            b'"' | b'\'' => {
                let length = text_length(&statement[at..]);
                texts.push(at + 1..(at + length - 1).max(at + 1));
                at += length;
            }
            _ => at += 1,
        }
    }
    let is_markup = texts.iter().any(|text| statement[text.clone()].contains(&b'<'));
    for text in texts.into_iter().filter(|_| is_markup) {
        let place = start + text.start..start + text.end;
        page[place].copy_from_slice(&plain(&statement[text]));
    }
    at
}

/// PHP's long text at a statement's beginning, `<<<HTML … HTML`, and where it ends.
fn long_text(statement: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let space = statement.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = statement[space..].strip_prefix(b"<<<")?;
    let line = memchr::memchr(b'\n', rest)?;
    let is_mark = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mark: Vec<u8> = rest[..line].iter().copied().filter(is_mark).collect();
    let start = space + 3 + line + 1;
    let mut at = start;
    for line in statement[start..].split(|byte| *byte == b'\n') {
        if line.trim_ascii_start().starts_with(&mark[..]) && !mark.is_empty() {
            return Some((start..at, at + line.len() - line.trim_ascii_start().len() + mark.len()));
        }
        at += line.len() + 1;
    }
    None
}

/// A text without its escapes, as long as with them.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut plain = text.to_vec();
    let mut at = 0;
    while at + 1 < plain.len() {
        if plain[at] == b'\\' {
            plain[at] = b' ';
            if matches!(plain[at + 1], b'n' | b'r' | b't') {
                plain[at + 1] = b' ';
            }
            at += 1;
        }
        at += 1;
    }
    plain
}

/// The length of a text with its quotes.
fn text_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            quote if *quote == text[0] => return at + 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The length of a comment, or of the one character that begins none.
fn comment_length(text: &[u8]) -> usize {
    let end = |mark: &[u8]| {
        memchr::memmem::find(text, mark).map_or(text.len(), |found| found + mark.len())
    };
    match text {
        [b'/', b'*', ..] => end(b"*/"),
        [b'/', b'/', ..] | [b'#', ..] => end(b"\n"),
        _ => 1,
    }
}

/// The length of a name with its members.
fn word_length(text: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(part: &str) -> String {
        let mut page = vec![b' '; part.len()];
        show(&mut page, part.as_bytes(), 0);
        String::from_utf8(page).unwrap().split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn printed_markup_stays_without_what_is_put_together_around_it() {
        for (part, text) in [
            ("echo \"<script>a()</script>\";", "<script>a()</script>"),
            ("echo '<script>a(\\'x\\')</script>';", "<script>a( 'x ')</script>"),
            ("echo \"<script>a('\" . $x . \"')</script>\"; b();", "<script>a(' ')</script>"),
            ("if (!$ok) { die(\"<script>a()</script>\"); }", "<script>a()</script>"),
            ("out.println(\"<script>a()</script>\");", "<script>a()</script>"),
            ("echo <<<HTML\n<script>a()</script>\nHTML;\n", "<script>a()</script>"),
            ("echo <<<'X'\n  <script>a()</script>\n  X;", "<script>a()</script>"),
            ("Response.Write(\"<script>a()</script>\");", "<script>a()</script>"),
        ] {
            assert_eq!(shown(part), text, "{part}");
        }
    }

    #[test]
    fn texts_that_are_not_printed_do_not_stay() {
        for part in [
            "$x = \"<script>a()</script>\";",
            "$x = <<<HTML\n<script>a()</script>\nHTML;",
            "// echo \"<script>a()</script>\";",
            "/* echo \"<script>a()</script>\"; */",
            "log(\"echo <script>a()</script>\");",
            "echo htmlspecialchars($x); $y = '<script>a()</script>';",
        ] {
            assert_eq!(shown(part), "", "{part}");
        }
    }
}
