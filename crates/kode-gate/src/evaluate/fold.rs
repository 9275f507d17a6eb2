//! Output of commands that only transform text, as far as it can be known:
//! what attackers build command names from, and what tests echo.

use super::filter;
use super::text::{Field, Names, Stream, Taint, Text};
use super::{Evaluator, KNOWN_MAX, machine};
use crate::shell::escapes::{Dialect, decode};

impl Evaluator<'_> {
    /// The standard output of `name` with these arguments and input.
    pub(crate) fn folded(
        &mut self,
        name: &str,
        arguments: &[Field],
        stdin: &Stream,
    ) -> Option<Stream> {
        let text = match machine::printed(name, arguments, self.session) {
            Some(text) => text,
            None => self.transformed(name, arguments, stdin)?,
        };
        let names = match stdin.names {
            _ if !keeps_names(name, arguments) => Names::Unknown,
            // A pattern chooses among the names; all but some are not chosen.
            Names::Local if name == "grep" && selects(arguments) => Names::Chosen,
            names => names,
        };
        let mut output = Stream::literal(bounded(text)).of_names(names);
        // What a filter made of known lines is not known, but they may be among it.
        if output.text.open && output.text.known.is_empty() && stdin.present {
            output.later.extend(Some(stdin.text.known.clone()).filter(|text| !text.is_empty()));
            output.later.extend(stdin.later.iter().cloned());
        }
        Some(output)
    }

    /// What a command that only changes text prints.
    fn transformed(&mut self, name: &str, arguments: &[Field], stdin: &Stream) -> Option<Text> {
        let input = || if stdin.present { stdin.text.clone() } else { Text::unknown(Taint::FILE) };
        Some(match name {
            "echo" => echo(arguments),
            "printf" => printf(arguments),
            "cat" | "tac" => self.contents(name, arguments, stdin)?,
            "rev" => map(input(), disguise(&input()), |text| {
                Some(
                    text.lines()
                        .map(|line| line.chars().rev().collect::<String>() + "\n")
                        .collect(),
                )
            }),
            "tr" => translate(input(), arguments),
            "base64" | "base32" if flag(arguments, &["-d", "-D", "--decode", "-di", "-id"]) => {
                map(self.given(arguments, stdin), Taint::DECODED, base64)
            }
            "xxd"
                if flag(arguments, &["-r", "-rp", "-pr", "-revert"])
                    || flag(arguments, &["-r"]) =>
            {
                map(self.given(arguments, stdin), Taint::DECODED, hex)
            }
            "basename" | "dirname" => part_of_path(name, arguments)?,
            "mktemp" if arguments.iter().all(|each| each.text.known.starts_with('-')) => {
                // Each call makes another; the name stands for itself.
                self.temporaries += 1;
                Text::exact(&format!("/tmp/tmp.XXXXXXXXX{}\n", self.temporaries))
            }
            "realpath" | "readlink" => self.resolved_path(arguments)?,
            "printenv" => match arguments {
                [only] => self.inherited(only.as_exact()?),
                _ => return None,
            },
            "which" | "type" | "whence" | "command" => found_program(arguments)?,
            "yes" => Text::beginning(yes(arguments), Taint::ENDLESS),
            "pwd" => {
                let directory = self.state.directory.clone()?;
                Text::exact(&format!("{directory}\n"))
            }
            "tee" if stdin.present => stdin.text.clone(),
            "awk" | "gawk" | "mawk" if !stdin.present => filter::printed(arguments)?,
            "head" | "tail" | "cut" | "sed" | "grep" | "sort" | "uniq" | "awk" | "fold"
            | "strings"
                if stdin.present =>
            {
                filter_input(name, arguments, &stdin.text)
            }
            _ => return None,
        })
    }

    /// The files named, or standard input.
    fn contents(&mut self, name: &str, arguments: &[Field], stdin: &Stream) -> Option<Text> {
        let mut all = Text::default();
        let mut named = false;
        for argument in arguments {
            if argument.text.known.starts_with('-') && argument.text.known.len() > 1 {
                continue;
            }
            named = true;
            all.append(&self.content_of(argument, stdin).text);
        }
        if !named {
            all = if stdin.present { stdin.text.clone() } else { Text::unknown(Taint::FILE) };
        }
        if name == "tac" { Some(Text::unknown(all.taint)) } else { Some(all) }
    }

    /// `realpath PATH`, `readlink -f PATH` of a place that is no link of the
    /// project's: the path made absolute.
    fn resolved_path(&self, arguments: &[Field]) -> Option<Text> {
        let flag = |word: &Field| word.as_exact().is_some_and(|text| text.starts_with('-'));
        let mut operands = arguments.iter().filter(|word| !flag(word));
        let place = self.place_of(&operands.next()?.text);
        let known = place.path.starts_with('/') && operands.next().is_none();
        known.then(|| Text::exact(&format!("{}\n", place.path)))
    }

    /// What reading one argument as a file yields.
    pub(crate) fn content_of(&mut self, argument: &Field, stdin: &Stream) -> Stream {
        if let Some(stream) = &argument.stream {
            return stream.clone();
        }
        match argument.as_exact() {
            Some("-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => stdin.clone(),
            Some(path) => {
                if let Some(stream) = self.descriptor_at(&argument.text) {
                    return stream;
                }
                let place =
                    crate::paths::place(path, self.state.directory.as_deref(), self.session);
                self.files.get(&place.path).cloned().unwrap_or(Stream::unknown(Taint::FILE))
            }
            None => Stream::unknown(Taint::FILE),
        }
    }

    /// The first operand's content, or standard input.
    fn given(&mut self, arguments: &[Field], stdin: &Stream) -> Text {
        let operand = arguments.iter().find(|each| !each.text.known.starts_with('-'));
        match operand {
            Some(operand) => self.content_of(operand, stdin).text,
            None if stdin.present => stdin.text.clone(),
            None => Text::unknown(Taint::FILE),
        }
    }
}

