//! The report for people: source line, flow step by step, how to mend it.

use std::fmt::Write as _;

use kode_base::{Finding, FlowStep, ProjectPath, Severity, Span, escape::escape_line};

use crate::{ScanFile, ScanReport};

/// Characters of a source line that are shown.
const LINE_CHARACTERS_MAX: usize = 160;

/// The report as text. `files` are the scanned files, for the source lines.
pub fn text(report: &ScanReport, files: &[ScanFile<'_>]) -> String {
    let mut out = String::new();
    for finding in &report.introduced {
        show(&mut out, finding, files);
    }
    if !report.older.is_empty() {
        line(&mut out, format_args!("There before this change:"));
        for finding in &report.older {
            let (path, span) = (&finding.path, finding.span);
            line(
                &mut out,
                format_args!("  {path}:{}:{} {}", span.start_line, span.start_column, finding.rule),
            );
        }
        out.push('\n');
    }
    for one in &report.suppressed {
        let finding = &one.finding;
        line(
            &mut out,
            format_args!(
                "suppressed until {}: {}:{} {} ({})",
                one.until,
                finding.path,
                finding.span.start_line,
                finding.rule,
                escape_line(&one.reason)
            ),
        );
    }
    for (path, why) in &report.unscanned {
        line(&mut out, format_args!("not scanned: {path}: {}", escape_line(why)));
    }
    summary(&mut out, report);
    out
}

fn show(out: &mut String, finding: &Finding, files: &[ScanFile<'_>]) {
    let level = match finding.severity {
        Severity::Fatal => "error",
        Severity::Warning => "warning",
    };
    let cwe = finding.cwe.map(|number| format!(", CWE-{number}")).unwrap_or_default();
    line(out, format_args!("{level}[{}{cwe}]: {}", finding.rule, finding.message));
    place(out, &finding.path, finding.span, files, !finding.rule.starts_with("secret."));
    for (at, step) in finding.flow.iter().enumerate() {
        flow_step(out, at + 1, step, files);
    }
    line(out, format_args!("  = help: {}\n", finding.remedy));
}

fn flow_step(out: &mut String, number: usize, step: &FlowStep, files: &[ScanFile<'_>]) {
    let shown = source_line(&step.path, step.span.start_line, files).unwrap_or_default();
    line(out, format_args!("  {number}. {}:{} {}", step.path, step.span.start_line, step.text));
    line(out, format_args!("       {}", shown.trim_start()));
}

/// `--> path:line:column`, the source line and carets below the span.
fn place(
    out: &mut String,
    path: &ProjectPath,
    span: Span,
    files: &[ScanFile<'_>],
    show_source: bool,
) {
    line(out, format_args!("  --> {path}:{}:{}", span.start_line, span.start_column));
    // The line of a secret holds the secret.
    let Some(shown) = source_line(path, span.start_line, files).filter(|_| show_source) else {
        return;
    };
    let gutter = span.start_line.to_string();
    let blank = " ".repeat(gutter.len());
    let start = (span.start_column as usize).saturating_sub(1).min(LINE_CHARACTERS_MAX);
    let end =
        if span.end_line == span.start_line { span.end_column as usize - 1 } else { usize::MAX };
    let width = shown.chars().count().min(end).saturating_sub(start).max(1);
    line(out, format_args!("{blank} |"));
    line(out, format_args!("{gutter} | {shown}"));
    line(out, format_args!("{blank} | {}{}", " ".repeat(start), "^".repeat(width)));
}

fn source_line(path: &ProjectPath, number: u32, files: &[ScanFile<'_>]) -> Option<String> {
    let file = files.iter().find(|file| file.path == path)?;
    let mut newlines = memchr::memchr_iter(b'\n', file.content);
    let start = match (number as usize).checked_sub(2) {
        None => 0,
        Some(before) => newlines.nth(before)? + 1,
    };
    let bytes = &file.content[start..newlines.next().unwrap_or(file.content.len())];
    let text: String = String::from_utf8_lossy(bytes).chars().take(LINE_CHARACTERS_MAX).collect();
    Some(escape_line(&text.replace('\t', " ").replace('\r', "")))
}

fn summary(out: &mut String, report: &ScanReport) {
    let fatal = report.introduced.iter().filter(|f| f.severity == Severity::Fatal).count();
    let warnings = report.introduced.len() - fatal;
    line(
        out,
        format_args!(
            "{fatal} fatal, {warnings} warning, {} older, {} suppressed, {} not scanned",
            report.older.len(),
            report.suppressed.len(),
            report.unscanned.len()
        ),
    );
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(out, "{text}");
}
