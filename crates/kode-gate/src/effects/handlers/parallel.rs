//! GNU `parallel`: a command made for each argument after `:::`, or for each
//! line it reads. Words that a shell would read as more than words are not
//! followed: they are a question.

use kode_base::RiskClass;

use super::files::names_some_file;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream, Text};

/// Arguments of one call that are tried.
const ARGUMENTS_MAX: usize = 32;

/// What separates the command from its arguments.
const SOURCES: [&str; 4] = [":::", ":::+", "::::", "::::+"];

/// Characters with a meaning to the shell that `parallel` starts.
const SPECIAL: [char; 19] = [
    '|', '&', ';', '<', '>', '(', ')', '$', '`', '"', '\'', '\\', '*', '?', '[', '~', '#', '!',
    '\n',
];

impl Evaluator<'_> {
    /// `hyperfine 'COMMAND'… --prepare 'COMMAND' -P NAME 1 8`.
    pub(super) fn hyperfine(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const SCRIPTS: [&str; 7] =
            ["-p", "--prepare", "-c", "--cleanup", "-s", "--setup", "--conclude"];
        let found = &call.arguments;
        let given = found.flags.iter().filter(|(flag, _)| SCRIPTS.contains(&flag.as_str()));
        let is_bound = |word: &&Field| word.text.known.parse::<f64>().is_ok();
        let timed = found.operands.iter().filter(|word| !is_bound(word));
        for script in given.filter_map(|(_, value)| value.as_ref()).chain(timed) {
            self.perhaps(|walk| walk.shell_text(&script.text, Stream::default()));
        }
        None
    }

    /// `taskset MASK COMMAND`, `taskset -c 0-3 COMMAND`; `-p` names a process.
    pub(super) fn taskset(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let command = call.arguments.operands.get(1..)?.to_vec();
        if command.is_empty() || call.arguments.has(&["-p", "--pid"]) {
            return None;
        }
        Some(self.run_argv(command, call.stdin.clone()))
    }

    /// `parallel COMMAND ::: ARGUMENT…`, `… | parallel COMMAND`.
    pub(super) fn parallel(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let operands = &call.arguments.operands;
        let is_source = |word: &Field| word.as_exact().is_some_and(|text| SOURCES.contains(&text));
        let end = operands.iter().position(is_source).unwrap_or(operands.len());
        let (template, given) = operands.split_at(end);
        let pipes = call.arguments.has(&["--pipe", "--pipepart", "--spreadstdin"]);
        let arguments = if pipes { Vec::new() } else { self.given_arguments(call, given) };
        if template.is_empty() {
            self.raise(RiskClass::CodeExecution, "runs commands made from its input");
            for argument in &arguments {
                self.perhaps(|walk| walk.shell_text(&argument.text, Stream::default()));
            }
            if given.is_empty() && call.stdin.present {
                return Some(self.shell_text(&call.stdin.text.clone(), Stream::default()));
            }
            return None;
        }
        let script = crate::effects::apply_join(template);
        let words = plain_words(&script);
        if words.is_none() {
            self.raise(RiskClass::CodeExecution, "runs scripts made from its input");
        }
        let stdin = if pipes { call.stdin.clone() } else { Stream::default() };
        let none = [Field::default()];
        for argument in if arguments.is_empty() { &none[..] } else { &arguments[..] } {
            match &words {
                Some(words) => {
                    let argv = with_argument(words, argument);
                    self.perhaps(|walk| walk.run_argv(argv, stdin.clone()));
                }
                None => {
                    let whole = Field { text: script.clone(), ..Field::default() };
                    let argv = with_argument(&[whole], argument);
                    let text = crate::effects::apply_join(&argv);
                    self.perhaps(|walk| walk.shell_text(&text, stdin.clone()));
                }
            }
        }
        Some(Stream::unknown(call.stdin.text.taint | crate::evaluate::Taint::FILE))
    }

    /// What follows `:::`, or the lines of what is read; what is not known is
    /// one argument more.
    fn given_arguments(&mut self, call: &Invocation<'_>, given: &[Field]) -> Vec<Field> {
        if !given.is_empty() {
            let literal = matches!(given[0].as_exact(), Some(":::" | ":::+"));
            let words = given
                .iter()
                .filter(|word| !word.as_exact().is_some_and(|text| SOURCES.contains(&text)));
            return if literal {
                words.take(ARGUMENTS_MAX).cloned().collect()
            } else {
                vec![unknown_argument(Text::unknown(crate::evaluate::Taint::FILE))]
            };
        }
        let source = match call.arguments.value(&["-a", "--arg-file"]) {
            Some(file) => self.content_of(file, &call.stdin),
            None => call.stdin.clone(),
        };
        let lines = source.text.as_exact().filter(|_| source.present).unwrap_or_default();
        let mut arguments: Vec<Field> = lines
            .lines()
            .filter(|line| !line.is_empty())
            .take(ARGUMENTS_MAX)
            .map(Field::exact)
            .collect();
        if arguments.is_empty() || source.text.open {
            let named = names_some_file(&call.arguments.operands, source.names);
            let text = if named {
                Text::beginning("./{}".to_owned(), source.text.taint)
            } else {
                Text::unknown(source.text.taint)
            };
            arguments.push(unknown_argument(Text { after: source.text.after.clone(), ..text }));
        }
        arguments
    }
}

fn unknown_argument(text: Text) -> Field {
    Field { text, ..Field::default() }
}

/// The words of a script that is nothing but words.
fn plain_words(script: &Text) -> Option<Vec<Field>> {
    let text = script.as_exact().filter(|text| !text.contains(SPECIAL))?;
    Some(text.split_whitespace().map(Field::exact).collect())
}

/// The words with the argument in the place of `{}` and its kin, or behind them.
fn with_argument(words: &[Field], argument: &Field) -> Vec<Field> {
    let mut placed = false;
    let mut argv: Vec<Field> = words
        .iter()
        .map(|word| {
            let mut text = Text {
                known: String::new(),
                after: String::new(),
                open: false,
                ..word.text.clone()
            };
            let mut rest = word.text.known.as_str();
            while let Some((before, after)) = next_place(rest) {
                text.push(before);
                text.append(&argument.text);
                placed = true;
                rest = after;
            }
            text.push(rest);
            text.open |= word.text.open;
            Field { text, ..word.clone() }
        })
        .collect();
    if !placed && argument.text != Text::default() {
        argv.push(argument.clone());
    }
    argv
}

/// What stands before and behind the next `{}`, `{.}`, `{/}`, `{1}`, `{#}`.
fn next_place(text: &str) -> Option<(&str, &str)> {
    for (at, _) in text.match_indices('{') {
        let length = text[at..].find('}')?;
        let inner = &text[at + 1..at + length];
        if inner.chars().all(|each| each.is_ascii_digit() || "./#%-+:".contains(each)) {
            return Some((&text[..at], &text[at + length + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_takes_the_argument() {
        let words = [Field::exact("convert"), Field::exact("{}"), Field::exact("{.}.png")];
        let argv = with_argument(&words, &Field::exact("a"));
        let texts: Vec<&str> = argv.iter().filter_map(Field::as_exact).collect();
        assert_eq!(texts, ["convert", "a", "a.png"]);
        let argv = with_argument(&[Field::exact("gzip")], &Field::exact("a"));
        assert_eq!(argv.len(), 2);
        assert_eq!(next_place("{print $1}"), None);
    }
}
