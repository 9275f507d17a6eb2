//! Markup that a server's page prints from a text: `echo "<script>…</script>";` in PHP,
//! `out.println("<script>…")` in JSP. The texts of such a statement stay where they stand,
//! all around them is blank. Of a variable that such a text is put into, it only looks
//! whether the template puts that out as it is.

use std::ops::Range;

/// What prints, in lower case.
const PRINTING: [&[u8]; 11] = [
    b"echo",
    b"print",
    b"printf",
    b"vprintf",
    b"exit",
    b"die",
    b"wp_die",
    b"println",
    b"write",
    b"concat",
    b"response.write",
];
/// What a method that prints belongs to, and is called.
const WRITERS: [&[u8]; 4] = [b"out", b"writer", b"response", b"pw"];
const METHODS: [&[u8]; 5] = [b"print", b"println", b"printf", b"write", b"append"];
/// Statements with more bytes hold no script of a few lines.
const STATEMENT_BYTES_MAX: usize = 4096;

/// A part of a template that a server runs.
pub(crate) struct Part<'t> {
    /// The template that it stands in.
    pub(crate) template: &'t [u8],
    /// Where it stands.
    pub(crate) place: Range<usize>,
    /// Whether it is PHP, whose texts have values in them.
    pub(crate) is_php: bool,
}

/// Puts the texts that a server's part prints into `page`, where they stand.
pub(crate) fn show(page: &mut [u8], part: &Part<'_>) {
    let text = &part.template[part.place.clone()];
    if memchr::memmem::find(text, b"<script").is_none()
        && memchr::memmem::find(text, b"onclick").is_none()
        && !crate::bound::names_dialog(text)
    {
        return;
    }
    let mut reader = Reader { page, part, text, in_script: false };
    let mut at = 0;
    while at < text.len() {
        at += match text[at] {
            b'"' | b'\'' => text_length(&text[at..]),
            b'/' | b'#' => comment_length(&text[at..]),
            b'<' => heredoc(&text[at..]).map_or(1, |(_, length)| length),
            byte if byte.is_ascii_alphabetic() || byte == b'$' => reader.word(at),
            _ => 1,
        };
    }
}

struct Reader<'p, 't> {
    page: &'p mut [u8],
    part: &'p Part<'t>,
    text: &'t [u8],
    /// Whether the markup printed last left a script open.
    in_script: bool,
}

impl Reader<'_, '_> {
    /// Reads a name and, if its texts get into the page, its statement; gives its length.
    fn word(&mut self, at: usize) -> usize {
        let length = word_length(&self.text[at..]).max(1);
        let word = &self.text[at..at + length];
        let after = at + length;
        let lower = word.to_ascii_lowercase();
        if prints(&lower) {
            return length + self.statement(after, false);
        }
        if lower == b"return" {
            return length + self.statement(after, true);
        }
        let is_set = is_assignment(&self.text[after..]);
        if is_set && is_printed(self.part.template, word) {
            return length + self.statement(after, true);
        }
        length
    }

    /// Shows the texts of one statement, and returns its length. Of a value, what is handed
    /// to a function in it is no part.
    fn statement(&mut self, from: usize, is_value: bool) -> usize {
        let statement = &self.text[from..];
        let mut at = 0;
        let mut depth = 0_usize;
        let mut texts = Vec::new();
        while at < statement.len().min(STATEMENT_BYTES_MAX) {
            let heredoc = heredoc(&statement[at..]);
            match statement[at] {
                b';' => break,
                b'"' | b'\'' => {
                    let length = text_length(&statement[at..]);
                    texts.push((at + 1..(at + length - 1).max(at + 1), depth));
                    at += length;
                }
                b'<' if heredoc.is_some() => {
                    let (body, length) = heredoc.unwrap_or_default();
                    texts.push((at + body.start..at + body.end, depth));
                    at += length;
                }
                byte => {
                    depth += usize::from(matches!(byte, b'(' | b'['));
                    depth -= usize::from(depth > 0 && matches!(byte, b')' | b']'));
                    at += 1;
                }
            }
        }
        texts.retain(|(_, depth)| !is_value || *depth == 0);
        let texts: Vec<_> = texts.into_iter().map(|(text, _)| text).collect();
        let is_markup = texts.iter().any(|text| statement[text.clone()].contains(&b'<'));
        if is_markup || self.in_script && !is_value {
            self.put(from, &texts);
        }
        at
    }

