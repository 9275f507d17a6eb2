//! Shells and language interpreters: code on the command line, in a file, on
//! standard input.

use kode_base::RiskClass;

use super::code::{self, Danger, Language};
use super::fetched_code;
use crate::assessment::QuestionKind;
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text, Variable};
use crate::paths::Zone;

/// A shell family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// Speaks (nearly) the language kode parses.
    Posix,
    /// Another syntax; what can be parsed is judged, and it always prompts.
    Other,
}

/// Every shell and interpreter by name.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let shells =
        ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "rbash", "fish", "csh", "tcsh"];
    shells.into_iter().chain(INTERPRETERS.iter().map(|each| each.name))
}

/// The shell `name` is, if any.
pub(crate) fn shell(name: &str) -> Option<Shell> {
    match name {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "rbash" | "yash" | "ksh93"
        | "lksh" | "-bash" | "-sh" => Some(Shell::Posix),
        "fish" | "csh" | "tcsh" | "elvish" | "nu" | "xonsh" | "pwsh" | "powershell"
        | "powershell.exe" | "pwsh.exe" | "pwsh-preview" | "rc" | "es" => Some(Shell::Other),
        _ => None,
    }
}

/// Words of Django's `manage.py` that test, check, list or write source files.
const DJANGO_BUILDS: [&str; 11] = [
    "test",
    "check",
    "makemigrations",
    "showmigrations",
    "sqlmigrate",
    "collectstatic",
    "compilemessages",
    "makemessages",
    "diffsettings",
    "startapp",
    "show_urls",
];

/// Words of Laravel's `artisan` that do, beside `make:…` and `…:list`.
const ARTISAN_BUILDS: [&str; 7] =
    ["test", "list", "about", "config:clear", "cache:clear", "view:clear", "route:clear"];

/// How an interpreter is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interpreter {
    pub(crate) language: Language,
    name: &'static str,
    /// Flags followed by code.
    code: &'static [&'static str],
    /// Flags with a value that is no code.
    values: &'static [&'static str],
    /// Flags that only print something.
    harmless: &'static [&'static str],
}

const fn interpreter(
    language: Language,
    name: &'static str,
    code: &'static [&'static str],
    values: &'static [&'static str],
    harmless: &'static [&'static str],
) -> Interpreter {
    Interpreter { language, name, code, values, harmless }
}

