//! `find`: what its tests narrow, what its actions run, write or delete, and
//! what the names it prints are.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::effects::table::{Value, lookup};
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text};
use crate::paths::{Zone, holds_secrets, looks_secret};
use crate::patterns::could_be_secret;

/// Tests of `find` that narrow what it finds.
const NARROWING: [&str; 27] = [
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
    "-anewer",
    "-cnewer",
    "-used",
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

impl Evaluator<'_> {
    /// `find PATH… EXPRESSION`: actions run or delete what is found.
    pub(super) fn find(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let words = call.words;
        let starts = find_starts(words);
        let narrowed = self.narrowing(words, &starts);
        let mut at = starts.len();
        while let Some(word) = words.get(at) {
            at += 1;
            match word.as_exact() {
                Some("-exec" | "-execdir" | "-ok" | "-okdir") => {
                    let is_end = |each: &Field| matches!(each.as_exact(), Some(";" | "+"));
                    let length = words[at..].iter().position(is_end).unwrap_or(words.len() - at);
                    // Only what stands before an action narrows it.
                    let narrowed = narrowed && has_test(&words[..at]);
                    self.find_exec(&words[at..at + length], &starts, narrowed, words);
                    at += length + 1;
                }
                Some("-delete") => {
                    let narrowed = narrowed && has_test(&words[..at]);
                    self.find_delete(&starts, narrowed, &words[..at]);
                }
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
        let holds = |start: &Field| holds(start) && !self.looks_for_ordinary(words, start);
        let tree = if below.iter().any(holds) { Taint::TREE } else { Taint::LITERAL };
        let whole =
            |start: &Field| !start.text.open && self.place_of(&start.text).zone == Zone::Tree;
        let all = if !narrowed && below.iter().any(whole) { Taint::ALL } else { Taint::LITERAL };
        let prints = |word: &Field| {
            matches!(word.as_exact(), Some("-printf" | "-ls" | "-exec" | "-execdir" | "-ok"))
        };
        let temporary = |word: &Field| {
            word.as_exact().is_some() && self.place_of(&word.text).zone == Zone::Temporary
        };
        let local =
            !words.iter().any(prints) && (self.all_local(below) || below.iter().all(temporary));
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

    /// Whether tests narrow what is found: `-name '*'` is every name, and what is
    /// deleted but for `! -name x` is nearly everything.
    fn narrowing(&mut self, words: &[Field], starts: &[Field]) -> bool {
        let is = |at: Option<usize>, names: &[&str]| {
            let word = at.and_then(|at| words.get(at)).and_then(Field::as_exact);
            word.is_some_and(|text| names.contains(&text))
        };
        let all = 0..words.len();
        let tests: Vec<usize> =
            all.filter(|at| narrows(&words[*at]) && !is(Some(at + 1), &["*"])).collect();
        let kept = tests.iter().any(|at| !is(at.checked_sub(1), &["!", "-not", "\\!"]));
        if !tests.is_empty() && !kept && is_deleting(words) {
            for start in starts {
                self.refuse_tree(start);
            }
            self.found.ask(QuestionKind::Guard, "find deletes all but what is named");
        }
        // Whoever owns them, those are most files of a system tree.
        const WIDE: [&str; 4] = ["-user", "-group", "-perm", "-links"];
        let wide = !tests.is_empty() && tests.iter().all(|at| is(Some(*at), &WIDE));
        if wide && is_deleting(words) {
            for start in starts {
                self.refuse_tree(start);
            }
        }
        // `-empty -o -delete`: what the tests leave out is taken as well.
        let actions = ["-delete", "-exec", "-execdir", "-ok", "-okdir"];
        let alternative = (0..words.len())
            .any(|at| is(Some(at), &["-o", "-or", ","]) && is(Some(at + 1), &actions));
        !tests.is_empty() && !alternative
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
        if command[0].text.known.contains("{}") {
            self.raise(RiskClass::CodeExecution, "runs the files that find finds");
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
                && !only_counts(command)
                && !self.looks_for_ordinary(words, start)
                && holds_secrets(&self.place_of(&start.text).path, self.session)
            {
                self.read_path(&start.text, true);
            }
            if !only_names(&command[0]) && !only_counts(command) {
                self.look_at_hidden(words);
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

    /// `-name '.e*'`: hidden files by a pattern that a credential's name fits.
    fn look_at_hidden(&mut self, words: &[Field]) {
        let hidden = hidden_patterns(words);
        for pattern in hidden {
            let path = self.place_of(&Text::exact(&format!("./{pattern}"))).path;
            if could_be_secret(&path, self.session) {
                self.found.reads_secret = true;
                let text = format!("{pattern} could be a credential");
                self.found.ask(QuestionKind::Secret, &text);
            }
        }
    }

    /// Whether one `-name` test leaves no name that a credential could have.
    fn looks_for_ordinary(&self, words: &[Field], start: &Field) -> bool {
        let is = |word: &Field, texts: &[&str]| {
            word.as_exact().is_some_and(|text| texts.contains(&text))
        };
        let widened = words.iter().any(|word| is(word, &["-o", "-or", ",", "!", "-not", "\\!"]));
        let mut names = words.windows(2).filter(|pair| is(&pair[0], &["-name", "-iname"]));
        let Some(pattern) = names.next().and_then(|pair| pair[1].as_exact()) else { return false };
        if !widened && is_media_or_source(pattern) {
            return true;
        }
        // In homes a credential is told by its folder, too.
        const SHARED: [&str; 4] = ["/etc", "/usr", "/opt", "/var/log"];
        let folder = self.place_of(&start.text).path;
        let path = format!("{}/{pattern}", folder.trim_end_matches('/'));
        !widened
            && SHARED.iter().any(|shared| folder.starts_with(shared))
            && pattern.chars().filter(char::is_ascii_alphanumeric).count() > 2
            && !looks_secret(&path)
            && !could_be_secret(&path, self.session)
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
}

/// Whether a pattern stands for files by an ending that no program gives to
/// credentials: sources, pages, pictures, sound, logs.
fn is_media_or_source(pattern: &str) -> bool {
    const ENDINGS: [&str; 55] = [
        "md", "rst", "html", "htm", "css", "scss", "js", "jsx", "ts", "tsx", "mjs", "py", "pyc",
        "java", "class", "jar", "c", "h", "cc", "cpp", "hpp", "cs", "rs", "go", "php", "rb", "pl",
        "pm", "lua", "swift", "kt", "scala", "hs", "o", "so", "a", "csv", "pdf", "jpg", "jpeg",
        "png", "gif", "mp3", "mp4", "mov", "avi", "log", "xml", "svg", "tex", "doc", "docx", "odt",
        "xls", "xlsx",
    ];
    let ending = pattern.rsplit_once('.').map_or("", |(_, ending)| ending);
    let last = pattern.rsplit('/').next().unwrap_or_default();
    !last.starts_with('.') && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}

/// Whether a test that narrows what is found stands among the words.
fn has_test(words: &[Field]) -> bool {
    words.iter().any(narrows)
}

/// `-name`, `-newermt` and their kin.
fn narrows(word: &Field) -> bool {
    word.as_exact().is_some_and(|text| NARROWING.contains(&text) || text.starts_with("-newer"))
}

/// Whether the expression deletes what it finds.
fn is_deleting(words: &[Field]) -> bool {
    words.iter().any(|word| {
        let name = word.as_exact().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        matches!(name, "-delete" | "rm" | "unlink" | "shred")
    })
}

/// Commands that look at names and attributes of what `find` finds.
fn only_names(command: &Field) -> bool {
    const NAMES: [&str; 14] = [
        "ls", "stat", "file", "basename", "dirname", "echo", "printf", "du", "readlink",
        "realpath", "test", "rm", "chmod", "touch",
    ];
    command.as_exact().is_some_and(|name| NAMES.contains(&name.rsplit('/').next().unwrap_or(name)))
}

/// Names with a dot that `find` looks for by a pattern: `-name '.e*'`.
pub(in crate::effects) fn hidden_patterns(words: &[Field]) -> Vec<String> {
    let named = words.windows(2).filter(|pair| {
        matches!(pair[0].as_exact(), Some("-name" | "-iname" | "-path" | "-wholename"))
    });
    let patterns = named.filter_map(|pair| pair[1].as_exact());
    let last = patterns.map(|pattern| pattern.rsplit('/').next().unwrap_or(pattern));
    last.filter(|last| last.starts_with('.') && last.contains(['*', '?', '[']))
        .take(4)
        .map(str::to_owned)
        .collect()
}

/// Commands that tell which files match, or how long they are and whether they
/// are the same, not what stands in them: `grep -l`, `wc`, `md5sum`.
pub(super) fn only_counts(command: &[Field]) -> bool {
    let Some((first, words)) = command.split_first() else { return false };
    let name = first.as_exact().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
    let lists = |word: &Field| {
        let text = word.as_exact().unwrap_or_default();
        matches!(text, "--files-with-matches" | "--files-without-match" | "--count" | "--quiet")
            || text.starts_with('-')
                && !text.starts_with("--")
                && text.contains(['l', 'L', 'c', 'q'])
    };
    match name {
        "wc" | "cksum" | "sum" | "md5sum" | "sha1sum" | "sha256sum" | "sha512sum" | "b2sum" => true,
        "grep" | "egrep" | "fgrep" | "zgrep" => words.first().is_some_and(lists),
        _ => false,
    }
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
pub(in crate::effects) fn last_name(pattern: &str) -> Option<String> {
    let part = pattern.rsplit('/').find(|part| !part.trim_matches('*').is_empty())?;
    let name = part.trim_matches('*');
    (!name.contains(['?', '[', '*'])).then(|| name.to_owned())
}
