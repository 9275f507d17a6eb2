//! Wrappers with rules of their own, signals, and kode itself.

use kode_base::RiskClass;

use crate::effects::code::Language;
use crate::effects::dispatch::Invocation;
use crate::effects::table;
use crate::evaluate::{Evaluator, Field, Stream, Text, Variable};
use crate::paths::Zone;

/// What `gpg` is asked to show or check.
const GPG_LOOKS: [&str; 12] = [
    "--list-keys",
    "-k",
    "--list-public-keys",
    "--list-secret-keys",
    "-K",
    "--fingerprint",
    "--verify",
    "--list-sigs",
    "--list-packets",
    "--check-signatures",
    "--version",
    "--help",
];

impl Evaluator<'_> {
    /// `tex '\openout…'`: words that are TeX's own language write files.
    pub(super) fn tex(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let is_code = |word: &Field| word.text.known.trim_start().starts_with(['\\', '&', '{']);
        if call.words.iter().any(is_code) {
            self.raise(RiskClass::CodeExecution, "runs TeX code that is given to it");
        }
        None
    }

    /// `env -S 'A=b sh -c' …`: the text's words stand where it stood.
    fn env_split(&mut self, call: &Invocation<'_>, split: &Field) -> Option<Stream> {
        let known = split.text.known.replace("\\_", " ");
        // Quoted as a shell quotes, apart from operators.
        if known.contains(['"', '\'', '\\']) {
            let script = Text::exact(&known);
            self.perhaps(|walk| walk.shell_text(&script, call.stdin.clone()));
        }
        if split.text.open {
            self.raise(RiskClass::CodeExecution, "what env runs is known only when it runs");
        }
        let at = call.words.iter().position(|word| {
            let text = word.text.known.as_str();
            let bundle = text.starts_with('-') && !text.starts_with("--") && text.contains('S');
            bundle || text.starts_with("--s")
        })?;
        let joined = call.words[at].text.known.ends_with(&split.text.known);
        let behind = at + if joined && !split.text.known.is_empty() { 1 } else { 2 };
        let argv = std::iter::once(Field::exact(call.name))
            .chain(call.words[..at].iter().cloned())
            .chain(known.split_whitespace().map(Field::exact))
            .chain(call.words.iter().skip(behind).cloned());
        Some(self.run_argv(argv.collect(), call.stdin.clone()))
    }

    /// `env`, `sudo`, `doas`: assignments, then a command.
    pub(super) fn env(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        if let Some(split) = call.arguments.value(&["-S", "--split-string"]) {
            return self.env_split(call, split);
        }
        let mut operands = call.arguments.operands.clone();
        let mut at = 0;
        let mut old = Vec::new();
        // `env -` is `env -i`.
        at += usize::from(operands.first().and_then(Field::as_exact) == Some("-"));
        while let Some((name, value)) =
            operands.get(at).and_then(|word| word.text.known.split_once('='))
        {
            if name.contains('/') {
                break;
            }
            let text = Text { known: value.to_owned(), ..operands[at].text.clone() };
            old.push((name.to_owned(), self.state.variables.get(name).cloned()));
            self.set(name, Variable { values: vec![text], array: false });
            at += 1;
        }
        let rest = operands.split_off(at.min(operands.len()));
        let outer = self.state.directory.clone();
        let folder = if call.name == "env" { ["-C", "--chdir"] } else { ["-D", "--chdir"] };
        if let Some(folder) = call.arguments.value(&folder).cloned() {
            self.change_directory(&[folder]);
        }
        let output =
            if rest.is_empty() { None } else { Some(self.run_argv(rest, call.stdin.clone())) };
        self.state.directory = outer;
        for (name, variable) in old {
            self.put_back(&name, variable);
        }
        if call.arguments.has(&["-s", "-i", "--login", "--shell"])
            && output.is_none()
            && call.name != "env"
        {
            self.raise(RiskClass::CodeExecution, "an interactive shell runs whatever it is told");
            if call.stdin.present {
                let script = call.stdin.text.clone();
                self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
            }
        }
        output
    }

    /// `gotestsum -- FLAGS`: what follows is given to `go test`.
    pub(super) fn flags_of_go_test(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let at = call.words.iter().position(|word| word.as_exact() == Some("--"))?;
        let words = call.words.get(at + 1..).unwrap_or_default();
        self.entry("go test", words, call.stdin.clone())
    }

    /// `… -- COMMAND`: only what follows `--` is a command.
    pub(super) fn after_separator(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let at = call.words.iter().position(|word| word.as_exact() == Some("--"))?;
        let rest = call.words.get(at + 1..)?.to_vec();
        if rest.is_empty() {
            return None;
        }
        Some(self.run_argv(rest, call.stdin.clone()))
    }

    /// `su USER -c SCRIPT`, `runuser -u USER -- COMMAND`.
    pub(super) fn su(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        if let Some(script) = call.arguments.value(&["-c", "--command"]) {
            let script = script.text.clone();
            return Some(self.shell_text(&script, call.stdin.clone()));
        }
        if call.name == "runuser" && !call.arguments.operands.is_empty() {
            return Some(self.run_argv(call.arguments.operands.clone(), call.stdin.clone()));
        }
        self.raise(RiskClass::SystemWrite, "opens a shell with other privileges");
        if call.stdin.present {
            let script = call.stdin.text.clone();
            self.refusals_only(|walk| {
                walk.shell_text(&script, Stream::default());
            });
        }
        None
    }

    /// `npm config set`: changes the user's settings.
    pub(super) fn settings(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let sets = call.words.iter().any(|word| {
            matches!(
                word.as_exact(),
                Some(
                    "set"
                        | "delete"
                        | "edit"
                        | "unset"
                        | "--add"
                        | "--set"
                        | "--append"
                        | "--remove"
                        | "set-context"
                        | "use-context"
                        | "--unset"
                        | "--global"
                )
            )
        });
        let pairs = matches!(call.name, "poetry config" | "bundle config" | "pdm config")
            && call.arguments.operands.len() > 1;
        if sets || pairs {
            self.raise(RiskClass::SystemWrite, "changes the user's settings");
        }
        None
    }

    /// Commands that list in one form and act in every other.
    pub(super) fn listing(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let has = |words: &[&str]| {
            call.words.iter().any(|word| word.as_exact().is_some_and(|text| words.contains(&text)))
        };
        let bare = call.arguments.operands.is_empty();
        match call.name {
            "crontab" => self.scheduled(call),
            "tmux" | "screen" | "xterm" => self.started_apart(call),
            _ => {}
        }
        let (lists, class) = match call.name {
            "mount" => (
                bare && !has(&["-a", "--all"]) || has(&["-l", "--show-labels"]),
                RiskClass::SystemWrite,
            ),
            "crontab" => (has(&["-l"]) && bare, RiskClass::SystemWrite),
            "tmux" => (
                has(&[
                    "ls",
                    "list-sessions",
                    "list-windows",
                    "list-panes",
                    "info",
                    "-V",
                    "capture-pane",
                    "list-keys",
                    "list-commands",
                    "show-options",
                    "display-message",
                ]) && !has(&["-f"])
                    && !call.words.iter().any(|word| word.text.known.ends_with(';')),
                RiskClass::CodeExecution,
            ),
            "screen" => {
                (has(&["-ls", "-list", "-v"]) && !has(&["-c", "-X"]), RiskClass::CodeExecution)
            }
            "kubectl version" => (has(&["--client", "--client=true"]), RiskClass::NetworkEgress),
            "ssh-keygen" => {
                (has(&["-l", "-lf", "-lvf"]) && !has(&["-D", "-t"]), RiskClass::CodeExecution)
            }
            "gpg" | "gpg2" => (looks_at_keys(call), RiskClass::CodeExecution),
            "git difftool" | "git mergetool" => {
                (has(&["--tool-help"]) && call.words.len() == 1, RiskClass::CodeExecution)
            }
            name if name.starts_with("rustup ") => (has(&["list"]), RiskClass::Install),
            "npm init" => (bare, RiskClass::Install),
            _ => (false, RiskClass::CodeExecution),
        };
        if !lists {
            self.raise(class, &format!("`{}` does more than list", call.name));
        }
        None
    }

    /// `xterm -display HOST:0`: a shell that shows itself on another machine.
    pub(super) fn terminal(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let shown = call
            .words
            .iter()
            .position(|word| matches!(word.as_exact(), Some("-display" | "--display" | "-d")));
        let display =
            shown.and_then(|at| call.words.get(at + 1)).map(|word| word.text.known.clone());
        let far = display.is_some_and(|display| {
            let host = display.split(':').next().unwrap_or_default();
            !matches!(host, "" | "localhost" | "127.0.0.1" | "unix") && display.contains(':')
        });
        if far {
            let text = "a shell is connected to a network address";
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, text);
        }
        self.started_apart(call);
        None
    }

    /// `tmux new -d COMMAND`, `screen -dm COMMAND`: what is always refused is
    /// refused in another terminal, too. Where the command begins depends on
    /// the subcommand, so each place is tried.
    pub(super) fn started_apart(&mut self, call: &Invocation<'_>) {
        const STARTS_MAX: usize = 8;
        for at in 0..call.words.len().min(STARTS_MAX) {
            let script = crate::effects::apply_join(&call.words[at..]);
            let mut typed = call.words[at].text.clone();
            for enter in ["\\n", "\\r", "^M", "\\015"] {
                // `screen -X stuff 'COMMAND\n'` types the key as well.
                typed.known = typed.known.trim_end_matches(enter).to_owned();
            }
            for script in [script, typed] {
                self.refusals_only(|walk| {
                    walk.shell_text(&script, Stream::default());
                });
            }
        }
    }

    /// The commands of a crontab given on standard input: what is always
    /// refused is refused later, too.
    fn scheduled(&mut self, call: &Invocation<'_>) {
        self.refuse_foreign_code(call.stdin.text.taint, "a crontab");
        self.judge_crontab(&call.stdin.clone());
    }

    /// `at`, `batch`: standard input is a script for later.
    pub(super) fn deferred(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let script = match call.arguments.value(&["-f"]) {
            Some(file) => self.content_of(file, &call.stdin),
            None => call.stdin.clone(),
        };
        for text in std::iter::once(&script.text.known).chain(&script.later) {
            let text = Text { known: text.clone(), ..script.text.clone() };
            self.refusals_only(|walk| {
                walk.shell_text(&text, Stream::default());
            });
        }
        None
    }

    /// `vim -c ':!COMMAND'`, `vim +'!COMMAND'`: commands given to an editor.
    pub(super) fn editor(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for line in call.stdin.text.known.lines().take(64) {
            let command = line.trim_start_matches([':', '.', '%', '$', ',', '0', ' ']);
            let given = command.trim_start_matches(['r', 'w', 'e', ' ']).strip_prefix('!');
            if let Some(script) = given {
                let script = Text::exact(script);
                self.refusals_only(|walk| {
                    walk.shell_text(&script, Stream::default());
                });
            }
        }
        let mut previous = "";
        for word in call.words {
            let text = word.text.known.as_str();
            let cluster = previous.starts_with('-') && !previous.starts_with("--");
            let given = cluster && previous.ends_with(['c', 's', 'e']) || previous == "--cmd";
            let attached = text.strip_prefix('+').or_else(|| text.strip_prefix("-c"));
            previous = text;
            let Some(command) = attached.or(given.then_some(text)) else { continue };
            let language = command.trim_start_matches(':').split_whitespace().next();
            if let Some(language) = language.and_then(embedded) {
                self.perhaps(|walk| walk.code(language, &word.text));
            }
            if command.contains("system(") {
                let text = word.text.clone();
                self.refusals_only(|walk| walk.code(Language::Other, &text));
            }
            let Some((_, script)) = command.split_once('!') else { continue };
            let script = Text { known: script.to_owned(), ..word.text.clone() };
            self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
        }
        None
    }

    /// `gdb -ex 'python …'`: code given to a debugger.
    pub(super) fn debugger(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for word in call.words {
            let text = word.text.known.as_str();
            let command = text.strip_prefix('!').or_else(|| text.strip_prefix("shell "));
            if let Some(command) = command {
                let script = Text { known: command.to_owned(), ..word.text.clone() };
                self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
            } else if let Some(language) = text.split_whitespace().next().and_then(embedded) {
                self.perhaps(|walk| walk.code(language, &word.text));
            }
        }
        None
    }

    /// `rake TASK`: tasks that change a database or another machine.
    pub(super) fn tasks(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const CHANGES: [&str; 9] = [
            "db:migrate:reset",
            "db:setup",
            "db:schema:load",
            "db:structure:load",
            "db:drop",
            "db:reset",
            "db:purge",
            "release",
            "deploy",
        ];
        let changes = |word: &Field| {
            CHANGES.iter().any(|task| {
                word.text.known.strip_prefix(task).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with([':', '[']) && !rest.ends_with(":status")
                })
            })
        };
        if call.arguments.operands.iter().any(changes) {
            self.raise(RiskClass::CodeExecution, "the task changes a database or a host");
        }
        None
    }

    /// `compgen -W WORDS`: bash expands the words.
    pub(super) fn completion(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let words = call.arguments.value(&["-W"])?.text.known.clone();
        self.evaluate_substitutions(&words);
        None
    }

    /// `less +COMMAND`: only a place or a search is harmless.
    pub(super) fn pager(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        if !matches!(call.name, "less" | "more" | "most") {
            return None;
        }
        let first = call.words.iter().find_map(|word| word.text.known.strip_prefix('+'));
        let moves = |text: &str| {
            text.chars().all(|each| each.is_ascii_digit() || "GFgp%+".contains(each))
                || text.starts_with(['/', '?']) && !text.contains('\n')
        };
        if first.is_some_and(|text| !moves(text)) {
            self.raise(RiskClass::CodeExecution, "a pager's first command may run a program");
            let command = first.and_then(|text| text.strip_prefix('!')).map(Text::exact);
            if let Some(script) = command {
                self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
            }
        }
        if call.name == "less" && call.arguments.has(&["-k", "--lesskey-file", "--lesskey-src"]) {
            self.raise(RiskClass::CodeExecution, "a file of keys may set what a pager runs");
        }
        None
    }

    /// `playwright install` fetches browsers; `dotnet ef database` changes one.
    pub(super) fn fetching_tool(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let mut words = call.arguments.operands.iter().filter_map(Field::as_exact);
        match (words.next(), words.next()) {
            (Some("install" | "install-deps" | "uninstall"), _) => {
                self.raise(RiskClass::Install, "fetches packages or browsers");
            }
            (Some("codegen" | "open" | "show-trace" | "run-server"), _) => {
                self.raise(RiskClass::CodeExecution, "starts a browser");
            }
            _ => {}
        }
        None
    }

    /// The agent runs kode only to scan, to check a design or a policy.
    pub(super) fn kode(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let texts: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
        let harmless = matches!(
            texts.as_slice(),
            ["scan" | "design", ..]
                | ["--version" | "--help" | "-h" | "-V"]
                | ["policy", "check", ..]
        );
        if !harmless || call.words.first().is_some_and(|word| word.text.open) {
            let text = "the agent may run kode only to scan, to check a design or a policy";
            self.found.refuse("kode_itself", RiskClass::Blocked, text);
        }
        None
    }

    /// `cargo -C DIR SUBCOMMAND`: where the subcommand will work.
    pub(super) fn toolchain(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        self.look_for_foreign_build(call);
        None
    }

    /// `make`: `SHELL=` and `--eval` run text; `install` leaves the project.
    pub(super) fn make(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        if let Some(file) = call.arguments.value(&["-f", "--file", "--makefile"])
            && (self.place_of(&file.text).zone != Zone::Project
                || file.stream.is_some()
                || file.as_exact() == Some("-"))
        {
            self.raise(RiskClass::CodeExecution, "the makefile is not the project's");
        }
        if let Some(file) = call.arguments.value(&["-f", "--file", "--makefile"]) {
            let content = self.content_of(file, &call.stdin);
            self.refuse_foreign_code(content.text.taint, "make");
            self.judge_recipes(&file.clone(), &call.stdin);
        }
        for (flag, value) in &call.arguments.flags {
            let Some(value) = value.as_ref().filter(|_| matches!(flag.as_str(), "-E" | "--eval"))
            else {
                continue;
            };
            let recipes = value
                .text
                .known
                .split(['\n', ';'])
                .map(|line| line.trim_start_matches(['\t', '@', '-', ' ']));
            for recipe in recipes.map(str::to_owned).collect::<Vec<_>>() {
                let script = Text::exact(&recipe);
                self.refusals_only(|walk| {
                    walk.shell_text(&script, Stream::default());
                });
            }
        }
        self.look_for_recipe_variables(&call.arguments.operands);
        let dry = call.words.iter().any(|word| {
            matches!(
                word.as_exact(),
                Some("-n" | "--dry-run" | "--just-print" | "-q" | "--question")
            )
        });
        for operand in &call.arguments.operands {
            match operand.text.known.as_str() {
                "install" | "uninstall" if !dry => {
                    self.raise(RiskClass::SystemWrite, "installs outside the project");
                }
                text if text.starts_with("SHELL=") || text.contains("$(shell") => {
                    self.raise(RiskClass::CodeExecution, "make runs what it is given");
                    let script = Text::exact(text.trim_start_matches("SHELL="));
                    self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
                }
                _ => {}
            }
        }
        None
    }

    /// The recipes of a makefile that this very command gives.
    fn judge_recipes(&mut self, file: &Field, stdin: &Stream) {
        let content = self.content_of(file, stdin);
        // `target: needs; recipe` is a recipe on the rule's own line.
        let recipe = |line: &str| match line.strip_prefix('\t') {
            Some(recipe) => Some(recipe.to_owned()),
            None => line
                .split_once(':')
                .and_then(|(_, rest)| rest.split_once(';'))
                .map(|(_, recipe)| recipe.trim_start().to_owned()),
        };
        for line in content.text.known.lines().filter_map(recipe).take(64) {
            let recipe = line.trim_start_matches(['\t', '@', '-', '+']).replace("$$", "$");
            let script = Text { known: recipe, ..content.text.clone() };
            self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
        }
    }

    /// `cmake -E TOOL`: its own tools, some of which delete or run.
    pub(super) fn cmake(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let texts: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
        let installs = texts.contains(&"--install")
            || texts.windows(2).any(|pair| matches!(pair, ["--target" | "-t", "install"]));
        let prefix = texts.windows(2).find(|pair| pair[0] == "--prefix").map(|pair| pair[1]);
        let here = prefix.is_some_and(|path| self.place_of(&Text::exact(path)).zone.is_local());
        if installs && !here {
            self.raise(RiskClass::SystemWrite, "installs outside the project");
        }
        self.look_for_cmake_programs(call);
        let at = call.words.iter().position(|word| word.as_exact() == Some("-E"))?;
        let rest = call.words.get(at + 1..).unwrap_or_default();
        match rest.first().and_then(Field::as_exact) {
            Some("rm" | "env" | "time" | "touch" | "tar") => {
                self.run_argv(rest.to_vec(), call.stdin.clone());
            }
            Some("remove_directory" | "remove") => {
                for path in &rest[1..] {
                    self.delete_path(path, true);
                }
            }
            Some(
                "copy" | "copy_directory" | "copy_if_different" | "make_directory" | "rename"
                | "create_symlink",
            ) => {
                if let Some(target) = rest.last() {
                    self.write_path(&target.text.clone(), "write");
                }
            }
            Some(
                "echo" | "sleep" | "sha256sum" | "md5sum" | "compare_files" | "capabilities"
                | "true" | "false",
            ) => {}
            _ => self.raise(RiskClass::CodeExecution, "kode does not know this tool of cmake"),
        }
        None
    }

    /// `cmake -DCMAKE_C_COMPILER=./x`: variables that name a program.
    fn look_for_cmake_programs(&mut self, call: &Invocation<'_>) {
        const PARTS: [&str; 6] =
            ["_COMPILER", "_LAUNCHER", "_PROGRAM", "_LINKER", "CMAKE_AR", "_EMULATOR"];
        for word in call.words {
            let text = word.text.known.trim_start_matches("-D");
            let Some((name, value)) = text.split_once('=') else { continue };
            let name = name.split(':').next().unwrap_or_default();
            let program = PARTS.iter().any(|part| name.ends_with(part));
            let folder = value.rsplit_once('/').map_or("", |(folder, _)| folder);
            let ordinary = if folder.is_empty() {
                table::knows(value) || matches!(value, "ccache" | "sccache" | "distcc")
            } else {
                ["/usr/bin", "/usr/local/bin", "/bin"].contains(&folder)
            };
            if program && !ordinary {
                let text = format!("{name} makes cmake run {value}");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// `c8 COMMAND`, `nyc COMMAND`, `coverage run PROGRAM`.
    pub(super) fn measured(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const WORDS: [&str; 13] = [
            "report",
            "check-coverage",
            "instrument",
            "merge",
            "html",
            "xml",
            "json",
            "lcov",
            "annotate",
            "combine",
            "debug",
            "erase",
            "help",
        ];
        let operands = call.arguments.operands.clone();
        let first = operands.first()?.as_exact().unwrap_or_default();
        if WORDS.contains(&first) {
            return None;
        }
        let mut command = operands.clone();
        if call.name == "coverage" {
            if first != "run" {
                return None;
            }
            // What follows `run` and its own flags is for Python.
            let own = |word: &Field| {
                let text = word.text.known.as_str();
                text.starts_with('-') && text != "-m"
            };
            let at = call.words.iter().position(|word| word.as_exact() == Some("run"))?;
            let rest = call.words[at + 1..].iter().skip_while(|word| own(word)).cloned();
            command = std::iter::once(Field::exact("python")).chain(rest).collect();
        }
        Some(self.run_argv(command, call.stdin.clone()))
    }

    /// `go install` builds the module here; with a version it is fetched.
    pub(super) fn go_install(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let fetched = call
            .arguments
            .operands
            .iter()
            .any(|each| each.text.known.contains('@') || each.text.open);
        if fetched {
            self.raise(RiskClass::Install, "fetches and installs Go programs");
        }
        None
    }
}

/// The language that an editor's or debugger's command is followed by.
fn embedded(command: &str) -> Option<Language> {
    match command {
        "py" | "py3" | "pyx" | "python" | "python3" | "script" => Some(Language::Python),
        "lua" => Some(Language::Lua),
        "perl" => Some(Language::Perl),
        "ruby" | "rubydo" => Some(Language::Ruby),
        _ => None,
    }
}

/// Whether `gpg` only shows keys or checks a signature.
fn looks_at_keys(call: &Invocation<'_>) -> bool {
    let mut words = call.words.iter();
    let looks =
        words.next().and_then(Field::as_exact).is_some_and(|first| GPG_LOOKS.contains(&first));
    looks && !words.any(|word| word.text.known.starts_with('-'))
}
