//! Built-in commands that change what later words mean: `cd`, `export`,
//! `eval`, `source`, `alias`, `exec`, `trap`, `read`, `hash -p` and their kin.

use kode_base::RiskClass;

use super::text::{Field, Stream, Text};
use super::{Evaluator, Taint, Variable};
use crate::paths::normalise;

/// Commands kept for `trap … EXIT`; further ones are judged where they stand.
const TRAPS_MAX: usize = 8;

impl Evaluator<'_> {
    /// Handles a built-in that changes the shell's state; `None` for others.
    pub(crate) fn builtin(
        &mut self,
        name: &str,
        fields: &[Field],
        stdin: &Stream,
    ) -> Option<Stream> {
        let arguments = &fields[1..];
        if matches!(
            name,
            "read"
                | "unset"
                | "export"
                | "declare"
                | "typeset"
                | "local"
                | "readonly"
                | "mapfile"
                | "readarray"
                | "wait"
        ) {
            // Subscripts of names are evaluated again.
            for each in arguments.iter().filter(|each| each.text.known.contains('[')) {
                self.reevaluate_names(&each.text.known);
            }
        }
        self.state_builtin(name, arguments, stdin)
    }

    fn state_builtin(&mut self, name: &str, arguments: &[Field], stdin: &Stream) -> Option<Stream> {
        match name {
            "cd" | "pushd" => self.change_directory(arguments),
            "popd" => {
                if !arguments.iter().any(|each| each.as_exact() == Some("-n")) {
                    self.state.directory = None;
                }
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(arguments),
            "alias" => self.alias(arguments),
            "eval" => return Some(self.eval(arguments, stdin)),
            "source" | "." => return Some(self.source_file(arguments, stdin)),
            "exec" | "command" | "builtin" => return self.delegate(name, arguments, stdin),
            "trap" => self.trap(arguments),
            "exit" => {
                self.judge_traps(true);
                return None;
            }
            "read" | "mapfile" | "readarray" => self.read_variables(name, arguments, stdin),
            "hash" => self.hash(arguments),
            "enable" => {
                if arguments.iter().any(|each| each.text.known.starts_with("-f")) {
                    self.raise(
                        RiskClass::CodeExecution,
                        "enable -f loads a library into the shell",
                    );
                }
            }
            "printf" | "let" | "test" | "[" => return self.arithmetic_builtin(name, arguments),
            "unset" => {
                for each in arguments {
                    self.judge_history_kept(&each.text.known);
                    let name = each.text.known.clone();
                    self.state.functions.remove(&name);
                    if name == "IFS" || name.contains('[') || name.starts_with('-') {
                        self.state.variables.remove(&name);
                    } else {
                        // Empty from here on, whatever the environment held.
                        let values = vec![Text::default()];
                        let empty = Variable { values, array: false };
                        self.state.variables.insert(name, empty);
                    }
                }
            }
            "set" => self.set_positional(arguments),
            "shopt" => {
                let named = |name: &str| arguments.iter().any(|each| each.text.known == name);
                if named("dotglob") {
                    self.state.dotglob = !named("-u");
                }
                return None;
            }
            "getopts" => self.set_unknown(arguments.get(1)),
            "wait" => {
                let at = arguments.iter().position(|each| each.as_exact() == Some("-p"));
                self.set_unknown(at.and_then(|at| arguments.get(at + 1)));
                return None;
            }
            "shift" => {
                if !self.state.positional.is_empty() {
                    self.state.positional.remove(0);
                }
            }
            _ => return None,
        }
        Some(Stream::default())
    }

    /// Built-ins that evaluate names again; most of them are judged by their
    /// entries as well.
    fn arithmetic_builtin(&mut self, name: &str, arguments: &[Field]) -> Option<Stream> {
        if name == "printf" {
            if arguments.first().and_then(Field::as_exact) != Some("-v") {
                return None;
            }
            self.print_into(arguments);
            return Some(Stream::default());
        }
        for each in arguments {
            if name == "let" {
                self.judge_assigned(&each.text.known.clone());
            }
            if name == "let" || each.text.known.contains('[') {
                self.reevaluate_names(&each.text.known);
            }
        }
        Some(Stream::default())
    }

    pub(crate) fn change_directory(&mut self, arguments: &[Field]) {
        let operand = arguments.iter().find(|each| {
            each.text.known == "-" || each.text.open || !each.text.known.starts_with(['-', '+'])
        });
        let target = match operand {
            None => Some(self.session.home.clone()),
            Some(operand) => match operand.as_exact() {
                Some("-") => self.value_of("OLDPWD").and_then(|values| match values.as_slice() {
                    [only] => only.as_exact().map(str::to_owned),
                    _ => None,
                }),
                Some(path) if !operand.glob => Some(path.to_owned()),
                _ => None,
            },
        };
        let base = self.state.directory.clone();
        let left = base.as_deref().map_or(Text::unknown(Taint::LITERAL), Text::exact);
        self.set("OLDPWD", Variable { values: vec![left], array: false });
        self.state.directory = match (target, base) {
            (Some(path), _) if path.starts_with('/') => Some(normalise(&path, "/")),
            (Some(path), Some(base)) => Some(normalise(&path, &base)),
            _ => None,
        };
        if arguments.first().is_some_and(|each| each.as_exact() == Some("-n")) {
            self.state.directory = None;
        }
        self.judge_traps(false);
    }

    fn declare(&mut self, arguments: &[Field]) {
        let flagged = |letter: char| {
            arguments.iter().any(|each| {
                each.as_exact().is_some_and(|text| text.starts_with('-') && text.contains(letter))
            })
        };
        let (reference, integer) = (flagged('n'), flagged('i'));
        let functions = flagged('f');
        for each in arguments.iter().filter(|each| !each.text.known.starts_with(['-', '+'])) {
            if functions {
                self.state.exported.insert(each.text.known.clone());
            }
            let (name, value) = match each.text.known.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (each.text.known.as_str(), None),
            };
            let appends = name.ends_with('+');
            let name = name.trim_end_matches('+').split('[').next().unwrap_or(name).to_owned();
            if integer {
                self.state.integers.insert(name.clone());
            }
            let Some(value) = value else {
                if reference {
                    self.state.references.insert(name, String::new());
                }
                continue;
            };
            if reference {
                // Reading `a` after `declare -n a=b` reads `b`.
                self.state.references.insert(name, value.to_owned());
                continue;
            }
            let mut text = Text { known: value.to_owned(), ..each.text.clone() };
            if appends {
                let added = std::mem::replace(&mut text, self.inherited(&name));
                text.append(&added);
            }
            self.set(&name, Variable { values: vec![text], array: false });
        }
    }

    fn alias(&mut self, arguments: &[Field]) {
        for each in arguments {
            if let Some((name, value)) = each.text.known.split_once('=') {
                self.state.aliases.insert(name.to_owned(), value.to_owned());
                self.refuse_foreign_code(each.text.taint, "an alias");
                if each.text.open {
                    self.raise(RiskClass::CodeExecution, "what the alias stands for is not known");
                }
            }
        }
    }

    /// `eval`: the words joined are a script.
    fn eval(&mut self, arguments: &[Field], stdin: &Stream) -> Stream {
        let mut script = Text::default();
        for (at, each) in arguments.iter().enumerate() {
            if at > 0 {
                script.push(" ");
            }
            script.append(&each.text);
            script.open |= each.many || each.glob && each.text.open;
        }
        self.raise(RiskClass::CodeExecution, "eval runs text as a command");
        self.shell_text(&script, stdin.clone())
    }

    fn source_file(&mut self, arguments: &[Field], stdin: &Stream) -> Stream {
        let Some(file) = arguments.first() else { return Stream::default() };
        let place = self.place_of(&file.text);
        // A virtual environment's `activate` is the project's own tooling, as
        // its `pytest` is; unless this very command wrote it.
        let environment = ["/.venv/bin/activate", "/venv/bin/activate", "/env/bin/activate"];
        let activates = !file.text.open
            && place.zone == crate::paths::Zone::Project
            && environment.iter().any(|path| place.path.ends_with(path))
            && !self.files.contains_key(&place.path);
        if activates {
            if self.session.bare_host {
                let text = "without a sandbox, the project's own script runs with your rights";
                self.raise(RiskClass::CodeExecution, text);
            }
            return Stream::default();
        }
        self.raise(RiskClass::CodeExecution, "source runs a file in this shell");
        // `. ./.env` puts a credential into variables.
        self.read_path(&file.text, false);
        let content = self.content_of(file, stdin);
        // A sourced file may set anything.
        let output = self.shell_text(&content.text, stdin.clone());
        if content.text.open {
            self.state.functions.clear();
        }
        output
    }

    /// `exec`, `command`, `builtin`: flags, then another command.
    fn delegate(&mut self, name: &str, arguments: &[Field], stdin: &Stream) -> Option<Stream> {
        let mut rest = arguments;
        while let Some((first, more)) = rest.split_first() {
            let Some(flag) = first.as_exact().filter(|text| text.starts_with('-')) else { break };
            rest = match (name, flag) {
                ("command", "-v" | "-V" | "-pv" | "-pV") => {
                    return Some(Stream::unknown(Taint::FILE));
                }
                ("exec", "-a") => more.get(1..).unwrap_or_default(),
                (_, "-p" | "-c" | "-l" | "-cl" | "-lc" | "--") => more,
                _ => {
                    self.raise(RiskClass::CodeExecution, "kode does not know this flag");
                    more
                }
            };
        }
        if rest.is_empty() {
            return Some(Stream::default());
        }
        Some(self.run_argv(rest.to_vec(), stdin.clone()))
    }

    fn trap(&mut self, arguments: &[Field]) {
        let Some(action) = arguments.iter().find(|each| each.as_exact() != Some("--")) else {
            return;
        };
        if action.text.known.starts_with('-') && !action.text.open || arguments.len() < 2 {
            return;
        }
        let script = action.text.clone();
        let exits = arguments.iter().all(|each| {
            let signal = each.as_exact().unwrap_or_default();
            std::ptr::eq(each, action) || matches!(signal, "--" | "EXIT" | "0")
        });
        if !exits || script.open || self.traps.len() >= TRAPS_MAX {
            self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
            return;
        }
        if !self.traps.contains(&script) {
            self.traps.push(script);
        }
        self.judge_traps(false);
    }

    /// Judges what is run on leaving with everything as it is now. With variables
    /// that may still be set only refusals count before the shell leaves.
    pub(crate) fn judge_traps(&mut self, leaves: bool) {
        if self.traps.is_empty() {
            return;
        }
        // What a trap itself sets does not start it again.
        let traps = std::mem::take(&mut self.traps);
        let met = self.met_unset.get();
        for trap in &traps {
            self.met_unset.set(false);
            self.refusals_only(|walk| {
                walk.shell_text(trap, Stream::default());
            });
            if leaves || !self.met_unset.get() {
                self.perhaps(|walk| walk.shell_text(trap, Stream::default()));
            }
        }
        self.met_unset.set(self.met_unset.get() || met);
        self.traps = traps;
    }

    fn read_variables(&mut self, name: &str, arguments: &[Field], stdin: &Stream) {
        let with_value = if name == "read" { "adinNptu" } else { "dnOsuCc" };
        let mut skip = false;
        let mut taint = if stdin.present { stdin.text.taint } else { Taint::FILE };
        let mut exact =
            stdin.text.as_exact().map(|text| text.lines().next().unwrap_or_default().to_owned());
        let mut names = Vec::new();
        let mut array = false;
        for (at, each) in arguments.iter().enumerate() {
            let text = each.text.known.as_str();
            if std::mem::take(&mut skip) {
                if let Some(stream) =
                    text.parse::<u32>().ok().and_then(|number| self.state.descriptors.get(&number))
                {
                    taint |= stream.text.taint;
                    exact = None;
                }
                continue;
            }
            match text.strip_prefix('-') {
                Some("C") if name == "mapfile" || name == "readarray" => {
                    self.raise(RiskClass::CodeExecution, "mapfile -C runs a callback");
                    let callback = arguments.get(at + 1).map(|next| next.text.clone());
                    let callback = callback.unwrap_or_default();
                    self.perhaps(|walk| walk.shell_text(&callback, Stream::default()));
                    skip = true;
                }
                Some(flags) if !flags.is_empty() => {
                    skip = flags.chars().last().is_some_and(|last| with_value.contains(last));
                    if flags.starts_with('u')
                        && let Ok(number) = flags[1..].parse::<u32>()
                    {
                        let stream = self.state.descriptors.get(&number);
                        taint |= stream.map_or(Taint::FILE, |stream| stream.text.taint);
                        exact = None;
                        skip = false;
                    }
                    // `-a array` names a variable too.
                    if flags.ends_with('a') {
                        skip = false;
                        array = true;
                    }
                }
                _ => names.push(text.to_owned()),
            }
        }
        if name != "read" {
            let lines =
                stdin.text.as_exact().filter(|_| stdin.present).map(|text| {
                    text.lines().map(|line| Text::known(line.to_owned(), taint)).collect()
                });
            let values = lines.unwrap_or_else(|| vec![Text::unknown(taint)]);
            let array = names.pop().unwrap_or_else(|| "MAPFILE".to_owned());
            return self.set(&array, Variable { values, array: true });
        }
        let name = stdin.names.stand_in(&stdin.text).filter(|_| names.len() == 1 && !array);
        if let (Some(name), [variable]) = (name, names.as_slice()) {
            return self.set(variable, Variable { values: vec![name], array: false });
        }
        // Of `ls /dev/sd*` every line begins so.
        let begins = exact.is_none()
            && stdin.text.open
            && stdin.text.known.starts_with('/')
            && !stdin.text.known.contains(char::is_whitespace);
        if let ([variable], true, false) = (names.as_slice(), begins, array) {
            let values = vec![Text::beginning(stdin.text.known.clone(), taint)];
            return self.set(variable, Variable { values, array: false });
        }
        self.set_read(names, array, exact.as_deref(), taint);
    }

    /// What `read` got, split at `IFS`; the last name takes what is left.
    fn set_read(&mut self, mut names: Vec<String>, array: bool, line: Option<&str>, taint: Taint) {
        if names.is_empty() {
            names.push("REPLY".to_owned());
        }
        let separators = self.separators();
        let known = |text: &str| Text::known(text.to_owned(), taint);
        let mut rest = line.map(|line| line.trim_matches([' ', '\t']));
        if array {
            let split = |line: &str| {
                let words = line.split(|each| separators.contains(each));
                words.filter(|word| !word.is_empty()).take(64).map(known).collect()
            };
            let values = rest.map_or_else(|| vec![Text::unknown(taint)], split);
            return self.set(&names[0], Variable { values, array: true });
        }
        let last = names.len() - 1;
        for (at, name) in names.into_iter().enumerate() {
            let value = match rest {
                None => Text::unknown(taint),
                Some(line) if at == last => known(line),
                Some(line) => {
                    let end = line.find(|each| separators.contains(each)).unwrap_or(line.len());
                    rest = Some(line[end..].trim_start_matches(|each| separators.contains(each)));
                    known(&line[..end])
                }
            };
            self.set(&name, Variable { values: vec![value], array: false });
        }
    }

    /// `hash -p PATH NAME`: later `NAME` runs `PATH`.
    fn hash(&mut self, arguments: &[Field]) {
        let texts: Vec<&str> = arguments.iter().map(|each| each.text.known.as_str()).collect();
        if let ["-p", path, name] = texts.as_slice() {
            self.state.aliases.insert((*name).to_owned(), (*path).to_owned());
            self.raise(RiskClass::CodeExecution, "hash -p changes which program a name runs");
        }
    }

    fn print_into(&mut self, arguments: &[Field]) {
        let Some(name) = arguments.get(1) else { return };
        self.reevaluate_names(&name.text.known.clone());
        let printed = self.folded("printf", &arguments[2..], &Stream::default());
        let value = printed.map_or(Text::unknown(Taint::FILE), |stream| stream.text);
        let base = name.text.known.split('[').next().unwrap_or_default().to_owned();
        self.set(&base, Variable { values: vec![value], array: false });
    }

    /// A variable gets a value that is known only when it runs.
    fn set_unknown(&mut self, name: Option<&Field>) {
        if let Some(name) = name {
            let values = vec![Text::unknown(Taint::FILE)];
            self.set(&name.text.known.clone(), Variable { values, array: false });
        }
    }

    /// `set -- a b`: positional parameters; options are ignored.
    fn set_positional(&mut self, arguments: &[Field]) {
        if matches!(arguments, [flag, option] if flag.as_exact() == Some("+o") && option.as_exact() == Some("history"))
        {
            self.judge_history_kept("HISTFILE");
        }
        let start = arguments.iter().position(|each| each.as_exact() == Some("--"));
        let operands = match start {
            Some(at) => &arguments[at + 1..],
            None if arguments
                .first()
                .is_some_and(|each| !each.text.known.starts_with(['-', '+'])) =>
            {
                arguments
            }
            None => return,
        };
        self.state.positional = operands.iter().map(|each| each.text.clone()).collect();
    }
}
