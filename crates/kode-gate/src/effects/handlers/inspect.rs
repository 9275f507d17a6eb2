//! Commands that mostly look, with a few words that change something.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Names, Stream, Taint, Text};

/// Subcommands of docker's groups that only look.
const DOCKER_LOOKS: [&str; 18] = [
    "ls", "list", "inspect", "ps", "logs", "config", "version", "images", "top", "port", "df",
    "info", "events", "history", "stats", "show", "help", "diff",
];
const DOCKER_GROUPS: [&str; 18] = [
    "image",
    "container",
    "volume",
    "network",
    "system",
    "compose",
    "buildx",
    "context",
    "manifest",
    "plugin",
    "node",
    "stack",
    "config",
    "secret",
    "service",
    "swarm",
    "docker-compose",
    "podman-compose",
];

/// Words of package managers that only look.
const PACKAGE_LOOKS: [&str; 48] = [
    "list",
    "show",
    "search",
    "policy",
    "info",
    "depends",
    "rdepends",
    "why",
    "provides",
    "whatprovides",
    "repolist",
    "history",
    "check-update",
    "list-installed",
    "leaves",
    "deps",
    "desc",
    "uses",
    "config",
    "doctor",
    "--prefix",
    "--cellar",
    "--repository",
    "--cache",
    "-l",
    "-L",
    "-S",
    "-s",
    "-p",
    "-I",
    "-c",
    "--list",
    "--listfiles",
    "--search",
    "--status",
    "--get-selections",
    "--print-architecture",
    "-qa",
    "-qi",
    "-ql",
    "-qf",
    "-q",
    "-Q",
    "-Qs",
    "-Qi",
    "-Ql",
    "showauto",
    "showmanual",
];

/// Words with which `ip`, `timedatectl` and their kin change something.
const SETTING_WORDS: [&str; 19] = [
    "add",
    "del",
    "delete",
    "set",
    "up",
    "down",
    "flush",
    "change",
    "replace",
    "enable-linger",
    "disable-linger",
    "set-hostname",
    "set-time",
    "set-timezone",
    "set-ntp",
    "terminate-user",
    "kill-user",
    "-pl",
    "--reset",
];

/// Whether `loginctl`'s word shows sessions, users or seats.
fn shows(verb: &Field) -> bool {
    let verb = verb.text.known.as_str();
    verb.starts_with("list-") || verb.starts_with("show-") || verb.ends_with("-status")
}