    fn put(&mut self, from: usize, texts: &[Range<usize>]) {
        let start = self.part.place.start + from;
        let mut follows_operator = false;
        for text in texts {
            let (first, last) = (start + text.start, start + text.end);
            let plain = plain(&self.part.template[first..last], self.part.is_php);
            if follows_operator && first > 1 {
                self.page[first - 1] = b'0';
            }
            let trimmed = plain.trim_ascii_end();
            follows_operator = trimmed.last().is_some_and(|last| b"=(,+:&|?[".contains(last));
            if let Some(tag) = last_script_tag(&plain) {
                self.in_script = tag;
            }
            self.page[first..last].copy_from_slice(&plain);
        }
    }
}

/// Whether the last tag of a script in a text opens it.
fn last_script_tag(text: &[u8]) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let opens = memchr::memmem::rfind(&lower, b"<script");
    let closes = memchr::memmem::rfind(&lower, b"</script");
    (opens.is_some() || closes.is_some()).then_some(opens > closes)
}

/// Whether a function's or method's name, in lower case, is of one that prints.
fn prints(name: &[u8]) -> bool {
    if PRINTING.contains(&name) {
        return true;
    }
    let mut segments = name.rsplit(|byte| *byte == b'.');
    let method = segments.next().unwrap_or_default();
    let object = segments.next().unwrap_or_default();
    METHODS.contains(&method)
        && WRITERS.iter().any(|writer| object.ends_with(writer))
        && segments.next() != Some(b"system")
}

/// `= x`, `.= x`, `+= x`.
fn is_assignment(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b".").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    text.strip_prefix(b"=").is_some_and(|rest| !matches!(rest.first(), Some(b'=' | b'>')))
}

/// Whether a template puts out a variable as it is.
fn is_printed(template: &[u8], name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    memchr::memmem::find_iter(template, name).take(64).any(|at| {
        let is_whole = !template.get(at + name.len()).is_some_and(is_part)
            && !at.checked_sub(1).is_some_and(|before| is_part(&template[before]));
        is_whole && is_put_out(&template[at.saturating_sub(STATEMENT_BYTES_MAX)..at])
    })
}

/// Whether what follows a statement's beginning is put out by it, and by nothing between.
fn is_put_out(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"{").unwrap_or(before);
    let begin = (0..before.len()).rev().find(|at| {
        let is_mark = matches!(before[*at], b'?' | b'%') && before[..*at].ends_with(b"<");
        is_mark || matches!(before[*at], b';' | b'{' | b'}')
    });
    let statement = before[begin.map_or(0, |begin| begin + 1)..].trim_ascii();
    let statement = statement.strip_prefix(b"php ").unwrap_or(statement);
    if statement == b"=" {
        return true;
    }
    let length = word_length(statement);
    let word = statement[..length].to_ascii_lowercase();
    let rest = statement[length..].trim_ascii();
    // `response.getWriter().print(`, but not `echo escaped(`.
    let called = rest.strip_suffix(b"(").unwrap_or_default();
    let name = called.iter().rposition(|byte| !byte.is_ascii_alphanumeric());
    let (object, method) = called.split_at(name.map_or(0, |name| name + 1));
    if object.to_ascii_lowercase().ends_with(b"writer().") && METHODS.contains(&method) {
        return true;
    }
    let is_bare = !rest.ends_with(b"(") || rest == b"(";
    (prints(&word) || word == b"return") && is_bare
}

