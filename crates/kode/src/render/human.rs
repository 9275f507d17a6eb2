//! A plain transcript on standard error. Everything from outside is escaped.

use std::io::{IsTerminal, Write, stderr};

use kode_agent::Observer;
use kode_base::escape::escape_line;
use kode_base::{
    AnsweredBy, ChangeKind, Colour, Event, Finding, ProjectPath, Severity, TouchedFile, UnreadCode,
    Untrusted, Verdict, escape_for_terminal,
};

use super::Style;

/// Characters of a call's arguments shown on its line.
const ARGUMENTS_CHARACTERS_MAX: usize = 160;
/// Lines of a tool's output shown.
const OUTPUT_LINES_MAX: usize = 8;

/// Prints a run for a person.
#[derive(Debug)]
pub(crate) struct Human {
    style: Style,
    /// Model text is being streamed and its line is not ended yet.
    line_open: bool,
}

impl Human {
    /// Colours as standard error has them.
    pub(crate) fn new() -> Self {
        Self { style: Style::detect(stderr().is_terminal()), line_open: false }
    }

    fn line(&mut self, text: &str) {
        self.end_line();
        // Nothing is left to tell when standard error is gone.
        let _ = writeln!(stderr(), "{text}");
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.line_open) {
            let _ = writeln!(stderr());
        }
    }

    fn stream(&mut self, text: &Untrusted<String>) {
        let shown = escape_for_terminal(text);
        if !shown.is_empty() {
            self.line_open = !shown.ends_with('\n');
            let _ = write!(stderr(), "{shown}");
            let _ = stderr().flush();
        }
    }

    fn call(&mut self, tool: &Untrusted<String>, arguments: &Untrusted<String>) {
        let tool = one_line(tool, 40);
        let arguments = one_line(&summarised(arguments), ARGUMENTS_CHARACTERS_MAX);
        let text = format!("{} {} {arguments}", self.style.cyan("▸"), self.style.bold(tool));
        self.line(&text);
    }

    fn decision(
        &mut self,
        answer: Option<AnsweredBy>,
        verdict: Verdict,
        reason: &kode_base::Reason,
    ) {
        if let Some(who) = answer {
            if verdict != Verdict::Allow {
                let what = permitted(who, self.style);
                self.line(&format!("  {what} {} ({})", reason.class, reason.rule));
            }
            return;
        }
        let what = if verdict == Verdict::Refuse { "✖ refused" } else { "✖ denied" };
        let text = format!(
            "  {} {} ({}, {} layer): {}",
            self.style.red(what),
            reason.class,
            reason.rule,
            reason.layer,
            escape_line(&reason.text)
        );
        self.line(&text);
    }

    fn result(&mut self, ok: bool, output: &Untrusted<String>) {
        let shown = escape_for_terminal(output);
        let lines: Vec<&str> = shown.lines().collect();
        for line in lines.iter().take(OUTPUT_LINES_MAX) {
            let cut: String = line.chars().take(200).collect();
            let text =
                format!("  {}", if ok { self.style.dim(cut) } else { self.style.yellow(cut) });
            self.line(&text);
        }
        if lines.len() > OUTPUT_LINES_MAX {
            let text = self.style.dim(format!("  … {} more lines", lines.len() - OUTPUT_LINES_MAX));
            self.line(&text);
        }
    }

    fn gate(&mut self, round: u32, colour: Colour, findings: &[Finding], failed_checks: &[String]) {
        let shown = match colour {
            Colour::Green => self.style.green("● green"),
            Colour::Red => self.style.red("● red"),
        };
        self.line(&format!("{} round {round}: {shown}", self.style.bold("completion gate")));
        for finding in findings {
            self.finding(finding);
        }
        for check in failed_checks {
            let text = format!("  {} check failed: {}", self.style.red("✖"), escape_line(check));
            self.line(&text);
        }
    }

    fn unscanned(
        &mut self,
        unscanned: &[ProjectPath],
        accepted: &[UnreadCode],
        unaccepted: &[UnreadCode],
    ) {
        let named =
            |path: &ProjectPath| unaccepted.iter().chain(accepted).any(|code| code.path == *path);
        for path in unscanned.iter().filter(|path| !named(path)) {
            let text =
                format!("  {} {path}: no rules for this file", self.style.yellow("unscanned"));
            self.line(&text);
        }
        for code in accepted.iter().chain(unaccepted) {
            self.unread(code);
        }
    }

    fn unread(&mut self, code: &UnreadCode) {
        let by = match &code.accepted_by {
            Some(by) => self.style.yellow(format!("unscanned, accepted ({})", escape_line(by))),
            None => self.style.red("unscanned, not accepted"),
        };
        self.line(&format!("  {by} {}: {}", code.path, escape_line(&code.why)));
    }

    fn finding(&mut self, finding: &Finding) {
        let severity = match finding.severity {
            Severity::Fatal => self.style.red("fatal"),
            Severity::Warning => self.style.yellow("warning"),
        };
        let place =
            format!("{}:{}:{}", finding.path, finding.span.start_line, finding.span.start_column);
        let cwe = finding.cwe.map(|cwe| format!(" CWE-{cwe}")).unwrap_or_default();
        let head = format!("  {severity} {}{cwe} {}", self.style.bold(&finding.rule), place);
        self.line(&head);
        self.line(&format!("    {}", escape_line(&finding.message)));
        for step in &finding.flow {
            self.line(&format!(
                "    {}:{}: {}",
                step.path,
                step.span.start_line,
                escape_line(&step.text)
            ));
        }
        let mend = format!("    {} {}", self.style.cyan("mend:"), escape_line(&finding.remedy));
        self.line(&mend);
    }

    /// The list of touched files with their counts.
    pub(crate) fn files(&mut self, files: &[TouchedFile]) {
        for file in files {
            let text = format!("  {}", touched_line(file, self.style));
            self.line(&text);
        }
    }
}

