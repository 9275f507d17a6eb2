//! A tool call on one line, and all of it when unfolded.

use kode_base::{
    AnsweredBy, Event, Reason, Untrusted, Verdict, escape_command, escape_for_terminal,
};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::shown::{one_line, wrapped};
use crate::theme::Theme;

/// Lines of output shown when unfolded.
const OUTPUT_LINES_MAX: usize = 200;

/// Cells before the details.
const DETAIL_INDENT: usize = 11;

/// A call and what became of it.
#[derive(Debug)]
pub(super) struct Call {
    tool: Untrusted<String>,
    arguments: Untrusted<String>,
    sandbox: String,
    decision: Option<Decision>,
    result: Option<Ended>,
    pub(super) unfolded: bool,
    /// Nothing more comes, result or not.
    pub(super) over: bool,
}

#[derive(Debug)]
struct Decision {
    verdict: Verdict,
    permitted: bool,
    answered_by: AnsweredBy,
    reason: Reason,
}

#[derive(Debug)]
struct Ended {
    ok: bool,
    exit_code: Option<i32>,
    duration_ms: u64,
    output: Untrusted<String>,
}

impl Call {
    pub(super) fn new(
        tool: Untrusted<String>,
        arguments: Untrusted<String>,
        sandbox: &str,
        unfolded: bool,
    ) -> Self {
        let sandbox = sandbox.to_owned();
        Self { tool, arguments, sandbox, decision: None, result: None, unfolded, over: false }
    }

    pub(super) fn decided(&mut self, event: &Event) {
        if let Event::Decision { verdict, permitted, answered_by, reason, .. } = event {
            let (verdict, permitted, answered_by) = (*verdict, *permitted, *answered_by);
            let reason = reason.clone();
            self.decision = Some(Decision { verdict, permitted, answered_by, reason });
        }
    }

    pub(super) fn ended(&mut self, event: &Event) {
        if let Event::ToolResult { ok, exit_code, duration_ms, output, .. } = event {
            let (ok, exit_code, duration_ms) = (*ok, *exit_code, *duration_ms);
            self.result = Some(Ended { ok, exit_code, duration_ms, output: output.clone() });
        }
    }

    pub(super) fn rows(&self, theme: Theme, width: usize) -> Vec<Line<'static>> {
        let mut rows = vec![self.headline(theme, width)];
        if self.unfolded {
            for (label, text) in self.details() {
                let parts = [(format!("  {label:<8} "), theme.accent()), (text, Style::new())];
                rows.extend(wrapped(&parts, theme, width, &" ".repeat(DETAIL_INDENT)));
            }
        } else if let Some(Decision { permitted: false, reason, .. }) = &self.decision {
            let text = format!("  {}", reason.text);
            rows.push(Line::from(one_line(&text, theme.warning(), theme, width)));
        }
        rows
    }

    fn headline(&self, theme: Theme, width: usize) -> Line<'static> {
        let (mark, style) = match (&self.decision, &self.result) {
            (Some(Decision { permitted: false, verdict: Verdict::Refuse, .. }), _) => {
                ("✖ refused", theme.alarm())
            }
            (Some(Decision { permitted: false, .. }), _) => ("✖ denied", theme.alarm()),
            (_, Some(Ended { ok: true, .. })) => ("✔", theme.added()),
            (_, Some(Ended { ok: false, .. })) => ("✖", theme.removed()),
            _ if self.over => ("•", theme.dim()),
            _ => ("…", theme.accent()),
        };
        let fold = if self.unfolded { "▾" } else { "▸" };
        let tool = escape_for_terminal(&self.tool);
        let about = escape_command(&summarised(&self.arguments)).replace('\n', "\\n");
        let class = self.decision.as_ref().map(|decision| format!(" · {}", decision.reason.class));
        let end = self.result.as_ref().map(|ended| {
            let code = ended.exit_code.filter(|code| *code != 0);
            let code = code.map(|code| format!(" · exit {code}")).unwrap_or_default();
            format!("{code} · {}", time(ended.duration_ms))
        });
        let tail = format!("{}{}", class.unwrap_or_default(), end.unwrap_or_default());
        let head = format!("{fold} {mark} {tool} ");
        let room = width.saturating_sub(crate::shown::cells(&head) + crate::shown::cells(&tail));
        let mut spans = one_line(&head, style, theme, width);
        spans.extend(one_line(&about, Style::new(), theme, room));
        spans.extend(one_line(&tail, theme.dim(), theme, width));
        Line::from(spans)
    }

    fn details(&self) -> Vec<(String, String)> {
        let mut details = arguments(&self.arguments);
        if let Some(decision) = &self.decision {
            details.extend(decision.details());
            if decision.permitted && !self.sandbox.is_empty() {
                details.push(("sandbox".to_owned(), self.sandbox.clone()));
            }
        }
        if let Some(ended) = &self.result {
            if let Some(code) = ended.exit_code {
                details.push(("exit".to_owned(), code.to_string()));
            }
            details.push(("time".to_owned(), time(ended.duration_ms)));
            let output = escape_for_terminal(&ended.output);
            let lines: Vec<&str> = output.lines().take(OUTPUT_LINES_MAX).collect();
            details.push(("output".to_owned(), lines.join("\n")));
        }
        details
    }
}

impl Decision {
    fn details(&self) -> Vec<(String, String)> {
        let who = match self.answered_by {
            AnsweredBy::Policy => "the policy",
            AnsweredBy::Person => "you",
            AnsweredBy::SessionTrust => "your trust for this session",
            AnsweredBy::NonInteractive => "non_interactive",
            AnsweredBy::Failure => "a failed inspector",
        };
        let what = if self.permitted { "permitted" } else { "not permitted" };
        let Reason { class, rule, layer, text } = &self.reason;
        [
            ("class", class.to_string()),
            ("verdict", format!("{}, {what} by {who}", self.verdict)),
            ("rule", format!("{rule} ({layer} layer)")),
            ("because", text.clone()),
        ]
        .map(|(label, text)| (label.to_owned(), text))
        .to_vec()
    }
}

/// Milliseconds for short times, seconds for longer ones.
fn time(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

/// Every argument by its name, or what the model wrote where that is no object.
#[expect(clippy::disallowed_methods, reason = "taken apart and escaped at once")]
fn arguments(arguments: &Untrusted<String>) -> Vec<(String, String)> {
    let parsed: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(arguments.expose()).ok();
    let Some(parsed) = parsed else {
        return vec![("argument".to_owned(), escape_for_terminal(arguments))];
    };
    let shown = |value: &serde_json::Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    let escaped = |text: String| escape_for_terminal(&Untrusted::from(text));
    parsed.iter().map(|(name, value)| (escaped(name.clone()), escaped(shown(value)))).collect()
}

/// The arguments that say what a call is about, instead of raw JSON.
#[expect(clippy::disallowed_methods, reason = "the result stays untrusted and is escaped")]
fn summarised(arguments: &Untrusted<String>) -> Untrusted<String> {
    let parsed: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(arguments.expose()).ok();
    let Some(parsed) = parsed else { return arguments.clone() };
    let telling = ["command", "path", "pattern", "glob", "summary", "blocked"];
    let parts: Vec<&str> = telling.iter().filter_map(|name| parsed.get(*name)?.as_str()).collect();
    Untrusted::from(parts.join("  "))
}