/// What a filter makes of its input, where that can be followed.
fn filter_input(name: &str, arguments: &[Field], input: &Text) -> Text {
    let taint = input.taint | disguise(input);
    let words: Option<Vec<&str>> = arguments.iter().map(Field::as_exact).collect();
    let known =
        input.as_exact().zip(words).and_then(|(text, words)| filter::filtered(name, &words, text));
    match known {
        Some(known) => Text::known(known, taint),
        None => Text::unknown(input.taint.without(Taint::ENDLESS)),
    }
}

/// A path's beginning up to its last slash.
pub(crate) fn folder_of(path: &str) -> String {
    path.rfind('/').map_or(String::new(), |end| path[..=end].to_owned())
}

/// Whether `grep` lets through only what a pattern names.
fn selects(arguments: &[Field]) -> bool {
    let inverted = |word: &Field| {
        let text = word.text.known.as_str();
        text == "--invert-match"
            || text.starts_with('-') && !text.starts_with("--") && text.contains('v')
    };
    let names = |word: &Field| {
        let text = word.text.known.as_str();
        !text.starts_with('-') && text.chars().any(|each| each.is_ascii_alphanumeric())
    };
    !arguments.iter().any(inverted) && arguments.iter().any(names)
}

/// Whether the lines that come out are among those that went in.
fn keeps_names(name: &str, arguments: &[Field]) -> bool {
    let changes = |word: &Field| {
        let text = word.text.known.as_str();
        word.text.open && text.is_empty()
            || text.starts_with("--") && !matches!(text, "--invert-match" | "--unique")
            || text.starts_with('-') && text.contains(['o', 'c', 'b', 'f', 'r'])
    };
    matches!(name, "grep" | "head" | "tail" | "sort" | "uniq") && !arguments.iter().any(changes)
}

fn flag(arguments: &[Field], names: &[&str]) -> bool {
    arguments.iter().any(|each| each.as_exact().is_some_and(|text| names.contains(&text)))
}

