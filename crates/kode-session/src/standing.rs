//! What is not the agent's of every file, followed through all steps. A file that
//! the agent renamed is one file: what people edited under its new name, or under
//! one on the way to it, comes along when the old name returns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kode_base::ProjectPath;

use crate::accepted::Accepted;
use crate::blobs::Blobs;
use crate::changes::{Change, Origin, Step, StepId};
use crate::renames;
use crate::state::FileState;
use crate::tree::Tree;
use crate::undo::taken_back;

/// Files that came or went without a partner, each, among which one is looked for
/// in a later step.
const ALONE_MAX: usize = 20;

/// One renamed file.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) old: ProjectPath,
    pub(crate) new: ProjectPath,
    /// What is not the agent's of it; none when it was a person who renamed it.
    pub(crate) agents: Option<Accepted>,
    /// What stands under the new name without the rename: mostly nothing.
    pub(crate) under: Option<FileState>,
    /// Someone edited it under a name that it has no longer.
    pub(crate) edited_on_the_way: bool,
}

/// What is accepted everywhere.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    accepted: HashMap<ProjectPath, Accepted>,
    by_new: BTreeMap<ProjectPath, Move>,
    new_by_old: BTreeMap<ProjectPath, ProjectPath>,
    /// Someone edited them while they had another name.
    edited_away: BTreeSet<ProjectPath>,
    /// Where the file of a name went last: to another name, or back to its old one when
    /// someone took the new one away.
    went_to: BTreeMap<ProjectPath, ProjectPath>,
}

impl Standing {
    pub(crate) fn find(tree: &Tree, steps: &[Step], blobs: &Blobs) -> Self {
        let has_undos = steps.iter().any(|step| matches!(step.origin, Origin::Undo { .. }));
        let gone = if has_undos { taken_back(steps) } else { BTreeSet::new() };
        let mut following = Following {
            tree,
            blobs,
            gone,
            accepted: HashMap::new(),
            carried: BTreeMap::new(),
            came: BTreeMap::new(),
            went: BTreeMap::new(),
            edited_away: BTreeSet::new(),
            went_to: BTreeMap::new(),
        };
        steps.iter().for_each(|step| following.step(step));
        following.end()
    }

    /// What is not the agent's at `path`; of a renamed file under either name.
    pub(crate) fn of(&self, path: &ProjectPath, tree: &Tree) -> Accepted {
        match (self.agents_move(path), self.accepted.get(path)) {
            (Some((_, accepted)), _) | (None, Some(accepted)) => accepted.clone(),
            (None, None) => Accepted::of(tree.base_of(path).cloned()),
        }
    }

    /// The rename that `path` is a name of.
    pub(crate) fn move_of(&self, path: &ProjectPath) -> Option<&Move> {
        self.by_new.get(self.new_by_old.get(path).unwrap_or(path))
    }

    /// The rename by the agent that `path` is a name of, and what is accepted.
    pub(crate) fn agents_move(&self, path: &ProjectPath) -> Option<(&Move, &Accepted)> {
        let found = self.move_of(path)?;
        Some((found, found.agents.as_ref()?))
    }

    /// Whether `path` is the old name of a file that has another one now.
    pub(crate) fn is_old_name(&self, path: &ProjectPath) -> bool {
        self.new_by_old.contains_key(path)
    }

    /// The name by which the file that had the name `path` can be found now.
    pub(crate) fn followed(&self, path: &ProjectPath, tree: &Tree) -> ProjectPath {
        let mut name = path;
        for _ in 0..=self.went_to.len() {
            let is_known = tree.now_of(name).is_some()
                || self.move_of(name).is_some()
                || self.of(name, tree).state.is_some();
            match self.went_to.get(name).filter(|_| !is_known) {
                Some(next) => name = next,
                None => return name.clone(),
            }
        }
        path.clone()
    }

    /// Whether someone edited the file under another name.
    pub(crate) fn was_edited_away(&self, path: &ProjectPath) -> bool {
        self.edited_away.contains(path)
    }

    fn note(&mut self, found: Move) {
        self.new_by_old.insert(found.old.clone(), found.new.clone());
        self.by_new.insert(found.new.clone(), found);
    }
}

/// A file that the agent gave another name.
#[derive(Debug, Clone)]
struct Carried {
    home: ProjectPath,
    accepted: Accepted,
    under: Option<FileState>,
    edited_on_the_way: bool,
    edited_here: bool,
}

/// A file that the agent made, and what people changed of it since.
struct Came<'a> {
    now: FileState,
    edits: Vec<&'a Change>,
    /// What stands there without the agent.
    under: Option<FileState>,
}

/// Files and what they were or are.
type States<'a> = Vec<(&'a ProjectPath, &'a FileState)>;

