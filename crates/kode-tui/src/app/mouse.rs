//! The mouse: choose, scroll, unfold, and reject in two clicks on the same
//! place.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{App, Focus, Main, Shown};
use crate::diff::CROSS_CELLS as HUNK_CROSS_CELLS;
use crate::draw::CROSS_CELLS;
use crate::exchange::Change;

/// Rows a turn of the wheel moves.
const WHEEL_ROWS: i32 = 3;

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent) {
        let at = Position { x: mouse.column, y: mouse.row };
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::ScrollUp => self.wheel(at, -WHEEL_ROWS),
            MouseEventKind::ScrollDown => self.wheel(at, WHEEL_ROWS),
            _ => {}
        }
    }

    fn wheel(&mut self, at: Position, rows: i32) {
        (self.files.armed, self.armed_hunk) = (None, None);
        if self.areas.list.contains(at) {
            if self.files.step(rows as isize) {
                self.load();
            }
        } else {
            self.scroll_main(rows);
        }
    }

    fn click(&mut self, at: Position) {
        self.said = None;
        if self.refused.take().is_some() || self.chosen_turn.take().is_some() {
            return;
        }
        let (armed, armed_hunk) = (self.files.armed.take(), self.armed_hunk.take());
        if self.areas.list.contains(at) {
            let row = self.files.top + usize::from(at.y - self.areas.list.y);
            if row < self.files.rows().len() {
                self.click_row(row, at.x + CROSS_CELLS >= self.areas.list.right(), armed);
            }
        } else if self.areas.prompt.contains(at) {
            self.show_transcript();
        } else if self.areas.main.contains(at) {
            match self.main {
                Main::Transcript => self.transcript.click(usize::from(at.y - self.areas.main.y)),
                Main::Diff => self.click_diff(at, armed_hunk),
                Main::Help => self.toggle_help(),
            }
        }
    }

    /// A click on a hunk's headline chooses it; two on its ✕ reject it.
    fn click_diff(&mut self, at: Position, armed: Option<usize>) {
        self.focus = Focus::Diff;
        let area = self.areas.main;
        let Shown::Diff(diff) = &mut self.shown else { return };
        let Some(hunk) = diff.header_at(usize::from(at.y - area.y)) else { return };
        diff.hunk = hunk;
        if at.x + HUNK_CROSS_CELLS < area.right() {
            return;
        }
        if armed == Some(hunk) {
            self.reject_hunk();
        } else {
            self.armed_hunk = Some(hunk);
        }
    }

    fn click_row(&mut self, row: usize, on_cross: bool, armed: Option<kode_base::ProjectPath>) {
        let changed = self.files.choose(row);
        if changed || self.main != Main::Diff {
            self.show_diff(Focus::Files);
        }
        self.focus = Focus::Files;
        let Some(row) = self.files.current() else { return };
        let path = row.entry.file.path.clone();
        if !on_cross {
            return;
        }
        if row.rejected {
            self.change(Change::UndoReject(path));
        } else if armed.as_ref() == Some(&path) {
            self.reject_file();
        } else {
            self.files.armed = Some(path);
        }
    }
}