const INTERPRETERS: [Interpreter; 44] = [
    interpreter(
        Language::Python,
        "python",
        &["-c"],
        &["-W", "-X", "-Q"],
        &["-V", "--version", "-h", "--help", "-VV"],
    ),
    interpreter(Language::Python, "pypy", &["-c"], &["-W", "-X"], &["--version"]),
    interpreter(Language::Python, "ipython", &["-c"], &[], &["--version"]),
    interpreter(Language::Perl, "perl", &["-e", "-E"], &[], &["-v", "--version", "-V"]),
    interpreter(Language::Ruby, "ruby", &["-e"], &["-I", "-C"], &["-v", "--version"]),
    interpreter(Language::Ruby, "irb", &[], &[], &["--version"]),
    interpreter(Language::Ruby, "jruby", &["-e"], &[], &["--version"]),
    interpreter(
        Language::Node,
        "node",
        &["-e", "--eval", "-p", "--print", "-pe"],
        &["-C", "--conditions"],
        &["-v", "--version", "-h", "--help", "--v8-options"],
    ),
    interpreter(
        Language::Node,
        "nodejs",
        &["-e", "--eval", "-p", "--print", "-pe"],
        &[],
        &["-v", "--version"],
    ),
    interpreter(Language::Node, "deno", &["eval"], &[], &["--version", "-V", "--help"]),
    interpreter(Language::Node, "tsx", &["-e", "--eval"], &[], &["--version"]),
    interpreter(Language::Node, "ts-node", &["-e", "--eval"], &[], &["--version", "-v"]),
    interpreter(
        Language::Php,
        "php",
        &["-r", "-B", "-R", "-E"],
        &["-d", "-c", "-z", "-S", "-t"],
        &["-v", "--version", "-m", "-i", "--ini"],
    ),
    interpreter(Language::Lua, "lua", &["-e"], &["-l"], &["-v"]),
    interpreter(Language::Lua, "luajit", &["-e"], &["-l"], &["-v"]),
    interpreter(Language::Lua, "texlua", &["-e"], &[], &["-v"]),
    interpreter(
        Language::Other,
        "julia",
        &["-e", "-E", "--eval", "--print"],
        &["-J", "-t"],
        &["-v", "--version"],
    ),
    interpreter(Language::Other, "Rscript", &["-e"], &[], &["--version"]),
    interpreter(Language::Other, "R", &["-e"], &["-f"], &["--version"]),
    interpreter(Language::Other, "jrunscript", &["-e"], &["-cp", "-l"], &[]),
    interpreter(Language::Other, "osascript", &["-e"], &["-l"], &[]),
    interpreter(Language::Other, "tclsh", &[], &[], &[]),
    interpreter(Language::Other, "wish", &[], &[], &[]),
    interpreter(Language::Other, "expect", &["-c"], &[], &["-v"]),
    interpreter(Language::Other, "groovy", &["-e"], &[], &["-v", "--version"]),
    interpreter(Language::Other, "elixir", &["-e", "--eval"], &[], &["-v", "--version"]),
    interpreter(Language::Other, "erl", &["-eval"], &[], &[]),
    interpreter(Language::Other, "octave-cli", &["--eval"], &[], &["--version"]),
    interpreter(Language::Other, "raku", &["-e"], &["-I"], &["-v", "--version"]),
    interpreter(Language::Other, "perl6", &["-e"], &["-I"], &["-v", "--version"]),
    interpreter(Language::Other, "swipl", &["-g", "-t"], &[], &["--version"]),
    interpreter(Language::Other, "guile", &["-c"], &["-L"], &["-v", "--version"]),
    interpreter(Language::Other, "racket", &["-e", "--eval"], &[], &["-v", "--version"]),
    interpreter(Language::Other, "sbcl", &["--eval"], &[], &["--version"]),
    interpreter(Language::Other, "gforth", &["-e"], &[], &["-v", "--version"]),
    interpreter(Language::Other, "scala", &["-e"], &[], &["-version", "--version"]),
    interpreter(Language::Other, "clojure", &["-e"], &[], &["--version"]),
    interpreter(Language::Other, "bb", &["-e"], &[], &["--version"]),
    interpreter(Language::Other, "iex", &["-e", "--eval"], &[], &["-v", "--version"]),
    interpreter(Language::Other, "IEX", &[], &[], &[]),
    interpreter(Language::Other, "Invoke-Expression", &[], &[], &[]),
    interpreter(Language::Other, "invoke-expression", &[], &[], &[]),
    interpreter(Language::Other, "ghci", &["-e"], &[], &["--version"]),
    interpreter(Language::Other, "groovysh", &["-e"], &[], &["-v", "--version"]),
];

/// The interpreter `name` is; version numbers at the end are ignored.
pub(crate) fn language(name: &str) -> Option<&'static Interpreter> {
    let stem = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.');
    INTERPRETERS.iter().find(|each| each.name == name || each.name == stem)
}

fn is_powershell(name: &Field) -> bool {
    let base = name.text.known.rsplit('/').next().unwrap_or_default();
    matches!(base.trim_end_matches(".exe"), "pwsh" | "powershell" | "pwsh-preview")
}

