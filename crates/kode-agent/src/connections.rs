//! A command's connections, as the audit log keeps them.

use std::io;
use std::sync::{Mutex, PoisonError};

use kode_audit::{AuditLog, ConnectionRecord, Record};
use kode_base::AuditSequence;
use kode_base::escape::escape_line;
use kode_sandbox::{Connection, Departure, Sighting, Witness};

/// A witness that keeps every connection in the audit log before it leaves, and
/// what came of it when it has ended: also when kode itself is killed, the log
/// names each host that was reached.
pub fn audit_witness(log: AuditLog) -> Witness {
    let log = Mutex::new(log);
    Witness::new(move |sighting| {
        let record = match sighting {
            Sighting::Departs(Departure { intent, host, port }) => {
                Record::Departure { intent, host: escape_line(&host), port }
            }
            Sighting::Ended(intent, connection) => connection_record(&connection, intent),
        };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.append(&record).map(drop).map_err(io::Error::other)
    })
}

/// Records of those connections that the witness did not keep: they lasted to
/// the end of the permitted action, or there is no witness.
pub fn connection_records(connections: &[Connection], intent: AuditSequence) -> Vec<Record> {
    let left = connections.iter().filter(|connection| !connection.is_kept);
    left.map(|connection| connection_record(connection, intent)).collect()
}

/// The record of `connection`; `intent` is the permitted action's.
fn connection_record(connection: &Connection, intent: AuditSequence) -> Record {
    Record::Connection(ConnectionRecord {
        intent,
        via: connection.via.to_string(),
        host: connection.host.clone(),
        port: connection.port,
        requests: connection.requests,
        bytes_sent: connection.bytes_sent,
        bytes_received: connection.bytes_received,
        duration_ms: u64::try_from(connection.elapsed.as_millis()).unwrap_or(u64::MAX),
        refused: connection.refusal.as_ref().map(|refusal| escape_line(&refusal.to_string())),
    })
}
