//! Agent edits, a person's edits, rejects and undos in any order: whatever
//! kode does, no line of the person's is lost and none they deleted comes back.

use std::collections::BTreeSet;

use kode_session::{Origin, Session, UndoTarget};
use proptest::prelude::*;

use super::workspace::{Workspace, path};

const NAME: &str = "a";

/// What happens next; numbers choose places and are taken as they fit.
#[derive(Debug, Clone)]
enum Act {
    AgentInserts(usize),
    AgentReplaces(usize, usize),
    AgentDeletes(usize, usize),
    AgentRemovesTheFile,
    PersonInserts(usize),
    PersonReplaces(usize, usize),
    PersonDeletes(usize, usize),
    PersonRemovesTheFile,
    /// An edit that kode learns of before the next act, or only by it.
    KodeLooks,
    RejectHunk(usize),
    RejectFile,
    RejectTurn(usize),
    RejectRun,
    UndoReject,
    Undo,
    Redo,
}

fn act() -> impl Strategy<Value = Act> {
    let (place, length) = (0..24_usize, 1..4_usize);
    prop_oneof![
        3 => place.clone().prop_map(Act::AgentInserts),
        4 => (place.clone(), length.clone()).prop_map(|(at, n)| Act::AgentReplaces(at, n)),
        2 => (place.clone(), length.clone()).prop_map(|(at, n)| Act::AgentDeletes(at, n)),
        1 => Just(Act::AgentRemovesTheFile),
        3 => place.clone().prop_map(Act::PersonInserts),
        3 => (place.clone(), length.clone()).prop_map(|(at, n)| Act::PersonReplaces(at, n)),
        2 => (place.clone(), length).prop_map(|(at, n)| Act::PersonDeletes(at, n)),
        1 => Just(Act::PersonRemovesTheFile),
        2 => Just(Act::KodeLooks),
        4 => (0..4_usize).prop_map(Act::RejectHunk),
        2 => Just(Act::RejectFile),
        2 => place.prop_map(Act::RejectTurn),
        1 => Just(Act::RejectRun),
        3 => Just(Act::UndoReject),
        2 => Just(Act::Undo),
        2 => Just(Act::Redo),
    ]
}

/// The project, and what the person wrote and deleted in it.
struct Story {
    work: Workspace,
    session: Session,
    turn: u32,
    /// Every inserted line is another one.
    next: usize,
    persons: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

impl Story {
    fn new() -> Self {
        let work = Workspace::new();
        work.write(NAME, (0..12).map(|n| format!("base {n}\n")).collect::<String>());
        let session = work.session();
        let (persons, deleted) = (BTreeSet::new(), BTreeSet::new());
        Self { work, session, turn: 0, next: 0, persons, deleted }
    }

    fn lines(&self) -> Vec<String> {
        if !self.work.exists(NAME) {
            return Vec::new();
        }
        let text = String::from_utf8(self.work.read(NAME)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn fresh(&mut self, who: &str, count: usize) -> Vec<String> {
        let lines = (0..count).map(|n| format!("{who} {}\n", self.next + n)).collect();
        self.next += count;
        lines
    }

    fn splice(&self, at: usize, removed: usize, inserted: &[String]) -> Vec<String> {
        let mut lines = self.lines();
        let at = at.min(lines.len());
        let end = (at + removed).min(lines.len());
        let gone = lines.splice(at..end, inserted.iter().cloned()).collect();
        self.work.write(NAME, lines.concat());
        gone
    }

    /// What the agent does, as the agent does it.
    fn agent(&mut self, change: impl FnOnce(&mut Self)) {
        self.session.note_persons_edits(&self.work.files).unwrap();
        self.turn += 1;
        self.session.attribute(Origin::Agent { turn: self.turn });
        change(self);
        self.session.compare(&self.work.files).unwrap();
        // An agent may overwrite what it sees; that is no loss by kode.
        let left: BTreeSet<String> = self.lines().into_iter().collect();
        self.persons.retain(|line| left.contains(line));
    }

    fn person(&mut self, at: usize, removed: usize, inserted: usize) {
        let lines = self.fresh("person", inserted);
        let gone = self.splice(at, removed, &lines);
        self.persons.extend(lines);
        self.persons.retain(|line| !gone.contains(line));
        self.deleted.extend(gone);
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::AgentInserts(at) => self.agent(|story| {
                let lines = story.fresh("agent", 2);
                story.splice(*at, 0, &lines);
            }),
            Act::AgentReplaces(at, count) => self.agent(|story| {
                let lines = story.fresh("agent", *count);
                story.splice(*at, *count, &lines);
            }),
            Act::AgentDeletes(at, count) => {
                self.agent(|story| drop(story.splice(*at, *count, &[])))
            }
            Act::AgentRemovesTheFile if self.work.exists(NAME) => {
                self.agent(|story| story.work.remove(NAME));
            }
            Act::PersonInserts(at) => self.person(*at, 0, 1),
            Act::PersonReplaces(at, count) => self.person(*at, *count, *count),
            Act::PersonDeletes(at, count) => self.person(*at, *count, 0),
            Act::PersonRemovesTheFile if self.work.exists(NAME) => {
                self.deleted.extend(self.lines());
                self.persons.clear();
                self.work.remove(NAME);
            }
            Act::KodeLooks => self.session.note_persons_edits(&self.work.files).unwrap(),
            Act::AgentRemovesTheFile | Act::PersonRemovesTheFile => {}
            _ => self.kode(act),
        }
    }

    /// What kode does for the person; that it refuses is fine at any time.
    fn kode(&mut self, act: &Act) {
        let before = self.lines();
        let Self { work, session, turn, .. } = self;
        let (files, gate) = (&work.files, &mut work.gate);
        let done = match act {
            Act::RejectHunk(hunk) => {
                session.reject_hunks(&path(NAME), &[*hunk], files, gate).is_ok()
            }
            Act::RejectFile => session.reject(&path(NAME), files, gate).is_ok(),
            Act::RejectRun => session.reject_all(files, gate).is_ok(),
            Act::RejectTurn(which) => {
                let wanted = which % (*turn as usize + 1);
                let id = serde_json::from_str(&wanted.to_string()).unwrap();
                session.reject_turn(id, files, gate).is_ok()
            }
            Act::UndoReject => session.undo(&UndoTarget::Reject(path(NAME)), files, gate).is_ok(),
            Act::Undo => session.undo(&UndoTarget::Last, files, gate).is_ok(),
            _ => session.redo(files, gate).is_ok(),
        };
        let after = self.lines();
        assert!(done || before == after, "{act:?} failed and wrote all the same");
        for line in self.persons.iter() {
            assert!(after.contains(line), "{act:?} lost {line:?} of\n{before:?}\n{after:?}");
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            assert!(!self.deleted.contains(line), "{act:?} brought {line:?} back:\n{after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24),
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]
    #[test]
    fn no_line_of_the_persons_is_lost_and_none_they_deleted_comes_back(
        acts in proptest::collection::vec(act(), 1..24),
    ) {
        let mut story = Story::new();
        for act in &acts {
            story.act(act);
        }
    }
}
