//! Whose a change is: what an edit tool announced and wrote, and what was found after
//! a command, is the agent's; everything else is a person's. Decides nothing by how a
//! change looks.

use std::collections::BTreeSet;

use crate::authored::Written;
use crate::changes::{Change, ChangeLine, Circumstance, Origin, StepId, step_lines};
use crate::pack::PackId;
use crate::renames;
use crate::{Session, SessionError};

/// Changes of one comparison, by whose they are, in the order of their steps.
pub(crate) struct Booked(pub(crate) Vec<Booking>);

/// Changes with one cause.
pub(crate) struct Booking {
    pub(crate) origin: Origin,
    pub(crate) circumstance: Circumstance,
    pub(crate) changes: Vec<Change>,
}

impl Booking {
    pub(crate) fn is_agents(&self) -> bool {
        matches!(self.origin, Origin::Agent { .. })
    }
}

impl Booked {
    /// What is the agent's of it.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(|booking| booking.is_agents()).flat_map(|booking| &booking.changes)
    }
}

impl Session {
    /// Books what one comparison found: what was announced, what is followed from now
    /// on, and the rest.
    pub(crate) fn book(&mut self, mut changes: Vec<Change>) -> Booked {
        let mut booked = Vec::new();
        if let Some(announcement) = self.announced.take() {
            let own = announcement.take(&mut changes, &self.blobs);
            let (origin, circumstance) = announcement.cause();
            booked.push(Booking { origin, circumstance, changes: own });
        }
        // Nobody saw who made them: they are the agent's, as if a command had.
        let followed: BTreeSet<_> = std::mem::take(&mut self.followed);
        let (own, rest): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| followed.contains(&change.path));
        let (origin, circumstance) =
            (self.agent, Circumstance { by_command: true, ..self.circumstance });
        booked.push(Booking { origin, circumstance, changes: own });
        let (origin, circumstance) = self.cause_of_rest(self.origin);
        booked.push(Booking { origin, circumstance, changes: rest });
        Booked(booked)
    }

    /// Whose it is what nobody announced: `origin`'s, unless a command began that no
    /// look has followed yet.
    pub(crate) fn cause_of_rest(&self, origin: Origin) -> (Origin, Circumstance) {
        match self.running {
            Some(running) => (running.origin, running.circumstance),
            None => (origin, self.circumstance_of(origin)),
        }
    }

    /// Makes changes part of the record, and with them `ending`, that of the command
    /// which made them: in one write, so that a kill leaves both or neither. Not recorded
    /// is not seen: after a failure the next comparison finds them again.
    pub(crate) fn record_changes(
        &mut self,
        pack: Option<PackId>,
        mut booked: Booked,
        ending: Option<ChangeLine>,
    ) -> Result<(), SessionError> {
        self.mark_derived(&mut booked)?;
        let tree = self.tree.as_ref().ok_or(SessionError::NoBase)?;
        for change in booked.0.iter_mut().flat_map(|booking| &mut booking.changes) {
            let now = tree.now.get(&change.path).filter(|now| now.state == change.after);
            change.lines = now.and_then(|now| now.lines);
        }
        let recorded = self.record_all(pack, &booked, ending);
        let changes = booked.0.into_iter().map(|booking| booking.changes);
        if recorded.is_err() {
            let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
            // The first of a path says what stood there.
            changes.rev().for_each(|changes| tree.revert(changes));
        } else {
            self.last_changes.extend(changes.flatten());
        }
        recorded
    }

    fn record_all(
        &mut self,
        pack: Option<PackId>,
        booked: &Booked,
        ending: Option<ChangeLine>,
    ) -> Result<(), SessionError> {
        let mut next = self.next_step();
        let mut lines = Vec::from_iter(pack.map(|id| ChangeLine::Pack { id }));
        for Booking { origin, circumstance, changes } in &booked.0 {
            if !changes.is_empty() {
                lines.extend(step_lines(next, *origin, *circumstance, changes));
                next = StepId(next.0 + 1);
            }
        }
        if lines.is_empty() {
            return if ending.is_some() { self.end_command() } else { Ok(()) };
        }
        let ends = ending.is_some();
        lines.extend(ending);
        self.changes.append_all(&lines)?;
        self.recorded_up_to(next);
        self.running = self.running.filter(|_| !ends);
        for Booking { origin, changes, .. } in &booked.0 {
            self.note_authored(*origin, changes);
        }
        Ok(())
    }

    /// A step is recorded: who answers for its files.
    pub(crate) fn note_authored(&mut self, origin: Origin, changes: &[Change]) {
        self.authored.note(origin, changes);
        if let Some(written) = self.written.as_mut().filter(|_| origin != Origin::Person) {
            written.note(changes, &self.blobs);
        }
    }

    /// Marks what a person made of the agent's own: a moved or copied file, a commit
    /// taken out. What was written by a process that outlived its command looks like a
    /// person's, so nothing is then.
    fn mark_derived(&mut self, booked: &mut Booked) -> Result<(), SessionError> {
        let persons = booked.0.iter_mut().filter(|booking| booking.origin == Origin::Person);
        for changes in persons.map(|booking| &mut booking.changes) {
            let new: Vec<usize> =
                (0..changes.len()).filter(|at| !self.authored.holds(&changes[*at].path)).collect();
            if new.is_empty() {
                continue;
            }
            let renames = renames::of_changes(changes, &self.blobs);
            for at in new {
                let old = renames.get(&changes[at].path);
                let is_moved = old.is_some_and(|old| self.authored.holds(old));
                changes[at].derived =
                    is_moved || self.has_outliving_processes || self.is_agents_own(&changes[at])?;
            }
        }
        Ok(())
    }

    fn is_agents_own(&mut self, change: &Change) -> Result<bool, SessionError> {
        self.written()?;
        let base = self.tree()?.base_of(&change.path);
        let is_source = |written: &Written| written.is_source_of(change, base, &self.blobs);
        Ok(self.written.as_ref().is_some_and(is_source))
    }
}
