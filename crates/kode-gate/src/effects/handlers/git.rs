//! `git`: configuration keys that run programs, and work that would be lost.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::effects::table;
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text, glob_matches};
use crate::paths::{Zone, looks_secret, normalise};
use crate::patterns::could_be_secret;

/// Keys that only change names, colours and formats.
const PLAIN_KEYS: [&str; 30] = [
    "user.name",
    "user.email",
    "user.signingkey",
    "color.*",
    "core.quotepath",
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.abbrev",
    "core.longpaths",
    "core.safecrlf",
    "core.whitespace",
    "advice.*",
    "init.defaultbranch",
    "commit.gpgsign",
    "tag.gpgsign",
    "log.*",
    "diff.renames",
    "diff.algorithm",
    "diff.colormoved",
    "diff.noprefix",
    "merge.conflictstyle",
    "pull.rebase",
    "pull.ff",
    "push.default",
    "push.autosetupremote",
    "rebase.autosquash",
    "safe.directory",
    "fetch.prune",
];

impl Evaluator<'_> {
    /// Commands of git that run another program, talk to a remote or change more
    /// than the repository, by their words.
    pub(crate) fn judge_git_word(&mut self, word: &str, words: &[Field]) {
        const STRATEGIES: [&str; 7] =
            ["ours", "recursive", "resolve", "octopus", "subtree", "ort", "theirs"];
        let first = words.first().and_then(Field::as_exact).unwrap_or_default();
        match (word, first) {
            ("merge-index", _) => {
                self.raise(RiskClass::CodeExecution, "runs a program for every conflict");
            }
            ("subtree", "add" | "pull" | "push") => {
                self.raise(RiskClass::NetworkEgress, "talks to the remote");
            }
            ("maintenance", "start" | "stop" | "register" | "unregister") => {
                self.raise(RiskClass::SystemWrite, "changes what runs at fixed times");
            }
            ("merge" | "cherry-pick" | "rebase" | "revert" | "pull", _) => {
                // `git merge -s x` runs `git-merge-x`.
                let named = words.iter().enumerate().filter_map(|(at, word)| {
                    let text = word.text.known.as_str();
                    match text.strip_prefix("--strategy=") {
                        Some(name) => Some(name),
                        None if matches!(text, "-s" | "--strategy") => {
                            words.get(at + 1).map(|next| next.text.known.as_str())
                        }
                        None => None,
                    }
                });
                let known = |name: &str| STRATEGIES.contains(&name);
                if let Some(name) = named.into_iter().find(|name| !known(name)) {
                    let text = format!("git would run a strategy of its own, git-merge-{name}");
                    self.raise(RiskClass::CodeExecution, &text);
                }
            }
            _ => {}
        }
    }

    /// Global flags: `-C`, `-c key=value`.
    pub(super) fn git(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for (flag, value) in &call.arguments.flags {
            let Some(value) = value else { continue };
            match flag.as_str() {
                "-c" | "--config-env" => self.git_key(&value.text.known, value.text.open),
                "--git-dir" => self.judge_value("GIT_DIR", &value.text),
                "-C" => {
                    let base = self.state.directory.clone().unwrap_or_default();
                    self.look_at(&value.text);
                    let zone = self.place_of(&value.text).zone;
                    if !zone.is_local() && !value.text.open {
                        self.found
                            .line(&format!("git works in {}", normalise(&value.text.known, &base)));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// What changes a repository outside the project changes what is outside.
    pub(in crate::effects) fn look_at_repository(&mut self, key: &str, before: &Invocation<'_>) {
        let changes = table::lookup(key).is_some_and(|spec| spec.class == RiskClass::LocalWrite);
        if !changes {
            return;
        }
        let folder = before.arguments.value(&["-C", "--work-tree"]);
        let place = match folder {
            Some(folder) if folder.text.open => return,
            Some(folder) => self.place_of(&folder.text),
            None => match &self.state.directory {
                Some(directory) => self.place_of(&Text::exact(directory)),
                None => return,
            },
        };
        if matches!(place.zone, Zone::Tree | Zone::Home | Zone::System) {
            let text = format!("changes the repository {}, outside the project", place.path);
            self.raise(RiskClass::SystemWrite, &text);
        }
    }

    /// A configuration key that may run its value.
    fn git_key(&mut self, setting: &str, open: bool) {
        let key = setting.split('=').next().unwrap_or_default().to_ascii_lowercase();
        let plain = PLAIN_KEYS.iter().any(|each| glob_matches(each, &key));
        let shown = setting.split_once('=').is_some_and(|(_, value)| {
            (key.ends_with("editor") || key == "core.pager")
                && !open
                && crate::effects::environment::only_shows(value)
        });
        if shown {
            return;
        }
        // An alias for a command of git's own is that command.
        let alias = key.starts_with("alias.") && !open;
        let short = setting.split_once('=').map(|(_, value)| value).filter(|_| alias);
        if let Some(value) = short.filter(|value| {
            let first = value.split_whitespace().next().unwrap_or_default();
            crate::effects::table::knows(&format!("git {first}"))
        }) {
            self.raise(RiskClass::LocalWrite, "makes a short name for a command of git");
            let script = format!("git {value}");
            self.perhaps(|walk| walk.text_script(&script, Stream::default()));
            return;
        }
        if !plain || (open && !setting.contains('=')) {
            self.raise(RiskClass::CodeExecution, &format!("git's {key} may run a program"));
            if let Some((_, value)) = setting.split_once('=') {
                let script = value.trim_start_matches('!').to_owned();
                self.perhaps(|walk| walk.text_script(&script, Stream::default()));
            }
        }
    }

    /// `git config KEY [VALUE]`.
    pub(super) fn git_config(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let operands = &found.operands;
        let reads =
            found.has(&["--get", "--get-all", "--get-regexp", "--list", "-l", "--get-urlmatch"])
                || matches!(operands.first().and_then(Field::as_exact), Some("get" | "list"));
        if reads
            || operands.len() < 2
                && !found.has(&["--unset", "--unset-all", "--remove-section", "-e", "--edit"])
        {
            return None;
        }
        if found.has(&["-e", "--edit"]) {
            self.raise(RiskClass::CodeExecution, "opens an editor on git's configuration");
        }
        let far = found.has(&["--global", "--system"]);
        let class = if far { RiskClass::SystemWrite } else { RiskClass::LocalWrite };
        self.raise(class, "changes git's configuration");
        let at = usize::from(operands.first().and_then(Field::as_exact) == Some("set"));
        if let (Some(key), Some(value)) = (operands.get(at), operands.get(at + 1)) {
            self.git_key(&format!("{}={}", key.text.known, value.text.known), key.text.open);
        }
        None
    }

    /// `git rm`: with `--cached` only the index changes.
    pub(super) fn git_rm(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        self.raise(RiskClass::LocalWrite, "removes tracked files");
        let found = &call.arguments;
        if !found.has(&["--cached", "-n", "--dry-run"]) {
            if found.has(&["-f", "--force"]) {
                self.found.ask(QuestionKind::Guard, "changes that are not committed would be lost");
            }
            let recursive = found.has(&["-r"]);
            for operand in &found.operands {
                self.delete_path(operand, recursive);
            }
        }
        None
    }

    /// `git clean`: `-n` only shows; `-x` takes what is ignored as well.
    pub(super) fn git_clean(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        if found.has(&["-n", "--dry-run"]) {
            return None;
        }
        if found.has(&["-x", "-X"]) {
            self.raise(
                RiskClass::Destructive,
                "deletes everything git does not track, ignored files too",
            );
        } else {
            self.raise(RiskClass::LocalWrite, "deletes untracked files");
            self.found.ask(QuestionKind::Guard, "untracked files would be lost");
        }
        None
    }

    /// `git branch`: listing, or making and removing branches.
    pub(super) fn git_branch(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let lists = call.arguments.has(&[
            "--list",
            "-l",
            "--contains",
            "--no-contains",
            "--merged",
            "--no-merged",
        ]);
        let changes = call.arguments.has(&["-D", "-f", "--force", "-C", "-M"]);
        if !lists && (changes || !call.arguments.operands.is_empty()) {
            self.raise(RiskClass::LocalWrite, "changes branches");
        }
        None
    }

    /// `git checkout -- PATH`, `git checkout .`, `git restore PATH`: changes
    /// that were not committed are lost.
    pub(super) fn git_checkout(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        self.git_files(call);
        let names = |text: &str| call.words.iter().any(|word| word.as_exact() == Some(text));
        let restores = call.name == "git restore" && !call.arguments.has(&["--staged", "-S"])
            || call.arguments.has(&["--worktree", "-W"]);
        let branches = call.arguments.has(&["-b", "-B", "--orphan", "-t", "--track"]);
        // `git checkout COMMIT FILE` writes the file as it was.
        let both = !branches && call.arguments.operands.len() > 1;
        let sides = call.arguments.has(&["--ours", "--theirs"]);
        let paths = call.name == "git checkout" && (names("--") || names(".") || both || sides);
        if restores || paths {
            self.found.ask(QuestionKind::Guard, "changes that were not committed would be lost");
        }
        None
    }

    /// Commands that print what files hold: `git show REV:PATH`, `git diff`.
    pub(super) fn git_shows(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let has = |flags: &[&str]| {
            call.words.iter().any(|word| word.as_exact().is_some_and(|text| flags.contains(&text)))
        };
        if call.name == "git cat-file" && has(&["--filters"]) {
            self.raise(RiskClass::CodeExecution, "filters that the repository names are run");
        }
        let prints = match call.name {
            "git show" | "git cat-file" | "git diff" | "git blame" | "git annotate"
            | "git hash-object" | "git grep" | "git archive" | "git diff-index"
            | "git diff-files" | "git diff-tree" => true,
            "git log" | "git whatchanged" | "git stash show" | "git stash list" => {
                has(&["-p", "-u", "--patch", "-G", "-S", "--cc", "-c"])
                    || call.words.iter().any(|word| word.text.known.starts_with("-L"))
            }
            _ => false,
        };
        let lists = match call.name {
            "git ls-files" => !has(&["-s", "--stage", "--full-name", "-t", "-u", "--format"]),
            "git grep" => has(&["-l", "-L", "-lz", "-lw", "-li", "-lE", "--name-only"]),
            "git diff" => has(&["--name-only"]),
            _ => false,
        };
        if lists && self.all_local(&[]) {
            return Some(Stream::unknown(Taint::FILE).of_names(Names::Local));
        }
        if !prints
            || has(&["--name-only", "--name-status", "--stat", "--shortstat"])
            || call.name == "git cat-file" && has(&["-t", "-e", "-s"])
        {
            return None;
        }
        for word in call.words.iter().enumerate().filter(|(at, _)| !is_pattern(call, *at)) {
            let text = word.1.text.known.as_str();
            if text.starts_with('-') && !text.starts_with("-L") {
                continue;
            }
            let path = text.rsplit(':').next().unwrap_or(text);
            let place = self.place_of(&Text::exact(path));
            let secret = looks_secret(&place.path) || could_be_secret(&place.path, self.session);
            if secret && !path.is_empty() && place.zone != Zone::Unknown {
                self.read_path(&Text::exact(path), false);
            }
        }
        None
    }

    /// `git remote add NAME ext::COMMAND`: the address is a command.
    pub(super) fn git_remote(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let runs = |word: &Field| word.text.known.starts_with("ext::");
        if call.arguments.operands.iter().any(runs) {
            self.raise(RiskClass::CodeExecution, "git would run what the address names");
        }
        self.run_address(&call.arguments.operands);
        None
    }

    /// `git clone 'ext::sh -c touch% x'`: a blank within a word is `% `.
    pub(in crate::effects) fn run_address(&mut self, words: &[Field]) {
        for word in words {
            let Some(command) = word.text.known.strip_prefix("ext::") else { continue };
            self.raise(RiskClass::CodeExecution, "git would run what the address names");
            let argv: Vec<Field> = command
                .replace("% ", "\0")
                .split(' ')
                .map(|part| Field::exact(&part.replace('\0', " ")))
                .collect();
            self.perhaps(|walk| {
                walk.run_argv(argv, Stream::default());
            });
        }
    }

    /// Commands that move or rewrite named files of the working tree.
    pub(super) fn git_files(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for operand in &call.arguments.operands {
            let place = self.place_of(&operand.text);
            if call.name == "git add" && looks_secret(&place.path) {
                // What is committed is kept, and pushed, in plain text.
                self.read_path(&operand.text, false);
            }
            if place.zone == Zone::Kode {
                self.refuse_kode(&place.path);
            } else if call.name == "git mv" {
                self.write_pattern(operand);
            }
        }
        None
    }
}

/// Whether word `at` of `git grep` or `git log` is what is searched for, or a
/// number, and no path.
fn is_pattern(call: &Invocation<'_>, at: usize) -> bool {
    let text = |at: usize| call.words.get(at).map_or("", |word| word.text.known.as_str());
    let before = at.checked_sub(1).map_or("", text);
    match call.name {
        "git grep" => {
            const VALUES: [&str; 11] = [
                "-e",
                "-A",
                "-B",
                "-C",
                "-m",
                "--max-count",
                "--max-depth",
                "--context",
                "--after-context",
                "--before-context",
                "--threads",
            ];
            let given = call.words.iter().any(|word| {
                let text = word.text.known.as_str();
                text.starts_with("-e") || text.starts_with("-f") || text.starts_with("--file")
            });
            let first = (0..call.words.len()).find(|at| {
                let value = at.checked_sub(1).is_some_and(|at| VALUES.contains(&text(at)));
                !text(*at).starts_with('-') && !value
            });
            VALUES.contains(&before) || !given && first == Some(at)
        }
        "git log" | "git whatchanged" => matches!(before, "-S" | "-G" | "--grep" | "--author"),
        _ => false,
    }
}
