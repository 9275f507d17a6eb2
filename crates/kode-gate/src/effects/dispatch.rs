//! From a command word to its entry: paths, versions, subcommands, and what
//! happens with a command kode does not know.

use kode_base::RiskClass;

use super::{arguments, handlers, interpreters, table};
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text};
use crate::paths::Zone;

/// Folders whose programs are known by name.
const PROGRAM_FOLDERS: [&str; 8] = [
    "/bin",
    "/usr/bin",
    "/sbin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/snap/bin",
];
/// Folders a project installs known tools into.
const TOOL_FOLDERS: [&str; 5] =
    ["node_modules/.bin", "vendor/bin", ".venv/bin", "venv/bin", "env/bin"];

/// Whether the programs in `folder` are known by their names.
pub(crate) fn holds_programs(folder: &str) -> bool {
    PROGRAM_FOLDERS.contains(&folder)
}

/// Whether `name` is a program, a shell or an interpreter that kode knows.
pub(crate) fn is_known_program(name: &str) -> bool {
    table::knows(name)
        || interpreters::shell(name).is_some()
        || interpreters::language(name).is_some()
}

/// A command as it is about to be judged.
pub(crate) struct Invocation<'i> {
    /// The entry's name: `ls`, `git status`.
    pub(crate) name: &'i str,
    /// The words after it.
    pub(crate) words: &'i [Field],
    /// The same, sorted by the entry.
    pub(crate) arguments: arguments::Arguments,
    /// What it reads on standard input.
    pub(crate) stdin: Stream,
}

/// The language of a compiler that is given a program on the command line:
/// `bun -e`, `swift -e`.
fn compiler_that_evaluates(
    name: &str,
    fields: &[Field],
) -> Option<&'static interpreters::Interpreter> {
    let language = match name {
        "bun" => "node",
        "swift" | "ghc" => "raku",
        _ => return None,
    };
    let flag = fields.get(1)?.as_exact()?;
    let evaluates = matches!(flag, "-e" | "--eval" | "-p" | "--print");
    evaluates.then(|| interpreters::language(language)).flatten()
}

