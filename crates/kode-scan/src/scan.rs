//! The scan as a whole: every inspector over every file, then what is new.

use std::collections::HashSet;

use kode_base::{Finding, ProjectPath};

use crate::introduced::ChangedLines;
use crate::raw::{LineIndex, RawFinding, finish};
use crate::suppression::{self, Comment};
use crate::{ScanFile, ScanOptions, ScanReport, Suppressed, code, copies, repeated};

/// Scans files together. With `base: None` everything counts as introduced.
///
/// Time is linear in the bytes given; what could not be analysed is in
/// [`ScanReport::unscanned`] with the reason. No suppression counts.
pub fn scan(files: &[ScanFile<'_>]) -> ScanReport {
    scan_with(files, ScanOptions::default())
}

/// Like [`scan`], with what it takes to honour suppressions.
pub fn scan_with(files: &[ScanFile<'_>], options: ScanOptions<'_>) -> ScanReport {
    let scanned = files.len();
    let files = &[files, options.around].concat()[..];
    let has_around = !options.around.is_empty();
    let now = inspect(files, has_around, options.named);
    let mut report = ScanReport::default();
    let is_scanned = |path: &ProjectPath| files[..scanned].iter().any(|file| file.path == path);
    report.unscanned.extend(now.unscanned.into_iter().filter(|(path, _)| is_scanned(path)));
    let changed: Vec<ChangedLines> =
        files.iter().map(|file| ChangedLines::between(file.base, file.content)).collect();
    let pairs = files.iter().zip(&changed);
    let mut comments: Vec<Vec<Comment>> =
        pairs.map(|(file, changed)| suppression::comments(file, changed, options)).collect();
    let before = if now.raw.is_empty() {
        HashSet::new()
    } else {
        base_fingerprints(files, has_around, options.named)
    };
    for (finding, raw) in now.findings.into_iter().zip(&now.raw) {
        let known = before.contains(&finding.fingerprint);
        let touched = touches_change(raw, &changed, &now.indices);
        // A suppression is for the statement as it was: not for one whose bytes
        // are others, though the comment's own line and the next are the same.
        let index = &now.indices[raw.file];
        let (first, last) = (index.line(raw.start), index.line(raw.end.max(raw.start + 1) - 1));
        let is_same = known && !changed[raw.file].touches(first, last);
        let may = options.accept_new_suppressions || is_same;
        let silenced = may.then(|| suppression::silencing(&mut comments[raw.file], &finding));
        if let Some((reason, until)) = silenced.flatten() {
            report.suppressed.push(Suppressed { finding, reason, until });
        } else if known && !touched {
            report.older.extend((raw.file < scanned).then_some(finding));
        } else {
            report.introduced.push(finding);
        }
    }
    repeated::merge(&mut report.introduced);
    for (file, comments) in files[..scanned].iter().zip(&comments) {
        report.introduced.extend(suppression::useless(comments, file.path));
    }
    report
}

/// What one pass over one version of the files found.
struct Inspection {
    indices: Vec<LineIndex>,
    raw: Vec<RawFinding>,
    findings: Vec<Finding>,
    unscanned: Vec<(ProjectPath, String)>,
}

fn inspect(files: &[ScanFile<'_>], has_around: bool, named: &[ProjectPath]) -> Inspection {
    let (mut raw, unscanned) = code::inspect(files, has_around, named);
    // Of a warning and a proven finding in one place the proven one stays.
    let worst = |one: &RawFinding| (std::cmp::Reverse(one.severity), one.end);
    raw.sort_by(|a, b| {
        (a.file, a.start, &a.rule, worst(a)).cmp(&(b.file, b.start, &b.rule, worst(b)))
    });
    raw.dedup_by(|a, b| {
        // A key that code puts together of pieces that were found where they stand.
        let overlaps = a.rule.starts_with("secret.") && a.start < b.end;
        (a.file, &a.rule) == (b.file, &b.rule) && (a.start == b.start || overlaps)
    });
    copies::soften(&mut raw, files);
    copies::soften_builds(&mut raw, files);
    let indices = indices(files, &raw);
    let findings = finish(&raw, files, &indices);
    let unscanned =
        unscanned.into_iter().map(|(file, why)| (files[file].path.clone(), why)).collect();
    Inspection { indices, raw, findings, unscanned }
}

/// The lines of the files that a finding is in; of the others nobody asks.
fn indices(files: &[ScanFile<'_>], raw: &[RawFinding]) -> Vec<LineIndex> {
    let steps = raw.iter().flat_map(|finding| finding.flow.iter().map(|step| step.file));
    let wanted: HashSet<usize> = raw.iter().map(|finding| finding.file).chain(steps).collect();
    let content = |at: usize| if wanted.contains(&at) { files[at].content } else { b"" };
    (0..files.len()).map(|at| LineIndex::new(content(at))).collect()
}

/// What the base already had. A finding that only a deleted line (a check, an
/// escape) kept away is not among these, so it counts as introduced.
fn base_fingerprints(
    files: &[ScanFile<'_>],
    has_around: bool,
    named: &[ProjectPath],
) -> HashSet<String> {
    let bases: Vec<ScanFile<'_>> = files
        .iter()
        .filter_map(|file| Some(ScanFile { path: file.path, content: file.base?, base: None }))
        .collect();
    if bases.is_empty() {
        return HashSet::new();
    }
    inspect(&bases, has_around, named)
        .findings
        .into_iter()
        .map(|finding| finding.fingerprint)
        .collect()
}

fn touches_change(raw: &RawFinding, changed: &[ChangedLines], indices: &[LineIndex]) -> bool {
    let places = std::iter::once((raw.file, raw.start, raw.end))
        .chain(raw.flow.iter().map(|step| (step.file, step.start, step.end)));
    places.into_iter().any(|(file, start, end)| {
        let (first, last) = (indices[file].line(start), indices[file].line(end.max(start + 1) - 1));
        changed[file].touches(first, last)
    })
}
