//! `find`, `xargs`, `dd`, `tar`, copies, FIFOs, modes and file systems.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::{Invocation, holds_programs};
use crate::effects::table::{Value, lookup};
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text};
use crate::paths::{Zone, holds_secrets, looks_secret};

/// Tests of `find` that narrow what it finds.
const NARROWING: [&str; 24] = [
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-size",
    "-empty",
    "-perm",
    "-user",
    "-group",
    "-lname",
    "-inum",
    "-links",
    "-samefile",
];

/// Links and copies of programs that are remembered for one command.
const LINKS_MAX: usize = 32;

impl Evaluator<'_> {
    /// `find PATH… EXPRESSION`: actions run or delete what is found.
    pub(super) fn find(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let words = call.words;
        let starts = find_starts(words);
        let narrowed = words.iter().enumerate().any(|(at, word)| {
            // `-name '*'` is every name.
            let all = words.get(at + 1).and_then(Field::as_exact) == Some("*");
            !all && word.as_exact().is_some_and(|text| NARROWING.contains(&text))
        });
        let mut at = starts.len();
        while let Some(word) = words.get(at) {
            at += 1;
            match word.as_exact() {
                Some("-exec" | "-execdir" | "-ok" | "-okdir") => {
                    let is_end = |each: &Field| matches!(each.as_exact(), Some(";" | "+"));
                    let length = words[at..].iter().position(is_end).unwrap_or(words.len() - at);
                    self.find_exec(&words[at..at + length], &starts, narrowed, words);
                    at += length + 1;
                }
                Some("-delete") => self.find_delete(&starts, narrowed, words),
                Some("-fprint" | "-fprint0" | "-fls") => {
                    self.write_next(words.get(at));
                    at += 1;
                }
                Some("-fprintf") => {
                    self.write_next(words.get(at));
                    at += 2;
                }
                Some("!" | "(" | ")" | "," | "\\(" | "\\)" | "\\!") => {}
                Some(flag) if flag.starts_with('-') => at += self.find_test(flag),
                Some(_) => {}
                None if word.text.known.is_empty() => {}
                None if word.text.known.starts_with('-') => {
                    self.raise(
                        RiskClass::CodeExecution,
                        "what find does is known only when it runs",
                    );
                }
                None => {}
            }
        }
        for start in &starts {
            self.look_at(&start.text);
        }
        let here = [Field::exact(".")];
        let below = if starts.is_empty() { &here[..] } else { &starts[..] };
        let holds = |start: &Field| holds_secrets(&self.place_of(&start.text).path, self.session);
        let tree = if below.iter().any(holds) { Taint::TREE } else { Taint::LITERAL };
        let whole =
            |start: &Field| !start.text.open && self.place_of(&start.text).zone == Zone::Tree;
        let all = if !narrowed && below.iter().any(whole) { Taint::ALL } else { Taint::LITERAL };
        let prints = |word: &Field| {
            matches!(word.as_exact(), Some("-printf" | "-ls" | "-exec" | "-execdir" | "-ok"))
        };
        let local = !words.iter().any(prints) && self.all_local(below);
        let names = match (local, narrowed) {
            (false, _) => Names::Unknown,
            (true, false) => Names::Local,
            (true, true) => Names::Chosen,
        };
        Some(Stream::unknown(Taint::FILE | tree | all).of_names(names))
    }

    /// Whether all of `places` are below the working directory, which is in
    /// the project: what is found there has a name below it, too.
    pub(super) fn all_local(&self, places: &[Field]) -> bool {
        let local = |word: &Field| {
            let zone = self.place_of(&word.text).zone;
            let relative = !word.text.known.starts_with(['/', '~']) && word.stream.is_none();
            word.as_exact().is_some() && relative && zone.is_local() && zone != Zone::Null
        };
        let directory = self.state.directory.as_deref();
        let here = directory.map(|path| self.place_of(&Text::exact(path)).zone);
        here.is_some_and(|zone| zone.is_local() && zone != Zone::Null) && places.iter().all(local)
    }

    /// A test or option: how many words it takes.
    fn find_test(&mut self, flag: &str) -> usize {
        let spec = lookup("find");
        match spec.and_then(|spec| spec.flags.get(flag)) {
            Some(Value::None) => 0,
            Some(_) => 1,
            None if flag.starts_with("-newer") => 1,
            None if flag.starts_with("-O") => 0,
            None => {
                self.raise(
                    RiskClass::CodeExecution,
                    &format!("kode does not know `find`'s {flag}"),
                );
                0
            }
        }
    }

    fn write_next(&mut self, word: Option<&Field>) {
        if let Some(word) = word {
            self.write_path(&word.text, "write");
        }
    }

    fn find_exec(&mut self, command: &[Field], starts: &[Field], narrowed: bool, words: &[Field]) {
        if command.is_empty() {
            return;
        }
        let mut names = names_looked_for(words);
        if names.is_empty() {
            names.push("{}".to_owned());
        }
        let default = [Field::exact(".")];
        let starts = if starts.is_empty() { &default[..] } else { starts };
        for start in starts {
            let removes = command[0].as_exact().is_some_and(|text| {
                matches!(text.rsplit('/').next(), Some("rm" | "unlink" | "shred" | "truncate"))
            });
            if removes && !narrowed {
                self.delete_path(start, true);
            }
            if !only_names(&command[0])
                && holds_secrets(&self.place_of(&start.text).path, self.session)
            {
                self.read_path(&start.text, true);
            }
            for name in &names {
                let found = found_below(start, narrowed, name);
                let place = |word: &Field| {
                    if word.text.known == "{}" {
                        return found.clone();
                    }
                    let mut word = word.clone();
                    word.text.known = word.text.known.replace("{}", &found.text.known);
                    word
                };
                self.run_argv(command.iter().map(place).collect(), Stream::default());
            }
        }
    }

    fn find_delete(&mut self, starts: &[Field], narrowed: bool, words: &[Field]) {
        let default = [Field::exact(".")];
        let starts = if starts.is_empty() { &default[..] } else { starts };
        for start in starts {
            if narrowed {
                for name in names_looked_for(words) {
                    self.delete_path(&found_below(start, true, &name), false);
                }
                let inside = self.place_of(&start.text).zone.is_local();
                let class = if inside { RiskClass::LocalWrite } else { RiskClass::SystemWrite };
                self.raise(class, "find deletes what it finds");
            } else {
                self.delete_path(start, true);
            }
        }
    }

    /// `xargs COMMAND`: what is read becomes arguments.
    pub(super) fn xargs(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let mut argv = call.arguments.operands.clone();
        if argv.is_empty() {
            return Some(Stream::unknown(call.stdin.text.taint));
        }
        let source = match call.arguments.value(&["-a", "--arg-file"]) {
            Some(file) => self.content_of(file, &call.stdin),
            None => call.stdin.clone(),
        };
        let input = &source.text;
        let by_line = call.arguments.has(&["-I", "--replace", "-i", "-L", "-d", "--delimiter"]);
        let mut added: Vec<Field> = Vec::new();
        if let Some(text) = input.as_exact().filter(|_| source.present) {
            let ends = |each: char| each == '\0' || by_line && each == '\n';
            let split = |each: char| ends(each) || !by_line && each.is_whitespace();
            let words = text.split(split).filter(|word| !word.is_empty());
            added.extend(words.take(32).map(Field::exact));
        }
        if input.taint.has(Taint::ALL) {
            self.delete_all_found(&argv);
        }
        // What is split off is known only when it runs.
        let text = if names_some_file(&argv, source.names) {
            // `{}` stands for a name, as in `find -exec`.
            Text::beginning("./{}".to_owned(), input.taint)
        } else {
            Text::unknown(input.taint)
        };
        let unknown = Field { text, many: true, ..Field::default() };
        let replaced =
            call.arguments.value(&["-I", "--replace", "-i"]).map(|value| value.text.known.clone());
        let replaced =
            replaced.or_else(|| call.arguments.has(&["-i", "--replace"]).then(|| "{}".to_owned()));
        match replaced {
            Some(mark) if !mark.is_empty() => self.xargs_replacing(&argv, &mark, &added, &unknown),
            _ => {
                argv.extend(added);
                argv.push(unknown);
                self.run_argv(argv, Stream::default());
            }
        }
        Some(Stream::unknown(input.taint | Taint::FILE))
    }

    /// `find / | xargs rm`: the names of everything in a tree are deleted.
    fn delete_all_found(&mut self, argv: &[Field]) {
        let program =
            argv.first().and_then(Field::as_exact).and_then(|name| name.rsplit('/').next());
        if matches!(program, Some("rm" | "unlink" | "shred" | "truncate")) {
            let text = "would delete every file that was found in a system tree or home";
            self.found.refuse("recursive_delete", RiskClass::Destructive, text);
        }
    }

    fn xargs_replacing(&mut self, argv: &[Field], mark: &str, added: &[Field], unknown: &Field) {
        for each in added.iter().chain([unknown]) {
            let put = |word: &Field| {
                let Some(at) = word.text.known.find(mark) else { return word.clone() };
                let mut word = word.clone();
                let (before, after) = (
                    word.text.known[..at].to_owned(),
                    word.text.known[at + mark.len()..].to_owned(),
                );
                word.text = Text::known(before, word.text.taint);
                word.text.append(&each.text);
                word.text.push(&after.replace(mark, &each.text.known));
                word
            };
            self.run_argv(argv.iter().map(put).collect(), Stream::default());
        }
    }

    /// `dd if=… of=…`.
    pub(super) fn dd(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let mut taint = call.stdin.text.taint;
        for word in call.words {
            match word.text.known.split_once('=') {
                Some((key @ ("if" | "of"), value)) => {
                    let path = Text { known: value.to_owned(), ..word.text.clone() };
                    if key == "of" {
                        self.write_path(&path, "write");
                    } else {
                        taint |= self.read_path(&path, false).text.taint;
                    }
                }
                Some((
                    "bs" | "count" | "conv" | "status" | "seek" | "skip" | "ibs" | "obs" | "cbs"
                    | "iflag" | "oflag",
                    _,
                )) => {}
                _ => self.raise(RiskClass::CodeExecution, "kode does not know this operand of dd"),
            }
        }
        Some(Stream::unknown(taint.without(Taint::ENDLESS) | Taint::FILE))
    }

    /// `tar`: extracting writes below `-C`, creating writes `-f`.
    pub(super) fn tar(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let folder = found
            .value(&["-C", "--directory"])
            .map_or(Text::exact("."), |value| value.text.clone());
        let archive = found.value(&["-f", "--file"]);
        if found.has(&["-x", "--extract", "--get"]) {
            let to_stdout = found.has(&["-O", "--to-stdout"]);
            if !to_stdout {
                self.write_path(&folder, "unpack into");
            }
            if found.has(&["-P", "--absolute-names"]) {
                self.raise(RiskClass::SystemWrite, "unpacks to absolute paths");
            }
        } else if found.has(&["-c", "-r", "-u", "-A", "--create", "--append", "--update"])
            && let Some(archive) = archive.filter(|archive| archive.as_exact() != Some("-"))
        {
            self.write_path(&archive.text, "write");
        }
        if found.has(&["-c", "-r", "-u", "--create", "--append", "--update"]) {
            for packed in &found.operands {
                let mut path = packed.text.clone();
                if !path.known.starts_with('/') && folder.as_exact() != Some(".") {
                    path = Text { known: format!("{}/{}", folder.known, path.known), ..path };
                }
                self.read_path(&path, true);
            }
        }
        if let Some(remote) = archive
            .filter(|archive| archive.text.known.contains(':') && !found.has(&["--force-local"]))
        {
            self.egress(&remote.text);
        }
        None
    }

    /// Copies carry known content along.
    pub(super) fn copy(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let operands = &call.arguments.operands;
        if let Some(target) = call.arguments.value(&["-t", "--target-directory"]) {
            self.write_path(&target.text.clone(), "write");
        }
        if call.name == "mv" {
            self.moved(operands);
        }
        if call.arguments.has(&["-r", "-R", "-a", "--recursive", "--archive"]) {
            let last = operands.len().saturating_sub(1);
            for source in operands.iter().take(last.max(1)) {
                self.read_path(&source.text, true);
            }
        }
        self.keep_links(call);
        let [source, target] = operands.as_slice() else { return None };
        let from = self.place_of(&source.text).path;
        let to = self.place_of(&target.text).path;
        if let Some(content) = self.files.get(&from).cloned() {
            self.files.insert(to, content);
        }
        None
    }

    /// A link to something outside, or a copy of a program, is what is behind
    /// it: `ln -s / r; rm -rf r/*`, `cp /bin/rm x; ./x -rf /`.
    fn keep_links(&mut self, call: &Invocation<'_>) {
        let [source, target] = call.arguments.operands.as_slice() else { return };
        let (from, to) = (self.place_of(&source.text), self.place_of(&target.text));
        let follows = call.name == "ln" && !from.zone.is_local();
        let program = from.path.rsplit_once('/').is_some_and(|(folder, _)| holds_programs(folder));
        if (follows || program) && !from.path.is_empty() && self.links.len() < LINKS_MAX {
            let name = from.path.rsplit('/').next().unwrap_or_default();
            let inside = matches!(to.zone, Zone::ProjectRoot) || target.text.known.ends_with('/');
            let link = if inside { format!("{}/{name}", to.path) } else { to.path };
            self.links.push((link, from.path));
        }
    }

    /// Moving a tree away is deleting it where it was.
    fn moved(&mut self, operands: &[Field]) {
        let Some((target, sources)) = operands.split_last() else { return };
        let hides = !looks_secret(&self.place_of(&target.text).path);
        for source in sources {
            self.refuse_tree(source);
            let path = self.place_of(&source.text).path;
            if path.ends_with("/.git") {
                self.found.ask(QuestionKind::Guard, "the repository's history would be moved away");
            }
            // Under another name it would no longer look like a credential.
            if hides && looks_secret(&path) {
                self.read_path(&source.text, false);
            }
        }
        if self.place_of(&target.text).zone == Zone::Null {
            self.found.ask(QuestionKind::Guard, "what is moved onto a device is lost");
        }
    }

    /// `fd -x COMMAND`: what is found becomes arguments.
    pub(super) fn fd(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let starts =
            |word: &Field| matches!(word.as_exact(), Some("-x" | "-X" | "--exec" | "--exec-batch"));
        let holds = |word: &Field| {
            !word.text.known.starts_with('-')
                && holds_secrets(&self.place_of(&word.text).path, self.session)
        };
        let tree =
            if call.words.iter().any(holds) { Taint::TREE } else { Taint::LITERAL } | Taint::FILE;
        let Some(at) = call.words.iter().position(starts) else {
            return Some(Stream::unknown(tree));
        };
        let unknown = Field { text: Text::unknown(tree), many: true, ..Field::default() };
        let mut argv: Vec<Field> = call.words[at + 1..]
            .iter()
            .take_while(|word| word.as_exact() != Some(";"))
            .map(|word| if word.text.known.contains('{') { unknown.clone() } else { word.clone() })
            .collect();
        argv.push(unknown);
        if tree.has(Taint::TREE) && call.words.iter().any(|word| self.is_tree(word)) {
            self.delete_all_found(&argv);
        }
        Some(self.run_argv(argv, Stream::default()))
    }

    /// Whether a word names a system tree or a home.
    fn is_tree(&self, word: &Field) -> bool {
        word.text.known.contains(['/', '~']) && self.place_of(&word.text).zone == Zone::Tree
    }

    /// `mkfifo`, `mknod … p`.
    pub(super) fn fifo(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for operand in call.arguments.operands.iter().filter(|each| each.text.known.len() > 2) {
            self.fifos.push(operand.text.known.clone());
        }
        let kind = call.arguments.operands.get(1).and_then(Field::as_exact);
        if matches!(kind, Some("b" | "c" | "u")) {
            self.raise(RiskClass::SystemWrite, "makes a device node");
        }
        None
    }

    /// `chmod`: set-id bits are privilege.
    pub(super) fn chmod(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let installed = call.arguments.value(&["-m", "--mode"]).filter(|_| call.name == "install");
        let first = installed.or(call.arguments.operands.first())?;
        if call.name == "chmod" && call.arguments.has(&["-x", "-w", "-r", "-X", "-s", "-t"]) {
            // `chmod -x FILE`: the mode looks like a flag.
            self.change_mode(&first.clone(), call.arguments.has(&["-R", "--recursive"]));
            return None;
        }
        let mode = first.text.known.clone();
        let digits = mode.len() == 4 && mode.starts_with(['2', '4', '6', '7']);
        if digits || (mode.contains('s') && mode.contains(['+', '='])) {
            self.raise(RiskClass::SystemWrite, "sets a set-user-id or set-group-id bit");
        }
        None
    }

    /// `mkfs` and its kind on a device are refused.
    pub(super) fn make_filesystem(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for word in call.words {
            let place = self.place_of(&word.text);
            if place.zone == Zone::Device {
                let text = format!("would overwrite the device {} with a file system", place.path);
                self.found.refuse("make_filesystem", RiskClass::Destructive, &text);
            }
        }
        self.found.ask(QuestionKind::Guard, "a file system is made over what is there");
        None
    }
}