impl Evaluator<'_> {
    /// `date`, `ip`, `dmesg`, …: setting instead of showing.
    pub(super) fn inspect(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let has = |words: &[&str]| {
            call.words.iter().any(|word| word.as_exact().is_some_and(|text| words.contains(&text)))
        };
        let starts = |start: &str| call.words.iter().any(|word| word.text.known.starts_with(start));
        let sets = match call.name {
            "date" => sets_clock(call),
            "dmesg" => has(&["-c", "-C", "--clear", "--read-clear", "-n", "-D", "-E"]),
            "journalctl" => starts("--vacuum") || has(&["--rotate", "--flush", "--sync"]),
            "hostname" => call.arguments.operands.iter().any(|each| !each.text.known.is_empty()),
            "arp" => has(&["-s", "-d", "--set", "--delete"]),
            "ip" | "ifconfig" | "iwconfig" | "hostnamectl" | "timedatectl" | "nvidia-smi" => {
                has(&SETTING_WORDS)
                    || call.name == "hostnamectl" && call.arguments.operands.len() > 1
            }
            // Its other words end sessions, lock them or turn the machine off.
            "loginctl" => call.arguments.operands.first().is_some_and(|verb| !shows(verb)),
            "ss" => call.words.iter().any(|word| kills_sockets(&word.text.known)),
            _ => false,
        };
        if call.name == "getent" {
            self.look_up_host(call);
        }
        if call.name == "finger" {
            let asks = |each: &&Field| each.text.known.contains('@') || each.text.open;
            let hosts: Vec<Field> = call.arguments.operands.iter().filter(asks).cloned().collect();
            for host in &hosts {
                self.egress(&host.text);
            }
            return (!hosts.is_empty()).then(|| Stream::unknown(Taint::REMOTE));
        }
        let runs = match call.name {
            "ip" => has(&["exec", "-batch", "-b", "-force", "vrf"]),
            // Setting a tag rewrites the file, or renames it.
            "exiftool" => call.words.iter().any(|word| {
                word.text.known.starts_with('-') && word.text.known.contains(['=', '<'])
            }),
            // A cow is a Perl program.
            "cowsay" => call.words.windows(2).any(|pair| {
                let cow = &pair[1].text;
                pair[0].as_exact() == Some("-f") && (cow.open || cow.known.contains(['/', '.']))
            }),
            "neofetch" | "fastfetch" | "screenfetch" | "top" | "htop" => {
                starts("--config") || starts("-c")
            }
            _ => false,
        };
        if runs {
            self.raise(
                RiskClass::CodeExecution,
                &format!("`{}` used like this runs a program", call.name),
            );
        }
        if sets {
            self.raise(RiskClass::SystemWrite, &format!("`{}` changes the system", call.name));
        }
        if call.name == "dc"
            && call
                .words
                .iter()
                .chain(&[Field { text: call.stdin.text.clone(), ..Field::default() }])
                .any(|word| word.text.known.contains('!'))
        {
            self.raise(RiskClass::CodeExecution, "dc runs what follows `!`");
        }
        self.saves_what_it_shows(call);
        None
    }

    /// `sar -o FILE`.
    fn saves_what_it_shows(&mut self, call: &Invocation<'_>) {
        if !matches!(call.name, "sar" | "info" | "lshw") {
            return;
        }
        for pair in call.words.windows(2) {
            if matches!(pair[0].as_exact(), Some("-o" | "--output")) {
                self.write_path(&pair[1].text, "write");
            }
        }
    }

    /// `getent hosts NAME` asks name servers.
    fn look_up_host(&mut self, call: &Invocation<'_>) {
        let database = call.arguments.operands.first().map(|word| word.text.clone());
        let asks = database.is_some_and(|database| {
            database.open || database.known.starts_with("ahosts") || database.known == "hosts"
        });
        if let Some(name @ ("shadow" | "gshadow")) =
            call.arguments.operands.first().and_then(Field::as_exact)
        {
            self.read_path(&Text::exact(&format!("/etc/{name}")), false);
        }
        let Some(host) = call.arguments.operands.get(1).filter(|_| asks) else { return };
        match host.as_exact() {
            // A name written out carries nothing kode can't see: only what the
            // session knows of hosts and secrets decides.
            Some(name) if !self.session.bare_host => {
                self.found.hosts.push(Some(name.to_ascii_lowercase()));
            }
            _ => self.egress(&host.text),
        }
    }

    /// `grep PATTERN FILE…`: the pattern is only text.
    pub(super) fn grep(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let given =
            call.arguments.has(&["-e", "-f", "--regexp", "--file", "--files", "--type-list"]);
        let always = !call.name.ends_with("grep") || matches!(call.name, "rgrep" | "ugrep");
        let recursive =
            always || call.arguments.has(&["-r", "-R", "--recursive", "--dereference-recursive"]);
        // Names and counts are not what the files hold.
        let tree = recursive
            && !call.arguments.has(&["-l", "-L", "-q", "-c", "--count", "--quiet"])
            && !call.arguments.has(&["--files", "--files-with-matches", "--files-without-match"]);
        let files = call.arguments.operands.get(usize::from(!given)..).unwrap_or_default();
        for file in files {
            if file.stream.is_none() && file.as_exact() != Some("-") {
                self.read_path(&file.text, tree);
            }
        }
        if files.is_empty() && tree && !call.stdin.present {
            self.read_path(&Text::exact("."), true);
        }
        self.look_at_globs(call, tree);
        let lists = call.arguments.has(&["-l", "-L", "--files"])
            || call.arguments.has(&["--files-with-matches", "--files-without-match"]);
        let names = lists && (recursive || !files.is_empty()) && self.all_local(files);
        let taint = call.stdin.text.taint | Taint::FILE;
        names.then(|| Stream::unknown(taint).of_names(Names::Local))
    }

    /// `grep -r --include=.env`, `rg -g .env`: only what is a credential is read.
    fn look_at_globs(&mut self, call: &Invocation<'_>, prints: bool) {
        for (flag, value) in call.arguments.flags.iter().filter(|_| prints) {
            let value = value.as_ref().filter(|_| {
                matches!(flag.as_str(), "--include" | "-g" | "--glob" | "--iglob" | "-G")
            });
            let hidden =
                value.filter(|value| value.text.known.trim_start_matches("**/").starts_with('.'));
            if let Some(value) = hidden {
                self.read_path(&value.text.clone(), false);
            }
        }
    }

    /// Text filters: operands are files that are read.
    pub(super) fn filter(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let in_place = match call.name {
            "yq" | "dasel" | "tomlq" | "xq" => call.words.iter().any(|word| {
                matches!(word.as_exact(), Some("-i" | "--inplace" | "--in-place" | "-iy"))
            }),
            "tidy" => {
                call.words.iter().any(|word| matches!(word.as_exact(), Some("-m" | "-modify")))
            }
            _ => false,
        };
        let runs = call.words.iter().any(|word| {
            let text = word.text.known.as_str();
            matches!(text, "--shell" | "-F") && matches!(call.name, "xmllint" | "pandoc")
                || text.starts_with("--filter") && call.name == "pandoc"
                || text.starts_with("--lua-filter")
                || text.starts_with("--pager")
        });
        if runs {
            self.raise(RiskClass::CodeExecution, "runs a filter program");
        }
        let operands = &call.arguments.operands;
        let plain = matches!(call.name, "tr" | "expr" | "jo" | "qrencode" | "look" | "dict" | "wn");
        let skip = usize::from(matches!(
            call.name,
            "jq" | "gojq" | "yq" | "xq" | "tomlq" | "mlr" | "choose" | "join-text"
        ));
        // `yq eval FILTER FILE`; what stands behind jq's `--args` is text.
        let eval = call.name == "yq"
            && matches!(operands.first().and_then(Field::as_exact), Some("e" | "eval" | "ea"));
        let skip = skip + usize::from(eval);
        let is_flag = |word: &Field| matches!(word.as_exact(), Some("--args" | "--jsonargs"));
        let behind = call.words.iter().position(is_flag).filter(|_| skip > 0);
        let texts = behind.map_or(&[][..], |at| &call.words[at..]);
        let is_text = |word: &Field| texts.iter().any(|text| text.text == word.text);
        let last = operands.len().saturating_sub(1);
        for (at, operand) in operands.iter().enumerate().skip(skip) {
            if plain
                || is_text(operand)
                || operand.stream.is_some()
                || operand.as_exact() == Some("-")
            {
                continue;
            }
            let second_is_output = at == 1
                && last == 1
                && matches!(call.name, "xxd" | "pr-out" | "pdftotext" | "column-out");
            if in_place || second_is_output {
                self.write_path(&operand.text, "write");
            } else {
                self.read_path(&operand.text, compares_trees(call));
            }
        }
        None
    }

    /// `nice -n 5 COMMAND`: numbers and flags before the command.
    pub(super) fn nicety(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let is_setting = |word: &&Field| {
            let text = word.text.known.as_str();
            text.starts_with('-')
                || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                || (call.name.contains("faketime") || matches!(call.name, "perf" | "setarch"))
                    && !text.contains('/')
                    && crate::effects::table::lookup(text).is_none()
        };
        let operands = &call.arguments.operands;
        let at = operands.iter().take_while(is_setting).count();
        let rest = operands.get(at..).unwrap_or_default().to_vec();
        (!rest.is_empty()).then(|| self.run_argv(rest, call.stdin.clone()))
    }

    /// `flock FILE -c SCRIPT`, `chroot DIR COMMAND`.
    pub(super) fn located(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let at = call
            .words
            .iter()
            .position(|word| matches!(word.as_exact(), Some("-c" | "--command")))?;
        let script = call.words.get(at + 1)?.text.clone();
        Some(self.shell_text(&script, call.stdin.clone()))
    }

    /// Docker's looking commands, and groups where the next word tells.
    pub(super) fn docker(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let group = call.name.rsplit(' ').next().unwrap_or(call.name);
        if !DOCKER_GROUPS.contains(&group) {
            return None;
        }
        let word = subcommand(call).unwrap_or("help");
        if matches!(word, "push" | "pull" | "login") {
            self.raise(RiskClass::NetworkEgress, "talks to a registry");
        } else if !DOCKER_LOOKS.contains(&word) {
            self.raise(
                RiskClass::SystemWrite,
                "controls containers, which run with the machine's privileges",
            );
            if matches!(word, "exec" | "run") {
                self.try_words(call.words, &call.stdin);
            }
        }
        None
    }

    /// `systemctl status` looks; the rest controls services.
    pub(super) fn services(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const LOOKS: [&str; 17] = [
            "status",
            "show",
            "cat",
            "list-units",
            "list-unit-files",
            "list-timers",
            "list-sockets",
            "list-jobs",
            "list-dependencies",
            "is-active",
            "is-enabled",
            "is-failed",
            "is-system-running",
            "get-default",
            "--status-all",
            "list",
            "--list",
        ];
        let texts: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
        let looks = texts.is_empty()
            || texts.iter().any(|text| LOOKS.contains(text))
            || texts.iter().all(|text| text.starts_with("--"));
        if !looks {
            self.raise(RiskClass::SystemWrite, "controls services");
        }
        let elsewhere = |text: &&str| {
            ["-H", "-M", "--host", "--machine"].iter().any(|flag| text.starts_with(flag))
        };
        if texts.iter().any(elsewhere) {
            self.raise(RiskClass::NetworkEgress, "talks to another machine");
        }
        None
    }

    /// `apt list`, `dpkg -l` look; the rest changes packages.
    pub(super) fn system_packages(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let words: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
        let first = words.iter().find(|text| {
            !text.starts_with('-')
                || call.name == "dpkg"
                || call.name == "rpm"
                || call.name == "pacman"
                || text.starts_with("--p")
                || text.starts_with("--c")
        });
        let searches_remote =
            matches!(first, Some(&("search" | "info" | "doctor"))) && call.name == "brew";
        // `-S` searches for dpkg and installs for pacman and its helpers.
        let installs = matches!(call.name, "pacman" | "yay" | "paru")
            && first.is_some_and(|first| !first.starts_with("-Q") || first.contains('u'));
        let looks = first.is_some_and(|first| PACKAGE_LOOKS.contains(first))
            && !searches_remote
            && !installs;
        let shows = words.iter().all(|text| matches!(*text, "--version" | "--help" | "-V" | "-h"));
        let evaluates = |text: &&str| {
            text.starts_with("--eval")
                || text.starts_with("-E")
                || text.starts_with("--pipe")
                || text.contains("%{lua")
                || text.contains("%(")
        };
        let loads = |text: &&str| {
            ["--setopt", "--config", "--hookdir"].iter().any(|flag| text.starts_with(flag))
        };
        if words.iter().any(loads) {
            self.raise(RiskClass::CodeExecution, "settings of a package manager can run programs");
        }
        if call.name == "rpm" && words.iter().any(evaluates) {
            self.raise(RiskClass::CodeExecution, "rpm evaluates a macro, which can run commands");
        } else if sets_options(call) {
            self.raise(RiskClass::CodeExecution, "an option of apt can run a program");
        } else if !(looks || shows) {
            self.raise(RiskClass::SystemWrite, "changes the system's packages");
        }
        None
    }

    /// Package scripts by name; bare `yarn` installs.
    pub(super) fn npm_script(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        self.look_for_foreign_build(call);
        let subcommand = call.arguments.operands.is_empty();
        let shows = call
            .words
            .iter()
            .any(|word| matches!(word.as_exact(), Some("--version" | "-v" | "--help" | "-h")));
        let script =
            call.name.rsplit(' ').next() == Some("run") || call.name.ends_with("run-script");
        if let Some(name) = call.arguments.operands.first().filter(|_| script)
            && leaves_the_machine(&name.text)
        {
            let text = format!("the script {} is likely to do more than build", name.text.known);
            self.raise(RiskClass::CodeExecution, &text);
        }
        let outer = call.words.len();
        if call.name == "yarn" && subcommand && !shows && self.bare_call(outer) {
            self.raise(RiskClass::Install, "bare `yarn` installs packages");
        }
        None
    }

    /// `npm pkg set KEY=VALUE` changes the manifest; its scripts run later.
    pub(super) fn manifest(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let mut words = call.arguments.operands.iter().map(|word| word.text.known.as_str());
        if !matches!(words.next(), Some("set" | "delete" | "fix")) {
            return None;
        }
        self.raise(RiskClass::LocalWrite, "changes package.json");
        if call.words.iter().any(|word| word.text.open)
            || words.any(|key| key.starts_with("scripts"))
        {
            self.found.ask(QuestionKind::SensitivePlace, "a script of package.json runs later");
        }
        None
    }

    fn bare_call(&mut self, words: usize) -> bool {
        let unit = self.found.current();
        self.found.units.get(unit).is_some_and(|unit| unit.argv.len() <= words + 1)
    }

    /// `go mod download`, `go env -w`.
    pub(super) fn go_mod(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let first = call.arguments.operands.first().and_then(Field::as_exact).unwrap_or_default();
        let fetches = matches!(call.name, "go mod" | "go work")
            && matches!(first, "download" | "tidy" | "vendor" | "sync");
        if fetches {
            self.raise(RiskClass::Install, "fetches modules");
        }
        if call.name == "go env"
            && call.words.iter().any(|word| matches!(word.as_exact(), Some("-w" | "-u")))
        {
            self.raise(RiskClass::SystemWrite, "changes the user's go settings");
        }
        None
    }

    /// Other version control systems, by their first word.
    pub(super) fn vcs(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let first = call.arguments.operands.first().and_then(Field::as_exact).unwrap_or("help");
        match first {
            "status" | "st" | "log" | "diff" | "annotate" | "blame" | "cat" | "info" | "show"
            | "help" | "version" | "branches" | "tags" | "id" | "identify" | "heads"
            | "parents" | "manifest" | "files" | "root" | "summary" | "ls" | "evolog" => {}
            "push" | "pull" | "clone" | "incoming" | "outgoing" | "checkout" | "co" | "update"
            | "up" | "commit" | "ci" | "export" | "import" | "git" | "fetch" | "serve"
                if call.name == "svn"
                    || !matches!(
                        first,
                        "commit" | "ci" | "update" | "up" | "checkout" | "co" | "export" | "import"
                    ) =>
            {
                self.raise(RiskClass::NetworkEgress, "talks to the remote");
            }
            _ => self.raise(RiskClass::LocalWrite, "changes the repository"),
        }
        if call.words.iter().any(|word| word.text.known.starts_with("--config")) {
            self.raise(RiskClass::CodeExecution, "the setting may run a program");
        }
        None
    }
}

