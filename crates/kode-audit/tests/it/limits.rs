//! A file that may not grow (as on a full disk) and a damaged start.

use std::process::Command;

use kode_audit::{AuditError, AuditLog, Filter, Record, read, verify};

use super::notice;

const FOLDER: &str = "KODE_AUDIT_TEST_LIMITED";

/// Appends until the size limit stops it; then nothing is half there.
#[test]
#[ignore = "a child process of the full-disk test"]
fn limited_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = std::path::Path::new(&folder);
    let mut log = AuditLog::open(folder, "limited").unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match log.append(&notice(&"x".repeat(2000))) {
            Ok(number) => acknowledged = number.0,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AuditError::Io { .. }), "{error}");
    let report = verify(folder).unwrap();
    assert_eq!((report.records, report.torn_bytes), (acknowledged, 0));
    // A shorter record still fits, so the log goes on.
    assert_eq!(log.append(&notice("")).unwrap().0, acknowledged + 1);
}

#[test]
fn a_full_disk_acknowledges_nothing_and_tears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A shell sets the limit (in blocks of 1024 bytes) and ignores its signal,
    // so that the write fails as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "limits::limited_process", "--ignored"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let entries = read(folder.path(), &Filter::default()).unwrap();
    assert!(entries.len() > 2);
    assert!(entries.iter().all(|entry| matches!(entry.record, Record::Notice { .. })));
    AuditLog::open(folder.path(), "after").unwrap().append(&notice("space again")).unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, entries.len() as u64 + 1);
}
