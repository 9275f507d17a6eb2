//! What is fetched and then run: package runners, downloads that land in files,
//! copies from other machines, input that becomes commands.

use std::collections::HashSet;
use std::sync::LazyLock;

use kode_base::RiskClass;
use serde::Deserialize;

use crate::effects::dispatch::Invocation;
use crate::effects::{interpreters, table};
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text};

#[derive(Deserialize)]
struct NpmTools {
    tools: HashSet<String>,
}

/// Without its list no name is a tool of the project.
static NPM_TOOLS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let table = toml::from_str::<NpmTools>(include_str!("../../../data/npm_tools.toml"));
    table.map(|table| table.tools).unwrap_or_default()
});

/// Flags that name the file a download goes to, and its folder.
const TARGETS: [&str; 6] = ["-o", "--out", "--output", "-O", "--output-document", "--output-file"];
const FOLDERS: [&str; 4] = ["-d", "--dir", "--directory-prefix", "-P"];

impl Evaluator<'_> {
    /// `npx TOOL`, `uv run TOOL`: a known development tool of the project, or
    /// something that is fetched and run.
    pub(super) fn runner(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        // `rustup run nightly cargo test`: the first word is the toolchain.
        let toolchain = usize::from(call.name == "rustup run");
        let operands = call.arguments.operands.get(toolchain..)?;
        let first = operands.first()?;
        let fetches = call.name.contains("npx")
            || call.name.contains('x') && !call.name.contains("exec") && call.name != "mise x"
            || matches!(call.name, "npm exec" | "npm x");
        let local =
            !matches!(call.name, "uvx" | "bunx" | "pnpx" | "pnpm dlx" | "yarn dlx" | "pipx run");
        let known = |name: &str| {
            if fetches {
                NPM_TOOLS.contains(name)
            } else {
                table::knows(name) && !name.contains('@')
            }
        };
        let plain = local && first.as_exact().is_some_and(known);
        let interpreter = first.as_exact().and_then(interpreters::language).is_some();
        if plain || interpreter {
            return Some(self.run_argv(operands.to_vec(), call.stdin.clone()));
        }
        let class = if fetches { RiskClass::Install } else { RiskClass::CodeExecution };
        self.raise(class, "fetches and runs a package");
        if operands.len() > 1 || first.as_exact().is_some() {
            self.run_argv(operands.to_vec(), call.stdin.clone());
        }
        None
    }

    /// `aria2c -o FILE URL`, `axel URL`: the file now holds what came.
    pub(super) fn download(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let found = &call.arguments;
        let folder = found.value(&FOLDERS).map(|value| value.text.known.clone());
        for url in found.operands.iter().filter(|word| word.text.known.contains("://")) {
            self.egress(&url.text);
        }
        match found.value(&TARGETS) {
            Some(target) => self.downloaded(&target.text.clone(), folder.as_deref()),
            None => {
                for url in found.operands.iter().filter(|word| word.text.known.contains('/')) {
                    self.downloaded(&super::network::file_name(&url.text), folder.as_deref());
                }
            }
        }
        // `tftp HOST -c get FILE [LOCAL]`
        let get = call.words.iter().position(|word| word.as_exact() == Some("get"));
        if let Some(at) = get.filter(|_| call.name == "tftp")
            && let Some(file) = call.words.get(at + 2).or(call.words.get(at + 1))
        {
            self.downloaded(&super::network::file_name(&file.text), None);
        }
        // `lwp-download URL FILE`, `sftp HOST:FILE .`
        let local = found.operands.get(1).filter(|file| !file.text.known.contains(':'));
        match (call.name, found.operands.first(), local) {
            ("sftp", Some(source), _) if source.text.known.contains(':') => {
                let here = Field::exact(".");
                self.copied_from_elsewhere(&source.text, local.unwrap_or(&here));
            }
            (name, _, Some(file)) if name.starts_with("lwp") => {
                self.downloaded(&file.text.clone(), None);
            }
            _ => {}
        }
        self.send(call)
    }

    /// `aws s3 cp s3://b/x .`, `smbclient … -c 'get x'`: files that now hold what
    /// others stored.
    pub(super) fn stored_elsewhere(&mut self, call: &Invocation<'_>) {
        let copies = match call.name {
            "aws" | "gsutil" | "gcloud" | "rclone" | "s3cmd" => {
                let words = call.words.iter().filter(|word| !word.text.known.starts_with('-'));
                words.cloned().collect::<Vec<_>>()
            }
            _ => Vec::new(),
        };
        for pair in copies.windows(2).take(16) {
            let (from, to) = (&pair[0], &pair[1]);
            let source = from.text.known.contains("://")
                || call.name == "rclone" && from.text.known.contains(':');
            if source && !to.text.known.contains(':') {
                self.copied_from_elsewhere(&from.text.clone(), to);
            }
        }
        if call.name == "az"
            && let Some(at) =
                call.words.iter().position(|word| matches!(word.as_exact(), Some("-f" | "--file")))
            && let Some(file) = call.words.get(at + 1)
        {
            let path = self.place_of(&file.text).path;
            self.files.insert(path, Stream::unknown(Taint::REMOTE));
        }
        if matches!(call.name, "ftp" | "sftp" | "lftp" | "ncftp" | "smbclient") {
            let given = call.words.iter().map(|word| &word.text).chain([&call.stdin.text]);
            let texts: Vec<String> = given.map(|text| text.known.clone()).take(16).collect();
            for line in texts.iter().flat_map(|text| text.split(['\n', ';'])).take(64) {
                self.gets_file(line);
            }
        }
    }

    /// One line of a file transfer's own language: `get NAME [LOCAL]`.
    fn gets_file(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("get" | "reget" | "mget" | "pget" | "recv")) {
            return;
        }
        for name in words.take(4) {
            let name = super::network::file_name(&Text::exact(name));
            let path = self.place_of(&name).path;
            self.files.insert(path, Stream::unknown(Taint::REMOTE));
        }
    }

    /// `scp HOST:FILE .`: what now lies under the target came from elsewhere.
    pub(super) fn copied_from_elsewhere(&mut self, source: &Text, target: &Field) {
        let name = source.known.rsplit(['/', ':']).next().unwrap_or_default();
        let place = self.place_of(&target.text).path;
        for path in [format!("{}/{name}", place.trim_end_matches('/')), place] {
            self.files.insert(path, Stream::unknown(Taint::REMOTE));
        }
    }

    /// `parallel` without a command runs its input, line by line.
    pub(super) fn each_line(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let given = call
            .arguments
            .operands
            .first()
            .is_some_and(|first| !matches!(first.as_exact(), Some(":::" | "::::" | ":::+")));
        if !given {
            for word in call.arguments.operands.iter().skip(1).take(16).cloned().collect::<Vec<_>>()
            {
                self.perhaps(|walk| walk.shell_text(&word.text, Stream::default()));
            }
        }
        if !given && call.stdin.present {
            let script = call.stdin.text.clone();
            return Some(self.shell_text(&script, Stream::default()));
        }
        None
    }

    /// A command that runs on another machine or in a container there: what is
    /// always refused is refused there too.
    pub(super) fn runs_elsewhere(&mut self, command: &[Field], stdin: &Stream) {
        if command.is_empty() {
            if stdin.present {
                let script = stdin.text.clone();
                self.refusals_only(|walk| {
                    walk.shell_text(&script, Stream::default());
                });
            }
            return;
        }
        let script = crate::effects::apply_join(command);
        self.refusals_only(|walk| {
            walk.shell_text(&Text { open: false, ..script }, stdin.clone());
        });
    }

    /// `kubectl exec POD -- COMMAND`.
    pub(super) fn cluster_command(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let at = call.words.iter().position(|word| word.as_exact() == Some("--"))?;
        let command = call.words.get(at + 1..).unwrap_or_default().to_vec();
        self.refusals_only(|walk| {
            walk.run_argv(command, call.stdin.clone());
        });
        None
    }
}
