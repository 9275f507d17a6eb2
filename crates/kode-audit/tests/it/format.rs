//! A log written after `docs/audit.md`, by other code than kode's, holds; and
//! a long one is opened as fast as a short one (reported, not asserted).

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use kode_audit::{AuditLog, Digest, verify};

use super::notice;

/// Writes `count` records and the checkpoint, as the documentation says.
fn write_by_hand(folder: &Path, count: u64) {
    let mut log = String::new();
    let mut previous = "0".repeat(64);
    for sequence in 1..=count {
        let body = format!(
            r#"{{"sequence":{sequence},"time":"2026-01-01T00:00:00Z","session":"s","record":"notice","name":"n","text":"record {sequence}","previous":"{previous}""#
        );
        let hash = Digest::of_parts(&[b"kode-audit-1\n", body.as_bytes()]).to_string();
        writeln!(log, r#"{body},"hash":"{hash}"}}"#).unwrap();
        previous = hash;
    }
    let checkpoint = format!(r#"{{"count":{count},"hash":"{previous}","length":{}}}"#, log.len());
    let slot = format!("{} {checkpoint}", Digest::of(checkpoint.as_bytes()));
    std::fs::write(folder.join("checkpoint"), format!("{slot:<511}\n")).unwrap();
    std::fs::write(folder.join("log.jsonl"), log).unwrap();
}

#[test]
fn a_log_written_as_documented_holds_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hand(folder.path(), 50);
    assert_eq!(verify(folder.path()).unwrap().records, 50);
    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    assert_eq!(log.append(&notice("goes on")).unwrap().0, 51);
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.records, report.checkpointed), (51, 51));
}

#[test]
#[ignore = "a measurement"]
fn a_million_records() {
    let folder = tempfile::tempdir().unwrap();
    write_by_hand(folder.path(), 1_000_000);
    let timed = |name: &str, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        println!("{name:30} {:10.3} ms", start.elapsed().as_secs_f64() * 1000.0);
    };
    let mut log = None;
    timed("open", &mut || log = Some(AuditLog::open(folder.path(), "s").unwrap()));
    let mut log = log.unwrap();
    timed("append, 100 times", &mut || {
        for _ in 0..100 {
            log.append(&notice("one more")).unwrap();
        }
    });
    timed("verify", &mut || assert_eq!(verify(folder.path()).unwrap().records, 1_000_100));
}
