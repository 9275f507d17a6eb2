//! The completion gate: a task closes only on evidence.
//!
//! Every sandbox process ends, one snapshot is taken, the touched files are
//! scanned, the project's own checks run on a throw-away copy, and the tree
//! must still be that snapshot. An inspector that fails leaves the gate red.

use kode_base::{ChangeKind, Colour, Finding, ProjectPath, Severity, TouchedFile};
use kode_gate::AcceptedBy;
use kode_sandbox::EntryKind;
use kode_scan::ScanReport;
use kode_session::{Comparison, Session, SessionError};

use crate::checks::{FailedCheck, run_checks};
use crate::contents::{Contents, FileContents};
use crate::git::{self, GitBase};
use crate::surroundings::Sources;
use crate::tools::Workspace;
use crate::unread::{NOT_KEPT, UnreadFile};

/// Where content stands that the project's folder has not.
const IN_GIT: &str = "a new commit, the index or a stash";

/// What was checked, against which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Hash of the inspected tree.
    pub snapshot: [u8; 32],
    /// Files that were scanned.
    pub scanned: Vec<ProjectPath>,
    /// Touched code no rule covers; shown, never silently green.
    pub unscanned: Vec<ProjectPath>,
    /// Those of them that hold code, and who accepted them as they are.
    pub accepted: Vec<(ProjectPath, AcceptedBy)>,
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
    /// Code that could not be scanned and that nobody accepted yet.
    pub(crate) unread: Vec<UnreadFile>,
    /// Such code that is accepted, and by whom.
    pub(crate) accepted: Vec<(UnreadFile, AcceptedBy)>,
    /// Checks that failed.
    pub(crate) failed_checks: Vec<FailedCheck>,
    /// Inspectors that could not do their work; each keeps the gate red.
    pub(crate) failures: Vec<String>,
    /// Hash of the inspected tree.
    pub(crate) snapshot: [u8; 32],
    /// Every touched file.
    pub(crate) files: Vec<TouchedFile>,
    /// Files that were scanned.
    scanned: Vec<ProjectPath>,
    /// The project's own checks.
    checks: Vec<String>,
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

    /// Whether all that keeps it red is code that could not be scanned.
    pub(crate) fn waits_for_acceptance_alone(&self) -> bool {
        self.is_clean() && !self.unread.is_empty()
    }

    /// Takes out of what is open the files that someone accepts; green when nothing
    /// else stands.
    pub(crate) fn accept(&mut self, by: impl Fn(&UnreadFile) -> Option<AcceptedBy>) {
        for unread in std::mem::take(&mut self.unread) {
            match by(&unread) {
                Some(by) => self.accepted.push((unread, by)),
                None => self.unread.push(unread),
            }
        }
        if self.is_clean() && self.unread.is_empty() {
            self.completed = Some(Completed { evidence: self.evidence() });
        }
    }

    /// Something speaks against it after all.
    pub(crate) fn fail(&mut self, why: &str) {
        self.failures.push(why.to_owned());
        self.completed = None;
    }

    fn is_clean(&self) -> bool {
        self.fatal().next().is_none() && self.failed_checks.is_empty() && self.failures.is_empty()
    }

    fn evidence(&self) -> Evidence {
        let accepted = self.accepted.iter();
        Evidence {
            snapshot: self.snapshot,
            scanned: self.scanned.clone(),
            unscanned: self.unscanned.iter().map(|(path, _)| path.clone()).collect(),
            accepted: accepted.map(|(at, by)| (at.file.path.clone(), by.clone())).collect(),
            checks: self.checks.clone(),
        }
    }
}

/// Inspects the tree as `comparison` found it; `failures` are what
/// already speaks against it. What comes out is red until [`Inspection::accept`]
/// was asked, and green then if nothing stands.
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
    let mut unread = contents.unread(&report, None);
    unread.extend(not_kept(workspace, &contents, &comparison.files, &mut failures));
    let unkept = contents.not_kept.iter().map(|path| (path.clone(), NOT_KEPT.to_owned()));
    report.unscanned.extend(unkept);
    match git::new_contents(workspace, git_base) {
        Ok(found) => {
            let in_git = Contents::in_git(session, found, &comparison)?;
            let apart = in_git.files.iter().filter(|file| !is_there(session, file));
            let apart: Vec<_> = apart.map(|file| file.now.clone()).collect();
            session.meet_in_git(&apart)?;
            let committed = in_git.scan_among(&sources, &contents.files, &mut failures);
            unread.extend(in_git.unread(&committed, Some(IN_GIT)));
            report.introduced.extend(committed.introduced.into_iter().map(said_of_git));
        }
        Err(why) => failures.push(why),
    }
    let failed_checks = run_checks(workspace, checks, &mut failures);
    let again = session.compare(&workspace.files)?;
    if again.hash != comparison.hash {
        failures.push("the project changed while it was being inspected".to_owned());
    }
    Ok(Inspection {
        introduced: report.introduced,
        older: report.older,
        unscanned: report.unscanned,
        unread,
        accepted: Vec::new(),
        failed_checks,
        failures,
        snapshot: comparison.hash,
        files: comparison.files,
        scanned: contents.files.into_iter().map(|file| file.path).collect(),
        checks: checks.to_vec(),
        completed: None,
    })
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

/// Touched files whose bytes the session did not keep and that hold code.
fn not_kept(
    workspace: &Workspace,
    contents: &Contents,
    files: &[TouchedFile],
    failures: &mut Vec<String>,
) -> Vec<UnreadFile> {
    let is_as_before = |path: &ProjectPath| {
        files.iter().any(|file| file.path == *path && file.change == ChangeKind::Mode)
    };
    let changed = contents.not_kept.iter().filter(|path| !is_as_before(path));
    let ordinary = changed.filter(|path| is_ordinary(workspace, path));
    let mut unread = Vec::new();
    for path in ordinary {
        match UnreadFile::not_kept(&workspace.files, path) {
            Ok(found) => unread.extend(found),
            Err(why) => failures.push(why),
        }
    }
    unread
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
    let (mendable, others): (Vec<_>, Vec<_>) =
        inspection.unread.iter().partition(|unread| unread.mend.is_some());
    for unread in mendable {
        text.push_str(&format!("- {}\n", unread.described()));
    }
    if !others.is_empty() {
        text.push_str("No rules read these; a person is asked about them when all else is done:\n");
    }
    for unread in others {
        text.push_str(&format!("- {}\n", unread.described()));
    }
    text
}
