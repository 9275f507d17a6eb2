//! The sidebar's list: every touched file, what became of it, and which one is
//! chosen. Rejecting by mouse takes two clicks on the same place.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::{ChangeKind, ProjectPath};

use crate::exchange::{Change, Command, Done, FileEntry};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) entry: FileEntry,
    /// The agent's changes were taken back; nothing of them is left.
    pub(crate) rejected: bool,
    /// A change waits for the agent's step to end.
    pub(crate) queued: bool,
    /// Findings of the last gate round in this file.
    pub(crate) findings: usize,
    /// It changed on the disk since the row was made.
    pub(crate) newer: bool,
}

/// The list.
#[derive(Debug, Default)]
pub(crate) struct FileList {
    rows: Vec<FileRow>,
    pub(crate) chosen: usize,
    /// First row on the screen.
    pub(crate) top: usize,
    /// The file whose ✕ was clicked once.
    pub(crate) armed: Option<ProjectPath>,
    /// Rejected in whole, with what they were.
    rejected: BTreeMap<ProjectPath, FileEntry>,
    queued: BTreeSet<ProjectPath>,
    findings: BTreeMap<ProjectPath, usize>,
    newer: BTreeSet<ProjectPath>,
}

impl FileList {
    pub(crate) fn rows(&self) -> &[FileRow] {
        &self.rows
    }

    pub(crate) fn current(&self) -> Option<&FileRow> {
        self.rows.get(self.chosen)
    }

    /// Takes the whole list anew; the chosen file stays chosen, by another name too.
    pub(crate) fn replace(&mut self, entries: Vec<FileEntry>) {
        let chosen = self.current().map(|row| row.entry.clone());
        self.newer.clear();
        for entry in &entries {
            self.rejected.remove(&entry.file.path);
        }
        let mut all: BTreeMap<ProjectPath, (FileEntry, bool)> = BTreeMap::new();
        let gone = self.rejected.iter().map(|(path, entry)| (path.clone(), (entry.clone(), true)));
        all.extend(gone);
        all.extend(entries.into_iter().map(|entry| (entry.file.path.clone(), (entry, false))));
        self.rows = all.into_values().map(|(entry, rejected)| self.row(entry, rejected)).collect();
        let place = chosen.and_then(|chosen| {
            let moved =
                |row: &FileRow| chosen.renamed.is_some() && row.entry.renamed == chosen.renamed;
            self.position(&chosen.file.path).or_else(|| self.rows.iter().position(moved))
        });
        self.chosen = place.unwrap_or(self.chosen).min(self.rows.len().saturating_sub(1));
    }

    /// Takes the files that were rejected in whole anew; they show with the next list.
    pub(crate) fn set_rejected(&mut self, entries: Vec<FileEntry>) {
        let named = entries.into_iter().map(|entry| (entry.file.path.clone(), entry));
        self.rejected = named.collect();
    }

    /// One file changed while the agent works.
    pub(crate) fn touch(&mut self, entry: FileEntry) {
        let path = entry.file.path.clone();
        self.rejected.remove(&path);
        let row = self.row(entry, false);
        match self.rows.binary_search_by(|row| row.entry.file.path.cmp(&path)) {
            Ok(at) => self.rows[at] = row,
            Err(at) => {
                self.rows.insert(at, row);
                if at <= self.chosen && self.rows.len() > 1 {
                    self.chosen += 1;
                }
            }
        }
    }

    fn row(&self, entry: FileEntry, rejected: bool) -> FileRow {
        let path = &entry.file.path;
        FileRow {
            queued: self.queued.contains(path),
            findings: self.findings.get(path).copied().unwrap_or(0),
            newer: self.newer.contains(path),
            rejected,
            entry,
        }
    }

    fn refresh(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        self.rows = rows.into_iter().map(|row| self.row(row.entry, row.rejected)).collect();
    }

    fn position(&self, path: &ProjectPath) -> Option<usize> {
        self.rows.iter().position(|row| row.entry.file.path == *path)
    }

    /// Chooses another row; negative is up. Whether it changed.
    pub(crate) fn step(&mut self, rows: isize) -> bool {
        let last = self.rows.len().saturating_sub(1);
        self.choose(self.chosen.saturating_add_signed(rows).min(last))
    }

    pub(crate) fn choose(&mut self, row: usize) -> bool {
        let changed = row != self.chosen && row < self.rows.len();
        if changed {
            self.chosen = row;
        }
        changed
    }

    /// Keeps the chosen row on a screen of `height` rows.
    pub(crate) fn keep_in_sight(&mut self, height: usize) {
        if self.chosen < self.top {
            self.top = self.chosen;
        } else if self.chosen >= self.top + height {
            self.top = self.chosen + 1 - height;
        }
        self.top = self.top.min(self.rows.len().saturating_sub(1));
    }

    /// Marks the chosen file as reviewed, or takes the mark; what is to be
    /// remembered.
    pub(crate) fn toggle_reviewed(&mut self) -> Option<Command> {
        let entry = &mut self.rows.get_mut(self.chosen)?.entry;
        entry.reviewed = !entry.reviewed;
        let (path, state) = (entry.file.path.clone(), entry.state.clone());
        Some(Command::Mark { path, state, reviewed: entry.reviewed })
    }

