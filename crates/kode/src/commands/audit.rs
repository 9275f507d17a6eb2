//! `kode audit`: list, show, verify.

use std::path::Path;

use kode_audit::{Entry, Filter, Ingested, Record, VerifyError};
use kode_base::escape::escape_line;
use kode_base::{AnsweredBy, AuditSequence, ExitStatus, Verdict};
use serde_json::json;

use crate::cli::{AuditCommand, AuditListArguments};
use crate::failure::Failure;
use crate::places::Places;

/// Earlier records of the session that are looked through for a story.
const STORY_RECORDS_MAX: usize = 200;

/// Reads the log; changes nothing.
pub(crate) fn run(command: &AuditCommand) -> Result<ExitStatus, Failure> {
    let folder = Places::from_environment()?.audit_folder();
    match command {
        AuditCommand::List(arguments) => list(&folder, arguments),
        AuditCommand::Show { sequence, json } => show(&folder, *sequence, *json),
        AuditCommand::Verify { json } => verify(&folder, *json),
    }
}

fn list(folder: &Path, arguments: &AuditListArguments) -> Result<ExitStatus, Failure> {
    let filter = Filter {
        session: arguments.session.clone(),
        last: Some(arguments.last),
        ..Filter::default()
    };
    let entries = kode_audit::read(folder, &filter)?;
    if entries.is_empty() && !arguments.json {
        say!("no records in {}", folder.display());
    }
    for entry in &entries {
        say!("{}", if arguments.json { as_json(entry)? } else { one_line(entry) });
    }
    Ok(ExitStatus::Success)
}

fn show(folder: &Path, sequence: u64, json: bool) -> Result<ExitStatus, Failure> {
    let entry = kode_audit::show(folder, AuditSequence(sequence))?.ok_or_else(|| {
        Failure::error(format!("there is no readable record {sequence}")).hint(
            "`kode audit list` shows the newest; `kode audit verify` says whether one is damaged",
        )
    })?;
    if json {
        say!("{}", as_json(&entry)?);
    } else {
        let pretty = serde_json::to_string_pretty(&entry).map_err(std::io::Error::from)?;
        for line in pretty.lines() {
            say!("{}", kode_base::escape::escape_block(line));
        }
        let before = if entry.session.is_empty() { Vec::new() } else { story(folder, &entry)? };
        if !before.is_empty() {
            say!("\nhow it came to this, oldest first:");
        }
        for earlier in &before {
            say!("{}", one_line(earlier));
        }
    }
    Ok(ExitStatus::Success)
}

fn verify(folder: &Path, json: bool) -> Result<ExitStatus, Failure> {
    match kode_audit::verify(folder) {
        Ok(report) if json => {
            let hash = report.last_hash.to_string();
            say!("{}", json!({"ok": true, "records": report.records, "last_hash": hash}));
            Ok(ExitStatus::Success)
        }
        Ok(report) => {
            say!("{} records, chain whole, last hash {}", report.records, report.last_hash);
            Ok(ExitStatus::Success)
        }
        Err(error @ VerifyError::Broken { .. }) if json => {
            say!("{}", json!({"ok": false, "error": error.to_string()}));
            Ok(ExitStatus::GateRed)
        }
        Err(error @ VerifyError::Broken { .. }) => {
            Err(Failure::new(ExitStatus::GateRed, error.to_string())
                .hint("keep a copy of the folder; docs/audit.md says what this can mean"))
        }
        Err(error) => Err(Failure::error(error.to_string())),
    }
}

fn as_json(entry: &Entry) -> Result<String, Failure> {
    Ok(serde_json::to_string(entry).map_err(std::io::Error::from)?)
}

const fn answered_by(who: AnsweredBy) -> &'static str {
    match who {
        AnsweredBy::Policy => "policy",
        AnsweredBy::Person => "person",
        AnsweredBy::SessionTrust => "session_trust",
        AnsweredBy::NonInteractive => "non_interactive",
        AnsweredBy::Failure => "failure",
    }
}

/// What a turn took in and touched, in one line.
fn turn_line(turn: u32, ingested: &[Ingested], unnamed: &[String], more: usize) -> String {
    let mut parts: Vec<String> = ingested
        .iter()
        .map(|text| {
            let hidden = text.hidden.join(", ");
            let hidden = if hidden.is_empty() { hidden } else { format!(", HIDDEN: {hidden}") };
            let short: String = text.digest.chars().take(12).collect();
            format!("took in {} ({} bytes, sha256 {short}{hidden})", text.source, text.bytes)
        })
        .collect();
    parts.extend(unnamed.iter().map(|what| format!("touched {what}, never named")));
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    format!("up to turn {turn}: {}", parts.join("; "))
}

/// What led to a record: its session's earlier records, oldest first.
fn story(folder: &Path, entry: &Entry) -> Result<Vec<Entry>, Failure> {
    let filter = Filter {
        session: Some(entry.session.clone()),
        until: Some(AuditSequence(entry.sequence.0.saturating_sub(1))),
        last: Some(STORY_RECORDS_MAX),
        ..Filter::default()
    };
    let tells = |entry: &Entry| match &entry.record {
        Record::Decision(decision) => decision.verdict != Verdict::Allow || !decision.permitted,
        Record::Outcome(_) => false,
        _ => true,
    };
    Ok(kode_audit::read(folder, &filter)?.into_iter().filter(tells).collect())
}

fn one_line(entry: &Entry) -> String {
    let what = match &entry.record {
        Record::SessionStarted { project, sandbox } => {
            format!("session started in {project}, sandbox {sandbox}")
        }
        Record::Decision(decision) => format!(
            "{} {} {} ({}, {} layer, answered by {}) {}",
            if decision.permitted { "permitted" } else { "denied" },
            decision.action,
            decision.reason.class,
            decision.reason.rule,
            decision.reason.layer,
            answered_by(decision.answered_by),
            decision.subject
        ),
        Record::Outcome(outcome) => {
            let code = outcome.exit_code.map(|code| format!(", exit code {code}"));
            format!(
                "outcome of {}: {}{}",
                outcome.intent.0,
                outcome.result,
                code.unwrap_or_default()
            )
        }
        Record::Departure { intent, host, port } => {
            format!("connection of {} leaves for {host}:{port}", intent.0)
        }
        Record::Connection(connection) => format!(
            "connection of {} ({}) to {}:{}, {} bytes sent, {} received{}",
            connection.intent.0,
            connection.via,
            connection.host,
            connection.port,
            connection.bytes_sent,
            connection.bytes_received,
            connection.refused.as_ref().map(|why| format!(", refused: {why}")).unwrap_or_default()
        ),
        Record::Gate { colour, findings, .. } => {
            format!("completion gate {colour} {}", findings.join(", "))
        }
        Record::Turn { turn, ingested, unnamed, more } => {
            turn_line(*turn, ingested, unnamed, *more)
        }
        Record::Notice { name, text } => format!("{name}: {text}"),
    };
    let session: String = entry.session.chars().take(8).collect();
    let cut: String = escape_line(&what).chars().take(300).collect();
    format!("{:>6} {} {session:8} {cut}", entry.sequence.0, entry.time)
}
