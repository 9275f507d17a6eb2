//! Who is told of a connection before anything of it leaves, and again when it
//! has ended. It answers whether that is kept; what can't be kept does not go
//! out.

use std::fmt;
use std::io;
use std::sync::Arc;

use kode_base::AuditSequence;

use super::{Connection, HostName, Refusal};

/// A connection about to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The permitted action it belongs to.
    pub intent: AuditSequence,
    /// Where to.
    pub host: String,
    /// Where to.
    pub port: u16,
}

/// What a witness is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A connection is about to leave; an error refuses it.
    Departs(Departure),
    /// A connection of this permitted action has ended, carried or refused. What
    /// can't be kept is told again when the action ends.
    Ended(AuditSequence, Connection),
}

/// Keeps each connection: its departure before it happens, its end at once.
#[derive(Clone)]
pub struct Witness(Arc<dyn Fn(Sighting) -> io::Result<()> + Send + Sync>);

impl Witness {
    /// One that keeps what it is told with `keep`.
    pub fn new(keep: impl Fn(Sighting) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(keep))
    }

    /// The same for the connections of one action.
    pub(super) fn of(&self, intent: AuditSequence) -> WitnessOf {
        WitnessOf { witness: self.clone(), intent }
    }
}

impl PartialEq for Witness {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Witness {}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Witness")
    }
}

/// A witness of one action's connections.
#[derive(Debug, Clone)]
pub(super) struct WitnessOf {
    witness: Witness,
    intent: AuditSequence,
}

impl WitnessOf {
    pub(super) fn sees(&self, host: &HostName, port: u16) -> Result<(), Refusal> {
        let departure = Departure { intent: self.intent, host: host.to_string(), port };
        let kept = (self.witness.0)(Sighting::Departs(departure));
        kept.map_err(|error| Refusal::NotKept(error.to_string()))
    }

    /// Whether the end of `connection` is kept.
    pub(super) fn keeps_end(&self, connection: &Connection) -> bool {
        (self.witness.0)(Sighting::Ended(self.intent, connection.clone())).is_ok()
    }
}