    /// How many files a person has looked at.
    pub(crate) fn reviewed(&self) -> usize {
        self.rows.iter().filter(|row| row.entry.reviewed && !row.rejected).count()
    }

    pub(crate) fn queue(&mut self, path: &ProjectPath) {
        self.queued.insert(path.clone());
        self.refresh();
    }

    pub(crate) fn unqueue(&mut self, path: &ProjectPath) {
        self.queued.remove(path);
        self.refresh();
    }

    /// What changed on the disk since the list was made.
    pub(crate) fn set_newer(&mut self, paths: Vec<ProjectPath>) {
        self.newer = paths.into_iter().collect();
        self.refresh();
    }

    pub(crate) fn nothing_queued(&mut self) {
        self.queued.clear();
        self.refresh();
    }

    /// A person's change was made; the list itself follows by [`Self::replace`].
    pub(crate) fn done(&mut self, done: &Done) {
        if let Change::RejectFile(path) | Change::RejectHunk { path, .. } = &done.change {
            self.queued.remove(path);
        }
        for path in &done.paths {
            self.queued.remove(path);
            let row = self.position(path).and_then(|at| self.rows.get(at)).cloned();
            match &done.change {
                Change::RejectFile(_)
                | Change::RejectTurn { .. }
                | Change::RejectRun
                | Change::RejectHunk { .. } => {
                    // A file with hunks left comes back with the next list.
                    if let Some(row) = row {
                        self.rejected.insert(path.clone(), row.entry);
                    }
                }
                _ => drop(self.rejected.remove(path)),
            }
        }
        self.refresh();
    }

    pub(crate) fn set_findings(&mut self, paths: impl Iterator<Item = ProjectPath>) {
        self.findings.clear();
        for path in paths {
            *self.findings.entry(path).or_default() += 1;
        }
        self.refresh();
    }

    /// How many rows are open, and how many lines they add and remove.
    pub(crate) fn totals(&self) -> (usize, usize, usize) {
        let open = self.rows.iter().filter(|row| !row.rejected).map(|row| &row.entry.file);
        open.fold((0, 0, 0), |(files, added, removed), file| {
            (files + 1, added + file.added, removed + file.removed)
        })
    }
}

/// One letter for what happened to a file.
pub(crate) fn letter(entry: &FileEntry) -> char {
    match entry.file.change {
        _ if entry.renamed.is_some() => 'R',
        ChangeKind::New => 'A',
        ChangeKind::Changed => 'M',
        ChangeKind::Deleted => 'D',
        ChangeKind::Mode => 'P',
        ChangeKind::Symlink => 'L',
    }
}

#[cfg(test)]
mod tests {
    use kode_base::TouchedFile;

    use super::*;

    fn entry(path: &str) -> FileEntry {
        let path = ProjectPath::new(path).unwrap();
        let change = ChangeKind::Changed;
        let file = TouchedFile { path, change, added: 1, removed: 2, binary: false };
        FileEntry::new(file, true, "s".to_owned())
    }

    #[test]
    fn the_chosen_file_stays_chosen_when_others_come_and_go() {
        let mut list = FileList::default();
        list.replace(vec![entry("b"), entry("d")]);
        list.choose(1);
        list.touch(entry("a"));
        assert_eq!(list.current().unwrap().entry.file.path.as_str(), "d");
        list.replace(vec![entry("d")]);
        assert_eq!(list.current().unwrap().entry.file.path.as_str(), "d");
    }

    #[test]
    fn a_rejected_file_stays_in_the_list_until_it_is_brought_back() {
        let mut list = FileList::default();
        list.replace(vec![entry("a"), entry("b")]);
        let path = ProjectPath::new("a").unwrap();
        let paths = vec![path.clone()];
        list.done(&Done {
            change: Change::RejectFile(path.clone()),
            paths: paths.clone(),
            not_done: vec![],
        });
        list.replace(vec![entry("b")]);
        assert!(list.rows()[0].rejected);
        assert_eq!(list.totals(), (1, 1, 2));
        list.done(&Done { change: Change::UndoReject(path), paths, not_done: vec![] });
        list.replace(vec![entry("a"), entry("b")]);
        assert!(!list.rows()[0].rejected);
    }

    #[test]
    fn a_reviewed_mark_holds_for_the_state_that_was_seen() {
        let mut list = FileList::default();
        list.replace(vec![entry("a")]);
        let mark = |reviewed| {
            let path = ProjectPath::new("a").unwrap();
            Some(Command::Mark { path, state: "s".to_owned(), reviewed })
        };
        assert_eq!(list.toggle_reviewed(), mark(true));
        assert_eq!(list.reviewed(), 1);
        list.touch(FileEntry { state: "other".to_owned(), ..entry("a") });
        assert_eq!(list.reviewed(), 0);
        list.toggle_reviewed();
        assert_eq!(list.reviewed(), 1);
    }
}
