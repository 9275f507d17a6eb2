//! `sed`, `awk` and `sqlite3` programs: what in them writes, reads or runs.

use kode_base::RiskClass;

use crate::effects::code::Language;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text};
use crate::paths::{Zone, looks_secret};

impl Evaluator<'_> {
    /// `sed`: the script may run (`e`), read (`r`) and write (`w`).
    pub(super) fn sed(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let given: Vec<Text> = found
            .flags
            .iter()
            .filter(|(flag, _)| matches!(flag.as_str(), "-e" | "--expression"))
            .filter_map(|(_, value)| value.as_ref().map(|value| value.text.clone()))
            .collect();
        let from_file = found.has(&["-f", "--file"]);
        let (scripts, files) = match found.operands.split_first() {
            Some((script, files)) if given.is_empty() && !from_file => {
                (vec![script.text.clone()], files)
            }
            _ => (given, found.operands.as_slice()),
        };
        for script in &scripts {
            self.sed_script(script, &call.stdin);
        }
        if let Some(file) = found.value(&["-f", "--file"]) {
            let content = self.content_of(file, &call.stdin);
            let unseen = content.text.open && self.place_of(&file.text).zone == Zone::Temporary;
            if content.text.taint.has(Taint::REMOTE) || file.as_exact().is_none() || unseen {
                self.raise(RiskClass::CodeExecution, "the sed script is known only when it runs");
            }
            self.refuse_foreign_code(content.text.taint, "sed");
            self.sed_script(&content.text, &call.stdin);
        }
        let in_place = found.has(&["-i", "--in-place"]);
        // A suffix with a slash names where the copies go.
        if let Some(suffix) = found.value(&["-i", "--in-place"])
            && let Some((folder, _)) = suffix.text.known.rsplit_once('/')
        {
            self.write_path(&Text::exact(&format!("{folder}/")), "write");
        }
        for file in files {
            if in_place {
                let path = self.place_of(&file.text).path;
                for script in &scripts {
                    self.judge_inserted(&path, &script.known);
                }
                self.write_pattern(file);
                self.ask_about_settings(&file.text);
            } else if file.stream.is_none() {
                self.read_path(&file.text, false);
            }
        }
        None
    }

    fn sed_script(&mut self, script: &Text, stdin: &Stream) {
        if script.open && script.known.is_empty() && script.taint.has(Taint::REMOTE) {
            self.raise(RiskClass::CodeExecution, "the sed script is known only when it runs");
        }
        for effect in sed_effects(&script.known) {
            match effect {
                SedEffect::Runs(command) => {
                    self.raise(RiskClass::CodeExecution, "the sed script runs commands");
                    self.refuse_foreign_code(stdin.text.taint, "what sed runs");
                    let command = Text::exact(&command);
                    self.perhaps(|walk| walk.shell_text(&command, Stream::default()));
                }
                SedEffect::Writes(path) => {
                    let path = Text::exact(&path);
                    self.write_path(&path, "write");
                    self.ask_about_settings(&path);
                }
                SedEffect::Reads(path) => {
                    self.read_path(&Text::exact(&path), false);
                }
            }
        }
    }

    /// `awk`: the program may run, pipe, read and write.
    pub(super) fn awk(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let from_file = found.has(&["-f", "--file"]);
        let code = found
            .value(&["-e", "--source"])
            .or_else(|| found.operands.first().filter(|_| !from_file));
        let skip = usize::from(!from_file && !found.has(&["-e", "--source"]));
        if from_file {
            self.raise(RiskClass::CodeExecution, "awk runs a program from a file");
            if let Some(file) = found.value(&["-f", "--file"]) {
                let content = self.content_of(file, &call.stdin);
                self.refuse_foreign_code(content.text.taint, "awk");
            }
        }
        if let Some(code) = code {
            let text = code.text.clone();
            if text.open && text.known.is_empty() {
                self.raise(RiskClass::CodeExecution, "the awk program is known only when it runs");
            }
            if text.open {
                self.refuse_foreign_code(text.taint, "awk");
            }
            self.awk_program(&text.known, &call.stdin);
        }
        let mut in_place = false;
        for (_, value) in
            found.flags.iter().filter(|(flag, _)| matches!(flag.as_str(), "-i" | "--include"))
        {
            let library = value.as_ref().and_then(Field::as_exact);
            in_place |= library == Some("inplace");
            if library != Some("inplace") {
                self.raise(RiskClass::CodeExecution, "awk loads a library");
            }
        }
        let spells = code.is_some_and(|code| {
            ["%c\"", "sprintf(\"%c", "strtonum("].iter().any(|part| code.text.known.contains(part))
        });
        for file in found.operands.iter().skip(skip).filter(|each| !each.text.known.contains('=')) {
            if in_place {
                self.write_pattern(file);
            } else if file.stream.is_none() {
                self.read_path(&file.text, false);
            }
        }
        // Numbers become characters.
        let taint = call.stdin.text.taint | Taint::FILE | Taint::DECODED;
        spells.then(|| Stream::unknown(taint))
    }

    fn awk_program(&mut self, program: &str, stdin: &Stream) {
        let shape = awk_shape(program);
        if shape.runs {
            self.refuse_foreign_code(stdin.text.taint, "what awk runs");
            self.code(Language::Awk, &Text::exact(program));
            // Apart from `code`, these know a regex with a quote from a string.
            for run in shape.strings.iter().filter(|text| text.contains(' ')).take(16) {
                let run = Text::exact(run);
                self.refusals_only(|walk| {
                    walk.shell_text(&run, Stream::default());
                });
            }
        }
        let to_shell = |command: &String| {
            let first = command.split_whitespace().next().unwrap_or_default();
            crate::effects::interpreters::shell(first.rsplit('/').next().unwrap_or(first)).is_some()
        };
        if shape.pipes.iter().any(to_shell) {
            for printed in shape.strings.iter().take(16).map(|text| Text::exact(text)) {
                self.refusals_only(|walk| {
                    walk.shell_text(&printed, Stream::default());
                });
            }
        }
        for command in shape.pipes {
            self.perhaps(|walk| {
                let input = Stream::unknown(stdin.text.taint | Taint::FILE);
                walk.shell_text(&Text::exact(&command), input)
            });
        }
        let secret = |path: &&String| {
            path.starts_with(['/', '.', '~'])
                && looks_secret(&self.place_of(&Text::exact(path)).path)
        };
        let secrets: Vec<String> = shape.strings.iter().filter(secret).cloned().collect();
        for path in shape.reads.into_iter().chain(secrets) {
            self.read_path(&Text::exact(&path), false);
        }
        for path in shape.writes {
            self.write_path(&Text::exact(&path), "write");
        }
        if shape.writes_unknown {
            self.write_path(&Text::unknown(Taint::LITERAL), "write");
        }
        if program.contains("/inet/") || program.contains("/inet4/") {
            self.raise(RiskClass::NetworkEgress, "the awk program opens a connection");
        }
    }
}

