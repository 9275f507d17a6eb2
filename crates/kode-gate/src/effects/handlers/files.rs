//! `xargs`, `fd`, `dd`, `tar`, copies, FIFOs, modes and file systems.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::{Invocation, holds_programs, takes_apart};
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text};
use crate::paths::{Zone, holds_secrets, looks_secret};

/// Links and copies of programs that are remembered for one command.
const LINKS_MAX: usize = 32;

/// Arguments that `xargs` adds and that are tried.
const ADDED_MAX: usize = 32;

impl Evaluator<'_> {
    /// `xargs COMMAND`: what is read becomes arguments.
    pub(super) fn xargs(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let argv = call.arguments.operands.clone();
        if argv.is_empty() {
            return Some(Stream::unknown(call.stdin.text.taint));
        }
        let source = match call.arguments.value(&["-a", "--arg-file"]) {
            Some(file) => self.content_of(file, &call.stdin),
            None => call.stdin.clone(),
        };
        let names = if super::find::only_counts(&argv) { Taint::TREE } else { Taint::LITERAL };
        let input = &Text { taint: source.text.taint.without(names), ..source.text.clone() };
        let by_line = call.arguments.has(&["-I", "--replace", "-i", "-L", "-d", "--delimiter"]);
        let mut added: Vec<Field> = Vec::new();
        if let Some(text) = input.as_exact().filter(|_| source.present) {
            // With `-0` only a NUL ends an argument: a whole script may be one.
            let by_null = call.arguments.has(&["-0", "--null"]);
            let ends = |each: char| each == '\0' || by_line && !by_null && each == '\n';
            let split = |each: char| ends(each) || !by_line && !by_null && each.is_whitespace();
            let words = text.split(split).filter(|word| !word.is_empty());
            added.extend(words.take(ADDED_MAX).map(Field::exact));
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
        let text = Text { after: input.after.clone(), ..text };
        let unknown = Field { text, many: true, ..Field::default() };
        let replaced =
            call.arguments.value(&["-I", "--replace", "-i"]).map(|value| value.text.known.clone());
        let replaced =
            replaced.or_else(|| call.arguments.has(&["-i", "--replace"]).then(|| "{}".to_owned()));
        // `--replace=` means `{}` as well.
        let replaced = replaced.map(|mark| if mark.is_empty() { "{}".to_owned() } else { mark });
        let placed =
            |mark: &String| argv.iter().any(|word| word.text.known.contains(mark.as_str()));
        if ends_in_script_flag(&argv) {
            self.raise(RiskClass::CodeExecution, "a shell runs what is read");
        }
        match replaced.filter(placed) {
            Some(mark) => self.xargs_replacing(&argv, &mark, &added, &unknown),
            None => {
                let whole = argv.first().and_then(Field::as_exact).is_some_and(takes_apart);
                let known = input.as_exact().is_some() && added.len() < ADDED_MAX && !whole;
                let each = call.arguments.value(&["-n", "--max-args", "-L", "--max-lines"]);
                let each = each.and_then(Field::as_exact).and_then(|count| count.parse().ok());
                let each = each.filter(|_| known).unwrap_or(ADDED_MAX).max(1);
                if !known {
                    added.push(unknown);
                }
                // What is known whole goes in the portions that `-n` asks for.
                for portion in added.chunks(each) {
                    let mut argv = argv.clone();
                    argv.extend_from_slice(portion);
                    self.run_argv(argv, Stream::default());
                }
                if added.is_empty() {
                    self.run_argv(argv, Stream::default());
                }
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
                        if call.stdin.present && !path.open {
                            self.keep_file(self.place_of(&path).path, call.stdin.clone());
                        }
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
        let mut decoded = None;
        if found.has(&["-x", "--extract", "--get"]) {
            let to_stdout = found.has(&["-O", "--to-stdout"]);
            if to_stdout {
                decoded =
                    Some(Stream::unknown(call.stdin.text.taint | Taint::DECODED | Taint::FILE));
            } else {
                self.write_path(&folder, "unpack into");
            }
            if let Some(top) = found.value(&["--one-top-level"]).cloned() {
                self.write_path(&top.text, "unpack into");
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
                if found.has(&["--remove-files"]) {
                    let word = Field { text: path, ..packed.clone() };
                    self.delete_path(&word, true);
                }
            }
        }
        if let Some(remote) = archive
            .filter(|archive| archive.text.known.contains(':') && !found.has(&["--force-local"]))
        {
            self.egress(&remote.text);
        }
        decoded
    }

    /// `zip -m`, `7z -sdel`: what was packed is deleted.
    pub(super) fn archive(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let tests = call.words.iter().position(|word| word.text.known.starts_with("-TT"));
        if let Some(at) = tests.filter(|_| call.name == "zip") {
            self.raise(RiskClass::CodeExecution, "zip -TT runs what it is given");
            if let Some(script) = call.words.get(at + 1).map(|word| word.text.clone()) {
                self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
            }
        }
        // 7z's folder stands right behind the flag.
        if call.name.starts_with("7z") && call.words.iter().any(|word| word.text.known == "-o") {
            self.raise(RiskClass::SystemWrite, "unpacks to where kode can't tell");
        }
        if call.name.starts_with("7z") && call.words.first().and_then(Field::as_exact) == Some("a")
        {
            for packed in call.arguments.operands.iter().skip(2).cloned().collect::<Vec<_>>() {
                self.read_path(&packed.text, true);
            }
        }
        let moves = |word: &Field| {
            let text = word.text.known.as_str();
            let cluster = text.starts_with('-') && !text.starts_with("--") && text.contains('m');
            matches!(text, "-sdel" | "--move") || call.name == "zip" && cluster
        };
        if call.words.iter().any(moves) {
            for packed in call.arguments.operands.iter().skip(1).cloned().collect::<Vec<_>>() {
                self.delete_path(&packed, true);
            }
        }
        None
    }

    /// Copies carry known content along.
    pub(super) fn copy(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let operands = &call.arguments.operands;
        if let Some(target) = call.arguments.value(&["-t", "--target-directory"]) {
            self.write_path(&target.text.clone(), "unpack into");
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
        if let [only] = operands.as_slice()
            && call.name == "ln"
            && !call.arguments.has(&["-t", "--target-directory"])
        {
            let name = only.as_exact().map(|path| path.trim_end_matches('/').rsplit('/').next());
            let link = name.flatten().map_or_else(|| only.text.clone(), Text::exact);
            self.write_path(&link, "write");
        }
        self.keep_links(call);
        if let Some(target) = operands.last().filter(|_| operands.len() > 1) {
            self.ask_about_folder(&target.text.clone());
        }
        let [source, target] = operands.as_slice() else { return None };
        let from = self.place_of(&source.text).path;
        let to = self.place_of(&target.text).path;
        if let Some(content) = self.files.get(&from).cloned() {
            self.files.insert(to, content);
        }
        None
    }

    /// A file put into a sensitive folder by naming the folder alone.
    pub(super) fn ask_about_folder(&mut self, target: &Text) {
        if self.place_of(target).zone == Zone::Project {
            self.write_path(target, "unpack into");
        }
    }

    /// A link to something outside, or a copy of a program, is what is behind
    /// it: `ln -s / r; rm -rf r/*`, `cp /bin/rm x; ./x -rf /`.
    fn keep_links(&mut self, call: &Invocation<'_>) {
        let here = Field::exact("./");
        let (source, target) = match call.arguments.operands.as_slice() {
            [source, target] => (source, target),
            // `ln -s /etc` is `ln -s /etc ./etc`.
            [source] if call.name == "ln" => {
                let target = call.arguments.value(&["-t", "--target-directory"]);
                (source, target.unwrap_or(&here))
            }
            _ => return,
        };
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
        let away = !matches!(self.place_of(&target.text).zone, Zone::Project | Zone::ProjectRoot);
        for source in sources {
            self.refuse_tree(source);
            if away && self.is_wide(source, &self.place_of(&source.text).path) {
                self.found.ask(QuestionKind::Guard, "the whole project would be moved away");
            }
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
        if call.name == "chmod" && call.arguments.has(&["--reference"]) {
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
}

/// Whether the first word that is added would be a shell's script: `xargs sh -c`.
fn ends_in_script_flag(argv: &[Field]) -> bool {
    let shell = argv.first().and_then(Field::as_exact).is_some_and(|name| {
        crate::effects::interpreters::shell(name.rsplit('/').next().unwrap_or(name)).is_some()
    });
    let last = argv.last().and_then(Field::as_exact).unwrap_or_default();
    shell && last.starts_with('-') && last.ends_with('c')
}

/// Whether what `xargs` adds to `argv` are names of the project's files. To
/// delete, move or open up files, they must have been chosen.
pub(super) fn names_some_file(argv: &[Field], names: Names) -> bool {
    let whole = argv.first().and_then(Field::as_exact).is_some_and(takes_apart);
    names == Names::Chosen || names == Names::Local && !whole
}
