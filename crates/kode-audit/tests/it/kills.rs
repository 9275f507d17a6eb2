//! Killed writers lose nothing they acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kode_audit::{AuditLog, Filter, read, verify};

use super::notice;

const FOLDER: &str = "KODE_AUDIT_TEST_FOLDER";
const KILLS: u32 = 120;

/// Appends until it is killed; says each number only after `append` returned.
#[test]
#[ignore = "a child process of the kill test"]
fn writer_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut log = AuditLog::open(folder.as_ref(), &std::process::id().to_string()).unwrap();
    let mut stdout = std::io::stdout();
    loop {
        let number = log.append(&notice(&"payload ".repeat(20))).unwrap().0;
        writeln!(stdout, "acknowledged {number}").unwrap();
        stdout.flush().unwrap();
    }
}

fn start_writer(folder: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::writer_process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the writer and returns the numbers it had acknowledged.
fn kill(mut writer: Child) -> Vec<u64> {
    writer.kill().unwrap();
    let output = BufReader::new(writer.stdout.take().unwrap());
    let lines = output.lines().map(Result::unwrap);
    let numbers = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
    let numbers = numbers.collect();
    writer.wait().unwrap();
    numbers
}

#[test]
fn no_acknowledged_record_is_lost_in_many_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..KILLS / 2 {
        let writers = [start_writer(folder.path()), start_writer(folder.path())];
        // Spread over start, opening and appending; prime steps avoid a rhythm.
        std::thread::sleep(Duration::from_micros(u64::from(round * 7919 % 20_011)));
        acknowledged.extend(writers.into_iter().flat_map(kill));
    }
    let report = verify(folder.path()).unwrap();
    assert!(acknowledged.len() > KILLS as usize, "only {} were written", acknowledged.len());
    acknowledged.sort_unstable();
    let unique = acknowledged.len();
    acknowledged.dedup();
    assert_eq!(acknowledged.len(), unique, "a number was given twice");
    assert!(acknowledged.last().is_some_and(|last| *last <= report.records));
    let entries = read(folder.path(), &Filter::default()).unwrap();
    assert_eq!(entries.len() as u64, report.records);
    AuditLog::open(folder.path(), "after").unwrap().append(&notice("goes on")).unwrap();
    verify(folder.path()).unwrap();
}
