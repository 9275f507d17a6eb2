//! A command's connections, as the audit log keeps them.

use std::io;
use std::sync::{Mutex, PoisonError};

use kode_audit::{AuditLog, ConnectionRecord, Record};
use kode_base::AuditSequence;
use kode_base::escape::escape_line;
use kode_sandbox::{Connection, Departure, Witness};

/// A witness that keeps every connection in the audit log before it leaves: also
/// when kode itself is killed, the log names each host that was reached.
pub fn audit_witness(log: AuditLog) -> Witness {
    let log = Mutex::new(log);
    Witness::new(move |Departure { intent, host, port }| {
        let record = Record::Departure { intent, host: escape_line(&host), port };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.append(&record).map(drop).map_err(io::Error::other)
    })
}

/// The record of `connection`; `intent` is the permitted action's.
pub fn connection_record(connection: &Connection, intent: AuditSequence) -> Record {
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
