//! Commands typed in the prompt.

use super::{App, Focus};
use crate::exchange::{Change, Command};
use crate::transcript::Kind;

/// What there is, for `/help` and the proposals.
pub(crate) const COMMANDS: [(&str, &str); 10] = [
    ("/help", "keys and commands"),
    ("/diff", "look at the touched files"),
    ("/scan", "scan what the session changed"),
    ("/undo", "take the agent's newest step back"),
    ("/redo", "bring back what the newest undo took"),
    ("/compact", "shorten the conversation now"),
    ("/model [NAME]", "which model answers; let another one"),
    ("/session [ID]", "this project's sessions; go on with one"),
    ("/new", "begin a new session"),
    ("/quit", "leave; the session can be continued"),
];

impl App {
    pub(super) fn slash(&mut self, line: &str) {
        let (command, argument) = match line.trim().split_once(char::is_whitespace) {
            Some((command, argument)) => (command, argument.trim()),
            None => (line.trim(), ""),
        };
        match (command, argument) {
            ("/help", _) => self.toggle_help(),
            ("/diff", _) if self.files.rows().is_empty() => self.say_no_files(),
            ("/diff", _) => self.show_diff(Focus::Files),
            ("/scan", _) => self.ask_for(Command::Scan, "scanning"),
            ("/undo", _) => self.change(Change::Undo),
            ("/redo", _) => self.change(Change::Redo),
            ("/compact", _) => self.ask_for(Command::Compact, "shortening the conversation"),
            ("/model", "") => self.tell_model(),
            ("/model", name) => self.ask_for(Command::Model(name.to_owned()), "another model"),
            ("/session" | "/sessions", "") => self.command(Command::Sessions),
            ("/session", id) => self.ask_for(Command::Open(Some(id.to_owned())), "opening it"),
            ("/new", _) => self.ask_for(Command::Open(None), "a new session"),
            ("/quit" | "/exit", _) => self.command(Command::Quit),
            (other, _) => self.say(format!("{other}: no such command; /help shows them")),
        }
    }

    /// Asks for what must wait until no run goes on.
    fn ask_for(&mut self, command: Command, what: &str) {
        if self.is_working() {
            self.say(format!("{what}: queued until the agent's run ends"));
        } else {
            self.say(format!("{what} …"));
        }
        self.command(command);
    }

    fn tell_model(&mut self) {
        let model = match self.status.model.as_str() {
            "" => "the configured model",
            model => model,
        };
        self.transcript
            .note(format!("model: {model}; /model NAME lets another one answer"), Kind::Plain);
    }
}