/// Whether what `xargs` adds to `argv` are names of the project's files. To
/// delete, move or open up files, they must have been chosen.
fn names_some_file(argv: &[Field], names: Names) -> bool {
    let program = argv.first().and_then(Field::as_exact).and_then(|name| name.rsplit('/').next());
    let whole = matches!(
        program,
        Some(
            "rm" | "unlink"
                | "shred"
                | "truncate"
                | "mv"
                | "chmod"
                | "chown"
                | "chgrp"
                | "cp"
                | "ln"
        )
    );
    names == Names::Chosen || names == Names::Local && !whole
}

/// Commands that look at names and attributes of what `find` finds.
fn only_names(command: &Field) -> bool {
    const NAMES: [&str; 14] = [
        "ls", "stat", "file", "basename", "dirname", "echo", "printf", "du", "readlink",
        "realpath", "test", "rm", "chmod", "touch",
    ];
    command.as_exact().is_some_and(|name| NAMES.contains(&name.rsplit('/').next().unwrap_or(name)))
}

fn find_starts(words: &[Field]) -> Vec<Field> {
    let is_expression = |word: &Field| {
        let text = word.text.known.as_str();
        text.starts_with('-') || matches!(text, "!" | "(" | ")" | "\\(" | "\\!")
    };
    let options = words.iter().take_while(|word| {
        matches!(word.as_exact(), Some("-H" | "-L" | "-P")) || word.text.known.starts_with("-O")
    });
    let skip = options.count();
    words[skip..].iter().take_while(|word| !is_expression(word)).cloned().collect()
}

