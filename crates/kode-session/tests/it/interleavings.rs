//! Agent edits, a person's edits, renames by both (also into a folder of the file's own
//! name and out again), folders and links in each other's place, rejects and undos in
//! any order:
//! whatever kode does, no line of the person's is lost and none they deleted comes
//! back; an undo of a reject gives exactly what was there, its redo what was then.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::ProjectPath;
use kode_session::{Origin, Session, UndoTarget};
use proptest::prelude::*;

use super::workspace::{Workspace, path};

/// Names the file can have; it begins with the first. Some can't be there together.
const NAMES: [&str; 5] = ["a", "b", "deep/c", "a/n", "a/n/o"];
/// What else stands in the project: a link to a folder, which the agent exchanges.
const OTHERS: [&str; 4] = ["link", "link/keep", "folder", "folder/keep"];

/// What happens next; numbers choose places and are taken as they fit.
#[derive(Debug, Clone)]
enum Act {
    AgentInserts(usize),
    AgentReplaces(usize, usize),
    AgentDeletes(usize, usize),
    AgentRemovesTheFile,
    /// In the turn before, or in one of its own; with an edit or without.
    AgentRenames {
        to: usize,
        edits: bool,
        same_turn: bool,
    },
    /// A folder in a link's place, a link in a folder's, or back again.
    AgentExchanges(usize),
    AgentGoesOnInItsTurn(usize),
    PersonRenames(usize),
    PersonInserts(usize),
    PersonReplaces(usize, usize),
    PersonDeletes(usize, usize),
    PersonRemovesTheFile,
    /// An edit that kode learns of before the next act, or only by it.
    KodeLooks,
    RejectHunk(usize),
    RejectFile,
    /// Of any name, also one that no file has any more.
    RejectNamed(usize),
    RejectTurn(usize),
    RejectRun,
    RejectWhatCanBe,
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
        3 => (0..5_usize, any::<bool>(), any::<bool>())
            .prop_map(|(to, edits, same_turn)| Act::AgentRenames { to, edits, same_turn }),
        1 => place.clone().prop_map(Act::AgentGoesOnInItsTurn),
        2 => (0..2_usize).prop_map(Act::AgentExchanges),
        2 => (0..5_usize).prop_map(Act::PersonRenames),
        3 => place.clone().prop_map(Act::PersonInserts),
        3 => (place.clone(), length.clone()).prop_map(|(at, n)| Act::PersonReplaces(at, n)),
        2 => (place.clone(), length).prop_map(|(at, n)| Act::PersonDeletes(at, n)),
        1 => Just(Act::PersonRemovesTheFile),
        2 => Just(Act::KodeLooks),
        4 => (0..4_usize).prop_map(Act::RejectHunk),
        2 => Just(Act::RejectFile),
        3 => (0..9_usize).prop_map(Act::RejectNamed),
        2 => place.prop_map(Act::RejectTurn),
        1 => Just(Act::RejectRun),
        1 => Just(Act::RejectWhatCanBe),
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
    /// The agent renamed the file: a person who moves or deletes it then leaves its old
    /// name to the agent, and a reject brings that back with all its lines.
    agent_moved: bool,
    is_forked: bool,
    /// Deleted since kode last looked: what it never saw gone may be in what comes back.
    unseen: Vec<String>,
}

impl Story {
    fn new() -> Self {
        let work = Workspace::new();
        work.write(NAMES[0], (0..12).map(|n| format!("base {n}\n")).collect::<String>());
        for name in ["real", "folder"] {
            work.write(&format!("{name}/keep"), format!("kept in {name}\n"));
        }
        work.link("real", "link");
        let session = work.session();
        let (persons, deleted) = (BTreeSet::new(), BTreeSet::new());
        let (agent_moved, is_forked, unseen) = (false, false, Vec::new());
        Self { work, session, turn: 0, next: 0, persons, deleted, agent_moved, is_forked, unseen }
    }