/// The body of PHP's `<<<WORD`, and the length of all of it.
fn heredoc(text: &[u8]) -> Option<(Range<usize>, usize)> {
    let rest = text.strip_prefix(b"<<<")?;
    let line = memchr::memchr(b'\n', rest)?;
    let quoted = rest[..line].trim_ascii();
    let word = quoted.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\""));
    let word = word.or_else(|| quoted.strip_prefix(b"'").and_then(|it| it.strip_suffix(b"'")));
    let word = word.unwrap_or(quoted);
    if word.is_empty() || !word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let start = 3 + line + 1;
    let mut at = start;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end + 1);
        let line = &text[at..end];
        let indent = line.len() - line.trim_ascii_start().len();
        let after = line.trim_ascii_start().strip_prefix(word);
        if after.is_some_and(|after| !after.first().is_some_and(u8::is_ascii_alphanumeric)) {
            return Some((start..at, at + indent + word.len()));
        }
        at = end;
    }
    None
}

/// A text without its escapes, as long as with them, and with a number where a value stands.
pub(crate) fn plain(text: &[u8], has_values: bool) -> Vec<u8> {
    let mut plain = text.to_vec();
    let mut at = 0;
    while at < plain.len() {
        let value = if has_values { value_length(&plain[at..]) } else { 0 };
        if value > 0 {
            plain[at..at + value].iter_mut().filter(|it| **it != b'\n').for_each(|it| *it = b' ');
            plain[at] = b'0';
            at += value;
        } else if plain[at] == b'\\' && at + 1 < plain.len() {
            plain[at] = b' ';
            if matches!(plain[at + 1], b'n' | b'r' | b't') {
                plain[at + 1] = b' ';
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    plain
}

/// The length of `{$a->b}`, `${a}`, `#{a}`, `$a->b` and `$a[b]` at a text's beginning.
fn value_length(text: &[u8]) -> usize {
    if text.starts_with(b"{$") || text.starts_with(b"${") || text.starts_with(b"#{") {
        return memchr::memchr(b'}', text).map_or(0, |end| end + 1);
    }
    if text.len() < 2 || text[0] != b'$' || !(text[1].is_ascii_alphabetic() || text[1] == b'_') {
        return 0;
    }
    let name = |from: usize| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        text[from..].iter().position(|byte| !is_part(byte)).unwrap_or(text.len() - from)
    };
    let length = 1 + name(1);
    match &text[length..] {
        [b'-', b'>', first, ..] if first.is_ascii_alphabetic() => length + 2 + name(length + 2),
        [b'[', ..] => memchr::memchr(b']', &text[length..]).map_or(length, |end| length + end + 1),
        _ => length,
    }
}

/// The length of a text with its quotes.
pub(crate) fn text_length(text: &[u8]) -> usize {
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
    let mark = usize::from(text.first() == Some(&b'$'));
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.' && mark == 0;
    text[mark..].iter().position(|byte| !is_part(byte)).map_or(text.len(), |end| mark + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(part: &str) -> String {
        let mut page = vec![b' '; part.len()];
        let is_php = !part.contains("out.");
        show(&mut page, &Part { template: part.as_bytes(), place: 0..part.len(), is_php });
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
            (
                "echo '<script>';\necho 'a();'; echo '</script>'; echo 'b';",
                "<script> a(); </script>",
            ),
            ("return \"<script>a()</script>\";", "<script>a()</script>"),
            (
                "return <<<HTML\n<script>a($x->y, {$z['k']})</script>\n  HTML;",
                "<script>a(0 , 0 )</script>",
            ),
            (
                "$m = \"<script>a()</script>\"; echo \"<p>{$m}</p>\";",
                "<script>a()</script> <p>0 </p>",
            ),
            ("$m .= '<script>a()</script>'; return $m;", "<script>a()</script>"),
            ("echo '<script>a(' . f() . ')</script>';", "<script>a( 0)</script>"),
            ("String m = \"<script>a()</script>\"; out.print(m);", "<script>a()</script>"),
            ("response.getWriter().println(\"<script>a()</script>\");", "<script>a()</script>"),
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
            "$y = '<script>a()</script>'; echo htmlspecialchars($y); $n = $y;",
            "return strpos($x, '<script>a()</script>');",
            "return ['<script>a()</script>'];",
            "$y = <<<HTML\n<script>a()</script>\nHTML;\nsave($y);",
            "System.out.println(\"<script>a()</script>\");",
        ] {
            assert_eq!(shown(part), "", "{part}");
        }
    }
}
