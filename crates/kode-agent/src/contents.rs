//! The bytes of touched files, now and before the task, and the scan over them. What
//! is read here goes to the scan alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kode_base::{ChangeKind, ProjectPath, TouchedFile, Untrusted};
use kode_scan::{Reading, ScanFile, ScanOptions, ScanReport, code_kind, has_rules, surroundings};
use kode_session::{Comparison, Session, SessionError};
use sha2::{Digest as _, Sha256};

use crate::completion::today;
use crate::git::GitContent;
use crate::surroundings::Sources;
use crate::tools::Workspace;
use crate::unread::{UnreadFile, hexadecimal};

/// Larger files that a link gives a name of code are no code.
const LINKED_BYTES_MAX: u64 = 2 << 20;

/// The touched files' bytes.
pub(crate) struct Contents {
    pub(crate) files: Vec<FileContents>,
    /// Touched files whose bytes the session did not keep: nothing to scan.
    pub(crate) not_kept: Vec<ProjectPath>,
}

pub(crate) struct FileContents {
    pub(crate) path: ProjectPath,
    pub(crate) now: Untrusted<Vec<u8>>,
    base: Option<Untrusted<Vec<u8>>>,
    /// Its name before the task, where only that is another one.
    moved_from: Option<ProjectPath>,
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

    /// Whether the task changed nothing of it but its permissions or its name, and the
    /// new name makes no other code of it.
    #[expect(clippy::disallowed_methods, reason = "compared, not shown")]
    fn is_as_before(&self) -> bool {
        let kind = |path: &ProjectPath| code_kind(path, self.now.expose()).map(|kind| kind.name);
        self.base.as_ref() == Some(&self.now)
            && self.moved_from.as_ref().is_none_or(|from| kind(from) == kind(&self.path))
    }
}

/// Whether bytes under the file's name can be scanned whole.
fn is_scanned(file: &FileContents, bytes: &[u8]) -> bool {
    let alone = ScanFile { path: &file.path, content: bytes, base: None };
    kode_scan::scan(&[alone]).unscanned.is_empty()
}

impl Contents {
    pub(crate) fn read(session: &Session, files: &[TouchedFile]) -> Result<Self, SessionError> {
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
            contents.files.push(FileContents { path, now, base, moved_from: None });
        }
        Ok(contents)
    }

    /// Links that make code of what has no name of code: `web.py -> notes.txt`. What
    /// leads outside, or nowhere, nothing runs by that name.
    pub(crate) fn add_links(&mut self, workspace: &Workspace, files: &[TouchedFile]) {
        let links = files.iter().filter(|file| file.change == ChangeKind::Symlink);
        // Of what it leads to nothing is known yet: its name alone says what it is.
        let is_code = |path: &ProjectPath| code_kind(path, b"<script").is_some();
        for TouchedFile { path, .. } in links.filter(|file| is_code(&file.path)) {
            let is_code = workspace.files.leads_to(path).is_ok_and(|target| is_code(&target));
            if let Ok(now) = workspace.files.planning_read(path, LINKED_BYTES_MAX)
                && !is_code
            {
                self.files.push(FileContents {
                    path: path.clone(),
                    now,
                    base: None,
                    moved_from: None,
                });
            }
        }
    }

    /// A file that is gone and stands elsewhere with the same bytes was moved: nothing
    /// in it is new, unless the other name made code of it.
    pub(crate) fn take_moves(&mut self, session: &Session, files: &[TouchedFile]) {
        let gone = files.iter().filter(|file| file.change == ChangeKind::Deleted);
        let gone: Vec<(&ProjectPath, Untrusted<Vec<u8>>)> = gone
            .filter_map(|file| Some((&file.path, session.base_content(&file.path).ok().flatten()?)))
            .collect();
        for file in self.files.iter_mut().filter(|file| file.base.is_none()) {
            let is_moved = |(path, before): &&(&ProjectPath, Untrusted<Vec<u8>>)| {
                *before == file.now && stays_what_it_is(path, &file.path)
            };
            let Some((path, before)) = gone.iter().find(is_moved) else { continue };
            file.base = Some(before.clone());
            file.moved_from = Some((*path).clone());
        }
    }

    /// What is new in git and is neither scanned in the working tree nor in the base. A
    /// file that a person alone seems to have made may have come out of a commit of the
    /// agent's.
    pub(crate) fn in_git(
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
                contents.files.push(FileContents { path, now: bytes, base, moved_from: None });
            }
        }
        Ok(contents)
    }

    /// Those of the files that hold code which the scan could not read, and that a person
    /// has to accept. `elsewhere` is where they stand if not in the project's folder.
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    pub(crate) fn unread(
        &self,
        report: &ScanReport,
        elsewhere: Option<&'static str>,
    ) -> Vec<UnreadFile> {
        let reason = |path: &ProjectPath| report.unscanned.iter().find(|(each, _)| each == path);
        let named = self.files.iter().filter_map(|file| Some((file, &reason(&file.path)?.1)));
        let changed = named.filter(|(file, _)| !file.is_as_before());
        changed
            .filter_map(|(file, why)| {
                let kind = code_kind(&file.path, file.now.expose())?;
                // Of several versions in git one may be broken and another not.
                let of_many = elsewhere.is_some() && kind.reading == Reading::Rules;
                if of_many && is_scanned(file, file.now.expose()) {
                    return None;
                }
                let digest = hexadecimal(&Sha256::digest(file.now.expose()));
                let was_scanned =
                    file.base.as_ref().is_none_or(|base| is_scanned(file, base.expose()));
                UnreadFile::of(file.path.clone(), elsewhere, kind, why, digest, was_scanned)
            })
            .collect()
    }

    pub(crate) fn scan(&self, failures: &mut Vec<String>) -> ScanReport {
        self.scan_among(&Sources::default(), &[], failures)
    }

    /// Scans them with what goes with them of `sources` and of `beside`, which are
    /// scanned elsewhere and may be new as well.
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    pub(crate) fn scan_among(
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
        let options = ScanOptions {
            today: Some(&today),
            accept_new_suppressions: false,
            around: &around,
            named: &[],
        };
        catch_unwind(AssertUnwindSafe(|| kode_scan::scan_with(&files, options))).unwrap_or_else(
            |_| {
                failures.push("the security scan failed".to_owned());
                ScanReport::default()
            },
        )
    }
}

/// Whether a file is read the same way under its new name: as code with rules, or by the
/// same ending.
fn stays_what_it_is(old: &ProjectPath, new: &ProjectPath) -> bool {
    let ending = |path: &ProjectPath| {
        std::path::Path::new(path.as_str()).extension().map(std::ffi::OsStr::to_owned)
    };
    has_rules(old) && has_rules(new) || ending(old) == ending(new)
}
