//! `kode-ignore[rule] until=YYYY-MM-DD -- reason`: what a comment may silence,
//! and what it takes for it to count.

use kode_base::{Finding, ProjectPath, Severity, Span};

use crate::introduced::ChangedLines;
use crate::{Category, ScanFile};

const MARK: &str = "kode-ignore";

/// What the caller knows that a pure scan can't.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanOptions<'a> {
    /// Today as `YYYY-MM-DD`; without it no suppression counts, for none can be
    /// told from an expired one.
    pub today: Option<&'a str>,
    /// Let suppressions count that are new against the base: for a person's
    /// own scan, never for an agent's run.
    pub accept_new_suppressions: bool,
    /// Files that nobody touched and that go with the scanned ones (see
    /// [`crate::surroundings`]), each with its content as its base: flows lead
    /// through them, and only what is new of these is reported.
    pub around: &'a [ScanFile<'a>],
    /// Files and folders that a person named to be scanned: that one of them is called
    /// `tests` makes nothing in it a test's sample.
    pub named: &'a [ProjectPath],
}

/// A finding that a comment silences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// What is silenced.
    pub finding: Finding,
    /// The reason in the comment.
    pub reason: String,
    /// The last day it counts, `YYYY-MM-DD`.
    pub until: String,
}

/// A comment that may silence a rule on its own line and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    rule: String,
    until: String,
    reason: String,
    /// Why it does not count, where it does not.
    fault: Option<String>,
    used: bool,
}

/// The suppression comments of one file.
pub(crate) fn comments(
    file: &ScanFile<'_>,
    changed: &ChangedLines,
    options: ScanOptions<'_>,
) -> Vec<Comment> {
    if memchr::memmem::find(file.content, MARK.as_bytes()).is_none() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(file.content);
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(line, text)| {
            let mut comment = parsed(line, text)?;
            if comment.fault.is_none() {
                comment.fault = fault(&comment, changed, options);
            }
            Some(comment)
        })
        .collect()
}

fn parsed(line: usize, text: &str) -> Option<Comment> {
    let rest = &text[text.find(MARK)? + MARK.len()..];
    let (rule, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let (head, reason) = rest.split_once("--").unwrap_or((rest, ""));
    let until = head.trim().strip_prefix("until=").unwrap_or_default().trim();
    let reason = reason.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
    let known =
        Category::ALL.iter().any(|category| category.rule() == rule) || rule.starts_with("secret.");
    let fault = if !known {
        Some(format!("no rule is called `{}`", rule.chars().take(60).collect::<String>()))
    } else if reason.is_empty() {
        Some("it gives no reason (`-- reason`)".to_owned())
    } else if !is_date(until) {
        Some("it gives no last day (`until=YYYY-MM-DD`)".to_owned())
    } else {
        None
    };
    Some(Comment {
        line,
        rule: rule.to_owned(),
        until: until.to_owned(),
        reason: reason.to_owned(),
        fault,
        used: false,
    })
}

fn fault(comment: &Comment, changed: &ChangedLines, options: ScanOptions<'_>) -> Option<String> {
    match options.today {
        None => return Some("the scan was given no date to judge its last day by".to_owned()),
        Some(today) if comment.until.as_str() < today => {
            return Some(format!("it ended on {}", comment.until));
        }
        Some(_) => {}
    }
    let is_new = changed.touches(comment.line, comment.line + 1);
    (is_new && !options.accept_new_suppressions)
        .then(|| "it, or the statement it is for, is new and no person has approved it".to_owned())
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// The comment that silences a finding, if one counts.
pub(crate) fn silencing(comments: &mut [Comment], finding: &Finding) -> Option<(String, String)> {
    let line = finding.span.start_line as usize - 1;
    let comment = comments.iter_mut().find(|comment| {
        comment.fault.is_none()
            && comment.rule == finding.rule
            && (comment.line == line || comment.line + 1 == line)
    })?;
    comment.used = true;
    Some((comment.reason.clone(), comment.until.clone()))
}

/// A warning for each comment that does nothing.
pub(crate) fn useless(comments: &[Comment], path: &ProjectPath) -> Vec<Finding> {
    let idle = comments.iter().filter(|comment| comment.fault.is_some() || !comment.used);
    idle.map(|comment| {
        let why = comment.fault.clone();
        let why = why.unwrap_or_else(|| "there is no such finding on its line or the next".to_owned());
        let line = u32::try_from(comment.line + 1).unwrap_or(u32::MAX);
        Finding {
            rule: "useless-suppression".to_owned(),
            cwe: None,
            severity: Severity::Warning,
            path: path.clone(),
            span: Span { start_line: line, start_column: 1, end_line: line, end_column: 1 },
            message: format!("This suppression does nothing: {}.", kode_base::escape::escape_line(&why)),
            remedy: "Write `kode-ignore[rule] until=YYYY-MM-DD -- reason` above the finding, or remove it."
                .to_owned(),
            flow: Vec::new(),
            fingerprint: crate::raw::fingerprint(&format!("useless-suppression\0{path}\0{}", comment.rule), line),
        }
    })
    .collect()
}
