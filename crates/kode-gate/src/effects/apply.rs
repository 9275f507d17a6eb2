//! Applies a command's entry to its sorted words: the class, the flags, the
//! operands, and what comes out.

use kode_base::RiskClass;

use super::code::Language;
use super::dispatch::Invocation;
use super::table::{Operand, Spec, Style, Value};
use crate::assessment::QuestionKind;
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text, Variable};
use crate::paths::{Zone, holds_secrets, looks_secret};

impl Evaluator<'_> {
    /// Applies everything but the handler.
    pub(crate) fn apply_entry(&mut self, spec: &Spec, invocation: &Invocation<'_>) -> Stream {
        let name = invocation.name;
        let help = invocation.words.len() == 1
            && invocation.words[0].as_exact().is_some_and(|word| {
                matches!(word, "--help" | "--version" | "-V" | "--usage")
                    || matches!(word, "-version" | "-help") && whole_words(spec)
            });
        if help {
            return Stream::unknown(Taint::LITERAL);
        }
        if spec.class > RiskClass::Safe {
            let why = spec.why.clone().unwrap_or_else(|| format!("`{name}` is {}", spec.class));
            self.raise(spec.class, &why);
        }
        self.apply_flags(spec, invocation);
        if spec.guarded || spec.guard.iter().any(|flag| invocation.arguments.has(&[flag.as_str()]))
        {
            let text = format!("`{name}` used like this loses work");
            self.found.ask(QuestionKind::Guard, &text);
        }
        let reads_anyway =
            invocation.words.iter().any(|word| word.as_exact() == Some("--no-index"));
        if (spec.any_flags || spec.listed) && (reads_anyway || !is_about_names(name)) {
            self.look_for_secrets(invocation);
        }
        self.look_at_build(spec, invocation);
        let recursive =
            spec.recursive.iter().any(|flag| invocation.arguments.has(&[flag.as_str()]));
        let read = self.apply_operands(spec, invocation, recursive);
        if spec.class == RiskClass::CodeExecution {
            self.inspect_sources(invocation);
        }
        self.look_into_words(spec, invocation);
        if spec.class >= RiskClass::CodeExecution || spec.builds || name == "nmap" {
            self.refuse_connected_shell(invocation.words, &invocation.stdin);
        }
        let mut taint = invocation.stdin.text.taint | read;
        match spec.output.as_str() {
            "remote" => taint |= Taint::REMOTE,
            "decoded" => taint |= Taint::DECODED,
            "secret" => taint |= Taint::SECRET,
            "plain" => taint = Taint::LITERAL,
            "endless" => taint |= Taint::ENDLESS,
            _ => {}
        }
        if !passes_on(name) {
            taint = taint.without(Taint::ENDLESS);
        }
        Stream::unknown(taint | Taint::FILE)
    }

    pub(crate) fn apply_flags(&mut self, spec: &Spec, invocation: &Invocation<'_>) {
        let name = invocation.name;
        if !spec.any_flags {
            if let Some(unknown) = invocation.arguments.unknown.first() {
                let text = format!("kode does not know `{name}`'s flag {unknown}");
                self.raise(RiskClass::CodeExecution, &text);
            }
            if invocation.arguments.open_flag && spec.has_grave_flags {
                let text = format!("which flags `{name}` gets is known only when it runs");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
        for (flag, value) in &invocation.arguments.flags {
            let runs = spec.flags.get(flag) == Some(&Value::Execute);
            if let Some(class) = spec.raises.get(flag).filter(|_| !runs) {
                self.raise(*class, &format!("`{name} {flag}`"));
            }
            let kind = spec.flags.get(flag).copied().or_else(|| {
                spec.prefixes.iter().find(|(start, _)| start == flag).map(|(_, value)| *value)
            });
            let Some(value) = value else { continue };
            match kind {
                Some(Value::Read) => {
                    self.read_path(&value.text, false);
                }
                // `strace -o '|COMMAND'`.
                Some(Value::Write)
                    if matches!(name, "strace" | "ltrace")
                        && value.text.known.starts_with(['|', '!']) =>
                {
                    self.raise(RiskClass::CodeExecution, "pipes what it traces into a command");
                    let script =
                        Text { known: value.text.known[1..].to_owned(), ..value.text.clone() };
                    self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
                }
                // To them `-o` is a format, and what follows is read.
                Some(Value::Write)
                    if flag == "-o"
                        && matches!(name, "od" | "hexdump" | "hd" | "strings" | "nm" | "size") =>
                {
                    self.read_path(&value.text, false);
                }
                // Where an unnamed download lands matters less than its host.
                Some(Value::Write)
                    if value.text.open
                        && value.text.known.is_empty()
                        && spec.class == RiskClass::NetworkEgress => {}
                Some(Value::Write) => self.flag_writes(flag, value, &invocation.stdin),
                Some(Value::Execute) => {
                    let kept = invocation.arguments.operands.first().and_then(Field::as_exact);
                    if name == "script" && kept == Some("/dev/null") && is_bare_shell(value) {
                        let text = "a terminal is made for a bare shell, and nothing is recorded";
                        self.found.refuse("shell_escape", RiskClass::CodeExecution, text);
                    }
                    let fed = name == "script";
                    let stdin = if fed { invocation.stdin.clone() } else { Stream::default() };
                    self.execute_value(flag, value, stdin);
                }
                Some(Value::Host) => self.egress(&value.text),
                None if flag.is_empty() => self.look_for_outside_paths(std::slice::from_ref(value)),
                _ => {}
            }
        }
        if spec.builds {
            self.look_for_outside_paths(invocation.words);
            self.look_for_nested_paths(name, invocation.words);
        }
    }

    /// A flag's value that is written.
    fn flag_writes(&mut self, flag: &str, value: &Field, stdin: &Stream) {
        let folder = flag.contains("directory") || matches!(flag, "-d" | "-C");
        let verb = if folder { "unpack into" } else { "write" };
        self.write_path(&value.text, verb);
        // `curl … | openssl enc -d -out x`: what is made of it is as foreign.
        if stdin.text.taint.has(Taint::REMOTE) && !folder && !value.text.open {
            let path = self.place_of(&value.text).path;
            self.files.insert(path, Stream::unknown(Taint::REMOTE));
        }
    }

    /// Paths of credentials anywhere in the words of a command whose flags are
    /// not all known: `--json=/etc/shadow`, `@/etc/shadow`, `\input{…}`.
    fn look_for_secrets(&mut self, invocation: &Invocation<'_>) {
        let stdin =
            matches!(invocation.name, "cpio" | "pax" | "zip").then_some(&invocation.stdin.text);
        // A filter of jq or yq opens no files: `.key` in it is a field.
        let jq = matches!(invocation.name, "jq" | "gojq" | "jaq");
        let yq = matches!(invocation.name, "yq" | "xq" | "tomlq" | "dasel");
        let filter = (jq || yq)
            && !invocation.words.iter().any(|word| names_file(&word.text.known))
            && !invocation.words.iter().any(|word| loads_file(&word.text.known));
        let operands = &invocation.arguments.operands;
        let eval = matches!(
            operands.first().and_then(Field::as_exact),
            Some("e" | "eval" | "ea" | "eval-all")
        );
        let program = operands.get(usize::from(yq && eval)).filter(|_| filter);
        let program = program.map(|word| word.text.known.as_str());
        // What stands behind `--args` is text.
        let texts = invocation
            .words
            .iter()
            .position(|word| jq && matches!(word.as_exact(), Some("--args" | "--jsonargs")));
        let words = invocation.words.iter().enumerate();
        // What `openssl` makes is written, not read.
        let written = |at: usize| {
            let before = at.checked_sub(1).and_then(|at| invocation.words.get(at));
            invocation.name == "openssl"
                && matches!(before.and_then(Field::as_exact), Some("-out" | "-keyout"))
        };
        let words = words.filter(|(at, _)| texts.is_none_or(|texts| *at < texts));
        let words = words.filter(|(at, _)| !written(*at)).map(|(_, word)| &word.text);
        let words = words.filter(|text| program != Some(text.known.as_str())).chain(stdin);
        let mut paths: Vec<Text> = Vec::new();
        for text in words {
            let is_part =
                |character: char| character.is_alphanumeric() || "._/~-".contains(character);
            let tokens = text.known.split(|character| !is_part(character)).filter_map(|token| {
                let from = token.find(['/', '~', '.'])?;
                let whole = token.starts_with('-') && from > 2;
                Some(if whole { &token[from..] } else { token.trim_start_matches('-') })
            });
            paths.extend(tokens.filter(|token| token.len() > 3).take(64).map(Text::exact));
        }
        for path in paths {
            let place = self.place_of(&path);
            if looks_secret(&place.path) && !matches!(place.zone, Zone::Null | Zone::Unknown) {
                self.read_path(&path, false);
            }
        }
    }

    /// A flag whose value the program runs.
    fn execute_value(&mut self, flag: &str, value: &Field, stdin: Stream) {
        let mut script = value.text.clone();
        // `tar --checkpoint-action=exec=COMMAND`.
        if let Some(command) = script.known.strip_prefix("exec=") {
            script.known = command.to_owned();
        }
        let pager = matches!(flag, "-P" | "--pager") && !script.open;
        if pager && super::environment::only_shows(&script.known) {
            return;
        }
        if is_compressor(&script) {
            // `split --filter` puts the name of the part it writes into FILE.
            let part = Text { known: "./part".to_owned(), open: true, ..Text::default() };
            let old = self.state.variables.get("FILE").cloned();
            self.set("FILE", Variable { values: vec![part], array: false });
            self.perhaps(|walk| walk.text_script(&script.known, Stream::default()));
            self.put_back("FILE", old);
            return;
        }
        self.raise(RiskClass::CodeExecution, &format!("{flag} runs what it is given"));
        self.perhaps(|walk| walk.shell_text(&script, stdin));
    }

    /// Judges operands by their roles; the taint of what is read.
    fn apply_operands(
        &mut self,
        spec: &Spec,
        invocation: &Invocation<'_>,
        recursive: bool,
    ) -> Taint {
        let operands = &invocation.arguments.operands;
        let mut taint = Taint::LITERAL;
        for (at, operand) in operands.iter().enumerate() {
            let Some(role) = role_at(spec, at, operands.len()) else { break };
            match reading_role(role, invocation) {
                Operand::Text => {}
                Operand::Read if operand.stream.is_some() => {
                    taint |=
                        operand.stream.as_ref().map_or(Taint::LITERAL, |stream| stream.text.taint);
                }
                Operand::Read if operand.as_exact() == Some("-") => {}
                Operand::Read => taint |= self.read_path(&operand.text, recursive).text.taint,
                Operand::Look => {
                    self.look_at(&operand.text);
                    let lists = matches!(
                        invocation.name,
                        "ls" | "dir" | "vdir" | "tree" | "exa" | "eza" | "lsd"
                    );
                    if lists && holds_secrets(&self.place_of(&operand.text).path, self.session) {
                        taint |= Taint::TREE;
                    }
                }
                Operand::Write | Operand::Change if operand.stream.is_some() => {}
                Operand::Write => {
                    self.write_operand(operand);
                    if !matches!(invocation.name, "cp" | "mv" | "ln" | "touch" | "rsync") {
                        self.ask_about_settings(&operand.text);
                    }
                }
                Operand::Change => {
                    taint |= self.read_path(&operand.text, recursive).text.taint;
                    self.write_operand(operand);
                }
                Operand::Delete => self.delete_path(operand, recursive),
                Operand::Mode => self.change_mode(operand, recursive),
                Operand::Host => self.egress(&operand.text),
                Operand::Script => {
                    self.run_script_operand(operand, &invocation.stdin);
                    break;
                }
                Operand::Command => {
                    let output = self.run_argv(operands[at..].to_vec(), invocation.stdin.clone());
                    taint |= output.text.taint;
                    break;
                }
                Operand::Shell => {
                    let script = join(&operands[at..]);
                    self.shell_text(&script, invocation.stdin.clone());
                    break;
                }
            }
        }
        taint
    }

    /// Programs this very command wrote and now runs are looked at.
    fn inspect_sources(&mut self, invocation: &Invocation<'_>) {
        for operand in &invocation.arguments.operands {
            if matches!(operand.as_exact(), Some("/dev/stdin")) && invocation.stdin.present {
                self.code(Language::Other, &invocation.stdin.text);
            }
            let place = self.place_of(&operand.text);
            if let Some(content) = self.files.get(&place.path).cloned() {
                self.code(Language::Other, &content.text);
            }
        }
    }

    fn write_operand(&mut self, operand: &Field) {
        self.write_pattern(operand);
        let place = self.place_of(&operand.text);
        let stdin = self.stdin.clone();
        if stdin.present && !operand.text.open {
            self.keep_file(place.path, stdin);
        }
    }

    /// A program file handed to something that runs it.
    pub(crate) fn run_script_operand(&mut self, operand: &Field, stdin: &Stream) {
        let content = self.content_of(operand, stdin);
        self.raise(RiskClass::CodeExecution, &format!("runs {}", operand.text.known));
        self.refuse_foreign_code(content.text.taint, "an interpreter");
    }
}

/// Commands whose words are text or names, never files that are read.
fn is_about_names(name: &str) -> bool {
    const NAMES: [&str; 31] = [
        "tr", "echo", "printf", ":", "true", "false", "export", "exa", "eza", "lsd", "tree", "du",
        "df", "which", "whereis", "locate", "apropos", "whatis", "find", "gfind", "pgrep", "kill",
        "pkill", "expr", "figlet", "cowsay", "fd", "fdfind", "hostname", "pidof", "touch",
    ];
    NAMES.contains(&name) || name.starts_with("git ")
}

/// Whether `-version` is one flag to the command, not a cluster of letters.
fn whole_words(spec: &Spec) -> bool {
    spec.style == Style::Single || spec.any_flags && spec.class == RiskClass::CodeExecution
}

/// Commands whose output goes on as long as their input does.
fn passes_on(name: &str) -> bool {
    matches!(name, "yes" | "cat" | "tac" | "rev" | "tee" | "tr" | "base64" | "nl" | "gzip" | "pv")
}

/// A shell without a script: it runs whatever it is told.
fn is_bare_shell(script: &Field) -> bool {
    let mut words = script.as_exact().unwrap_or_default().split_whitespace();
    let first = words.next().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    super::interpreters::shell(first).is_some()
        && words.all(|word| matches!(word, "-i" | "-l" | "-p" | "-li" | "-il"))
}

/// A packing program and its flags, as `--compress-program` expects it.
fn is_compressor(script: &Text) -> bool {
    const PROGRAMS: [&str; 11] = [
        "gzip", "bzip2", "xz", "zstd", "lz4", "lzop", "lzma", "pigz", "pbzip2", "brotli", "unzstd",
    ];
    let known =
        script.as_exact().filter(|text| !text.contains([';', '|', '&', '<', '`', '(', '\n']));
    known
        .and_then(|text| text.split_whitespace().next())
        .is_some_and(|first| PROGRAMS.contains(&first))
}

/// The words as one script.
pub(crate) fn join(words: &[Field]) -> Text {
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

/// The role of an operand that this call only reads: `gzip -dc FILE`, and what a
/// link is made to where the link's own name is not given.
fn reading_role(role: Operand, invocation: &Invocation<'_>) -> Operand {
    let found = &invocation.arguments;
    let only_reads = match role {
        Operand::Change => {
            found.has(&["-c", "--stdout", "--to-stdout", "-t", "--test", "-l", "--list"])
        }
        Operand::Write => match invocation.name {
            "ln" => found.operands.len() == 1 || found.has(&["-t", "--target-directory"]),
            "cp" => found.has(&["-t", "--target-directory"]),
            _ => false,
        },
        _ => false,
    };
    if only_reads { Operand::Read } else { role }
}

/// The role of operand `at` of `count`: the repeated role takes up the slack.
fn role_at(spec: &Spec, at: usize, count: usize) -> Option<Operand> {
    let roles = &spec.operands;
    let Some(repeated) = spec.repeated else { return roles.get(at).copied() };
    let after = roles.len() - repeated - 1;
    // With too few operands the fixed last role wins: `cp a` writes nothing,
    // but `mv` into a known target keeps its order.
    if after > 0 && count > repeated && at >= count.saturating_sub(after) {
        return roles.get(roles.len() - (count - at)).copied();
    }
    if at < repeated { roles.get(at).copied() } else { roles.get(repeated).copied() }
}

/// Functions of a filter that open files: `load("x")`, `include "x"`.
fn loads_file(word: &str) -> bool {
    ["load(", "load_str(", "load_xml(", "include", "import", "input_filename"]
        .iter()
        .any(|function| word.contains(function))
}

/// Flags of jq that are followed by a file, in this place or the next.
fn names_file(word: &str) -> bool {
    let cluster = word.starts_with('-') && !word.starts_with("--");
    cluster && word.contains(['f', 'L'])
        || ["--from-file", "--rawfile", "--slurpfile", "--argfile"].contains(&word)
}
