//! Branches, loops and early exits: running alternatives from the same state
//! and joining what they changed. The cost is linear in the writes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Engine;
use super::value::Value;

/// Exits kept for one construct; later ones are joined by taint only.
const SNAPSHOTS_MAX: usize = 24;
/// Writes looked at for one snapshot.
const SNAPSHOT_WRITES_MAX: usize = 4_000;

/// Values by the slot of their variable.
type Slots = HashMap<usize, Value, BuildHasherDefault<SlotHasher>>;

/// Slots are small numbers of our own: one multiplication spreads them.
#[derive(Debug, Default)]
pub(super) struct SlotHasher(u64);

impl Hasher for SlotHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, slot: usize) {
        // 2⁶⁴ divided by the golden ratio.
        self.0 = (self.0 ^ slot as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// What `break` or `return` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExitKind {
    Loop,
    Switch,
    Function,
}

/// The states in which a construct was left early.
#[derive(Debug)]
pub(super) struct Exits {
    kind: ExitKind,
    mark: usize,
    snapshots: Vec<Slots>,
}

impl Exits {
    pub(super) fn is_loop(&self) -> bool {
        self.kind == ExitKind::Loop
    }
}

impl Engine<'_> {
    pub(super) fn enter_exits(&mut self, kind: ExitKind) {
        self.exits.push(Exits { kind, mark: self.log.len(), snapshots: Vec::new() });
    }

    /// Leaves a construct: the state is what any of its exits may have left.
    pub(super) fn leave_exits(&mut self) {
        let Some(exits) = self.exits.pop() else { return };
        for snapshot in exits.snapshots {
            if self.dead {
                self.undo(exits.mark);
                for (slot, value) in snapshot {
                    self.write_slot(slot, value);
                }
                self.dead = false;
            } else {
                self.join_changes(exits.mark, &snapshot);
            }
        }
    }

    /// Records an exit to the innermost construct that `wanted` accepts; what
    /// follows is not reached.
    pub(super) fn exit_to(&mut self, wanted: impl Fn(ExitKind) -> bool) {
        if self.dead {
            return;
        }
        if let Some(at) = self.exits.iter().rposition(|exits| wanted(exits.kind)) {
            let mark = self.exits[at].mark;
            let is_small = self.log.len() - mark <= SNAPSHOT_WRITES_MAX;
            if is_small && self.exits[at].snapshots.len() < SNAPSHOTS_MAX {
                let snapshot = self.changes(mark);
                self.exits[at].snapshots.push(snapshot);
            }
        }
        self.dead = true;
    }

    /// Runs two alternatives and joins them.
    pub(super) fn either_way(
        &mut self,
        first: impl FnOnce(&mut Self),
        second: impl FnOnce(&mut Self),
    ) {
        let (mark, was_dead) = (self.log.len(), self.dead);
        first(self);
        let first_dead = self.dead;
        let first_changes = self.changes(mark);
        self.undo(mark);
        self.dead = was_dead;
        second(self);
        if first_dead {
            return;
        }
        if self.dead {
            self.undo(mark);
            for (slot, value) in first_changes {
                self.write_slot(slot, value);
            }
            self.dead = was_dead;
        } else {
            self.join_changes(mark, &first_changes);
        }
    }

    /// The current values of what was written since `mark`.
    fn changes(&self, mark: usize) -> Slots {
        let slots = self.log[mark.min(self.log.len())..].iter().map(|(slot, _)| *slot);
        slots.map(|slot| (slot, self.variables[slot].clone())).collect()
    }

    /// Takes back every write since `mark`.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.log.len() > mark {
            if let Some((slot, before)) = self.log.pop() {
                self.variables[slot] = before;
            }
        }
    }

    /// Joins the current state with another that began at `mark`.
    fn join_changes(&mut self, mark: usize, other: &Slots) {
        let mut before = Slots::default();
        for (slot, value) in &self.log[mark.min(self.log.len())..] {
            before.entry(*slot).or_insert_with(|| value.clone());
        }
        for (slot, value) in other {
            let current = self.variables[*slot].clone();
            if !current.same(value) {
                let joined = current.join(value);
                self.write_slot(*slot, joined);
            }
        }
        for (slot, value) in before {
            if !other.contains_key(&slot) {
                let current = self.variables[slot].clone();
                if !current.same(&value) {
                    let joined = current.join(&value);
                    self.write_slot(slot, joined);
                }
            }
        }
    }
}
