//! Entries read back as they were written.

use kode_audit::{AuditLog, ConnectionRecord, DecisionRecord, Filter, Outcome, Record, read, show};
use kode_base::{AnsweredBy, AuditSequence, Layer, Reason, RiskClass, Verdict};

fn decision(permitted: bool) -> Record {
    Record::Decision(DecisionRecord {
        action: "shell".into(),
        subject: "cargo test \u{1b}[2J\n".into(),
        digest: "00".repeat(32),
        verdict: Verdict::Allow,
        permitted,
        answered_by: AnsweredBy::Policy,
        reason: Reason {
            class: RiskClass::Safe,
            rule: "class.safe".into(),
            layer: Layer::BuiltIn,
            text: "a build".into(),
        },
        opened: Vec::new(),
    })
}

fn records() -> Vec<Record> {
    vec![
        Record::SessionStarted { project: "/p".into(), sandbox: "native".into() },
        decision(true),
        Record::Outcome(Outcome {
            intent: AuditSequence(2),
            exit_code: Some(0),
            result: "done".into(),
        }),
        Record::Connection(ConnectionRecord {
            intent: AuditSequence(2),
            via: "connect".into(),
            host: "example.org".into(),
            port: 443,
            requests: 0,
            bytes_sent: 517,
            bytes_received: 4096,
            duration_ms: 12,
            refused: None,
        }),
        decision(false),
        Record::Gate { colour: "red".into(), snapshot: "ab".into(), findings: vec!["r".into()] },
        Record::Notice { name: "trust.given".into(), text: "for /p".into() },
    ]
}

fn numbers(folder: &std::path::Path, filter: &Filter) -> Vec<u64> {
    read(folder, filter).unwrap().iter().map(|entry| entry.sequence.0).collect()
}

#[test]
fn every_kind_of_record_reads_back_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = AuditLog::open(folder.path(), "one").unwrap();
    for record in records() {
        log.append(&record).unwrap();
    }
    let entries = read(folder.path(), &Filter::default()).unwrap();
    let kept: Vec<Record> = entries.iter().map(|entry| entry.record.clone()).collect();
    assert_eq!(kept, records());
    assert!(entries.iter().all(|entry| entry.session == "one"));
    assert_eq!(entries[1].previous, entries[0].hash);
    assert_eq!(show(folder.path(), AuditSequence(3)).unwrap().unwrap(), entries[2]);
    assert_eq!(show(folder.path(), AuditSequence(8)).unwrap(), None);
}

#[test]
fn filters_narrow_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for session in ["one", "two"] {
        let mut log = AuditLog::open(folder.path(), session).unwrap();
        records().iter().for_each(|record| {
            log.append(record).unwrap();
        });
    }
    let two = Filter { session: Some("two".into()), ..Filter::default() };
    assert_eq!(numbers(folder.path(), &two), [8, 9, 10, 11, 12, 13, 14]);
    let refused = Filter { refused_only: true, ..Filter::default() };
    assert_eq!(numbers(folder.path(), &refused), [5, 12]);
    let last = Filter { last: Some(2), until: Some(AuditSequence(13)), ..Filter::default() };
    assert_eq!(numbers(folder.path(), &last), [12, 13]);
    let from = Filter { from: Some(AuditSequence(13)), ..Filter::default() };
    assert_eq!(numbers(folder.path(), &from), [13, 14]);
}
