//! Choosing the turn that is to be rejected: `t` shows them, the newest that changed
//! the chosen file first in hand; nothing is rejected before a second key.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::App;
use crate::exchange::{Change, TurnEntry};

impl App {
    pub(super) fn set_turns(&mut self, turns: Vec<TurnEntry>) {
        self.turns = turns;
        if self.chosen_turn.is_some() && self.turn_at().is_none() {
            self.chosen_turn = None;
        }
    }

    /// Shows the turns.
    pub(super) fn choose_turn(&mut self) {
        let row = self.files.current().map(|row| &row.entry);
        let is_of_file = |turn: &&TurnEntry| {
            row.is_some_and(|entry| {
                let names = [Some(&entry.file.path), entry.renamed.as_ref()];
                turn.paths.iter().any(|path| names.contains(&Some(path)))
            })
        };
        let chosen = self.turns.iter().find(is_of_file).or(self.turns.first());
        self.chosen_turn = chosen.map(|turn| turn.id);
        if self.chosen_turn.is_none() {
            self.say("no turn of the agent's is left to reject");
        }
    }

    /// The place of the chosen turn among all.
    pub(crate) fn turn_at(&self) -> Option<usize> {
        let chosen = self.chosen_turn?;
        self.turns.iter().position(|turn| turn.id == chosen)
    }

    /// Keys while the turns are shown; one that means nothing leads back.
    pub(super) fn turn_key(&mut self, key: KeyEvent) {
        let Some(at) = self.turn_at() else {
            self.chosen_turn = None;
            return;
        };
        let last = self.turns.len().saturating_sub(1);
        let to = match key.code {
            KeyCode::Down | KeyCode::Char('j') => (at + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            KeyCode::Char('t') | KeyCode::Enter => {
                self.chosen_turn = None;
                let TurnEntry { id: turn, number, .. } = self.turns[at];
                return self.change(Change::RejectTurn { turn, number });
            }
            _ => {
                self.chosen_turn = None;
                return;
            }
        };
        self.chosen_turn = self.turns.get(to).map(|turn| turn.id);
    }
}
