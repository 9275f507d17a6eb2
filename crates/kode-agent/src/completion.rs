//! The completion gate: a task closes only on evidence.
//!
//! Every sandbox process ends, one snapshot is taken, the touched files are
//! scanned, the project's own checks run on a throw-away copy, and the tree
//! must still be that snapshot. An inspector that fails leaves the gate red.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kode_base::{ChangeKind, Colour, Finding, ProjectPath, Severity, TouchedFile, Untrusted};
use kode_sandbox::EntryKind;
use kode_scan::{ScanFile, ScanOptions, ScanReport, has_rules, surroundings};
use kode_session::{Comparison, Session, SessionError};

use crate::checks::{FailedCheck, run_checks};
use crate::git::{self, GitBase, GitContent};
use crate::surroundings::Sources;
use crate::tools::Workspace;

/// Larger files that a link gives a name of code are no code.
const LINKED_BYTES_MAX: u64 = 2 << 20;

/// What was checked, against which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Hash of the inspected tree.
    pub snapshot: [u8; 32],
    /// Files that were scanned.
    pub scanned: Vec<ProjectPath>,
    /// Touched code no rule covers; shown, never silently green.
    pub unscanned: Vec<ProjectPath>,
    /// The project's own checks that passed.
    pub checks: Vec<String>,
}

/// A task that may close. It can only be built from [`Evidence`], inside this
/// module, by a gate that was green.
///
/// ```compile_fail
/// let forged = kode_agent::Completed { evidence: todo!() };
/// ```
#[derive(Debug)]
pub struct Completed {
    evidence: Evidence,
}

impl Completed {
    /// What the completion rests on.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// One round of the gate.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// Fatal and warning findings that the task introduced.
    pub(crate) introduced: Vec<Finding>,
    /// Findings from before the task.
    pub(crate) older: Vec<Finding>,
    /// Touched code no rule covers, with why.
    pub(crate) unscanned: Vec<(ProjectPath, String)>,
    /// Checks that failed.
    pub(crate) failed_checks: Vec<FailedCheck>,
    /// Inspectors that could not do their work; each keeps the gate red.
    pub(crate) failures: Vec<String>,
    /// Hash of the inspected tree.
    pub(crate) snapshot: [u8; 32],
    /// Every touched file.
    pub(crate) files: Vec<TouchedFile>,
    /// The proof, when green.
    pub(crate) completed: Option<Completed>,
}

impl Inspection {
    /// Green exactly when there is a proof.
    pub(crate) fn colour(&self) -> Colour {
        if self.completed.is_some() { Colour::Green } else { Colour::Red }
    }

    /// Findings that keep the task open.
    pub(crate) fn fatal(&self) -> impl Iterator<Item = &Finding> {
        self.introduced.iter().filter(|finding| finding.severity == Severity::Fatal)
    }
}

/// Inspects the tree as `comparison` found it; `failures` are what
/// already speaks against it.
///
/// # Errors
/// When the session can't compare or keep the snapshot.
pub(crate) fn inspect(
    workspace: &mut Workspace,
    session: &mut Session,
    comparison: Comparison,
    mut failures: Vec<String>,
    checks: &[String],
    git_base: &GitBase,
) -> Result<Inspection, SessionError> {
    if !comparison.complete {
        failures.push("the project is too large to be compared whole".to_owned());
    }
    let mut contents = Contents::read(session, &comparison.files)?;
    contents.add_links(workspace, &comparison.files);
    contents.take_moves(session, &comparison.files);
    for path in contents.not_kept.iter().filter(|path| !is_ordinary(workspace, path)) {
        failures.push(format!("{path} can't be inspected: it is no ordinary file; remove it"));
    }
    let touched: Vec<&ProjectPath> = comparison.files.iter().map(|file| &file.path).collect();
    let sources = match contents.files.is_empty() && comparison.files.is_empty() {
        true => Sources::default(),
        false => Sources::read(&workspace.files, &touched),
    };
    let mut report = contents.scan_among(&sources, &[], &mut failures);
    let why = "too large for its bytes to be kept, so there was nothing to scan";
    let not_kept = contents.not_kept.iter().map(|path| (path.clone(), why.to_owned()));
    failures.extend(contents.scan_lost(&report));
    report.unscanned.extend(not_kept);
    match git::new_contents(workspace, git_base) {
        Ok(found) => {
            let in_git = Contents::in_git(session, found, &comparison)?;
            let apart = in_git.files.iter().filter(|file| !is_there(session, file));
            let apart: Vec<_> = apart.map(|file| file.now.clone()).collect();
            session.meet_in_git(&apart)?;
            let committed = in_git.scan_among(&sources, &contents.files, &mut failures);
            report.introduced.extend(committed.introduced.into_iter().map(said_of_git));
        }
        Err(why) => failures.push(why),
    }
    let failed_checks = run_checks(workspace, checks, &mut failures);
    let again = session.compare(&workspace.files)?;
    if again.hash != comparison.hash {
        failures.push("the project changed while it was being inspected".to_owned());
    }
    Ok(conclude(comparison, contents, report, failed_checks, failures, checks))
}