/// The walk through the steps.
struct Following<'a> {
    tree: &'a Tree,
    blobs: &'a Blobs,
    gone: BTreeSet<(StepId, ProjectPath)>,
    accepted: HashMap<ProjectPath, Accepted>,
    /// By the name they have.
    carried: BTreeMap<ProjectPath, Carried>,
    /// Made and taken away by the agent, as far as no other name is known.
    came: BTreeMap<ProjectPath, Came<'a>>,
    went: BTreeMap<ProjectPath, FileState>,
    edited_away: BTreeSet<ProjectPath>,
    went_to: BTreeMap<ProjectPath, ProjectPath>,
}

impl<'a> Following<'a> {
    fn plain(&self, path: &ProjectPath) -> Accepted {
        let known = self.accepted.get(path).cloned();
        known.unwrap_or_else(|| Accepted::of(self.tree.base_of(path).cloned()))
    }

    fn step(&mut self, step: &'a Step) {
        match step.origin {
            Origin::Person => {
                let moved = self.moved_by_a_person(step);
                // A file that someone moved is gone before it is there.
                let (gone, there): (Vec<_>, Vec<_>) =
                    step.changes.iter().partition(|change| change.after.is_none());
                gone.into_iter().chain(there).for_each(|change| self.person(change));
                for (old, new, accepted) in moved {
                    self.went_to.insert(old, new.clone());
                    self.accepted.insert(new, accepted);
                }
            }
            Origin::Reject => self.reject(step),
            Origin::Agent { .. } => self.agent(step),
            Origin::Undo { .. } | Origin::Redo { .. } => {}
        }
    }

    /// Files that hold something of the agent's and that someone gave another name: what
    /// is not the agent's of them, under the new one.
    fn moved_by_a_person(&self, step: &Step) -> Vec<(ProjectPath, ProjectPath, Accepted)> {
        let change_of = |path: &ProjectPath| step.changes.iter().find(|it| it.path == *path);
        let moved = renames::of_changes(&step.changes, self.blobs).into_iter();
        let moved = moved.filter_map(|(new, old)| {
            let (before, after) =
                (change_of(&old)?.before.clone()?, change_of(&new)?.after.clone()?);
            let accepted = self.plain(&old);
            let is_persons = accepted.state.as_ref().is_some_and(|state| state.same(&before));
            if is_persons || self.carried.contains_key(&old) {
                return None;
            }
            let is_same = before.same(&after);
            let edit = Change::new(new.clone(), Some(before), Some(after));
            let accepted =
                if is_same { accepted } else { accepted.with_edit(&new, &edit, self.blobs) };
            Some((old, new, accepted))
        });
        moved.collect()
    }

    fn person(&mut self, change: &'a Change) {
        let path = &change.path;
        let accepted = self.plain(path).with_edit(path, change, self.blobs);
        self.accepted.insert(path.clone(), accepted);
        if let Some(came) = self.came.get_mut(path) {
            match &change.after {
                Some(after) => {
                    came.now = after.clone();
                    came.edits.push(change);
                }
                None => drop(self.came.remove(path)),
            }
        }
        self.went.remove(path);
        let Some(mut carried) = self.carried.remove(path) else { return };
        match (&change.before, &change.after) {
            // That the old name is gone is the agent's doing all the same.
            (_, None) => {
                self.went_to.insert(path.clone(), carried.home.clone());
                self.accepted.insert(carried.home, Accepted::of(carried.accepted.state));
            }
            // They made another one in its place.
            (None, _) => drop(self.edited_away.insert(carried.home)),
            _ => {
                self.edited_away.insert(carried.home.clone());
                carried.accepted = carried.accepted.with_edit(path, change, self.blobs);
                carried.edited_here = true;
                self.carried.insert(path.clone(), carried);
            }
        }
    }

    /// A rename that was rejected: the record says what was accepted.
    fn reject(&mut self, step: &'a Step) {
        for change in &step.changes {
            let Some(back) = &change.back else { continue };
            if self.gone.contains(&(step.id, change.path.clone())) {
                continue;
            }
            self.carried.remove(&back.name);
            self.came.remove(&back.name);
            let under = step.changes.iter().find(|other| other.path == back.name);
            let under = under.and_then(|other| other.after.clone());
            self.accepted.insert(back.name.clone(), Accepted::of(under));
            self.edited_away.remove(&change.path);
            let accepted = Accepted::of(Some(back.accepted.clone()));
            self.accepted.insert(change.path.clone(), accepted);
        }
    }

