//! `sqlite3` and `duckdb`: the commands of their own prompt, which start programs
//! and write files, and the SQL that does.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Stream, Text};
use crate::paths::Zone;

/// Commands that start something or write, in the order in which sqlite3 itself
/// takes an abbreviation for one (`shell.c`, `do_meta_command`).
const COMMANDS: [&str; 17] = [
    "archive", "backup", "clone", "excel", "import", "load", "log", "once", "open", "output",
    "read", "restore", "save", "shell", "system", "trace", "www",
];

/// The command of a line that begins with a dot, and what follows it. `.sh` and
/// `.sy` are as good as `.shell` and `.system`.
fn dot_command(line: &str) -> Option<(&'static str, &str)> {
    const SHORTEST: usize = 2;
    let line = line.trim_start().strip_prefix('.')?;
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let named = |command: &&&str| word.len() >= SHORTEST && command.starts_with(word);
    let command = COMMANDS.iter().find(named)?;
    Some((*command, rest.trim_start()))
}

impl Evaluator<'_> {
    /// `sqlite3`: dot commands may run programs.
    pub(super) fn sqlite(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let scripts = call.words.iter().map(|word| word.text.known.clone());
        let all: Vec<String> = scripts.chain([call.stdin.text.known.clone()]).collect();
        let runs = |text: &String| {
            text.lines().filter_map(dot_command).any(|(command, rest)| match command {
                "shell" | "system" | "load" | "excel" | "open" | "www" | "archive" => true,
                "import" | "output" | "once" | "read" => rest.contains('|'),
                _ => false,
            }) || text.contains("load_extension")
                || text.contains("writefile(")
                || text.contains("edit(")
        };
        if all.iter().any(runs) {
            self.raise(RiskClass::CodeExecution, "the SQL runs programs or loads code");
        }
        for line in all.iter().flat_map(|text| text.lines()) {
            self.sql_reaches(line);
            let Some((command, rest)) = dot_command(line) else { continue };
            let writes = matches!(
                command,
                "output" | "once" | "backup" | "save" | "log" | "trace" | "clone"
            );
            let path = rest.split_whitespace().last();
            if let Some(path) = path.filter(|path| writes && *path != "stdout") {
                self.write_path(&Text::exact(path.trim_matches(['\'', '"'])), "write");
            }
        }
        let loses = |text: &String| {
            let upper = text.to_ascii_uppercase();
            upper.contains("DROP TABLE")
                || upper.contains("DROP DATABASE")
                || upper.contains("TRUNCATE ")
                || upper.contains("DELETE FROM") && !upper.contains("WHERE")
        };
        if all.iter().any(loses) {
            self.found.ask(QuestionKind::Guard, "the SQL deletes a whole table");
        }
        if call.stdin.present && call.stdin.text.open {
            self.raise(RiskClass::CodeExecution, "what sqlite3 runs is known only when it runs");
        }
        None
    }

    /// Shell commands and files that a line for `sqlite3` or `duckdb` names.
    fn sql_reaches(&mut self, line: &str) {
        let (command, rest) = dot_command(line).unwrap_or_default();
        if matches!(command, "shell" | "system") {
            let script = Text::exact(rest);
            self.perhaps(|walk| walk.shell_text(&script, Stream::default()));
        }
        // `.import FILE TABLE`, `readfile('FILE')`.
        let imported = Some(rest)
            .filter(|_| command == "import")
            .and_then(|rest| rest.split_whitespace().find(|word| !word.starts_with('-')));
        let read = line.split_once("readfile('").and_then(|(_, rest)| rest.split('\'').next());
        for path in [imported, read].into_iter().flatten() {
            self.read_path(&Text::exact(path.trim_matches(['\'', '"'])), false);
        }
        if command == "read" {
            let place = self.place_of(&Text::exact(rest.trim()));
            if !matches!(place.zone, Zone::Project) {
                self.raise(RiskClass::CodeExecution, "runs SQL from outside the project");
            }
        }
        // `ATTACH 'FILE' AS x`, `COPY t TO 'FILE'`, `VACUUM INTO 'FILE'`.
        let upper = line.to_ascii_uppercase();
        for word in ["ATTACH ", " TO ", " INTO ", "EXPORT "] {
            let Some(at) = upper.find(word) else { continue };
            let Some(after) = line.get(at + word.len()..) else { continue };
            let after =
                after.trim_start_matches(|each: char| each.is_ascii_alphabetic() || each == ' ');
            let path = after.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
            if let Some(path) = path.filter(|path| path.contains('/') && !path.contains(' ')) {
                self.write_path(&Text::exact(path), "write");
            }
        }
    }
}
