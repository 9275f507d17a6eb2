//! Commands typed in the prompt.

use super::{App, Focus, Main};
use crate::exchange::{Change, Command};
use crate::transcript::Kind;

/// What there is, for `/help`.
pub(crate) const COMMANDS: [(&str, &str); 7] = [
    ("/help", "keys and commands"),
    ("/diff", "look at the touched files"),
    ("/undo", "take the agent's newest step back"),
    ("/redo", "bring back what the newest undo took"),
    ("/model", "which model answers"),
    ("/session", "the session's identifier"),
    ("/quit", "leave; the session can be continued"),
];

impl App {
    pub(super) fn slash(&mut self, line: &str) {
        match line.trim_end() {
            "/help" => self.main = Main::Help,
            "/diff" if self.files.rows().is_empty() => self.say("no file was touched yet"),
            "/diff" => self.show_diff(Focus::Files),
            "/undo" => self.change(Change::Undo),
            "/redo" => self.change(Change::Redo),
            "/model" => self.transcript.note(format!("model: {}", self.status.model), Kind::Plain),
            "/session" => {
                let text = match self.status.session.as_str() {
                    "" => "no session yet: the first message begins one".to_owned(),
                    id => format!("session {id}; go on later with `kode continue --id {id}`"),
                };
                self.transcript.note(text, Kind::Plain);
            }
            "/quit" | "/exit" => self.command(Command::Quit),
            other => self.say(format!("{other}: no such command; /help shows them")),
        }
    }
}