impl Evaluator<'_> {
    /// Judges a command by its exact name.
    pub(crate) fn dispatch(&mut self, name: &str, fields: &[Field], stdin: Stream) -> Stream {
        let chosen;
        let listed = |field: &Field| field.text.taint.has(Taint::LISTED);
        let fields = if takes_apart(name) && fields.iter().any(listed) {
            chosen = fields.iter().map(only_chosen).collect::<Vec<_>>();
            chosen.as_slice()
        } else {
            fields
        };
        if let Some(output) = self.builtin(name, fields, &stdin) {
            return output;
        }
        let Some(program) = self.program(name, &stdin) else {
            return self.run_file(name, fields, stdin);
        };
        // `'git status'` is a program of that name, no subcommand.
        let known = if program.contains(' ') { "" } else { known_name(&program) };
        if let Some(interpreter) = interpreters::shell(known) {
            return self.shell(interpreter, fields, stdin);
        }
        if let Some(language) = compiler_that_evaluates(known, fields) {
            return self.interpreter(language, fields, stdin);
        }
        if let Some(language) = interpreters::language(known) {
            return self.interpreter(language, fields, stdin);
        }
        if known == "bun"
            && fields
                .get(1..3)
                .is_some_and(|words| words[0].text.known == "run" && words[1].text.known == "-")
            && let Some(node) = interpreters::language("node")
        {
            return self.interpreter(node, &fields[1..], stdin);
        }
        let bundled;
        let fields = if is_bundle(known, fields) {
            bundled = with_dash(fields);
            bundled.as_slice()
        } else {
            fields
        };
        let folded = self.folded(known, &fields[1..], &stdin);
        let output = self.entry(known, &fields[1..], stdin.clone());
        let output = output.map(|output| named_secrets(known, &fields[1..], output));
        let output = output.map(|output| self.listed_names(known, &fields[1..], output));
        match (folded, output) {
            (Some(folded), _) if !folded.text.open => folded,
            (Some(mut folded), Some(output)) => {
                folded.text.taint |= output.text.taint;
                folded
            }
            (_, Some(output)) => output,
            (_, None) => {
                let text = format!("kode does not know the command `{program}`");
                self.raise(RiskClass::CodeExecution, &text);
                self.look_for_outside_paths(&fields[1..]);
                self.refuse_connected_shell(&fields[1..], &stdin);
                self.try_words(&fields[1..], &stdin);
                // What the shell runs where no program has the name.
                let _ = self.call("command_not_found_handle", Vec::new(), Stream::default());
                Stream::unknown(stdin.text.taint | Taint::FILE)
            }
        }
    }

    /// What `ls` prints are names below the working directory, chosen where a
    /// pattern is given.
    fn listed_names(&self, name: &str, words: &[Field], output: Stream) -> Stream {
        const LONG: [char; 9] = ['l', 'g', 'n', 'o', 's', 'i', 'Q', 'R', 'F'];
        if name != "ls" {
            return output;
        }
        let (flags, places): (Vec<&Field>, Vec<&Field>) =
            words.iter().partition(|word| word.text.known.starts_with('-'));
        let long = flags
            .iter()
            .any(|flag| flag.text.known.starts_with("--") || flag.text.known.contains(LONG));
        let local = |word: &&Field| {
            let path = word.text.known.as_str();
            !word.text.open
                && !path.starts_with(['/', '~'])
                && self.place_of(&word.text).zone.is_local()
        };
        let here = self.state.directory.as_deref().map(Text::exact);
        let inside = here.is_some_and(|here| self.place_of(&here).zone.is_local());
        let here_is_tree = |walk: &Self| {
            let here = walk.state.directory.as_deref().map(Text::exact);
            here.is_some_and(|here| walk.place_of(&here).zone == Zone::Tree)
        };
        if places.iter().any(|word| self.lists_tree(word))
            || places.is_empty() && !inside && here_is_tree(self)
        {
            let mut output = output;
            output.text.taint |= Taint::ALL;
            return output;
        }
        if let [only] = places.as_slice()
            && !long
            && only.glob
            && !only.text.open
            && let Some(at) = only.text.known.find(['*', '?', '['])
            && only.text.known.starts_with('/')
        {
            // `ls /dev/sd*` prints names that begin so.
            let known = only.text.known[..at].to_owned();
            return Stream { text: Text::beginning(known, output.text.taint), ..output };
        }
        if long || !inside || !places.iter().all(local) {
            return output;
        }
        let narrow = |word: &&Field| {
            word.glob && word.text.known.chars().any(|each| each.is_ascii_alphanumeric())
        };
        let chosen = !places.is_empty() && places.iter().all(narrow);
        output.of_names(if chosen { Names::Chosen } else { Names::Local })
    }

    /// Whether `ls` would name all of a system tree or a home: `/`, `/*`, `~`.
    fn lists_tree(&self, word: &Field) -> bool {
        let path = word.text.known.trim_end_matches('*');
        let named = !word.text.open && path.starts_with(['/', '~']);
        named && self.place_of(&Text::exact(path)).zone == Zone::Tree
    }

    /// What a program that kode can't see through is given to run: a socket
    /// with a shell is plain to see in any language, and in a file that this very
    /// command wrote.
    pub(crate) fn refuse_connected_shell(&mut self, words: &[Field], stdin: &Stream) {
        let code = |text: &Text| {
            super::code::connects_shell(&text.known)
                || super::code::connects_shell_words(&text.known)
        };
        let streams = words.iter().filter_map(|word| word.stream.as_ref());
        let given = streams
            .chain(std::iter::once(stdin))
            .any(|stream| code(&stream.text) || super::code::is_reverse_shell(&stream.text.known));
        let flag = |pair: &[Field]| {
            matches!(
                pair[0].as_exact(),
                Some(
                    "eval"
                        | "-e"
                        | "-c"
                        | "-E"
                        | "--eval"
                        | "-r"
                        | "-x"
                        | "-ex"
                        | "--execute"
                        | "-b"
                        | "--batch"
                        | "--bind"
                        | "-a"
                        | "--args"
                        | "--command"
                        | "cmd.run"
                )
            ) && code(&pair[1].text)
        };
        if given || words.windows(2).any(flag) || words.iter().any(|word| self.wrote_shell(word)) {
            let text = "the code connects a shell to a network address";
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, text);
        }
    }

    /// Whether `word` names a file, or a folder with one, that this very command
    /// wrote and that connects a shell to a network address.
    fn wrote_shell(&self, word: &Field) -> bool {
        if self.files.is_empty() || word.text.known.is_empty() {
            return false;
        }
        let named = word.text.known.rsplit('=').next().unwrap_or_default();
        let path = self.place_of(&Text::exact(named)).path;
        let below = |file: &str| {
            file.strip_prefix(path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.files.iter().any(|(file, content)| {
            below(file) && super::code::is_reverse_shell(&content.text.known)
        })
    }

    /// The program a command word names; `None` for a file to run.
    fn program(&mut self, name: &str, _stdin: &Stream) -> Option<String> {
        let Some((folder, base)) = name.rsplit_once('/') else {
            // `"$FILE"`, whose name stands for a path, may be what was written there.
            let file = self.unset_is_named
                && !self.files.is_empty()
                && self.files.contains_key(&self.place_of(&Text::exact(name)).path);
            return (!file).then(|| name.to_owned());
        };
        let place = self.place_of(&Text::exact(name));
        let absolute = place.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let base = place.path.rsplit('/').next().filter(|base| !base.is_empty()).unwrap_or(base);
        let system = holds_programs(absolute);
        let tools = place.zone == Zone::Project
            && TOOL_FOLDERS.iter().any(|tools| {
                absolute.ends_with(tools)
                    && folder.ends_with(tools.rsplit('/').next().unwrap_or(tools))
            });
        let stub = place.zone == Zone::Project
            && absolute.ends_with("/bin")
            && table::lookup(base).is_some_and(|tool| tool.builds || base == "rails");
        let tools = tools || stub;
        let wrapper = matches!(base, "gradlew" | "mvnw") && place.zone == Zone::Project;
        let written = self.files.contains_key(&place.path);
        if (tools || wrapper) && self.session.bare_host {
            let text = format!("without a sandbox, the project's `{base}` runs with your rights");
            self.raise(RiskClass::CodeExecution, &text);
        }
        ((system || tools || wrapper || is_disguised_socket(base)) && !written)
            .then(|| base.to_owned())
    }

    /// Whether a program file is a development tool in the folder a project
    /// installs it into: `php vendor/bin/phpunit` is `vendor/bin/phpunit`.
    pub(crate) fn is_tool_file(&self, file: &Field) -> bool {
        let place = self.place_of(&file.text);
        let Some((folder, base)) = place.path.rsplit_once('/') else { return false };
        let tools = TOOL_FOLDERS.iter().any(|tools| folder.ends_with(tools));
        tools
            && file.as_exact().is_some_and(|name| name.contains('/'))
            && place.zone == Zone::Project
            && !self.files.contains_key(&place.path)
            && table::lookup(base).is_some_and(|tool| tool.builds)
    }

    /// Runs a file that is no known program: its content, where this command
    /// wrote it, else something kode can't see through.
    fn run_file(&mut self, name: &str, fields: &[Field], stdin: Stream) -> Stream {
        let content = self.content_of(&Field::exact(name), &stdin);
        let place = self.place_of(&Text::exact(name));
        self.raise(RiskClass::CodeExecution, &format!("runs the file {}", place.path));
        if self.files.contains_key(&place.path) {
            self.refuse_foreign_code(content.text.taint, "a program");
            let script = content.text.clone();
            return self.perhaps(|walk| walk.shell_text(&script, stdin));
        }
        self.look_for_outside_paths(&fields[1..]);
        self.refuse_reverse_shell(&stdin);
        Stream::unknown(stdin.text.taint | Taint::FILE)
    }

    /// Applies an entry and its subcommand's; `None` for an unknown name.
    pub(crate) fn entry(&mut self, name: &str, words: &[Field], stdin: Stream) -> Option<Stream> {
        let spec = table::lookup(name)?;
        if !spec.subcommands {
            let arguments = arguments::sort(spec, words);
            let invocation = Invocation { name, words, arguments, stdin };
            return Some(self.apply(spec, &invocation));
        }
        let at = subcommand_at(spec, words);
        let Some(at) = at else {
            if matches!(name, "bundle" | "bundler") && words.is_empty() {
                self.raise(RiskClass::Install, "bare `bundle` installs packages");
            }
            let arguments = arguments::sort(spec, words);
            let invocation = Invocation { name, words, arguments, stdin };
            return Some(self.apply(spec, &invocation));
        };
        if at > 0 && words[at].as_exact().is_some() {
            // Rules are written without the flags in front: `git -C x push`.
            let mut argv = vec![Field::exact(name)];
            argv.extend_from_slice(&words[at..]);
            self.found.also(crate::evaluate::shown(&argv));
        }
        let arguments = arguments::sort(spec, &words[..at]);
        let before = Invocation { name, words: &words[..at], arguments, stdin: stdin.clone() };
        self.apply_flags(spec, &before);
        if matches!(spec.handler.as_str(), "npm_script" | "toolchain") {
            // `npm --prefix ../other run build` is another project's build.
            self.look_for_outside_paths(before.words);
        }
        handlers::run(self, &spec.handler, &before);
        let Some(word) = words[at].as_exact() else {
            self.raise(
                RiskClass::CodeExecution,
                &format!("which `{name}` command runs is known only when it runs"),
            );
            return Some(Stream::unknown(Taint::FILE));
        };
        let key = format!("{name} {word}");
        if name == "git" {
            self.judge_git_word(word, &words[at + 1..]);
            self.look_at_repository(&key, &before);
            if matches!(word, "clone" | "fetch" | "pull" | "push" | "ls-remote" | "submodule") {
                self.run_address(&words[at + 1..]);
            }
        }
        let mut output = self.entry(&key, &words[at + 1..], stdin.clone());
        // `pnpm turbo …` is `pnpm exec turbo …` of a tool of the project.
        let tool =
            matches!(name, "pnpm" | "yarn") && table::lookup(word).is_some_and(|tool| tool.builds);
        if output.is_none() && tool {
            output = self.entry(word, &words[at + 1..], stdin);
        }
        Some(output.unwrap_or_else(|| {
            self.raise(RiskClass::CodeExecution, &format!("kode does not know `{key}`"));
            self.look_for_outside_paths(&words[at + 1..]);
            Stream::unknown(Taint::FILE)
        }))
    }

    /// Applies what an entry says, then its handler.
    fn apply(&mut self, spec: &table::Spec, invocation: &Invocation<'_>) -> Stream {
        let output = self.apply_entry(spec, invocation);
        if spec.handler.is_empty() {
            return output;
        }
        handlers::run(self, &spec.handler, invocation).unwrap_or(output)
    }

    /// Words of a command kode can't judge, as paths: outside the project is
    /// the user's business.
    pub(crate) fn look_for_outside_paths(&mut self, words: &[Field]) {
        for word in words {
            let text = word.text.known.as_str();
            let value = match text.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => value,
                _ => text,
            };
            let pathlike =
                value.starts_with('/') || value.starts_with("../") || value.contains("/../");
            if pathlike && !value.starts_with("//") {
                let place = self.place_of(&Text::exact(value));
                match place.zone {
                    Zone::Kode => self.refuse_kode(&place.path),
                    zone if !zone.is_local() => {
                        let text = format!("names {}, outside the project", place.path);
                        self.raise(RiskClass::SystemWrite, &text);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The names that come out of `find -name .env`, `ls .env`: where one looks like
/// a credential's, that is how an unknown name is known to end.
fn named_secrets(name: &str, words: &[Field], mut output: Stream) -> Stream {
    let prints = matches!(
        name,
        "find"
            | "gfind"
            | "fd"
            | "fdfind"
            | "ls"
            | "rg"
            | "git"
            | "locate"
            | "realpath"
            | "readlink"
    );
    if prints && output.text.open && output.text.after.is_empty() {
        let names = words.iter().filter_map(Field::as_exact).filter(|word| !word.starts_with('!'));
        let mut endings =
            names.filter_map(super::handlers::last_name).map(|name| format!("/{name}"));
        let secret = endings.find(|path| crate::paths::looks_secret(&format!("/folder{path}")));
        output.text.after = secret.unwrap_or_default();
    }
    output
}

/// Programs that delete, move or open up what they are given: to them the names
/// of all files are no choice.
pub(crate) fn takes_apart(name: &str) -> bool {
    let program = name.rsplit('/').next().unwrap_or(name);
    const PROGRAMS: [&str; 11] =
        ["rm", "unlink", "shred", "truncate", "mv", "chmod", "chown", "chgrp", "cp", "ln", "rmdir"];
    PROGRAMS.contains(&program)
}

/// A name that may be any is known only when it runs.
fn only_chosen(field: &Field) -> Field {
    if !field.text.taint.has(Taint::LISTED) {
        return field.clone();
    }
    Field { text: Text::unknown(field.text.taint), many: true, ..field.clone() }
}

/// `tar xzf`: the first word holds flags without a dash.
fn is_bundle(name: &str, fields: &[Field]) -> bool {
    let letters =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    matches!(name, "tar" | "bsdtar" | "gtar")
        && fields.get(1).and_then(Field::as_exact).is_some_and(letters)
}

fn with_dash(fields: &[Field]) -> Vec<Field> {
    let mut fields = fields.to_vec();
    fields[1].text.known.insert(0, '-');
    fields
}

/// `socat` and its kind stay what they are wherever they were put.
fn is_disguised_socket(base: &str) -> bool {
    matches!(base.trim_end_matches(".exe"), "socat" | "nc" | "ncat" | "netcat")
}

/// `python3.11` is `python`, `mkfs.ext4` is `mkfs`, `gcc-12` is `gcc`.
fn known_name(program: &str) -> &str {
    if is_known_program(program) {
        return program;
    }
    let stem =
        program.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.' || last == '-');
    let known = |name: &str| table::knows(name) || interpreters::language(name).is_some();
    if stem != program && known(stem) {
        return stem;
    }
    match program.split_once('.') {
        Some((base @ ("mkfs" | "fsck"), _)) => base,
        // Windows programs, which WSL starts like any other.
        Some((base @ ("nc" | "ncat" | "netcat" | "socat"), "exe")) => base,
        _ => program,
    }
}

/// Where the subcommand stands: the first word that is no flag or its value.
fn subcommand_at(spec: &table::Spec, words: &[Field]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.text.known.as_str();
        let toolchain = text.starts_with('+') && spec.name_takes_toolchain();
        if !text.starts_with('-') && !toolchain {
            return Some(at);
        }
        let takes_next = match spec.flags.get(text) {
            Some(table::Value::None | table::Value::Optional) | None => false,
            Some(_) => !word.text.open,
        };
        at += if takes_next { 2 } else { 1 };
    }
    None
}

impl table::Spec {
    /// `cargo +nightly build`.
    fn name_takes_toolchain(&self) -> bool {
        self.handler == "toolchain"
    }
}