/// What `{}` stands for below `start`: something in it, by the name it must
/// have where one is given, or all of it.
fn found_below(start: &Field, narrowed: bool, name: &str) -> Field {
    let mut field = start.clone();
    if narrowed {
        field.text.push("/");
        field.text.push(name);
    }
    field
}

/// The last parts of the names that `find` looks for: of `-name X`, `-path
/// Y/X`. What is left out by `!` or `-prune` is not among them.
fn names_looked_for(words: &[Field]) -> Vec<String> {
    const TESTS: [&str; 5] = ["-name", "-iname", "-path", "-ipath", "-wholename"];
    let is = |at: usize, names: &[&str]| {
        words.get(at).and_then(Field::as_exact).is_some_and(|text| names.contains(&text))
    };
    let tests = (0..words.len()).filter(|at| is(*at, &TESTS));
    let kept = tests.filter(|at| {
        let negated = at.checked_sub(1).is_some_and(|before| is(before, &["!", "-not", "\\!"]));
        let left_out = is(at + 2, &["-prune"]) && is(at + 3, &["-o", "-or"]);
        !negated && !left_out
    });
    let patterns = kept.filter_map(|at| words.get(at + 1).and_then(Field::as_exact));
    patterns.filter_map(last_name).take(4).collect()
}

/// What a pattern says of the last part of a path: `.env*` is told by `.env`.
fn last_name(pattern: &str) -> Option<String> {
    let part = pattern.rsplit('/').find(|part| !part.trim_matches('*').is_empty())?;
    let name = part.trim_matches('*');
    (!name.contains(['?', '[', '*'])).then(|| name.to_owned())
}