/// What the scan finds in the touched files now, apart from any gate round.
///
/// # Errors
/// When the session can't give the files' contents.
pub(crate) fn scan_touched(
    session: &Session,
    comparison: &Comparison,
) -> Result<ScanReport, SessionError> {
    // What goes wrong here goes wrong at the gate too, and counts there.
    Ok(Contents::read(session, &comparison.files)?.scan(&mut Vec::new()))
}

/// The same for the files that a person alone seems to have changed; `None` when the
/// scan failed.
///
/// # Errors
/// As [`scan_touched`].
pub(crate) fn scan_persons(
    session: &Session,
    comparison: &Comparison,
) -> Result<Option<ScanReport>, SessionError> {
    let mut failures = Vec::new();
    let report = Contents::read(session, &comparison.persons)?.scan(&mut failures);
    Ok(failures.is_empty().then_some(report))
}

/// Whether the content stands in the project under its own name.
fn is_there(session: &Session, file: &FileContents) -> bool {
    session.last_content(&file.path).ok().flatten().is_some_and(|now| now == file.now)
}

fn is_ordinary(workspace: &Workspace, path: &ProjectPath) -> bool {
    let entry = workspace.files.snapshot_entry(path);
    matches!(entry, Ok(Some(entry)) if entry.kind == EntryKind::File)
}

fn conclude(
    comparison: Comparison,
    contents: Contents,
    report: ScanReport,
    failed_checks: Vec<FailedCheck>,
    failures: Vec<String>,
    checks: &[String],
) -> Inspection {
    let evidence = Evidence {
        snapshot: comparison.hash,
        scanned: contents.files.into_iter().map(|file| file.path).collect(),
        unscanned: report.unscanned.iter().map(|(path, _)| path.clone()).collect(),
        checks: checks.to_vec(),
    };
    let mut inspection = Inspection {
        introduced: report.introduced,
        older: report.older,
        unscanned: report.unscanned,
        failed_checks,
        failures,
        snapshot: comparison.hash,
        files: comparison.files,
        completed: None,
    };
    let green = inspection.fatal().next().is_none()
        && inspection.failed_checks.is_empty()
        && inspection.failures.is_empty();
    inspection.completed = green.then_some(Completed { evidence });
    inspection
}

/// The touched files' bytes, now and before.
struct Contents {
    files: Vec<FileContents>,
    /// Touched files whose bytes the session did not keep: nothing to scan.
    not_kept: Vec<ProjectPath>,
}

struct FileContents {
    path: ProjectPath,
    now: Untrusted<Vec<u8>>,
    base: Option<Untrusted<Vec<u8>>>,
}

impl FileContents {
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    fn to_scan(&self) -> ScanFile<'_> {
        ScanFile {
            path: &self.path,
            content: self.now.expose(),
            base: self.base.as_ref().map(|bytes| bytes.expose().as_slice()),
        }
    }
}

