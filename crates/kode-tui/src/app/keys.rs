//! Keys and pastes.

use std::time::Instant;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{App, COMMANDS, Focus, Main, Mode, Shown};
use crate::approval::Key;
use crate::exchange::{Change, Command};
use crate::prompt::Edit;

/// Columns a sideways step moves.
const SIDE_STEP: usize = 8;

/// Said for as long as the step goes on.
const INTERRUPTING: &str = "interrupting the step; once more ends the run";

impl App {
    /// The interrupted step is over: what was said of it holds no more.
    pub(super) fn interrupted(&mut self) {
        self.said.take_if(|said| said == INTERRUPTING);
    }

    /// While a question is open, only a key that came alone counts.
    pub(super) fn answer(&mut self, events: &[Event], now: Instant) {
        let Some(dialog) = &mut self.dialog else { return };
        let pressed: Vec<&Event> = events.iter().filter(|event| !matters_not(event)).collect();
        let answer = match pressed.as_slice() {
            [] => return,
            [Event::Key(key)] => match dialog_key(*key) {
                Some(key) => dialog.key(key, now),
                None => return,
            },
            _ => {
                dialog.noise(now);
                return;
            }
        };
        if let Some(answer) = answer {
            let question = dialog.question.id;
            self.dialog = None;
            self.command(Command::Answer { question, answer });
        }
    }