/// Who let a call run that was a question: only a person approves.
fn permitted(who: AnsweredBy, style: Style) -> String {
    match who {
        AnsweredBy::Person => style.green("✔ approved"),
        AnsweredBy::SessionTrust => style.green("✔ trusted for this session:"),
        AnsweredBy::NonInteractive => style.yellow("• not asked, for want of a terminal:"),
        AnsweredBy::Policy | AnsweredBy::Failure => style.yellow("• not asked, by the policy:"),
    }
}

/// `1 finding`, `3 findings`.
fn counted(findings: usize) -> String {
    if findings == 1 { "1 finding".to_owned() } else { format!("{findings} findings") }
}

impl Observer for Human {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunStarted { session, project, model, provider, scripted, sandbox } => {
                let who = if *scripted {
                    format!("scripted model `{}` (no real model)", escape_line(model))
                } else {
                    format!("{} via {provider}", escape_line(model))
                };
                let text = format!(
                    "{} {who} · sandbox {sandbox} · {}",
                    self.style.bold("kode"),
                    escape_line(project)
                );
                self.line(&text);
                let text = self.style.dim(format!("session {session}"));
                self.line(&text);
            }
            // The person knows their own words.
            Event::TurnStarted { .. } | Event::UserMessage { .. } => self.end_line(),
            Event::Text { text } => self.stream(text),
            Event::ToolCall { tool, arguments, .. } => self.call(tool, arguments),
            Event::Decision { permitted, verdict, answered_by, reason, .. } => {
                self.decision(permitted.then_some(*answered_by), *verdict, reason);
            }
            Event::ToolResult { ok, output, .. } => self.result(*ok, output),
            Event::FileTouched { file } => {
                let text = format!("  {}", touched_line(file, self.style));
                self.line(&text);
            }
            // The gate says them in full; until then their number is enough.
            Event::Findings { findings } => {
                let text = format!("  {} so far", self.style.yellow(counted(findings.len())));
                self.line(&text);
            }
            Event::Gate {
                round,
                colour,
                findings,
                older,
                unscanned,
                failed_checks,
                unaccepted,
                accepted,
            } => {
                self.gate(*round, *colour, findings, failed_checks);
                if !older.is_empty() {
                    self.line(&format!("  {} findings were there before this task", older.len()));
                }
                self.unscanned(unscanned, accepted, unaccepted);
            }
            Event::Notice { text } => {
                let text = format!("{} {}", self.style.yellow("note:"), escape_line(text));
                self.line(&text);
            }
            Event::RunFinished { turns, refusals, usage, files, .. } => {
                self.line(&format!("{} file(s) touched", files.len()));
                self.files(files);
                let text = self.style.dim(format!(
                    "{turns} turns · {refusals} refused or denied · {} tokens in, {} out",
                    usage.input.0, usage.output.0
                ));
                self.line(&text);
            }
        }
    }
}

/// `M src/a.rs +3 -1`, escaped.
pub(crate) fn touched_line(file: &TouchedFile, style: Style) -> String {
    let mark = match file.change {
        ChangeKind::New => style.green("A"),
        ChangeKind::Changed => style.yellow("M"),
        ChangeKind::Deleted => style.red("D"),
        ChangeKind::Mode => style.yellow("P"),
        ChangeKind::Symlink => style.yellow("L"),
    };
    format!("{mark} {} {}", file.path, counts(file, style))
}

/// The same for a file that was renamed, whose old name this is.
pub(crate) fn renamed_line(old: &ProjectPath, file: &TouchedFile, style: Style) -> String {
    format!("{} {old} → {} {}", style.yellow("R"), file.path, counts(file, style))
}

fn counts(file: &TouchedFile, style: Style) -> String {
    if file.binary {
        return "binary".to_owned();
    }
    let (added, removed) = (format!("+{}", file.added), format!("-{}", file.removed));
    format!("{} {}", style.green(added), style.red(removed))
}

/// The first arguments that say what a call is about, instead of raw JSON.
#[expect(clippy::disallowed_methods, reason = "the result stays untrusted and is escaped")]
fn summarised(arguments: &Untrusted<String>) -> Untrusted<String> {
    let parsed: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(arguments.expose()).ok();
    let Some(parsed) = parsed else { return arguments.clone() };
    let telling = ["command", "path", "pattern", "glob", "summary", "blocked"];
    let parts: Vec<&str> = telling.iter().filter_map(|name| parsed.get(*name)?.as_str()).collect();
    Untrusted::from(parts.join("  "))
}

fn one_line(text: &Untrusted<String>, characters_max: usize) -> String {
    let escaped = escape_line(&escape_for_terminal(text));
    match escaped.char_indices().nth(characters_max) {
        Some((at, _)) => format!("{}…", &escaped[..at]),
        None => escaped,
    }
}