impl Evaluator<'_> {
    /// A shell: `-c` text and known input are judged as scripts.
    pub(crate) fn shell(&mut self, kind: Shell, fields: &[Field], stdin: Stream) -> Stream {
        self.refuse_reverse_shell(&stdin);
        if is_powershell(&fields[0]) {
            return self.powershell(fields, &stdin);
        }
        let mut rest = &fields[1..];
        let mut from_argument = false;
        let mut only_parse = false;
        let mut from_input = false;
        while let Some((first, more)) = rest.split_first() {
            let text = first.text.known.as_str();
            if text == "--version" || text == "--help" {
                return Stream::unknown(Taint::LITERAL);
            }
            let is_flag = text.starts_with(['-', '+']) && text.len() > 1 && !first.text.open;
            if !is_flag {
                break;
            }
            rest = more;
            if text == "--" {
                break;
            }
            if text == "--rcfile" || text == "--init-file" {
                if let Some(file) = rest.first() {
                    self.run_script_operand(file, &stdin);
                }
                rest = rest.get(1..).unwrap_or_default();
            } else if !text.starts_with("--") {
                from_argument |= text.contains('c') && text.starts_with('-');
                only_parse |= text.contains('n') && text.starts_with('-');
                from_input |= text.contains('s') && text.starts_with('-');
                if matches!(text, "-o" | "+o" | "-O" | "+O") {
                    let option = rest.first().and_then(Field::as_exact);
                    self.state.dotglob |= text == "-O" && option == Some("dotglob");
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
        }
        if only_parse && !from_argument {
            return Stream::unknown(Taint::LITERAL);
        }
        if kind == Shell::Other {
            self.other_shell(fields);
        }
        match (from_argument, rest.first()) {
            (true, Some(script)) => self.shell_argument(script, &rest[1..], stdin),
            (true, None) => Stream::default(),
            (false, _) if from_input => self.shell_input(stdin),
            (false, Some(file)) => self.shell_file(file, &rest[1..], stdin),
            (false, None) => self.shell_input(stdin),
        }
    }

    /// What a shell with a language of its own plainly does.
    fn other_shell(&mut self, fields: &[Field]) {
        self.raise(RiskClass::CodeExecution, "kode does not speak this shell's language");
        let words = fields.iter().map(|word| word.text.known.as_str());
        let code = words.collect::<Vec<_>>().join(" ");
        if fetched_code::fetches_and_invokes(&code) {
            let text = "the code runs what it fetches";
            self.found.refuse("remote_code", RiskClass::CodeExecution, text);
        }
        if code::removes_tree(&code) {
            let text = "the code deletes a system tree or home";
            self.found.refuse("recursive_delete", RiskClass::Destructive, text);
        }
        if code::connects_and_invokes(&code) {
            let text = "the code connects a shell to a network address";
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, text);
        }
    }

    /// PowerShell, whose flags are words: `-NonInteractive` is no `-n`. Every call
    /// but for the version is a question; of its text the refusals count that
    /// would also be refused to a POSIX shell.
    fn powershell(&mut self, fields: &[Field], stdin: &Stream) -> Stream {
        let words = &fields[1..];
        let shows = |word: &Field| {
            matches!(
                word.as_exact(),
                Some("--version" | "-Version" | "-v" | "--help" | "-Help" | "-h" | "-?")
            )
        };
        if words.len() == 1 && shows(&words[0]) {
            return Stream::unknown(Taint::LITERAL);
        }
        self.other_shell(fields);
        if words.iter().any(|word| word.text.open) {
            // Its variables look like the shell's own: read it as it was written.
            let written = Text::exact(&self.state.source.clone());
            self.other_shell(&[Field { text: written, ..Field::default() }]);
        }
        let text = stdin.text.clone();
        if stdin.present {
            self.refuse_foreign_code(text.taint, "a shell");
            self.other_shell(&[Field { text, ..Field::default() }]);
        }
        for word in words {
            self.refuse_foreign_code(word.text.taint, "a shell");
            let script = word.text.clone();
            self.refusals_only(|walk| {
                walk.shell_text(&script, Stream::default());
            });
            if let Some(stream) = &word.stream {
                self.refuse_foreign_code(stream.text.taint, "a shell");
            }
        }
        self.look_for_outside_paths(words);
        Stream::unknown(stdin.text.taint | Taint::FILE)
    }

    /// A text that is no shell script: lines for an interpreter that was started
    /// without a program, or PowerShell's own syntax. What is plain to see there
    /// is refused all the same.
    pub(crate) fn judge_unread(&mut self, text: &str) {
        let words = text.lines().take(8).flat_map(|line| line.split_whitespace().take(6));
        let starts =
            words.map(|word| Field::exact(word.rsplit('/').next().unwrap_or(word))).find(|name| {
                let text = name.text.known.trim_end_matches(".exe");
                matches!(text, "cpan" | "psysh" | "jjs" | "jshell")
                    || language(text).is_some()
                    || is_powershell(name)
            });
        // `IEX(IWR ADDRESS)`, as it is typed into a PowerShell.
        let lower = text.to_ascii_lowercase();
        let typed = ["iex(", "iex (", "invoke-expression"].into_iter().any(|start| {
            lower.match_indices(start).any(|(at, _)| {
                !lower[..at].ends_with(|last: char| last.is_alphanumeric() || last == '-')
            })
        });
        if starts.is_none() && !typed {
            return;
        }
        let powershell = typed || starts.is_some_and(|name| is_powershell(&name));
        if powershell && fetched_code::fetches_and_invokes(text) {
            let sentence = "the code runs what it fetches";
            self.found.refuse("remote_code", RiskClass::CodeExecution, sentence);
        }
        if powershell && code::connects_and_invokes(text)
            || !powershell && code::is_reverse_shell(text)
        {
            let sentence = "the code connects a shell to a network address";
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, sentence);
        }
    }

    fn shell_argument(&mut self, script: &Field, arguments: &[Field], stdin: Stream) -> Stream {
        let mut text = script.text.clone();
        text.open |= script.many;
        if text.open {
            self.raise(RiskClass::CodeExecution, "what the shell runs is known only when it runs");
        }
        let state = self.state.clone();
        self.state.positional = arguments.iter().skip(1).map(|each| each.text.clone()).collect();
        if let Some(name) = arguments.first() {
            self.set("0", Variable { values: vec![name.text.clone()], array: false });
        }
        let exported = &self.state.exported;
        self.state.functions.retain(|name, _| exported.contains(name));
        let output = self.shell_text(&text, stdin);
        self.restore(state);
        output
    }

    fn shell_file(&mut self, file: &Field, arguments: &[Field], stdin: Stream) -> Stream {
        let content = self.content_of(file, &stdin);
        let place = self.place_of(&file.text);
        self.raise(RiskClass::CodeExecution, &format!("runs the script {}", place.path));
        self.refuse_foreign_code(content.text.taint, "a shell");
        if content.text.taint == Taint::FILE && content.text.known.is_empty() {
            self.look_for_outside_paths(arguments);
            return Stream::unknown(stdin.text.taint | Taint::FILE);
        }
        let state = self.state.clone();
        self.state.positional = arguments.iter().map(|each| each.text.clone()).collect();
        let output = self.shell_text(&content.text, stdin);
        self.restore(state);
        output
    }

    fn shell_input(&mut self, stdin: Stream) -> Stream {
        if !stdin.present {
            self.raise(RiskClass::CodeExecution, "an interactive shell runs whatever it is told");
            return Stream::unknown(Taint::SHELL);
        }
        self.raise(RiskClass::CodeExecution, "a shell runs what is piped into it");
        let state = self.state.clone();
        let mut output = self.shell_text(&stdin.text, Stream::default());
        for script in &stdin.later {
            self.shell_text(&Text::exact(script), Stream::default());
        }
        output.text.taint |= Taint::SHELL;
        self.restore(state);
        output
    }

    /// A shell whose input or output is a network connection.
    pub(crate) fn refuse_reverse_shell(&mut self, stdin: &Stream) {
        let open = stdin.text.taint.has(Taint::REMOTE) && self.output_remote;
        if self.output_remote || open {
            let text = "a shell is connected to a network address";
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, text);
        }
    }

    /// A language interpreter.
    pub(crate) fn interpreter(
        &mut self,
        kind: &Interpreter,
        fields: &[Field],
        stdin: Stream,
    ) -> Stream {
        let words = &fields[1..];
        let unknown = Stream::unknown(stdin.text.taint | Taint::FILE);
        let all_harmless = !words.is_empty()
            && words
                .iter()
                .all(|each| each.as_exact().is_some_and(|text| kind.harmless.contains(&text)));
        if all_harmless {
            return Stream::unknown(Taint::LITERAL);
        }
        self.refuse_code_in_settings(kind, words);
        let mut ran_code = false;
        let mut at = 0;
        let mut preloads = String::new();
        while let Some(word) = words.get(at) {
            let text = word.text.known.as_str();
            at += 1;
            if let Some(code) = inline_code(kind, word, words.get(at)) {
                let mut code = code;
                code.known = format!("{preloads}{}", code.known);
                self.argument_code(kind, code);
                ran_code = true;
                at += usize::from(!text.contains('=') && kind.code.contains(&text));
                continue;
            }
            if kind.name == "python"
                && (text == "-m" || text.starts_with("-m") && !text.starts_with("--"))
            {
                let (module, rest) =
                    if text == "-m" { (words.get(at), at + 1) } else { (None, at) };
                let name =
                    module.map_or(&text[2..], |module| module.text.known.as_str()).to_owned();
                return self.python_module(&name, words.get(rest..).unwrap_or_default(), stdin);
            }
            if text.starts_with("-r") && kind.language == Language::Ruby
                || text.starts_with("-M") && kind.language == Language::Perl
            {
                preloads.push_str(&format!("require {} ", &text[2..]));
            }
            if matches!(text, "--check" | "-c" | "--syntax-check" | "-l" | "-wc" | "-cw")
                && checks_only(kind, text)
                && !words.iter().any(preloads_code)
            {
                return Stream::unknown(Taint::LITERAL);
            }
            if kind.language == Language::Node && text == "--test" && !ran_code {
                return self.node_tests(&words[at..]);
            }
            if kind.values.contains(&text) {
                at += 1;
            } else if !text.starts_with('-') || text == "-" || word.text.open {
                if !ran_code {
                    return self.program_file(kind, word, &words[at..], stdin);
                }
                break;
            }
        }
        if ran_code {
            return self.ran_code(kind, words, &stdin);
        }
        self.program_input(kind, &stdin);
        unknown
    }

    /// `php -d auto_prepend_file='data:,<?php …'`: a setting that is a program.
    fn refuse_code_in_settings(&mut self, kind: &Interpreter, words: &[Field]) {
        let set =
            |pair: &[Field]| pair[0].as_exact() == Some("-d") && pair[1].text.known.contains("<?");
        if kind.language == Language::Php && words.windows(2).any(set) {
            let text = "the settings hold code of their own";
            self.found.refuse("shell_escape", RiskClass::CodeExecution, text);
        }
    }

    /// What code on the command line makes of its input and prints: it may be
    /// any of its strings, which a shell behind it is told.
    fn ran_code(&mut self, kind: &Interpreter, words: &[Field], stdin: &Stream) -> Stream {
        let texts: Vec<&str> = words.iter().map(|word| word.text.known.as_str()).collect();
        if stdin.present && texts.iter().any(|text| code::evaluates_input(text)) {
            self.refuse_foreign_code(stdin.text.taint, kind.name);
        }
        let program = texts.join("\n");
        let mut printed = Stream::unknown(stdin.text.taint | Taint::FILE);
        printed.later = code::printed(&program);
        if code::decodes(&program) {
            printed.text.taint |= Taint::DECODED;
        }
        if fetched_code::fetches(&program) {
            printed.text.taint |= Taint::REMOTE;
        }
        for file in fetched_code::fetched_into(&program) {
            let path = self.place_of(&Text::exact(&file)).path;
            self.files.insert(path, Stream::unknown(Taint::REMOTE));
        }
        printed
    }

    /// `node --test FILE…`: the project's tests.
    fn node_tests(&mut self, words: &[Field]) -> Stream {
        let plain = |word: &Field| {
            let text = word.text.known.as_str();
            let test = ["--test-", "--watch", "--experimental-test-coverage"];
            let reports = ["--test-reporter=", "--test-reporter-destination="];
            let place = reports.iter().find_map(|flag| text.strip_prefix(flag));
            !text.starts_with('-') && !text.starts_with('/')
                || place.is_none_or(|place| !place.contains('/'))
                    && test.iter().any(|start| text.starts_with(start))
        };
        let written =
            words.iter().any(|word| self.files.contains_key(&self.place_of(&word.text).path));
        if written || !words.iter().all(plain) {
            self.raise(RiskClass::CodeExecution, "node runs more than the project's tests");
        }
        self.look_for_outside_paths(words);
        Stream::unknown(Taint::FILE)
    }

    /// A program file: what this command wrote is judged, the rest prompts.
    fn program_file(
        &mut self,
        kind: &Interpreter,
        file: &Field,
        rest: &[Field],
        stdin: Stream,
    ) -> Stream {
        let unknown = Stream::unknown(stdin.text.taint | Taint::FILE);
        if kind.name == "deno"
            && let Some(subcommand) = file.as_exact()
        {
            let key = format!("deno {subcommand}");
            if let Some(output) = self.entry(&key, rest, stdin.clone()) {
                return output;
            }
        }
        let is_program =
            |word: &&Field| !word.text.known.starts_with('-') || word.text.known == "-";
        let program = rest.iter().find(is_program);
        if kind.name == "deno" && program.is_some_and(|word| is_address(&word.text.known)) {
            let text = "deno would run what came over the network";
            self.found.refuse("remote_code", RiskClass::CodeExecution, text);
        }
        if kind.name == "deno" && program.and_then(Field::as_exact) == Some("-") {
            self.program_input(kind, &stdin);
            return unknown;
        }
        if self.is_tool_file(file) {
            let argv = std::iter::once(file).chain(rest).cloned().collect();
            return self.run_argv(argv, stdin);
        }
        let content = self.content_of(file, &stdin);
        if content.text.known.is_empty()
            && content.text.taint == Taint::FILE
            && self.project_tool(file, rest)
        {
            return unknown;
        }
        let from_stdin = matches!(file.as_exact(), Some("-" | "/dev/stdin"));
        if from_stdin {
            self.program_input(kind, &stdin);
            return unknown;
        }
        let place = self.place_of(&file.text);
        self.raise(RiskClass::CodeExecution, &format!("runs the program {}", place.path));
        if matches!(place.zone, Zone::Home | Zone::System) {
            self.read_path(&file.text, false);
        }
        self.refuse_foreign_code(content.text.taint, kind.name);
        if !content.text.known.is_empty() {
            self.code(kind.language, &content.text);
        }
        unknown
    }

    /// `manage.py test`, `artisan route:list`: the project's own tool used to
    /// build, test or list, as `make test` is.
    fn project_tool(&mut self, file: &Field, rest: &[Field]) -> bool {
        let place = self.place_of(&file.text);
        let name = place.path.rsplit('/').next().unwrap_or_default();
        let Some(word) = rest.first().and_then(Field::as_exact) else { return false };
        let ordinary = match name {
            "manage.py" => DJANGO_BUILDS.contains(&word),
            "artisan" => {
                ARTISAN_BUILDS.contains(&word)
                    || word.starts_with("make:")
                    || word.ends_with(":list")
            }
            _ => false,
        };
        let ours = ordinary && place.zone == Zone::Project && file.as_exact().is_some();
        if ours {
            self.raise(RiskClass::LocalWrite, "runs a tool of the project");
            self.look_for_outside_paths(rest);
        }
        ours
    }

    fn program_input(&mut self, kind: &Interpreter, stdin: &Stream) {
        self.raise(
            RiskClass::CodeExecution,
            &format!("{} runs what it is given on standard input", kind.name),
        );
        if stdin.present {
            self.refuse_foreign_code(stdin.text.taint, kind.name);
            self.code(kind.language, &stdin.text);
        }
    }

    /// Code on the command line. Where a substitution fetches it, the exact
    /// bytes are on the prompt but not the code: only a person may say yes.
    fn argument_code(&mut self, kind: &Interpreter, mut code: Text) {
        if code.taint.has(Taint::REMOTE) {
            let text = format!("{} would run what came over the network", kind.name);
            self.found.ask(QuestionKind::Guard, &text);
            code.taint = Taint::FILE;
        }
        self.code(kind.language, &code);
    }

    /// Code in another language: opaque, but some things are plain to see.
    pub(crate) fn code(&mut self, language: Language, text: &Text) {
        self.raise(RiskClass::CodeExecution, "code that kode can't see through");
        self.refuse_foreign_code(text.taint, "an interpreter");
        if self.output_remote {
            self.refuse_reverse_shell(&Stream::default());
        }
        for danger in code::inspect(language, &text.known) {
            let (name, class, sentence) = match danger {
                Danger::ReverseShell => (
                    "reverse_shell",
                    RiskClass::CodeExecution,
                    "the code connects a shell to a network address",
                ),
                Danger::RemoteCode => {
                    ("remote_code", RiskClass::CodeExecution, "the code runs what it fetches")
                }
                Danger::DecodedCode => {
                    ("decoded_code", RiskClass::CodeExecution, "the code runs what it decodes")
                }
                Danger::BareShell => {
                    ("shell_escape", RiskClass::CodeExecution, "the code starts a bare shell")
                }
                Danger::ForkBomb => ("fork_bomb", RiskClass::Blocked, "the code forks without end"),
                Danger::DeletesTree => (
                    "recursive_delete",
                    RiskClass::Destructive,
                    "the code deletes a system tree or home",
                ),
                Danger::WritesDevice => {
                    ("raw_device", RiskClass::Blocked, "the code writes a raw device")
                }
            };
            self.found.refuse(name, class, sentence);
        }
        for script in code::shell_strings(language, &text.known) {
            let script = Text { open: text.open, ..Text::known(script, text.taint) };
            self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
        }
        if code::runs_strings(language, &text.known) && self.found.refusal.is_none() {
            // Nothing else can be said: the class question stands.
            self.found.line("the code starts other programs");
        }
    }

    fn python_module(&mut self, name: &str, words: &[Field], stdin: Stream) -> Stream {
        let key = format!("python -m {name}");
        let mut argv = vec![Field::exact(name)];
        argv.extend_from_slice(words);
        self.found.also(crate::evaluate::shown(&argv));
        let unknown = Stream::unknown(stdin.text.taint | Taint::FILE);
        match self.entry(&key, words, stdin.clone()).or_else(|| self.entry(name, words, stdin)) {
            Some(output) => output,
            None => {
                self.raise(RiskClass::CodeExecution, &format!("runs the Python module {name}"));
                self.look_for_outside_paths(words);
                unknown
            }
        }
    }
}

