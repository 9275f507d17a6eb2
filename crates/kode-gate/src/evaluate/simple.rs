//! Simple commands: assignments, redirections, and which command it is.

use kode_base::RiskClass;

use super::text::{Field, Stream, Text};
use super::{Evaluator, Taint, Variable};
use crate::assessment::KnownWord;
use crate::shell::syntax::{Assignment, Command, Piece, Redirection, Script, Target, Word};

impl Evaluator<'_> {
    /// Walks one simple command; its standard output.
    pub(crate) fn simple(
        &mut self,
        command: &Command,
        assignments: &[Assignment],
        words: &[Word],
        stdin: Stream,
    ) -> Stream {
        if !self.step() {
            return Stream::unknown(Taint::FILE);
        }
        if let Some(name) = self.undecided(words) {
            return self.each_alternative(&name, command, assignments, words, stdin);
        }
        self.keep_part(command);
        // `exec <FILE` redirected what every later command reads.
        let kept_input = self.state.descriptors.get(&0).filter(|_| !stdin.present);
        let stdin = kept_input.cloned().unwrap_or(stdin);
        self.stdin = stdin.clone();
        let outer = self.found.judged();
        // Effects of substitutions inside the words belong to their own units.
        let named = self.array_arguments(words);
        let words = named.as_deref().unwrap_or(words);
        let fields = self.expand_words(words);
        // A rule for the command speaks neither for where its output goes nor
        // for the variables in front of it.
        let surrounded = !command.redirections.is_empty() || !assignments.is_empty();
        let around = surrounded.then(|| self.found.open_unit(Vec::new(), None));
        let redirected = self.redirections(&command.redirections);
        let stdin = redirected.stdin.clone().unwrap_or(stdin);
        let values = self.assign_before(assignments, fields.is_empty());
        if let Some(around) = around {
            self.found.close_unit(around);
        }
        if !fields.is_empty() || !surrounded {
            self.found.open_unit(shown(&fields), None);
        }
        let remote = self.output_remote;
        self.output_remote |= redirected.remote;
        let kept = self.state.descriptors.clone();
        let readers = self.state.readers.clone();
        self.state.descriptors.extend(redirected.descriptors.clone());
        self.state.readers.extend(redirected.readers.clone());
        self.stdin = stdin.clone();
        let stdin_fed = stdin.clone();
        let output =
            if fields.is_empty() { Stream::default() } else { self.run(fields.clone(), stdin) };
        let is_exec = fields.first().and_then(Field::as_exact) == Some("exec") && fields.len() == 1;
        self.feed_written(&command.redirections, words, &stdin_fed, &output);
        let out = (!is_exec && !redirected.stdout_taken).then_some(1);
        self.feed_reader(redirected.into.or(out), &output);
        self.output_remote = remote;
        if is_exec {
            self.output_remote |= redirected.remote;
        } else if !command.redirections.is_empty() {
            // `eval 'exec 3<>…'` without its own leaves the shell's as they now are.
            self.state.descriptors = kept;
            self.state.readers = readers;
        }
        self.unassign(values);
        for file in &redirected.files {
            self.keep_file(file.clone(), output.clone());
        }
        if redirected.stdout_taken {
            self.ask_about_endless(&output);
        }
        self.found.resume(outer);
        if redirected.stdout_taken { Stream::default() } else { output }
    }

    /// Walks what stands in `>(…)` once more, now that it is known what is
    /// written into it: the output behind `>`, the input for `tee >(…)`.
    fn feed_written(
        &mut self,
        redirections: &[Redirection],
        words: &[Word],
        stdin: &Stream,
        output: &Stream,
    ) {
        let targets = redirections.iter().filter_map(|each| match &each.target {
            Target::Word(word) => Some((word, output)),
            Target::Body(_) => None,
        });
        let fed: Vec<(&Script, &Stream)> = targets
            .chain(words.iter().map(|word| (word, stdin)))
            .flat_map(|(word, stream)| word.pieces.iter().map(move |piece| (piece, stream)))
            .filter_map(|(piece, stream)| match piece {
                Piece::Process { script, written: true } => Some((script, stream)),
                _ => None,
            })
            .collect();
        for (script, stream) in fed {
            self.subshell(script, Stream { present: true, ..stream.clone() });
        }
    }

    /// The first variable in `words` that has several possible values.
    fn undecided(&self, words: &[Word]) -> Option<String> {
        if self.state.variables.is_empty() {
            return None;
        }
        let pieces = words.iter().flat_map(|word| &word.pieces);
        pieces
            .filter_map(|piece| match piece {
                Piece::Parameter { parameter, .. } => Some(&parameter.name),
                _ => None,
            })
            .find(|name| {
                let variable = self.state.variables.get(*name);
                variable.is_some_and(|variable| !variable.array && variable.values.len() > 1)
            })
            .cloned()
    }

    /// Walks the command once for each value `name` may have.
    fn each_alternative(
        &mut self,
        name: &str,
        command: &Command,
        assignments: &[Assignment],
        words: &[Word],
        stdin: Stream,
    ) -> Stream {
        let Some(variable) = self.state.variables.get(name).cloned() else {
            return Stream::default();
        };
        let mut output = Stream::literal(Text::default());
        for value in &variable.values {
            let one = Variable { values: vec![value.clone()], array: false };
            self.state.variables.insert(name.to_owned(), one);
            let produced = self.simple(command, assignments, words, stdin.clone());
            output.text.taint |= produced.text.taint;
        }
        output.text.open = true;
        self.state.variables.insert(name.to_owned(), variable);
        output
    }

    fn keep_part(&mut self, command: &Command) {
        let source = self.state.source.clone();
        if let Some(text) = source.get(command.span.clone()) {
            self.found.part(text.trim());
        }
    }

    /// Performs assignments; before a command word they end with it, so their
    /// old values are returned.
    fn assign_before(
        &mut self,
        assignments: &[Assignment],
        lasting: bool,
    ) -> Vec<(String, Option<Variable>)> {
        let mut old = Vec::new();
        for assignment in assignments {
            let name = assignment.name.clone();
            if !lasting {
                old.push((name.clone(), self.state.variables.get(&name).cloned()));
            }
            self.assign(assignment);
        }
        old
    }

    fn unassign(&mut self, old: Vec<(String, Option<Variable>)>) {
        for (name, variable) in old {
            self.put_back(&name, variable);
        }
    }

    /// `declare name=(…)`: the arrays are assigned, their names stay as words.
    fn array_arguments(&mut self, words: &[Word]) -> Option<Vec<Word>> {
        let is_array = |word: &Word| matches!(word.pieces.last(), Some(Piece::Array(_)));
        if !words.iter().any(is_array) {
            return None;
        }
        let mut rest = Vec::new();
        for word in words {
            let [Piece::Literal { text, quoted: false }, Piece::Array(_)] = word.pieces.as_slice()
            else {
                rest.push(word.clone());
                continue;
            };
            let name = text.trim_end_matches('=').trim_end_matches('+').to_owned();
            let value = Word { pieces: word.pieces[1..].to_vec() };
            let append = text.ends_with("+=");
            self.assign(&Assignment { name: name.clone(), index: None, append, value });
            rest.push(Word { pieces: vec![Piece::Literal { text: name, quoted: false }] });
        }
        Some(rest)
    }

    fn assign(&mut self, assignment: &Assignment) {
        let mut subscript = None;
        if let Some(index) = &assignment.index {
            let index = self.expand_joined(index);
            self.reevaluate_names(&index.known);
            subscript = Some(index);
        }
        let before = self.state.variables.get(&assignment.name).cloned();
        if let [Piece::Array(words)] = assignment.value.pieces.as_slice() {
            let mut values: Vec<Text> = Vec::new();
            if assignment.append {
                values = before.map(|variable| variable.values).unwrap_or_default();
            }
            for field in self.expand_words(words) {
                // `[SUBSCRIPT]=value`: the subscript is arithmetic.
                if field.text.known.starts_with('[') {
                    self.reevaluate_names(&field.text.known);
                }
                let text = Text { open: field.text.open || field.many, ..field.text };
                match text.known.strip_prefix('[').and_then(|rest| rest.split_once("]=")) {
                    Some((subscript, value)) => {
                        let value = Text { known: value.to_owned(), ..text.clone() };
                        self.set_element(&assignment.name, subscript, value, &mut values);
                    }
                    None => values.push(text),
                }
            }
            self.set(&assignment.name, Variable { values, array: true });
            return;
        }
        let value = self.expand_joined(&assignment.value);
        if let Some(subscript) = subscript.as_ref().and_then(Text::as_exact) {
            let element = format!("{}[{subscript}]", assignment.name);
            self.set(&element, Variable { values: vec![value.clone()], array: false });
        }
        let variable = match before {
            Some(mut array) if array.array || assignment.index.is_some() => {
                array.array = true;
                array.values.push(value);
                array
            }
            Some(before) if assignment.append => {
                let append = |old: &Text| {
                    let mut text = old.clone();
                    text.append(&value);
                    text
                };
                Variable { values: before.values.iter().map(append).collect(), array: false }
            }
            None if assignment.append => {
                let mut text = self.inherited(&assignment.name);
                text.append(&value);
                Variable { values: vec![text], array: false }
            }
            _ => Variable { values: vec![value], array: assignment.index.is_some() },
        };
        self.set(&assignment.name, variable);
    }

    /// One element of an array by its subscript, which may also be a key. The
    /// elements stay in the order of their numbers as far as these are known.
    fn set_element(&mut self, name: &str, subscript: &str, value: Text, values: &mut Vec<Text>) {
        let element = format!("{name}[{subscript}]");
        self.set(&element, Variable { values: vec![value.clone()], array: false });
        match subscript.parse::<usize>() {
            Ok(at) if at < 64 => {
                values.resize(values.len().max(at + 1), Text::default());
                values[at] = value;
            }
            _ => values.push(value),
        }
    }

    /// Runs expanded words: function, alias, built-in or program.
    pub(crate) fn run(&mut self, fields: Vec<Field>, stdin: Stream) -> Stream {
        self.run_word(fields, stdin, true)
    }

    /// The same for what another program starts, or `command`, `exec` and
    /// `builtin` do: they know no functions and aliases.
    pub(crate) fn run_program(&mut self, fields: Vec<Field>, stdin: Stream) -> Stream {
        self.run_word(fields, stdin, false)
    }

    fn run_word(&mut self, fields: Vec<Field>, stdin: Stream, named: bool) -> Stream {
        let Some(first) = fields.first() else { return Stream::default() };
        let taint = first.text.taint;
        let Some(name) = first.as_exact().map(str::to_owned) else {
            return self.unknown_command(&fields, &stdin);
        };
        if taint.has(Taint::REMOTE) {
            self.found.refuse(
                "remote_code",
                RiskClass::CodeExecution,
                "what came over the network is run as a command",
            );
        }
        if taint.has(Taint::DECODED) {
            self.raise(RiskClass::CodeExecution, "decoded text is run as a command");
        }
        let is_pattern = name.contains(['*', '?']) || name.contains('[') && name.contains(']');
        if first.glob && is_pattern {
            return self.globbed_command(&name, &fields, stdin);
        }
        if named && self.state.functions.contains_key(&name) {
            let arguments = fields[1..].iter().map(|field| field.text.clone()).collect();
            if let Some(output) = self.call(&name, arguments, stdin.clone()) {
                return output;
            }
        }
        if named
            && let Some(value) = self.state.aliases.get(&name).cloned()
            && !self.calls.contains(&name)
        {
            self.calls.push(name.clone());
            let mut rest: Vec<String> =
                fields[1..].iter().map(|field| quoted(&field.text.known)).collect();
            // A value that ends in a blank lets the next word be an alias too.
            if value.ends_with([' ', '\t'])
                && let Some(next) = fields.get(1).and_then(Field::as_exact)
                && let Some(expanded) = self.state.aliases.get(next)
            {
                rest[0].clone_from(expanded);
            }
            self.text_script(&format!("{value} {}", rest.join(" ")), stdin.clone());
            self.calls.pop();
        }
        self.dispatch(&name, &fields, stdin)
    }

    /// A command word that is not known: at least a prompt, and what came over
    /// the network is refused.
    fn unknown_command(&mut self, fields: &[Field], stdin: &Stream) -> Stream {
        let word = &fields[0].text;
        if word.taint.has(Taint::REMOTE) {
            self.found.refuse(
                "remote_code",
                RiskClass::CodeExecution,
                "what came over the network is run as a command",
            );
        }
        if word.taint.has(Taint::DECODED) {
            self.raise(RiskClass::CodeExecution, "decoded text is run as a command");
        }
        self.raise(RiskClass::CodeExecution, "which command runs is known only when it runs");
        // The arguments may still be those of a deletion: judge the worst.
        if fields.len() > 1 {
            let known = word.known.rsplit('/').next().unwrap_or_default();
            if known == "rm" {
                // `rm$u -rf$u /$u`: what is unset is nothing.
                let closed = |field: &Field| {
                    let text = Text { open: false, ..field.text.clone() };
                    Field { text, many: false, ..field.clone() }
                };
                let arguments: Vec<Field> = fields[1..].iter().map(closed).collect();
                self.perhaps_deletes(&arguments);
            } else if known.is_empty() || "rm".starts_with(known) {
                self.perhaps_deletes(&fields[1..]);
            }
        }
        Stream::unknown(stdin.text.taint | Taint::FILE)
    }

    /// Refuses when the arguments would be a recursive delete of a tree, were
    /// the command `rm`.
    fn perhaps_deletes(&mut self, arguments: &[Field]) {
        let given = |letters: [char; 2], long: &str| {
            arguments.iter().filter_map(Field::as_exact).any(|text| {
                let cluster = text.starts_with('-') && !text.starts_with("--");
                text == long || cluster && text.contains(letters)
            })
        };
        let recursive = given(['r', 'R'], "--recursive") && given(['f', 'f'], "--force");
        if recursive {
            for each in arguments.iter().filter(|each| !each.text.known.starts_with('-')) {
                self.refuse_tree(each);
            }
        }
    }

    /// A pattern as command word: every known program it could be is judged.
    fn globbed_command(&mut self, name: &str, fields: &[Field], stdin: Stream) -> Stream {
        self.raise(RiskClass::CodeExecution, "a pattern decides which command runs");
        let pattern = name.rsplit('/').next().unwrap_or(name).to_owned();
        let mut taint = stdin.text.taint | Taint::FILE;
        for candidate in crate::effects::table::matching(&pattern).into_iter().take(16) {
            let mut words = fields.to_vec();
            words[0] = Field::exact(candidate);
            taint |= self.dispatch(candidate, &words, stdin.clone()).text.taint;
        }
        Stream::unknown(taint)
    }
}

/// Words as rules see them.
pub(crate) fn shown(fields: &[Field]) -> Vec<KnownWord> {
    let known = |field: &Field| match field.as_exact() {
        Some(text) if field.stream.is_none() && !field.glob => KnownWord::Exact(text.to_owned()),
        _ => KnownWord::Prefix(field.text.known.clone()),
    };
    fields.iter().map(known).collect()
}

/// `text` in single quotes, for putting words back into a script.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
