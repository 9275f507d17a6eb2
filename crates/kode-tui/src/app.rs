//! The whole interface as one state machine: inputs, keys and clicks change it
//! and leave commands behind. It draws nothing and waits for nothing.

mod inputs;
mod keys;
mod mouse;
mod slash;
mod turns;

use std::collections::VecDeque;
use std::time::Instant;

use kode_base::{ChangeKind, Colour, ProjectPath, TokenCount};
use ratatui::crossterm::event::{Event as TerminalEvent, KeyCode, KeyModifiers};
use ratatui::layout::Rect;

use crate::approval::Dialog;
use crate::completion::Completion;
use crate::diff::{Diff, Layout};
use crate::exchange::{Change, Command, TurnEntry};
use crate::files::FileList;
use crate::prompt::Prompt;
use crate::theme::Theme;
use crate::transcript::Transcript;

pub use inputs::model_name;
pub(crate) use slash::COMMANDS;

/// Fewer keys at once than this may have been typed.
const PASTE_KEYS_MIN: usize = 8;

/// What the interface is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Talking to the agent.
    Session,
    /// Looking at what a session changed.
    Review,
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    Prompt,
    Files,
    Diff,
}

/// What the large part of the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Main {
    Transcript,
    Diff,
    Help,
}

/// The file that is looked at.
#[derive(Debug)]
pub(crate) enum Shown {
    Nothing,
    Loading(ProjectPath),
    Diff(Box<Diff>),
    Failed { path: ProjectPath, why: String },
}

/// A message that stays until a key is pressed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What was done all the same.
    pub(crate) headline: String,
    pub(crate) why: String,
}

impl Refused {
    pub(crate) fn wholly(why: String) -> Self {
        Self { headline: "Nothing was changed".to_owned(), why }
    }
}

/// What the status line tells.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) model: String,
    pub(crate) sandbox: String,
    pub(crate) session: String,
    pub(crate) turn: u32,
    pub(crate) tokens: Option<(TokenCount, TokenCount)>,
    pub(crate) gate: Option<Colour>,
}

/// Where things are on the screen, for the mouse.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Areas {
    pub(crate) list: Rect,
    pub(crate) main: Rect,
    pub(crate) prompt: Rect,
}

/// The interface.
#[derive(Debug)]
pub struct App {
    pub(crate) mode: Mode,
    pub(crate) theme: Theme,
    pub(crate) focus: Focus,
    pub(crate) main: Main,
    pub(crate) files: FileList,
    /// The list is what the session has: not so before a saved one is read.
    pub(crate) is_listed: bool,
    pub(crate) shown: Shown,
    pub(crate) unfolded: bool,
    pub(crate) transcript: Transcript,
    pub(crate) prompt: Prompt,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) status: Status,
    pub(crate) completion: Completion,
    /// A run goes on, or is about to begin.
    pub(crate) is_working: bool,
    /// Messages that were sent and did not join the conversation yet.
    pub(crate) pending: VecDeque<String>,
    /// First row shown of the help.
    pub(crate) help_top: usize,
    /// One sentence at the bottom, until the next key.
    pub(crate) said: Option<String>,
    /// Something that went wrong and must be read.
    pub(crate) refused: Option<Refused>,
    /// Turns that can be rejected, the newest first, and the one that is chosen while
    /// the person chooses.
    pub(crate) turns: Vec<TurnEntry>,
    pub(crate) chosen_turn: Option<u64>,
    pub(crate) areas: Areas,
    /// Nothing but a message to that effect is on the screen.
    pub(crate) is_too_small: bool,
    /// A key that does something only when pressed twice.
    pub(crate) pressed_once: Option<char>,
    /// The hunk whose ✕ was clicked once.
    pub(crate) armed_hunk: Option<usize>,
    commands: Vec<Command>,
}

impl App {
    /// An interface that knows nothing yet.
    pub fn new(mode: Mode, theme: Theme) -> Self {
        let (focus, main) = match mode {
            Mode::Session => (Focus::Prompt, Main::Transcript),
            Mode::Review => (Focus::Files, Main::Diff),
        };
        Self {
            mode,
            theme,
            focus,
            main,
            files: FileList::default(),
            is_listed: mode == Mode::Session,
            shown: Shown::Nothing,
            unfolded: false,
            transcript: Transcript::default(),
            prompt: Prompt::default(),
            dialog: None,
            status: Status::default(),
            completion: Completion::default(),
            is_working: false,
            pending: VecDeque::new(),
            help_top: 0,
            said: None,
            refused: None,
            turns: Vec::new(),
            chosen_turn: None,
            areas: Areas::default(),
            is_too_small: false,
            pressed_once: None,
            armed_hunk: None,
            commands: Vec::new(),
        }
    }

    /// Names the saved session that is being read, in the status line.
    #[must_use]
    pub fn with_session(mut self, session: &str) -> Self {
        session.clone_into(&mut self.status.session);
        self.is_listed = false;
        self
    }