    fn agent(&mut self, step: &'a Step) {
        let (came, went) = self.came_and_went(step);
        if came.is_empty() && went.is_empty() {
            return;
        }
        for (path, _) in &went {
            self.came.remove(*path);
        }
        for (path, _) in &came {
            self.went.remove(*path);
        }
        let renames = self.renames_among(&came, &went);
        let is_alone = |path: &ProjectPath| {
            !renames.contains_key(path) && !renames.values().any(|old| old == path)
        };
        for (path, state) in came.into_iter().filter(|(path, _)| is_alone(path)) {
            let under = self.plain(path).state;
            let came = Came { now: state.clone(), edits: Vec::new(), under };
            self.came.insert(path.clone(), came);
        }
        for (path, state) in went.into_iter().filter(|(path, _)| is_alone(path)) {
            self.went.insert(path.clone(), state.clone());
            if let Some(carried) = self.carried.get(path) {
                self.accepted.insert(carried.home.clone(), carried.accepted.clone());
            }
        }
        self.renamed(renames);
    }

    /// What the agent made and took away in a step that was not taken back.
    fn came_and_went(&mut self, step: &'a Step) -> (States<'a>, States<'a>) {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for Change { path, before, after, .. } in &step.changes {
            if self.gone.contains(&(step.id, path.clone())) {
                continue;
            }
            match (before, after) {
                (None, Some(after)) => came.push((path, after)),
                (Some(before), None) => went.push((path, before)),
                (_, after) => {
                    if let (Some(came), Some(after)) = (self.came.get_mut(path), after) {
                        came.now = after.clone();
                    }
                }
            }
        }
        (came, went)
    }

    /// The renames among what came and went in a step, and alone before.
    fn renames_among(&self, came: &States<'_>, went: &States<'_>) -> renames::Renames {
        let of_step = came.iter().map(|(path, state)| (*path, None, Some(*state)));
        let of_step = of_step.chain(went.iter().map(|(path, state)| (*path, Some(*state), None)));
        if self.came.len() > ALONE_MAX || self.went.len() > ALONE_MAX {
            return renames::find(of_step, self.blobs);
        }
        let before = self.came.iter().map(|(path, came)| (path, None, Some(&came.now)));
        let before = before.chain(self.went.iter().map(|(path, went)| (path, Some(went), None)));
        renames::find(of_step.chain(before), self.blobs)
    }

    fn renamed(&mut self, renames: renames::Renames) {
        // Two files may have exchanged their names: all leave before one comes.
        let mut arriving = Vec::new();
        for (new, old) in renames {
            self.went_to.insert(old.clone(), new.clone());
            let (home, mut accepted, mut on_the_way) = match self.carried.remove(&old) {
                Some(carried) => {
                    self.accepted.insert(old.clone(), Accepted::of(carried.under));
                    let edited = carried.edited_on_the_way || carried.edited_here;
                    (carried.home, carried.accepted, edited)
                }
                None => (old.clone(), self.plain(&old), false),
            };
            self.went.remove(&old);
            let came = self.came.remove(&new);
            for edit in came.iter().flat_map(|came| &came.edits) {
                accepted = accepted.with_edit(&new, edit, self.blobs);
                on_the_way = true;
            }
            let under = came.map(|came| came.under);
            arriving.push((new, home, accepted, on_the_way, under));
        }
        for (new, home, accepted, edited_on_the_way, under) in arriving {
            if let Some(before) = self.carried.remove(&new) {
                self.accepted.insert(before.home, before.accepted);
            }
            if new == home {
                self.accepted.insert(new, accepted);
                continue;
            }
            let under = under.unwrap_or_else(|| self.plain(&new).state);
            let edited_here = false;
            let carried = Carried { home, accepted, under, edited_on_the_way, edited_here };
            self.carried.insert(new, carried);
        }
    }

    fn end(mut self) -> Standing {
        let mut standing = Standing {
            edited_away: self.edited_away,
            went_to: self.went_to,
            ..Standing::default()
        };
        let is_there = |path: &ProjectPath| self.tree.now_of(path).is_some();
        for (new, carried) in self.carried {
            let Carried { home, accepted, under, edited_on_the_way, .. } = carried;
            match (is_there(&new), is_there(&home)) {
                (true, false) if accepted.state.is_some() => {
                    let agents = Some(accepted);
                    standing.note(Move { old: home, new, agents, under, edited_on_the_way });
                }
                // Its name is taken: it can only stay where it is.
                (true, _) => drop(self.accepted.insert(new, accepted)),
                (false, _) => {}
            }
        }
        standing.accepted = self.accepted;
        standing.note_alike(self.tree, self.blobs);
        standing
    }
}

impl Standing {
    /// What looks renamed between the base and now, by whomever.
    fn note_alike(&mut self, tree: &Tree, blobs: &Blobs) {
        for (new, old) in renames::of_tree(tree, blobs) {
            if self.move_of(&new).is_some() || self.move_of(&old).is_some() {
                continue;
            }
            let (before, now) = (self.of(&old, tree), self.of(&new, tree));
            let agents = match (&before.state, &now.state) {
                (Some(_), None) => Some(before),
                // A person took the old name away.
                (None, Some(_)) => None,
                _ => continue,
            };
            self.note(Move { old, new, agents, under: None, edited_on_the_way: false });
        }
    }
}