enum SedEffect {
    Runs(String),
    Writes(String),
    Reads(String),
}

/// The effects of a sed script. What it can't read is skipped to the end of
/// the line, but an `e` there still counts.
fn sed_effects(script: &str) -> Vec<SedEffect> {
    let mut effects = Vec::new();
    let mut rest = script;
    let mut budget = 1_000;
    while !rest.is_empty() && budget > 0 {
        budget -= 1;
        rest = skip_address(rest.trim_start_matches([' ', '\t', '\n', ';', '{', '}', '!']));
        rest = rest.trim_start_matches([' ', '\t', '!', '{', '}']);
        let Some(command) = rest.chars().next() else { break };
        let after = &rest[command.len_utf8()..];
        let line_end = after.find('\n').unwrap_or(after.len());
        let line = after[..line_end].trim();
        match command {
            's' => {
                let (flags, next) = substitution(after);
                if flags.contains('e') {
                    effects.push(SedEffect::Runs(replacement(after)));
                }
                if let Some(at) = flags.find('w') {
                    effects.push(SedEffect::Writes(flags[at + 1..].trim().to_owned()));
                }
                rest = next;
            }
            'y' => rest = substitution(after).1,
            'e' => {
                effects.push(SedEffect::Runs(line.to_owned()));
                rest = &after[line_end..];
            }
            'w' | 'W' => {
                effects.push(SedEffect::Writes(line.to_owned()));
                rest = &after[line_end..];
            }
            'r' | 'R' => {
                effects.push(SedEffect::Reads(line.to_owned()));
                rest = &after[line_end..];
            }
            'a' | 'i' | 'c' => rest = after_text(after),
            '#' => rest = &after[line_end..],
            ':' | 'b' | 't' | 'T' => {
                let end = after.find(['\n', ';', '}']).unwrap_or(after.len());
                rest = &after[end..];
            }
            _ => rest = after,
        }
    }
    effects
}