fn bounded(text: Text) -> Text {
    if text.known.len() > KNOWN_MAX { Text::unknown(text.taint) } else { text }
}

/// Applies `change` to known text; the result carries `taint` as well.
fn map(text: Text, taint: Taint, change: impl Fn(&str) -> Option<String>) -> Text {
    let all = text.taint | taint;
    match text.as_exact().and_then(change) {
        Some(known) => Text::known(known, all),
        None => Text::unknown(all),
    }
}

/// `tr` and `rev` decode what is written in the command itself; a file they
/// change (`tr -d '\r' < script`) is still that file.
fn disguise(input: &Text) -> Taint {
    if input.open { Taint::FILE } else { Taint::DECODED }
}

/// `basename PATH`, `dirname PATH`.
fn part_of_path(name: &str, arguments: &[Field]) -> Option<Text> {
    let suffix = arguments.get(1).filter(|_| name == "basename");
    let ([only] | [only, _]) = arguments else { return None };
    if only.text.known.starts_with('-') || arguments.len() > 1 && suffix.is_none() {
        return None;
    }
    let Some(path) = only.as_exact().map(|path| path.trim_end_matches('/')) else {
        let folder = match name {
            "dirname" => folder_of(&only.text.known),
            // The last part of a path holds no slash.
            _ => "./".to_owned(),
        };
        return Some(Text::beginning(folder, only.text.taint));
    };
    let (folder, last) = path.rsplit_once('/').unwrap_or((".", path));
    let end = suffix.and_then(Field::as_exact).unwrap_or_default();
    let last = last.strip_suffix(end).filter(|rest| !rest.is_empty()).unwrap_or(last);
    let part = if name == "basename" { last } else { folder };
    Some(Text::exact(&format!("{}\n", if part.is_empty() { "/" } else { part })))
}

/// `which NAME`, `command -v NAME`: a known program is in a known folder.
fn found_program(arguments: &[Field]) -> Option<Text> {
    let finds = ["-v", "-p", "-P", "-pv"];
    let mut words = arguments.iter().map(Field::as_exact);
    let name = words.find(|word| !word.is_some_and(|word| finds.contains(&word)))??;
    let known = crate::effects::is_known_program(name);
    (known && words.next().is_none()).then(|| Text::exact(&format!("/usr/bin/{name}\n")))
}

/// A few of the lines that `yes` writes for ever.
fn yes(arguments: &[Field]) -> String {
    let line = joined(arguments).known;
    format!("{}\n", if line.is_empty() { "y" } else { &line })
}

fn echo(arguments: &[Field]) -> Text {
    let mut escapes = false;
    let mut newline = true;
    let mut words = arguments;
    while let Some((first, rest)) = words.split_first() {
        let option = first.as_exact().filter(|text| {
            text.len() > 1
                && text.starts_with('-')
                && text[1..].bytes().all(|byte| b"neE".contains(&byte))
        });
        let Some(option) = option else { break };
        escapes = option.contains('e') || (escapes && !option.contains('E'));
        newline &= !option.contains('n');
        words = rest;
    }
    let mut text = joined(words);
    if escapes && text.known.contains('\\') {
        text.known = decode(&text.known, Dialect::Echo);
    }
    if newline {
        text.push("\n");
    }
    text
}

fn joined(words: &[Field]) -> Text {
    let mut text = Text::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(" ");
        }
        text.append(&word.text);
        text.open |= word.many;
    }
    text
}

/// `printf` with `%s`, `%b`, `%d`, `%c`, `%%`; the format repeats while
/// arguments are left.
fn printf(arguments: &[Field]) -> Text {
    let mut arguments = arguments;
    while arguments.first().and_then(Field::as_exact) == Some("--") {
        arguments = &arguments[1..];
    }
    let Some((format, mut rest)) = arguments.split_first() else { return Text::default() };
    let Some(format) = format.as_exact() else { return Text::unknown(format.text.taint) };
    let mut output = Text::default();
    for _ in 0..64 {
        let before = rest.len();
        if !format_once(format, &mut rest, &mut output) {
            return Text::unknown(output.taint);
        }
        if rest.is_empty() || rest.len() == before {
            break;
        }
    }
    output
}

