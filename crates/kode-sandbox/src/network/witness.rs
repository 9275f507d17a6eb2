//! Who is told of a connection before anything of it leaves. It answers whether
//! that is kept; what can't be kept does not go out.

use std::fmt;
use std::io;
use std::sync::Arc;

use kode_base::AuditSequence;

use super::{HostName, Refusal};

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

/// Keeps each departure before it happens.
#[derive(Clone)]
pub struct Witness(Arc<dyn Fn(Departure) -> io::Result<()> + Send + Sync>);

impl Witness {
    /// One that keeps departures with `keep`; an error refuses the connection.
    pub fn new(keep: impl Fn(Departure) -> io::Result<()> + Send + Sync + 'static) -> Self {
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
        (self.witness.0)(departure).map_err(|error| Refusal::NotKept(error.to_string()))
    }
}
