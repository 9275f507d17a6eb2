//! Compound commands: lists, pipelines, branches, loops, functions. What may
//! or may not run is walked, and leaves its assignments as alternatives.

use super::spawning::{counts_without_end, never_ends};
use super::text::{Names, Stream, Text};
use super::{Evaluator, ShellState, Taint, Variable};
use crate::shell::syntax::{AndOr, Command, CommandKind, Pipeline, Script, Word};

/// Values a variable may have; past this it is unknown.
const ALTERNATIVES_MAX: usize = 8;
/// Words of a `for` that are walked one by one.
const ITERATIONS_MAX: usize = 16;
/// Pieces of output kept that follow an unknown one.
const LATER_MAX: usize = 16;
/// Functions within functions.
const CALLS_MAX: usize = 8;

impl Evaluator<'_> {
    /// Walks a script; the result is its standard output.
    pub(crate) fn script(&mut self, script: &Script, stdin: Stream) -> Stream {
        let mut output = Stream::literal(Text::default());
        self.judge_respawning(script);
        for list in &script.lists {
            let produced = self.and_or(list, &stdin);
            // What comes after an unknown part is kept apart.
            if output.text.open && !produced.text.known.is_empty() {
                output.later.push(produced.text.known.clone());
            }
            output.later.extend(produced.later);
            output.later.truncate(LATER_MAX);
            output.text.append(&produced.text);
            output.names = if script.lists.len() == 1 { produced.names } else { Names::Unknown };
        }
        output
    }

    fn and_or(&mut self, list: &AndOr, stdin: &Stream) -> Stream {
        let outer = self.forked;
        self.forked |= list.background;
        let mut output = Stream::literal(Text::default());
        for (at, pipeline) in list.pipelines.iter().enumerate() {
            let produced = if at == 0 {
                self.pipeline(pipeline, stdin)
            } else {
                self.perhaps(|walk| walk.pipeline(pipeline, stdin))
            };
            output.text.append(&produced.text);
            output.names = if list.pipelines.len() == 1 { produced.names } else { Names::Unknown };
            // `false || x` and `true && x` are not evaluated: `x` may not run.
            output.text.open |= at > 0 && pipeline.after_failure;
        }
        self.forked = outer;
        if list.background {
            self.ask_about_endless(&output);
        }
        output
    }

    /// Walks what may or may not run: afterwards every variable may have its
    /// value from before or after, and a changed directory is unknown.
    pub(crate) fn perhaps<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.state.variables.clone();
        let directory = self.state.directory.clone();
        let result = walk(self);
        self.merge(&before);
        // The next command runs either where `cd` led or, when it failed, where
        // it was; `cd x && y` runs `y` only in `x`, so the new one is kept.
        if directory.is_none() {
            self.state.directory = None;
        }
        result
    }

    fn merge(&mut self, before: &std::collections::HashMap<String, Variable>) {
        for (name, now) in &mut self.state.variables {
            let Some(then) = before.get(name).filter(|then| *then != now) else { continue };
            if now.array || then.array {
                now.values.extend(then.values.clone());
                continue;
            }
            for value in &then.values {
                if !now.values.contains(value) {
                    now.values.push(value.clone());
                }
            }
            if now.values.len() > ALTERNATIVES_MAX {
                let taint = now.values.iter().fold(Taint::LITERAL, |all, each| all | each.taint);
                now.values = vec![Text::unknown(taint)];
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, stdin: &Stream) -> Stream {
        if let [command] = pipeline.commands.as_slice() {
            return self.command(command, stdin.clone());
        }
        let outer = std::mem::replace(&mut self.forked, true);
        let mut flowing = stdin.clone();
        for command in &pipeline.commands {
            let state = self.state.clone();
            flowing = self.command(command, flowing);
            flowing.present = true;
            self.state = state;
        }
        self.forked = outer;
        flowing
    }

    /// Walks a script whose state changes don't come back.
    pub(crate) fn subshell(&mut self, script: &Script, stdin: Stream) -> Stream {
        let state = self.state.clone();
        let judged = self.found.judged();
        let outer = (self.stdin.clone(), self.output_remote);
        let output = self.script(script, stdin);
        (self.stdin, self.output_remote) = outer;
        self.found.resume(judged);
        self.state = state;
        output
    }

    fn command(&mut self, command: &Command, stdin: Stream) -> Stream {
        if let CommandKind::Simple { assignments, words } = &command.kind {
            return self.simple(command, assignments, words, stdin);
        }
        if let CommandKind::Function { name, body } = &command.kind {
            let source = self.state.source.clone();
            self.state.functions.insert(name.clone(), (body.clone(), source));
            self.judge_traps(false);
            return Stream::default();
        }
        if let CommandKind::Coprocess { name, body } = &command.kind {
            return self.coprocess(name, body);
        }
        self.stdin = stdin.clone();
        if !command.redirections.is_empty() {
            self.found.open_unit(Vec::new(), None);
        }
        let redirected = self.redirections(&command.redirections);
        let stdin = redirected.stdin.clone().unwrap_or(stdin);
        let kept = self.state.descriptors.clone();
        let readers = self.state.readers.clone();
        self.state.descriptors.extend(redirected.descriptors.clone());
        self.state.readers.extend(redirected.readers.clone());
        let remote = self.output_remote;
        self.output_remote |= redirected.remote;
        let output = self.compound(&command.kind, stdin);
        self.output_remote = remote;
        self.feed_reader(redirected.into, &output);
        self.state.descriptors = kept;
        self.state.readers = readers;
        for file in &redirected.files {
            self.keep_file(file.clone(), output.clone());
        }
        if redirected.stdout_taken { Stream::default() } else { output }
    }

    fn compound(&mut self, kind: &CommandKind, stdin: Stream) -> Stream {
        match kind {
            CommandKind::Group(script) => self.script(script, stdin),
            CommandKind::Subshell(script) => self.subshell(script, stdin),
            CommandKind::If { branches, otherwise } => self.branches(branches, otherwise, stdin),
            CommandKind::Loop { until, condition, body } => {
                if never_ends(condition, *until) {
                    self.judge_endless(body);
                }
                let mut output = self.script(condition, stdin.clone());
                for _ in 0..2 {
                    output = self.perhaps(|walk| {
                        walk.script(condition, stdin.clone());
                        walk.script(body, stdin.clone())
                    });
                }
                opened(output)
            }
            CommandKind::For { variable, words, body } => {
                self.iterate(variable, words.as_deref(), body, stdin)
            }
            CommandKind::ArithmeticFor { expressions, body } => {
                if counts_without_end(expressions) {
                    self.judge_endless(body);
                }
                self.arithmetic(expressions);
                opened(self.perhaps(|walk| walk.script(body, stdin)))
            }
            CommandKind::Case { subject, arms } => self.case(subject, arms, stdin),
            CommandKind::Arithmetic(word) => {
                self.arithmetic(word);
                Stream::default()
            }
            CommandKind::Test(words) => {
                for word in words {
                    let text = self.expand_joined(word);
                    self.reevaluate_names(&text.known);
                }
                Stream::default()
            }
            CommandKind::Simple { .. }
            | CommandKind::Function { .. }
            | CommandKind::Coprocess { .. } => Stream::default(),
        }
    }

    /// `coproc`: what it prints and what is written to it are descriptors in an
    /// array; a connection at its end is one at both.
    fn coprocess(&mut self, name: &str, body: &Script) -> Stream {
        const ENDS: [u32; 2] = [63, 60];
        let output = self.script(body, Stream::unknown(Taint::FILE));
        let values = ENDS.iter().map(|number| Text::exact(&number.to_string())).collect();
        self.set(name, Variable { values, array: true });
        for number in ENDS {
            self.state.descriptors.insert(number, Stream::unknown(output.text.taint));
        }
        let reader = (std::rc::Rc::new(body.clone()), self.state.source.clone());
        self.state.readers.insert(ENDS[1], reader);
        Stream::default()
    }

    fn branches(
        &mut self,
        branches: &[(Script, Script)],
        otherwise: &Option<Script>,
        stdin: Stream,
    ) -> Stream {
        let mut output = Stream::literal(Text::default());
        for (condition, body) in branches {
            self.script(condition, stdin.clone());
            let produced = self.perhaps(|walk| walk.script(body, stdin.clone()));
            output.text.append(&produced.text);
        }
        if let Some(body) = otherwise {
            let produced = self.perhaps(|walk| walk.script(body, stdin));
            output.text.append(&produced.text);
        }
        opened(output)
    }

    fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Script)], stdin: Stream) -> Stream {
        self.expand_joined(subject);
        let mut output = Stream::literal(Text::default());
        for (patterns, body) in arms {
            for pattern in patterns {
                self.expand_joined(pattern);
            }
            let produced = self.perhaps(|walk| walk.script(body, stdin.clone()));
            output.text.append(&produced.text);
        }
        opened(output)
    }

    /// A `for` over known words walks the body for each; over others, once
    /// with what is known of them.
    fn iterate(
        &mut self,
        variable: &str,
        words: Option<&[Word]>,
        body: &Script,
        stdin: Stream,
    ) -> Stream {
        let values: Vec<Text> = match words {
            Some(words) => self
                .expand_words(words)
                .into_iter()
                .map(|field| Text { open: field.text.open || field.glob, ..cut_at_glob(field) })
                .collect(),
            // Without any, what a later call gives is walked once.
            None if self.state.positional.is_empty() => vec![Text::unknown(Taint::FILE)],
            None => self.state.positional.clone(),
        };
        let mut output = Stream::literal(Text::default());
        // A long walk is cut short, so that what follows the loop is still seen.
        let long = values.len() > ITERATIONS_MAX || self.steps > super::STEPS_MAX / 4;
        let walked = if long { vec![super::parameters::one_of(&values)] } else { values };
        for value in walked {
            // Loops within loops multiply: each round is a step.
            if !self.step() {
                break;
            }
            let variable_now = Variable { values: vec![value], array: false };
            self.set(variable, variable_now);
            let produced = self.script(body, stdin.clone());
            output.text.append(&produced.text);
        }
        output
    }

    /// Walks a function's body with its arguments. A function that calls
    /// itself while forking multiplies without end.
    pub(crate) fn call(
        &mut self,
        name: &str,
        arguments: Vec<Text>,
        stdin: Stream,
    ) -> Option<Stream> {
        let (body, source) = self.state.functions.get(name).cloned()?;
        let identity = format!("{name}#{:p}", std::rc::Rc::as_ptr(&body));
        if self.calls.contains(&identity) {
            if self.forked {
                let text = format!(
                    "`{name}` starts itself again and again in the background: a fork bomb"
                );
                self.found.refuse("fork_bomb", kode_base::RiskClass::Blocked, &text);
            }
            return Some(Stream::default());
        }
        if self.calls.len() >= CALLS_MAX {
            self.raise(
                kode_base::RiskClass::CodeExecution,
                "functions are nested too deeply to follow",
            );
            return Some(Stream::unknown(Taint::FILE));
        }
        self.calls.push(identity);
        // Whether the call itself was forked does not make its own calls bombs
        // unless they fork again within the body.
        let outer = std::mem::replace(&mut self.forked, false);
        let positional = std::mem::replace(&mut self.state.positional, arguments);
        let text = std::mem::replace(&mut self.state.source, source);
        let output = self.command(&body, stdin);
        self.state.source = text;
        self.state.positional = positional;
        self.forked = outer;
        self.calls.pop();
        Some(output)
    }

    /// Restores `state`, for a command that ran apart.
    pub(crate) fn restore(&mut self, state: ShellState) {
        self.state = state;
    }
}

/// Output that may or may not appear.
fn opened(mut output: Stream) -> Stream {
    output.text.open = true;
    output
}

/// What is known of a file name that a pattern will be replaced by.
fn cut_at_glob(field: super::Field) -> Text {
    let mut text = field.text;
    if field.glob
        && let Some(at) = text.known.find(['*', '?', '['])
    {
        text.known.truncate(at);
        // Names that a relative pattern finds are in the working directory.
        if text.known.is_empty() {
            text.known.push_str("./");
        }
    }
    text
}
