//! The scan after each step: findings are known before the model asks to
//! finish, and code that goes into ignored files is followed there.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::{ChangeKind, Event, ProjectPath, Severity, Untrusted};
use kode_session::Comparison;

use super::{Agent, BeginError};
use crate::completion::{scan_persons, scan_touched};

/// Ignored files larger than this are not read for what was moved into them.
const HIDDEN_BYTES_MAX: u64 = 1 << 20;
/// New ignored code files are scanned like any other up to this many: what a
/// person's build or package manager makes comes in larger numbers.
const HIDDEN_FILES_MAX: usize = 20;
/// With more touched files than this the gate alone scans them.
const STEP_FILES_MAX: usize = 200;
/// Lines shorter than this (without spaces) say too little to be recognised.
const LINE_BYTES_MIN: usize = 16;
/// Code written by hand has shorter lines on average than what a bundler makes.
const LINE_BYTES_MEAN_MAX: usize = 200;

/// What the scan after the last step found.
#[derive(Debug, Default)]
pub(super) struct StepFindings {
    fingerprints: BTreeSet<String>,
    /// Lines that were fatal at any time, without spaces, and where.
    fatal_lines: BTreeMap<Vec<u8>, ProjectPath>,
}

impl Agent<'_> {
    /// Scans the touched files and tells what is new.
    pub(super) fn update_findings(&mut self, comparison: &Comparison) -> Result<(), BeginError> {
        let nothing_new = self.fresh.is_empty() && comparison.since_last.is_empty();
        if nothing_new || comparison.files.len() > STEP_FILES_MAX {
            return Ok(());
        }
        let report = scan_touched(&self.session, comparison)?;
        for finding in report.introduced.iter().filter(|f| f.severity == Severity::Fatal) {
            let lines = self.session.last_content(&finding.path)?;
            let number = finding.span.start_line as usize;
            let line = lines.as_ref().and_then(|text| line_of(text, number));
            self.step_findings.fatal_lines.extend(line.map(|line| (line, finding.path.clone())));
        }
        let now: BTreeSet<String> =
            report.introduced.iter().map(|finding| finding.fingerprint.clone()).collect();
        if now != self.step_findings.fingerprints {
            self.step_findings.fingerprints = now;
            self.emit(&Event::Findings { findings: report.introduced });
        }
        Ok(())
    }

    /// Takes ignored files into the comparison that the task put code into.
    pub(super) fn follow_hidden(
        &mut self,
        comparison: Comparison,
    ) -> Result<Comparison, BeginError> {
        let is_code = |path: &&ProjectPath| kode_scan::has_rules(path);
        let new: Vec<&ProjectPath> = comparison.ignored_new.iter().filter(is_code).collect();
        let few = new.len() <= HIDDEN_FILES_MAX;
        let gone = comparison.files.iter().any(|file| file.change == ChangeKind::Deleted)
            || !self.step_findings.fatal_lines.is_empty();
        if new.is_empty() && !gone {
            return Ok(comparison);
        }
        let mut followed = false;
        // A file may have lost its ending on the way: all are searched for fatal lines.
        for path in &comparison.ignored_new {
            let Some(content) = self.hidden_content(path) else { continue };
            let by_hand = few && kode_scan::has_rules(path) && is_written_by_hand(&content);
            if by_hand || self.fatal_line_of(&content).is_some() {
                self.session.follow(path)?;
                followed = true;
            }
        }
        if !followed {
            return Ok(comparison);
        }
        let mut again = self.session.compare(&self.workspace.files)?;
        let mut since = comparison.since_last;
        since.append(&mut again.since_last);
        again.since_last = since;
        Ok(again)
    }

    /// Takes in files that a person alone seems to have made and in which a fatal flaw is
    /// new: who wrote it can't be told for sure.
    pub(super) fn with_flawed_files(
        &self,
        mut comparison: Comparison,
    ) -> Result<Comparison, BeginError> {
        if comparison.persons.is_empty() {
            return Ok(comparison);
        }
        let report = scan_persons(&self.session, &comparison)?;
        // Where the scan failed they are all looked at with the others, and that fails too.
        let flawed = report.map(|report| {
            let fatal = report.introduced.into_iter().filter(|it| it.severity == Severity::Fatal);
            let places = fatal.flat_map(|it| {
                it.flow.into_iter().map(|step| step.path).chain([it.path]).collect::<Vec<_>>()
            });
            places.collect::<BTreeSet<ProjectPath>>()
        });
        let is_taken = |path: &ProjectPath| flawed.as_ref().is_none_or(|it| it.contains(path));
        let (taken, persons) =
            comparison.persons.into_iter().partition(|file| is_taken(&file.path));
        comparison.persons = persons;
        comparison.files.extend::<Vec<_>>(taken);
        comparison.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(comparison)
    }

    fn hidden_content(&self, path: &ProjectPath) -> Option<Untrusted<Vec<u8>>> {
        let entry = self.workspace.files.snapshot_entry(path).ok()??;
        if entry.size > HIDDEN_BYTES_MAX {
            return None;
        }
        self.workspace.files.snapshot_read(path, HIDDEN_BYTES_MAX).ok()
    }

    /// Why code that was fatal is not gone: it went on under a name that no rule
    /// reads.
    pub(super) fn renamed_away(&self, comparison: &Comparison) -> Result<Vec<String>, BeginError> {
        let mut failures = Vec::new();
        let unread = comparison
            .files
            .iter()
            .filter(|file| file.change != ChangeKind::Deleted && !kode_scan::has_rules(&file.path));
        for file in unread.filter(|_| !self.step_findings.fatal_lines.is_empty()) {
            // What was not kept is reported as such elsewhere.
            let Ok(Some(content)) = self.session.last_content(&file.path) else { continue };
            let Some(from) = self.fatal_line_of(&content) else { continue };
            if self.session.last_content(from)?.is_none() {
                failures.push(format!(
                    "{} holds what was fatal in {from}; mend it there, a name the scan does not \
                     read changes nothing",
                    file.path
                ));
            }
        }
        Ok(failures)
    }

    /// Where a line of a file was fatal.
    #[expect(clippy::disallowed_methods, reason = "compared, not shown")]
    fn fatal_line_of(&self, content: &Untrusted<Vec<u8>>) -> Option<&ProjectPath> {
        let known = &self.step_findings.fatal_lines;
        if known.is_empty() {
            return None;
        }
        let mut lines = content.expose().split(|byte| *byte == b'\n');
        lines.find_map(|line| known.get(&squeezed(line)))
    }
}

#[expect(clippy::disallowed_methods, reason = "compared, not shown")]
fn line_of(text: &Untrusted<Vec<u8>>, number: usize) -> Option<Vec<u8>> {
    let line = text.expose().split(|byte| *byte == b'\n').nth(number.checked_sub(1)?)?;
    Some(squeezed(line)).filter(|line| line.len() >= LINE_BYTES_MIN)
}

#[expect(clippy::disallowed_methods, reason = "only measured")]
fn is_written_by_hand(content: &Untrusted<Vec<u8>>) -> bool {
    let text = content.expose();
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    text.len() / lines <= LINE_BYTES_MEAN_MAX
}

fn squeezed(line: &[u8]) -> Vec<u8> {
    line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}
