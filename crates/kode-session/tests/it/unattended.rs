//! A person edits while no command of the agent's runs: while a question stands and
//! after it was denied, while the model thinks and is interrupted, while edit tools
//! write, over kills of kode and the sessions opened again after them. In every file the
//! person edits above a line and the agent below it, so that whose each byte is stands
//! beyond doubt: none above is ever lost, and all below can be rejected.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::{FileWrite, Untrusted, WriteMode};
use kode_session::{Origin, Session, SessionError, UndoTarget};
use proptest::prelude::*;

use super::workspace::{Workspace, path};

const FILES: [&str; 3] = ["a", "deep/b", "c"];
/// The agent makes it.
const NEW: &str = "new";
/// The person makes it.
const MINE: &str = "mine";
/// What nobody edits.
const BETWEEN: &str = "-----\n=====\n-----\n";

/// Where in one half of a file, how many lines go, and how many come.
type Edit = (usize, usize, usize);

#[derive(Debug, Clone)]
enum Act {
    /// A command, and whether kode is killed before it looks.
    Command {
        file: usize,
        edit: Edit,
        killed: bool,
    },
    /// An edit tool writes one file or two; the person edits meanwhile.
    Writes {
        file: usize,
        edit: Edit,
        two: bool,
        persons: Option<(usize, Edit)>,
        killed: bool,
    },
    /// A question about an edit stands; the person edits and says no, or kode is killed.
    Denied {
        file: usize,
        edit: Edit,
        persons: (usize, Edit),
        killed: bool,
    },
    AgentMakesOrChangesItsFile {
        by_command: bool,
    },
    PersonEdits(usize, Edit),
    PersonMakesOrChangesTheirFile,
    /// The next turn begins.
    Turn,
    /// Esc Esc or Ctrl-C: the run ends with a look, and the session is opened again.
    Interrupted,
    /// Killed while the model thinks.
    Killed,
    RejectHunk(usize, usize),
    RejectFile(usize),
    RejectTurn(usize),
    RejectRun,
    UndoReject(usize),
    UndoNewestReject,
    Undo,
    Redo,
}

fn act() -> impl Strategy<Value = Act> {
    let file = || 0..FILES.len();
    let edit = || (0..8_usize, 0..3_usize, 0..3_usize);
    let persons = || (file(), edit());
    let flag = any::<bool>;
    prop_oneof![
        4 => (file(), edit(), prop::bool::weighted(0.3))
            .prop_map(|(file, edit, killed)| Act::Command { file, edit, killed }),
        5 => (file(), edit(), flag(), prop::option::of(persons()), prop::bool::weighted(0.2))
            .prop_map(|(file, edit, two, persons, killed)| {
                Act::Writes { file, edit, two, persons, killed }
            }),
        3 => (file(), edit(), persons(), prop::bool::weighted(0.4))
            .prop_map(|(file, edit, persons, killed)| Act::Denied { file, edit, persons, killed }),
        1 => flag().prop_map(|by_command| Act::AgentMakesOrChangesItsFile { by_command }),
        6 => persons().prop_map(|(file, edit)| Act::PersonEdits(file, edit)),
        1 => Just(Act::PersonMakesOrChangesTheirFile),
        3 => Just(Act::Turn),
        1 => Just(Act::Interrupted),
        2 => Just(Act::Killed),
        3 => (file(), 0..4_usize).prop_map(|(file, hunk)| Act::RejectHunk(file, hunk)),
        2 => file().prop_map(Act::RejectFile),
        2 => (0..4_usize).prop_map(Act::RejectTurn),
        1 => Just(Act::RejectRun),
        2 => file().prop_map(Act::UndoReject),
        1 => Just(Act::UndoNewestReject),
        1 => Just(Act::Undo),
        1 => Just(Act::Redo),
    ]
}

/// The project, the session, and what the person's halves must hold.
struct Story {
    work: Workspace,
    /// None only while it is opened again.
    session: Option<Session>,
    turn: u32,
    next: usize,
    tops: BTreeMap<&'static str, Vec<String>>,
    mine: Option<String>,
    /// What any step of the agent's touched.
    agents: BTreeSet<&'static str>,
}

fn base(half: &str) -> Vec<String> {
    (0..6).map(|n| format!("the {half} line {n} of before\n")).collect()
}

impl Story {
    fn new() -> Self {
        let work = Workspace::new();
        for name in FILES {
            work.write(
                name,
                [base("upper").concat().as_str(), BETWEEN, &base("lower").concat()].concat(),
            );
        }
        let session = Some(work.session());
        let tops = FILES.into_iter().map(|name| (name, base("upper"))).collect();
        let mut story =
            Self { work, session, turn: 0, next: 0, tops, mine: None, agents: BTreeSet::new() };
        story.turn();
        story
    }

