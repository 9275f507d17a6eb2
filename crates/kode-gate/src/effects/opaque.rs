//! Programs that kode can't see through, and the commands that stand plainly
//! among their words: what is always refused is refused there too. Nothing here
//! clears anything, and prose is not looked at.

use kode_base::RiskClass;

use super::code::{self, Language};
use super::dispatch::Invocation;
use super::interpreters;
use super::table::Spec;
use crate::evaluate::{Evaluator, Field, Stream, Text};

/// Words of one call that are tried.
const WORDS_MAX: usize = 8;

/// What programs call before a command of their prompt: `\\! ls`, `system ls`.
const ESCAPES: [&str; 6] = ["\\! ", "\\!", "system ", "!", "shell ", ".shell "];

impl Evaluator<'_> {
    /// `numactl COMMAND`, `emacs --eval '(shell-command …)'`.
    pub(super) fn look_into_words(&mut self, spec: &Spec, call: &Invocation<'_>) {
        let starts = matches!(spec.class, RiskClass::CodeExecution | RiskClass::SystemWrite);
        if !spec.any_flags || !starts || self.found.refusal.is_some() {
            return;
        }
        if !called_text(call.name) {
            self.try_words(call.words, &call.stdin);
        }
        for at in 0..call.words.len().min(WORDS_MAX) {
            let Some(name) = call.words[at].as_exact() else { continue };
            if spec.class == RiskClass::CodeExecution
                && name.contains('(')
                && (code::runs_strings(Language::Other, name) || name.contains("(delete-directory"))
            {
                let text = call.words[at].text.clone();
                self.refusals_only(|walk| walk.code(Language::Other, &text));
            }
        }
    }

    /// Words that may be a command, as `pdsh -w h rm -rf /` has them, a script
    /// behind a flag for one, and what a shell among them would read.
    pub(crate) fn try_words(&mut self, words: &[Field], stdin: &Stream) {
        const SCRIPTS: [&str; 8] = ["-c", "-e", "-a", "-x", "--command", "--exec", "cmd.run", "--"];
        for at in 0..words.len().min(WORDS_MAX) {
            let Some(name) = words[at].as_exact() else { continue };
            if deletes_or_formats(name) {
                let argv = words[at..].to_vec();
                let stdin = stdin.clone();
                self.refusals_only(|walk| {
                    walk.run_argv(argv, stdin);
                });
            }
            let flagged = at.checked_sub(1).and_then(|before| words[before].as_exact());
            if flagged.is_some_and(|flag| SCRIPTS.contains(&flag)) && name.contains(' ') {
                let text = words[at].text.clone();
                self.refusals_only(|walk| {
                    walk.shell_text(&text, Stream::default());
                    walk.code(Language::Other, &text);
                });
            }
        }
    }

    /// `psql -c '\\! COMMAND'`, `mysql -e 'system COMMAND'`.
    pub(super) fn look_for_escapes(&mut self, words: &[Field], stdin: &Stream) {
        let given = words.iter().map(|word| word.text.known.as_str());
        let lines: Vec<String> = given
            .chain([stdin.text.known.as_str()])
            .flat_map(str::lines)
            .map(str::to_owned)
            .take(64)
            .collect();
        for line in lines {
            let line = line.trim_start();
            let Some(command) = ESCAPES.iter().find_map(|escape| line.strip_prefix(escape)) else {
                continue;
            };
            let script = Text::exact(command);
            self.refusals_only(|walk| {
                walk.shell_text(&script, Stream::default());
            });
        }
    }
}

/// Programs whose effects may be refused, by the name alone.
fn deletes_or_formats(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    matches!(
        base,
        "rm" | "dd" | "find" | "shred" | "wipefs" | "blkdiscard" | "sudo" | "env" | "busybox"
    ) || base.starts_with("mkfs")
        || interpreters::shell(base).is_some()
}

/// Programs that are given questions in words.
fn called_text(name: &str) -> bool {
    const ASKED: [&str; 12] = [
        "claude",
        "codex",
        "gemini",
        "aider",
        "opencode",
        "goose",
        "cursor",
        "copilot",
        "amp",
        "qwen",
        "sudo",
        "docker run",
    ];
    ASKED.contains(&name)
}
