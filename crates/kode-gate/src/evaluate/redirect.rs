//! Redirections: where a command's input comes from and its output goes, and
//! what opening those files and connections does.

use std::rc::Rc;

use kode_base::RiskClass;

use super::text::{Stream, Text};
use super::{Evaluator, Reader, Taint, Variable};
use crate::paths::{Zone, place};
use crate::shell::syntax::{Piece, RedirectOperator as Op, Redirection, Target};

/// What a command's redirections lead to.
#[derive(Debug, Default)]
pub(crate) struct Redirected {
    /// Standard input, when redirected.
    pub(crate) stdin: Option<Stream>,
    /// Files that standard output goes to, absolute.
    pub(crate) files: Vec<String>,
    /// Whether standard output goes somewhere else than the pipe.
    pub(crate) stdout_taken: bool,
    /// Output goes into a network connection.
    pub(crate) remote: bool,
    /// Descriptors that `exec` would keep.
    pub(crate) descriptors: Vec<(u32, Stream)>,
    /// Scripts behind descriptors that are written to: `3> >(sh)`.
    pub(crate) readers: Vec<(u32, Reader)>,
    /// The descriptor that standard output goes into: `>&3`.
    pub(crate) into: Option<u32>,
}

impl Evaluator<'_> {
    /// Walks redirections in order.
    pub(crate) fn redirections(&mut self, redirections: &[Redirection]) -> Redirected {
        let mut result = Redirected::default();
        for each in redirections {
            self.redirection(each, &mut result);
        }
        result
    }

    fn redirection(&mut self, redirection: &Redirection, result: &mut Redirected) {
        let reads = matches!(
            redirection.operator,
            Op::Read | Op::ReadWrite | Op::DuplicateRead | Op::HereDocument | Op::HereString
        );
        let mut descriptor = redirection.descriptor.unwrap_or(u32::from(!reads));
        if let Some(name) = &redirection.variable {
            descriptor = self.free_descriptor(result);
            let values = vec![Text::exact(&descriptor.to_string())];
            self.set(name, Variable { values, array: false });
        }
        let (text, stream) = self.target(redirection);
        let duplicates = matches!(redirection.operator, Op::DuplicateRead | Op::DuplicateWrite);
        if duplicates && text.taint.has(Taint::REMOTE) {
            // The number of a connection's descriptor, as zsh's ztcp gives it.
            result.remote |= descriptor <= 2;
            result.stdout_taken |= descriptor == 1;
            return connect(result, descriptor, Stream::unknown(Taint::REMOTE));
        }
        match redirection.operator {
            Op::HereDocument | Op::HereString => {
                let mut body = text;
                if redirection.operator == Op::HereString {
                    body.push("\n");
                }
                connect(result, descriptor, Stream::literal(body));
            }
            Op::DuplicateRead => {
                let source = self.duplicated(&text, result);
                connect(result, descriptor, source);
            }
            Op::DuplicateWrite if is_descriptor(&text) => {
                let taken = self.duplicated(&text, result);
                if descriptor == 1 {
                    result.into = number(&text);
                }
                result.remote |= descriptor <= 2 && taken.text.taint.has(Taint::REMOTE);
                // `1>&2`: the pipe no longer gets it, `2>&1` adds to it.
                result.stdout_taken |= descriptor == 1 && text.as_exact() != Some("1");
                if descriptor == 0 {
                    connect(result, 0, taken);
                }
            }
            Op::Read | Op::ReadWrite if stream.is_some() => {
                connect(result, descriptor, stream.unwrap_or_default());
            }
            Op::Read | Op::ReadWrite => {
                let opened = self.open_for_reading(&text);
                if redirection.operator == Op::ReadWrite {
                    self.open_for_writing(&text, descriptor, result);
                }
                connect(result, descriptor, opened);
            }
            Op::Write | Op::Append | Op::WriteBoth | Op::DuplicateWrite => {
                match self.reader(&redirection.target) {
                    Some(reader) => result.readers.push((descriptor, reader)),
                    None if stream.is_none() => {
                        self.open_for_writing(&text, descriptor, result);
                    }
                    None => {}
                }
                result.stdout_taken |= descriptor == 1;
            }
        }
    }

    /// The number `{name}>file` gets: bash takes the first free one from 10 on.
    fn free_descriptor(&self, result: &Redirected) -> u32 {
        let own = |number: &u32| result.descriptors.iter().any(|(taken, _)| taken == number);
        let free = |number: &u32| !own(number) && !self.state.descriptors.contains_key(number);
        (10..255).find(free).unwrap_or(255)
    }

    /// The target's text, and its stream when it is a process substitution.
    fn target(&mut self, redirection: &Redirection) -> (Text, Option<Stream>) {
        match &redirection.target {
            Target::Body(cell) => match cell.get() {
                Some(word) => (self.expand_joined(&word.clone()), None),
                None => (Text::unknown(Taint::FILE), None),
            },
            Target::Word(word) if redirection.operator == Op::HereString => {
                (self.expand_joined(word), None)
            }
            Target::Word(word) => {
                let field = self.expand_word(word).into_iter().next().unwrap_or_default();
                (field.text, field.stream)
            }
        }
    }

    /// The script of `>(…)`.
    fn reader(&self, target: &Target) -> Option<Reader> {
        let Target::Word(word) = target else { return None };
        match word.pieces.as_slice() {
            [Piece::Process { script, written: true }] => {
                Some((Rc::new(script.clone()), self.state.source.clone()))
            }
            _ => None,
        }
    }

    /// Walks the script behind a descriptor with what was written into it.
    pub(crate) fn feed_reader(&mut self, descriptor: Option<u32>, output: &Stream) {
        let reader = descriptor.and_then(|number| self.state.readers.remove_entry(&number));
        let Some((number, (script, text))) = reader else { return };
        let source = std::mem::replace(&mut self.state.source, text.clone());
        if self.enter() {
            self.subshell(&script, Stream { present: true, ..output.clone() });
            self.leave();
        }
        self.state.source = source;
        self.state.readers.insert(number, (script, text));
    }

    fn duplicated(&self, text: &Text, result: &Redirected) -> Stream {
        let Some(number) = number(text) else { return Stream::unknown(Taint::FILE) };
        let own = result.descriptors.iter().rev().find(|(own, _)| *own == number);
        match own.map(|(_, stream)| stream).or_else(|| self.state.descriptors.get(&number)) {
            Some(stream) => stream.clone(),
            None if number == 0 => self.stdin.clone(),
            None => Stream::default(),
        }
    }

    /// Opens a file for reading; what it would yield.
    pub(crate) fn open_for_reading(&mut self, text: &Text) -> Stream {
        if text.as_exact() == Some("/dev/stdin") {
            return self.stdin.clone();
        }
        match self.descriptor_at(text) {
            Some(stream) => stream,
            None => self.read_path(text, false),
        }
    }

    /// What `/dev/fd/3` leads to.
    pub(crate) fn descriptor_at(&self, text: &Text) -> Option<Stream> {
        let path = text.as_exact()?;
        let number =
            path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?;
        self.state.descriptors.get(&number.parse().ok()?).cloned()
    }

    fn open_for_writing(&mut self, text: &Text, descriptor: u32, result: &mut Redirected) {
        let place = place(&text.known, self.state.directory.as_deref(), self.session);
        if !text.open && place.zone == Zone::Network {
            let stream = self.connection(&place.path);
            result.remote |= descriptor <= 2;
            result.descriptors.push((descriptor, stream));
            return;
        }
        let behind = self.descriptor_at(text);
        if descriptor == 1 {
            let folders = ["/dev/fd/", "/proc/self/fd/"];
            let named = folders.iter().find_map(|folder| text.as_exact()?.strip_prefix(folder));
            result.into = named.and_then(|number| number.parse().ok());
        }
        if behind.is_some_and(|stream| stream.text.taint.has(Taint::REMOTE)) {
            result.remote |= descriptor <= 2;
            return;
        }
        self.write_path(text, "write");
        self.ask_about_settings(text);
        if descriptor == 1 && !text.open {
            result.files.push(place.path);
        }
    }

    /// Bash's own `/dev/tcp/HOST/PORT`.
    pub(crate) fn connection(&mut self, path: &str) -> Stream {
        let host = path.split('/').nth(3).unwrap_or_default();
        self.egress(&Text::exact(host));
        self.raise(RiskClass::NetworkEgress, &format!("opens a connection to {host}"));
        Stream::unknown(Taint::REMOTE)
    }
}

/// The descriptor that `3` or `3-` names.
fn number(text: &Text) -> Option<u32> {
    text.as_exact()?.trim_end_matches('-').parse().ok()
}

fn is_descriptor(text: &Text) -> bool {
    text.as_exact().is_some_and(|text| {
        let number = text.trim_end_matches('-');
        !text.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn connect(result: &mut Redirected, descriptor: u32, stream: Stream) {
    if descriptor == 0 {
        result.stdin = Some(stream.clone());
    }
    result.descriptors.push((descriptor, stream));
}