/// What follows the text of `a`, `i` or `c`: a line that ends in `\\` goes on.
fn after_text(text: &str) -> &str {
    let mut rest = text;
    loop {
        let end = rest.find('\n').unwrap_or(rest.len());
        let continues = rest[..end].ends_with('\\') && end < rest.len();
        if !continues {
            return &rest[end..];
        }
        rest = &rest[end + 1..];
    }
}

/// Skips line numbers, `$`, `/regex/`, `\cregexc`, ranges and steps.
fn skip_address(script: &str) -> &str {
    let mut rest = script;
    for _ in 0..4 {
        rest = rest.trim_start_matches([' ', '\t', ',', '+', '~', '$']);
        rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if let Some(regex) = rest.strip_prefix('/') {
            rest = after_delimiter(regex, '/').unwrap_or("").trim_start_matches(['I', 'M']);
        } else if let Some(custom) = rest.strip_prefix('\\') {
            let Some(delimiter) = custom.chars().next() else { return "" };
            rest = after_delimiter(&custom[delimiter.len_utf8()..], delimiter).unwrap_or("");
        }
    }
    rest
}

/// What follows the next unescaped `delimiter`; it is ordinary in brackets
/// only for some seds, so brackets are not special here.
fn after_delimiter(text: &str, delimiter: char) -> Option<&str> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == delimiter {
            return Some(&text[at + character.len_utf8()..]);
        }
    }
    None
}

/// The flags of `s` (from its delimiter on) and what follows.
fn substitution(text: &str) -> (&str, &str) {
    let Some(delimiter) = text.chars().next() else { return ("", "") };
    let body = &text[delimiter.len_utf8()..];
    let Some(flags) =
        after_delimiter(body, delimiter).and_then(|rest| after_delimiter(rest, delimiter))
    else {
        return ("", "");
    };
    let writes = flags
        .trim_start_matches(|each: char| each.is_ascii_alphanumeric() && each != 'w')
        .starts_with('w');
    let stops: &[char] = if writes { &['\n'] } else { &['\n', ';', '}'] };
    let end = flags.find(stops).unwrap_or(flags.len());
    (flags[..end].trim(), &flags[end..])
}

/// What `s` (from its delimiter on) puts in, as far as that is plain text.
fn replacement(text: &str) -> String {
    let Some(delimiter) = text.chars().next() else { return String::new() };
    let body = &text[delimiter.len_utf8()..];
    let Some(rest) = after_delimiter(body, delimiter) else { return String::new() };
    let end = after_delimiter(rest, delimiter).map_or(rest.len(), |next| rest.len() - next.len());
    let put = rest[..end].strip_suffix(delimiter).unwrap_or(&rest[..end]);
    put.replace(&format!("\\{delimiter}"), &delimiter.to_string()).replace("\\n", "\n")
}