    fn session(&mut self) -> (&mut Session, &mut Workspace) {
        (self.session.as_mut().unwrap(), &mut self.work)
    }

    fn turn(&mut self) {
        self.turn += 1;
        let turn = self.turn;
        let (session, _) = self.session();
        session.attribute(Origin::Agent { turn });
        session.nothing_runs();
    }

    /// kode is gone, and someone opens the session.
    fn reopen(&mut self) {
        let id = self.session.take().unwrap().id().to_owned();
        self.session = Some(self.work.resume(&id));
        self.look();
        self.turn();
    }

    fn look(&mut self) {
        let (session, work) = self.session();
        session.note_persons_edits(&work.files).unwrap();
    }

    fn halves(&self, name: &str) -> [Vec<String>; 2] {
        let text = String::from_utf8(self.work.read(name)).unwrap();
        let (top, bottom) = text.split_once(BETWEEN).unwrap();
        [top, bottom].map(|half| half.split_inclusive('\n').map(str::to_owned).collect())
    }

    fn spliced(&mut self, who: &str, mut lines: Vec<String>, edit: Edit) -> Vec<String> {
        let (at, gone, come) = edit;
        let at = at.min(lines.len());
        let end = (at + gone).min(lines.len());
        let new: Vec<String> =
            (0..come).map(|n| format!("{who} wrote number {}\n", self.next + n)).collect();
        self.next += come;
        lines.splice(at..end, new);
        lines
    }

    fn person(&mut self, file: usize, edit: Edit) {
        let name = FILES[file];
        let [top, bottom] = self.halves(name);
        let top = self.spliced("person", top, edit);
        self.work.write(name, [&top.concat(), BETWEEN, &bottom.concat()].concat());
        self.tops.insert(name, top);
    }

    /// What the agent makes of a file.
    fn agents(&mut self, file: usize, edit: Edit) -> String {
        let [top, bottom] = self.halves(FILES[file]);
        let new = self.spliced("agent", bottom.clone(), edit);
        if new != bottom {
            self.agents.insert(FILES[file]);
        }
        [&top.concat(), BETWEEN, &new.concat()].concat()
    }

    fn command(&mut self, name: &'static str, content: &str, killed: bool) {
        let (session, work) = self.session();
        session.command_begins(&work.files).unwrap();
        work.write(name, content);
        if killed {
            return self.reopen();
        }
        let (session, work) = self.session();
        session.compare(&work.files).unwrap();
        session.nothing_runs();
    }

