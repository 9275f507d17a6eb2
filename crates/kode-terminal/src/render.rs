//! The lines a person sees. The shape is fixed (design §5); whatever comes
//! from the model or the project is escaped, and stands behind our own marks.

use kode_base::{Untrusted, escape_command, escape_for_terminal};
use kode_gate::{ApprovalRequest, TrustScope};

use crate::Appearance;
use crate::rows::{Row, fold, lay_out, one_row};

/// Rows of the request shown before it is folded, on however low a terminal.
const REQUEST_ROWS_MIN: usize = 6;

/// Rows of the context shown on `?`; the request itself is shown whole.
const CONTEXT_ROWS_MAX: usize = 1000;

/// What stands where `[A]pprove` would while rows are hidden that were never shown.
const UNSEEN: &str = "[?] shows all of it, then a approves. [D]eny:";

/// Narrower terminals are treated as this wide.
const COLUMNS_MIN: usize = 20;

/// How a question looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) appearance: Appearance,
}

impl Page {
    /// The four lines, the hosts that approving opens, and why trust given before does not
    /// answer; the cursor stays after the last. `seen`: the whole was shown before.
    pub(crate) fn question(self, request: &ApprovalRequest, seen: bool) -> String {
        let run = fold(self.request_rows(request), self.room(request), &request.focus, |rows| {
            self.appearance.alarm(&format!("   … {rows} rows hidden, ? shows them"))
        });
        let why = request.why.as_ref().map_or_else(|| "(not said)".to_owned(), one_line);
        let mut text = self.appearance.alarm(&format!("⚠️ Risk: {}", request.reason.class));
        text.push('\n');
        for row in run {
            text.push_str(&row);
            text.push('\n');
        }
        text.push_str(&one_row("Why: ", &why, self.columns()));
        text.push('\n');
        for row in opened_rows(request, self.columns()) {
            text.push_str(&row);
            text.push('\n');
        }
        if let Some(lapsed) = request.lapsed {
            for row in lay_out("Note: ", &lapsed.to_string(), self.columns()) {
                text.push_str(&row);
                text.push('\n');
            }
        }
        text.push_str(&self.appearance.strong(if seen || self.is_whole(request) {
            keys_line(request)
        } else {
            UNSEEN
        }));
        text.push(' ');
        text
    }

    /// Whether the question shows all of the request.
    pub(crate) fn is_whole(self, request: &ApprovalRequest) -> bool {
        self.request_rows(request).len() + self.taken(request) <= self.rows
    }

    /// What `?` shows: the whole request, why it was asked, parse and effects, and what `T`
    /// would cover. In pages that fit the terminal, with a row to spare each.
    pub(crate) fn context(self, request: &ApprovalRequest) -> Vec<String> {
        let columns = self.columns();
        let mut rows = self.request_rows(request);
        rows.extend(opened_rows(request, columns));
        let asked =
            format!("{} ({}, {})", request.reason.text, request.reason.rule, request.reason.layer);
        rows.extend(lay_out("Asked because: ", &one_line(&asked.into()), columns));
        if !request.context.is_empty() {
            let context = escape_for_terminal(&request.context.as_str().into()).replace('\t', "  ");
            rows.extend(fold(lay_out("   | ", &context, columns), CONTEXT_ROWS_MAX, &[], |rows| {
                format!("   … {rows} rows hidden")
            }));
        }
        if let Some(scope) = &request.trust {
            rows.extend(lay_out("T would cover: ", &scope_line(scope), columns));
        }
        let page = self.rows.saturating_sub(1).max(REQUEST_ROWS_MIN);
        rows.chunks(page).map(|rows| rows.join("\n") + "\n").collect()
    }

    fn request_rows(self, request: &ApprovalRequest) -> Vec<Row> {
        // Tabs are shown as `\t`: their width would depend on the terminal.
        let shown = escape_command(&request.subject).replace('\t', "\\t");
        lay_out(request.label, &shown, self.columns())
    }

    /// Rows that the request may take: what the rest of the question leaves.
    fn room(self, request: &ApprovalRequest) -> usize {
        self.rows.saturating_sub(self.taken(request)).max(REQUEST_ROWS_MIN)
    }

    fn taken(self, request: &ApprovalRequest) -> usize {
        let note = request
            .lapsed
            .map_or(0, |lapsed| lay_out("Note: ", &lapsed.to_string(), self.columns()).len());
        3 + note + opened_rows(request, self.columns()).len()
    }

    fn columns(self) -> usize {
        self.columns.max(COLUMNS_MIN)
    }
}

/// The hosts that approving opens, where there are any.
fn opened_rows(request: &ApprovalRequest, columns: usize) -> Vec<Row> {
    match request.opens.as_slice() {
        [] => Vec::new(),
        hosts => {
            let hosts = escape_command(&hosts.join(", ").into());
            lay_out("Opens: ", &one_line(&hosts.into()), columns)
        }
    }
}

fn keys_line(request: &ApprovalRequest) -> &'static str {
    match (request.type_approve, &request.trust) {
        (true, _) => "Type approve and Enter, or [D]eny [?] Context:",
        (false, Some(_)) => "[A]pprove [D]eny [?] Context [T]rust session:",
        (false, None) => "[A]pprove [D]eny [?] Context:",
    }
}

fn one_line(text: &Untrusted<String>) -> String {
    escape_for_terminal(text).replace('\n', "\\n").replace('\t', "\\t")
}

fn scope_line(scope: &TrustScope) -> String {
    one_line(&format!("{scope}, until untrusted text comes in or kode ends").into())
}

#[cfg(test)]
mod tests;