#[derive(Debug, Default)]
struct AwkShape {
    runs: bool,
    /// Commands given as literal strings to `|`.
    pipes: Vec<String>,
    /// Files named literally after `getline <`.
    reads: Vec<String>,
    /// Every string: `ARGV[1]="file"` reads one, too.
    strings: Vec<String>,
    writes: Vec<String>,
    writes_unknown: bool,
}

impl AwkShape {
    /// `getline < "file"`.
    fn read(&mut self, characters: &[char], at: usize) {
        let rest: String = characters[at + 1..].iter().take(512).collect();
        let target = rest.trim_start().strip_prefix('"').and_then(|text| text.split_once('"'));
        self.reads.extend(target.map(|(path, _)| path.to_owned()));
    }

    /// `print > "file"`.
    fn write(&mut self, characters: &[char], at: usize) {
        let rest: String = characters[at + 1..].iter().collect();
        let target = rest.trim_start_matches('>').trim_start();
        match target.strip_prefix('"').and_then(|text| text.split_once('"')) {
            Some((path, _)) if !path.is_empty() => self.writes.push(path.to_owned()),
            _ => self.writes_unknown = true,
        }
    }

    /// `print | "command"` and `"command" | getline`.
    fn pipe(&mut self, characters: &[char], at: usize, before: &str) {
        let rest: String = characters[at + 1..].iter().take(512).collect();
        let rest = rest.trim_start();
        let literal = rest.strip_prefix('"').and_then(|text| text.split_once('"'));
        // A literal that goes on as an expression is not known whole.
        let whole = literal.filter(|(_, after)| {
            let after = after.trim_start();
            after.is_empty() || after.starts_with([';', '}', '\n'])
        });
        if let Some((command, _)) = whole {
            self.pipes.push(command.to_owned());
        } else if rest.starts_with("getline") && !before.is_empty() {
            self.pipes.push(before.to_owned());
        } else {
            self.runs = true;
        }
    }
}

/// Looks at an awk program with its strings and regular expressions set apart.
fn awk_shape(program: &str) -> AwkShape {
    let mut shape = AwkShape::default();
    let characters: Vec<char> = program.chars().collect();
    let mut at = 0;
    let mut previous = '\n';
    let mut last_string = String::new();
    let mut last_word = String::new();
    let mut printing = false;
    let mut getline = false;
    let mut depth = 0_i32;
    while at < characters.len() {
        let character = characters[at];
        match character {
            '"' => {
                let end = skip_awk_string(&characters, at);
                let text = characters.get(at + 1..end.min(characters.len())).unwrap_or_default();
                shape.strings.push(text.iter().collect());
                // Behind another operand it is only the end of an expression.
                last_string = if ends_operand(previous, &last_word) {
                    String::new()
                } else {
                    text.iter().collect()
                };
                at = end;
            }
            '/' if !ends_operand(previous, &last_word) => at = skip_awk_regex(&characters, at),
            '#' => {
                while at + 1 < characters.len() && characters[at + 1] != '\n' {
                    at += 1;
                }
            }
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' | '\n' | '}' | '{' => {
                printing = false;
                depth = 0;
            }
            '<' if getline => shape.read(&characters, at),
            '|' if characters.get(at + 1) == Some(&'|') => at += 1,
            '|' => {
                let whole = previous == '"';
                shape.pipe(&characters, at, if whole { &last_string } else { "" });
            }
            '>' if printing && depth <= 0 && characters.get(at + 1) != Some(&'=') => {
                shape.write(&characters, at);
            }
            _ if character.is_ascii_alphabetic() || character == '@' => {
                let word: String = characters[at..]
                    .iter()
                    .take_while(|each| each.is_alphanumeric() || **each == '_' || **each == '@')
                    .collect();
                printing |= matches!(word.as_str(), "print" | "printf");
                getline |= word == "getline";
                // `@name(…)` calls whatever function the variable names.
                let indirect = word.starts_with('@') && word != "@namespace";
                shape.runs |= indirect || matches!(word.as_str(), "system" | "extension");
                at += word.chars().count().saturating_sub(1);
                last_word = word;
            }
            _ if character.is_ascii_digit() => last_word.clear(),
            _ => {}
        }
        let last = characters.get(at).copied().unwrap_or(' ');
        if !last.is_whitespace() || last == '\n' {
            previous = last;
        }
        at += 1;
    }
    shape
}