impl Contents {
    fn read(session: &Session, files: &[TouchedFile]) -> Result<Self, SessionError> {
        let mut contents = Self { files: Vec::new(), not_kept: Vec::new() };
        for touched in files {
            if matches!(touched.change, ChangeKind::Deleted | ChangeKind::Symlink) {
                continue;
            }
            let path = touched.path.clone();
            let now = match session.last_content(&path) {
                Ok(Some(now)) => now,
                Ok(None) => continue,
                Err(SessionError::NotKept(_)) => {
                    contents.not_kept.push(path);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let base = match session.base_content(&path) {
                Ok(base) => base,
                // Without its earlier bytes all of the file counts as new.
                Err(SessionError::NotKept(_)) => None,
                Err(error) => return Err(error),
            };
            contents.files.push(FileContents { path, now, base });
        }
        Ok(contents)
    }

    /// Links that make code of what has no name of code: `web.py -> notes.txt`. What
    /// leads outside, or nowhere, nothing runs by that name.
    fn add_links(&mut self, workspace: &Workspace, files: &[TouchedFile]) {
        let links = files.iter().filter(|file| file.change == ChangeKind::Symlink);
        for TouchedFile { path, .. } in links.filter(|file| has_rules(&file.path)) {
            let target = workspace.files.leads_to(path);
            let is_code = target.is_ok_and(|target| has_rules(&target));
            if let Ok(now) = workspace.files.planning_read(path, LINKED_BYTES_MAX)
                && !is_code
            {
                self.files.push(FileContents { path: path.clone(), now, base: None });
            }
        }
    }

    /// A file that is gone and stands elsewhere with the same bytes was moved: nothing
    /// in it is new.
    fn take_moves(&mut self, session: &Session, files: &[TouchedFile]) {
        let gone = files.iter().filter(|file| file.change == ChangeKind::Deleted);
        let gone: Vec<Untrusted<Vec<u8>>> =
            gone.filter_map(|file| session.base_content(&file.path).ok().flatten()).collect();
        for file in self.files.iter_mut().filter(|file| file.base.is_none()) {
            file.base = gone.iter().find(|before| **before == file.now).cloned();
        }
    }

    /// What is new in git and is neither scanned in the working tree nor in the base. A
    /// file that a person alone seems to have made may have come out of a commit of the
    /// agent's.
    fn in_git(
        session: &Session,
        found: Vec<GitContent>,
        comparison: &Comparison,
    ) -> Result<Self, SessionError> {
        let mut contents = Self { files: Vec::new(), not_kept: Vec::new() };
        let is_persons =
            |path: &ProjectPath| comparison.persons.iter().any(|file| file.path == *path);
        for GitContent { path, bytes } in found {
            // What was not kept is compared with nothing and scanned whole.
            let now = session.last_content(&path).unwrap_or_default();
            let base = session.base_content(&path).unwrap_or_default();
            let is_scanned = now.as_ref() == Some(&bytes) && !is_persons(&path);
            if !is_scanned && base.as_ref() != Some(&bytes) {
                contents.files.push(FileContents { path, now: bytes, base });
            }
        }
        Ok(contents)
    }

    /// Files in languages with rules that could be scanned before the task, or
    /// are new, and can't be scanned now: too large, broken, cut short. Padding
    /// or breaking a file must not hide what is in it.
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    fn scan_lost(&self, report: &ScanReport) -> Vec<String> {
        let mut lost = Vec::new();
        for (path, why) in &report.unscanned {
            let has_rules = !why.starts_with(kode_scan::NO_RULES);
            let file = self.files.iter().find(|file| file.path == *path);
            let base = file.and_then(|file| file.base.as_ref());
            let was_scanned = base.is_none_or(|base| {
                let alone = ScanFile { path, content: base.expose(), base: None };
                kode_scan::scan(&[alone]).unscanned.is_empty()
            });
            if has_rules && was_scanned {
                lost.push(format!("{path} could not be scanned ({why}); mend or split it"));
            }
        }
        lost
    }

    fn scan(&self, failures: &mut Vec<String>) -> ScanReport {
        self.scan_among(&Sources::default(), &[], failures)
    }

    /// Scans them with what goes with them of `sources` and of `beside`, which are
    /// scanned elsewhere and may be new as well.
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    fn scan_among(
        &self,
        sources: &Sources,
        beside: &[FileContents],
        failures: &mut Vec<String>,
    ) -> ScanReport {
        if self.files.is_empty() {
            return ScanReport::default();
        }
        let files: Vec<ScanFile<'_>> = self.files.iter().map(FileContents::to_scan).collect();
        let is_among = |path: &ProjectPath| self.files.iter().any(|file| file.path == *path);
        let beside = beside.iter().filter(|file| !is_among(&file.path));
        let mut around: Vec<ScanFile<'_>> = beside.map(FileContents::to_scan).collect();
        let touched = files.iter().chain(&around).map(|file| (file.path, file.content));
        let others: Vec<_> = sources
            .0
            .iter()
            .filter(|(path, _)| !is_among(path))
            .map(|(path, content)| (path, content.expose().as_slice()))
            .collect();
        around.extend(surroundings(&touched.collect::<Vec<_>>(), &others).into_iter().map(|at| {
            let (path, content) = others[at];
            ScanFile { path, content, base: Some(content) }
        }));
        let today = today();
        // A suppression the agent wrote itself never counts.
        let options =
            ScanOptions { today: Some(&today), accept_new_suppressions: false, around: &around };
        catch_unwind(AssertUnwindSafe(|| kode_scan::scan_with(&files, options))).unwrap_or_else(
            |_| {
                failures.push("the security scan failed".to_owned());
                ScanReport::default()
            },
        )
    }
}

fn said_of_git(mut finding: Finding) -> Finding {
    finding.message.push_str(" It stands in the git index, a new commit or a stash.");
    finding.remedy.push_str(" Rewrite the new commits (or drop the stash, or unstage it).");
    finding
}

/// Today in UTC, `YYYY-MM-DD`.
pub fn today() -> String {
    jiff::Timestamp::now().to_string().chars().take(10).collect()
}

/// The red gate's message for the model: file, line, why, how to mend.
pub(crate) fn describe(inspection: &Inspection) -> String {
    let mut text =
        String::from("The completion gate is red. The task can't close while these stand:\n");
    for finding in inspection.fatal() {
        text.push_str(&format!(
            "- {}:{}: [{}] {} To mend it: {}\n",
            finding.path, finding.span.start_line, finding.rule, finding.message, finding.remedy
        ));
        for step in &finding.flow {
            text.push_str(&format!("    {}:{}: {}\n", step.path, step.span.start_line, step.text));
        }
    }
    for check in &inspection.failed_checks {
        text.push_str(&format!(
            "- the project's check `{}` failed ({})\n",
            check.command, check.end
        ));
    }
    for failure in &inspection.failures {
        text.push_str(&format!("- {failure}\n"));
    }
    text
}
