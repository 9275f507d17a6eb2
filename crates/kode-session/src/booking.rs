//! Whose a change is: what an edit tool announced and wrote, and what was found after
//! a command, is the agent's; everything else is a person's. Decides nothing by how a
//! change looks.

use std::collections::BTreeSet;

use crate::changes::{Change, ChangeLine, Circumstance, Origin};
use crate::pack::PackId;
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
            let own = announcement.take(&mut changes);
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
        let (origin, circumstance) = (self.origin, self.circumstance_of(self.origin));
        booked.push(Booking { origin, circumstance, changes: rest });
        Booked(booked)
    }

    /// Makes changes part of the record. Not recorded is not seen: after a
    /// failure the next comparison finds them again.
    pub(crate) fn record_changes(
        &mut self,
        pack: Option<PackId>,
        mut booked: Booked,
    ) -> Result<(), SessionError> {
        let tree = self.tree.as_ref().ok_or(SessionError::NoBase)?;
        for change in booked.0.iter_mut().flat_map(|booking| &mut booking.changes) {
            let now = tree.now.get(&change.path).filter(|now| now.state == change.after);
            change.lines = now.and_then(|now| now.lines);
        }
        let mut recorded = match pack {
            Some(id) => self.changes.append(&ChangeLine::Pack { id }),
            None => Ok(()),
        };
        for Booking { origin, circumstance, changes } in &booked.0 {
            recorded = recorded
                .and_then(|()| self.record_step_of(*origin, *circumstance, changes).map(drop));
        }
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
}