/// `apt -o APT::…=PROGRAM`, `apt -c FILE`.
fn sets_options(call: &Invocation<'_>) -> bool {
    let starts = |text: &str| {
        ["-o", "-c", "--option", "--config-file"].iter().any(|flag| text.starts_with(flag))
    };
    let apt = call.name.starts_with("apt") || call.name == "aptitude";
    apt && call.words.iter().any(|word| starts(&word.text.known))
}

/// The word of `docker compose -f FILE WORD`.
fn subcommand<'c>(call: &'c Invocation<'_>) -> Option<&'c str> {
    const TAKE_ONE: [&str; 9] = [
        "-f",
        "--file",
        "-p",
        "--project-name",
        "--profile",
        "--env-file",
        "--project-directory",
        "--ansi",
        "--parallel",
    ];
    let mut words = call.words.iter().filter_map(Field::as_exact);
    while let Some(word) = words.next() {
        if TAKE_ONE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// `date -s …`, `date --set=…` and `date MMDDhhmm`.
fn sets_clock(call: &Invocation<'_>) -> bool {
    let sets = |word: &Field| {
        let flag = word.text.known.split('=').next().unwrap_or_default();
        flag == "-s" || flag.len() > 3 && "--set".starts_with(flag)
    };
    call.words.iter().any(sets) || call.arguments.operands.iter().any(is_time)
}

/// What `date` would set the clock to: `MMDDhhmm[[CC]YY][.ss]`.
fn is_time(operand: &Field) -> bool {
    let (digits, seconds) = operand.text.known.split_once('.').unwrap_or((&operand.text.known, ""));
    let number = |text: &str| text.bytes().all(|each| each.is_ascii_digit());
    matches!(digits.len(), 8 | 10 | 12) && number(digits) && number(seconds)
}

/// `ss -K` closes the connections it lists.
fn kills_sockets(word: &str) -> bool {
    let cluster = word.starts_with('-') && !word.starts_with("--") && word.contains('K');
    cluster || word.len() > 3 && "--kill".starts_with(word)
}

/// Whether a script's name says that it changes something elsewhere, or is not
/// known at all.
fn leaves_the_machine(name: &Text) -> bool {
    const WORDS: [&str; 10] = [
        "deploy",
        "publish",
        "release",
        "upload",
        "push",
        "ship",
        "promote",
        "rollout",
        "provision",
        "destroy",
    ];
    name.open || name.known.split([':', '-', '_', '.', '/']).any(|part| WORDS.contains(&part))
}

/// `diff -r`: what both trees hold is printed where it differs.
fn compares_trees(call: &Invocation<'_>) -> bool {
    let recursive = |word: &Field| {
        let text = word.text.known.as_str();
        let cluster = text.starts_with('-') && !text.starts_with("--") && text.contains('r');
        cluster || text.len() > 4 && "--recursive".starts_with(text)
    };
    call.name.contains("diff") && call.words.iter().any(recursive)
}
