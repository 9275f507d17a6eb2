//! The record of what changed in the project, step by step: who caused it, and
//! every touched file's state before and after. Folded over the base snapshot
//! it gives the last known state; walked backwards it undoes steps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kode_base::ProjectPath;
use serde::{Deserialize, Serialize};

use crate::SessionError;
use crate::announced::Announcement;
use crate::held::{Held, HeldId};
use crate::ledger::read_lines;
use crate::meta::now;
use crate::pack::PackId;
use crate::running::Running;
use crate::state::FileState;

/// Changes in one line of the file; a larger step takes several.
const CHANGES_PER_LINE: usize = 1000;

/// The number of a step in its session, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u64);

/// Who or what caused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Origin {
    /// The agent's tools, in this model turn.
    Agent {
        /// Counts from 1.
        turn: u32,
    },
    /// Someone else, between the agent's steps.
    Person,
    /// A person rejected the agent's change.
    Reject,
    /// A person took steps back.
    Undo {
        /// The earliest step that was taken back.
        of: StepId,
    },
    /// A person brought steps back.
    Redo {
        /// The undo that was taken back.
        of: StepId,
    },
}

/// One file's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) path: ProjectPath,
    pub(crate) before: Option<FileState>,
    pub(crate) after: Option<FileState>,
    /// Lines of `after` against the base, where they were counted: a review of
    /// thousands of files need not count them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<Lines>,
    /// This reject gave a renamed file its old name back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) back: Option<Box<BackFrom>>,
    /// A person made it of what the agent had written, or that can't be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) derived: bool,
}

impl Change {
    pub(crate) fn new(
        path: ProjectPath,
        before: Option<FileState>,
        after: Option<FileState>,
    ) -> Self {
        Self { path, before, after, lines: None, back: None, derived: false }
    }
}

/// Where a file came back from when a rename was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackFrom {
    /// The name it had. Both names are one change.
    pub(crate) name: ProjectPath,
    /// What is not the agent's of it: people may have edited it under that name.
    pub(crate) accepted: FileState,
}

/// Line counts of one touched file against the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines {
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) binary: bool,
}

/// How the agent came to a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Circumstance {
    /// The number of the first step that the same turn could have: names the turn
    /// across runs, which all count their turns from 1. Of a reject, the turn that was
    /// rejected as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) turn_from: Option<StepId>,
    /// A command did it, not an edit tool.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_command: bool,
}

/// Changes that were found together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: StepId,
    pub(crate) time: String,
    pub(crate) origin: Origin,
    #[serde(default)]
    pub(crate) circumstance: Circumstance,
    pub(crate) changes: Vec<Change>,
}

/// One line of `changes.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(crate) enum ChangeLine {
    /// An ignored path that an edit tool writes, as it was before.
    Marked {
        path: ProjectPath,
        base: Option<FileState>,
        /// It is reached through a link: another name of what that leads to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        through_link: bool,
    },
    /// A pack that holds contents of the steps that follow.
    Pack { id: PackId },
    /// What an edit tool is about to write.
    Announced(Announcement),
    /// A command of the agent's is about to be started.
    CommandBegan(Running),
    /// It ended, and what it changed is recorded.
    CommandEnded,
    /// From here on it can't be told of a file that a person alone made it.
    AuthorsUnknown,
    /// A step or a part of one.
    Step(Step),
    /// A change of a sensitive place that waits for a person.
    Held(Held),
    /// How a held change ended: made, or given up.
    HeldEnded { id: HeldId, made: bool },
}

/// Everything read back from `changes.jsonl`.
#[derive(Debug, Default, Clone)]
pub(crate) struct History {
    pub(crate) marked: BTreeMap<ProjectPath, Option<FileState>>,
    /// Marked, and reached through a link.
    pub(crate) aliases: BTreeSet<ProjectPath>,
    pub(crate) packs: Vec<PackId>,
    pub(crate) steps: Vec<Step>,
    /// Announced, and no step recorded since.
    pub(crate) announced: Option<Announcement>,
    /// A command that began and did not end.
    pub(crate) running: Option<Running>,
    /// It can't be told which files a person alone made.
    pub(crate) authors_unknown: bool,
    /// Held changes without an end.
    pub(crate) held: Vec<Held>,
    pub(crate) next_held: u64,
}

impl History {
    pub(crate) fn load(path: &Path) -> Result<Self, SessionError> {
        let mut history = Self { next_held: 1, ..Self::default() };
        for line in read_lines(path)? {
            match line {
                ChangeLine::Marked { path, base, through_link } => {
                    if through_link {
                        history.aliases.insert(path.clone());
                    }
                    history.marked.entry(path).or_insert(base);
                }
                ChangeLine::Pack { id } => history.packs.push(id),
                ChangeLine::Announced(announcement) => {
                    history.announced = Some(announcement.after(history.announced.take()));
                }
                ChangeLine::CommandBegan(running) => history.running = Some(running),
                ChangeLine::CommandEnded => history.running = None,
                ChangeLine::AuthorsUnknown => history.authors_unknown = true,
                ChangeLine::Step(step) => {
                    history.announced = None;
                    history.push(step);
                }
                ChangeLine::Held(held) => {
                    history.next_held = held.id.0 + 1;
                    history.held.push(held);
                }
                ChangeLine::HeldEnded { id, .. } => history.held.retain(|held| held.id != id),
            }
        }
        Ok(history)
    }

    fn push(&mut self, part: Step) {
        match self.steps.last_mut() {
            Some(step) if step.id == part.id => step.changes.extend(part.changes),
            _ => self.steps.push(part),
        }
    }

    pub(crate) fn next_id(&self) -> StepId {
        StepId(self.steps.last().map_or(0, |step| step.id.0) + 1)
    }
}

/// The lines of a step.
pub(crate) fn step_lines(
    id: StepId,
    origin: Origin,
    circumstance: Circumstance,
    changes: &[Change],
) -> Vec<ChangeLine> {
    let line = |part: &[Change]| {
        let changes = part.to_vec();
        ChangeLine::Step(Step { id, time: now(), origin, circumstance, changes })
    };
    changes.chunks(CHANGES_PER_LINE).map(line).collect()
}
