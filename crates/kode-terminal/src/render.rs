//! The lines a person sees. The shape is fixed (design §5); whatever comes
//! from the model or the project is escaped, and stands behind our own marks.

use kode_base::{Untrusted, escape_command, escape_for_terminal};
use kode_gate::{ApprovalRequest, TrustScope};

use crate::Appearance;
use crate::rows::{Row, fold, lay_out, one_row};

/// Rows of the request shown before it is folded.
const REQUEST_ROWS_MAX: usize = 13;

/// Rows shown on `?`, for the request and for the context.
const FULL_ROWS_MAX: usize = 1000;

/// Narrower terminals are treated as this wide.
const COLUMNS_MIN: usize = 20;

/// How a question looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) columns: usize,
    pub(crate) appearance: Appearance,
}

impl Page {
    /// The four lines, the hosts that approving opens, and why trust given before does not
    /// answer; the cursor stays after the last.
    pub(crate) fn question(self, request: &ApprovalRequest) -> String {
        let run = self.request_rows(request, REQUEST_ROWS_MAX, ", ? shows them");
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
        text.push_str(&self.appearance.strong(keys_line(request)));
        text.push(' ');
        text
    }

    /// What `?` shows: the whole request, why it was asked, parse and effects,
    /// and what `T` would cover.
    pub(crate) fn context(self, request: &ApprovalRequest) -> String {
        let columns = self.columns();
        let mut rows = self.request_rows(request, FULL_ROWS_MAX, "");
        let asked =
            format!("{} ({}, {})", request.reason.text, request.reason.rule, request.reason.layer);
        rows.extend(lay_out("Asked because: ", &one_line(&asked.into()), columns));
        if !request.context.is_empty() {
            let context = escape_for_terminal(&request.context.as_str().into()).replace('\t', "  ");
            rows.extend(fold(lay_out("   | ", &context, columns), FULL_ROWS_MAX, &[], hidden));
        }
        if let Some(scope) = &request.trust {
            rows.extend(lay_out("T would cover: ", &scope_line(scope), columns));
        }
        let mut text = rows.join("\n");
        text.push('\n');
        text
    }

    fn request_rows(self, request: &ApprovalRequest, rows_max: usize, hint: &str) -> Vec<Row> {
        // Tabs are shown as `\t`: their width would depend on the terminal.
        let shown = escape_command(&request.subject).replace('\t', "\\t");
        fold(lay_out("Run: ", &shown, self.columns()), rows_max, &request.focus, |rows| {
            self.appearance.alarm(&format!("{}{hint}", hidden(rows)))
        })
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

fn hidden(rows: usize) -> Row {
    format!("   … {rows} rows hidden")
}

fn one_line(text: &Untrusted<String>) -> String {
    escape_for_terminal(text).replace('\n', "\\n").replace('\t', "\\t")
}

fn scope_line(scope: &TrustScope) -> String {
    let covered = match scope {
        TrustScope::Class(class) => format!("every {class} action"),
        TrustScope::Host(host) => format!("network actions towards {host}"),
        TrustScope::Folder(folder) => format!("writes below {folder}"),
    };
    one_line(&format!("{covered}, until untrusted text comes in or kode ends").into())
}

#[cfg(test)]
mod tests;