    /// Names the model that will answer, in the status line.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        model.clone_into(&mut self.status.model);
        self
    }

    /// Takes what the terminal sent at once.
    pub fn terminal(&mut self, events: &[TerminalEvent], now: Instant) {
        if events.iter().any(keys::suspends) {
            self.dialog.iter_mut().for_each(Dialog::hidden);
            self.command(Command::Suspend);
            // What was typed right after it counts all the same.
            let others = events.iter().filter(|event| !keys::suspends(event)).cloned();
            let others: Vec<TerminalEvent> = others.collect();
            if !others.is_empty() {
                self.terminal(&others, now);
            }
            return;
        }
        if self.is_too_small {
            return self.unseen(events);
        }
        if self.dialog.is_some() {
            return self.answer(events, now);
        }
        if let Some(text) = pasted_text(events) {
            return self.paste(&text);
        }
        for event in events {
            match event {
                TerminalEvent::Key(key) => self.key(*key),
                TerminalEvent::Mouse(mouse) => self.mouse(*mouse),
                TerminalEvent::Paste(text) => self.paste(text),
                _ => {}
            }
        }
    }

    /// The state is on the screen.
    pub fn drawn(&mut self, now: Instant) {
        if let Some(dialog) = self.dialog.as_mut().filter(|_| !self.is_too_small) {
            dialog.drawn(now);
        }
    }

    /// Whether keys must be told apart from pastes by their timing.
    pub fn is_asking(&self) -> bool {
        self.dialog.is_some()
    }

    /// Takes the commands that came up.
    pub fn commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.said = Some(text.into());
    }

    /// Whether the agent works.
    pub(crate) fn is_working(&self) -> bool {
        self.is_working
    }

    /// Asks for the chosen file's sides, if they are looked at.
    pub(crate) fn load(&mut self) {
        if self.main != Main::Diff {
            return;
        }
        let Some(row) = self.files.current() else {
            self.shown = Shown::Nothing;
            return;
        };
        let path = row.entry.file.path.clone();
        let known = match &self.shown {
            Shown::Diff(diff) => diff.path == path,
            _ => false,
        };
        if !known {
            self.shown = Shown::Loading(path.clone());
        }
        self.command(Command::Load(path));
    }

    pub(crate) fn show_diff(&mut self, focus: Focus) {
        let was_away = self.main != Main::Diff;
        (self.main, self.focus) = (Main::Diff, focus);
        if was_away {
            // A person may have edited files meanwhile.
            self.command(Command::Refresh);
        }
        self.load();
    }

    /// Opens the help, or closes it again.
    pub(crate) fn toggle_help(&mut self) {
        self.help_top = 0;
        self.main = match (self.main, self.mode, self.focus) {
            (Main::Help, Mode::Session, Focus::Prompt) => Main::Transcript,
            (Main::Help, _, _) => Main::Diff,
            _ => Main::Help,
        };
    }

    /// Says why there is no list to go to.
    pub(crate) fn say_no_files(&mut self) {
        self.say(match self.is_listed {
            true => "no file was touched yet",
            false => "the session is still being read",
        });
    }

    pub(crate) fn show_transcript(&mut self) {
        (self.main, self.focus) = (Main::Transcript, Focus::Prompt);
    }

    /// Asks for a change; while the agent works it waits for the end.
    pub(crate) fn change(&mut self, change: Change) {
        if self.is_working() {
            if let Change::RejectFile(path) | Change::RejectHunk { path, .. } = &change {
                self.files.queue(&path.clone());
            }
            self.say(
                "queued: it is done as soon as the agent's step ends; x once more takes it back",
            );
        }
        self.command(Command::Change(change));
    }

    pub(crate) fn reject_file(&mut self) {
        let Some(row) = self.files.current() else { return };
        let path = row.entry.file.path.clone();
        if row.queued {
            self.files.unqueue(&path);
            self.say(format!("what waited for {path} is not done; x asks for it again"));
            self.command(Command::Cancel(path));
        } else if row.rejected {
            self.say("nothing of the agent's is left in this file; u brings it back");
        } else if row.entry.restorable {
            self.change(Change::RejectFile(path));
        } else {
            self.refused = Some(Refused::wholly(format!(
                "{path}: its content was not kept (ignored, too large, or no ordinary file), so a reject \
                     could not be made or not be undone; change it by hand"
            )));
        }
    }

    pub(crate) fn reject_hunk(&mut self) {
        let Shown::Diff(diff) = &self.shown else { return };
        let is_of_chosen = self
            .files
            .current()
            .is_some_and(|row| row.entry.file.path == diff.path && row.entry.renamed.is_some());
        if diff.hunks() == 0 && is_of_chosen {
            // Nothing but the name: that is the file.
            return self.reject_file();
        }
        if diff.hunks() == 0 || diff.is_binary() {
            return self.say("there is no hunk to reject; x rejects the file");
        }
        let (path, version, hunk) = (diff.path.clone(), diff.version.clone(), diff.hunk);
        self.change(Change::RejectHunk { path, hunk, version });
    }

    pub(crate) fn edit_file(&mut self) {
        let Some(row) = self.files.current() else { return };
        if row.rejected || row.entry.file.change == ChangeKind::Deleted {
            return self.say("the file is not there; there is nothing to edit");
        }
        self.command(Command::Edit(row.entry.file.path.clone()));
    }

    pub(crate) fn layout(&self, width: u16) -> Layout {
        Layout { side_by_side: width >= 120, unfolded: self.unfolded }
    }
}

/// Keys that came at once, with an Enter among them that is not the last: a paste
/// on a terminal that does not mark pastes. Its lines must not be sent one by one.
fn pasted_text(events: &[TerminalEvent]) -> Option<String> {
    let mut text = String::new();
    for event in events {
        let TerminalEvent::Key(key) = event else { return None };
        let is_plain = (key.modifiers - KeyModifiers::SHIFT).is_empty();
        match key.code {
            KeyCode::Char(character) if is_plain => text.push(character),
            KeyCode::Enter if is_plain => text.push('\n'),
            KeyCode::Char('j') if key.modifiers == KeyModifiers::CONTROL => text.push('\n'),
            KeyCode::Tab => text.push('\t'),
            _ => return None,
        }
    }
    let is_paste = text.chars().count() >= PASTE_KEYS_MIN && text.trim_end().contains('\n');
    is_paste.then_some(text)
}

#[cfg(test)]
mod tests;