/// The code a flag carries: `-c CODE`, `-eCODE`, `--eval=CODE`, `-ne CODE`.
fn inline_code(kind: &Interpreter, word: &Field, next: Option<&Field>) -> Option<Text> {
    let text = word.text.known.as_str();
    let following = || next.map(|field| field.text.clone()).unwrap_or_default();
    if kind.code.contains(&text) {
        return Some(following());
    }
    for flag in kind.code {
        let attached = if flag.starts_with("--") {
            text.strip_prefix(flag).and_then(|rest| rest.strip_prefix('='))
        } else if flag.len() == 2 && !text.starts_with("--") {
            text.strip_prefix(flag)
        } else {
            None
        };
        if let Some(attached) = attached.filter(|attached| !attached.is_empty()) {
            return Some(Text { known: attached.to_owned(), ..word.text.clone() });
        }
        // Clusters that end in the code flag: `perl -ne`, `php -nr`.
        let letter = flag.strip_prefix('-').filter(|letter| letter.len() == 1);
        let cluster =
            text.strip_prefix('-').filter(|rest| !rest.starts_with('-') && rest.len() > 1);
        if let (Some(letter), Some(cluster)) = (letter, cluster)
            && let Some(at) = cluster.find(letter)
            && cluster[..at].bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !matches!(kind.language, Language::Ruby | Language::Perl if cluster.starts_with(['r', 'M', 'I']))
        {
            let rest = &cluster[at + 1..];
            let code = if rest.is_empty() {
                following()
            } else {
                Text { known: rest.to_owned(), ..word.text.clone() }
            };
            return Some(code);
        }
    }
    None
}

/// Whether a word is the address of a program on another machine.
fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Flags that only check the syntax.
/// Flags that load code before anything is checked or tested.
fn preloads_code(word: &Field) -> bool {
    let flag = word.text.known.split('=').next().unwrap_or_default();
    matches!(flag, "-r" | "--require" | "--import" | "--loader" | "--experimental-loader")
        || flag.starts_with("-M")
        || flag.starts_with("-I")
}

fn checks_only(kind: &Interpreter, flag: &str) -> bool {
    match kind.language {
        Language::Node => matches!(flag, "--check" | "-c"),
        Language::Ruby | Language::Perl => matches!(flag, "-c" | "-wc" | "-cw"),
        Language::Php => flag == "-l",
        _ => false,
    }
}