    /// Nothing is on the screen that a key or click could mean: only leaving and
    /// interrupting, which need no looking, are still possible. A question stays open.
    pub(super) fn unseen(&mut self, events: &[Event]) {
        (self.files.armed, self.armed_hunk) = (None, None);
        for event in events {
            let Event::Key(key) = event else { continue };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            let before = self.pressed_once.take();
            let is_control_c =
                key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
            match key.code {
                _ if is_control_c && (self.mode == Mode::Review || before == Some('c')) => {
                    self.command(Command::Quit);
                }
                _ if is_control_c => self.pressed_once = Some('c'),
                KeyCode::Char('q') if self.mode == Mode::Review => self.command(Command::Quit),
                _ => {}
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.mode == Mode::Session && self.focus == Focus::Prompt {
            self.prompt.end_search(true);
            self.prompt.edit(Edit::Paste(text.to_owned()));
            self.completion.close();
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.said = None;
        if self.refused.take().is_some() {
            return;
        }
        (self.files.armed, self.armed_hunk) = (None, None);
        let before = self.pressed_once.take();
        if self.chosen_turn.is_some() {
            return self.turn_key(key);
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return self.control_c(before);
        }
        if self.main == Main::Help {
            return self.help_key(key);
        }
        match self.focus {
            Focus::Prompt => self.prompt_key(key),
            Focus::Files | Focus::Diff => self.review_key(key, before),
        }
    }

    /// Scrolls the help; any other key leaves it.
    fn help_key(&mut self, key: KeyEvent) {
        let page = i32::from(self.areas.main.height.saturating_sub(2));
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.scroll_main(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll_main(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll_main(page),
            KeyCode::PageUp => self.scroll_main(-page),
            _ => self.toggle_help(),
        }
    }

    /// Proposes for the word that is being typed.
    pub(super) fn complete(&mut self) {
        if self.completion.update(&self.prompt, &COMMANDS) {
            self.command(Command::ListFiles);
        }
    }

    /// Keys that mean the proposals while there are any. Whether it was one.
    fn proposal_key(&mut self, key: KeyEvent) -> bool {
        if self.completion.proposals().is_empty() || !key.modifiers.is_empty() {
            return false;
        }
        match key.code {
            KeyCode::Up => self.completion.step(false),
            KeyCode::Down => self.completion.step(true),
            KeyCode::Esc => self.completion.close(),
            KeyCode::Tab | KeyCode::Enter => return self.take_proposal(key.code),
            _ => return false,
        }
        true
    }

    /// Enter on a command or a file's name that is typed whole sends it.
    fn take_proposal(&mut self, key: KeyCode) -> bool {
        let is_whole = self.completion.is_file(&self.prompt.word());
        let Some(proposal) = self.completion.take() else { return false };
        let is_typed = is_whole || proposal.text.trim_end() == self.prompt.word();
        if key == KeyCode::Enter && is_typed {
            return false;
        }
        let is_command = proposal.text.starts_with('/');
        self.prompt.replace_word(&proposal.text);
        // A command that needs no more words is sent at once.
        !(is_command && key == KeyCode::Enter && !proposal.shown.contains(' '))
    }

    fn control_c(&mut self, before: Option<char>) {
        if self.mode == Mode::Review || before == Some('c') {
            return self.command(Command::Quit);
        }
        if self.prompt.searched().is_some() {
            return self.prompt.end_search(false);
        }
        if self.is_working() {
            return self.interrupt();
        }
        self.completion.close();
        if self.prompt.is_empty() {
            self.say("press Ctrl-C once more to leave");
            self.pressed_once = Some('c');
        } else {
            self.prompt.clear();
            self.say("cleared; ↑ brings it back");
        }
    }

    fn interrupt(&mut self) {
        self.say(INTERRUPTING);
        self.command(Command::Interrupt);
    }

    fn prompt_key(&mut self, key: KeyEvent) {
        if self.proposal_key(key) || self.search_key(key) {
            return;
        }
        if self.prompt.is_empty() && key.code == KeyCode::Char('?') {
            return self.toggle_help();
        }
        let Some(edit) = prompt_edit(key) else { return self.prompt_command(key) };
        let recalls = matches!(edit, Edit::Up | Edit::Down);
        self.prompt.edit(edit);
        if recalls { self.completion.close() } else { self.complete() }
    }

    /// Keys that look through earlier messages. Any other takes what was found, and then
    /// does what it does. Whether it was one.
    fn search_key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('r') {
            self.completion.close();
            self.prompt.search();
            return true;
        }
        if self.prompt.searched().is_none() {
            return false;
        }
        match key.code {
            KeyCode::Char('g') if control => self.prompt.end_search(false),
            KeyCode::Char(character) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.prompt.search_for(character);
            }
            KeyCode::Backspace => self.prompt.search_less(),
            KeyCode::Esc => self.prompt.end_search(false),
            // Nothing is sent that was only looked for.
            KeyCode::Enter | KeyCode::Tab => self.prompt.end_search(true),
            _ => {
                self.prompt.end_search(true);
                return false;
            }
        }
        true
    }

    /// Keys that don't edit the message.
    fn prompt_command(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let half = i32::from(self.areas.main.height / 2).max(1);
        match key.code {
            KeyCode::Enter => self.send(),
            KeyCode::Char('o') if control => self.transcript.toggle_all(),
            KeyCode::Char('d') if control && self.prompt.is_empty() => self.command(Command::Quit),
            KeyCode::PageUp => self.scroll_main(-half),
            KeyCode::PageDown => self.scroll_main(half),
            KeyCode::Tab if self.files.rows().is_empty() => self.say_no_files(),
            KeyCode::Tab => self.show_diff(Focus::Files),
            KeyCode::Esc if self.is_working() => self.interrupt(),
            KeyCode::Esc => self.transcript.scroll(isize::MAX / 2),
            _ => {}
        }
    }

    fn send(&mut self) {
        self.completion.close();
        let Some(message) = self.prompt.take() else { return };
        if message.text.starts_with('/') {
            return self.slash(&message.text);
        }
        self.main = Main::Transcript;
        self.transcript.scroll(isize::MAX / 2);
        self.pending.push_back(message.text.clone());
        self.is_working = true;
        self.command(Command::Send(message));
    }

    fn review_key(&mut self, key: KeyEvent, before: Option<char>) {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return;
        }
        let page = i32::from(self.areas.main.height.saturating_sub(2));
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.scroll_main(-page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll_main(page),
            KeyCode::Home | KeyCode::Char('g') => self.step(i32::MIN / 2),
            KeyCode::End | KeyCode::Char('G') => self.step(i32::MAX / 2),
            KeyCode::Left => self.sideways(false),
            KeyCode::Right => self.sideways(true),
            KeyCode::Enter => self.focus = Focus::Diff,
            KeyCode::Tab | KeyCode::BackTab => self.next_focus(),
            KeyCode::Esc if self.focus == Focus::Diff => self.focus = Focus::Files,
            KeyCode::Esc if self.mode == Mode::Session => self.show_transcript(),
            KeyCode::Char(letter) => self.review_letter(letter, before),
            _ => {}
        }
    }

    fn review_letter(&mut self, letter: char, before: Option<char>) {
        match letter {
            ']' | '[' => {
                if let Shown::Diff(diff) = &mut self.shown {
                    diff.step_hunk(letter == ']');
                }
            }
            'x' => self.reject_file(),
            'X' => self.reject_hunk(),
            'R' if before == Some('R') => self.change(Change::RejectRun),
            'R' => {
                self.say("press R once more to reject every file of this session");
                self.pressed_once = Some('R');
            }
            'u' => match self.files.current() {
                Some(row) => self.change(Change::UndoReject(row.entry.file.path.clone())),
                None => self.change(Change::UndoNewestReject),
            },
            'U' => self.change(Change::UndoNewestReject),
            't' => self.choose_turn(),
            'a' => {
                if let Some(mark) = self.files.toggle_reviewed() {
                    self.command(mark);
                }
            }
            'e' => self.edit_file(),
            'r' => self.command(Command::Refresh),
            'z' => self.unfolded = !self.unfolded,
            '?' => self.toggle_help(),
            'q' if self.mode == Mode::Review => self.command(Command::Quit),
            'q' => self.show_transcript(),
            _ => {}
        }
    }

    fn next_focus(&mut self) {
        match (self.focus, self.mode) {
            (Focus::Files, _) => self.focus = Focus::Diff,
            (_, Mode::Session) => self.show_transcript(),
            _ => self.focus = Focus::Files,
        }
    }

    /// Moves in what has the focus: the list, or the diff.
    pub(super) fn step(&mut self, rows: i32) {
        if self.focus == Focus::Diff {
            self.scroll_main(rows);
        } else if self.files.step(rows as isize) {
            self.load();
        }
    }

    pub(crate) fn scroll_main(&mut self, rows: i32) {
        match self.main {
            Main::Transcript => self.transcript.scroll(rows as isize),
            Main::Diff => {
                let height = usize::from(self.areas.main.height);
                if let Shown::Diff(diff) = &mut self.shown {
                    diff.scroll(rows as isize, height);
                }
            }
            Main::Help => {
                self.help_top = self.help_top.saturating_add_signed(rows as isize);
            }
        }
    }

    fn sideways(&mut self, right: bool) {
        if let Shown::Diff(diff) = &mut self.shown {
            diff.skip =
                if right { diff.skip + SIDE_STEP } else { diff.skip.saturating_sub(SIDE_STEP) };
        }
    }
}

/// What a key does to the message.
fn prompt_edit(key: KeyEvent) -> Option<Edit> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Enter if alt || key.modifiers.contains(KeyModifiers::SHIFT) => Edit::Insert('\n'),
        KeyCode::Char('j') if control => Edit::Insert('\n'),
        KeyCode::Char('a') if control => Edit::Start,
        KeyCode::Char('e') if control => Edit::End,
        KeyCode::Char('u') if control => Edit::DeleteToStart,
        KeyCode::Char('k') if control => Edit::DeleteToEnd,
        KeyCode::Char('w') if control => Edit::DeleteWord,
        KeyCode::Char('b') if alt => Edit::WordLeft,
        KeyCode::Char('f') if alt => Edit::WordRight,
        KeyCode::Char(character) if !control && !alt => Edit::Insert(character),
        KeyCode::Backspace if alt || control => Edit::DeleteWord,
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        KeyCode::Left if control || alt => Edit::WordLeft,
        KeyCode::Right if control || alt => Edit::WordRight,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Home => Edit::Start,
        KeyCode::End => Edit::End,
        KeyCode::Up => Edit::Up,
        KeyCode::Down => Edit::Down,
        _ => return None,
    })
}

/// Ctrl-Z, which the terminal leaves to us.
pub(super) fn suspends(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.kind != KeyEventKind::Release
        && key.code == KeyCode::Char('z')
        && key.modifiers == KeyModifiers::CONTROL)
}

/// Releases, mouse moves and window changes are neither keys nor noise.
fn matters_not(event: &Event) -> bool {
    match event {
        Event::Key(key) => key.kind == KeyEventKind::Release,
        Event::Paste(_) => false,
        _ => true,
    }
}

fn dialog_key(key: KeyEvent) -> Option<Key> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Key::Away);
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match key.code {
        KeyCode::Char(letter) if letter.is_ascii() => Some(Key::Letter(letter)),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Backspace => Some(Key::Erase),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown => Some(Key::PageDown),
        _ => None,
    }
}
