//! Programs that talk to hosts: what is sent, where downloads land, and
//! connections handed to a shell.

use kode_base::RiskClass;

use crate::effects::dispatch::Invocation;
use crate::effects::interpreters;
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text, Variable};

impl Evaluator<'_> {
    /// `curl`: files sent with `@`, downloads kept with `-o` and `-O`.
    pub(super) fn curl(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        self.refuse_shell_output(&call.stdin);
        for (flag, value) in &found.flags {
            let Some(value) = value else { continue };
            let text = &value.text.known;
            let sent = match flag.as_str() {
                "-T" | "--upload-file" => Some(text.as_str()),
                "-F" | "--form" => {
                    text.split_once("=@").or(text.split_once("=<")).map(|(_, path)| path)
                }
                flag if flag.starts_with("--data")
                    || flag == "-d"
                    || flag == "--json"
                    || flag == "-b"
                    || flag == "-H" =>
                {
                    text.strip_prefix('@').or_else(|| {
                        text.split_once('@')
                            .filter(|_| flag == "--data-urlencode")
                            .map(|(_, path)| path)
                    })
                }
                _ => None,
            };
            if let Some(path) = sent.filter(|path| !path.is_empty() && *path != "-") {
                let path = Text {
                    known: path.split(';').next().unwrap_or(path).to_owned(),
                    ..value.text.clone()
                };
                self.read_path(&path, false);
            }
        }
        let urls = found.operands.clone();
        for url in urls.iter().filter(|url| url.text.known.starts_with("file://")) {
            self.read_path(&Text::exact(url.text.known.trim_start_matches("file://")), false);
        }
        let folder = found.value(&["--output-dir"]).map(|value| value.text.known.clone());
        match found.value(&["-o", "--output"]).map(|value| value.text.clone()) {
            Some(target) => self.downloaded(&target, folder.as_deref()),
            None if found.has(&["-O", "--remote-name", "--remote-name-all"]) => {
                for url in &urls {
                    self.downloaded(&file_name(&url.text), folder.as_deref());
                }
            }
            None => return None,
        }
        Some(Stream::unknown(Taint::REMOTE))
    }

    /// `wget`: a file named by the URL, `-O`, or standard output.
    pub(super) fn wget(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let folder =
            found.value(&["-P", "--directory-prefix"]).map(|value| value.text.known.clone());
        if let Some(sent) = found.value(&["--post-file", "--body-file"]) {
            self.read_path(&sent.text.clone(), false);
        }
        match found.value(&["-O", "--output-document"]).map(|value| value.text.clone()) {
            Some(target) if matches!(target.as_exact(), Some("-" | "/dev/stdout")) => {}
            Some(target) => self.downloaded(&target, None),
            None => {
                for url in found.operands.clone() {
                    self.downloaded(&file_name(&url.text), folder.as_deref());
                }
            }
        }
        Some(Stream::unknown(Taint::REMOTE))
    }

    /// Remembers that a file now holds what came over the network.
    pub(super) fn downloaded(&mut self, target: &Text, folder: Option<&str>) {
        let mut path = target.clone();
        if let Some(folder) = folder {
            path.known = format!("{folder}/{}", path.known);
        }
        if matches!(path.as_exact(), Some("-")) {
            return;
        }
        // Where an unnamed download lands matters less than its host.
        if path.open && path.known.is_empty() {
            return;
        }
        self.write_path(&path, "write");
        if !path.open {
            let place = self.place_of(&path);
            self.keep_file(place.path, Stream::unknown(Taint::REMOTE));
        }
    }

    /// `nc` and its kind: a program behind the connection.
    pub(super) fn netcat(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let started =
            call.arguments.value(&["-e", "-c", "--exec", "--sh-exec", "--lua-exec", "-p"]);
        if let Some(program) = started.filter(|_| {
            call.name != "nc" || !call.arguments.has(&["-p"]) || call.arguments.has(&["-e", "-c"])
        }) {
            let program = call
                .arguments
                .value(&["-e", "-c", "--exec", "--sh-exec", "--lua-exec"])
                .unwrap_or(program);
            self.behind_connection(&program.text.clone());
        }
        // `toybox nc HOST PORT sh -i` runs what follows the port.
        for word in call.arguments.operands.iter().skip(2) {
            if interpreters::shell(word.text.known.rsplit('/').next().unwrap_or_default()).is_some()
            {
                self.behind_connection(&word.text.clone());
            }
        }
        // `nc HOST PORT 0/tmp/p`: a FIFO as an argument, in any spelling.
        let uses_fifo =
            |word: &Field| self.fifos.iter().any(|fifo| word.text.known.contains(fifo.as_str()));
        if call.words.iter().any(uses_fifo) {
            self.found.refuse(
                "reverse_shell",
                RiskClass::CodeExecution,
                "a connection is fed back through a FIFO",
            );
        }
        self.refuse_shell_output(&call.stdin);
        Some(Stream::unknown(Taint::REMOTE))
    }

    /// `rcat connect -s SHELL HOST PORT`: a shell named anywhere is connected.
    pub(super) fn behind_shell(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for word in call.words {
            self.behind_connection(&Text { open: false, ..word.text.clone() });
            if let Some(settings) = &word.stream {
                self.behind_connection(&Text { open: false, ..settings.text.clone() });
            }
        }
        None
    }

    /// `telnetd -l PROGRAM`: everyone who connects gets the program.
    pub(super) fn telnetd(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        if let Some(program) = call.arguments.value(&["-l"]) {
            self.behind_connection(&program.text.clone());
        }
        None
    }

    /// zsh's `ztcp`: the connection's descriptor is in `REPLY`.
    pub(super) fn ztcp(&mut self, _call: &Invocation<'_>) -> Option<Stream> {
        let values = vec![Text::unknown(Taint::REMOTE)];
        self.set("REPLY", Variable { values, array: false });
        None
    }

    /// A program whose input and output are a connection.
    fn behind_connection(&mut self, program: &Text) {
        self.raise(RiskClass::NetworkEgress, "a program is put behind a connection");
        let starts_shell = program.known.split([' ', ';', ',', '|', '&']).any(|word| {
            let name = word.trim_matches(['\'', '"']).rsplit('/').next().unwrap_or_default();
            interpreters::shell(name).is_some()
                || interpreters::language(name).is_some()
                || matches!(name, "cmd.exe" | "cmd" | "env" | "busybox" | "toybox")
        });
        if starts_shell || program.open {
            self.found.refuse(
                "reverse_shell",
                RiskClass::CodeExecution,
                "a shell is connected to a network address",
            );
        }
    }

    /// A shell's output that flows into a connection.
    fn refuse_shell_output(&mut self, stdin: &Stream) {
        if stdin.text.taint.has(Taint::SHELL) {
            self.found.refuse(
                "reverse_shell",
                RiskClass::CodeExecution,
                "a shell is connected to a network address",
            );
        }
    }

    /// `socat ADDRESS ADDRESS`.
    pub(super) fn socat(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for operand in &call.arguments.operands {
            let lower = operand.text.known.to_ascii_lowercase();
            if lower.starts_with("exec:")
                || lower.starts_with("system:")
                || lower.starts_with("shell:")
            {
                self.behind_connection(&operand.text.clone());
                let rest = operand.text.known.split_once(':').map_or("", |(_, rest)| rest);
                let program = rest.split(',').next().unwrap_or(rest).trim_matches(['\'', '"']);
                self.behind_connection(&Text::exact(program));
            }
        }
        self.refuse_shell_output(&call.stdin);
        Some(Stream::unknown(Taint::REMOTE))
    }

    /// `ssh HOST [COMMAND]`: options that run something here; the command runs
    /// there, but what is always refused is refused there too.
    pub(super) fn ssh(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for (flag, value) in &call.arguments.flags {
            let Some(value) = value.as_ref().filter(|_| flag == "-o") else { continue };
            let lower = value.text.known.to_ascii_lowercase();
            let runs = [
                "proxycommand",
                "localcommand",
                "permitlocalcommand",
                "knownhostscommand",
                "pkcs11provider",
                "securitykeyprovider",
                "match exec",
                "xauthlocation",
            ];
            if runs.iter().any(|key| lower.starts_with(key)) || value.text.open {
                self.raise(RiskClass::CodeExecution, "the ssh option runs a program here");
                let script = value
                    .text
                    .known
                    .split_once(['=', ' '])
                    .map_or("", |(_, script)| script)
                    .to_owned();
                self.perhaps(|walk| walk.shell_text(&Text::exact(&script), Stream::default()));
            }
        }
        let remote = call.arguments.operands.get(1..).unwrap_or_default();
        let forwards = call.arguments.has(&["-N", "-W", "-O", "-V", "-Q", "-G"]);
        if !forwards {
            self.runs_elsewhere(remote, &call.stdin);
        }
        self.refuse_shell_output(&call.stdin);
        Some(Stream::unknown(Taint::REMOTE))
    }

    /// `scp`, `rsync`: `host:path` or local paths; the last is written.
    pub(super) fn transfer(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let operands = call.arguments.operands.clone();
        let last = operands.len().saturating_sub(1);
        for (at, operand) in operands.iter().enumerate() {
            if is_remote(operand) {
                self.egress(&operand.text);
            } else if at == last && operands.len() > 1 {
                let mirrors = |word: &Field| word.text.known.starts_with("--del");
                if call.words.iter().any(mirrors) {
                    self.refuse_tree(operand);
                }
                self.write_path(&operand.text, "write");
                self.ask_about_folder(&operand.text.clone());
                for source in operands.iter().filter(|source| is_remote(source)) {
                    self.copied_from_elsewhere(&source.text, operand);
                }
            } else {
                self.read_path(&operand.text, true);
                let moves = |word: &Field| word.as_exact() == Some("--remove-source-files");
                if call.words.iter().any(moves) {
                    self.delete_path(operand, true);
                }
            }
        }
        None
    }

    /// Programs that send their input: `openssl s_client`, `telnet`, mailers.
    pub(super) fn send(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        self.refuse_shell_output(&call.stdin);
        self.look_for_escapes(call.words, &call.stdin);
        self.stored_elsewhere(call);
        // Logging in prints commands to run; only what is stored is foreign.
        let first = call.arguments.operands.first().and_then(Field::as_exact);
        if call.name == "aws" && first == Some("s3") || prints_what_is_stored(call) {
            return Some(Stream::unknown(Taint::REMOTE | Taint::FILE));
        }
        (call.name == "aws").then(|| Stream::unknown(Taint::FILE))
    }

    /// `openssl`: `enc -d` decodes, `s_client` connects.
    pub(super) fn openssl(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let first = call.arguments.operands.first().and_then(Field::as_exact).unwrap_or_default();
        let names = |flag: &str| call.words.iter().any(|word| word.as_exact() == Some(flag));
        let mut taint = call.stdin.text.taint | Taint::FILE;
        let after = |flag: &str| {
            let at = call.words.iter().position(|word| word.as_exact() == Some(flag))?;
            call.words.get(at + 1).map(|word| word.text.clone())
        };
        match first {
            "s_client" | "s_server" | "s_time" | "ocsp" => {
                let host = after("-connect").or_else(|| after("-host"));
                self.egress(&host.unwrap_or(Text::unknown(Taint::LITERAL)));
                self.refuse_shell_output(&call.stdin);
                taint |= Taint::REMOTE;
            }
            "version" | "rand" | "dgst" | "x509" | "req" | "verify" | "asn1parse" | "base64"
            | "enc" | "genrsa" | "genpkey" | "rsa" | "pkey" | "passwd" | "ciphers" | "sha256"
            | "md5" | "ec" | "ecparam" | "help" | "list" | "prime" | "speed" | "pkcs12" | "crl" => {
                if names("-d") && matches!(first, "enc" | "base64") {
                    taint |= Taint::DECODED;
                }
            }
            other => self
                .raise(RiskClass::CodeExecution, &format!("kode does not know `openssl {other}`")),
        }
        if names("-engine") || names("-provider") || names("-provider-path") {
            self.raise(RiskClass::CodeExecution, "openssl loads a library");
        }
        for flag in ["-out", "-keyout"] {
            if let Some(path) = after(flag) {
                self.write_path(&path, "write");
            }
        }
        if let Some(path) = after("-in") {
            taint |= self.read_path(&path, false).text.taint;
        }
        Some(Stream::unknown(taint))
    }
}

/// Whether a service's own client prints what others stored there: `gh api …`,
/// `vault kv get …`, `whois …`. Completions and environments are its own words.
fn prints_what_is_stored(call: &Invocation<'_>) -> bool {
    let words: Vec<&str> = call.words.iter().filter_map(Field::as_exact).take(8).collect();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    match call.name {
        "whois" | "ldapsearch" | "snmpget" | "snmpwalk" => true,
        "gh" | "glab" => has(&["api", "gist", "run", "view"]),
        "vault" | "consul" => has(&["kv", "read"]),
        "aws" => has(&["get-parameter", "get-parameters", "get-secret-value", "get-object"]),
        "gcloud" | "az" => has(&["cat", "access", "download", "show", "describe"]),
        _ => false,
    }
}

/// `host:path` or `rsync://…`; a colon after a slash is part of a name.
fn is_remote(operand: &Field) -> bool {
    let text = operand.text.known.as_str();
    let before = text.split('/').next().unwrap_or(text);
    text.starts_with("rsync://") || text.starts_with("scp://") || before.contains(':')
}

pub(super) fn file_name(url: &Text) -> Text {
    let path = url.known.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html");
    Text { known: name.to_owned(), ..url.clone() }
}