    fn announce(&mut self, writes: &[(&'static str, String)]) {
        let (session, work) = self.session();
        for (name, _) in writes {
            session.mark_edited(&path(name), &work.files).unwrap();
        }
        session.note_persons_edits(&work.files).unwrap();
        let write = |(name, content): &(&str, String)| {
            let mode = WriteMode::Content(Untrusted::new(content.clone().into_bytes()));
            FileWrite { path: path(name), expected: None, mode }
        };
        let writes: Vec<FileWrite> = writes.iter().map(write).collect();
        session.announce(&writes, &work.files).unwrap();
    }

    fn writes(
        &mut self,
        writes: &[(&'static str, String)],
        persons: Option<(usize, Edit)>,
        killed: bool,
    ) {
        self.announce(writes);
        for (at, (name, content)) in writes.iter().enumerate() {
            self.work.write(name, content);
            let is_written = |file: usize| {
                let place = writes.iter().position(|(name, _)| *name == FILES[file]);
                place.is_none_or(|place| place <= at)
            };
            if let Some((file, edit)) = persons.filter(|_| at == 0)
                && is_written(file)
            {
                self.person(file, edit);
            }
        }
        if killed {
            return self.reopen();
        }
        let (session, work) = self.session();
        session.announced_is_written();
        session.compare(&work.files).unwrap();
        session.nothing_runs();
    }

    fn act(&mut self, act: &Act) {
        match act.clone() {
            Act::Command { file, edit, killed } => {
                let content = self.agents(file, edit);
                self.command(FILES[file], &content, killed);
            }
            Act::Writes { file, edit, two, persons, killed } => {
                let mut writes = vec![(FILES[file], self.agents(file, edit))];
                if two {
                    let other = (file + 1) % FILES.len();
                    writes.push((FILES[other], self.agents(other, edit)));
                }
                self.writes(&writes, persons, killed);
            }
            Act::Denied { file, edit, persons, killed } => {
                let before = self.agents.clone();
                let content = self.agents(file, edit);
                self.agents = before;
                self.announce(&[(FILES[file], content)]);
                self.person(persons.0, persons.1);
                match killed {
                    true => self.reopen(),
                    false => self.session().0.retract_announced().unwrap(),
                }
            }
            Act::AgentMakesOrChangesItsFile { by_command } => {
                self.next += 1;
                let content = format!("agent made this file, number {}\n", self.next);
                self.agents.insert(NEW);
                match by_command {
                    true => self.command(NEW, &content, false),
                    false => self.writes(&[(NEW, content)], None, false),
                }
            }
            Act::PersonEdits(file, edit) => self.person(file, edit),
            Act::PersonMakesOrChangesTheirFile => {
                self.next += 1;
                let content = format!("person made this file, number {}\n", self.next);
                self.work.write(MINE, &content);
                self.mine = Some(content);
            }
            Act::Turn => self.turn(),
            Act::Interrupted => {
                let (session, work) = self.session();
                session.compare(&work.files).unwrap();
                self.reopen();
            }
            Act::Killed => self.reopen(),
            kode => self.kode(&kode),
        }
        self.check(act);
    }

    /// What kode does for the person; that it refuses is fine, that it half does it not.
    fn kode(&mut self, act: &Act) {
        let before = self.work.all();
        if let Err(error) = self.done(act) {
            assert_eq!(self.work.all(), before, "{act:?} failed and wrote all the same: {error}");
        }
    }

    fn done(&mut self, act: &Act) -> Result<(), SessionError> {
        let id = self.session().0.id().to_owned();
        let review = self.work.store.review(&id).unwrap();
        let (session, Workspace { files, gate, .. }) = self.session();
        match act {
            Act::RejectHunk(file, hunk) => {
                session.reject_hunks(&path(FILES[*file]), &[*hunk], files, gate)?
            }
            Act::RejectFile(file) => {
                session.note_persons_edits(files)?;
                let restored = session.reject(&path(FILES[*file]), files, gate)?;
                assert_eq!(self.halves(FILES[*file])[1], base("lower"), "left in {act:?}");
                restored
            }
            Act::RejectTurn(which) => {
                let turns = review.turns();
                let Some(turn) = turns.get(*which) else { return Ok(()) };
                session.reject_turn(turn.id, files, gate)?
            }
            Act::RejectRun => {
                self.reject_all();
                return Ok(());
            }
            Act::UndoReject(file) => {
                session.undo(&UndoTarget::Reject(path(FILES[*file])), files, gate)?
            }
            Act::UndoNewestReject => session.undo(&UndoTarget::NewestReject, files, gate)?,
            Act::Undo => session.undo(&UndoTarget::Last, files, gate)?,
            _ => session.redo(files, gate)?,
        };
        Ok(())
    }

    /// All that the agent wrote, and nothing else, is listed and can be rejected.
    fn reject_all(&mut self) {
        self.look();
        let id = self.session().0.id().to_owned();
        let report = self.work.store.review(&id).unwrap().report();
        let listed: BTreeSet<&str> = report.files.iter().map(|it| it.file.path.as_str()).collect();
        assert!(
            listed.iter().all(|name| self.agents.contains(name)),
            "{listed:?} of {:?}",
            self.agents
        );
        for name in FILES.into_iter().filter(|name| self.halves(name)[1] != base("lower")) {
            let row = report.files.iter().find(|it| it.file.path.as_str() == name);
            assert!(row.is_some_and(|row| row.rejectable), "{name}: {row:?}");
        }
        let (session, Workspace { files, gate, .. }) = self.session();
        let left = session.reject_possible(files, gate).map(|done| done.not_done);
        assert!(left.is_err() || left.as_ref().is_ok_and(Vec::is_empty), "{left:?}");
        for name in FILES {
            assert_eq!(self.halves(name)[1], base("lower"), "{name} after {left:?}");
        }
        assert!(!self.work.exists(NEW), "{left:?}");
    }

    fn check(&self, act: &Act) {
        for (name, top) in &self.tops {
            assert_eq!(self.halves(name)[0], *top, "{name} after {act:?}");
        }
        let mine = self.work.exists(MINE).then(|| String::from_utf8(self.work.read(MINE)).unwrap());
        assert_eq!(mine, self.mine, "after {act:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(16),
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]
    #[test]
    fn no_byte_of_the_persons_is_lost_and_all_that_the_agent_wrote_can_be_rejected(
        acts in proptest::collection::vec(act(), 1..24),
    ) {
        let mut story = Story::new();
        for act in &acts {
            story.act(act);
        }
        story.reject_all();
        story.check(&Act::RejectRun);
    }
}
