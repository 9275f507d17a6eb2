//! Opening, sharing and recovering a log.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use kode_audit::{AuditLog, Filter, RECORD_BYTES_MAX, Record, read, verify};

use super::{filled, notice};

#[test]
fn files_and_folder_are_private() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("audit");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    filled(&folder, 1);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("log.jsonl")), 0o600);
    assert_eq!(mode(&folder.join("checkpoint")), 0o600);
}

#[test]
fn a_log_that_is_a_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("log.jsonl")).unwrap();
    assert!(AuditLog::open(folder.path(), "s").is_err());
}

#[test]
fn an_empty_folder_verifies_and_reads_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, 0);
    assert!(read(folder.path(), &Filter::default()).unwrap().is_empty());
}

#[test]
fn two_open_logs_share_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = AuditLog::open(folder.path(), "a").unwrap();
    let mut second = AuditLog::open(folder.path(), "b").unwrap();
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(first.append(&notice("a")).unwrap().0);
        numbers.push(second.append(&notice("b")).unwrap().0);
    }
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()).unwrap().records, 10);
}

#[test]
fn threads_that_append_at_once_keep_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| filled(folder.path(), 25));
        }
    });
    assert_eq!(verify(folder.path()).unwrap().records, 100);
}

#[test]
fn a_torn_last_line_is_set_aside_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let path = folder.path().join("log.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"sequence\":4,\"ti").unwrap();
    assert_eq!(verify(folder.path()).unwrap().torn_bytes, 17);

    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    assert_eq!(log.append(&notice("after")).unwrap().0, 5);
    let entries = read(folder.path(), &Filter::default()).unwrap();
    let Record::Notice { name, .. } = &entries[3].record else { panic!("{:?}", entries[3]) };
    assert_eq!(name, "audit.torn_line");
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.records, report.torn_bytes, report.quarantined), (5, 0, 1));
    let kept = std::fs::read_to_string(folder.path().join("quarantine.jsonl")).unwrap();
    assert!(kept.contains("7b2273657175656e6365223a342c227469"), "{kept}");
}

#[test]
fn a_checkpoint_that_lags_behind_is_caught_up() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let checkpoint = folder.path().join("checkpoint");
    let old = std::fs::read(&checkpoint).unwrap();
    filled(folder.path(), 80);
    std::fs::write(&checkpoint, old).unwrap();
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.records, report.checkpointed), (83, 3));
    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    assert_eq!(log.append(&notice("on")).unwrap().0, 84);
    assert_eq!(verify(folder.path()).unwrap().checkpointed, 84);
}

#[test]
fn a_record_past_the_limit_is_refused_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    let error = log.append(&notice(&"x".repeat(RECORD_BYTES_MAX))).unwrap_err();
    assert!(error.to_string().contains("over the limit"), "{error}");
    log.append(&notice(&"x".repeat(RECORD_BYTES_MAX - 600))).unwrap();
    assert_eq!(AuditLog::open(folder.path(), "s").unwrap().append(&notice("y")).unwrap().0, 2);
    assert_eq!(verify(folder.path()).unwrap().records, 2);
}

#[test]
fn a_record_that_somebody_else_flushes_is_there_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = AuditLog::open(folder.path(), "one").unwrap();
    log.append(&notice("first")).unwrap();
    let number = log.append_unflushed(&notice("last")).unwrap();
    assert_eq!(number.0, 2);
    drop(log);
    // Whoever comes next goes on behind it, and whoever cuts it off is noticed.
    let mut next = AuditLog::open(folder.path(), "two").unwrap();
    assert_eq!(next.append(&notice("next")).unwrap().0, 3);
    let path = folder.path().join("log.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap();
    next.append_unflushed(&notice("cut off")).unwrap();
    drop(next);
    std::fs::write(&path, &text[..=cut]).unwrap();
    assert!(AuditLog::open(folder.path(), "three").is_err());
}
