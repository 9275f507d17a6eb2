//! Findings before they are shown: byte ranges, places, fingerprints.

use kode_base::{Finding, FlowStep, Severity, Span, escape::escape_line};
use sha2::{Digest, Sha256};

use crate::ScanFile;

/// A step of a flow, by file index and byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawStep {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: String,
}

/// A finding by file index and byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawFinding {
    pub(crate) rule: String,
    pub(crate) cwe: Option<u32>,
    pub(crate) severity: Severity,
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) message: String,
    pub(crate) remedy: String,
    pub(crate) flow: Vec<RawStep>,
    /// What makes it this finding and no other, apart from where it stands.
    pub(crate) identity: String,
}

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub(crate) struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub(crate) fn new(content: &[u8]) -> Self {
        let newlines = memchr::memchr_iter(b'\n', content);
        let starts = std::iter::once(0).chain(newlines.map(|at| at + 1)).collect();
        Self { starts }
    }

    /// The zero-based line of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The span of a byte range, columns in characters.
    pub(crate) fn span(&self, content: &[u8], start: usize, end: usize) -> Span {
        let (start_line, start_column) = self.place(content, start);
        let (end_line, end_column) = self.place(content, end.max(start));
        Span { start_line, start_column, end_line, end_column }
    }

    fn place(&self, content: &[u8], offset: usize) -> (u32, u32) {
        let offset = offset.min(content.len());
        let line = self.line(offset);
        let from = self.starts.get(line).copied().unwrap_or(0);
        // Long lines (minified code) are counted in bytes beyond 4096.
        let before = content.get(from..offset).unwrap_or_default();
        let (counted, rest) = before.split_at(before.len().min(4096));
        let column = String::from_utf8_lossy(counted).chars().count() + rest.len();
        (number(line + 1), number(column + 1))
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Turns raw findings into shown ones: spans, escaped text, fingerprints.
pub(crate) fn finish(
    raw: &[RawFinding],
    files: &[ScanFile<'_>],
    indices: &[LineIndex],
) -> Vec<Finding> {
    let mut seen = std::collections::HashMap::new();
    raw.iter()
        .map(|finding| {
            let path = files[finding.file].path;
            let key = format!("{}\0{}\0{}", finding.rule, path.as_str(), finding.identity);
            let nth: &mut u32 = seen.entry(key.clone()).or_default();
            *nth += 1;
            Finding {
                rule: finding.rule.clone(),
                cwe: finding.cwe,
                severity: finding.severity,
                path: path.clone(),
                span: span(files, indices, finding.file, finding.start, finding.end),
                message: escape_line(&finding.message),
                remedy: escape_line(&finding.remedy),
                flow: finding.flow.iter().map(|step| shown_step(step, files, indices)).collect(),
                fingerprint: fingerprint(&key, *nth),
            }
        })
        .collect()
}

fn shown_step(step: &RawStep, files: &[ScanFile<'_>], indices: &[LineIndex]) -> FlowStep {
    FlowStep {
        path: files[step.file].path.clone(),
        span: span(files, indices, step.file, step.start, step.end),
        text: escape_line(&step.text),
    }
}

fn span(
    files: &[ScanFile<'_>],
    indices: &[LineIndex],
    file: usize,
    start: usize,
    end: usize,
) -> Span {
    indices[file].span(files[file].content, start, end)
}

/// 128 bits of SHA-256 over the identity and which of equal ones this is.
pub(crate) fn fingerprint(key: &str, nth: u32) -> String {
    let digest = Sha256::digest(format!("{key}\0{nth}").as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `text` without whitespace, so that layout does not change an identity.
pub(crate) fn squeezed(text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(text);
    lossy.chars().filter(|character| !character.is_whitespace()).take(400).collect()
}
