//! A command's connections, as the audit log keeps them.

use kode_audit::{ConnectionRecord, Record};
use kode_base::AuditSequence;
use kode_base::escape::escape_line;
use kode_sandbox::Connection;

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