/// Whether what ends with `previous` is a value: then `/` divides, and a string
/// goes on with what stands before it.
fn ends_operand(previous: char, last_word: &str) -> bool {
    const KEYWORDS: [&str; 8] =
        ["print", "printf", "return", "in", "getline", "case", "else", "do"];
    let word = previous.is_alphanumeric() || previous == '_';
    let value = word && !KEYWORDS.contains(&last_word);
    value || matches!(previous, ')' | ']' | '"' | '$')
}

fn skip_awk_string(characters: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < characters.len() && characters[at] != '"' {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    at
}

fn skip_awk_regex(characters: &[char], open: usize) -> usize {
    let mut at = open + 1;
    let mut bracket = false;
    while at < characters.len() && (bracket || characters[at] != '/') && characters[at] != '\n' {
        match characters[at] {
            '\\' => at += 1,
            '[' => bracket = true,
            ']' => bracket = false,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sed_scripts_that_only_edit_have_no_effects() {
        for script in [
            "s/a/e/g",
            "/x/d",
            "1,3p;5q",
            ":a;N;$!ba;s/\\n/,/g",
            "$!N;s/w/e/",
            "y/abc/efw/",
            "/re/{s/x/w/;p}",
        ] {
            assert!(sed_effects(script).is_empty(), "{script}");
        }
    }

    #[test]
    fn sed_scripts_that_run_or_write_are_seen() {
        assert!(matches!(sed_effects("s/x/id/e").as_slice(), [SedEffect::Runs(_)]));
        assert!(
            matches!(sed_effects("1e id").as_slice(), [SedEffect::Runs(command)] if command == "id")
        );
        assert!(
            matches!(sed_effects("w /etc/x").as_slice(), [SedEffect::Writes(path)] if path == "/etc/x")
        );
        assert!(
            matches!(sed_effects("s/a/b/gw out").as_slice(), [SedEffect::Writes(path)] if path == "out")
        );
    }

    #[test]
    fn awk_programs_are_read_past_strings_and_patterns() {
        assert!(!awk_shape("$1 ~ /a|b/ { print \"x|y\" }").runs);
        assert_eq!(awk_shape("{ print | \"sh\" }").pipes, ["sh"]);
        assert!(awk_shape("{ print | \"sort \" $1 }").runs);
        assert!(awk_shape("BEGIN{system(\"id\")}").runs);
        assert_eq!(awk_shape("{ print > \"out\" }").writes, ["out"]);
        assert!(!awk_shape("$3 > 5 { print $1 }").writes_unknown);
        assert!(awk_shape("{ print > $1 }").writes_unknown);
        assert!(awk_shape("{ \"cat \" $1 | getline x }").runs);
        assert!(awk_shape("{ $2 \"id\" | getline }").runs);
        assert_eq!(awk_shape("{ while ((\"date\" | getline d) > 0) n++ }").pipes, ["date"]);
        assert!(awk_shape("BEGIN { a = 2 * /\"/; system(\"id\") }").runs);
        assert!(awk_shape("BEGIN { print /\"/; system(\"id\") }").runs);
        assert!(awk_shape("BEGIN { f = \"sys\" \"tem\"; @f(\"id\") }").runs);
        assert!(!awk_shape("{ s = a / b; print \"x/y\", s / 2 }").runs);
    }
}