/// `.1s`: how many characters are printed at most, and what follows that.
fn precision(piece: &str) -> (Option<usize>, &str) {
    let Some(rest) = piece.strip_prefix('.') else { return (None, piece) };
    let end = rest.find(|each: char| !each.is_ascii_digit()).unwrap_or(rest.len());
    (Some(rest[..end].parse().unwrap_or(0)), &rest[end..])
}

/// One pass over the format; false when a conversion is not understood.
fn format_once(format: &str, rest: &mut &[Field], output: &mut Text) -> bool {
    let mut pieces = format.split('%');
    output.push(&decode(pieces.next().unwrap_or_default(), Dialect::Echo));
    let mut escaped = false;
    for piece in pieces {
        if escaped {
            output.push(&decode(piece, Dialect::Echo));
            escaped = false;
            continue;
        }
        let (most, piece) = precision(piece);
        let Some(conversion) = piece.chars().next() else {
            output.push("%");
            escaped = true;
            continue;
        };
        if !matches!(conversion, 's' | 'b' | 'd' | 'i' | 'c') || most.is_some() && conversion != 's'
        {
            return false;
        }
        if let Some((argument, more)) = rest.split_first() {
            let mut text = argument.text.clone();
            match conversion {
                'b' => text.known = decode(&text.known, Dialect::Echo),
                'c' => text.known.truncate(text.known.chars().next().map_or(0, char::len_utf8)),
                _ => {}
            }
            if let Some((at, _)) = most.and_then(|most| text.known.char_indices().nth(most)) {
                text.known.truncate(at);
                text.open = false;
            }
            output.append(&text);
            output.open |= argument.many;
            *rest = more;
        }
        output.push(&decode(&piece[1..], Dialect::Echo));
    }
    true
}

/// `tr SET1 SET2` and `tr -d SET`, with ranges and escapes.
fn translate(input: Text, arguments: &[Field]) -> Text {
    let exact: Option<Vec<&str>> = arguments.iter().map(Field::as_exact).collect();
    let sets = exact.unwrap_or_default();
    let taint = disguise(&input);
    let stays = sets.iter().all(|set| !set.contains('/') && !set.contains('.'));
    if input.open && stays && !sets.is_empty() {
        return Text::beginning(folder_of(&input.known), input.taint | taint);
    }
    map(input, taint, |text| match sets.as_slice() {
        ["-d", set] => {
            let removed = members(set)?;
            Some(text.chars().filter(|character| !removed.contains(character)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (members(from)?, members(to)?);
            let last = *to.last()?;
            let swap = |character: char| match from.iter().rposition(|each| *each == character) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => character,
            };
            Some(text.chars().map(swap).collect())
        }
        _ => None,
    })
}

/// The members of a `tr` set; `None` for more than 512 or reversed ranges.
fn members(set: &str) -> Option<Vec<char>> {
    let expanded = match set {
        "[:upper:]" => "A-Z".to_owned(),
        "[:lower:]" => "a-z".to_owned(),
        "[:digit:]" => "0-9".to_owned(),
        "[:space:]" => " \\t\\n\\v\\f\\r".to_owned(),
        _ if set.contains("[:") => return None,
        _ => set.to_owned(),
    };
    let characters: Vec<char> = decode(&expanded, Dialect::AnsiC).chars().collect();
    let mut all = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        if at + 2 < characters.len() && characters[at + 1] == '-' {
            all.extend(characters[at]..=characters[at + 2]);
            at += 3;
        } else {
            all.push(characters[at]);
            at += 1;
        }
        if all.len() > 512 {
            return None;
        }
    }
    Some(all)
}

/// Standard base64, blanks ignored (RFC 4648).
fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut bits = 0_u32;
    let mut count = 0;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(text: &str) -> Option<String> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|each| each.to_digit(16))
        .collect();
    let digits = digits?;
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair.get(1).copied().unwrap_or(0)).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}
