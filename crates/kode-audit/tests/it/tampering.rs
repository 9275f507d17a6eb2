//! Every way to tamper with a log is seen and the record named.

use std::path::Path;

use kode_audit::{AuditError, AuditLog, Digest, Problem, VerifyError, verify};
use proptest::prelude::*;

use super::filled;

const RECORDS: usize = 9;

fn lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("log.jsonl")).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn rewrite(folder: &Path, lines: &[String]) {
    std::fs::write(folder.join("log.jsonl"), lines.concat()).unwrap();
}

fn problem(folder: &Path) -> Problem {
    match verify(folder).unwrap_err() {
        VerifyError::Broken { problem, .. } => problem,
        other @ VerifyError::Unreadable(_) => panic!("{other}"),
    }
}

fn log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), RECORDS);
    assert_eq!(verify(folder.path()).unwrap().records, RECORDS as u64);
    folder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_anywhere_names_its_record(place in 0.0..1.0_f64, bit in 0..8_u8) {
        let folder = log();
        let path = folder.path().join("log.jsonl");
        let mut bytes = std::fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the length")]
        let index = (place * bytes.len() as f64) as usize;
        let sequence = 1 + bytes[..index].iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes[index] ^= 1 << bit;
        std::fs::write(&path, bytes).unwrap();
        prop_assert_eq!(problem(folder.path()), Problem::Altered { sequence });
    }

    #[test]
    fn a_log_cut_anywhere_names_the_first_record_that_is_gone(place in 0.0..1.0_f64) {
        let folder = log();
        let path = folder.path().join("log.jsonl");
        let bytes = std::fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the length")]
        let index = (place * bytes.len() as f64) as usize;
        let first = 1 + bytes[..index].iter().filter(|byte| **byte == b'\n').count() as u64;
        std::fs::write(&path, &bytes[..index]).unwrap();
        let named = match problem(folder.path()) {
            Problem::Truncated { first, .. } | Problem::Altered { sequence: first } => first,
            other => panic!("{other}"),
        };
        prop_assert_eq!(named, first);
        let refused = AuditLog::open(folder.path(), "s").unwrap_err().to_string();
        prop_assert!(refused.contains("records up to 9 were acknowledged"), "{}", refused);
    }
}

#[test]
fn a_removed_record_is_named() {
    for removed in 0..RECORDS - 1 {
        let folder = log();
        let mut kept = lines(folder.path());
        kept.remove(removed);
        rewrite(folder.path(), &kept);
        let sequence = removed as u64 + 1;
        assert_eq!(problem(folder.path()), Problem::Missing { sequence, found: sequence + 1 });
    }
}

#[test]
fn swapped_records_are_named() {
    let folder = log();
    let mut swapped = lines(folder.path());
    swapped.swap(3, 6);
    rewrite(folder.path(), &swapped);
    assert_eq!(problem(folder.path()), Problem::OutOfOrder { sequence: 4, found: 7 });
}

#[test]
fn a_repeated_record_is_named() {
    let folder = log();
    let mut repeated = lines(folder.path());
    repeated.insert(5, repeated[4].clone());
    rewrite(folder.path(), &repeated);
    assert_eq!(problem(folder.path()), Problem::OutOfOrder { sequence: 6, found: 5 });
}

/// What someone does who knows the format but leaves the rest of the chain.
fn resealed(line: &str, from: &str, to: &str) -> String {
    let body = line.split(",\"hash\":\"").next().unwrap().replace(from, to);
    let hash = Digest::of_parts(&[b"kode-audit-1\n", body.as_bytes()]);
    format!("{body},\"hash\":\"{hash}\"}}\n")
}

#[test]
fn a_record_rewritten_with_a_fitting_hash_is_named() {
    let folder = log();
    let mut altered = lines(folder.path());
    altered[2] = resealed(&altered[2], "entry 3", "entry X");
    rewrite(folder.path(), &altered);
    assert_eq!(problem(folder.path()), Problem::Rewritten { sequence: 3 });
}

#[test]
fn the_last_record_rewritten_with_a_fitting_hash_is_named_by_the_checkpoint() {
    let folder = log();
    let mut altered = lines(folder.path());
    altered[8] = resealed(&altered[8], "entry 9", "entry X");
    rewrite(folder.path(), &altered);
    assert_eq!(problem(folder.path()), Problem::NotAcknowledged { sequence: 9 });
    assert!(matches!(
        AuditLog::open(folder.path(), "s"),
        Err(AuditError::Damaged { problem: Problem::NotAcknowledged { sequence: 9 }, .. })
    ));
}

#[test]
fn a_cut_can_not_be_hidden_by_appending_after_it() {
    let folder = log();
    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    rewrite(folder.path(), &lines(folder.path())[..5]);
    // The file is another one only if its name moved; here it is the same inode.
    assert!(matches!(
        log.append(&super::notice("more")),
        Err(AuditError::Damaged { problem: Problem::Shortened { last: 9 }, .. })
    ));
    assert_eq!(problem(folder.path()), Problem::Truncated { first: 6, last: 9 });
}

#[test]
fn a_deleted_log_or_checkpoint_is_seen() {
    let folder = log();
    std::fs::remove_file(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(problem(folder.path()), Problem::Truncated { first: 1, last: 9 });
    assert!(AuditLog::open(folder.path(), "s").is_err());

    let folder = log();
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    assert_eq!(problem(folder.path()), Problem::NoCheckpoint);
    assert!(AuditLog::open(folder.path(), "s").is_err());
}

#[test]
fn a_log_moved_away_while_open_takes_no_more_records() {
    let folder = log();
    let mut log = AuditLog::open(folder.path(), "s").unwrap();
    std::fs::rename(folder.path().join("log.jsonl"), folder.path().join("gone")).unwrap();
    assert!(matches!(log.append(&super::notice("x")), Err(AuditError::Removed { .. })));
}
