//! `web_fetch`: one page of the web through the gate, as readable text. Every
//! hop of a redirect to another host is judged anew.

use kode_base::escape::escape_line;
use kode_base::{Untrusted, WebFetch};
use kode_gate::Decision;
use kode_sandbox::{Page, Refusal, redirected, web_address};
use serde::Deserialize;

use super::output::{bytes_to_text, cap};
use super::page_text::page_text;
use super::{ToolOutcome, Workspace};
use crate::connection_records;

/// Redirects followed.
const HOPS_MAX: usize = 5;

/// Arguments of `web_fetch`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fetch {
    pub(crate) url: String,
}

/// What one hop came to.
enum Hop {
    Page(Page, Decision),
    /// Nothing was read, for this reason.
    Ended(ToolOutcome),
}

impl Fetch {
    /// Asks the gate, reads, follows redirects within bounds.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let mut address = match web_address(&self.url) {
            Ok(address) => address,
            Err(refusal) => return ToolOutcome::failed(refused(&refusal)),
        };
        for _ in 0..=HOPS_MAX {
            let (page, decision) = match hop(workspace, &address) {
                Hop::Page(page, decision) => (page, decision),
                Hop::Ended(outcome) => return outcome,
            };
            let moved = matches!(page.status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = page.location.as_ref().filter(|_| moved) else {
                return rendered(&address, page, decision);
            };
            address = match redirected(&address, location) {
                Ok(next) => next,
                Err(refusal) => {
                    let why = format!("its redirect is not followed: {refusal}");
                    return ToolOutcome::failed(escape_line(&why)).with_decision(decision);
                }
            };
        }
        ToolOutcome::failed(format!("more than {HOPS_MAX} redirects"))
    }
}

/// One page through the gate; every connection is in the audit log before the
/// model learns what it brought.
fn hop(workspace: &mut Workspace, address: &WebFetch) -> Hop {
    let (permit, decision) = match workspace.gate.authorize(address.clone()) {
        Ok(permitted) => permitted,
        Err(denial) => return Hop::Ended(ToolOutcome::denied(denial)),
    };
    let intent = permit.intent();
    let (page, connections) = workspace.sandbox.fetch(permit, &workspace.interrupt);
    for record in &connection_records(&connections, intent) {
        if let Err(error) = workspace.gate.record(record) {
            return Hop::Ended(ToolOutcome::failed(error.to_string()));
        }
    }
    match page {
        Ok(page) => Hop::Page(page, decision),
        Err(refusal) => Hop::Ended(ToolOutcome::failed(refused(&refusal)).with_decision(decision)),
    }
}

/// Why a page was not read, and how a person allows it.
fn refused(refusal: &Refusal) -> String {
    let why = escape_line(&refusal.to_string());
    match refusal {
        Refusal::HostNotOpen(_) => format!(
            "{why}: no person approved it at the prompt. A person opens it by approving this call \
             in a terminal, or by listing the host in sandbox.network.allow of ~/.kode/config.json"
        ),
        _ => why,
    }
}

#[expect(clippy::disallowed_methods, reason = "the page stays untrusted; its kind is looked at")]
fn rendered(address: &WebFetch, page: Page, decision: Decision) -> ToolOutcome {
    let kind = page.content_type.expose().clone();
    let is_html = kind.contains("html") || kind.is_empty();
    let is_text = is_html
        || kind.starts_with("text/")
        || ["json", "xml", "javascript", "yaml", "toml"].iter().any(|each| kind.contains(each));
    let body = match is_text {
        true => bytes_to_text(page.body),
        false => Untrusted::from(format!("[{} bytes that are no text]", page.body.expose().len())),
    };
    let body = if is_html { body.map(|html| page_text(&html)) } else { body };
    let cut = if page.cut { ", cut after 2 MiB" } else { "" };
    let kind: String = escape_line(&kind).chars().take(80).collect();
    let head = format!(
        "[https://{}{}: status {}, {kind}{cut}]\n",
        address.host,
        escape_line(address.target.expose()),
        page.status
    );
    let text = cap(body).map(|body| format!("{head}{body}"));
    let mut outcome = ToolOutcome::done(text, decision);
    outcome.ok = page.status < 400;
    outcome
}