    /// The name the file has now, or had last.
    fn name(&self) -> &'static str {
        NAMES.into_iter().rev().find(|name| self.is_file(name)).unwrap_or(NAMES[0])
    }

    fn is_file(&self, name: &str) -> bool {
        self.work.place(name).is_file()
    }

    fn lines_of(&self, name: &str) -> Vec<String> {
        if !self.is_file(name) {
            return Vec::new();
        }
        let text = String::from_utf8(self.work.read(name)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// Everything under any of the names.
    fn lines(&self) -> Vec<String> {
        NAMES.iter().flat_map(|name| self.lines_of(name)).collect()
    }

    fn fresh(&mut self, who: &str, count: usize) -> Vec<String> {
        let lines = (0..count).map(|n| format!("{who} {}\n", self.next + n)).collect();
        self.next += count;
        lines
    }

    fn splice(&self, at: usize, removed: usize, inserted: &[String]) -> Vec<String> {
        let name = self.name();
        let mut lines = self.lines_of(name);
        let at = at.min(lines.len());
        let end = (at + removed).min(lines.len());
        self.work.remove_empty(name);
        let gone = lines.splice(at..end, inserted.iter().cloned()).collect();
        self.work.write(name, lines.concat());
        gone
    }

    /// Whether there was something to rename, and room for it.
    fn rename(&self, to: usize) -> bool {
        let names = [self.name(), NAMES[to], "aside"];
        if names[0] == names[1] || !self.is_file(names[0]) {
            return false;
        }
        let [from, to, aside] = names.map(|name| self.work.place(name));
        std::fs::rename(&from, &aside).unwrap();
        self.work.remove_empty(names[1]);
        let moved = |to: &std::path::Path| {
            std::fs::create_dir_all(to.parent().unwrap())?;
            match to.exists() {
                true => Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists)),
                false => std::fs::rename(&aside, to),
            }
        };
        let done = moved(&to).is_ok();
        if !done {
            self.work.remove_empty(names[0]);
            moved(&from).unwrap();
        }
        done
    }

    /// A link to a folder becomes a folder with a file of the same name, and back.
    fn exchange(&mut self, which: usize) {
        let name = ["link", "folder"][which];
        if self.work.place(name).is_symlink() {
            let lines = self.fresh("agent", 1);
            self.work.remove(name);
            self.work.write(&format!("{name}/keep"), lines.concat());
        } else {
            // A reject may have taken the link and left the folder to another one.
            if self.work.exists(name) {
                std::fs::remove_dir_all(self.work.place(name)).unwrap();
            }
            self.work.link("real", name);
        }
    }

    /// What the agent does, as the agent does it.
    fn agent(&mut self, change: impl FnOnce(&mut Self)) {
        self.agent_in(false, change);
    }

    fn agent_in(&mut self, same_turn: bool, change: impl FnOnce(&mut Self)) {
        self.look();
        if !same_turn || self.turn == 0 {
            self.turn += 1;
            self.session.attribute(Origin::Agent { turn: self.turn });
        }
        change(self);
        self.session.compare(&self.work.files).unwrap();
        // An agent may overwrite what it sees; that is no loss by kode.
        let left: BTreeSet<String> = self.lines().into_iter().collect();
        self.persons.retain(|line| left.contains(line));
    }

    fn look(&mut self) {
        self.session.note_persons_edits(&self.work.files).unwrap();
        self.unseen.clear();
    }

    /// The person moved or removed the file that the agent had renamed.
    fn fork(&mut self) {
        self.is_forked = true;
        for line in self.unseen.drain(..) {
            self.deleted.remove(&line);
        }
    }

    fn person(&mut self, at: usize, removed: usize, inserted: usize) {
        let lines = self.fresh("person", inserted);
        let gone = self.splice(at, removed, &lines);
        self.persons.extend(lines);
        self.persons.retain(|line| !gone.contains(line));
        if !self.is_forked {
            self.unseen.extend(gone.iter().cloned());
            self.deleted.extend(gone);
        }
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
            Act::AgentRemovesTheFile if self.is_file(self.name()) => {
                self.agent(|story| story.work.remove(story.name()));
            }
            Act::AgentRenames { to, edits, same_turn } => self.agent_in(*same_turn, |story| {
                let moved = story.rename(*to);
                story.agent_moved |= moved;
                if moved && *edits {
                    let lines = story.fresh("agent", 1);
                    story.splice(*to * 3, 1, &lines);
                }
            }),
            Act::AgentExchanges(which) => self.agent(|story| story.exchange(*which)),
            Act::AgentGoesOnInItsTurn(at) => self.agent_in(true, |story| {
                let lines = story.fresh("agent", 1);
                story.splice(*at, 1, &lines);
            }),
            Act::PersonRenames(to) => {
                if self.rename(*to) && self.agent_moved {
                    self.fork();
                }
            }
            Act::PersonInserts(at) => self.person(*at, 0, 1),
            Act::PersonReplaces(at, count) => self.person(*at, *count, *count),
            Act::PersonDeletes(at, count) => self.person(*at, *count, 0),
            Act::PersonRemovesTheFile if self.is_file(self.name()) => {
                let name = self.name();
                let gone = self.lines_of(name);
                self.persons.retain(|line| !gone.contains(line));
                match self.agent_moved {
                    true => self.fork(),
                    false => self.deleted.extend(gone),
                }
                self.work.remove(name);
            }
            Act::KodeLooks => self.look(),
            Act::AgentRemovesTheFile | Act::PersonRemovesTheFile => {}
            _ => self.kode(act),
        }
    }

    /// What kode does for the person; that it refuses is fine at any time.
    fn kode(&mut self, act: &Act) {
        let (before, state_before) = (self.lines(), self.work.all());
        let done = self.done(act);
        let is_as_before = state_before == self.work.all();
        assert!(done.is_some() || is_as_before, "{act:?} failed and wrote all the same");
        assert_eq!(self.work.read("real/keep"), b"kept in real\n", "written through the link");
        let names = NAMES.iter().filter(|name| self.is_file(name)).count();
        if matches!(act, Act::Undo) && names > 1 {
            // A name that the agent had taken away stands beside the file again, with all
            // the lines it had.
            self.is_forked = true;
            self.deleted.clear();
        }
        self.check(act, &before);
        let is_reject = !matches!(act, Act::UndoReject | Act::Undo | Act::Redo);
        if let (true, Some(paths)) = (is_reject, done) {
            self.there_and_back(act, &paths[0], &state_before);
        }
    }

    /// The files that were written, if it could be done.
    fn done(&mut self, act: &Act) -> Option<Vec<ProjectPath>> {
        let name = path(self.name());
        let Self { work, session, turn, .. } = self;
        let (files, gate) = (&work.files, &mut work.gate);
        let done = match act {
            Act::RejectHunk(hunk) => session.reject_hunks(&name, &[*hunk], files, gate),
            Act::RejectFile => session.reject(&name, files, gate),
            Act::RejectNamed(which) => {
                let names: Vec<&str> = NAMES.into_iter().chain(OTHERS).collect();
                session.reject(&path(names[*which]), files, gate)
            }
            Act::RejectRun => session.reject_all(files, gate),
            Act::RejectWhatCanBe => session.reject_possible(files, gate),
            Act::RejectTurn(which) => {
                let wanted = which % (*turn as usize + 1);
                let id = serde_json::from_str(&wanted.to_string()).unwrap();
                session.reject_turn(id, files, gate)
            }
            Act::UndoReject => session.undo(&UndoTarget::Reject(name), files, gate),
            Act::Undo => session.undo(&UndoTarget::Last, files, gate),
            _ => session.redo(files, gate),
        };
        done.ok().map(|restored| restored.paths)
    }

    fn check(&self, act: &Act, before: &[String]) {
        let after = self.lines();
        for line in self.persons.iter() {
            assert!(after.contains(line), "{act:?} lost {line:?} of\n{before:?}\n{after:?}");
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            assert!(!self.deleted.contains(line), "{act:?} brought {line:?} back:\n{after:?}");
        }
    }

    /// A reject can be undone to the byte, and that be redone.
    fn there_and_back(
        &mut self,
        act: &Act,
        rejected: &ProjectPath,
        before: &BTreeMap<String, String>,
    ) {
        let after = self.work.all();
        let Self { work, session, .. } = self;
        let target = UndoTarget::Reject(rejected.clone());
        session.undo(&target, &work.files, &mut work.gate).unwrap();
        assert_eq!(self.work.all(), *before, "undo of {act:?}");
        let Self { work, session, .. } = self;
        session.redo(&work.files, &mut work.gate).unwrap();
        assert_eq!(self.work.all(), after, "redo of {act:?}");
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
