//! The log as other crates and other processes use it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests tamper with logs and start writer processes"
)]

mod format;
mod kills;
mod limits;
mod opening;
mod reading;
mod tampering;

use std::path::Path;

use kode_audit::{AuditLog, Record};

fn notice(text: &str) -> Record {
    Record::Notice { name: "test.notice".to_owned(), text: text.to_owned() }
}

/// A log with `count` records in `folder`.
fn filled(folder: &Path, count: usize) {
    let mut log = AuditLog::open(folder, "session-1").unwrap();
    for number in 1..=count {
        log.append(&notice(&format!("entry {number}"))).unwrap();
    }
}
