//! SARIF 2.1.0 (OASIS), with code flows, CWE tags and stable fingerprints.

use std::collections::BTreeMap;

use kode_base::{Finding, FlowStep, ProjectPath, Severity, Span};
use serde_json::{Value, json};

use crate::{Category, ScanReport};

/// The report as a SARIF 2.1.0 log.
pub fn sarif(report: &ScanReport) -> String {
    let mut results: Vec<Value> = Vec::new();
    results.extend(report.introduced.iter().map(|finding| result(finding, "new")));
    results.extend(report.older.iter().map(|finding| result(finding, "unchanged")));
    for one in &report.suppressed {
        let mut value = result(&one.finding, "unchanged");
        value["suppressions"] = json!([{
            "kind": "inSource",
            "status": "accepted",
            "justification": format!("{} (until {})", one.reason, one.until),
        }]);
        results.push(value);
    }
    let notifications: Vec<Value> = report.unscanned.iter().map(notification).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kode",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules(report),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// Every rule that is reported, once.
fn rules(report: &ScanReport) -> Vec<Value> {
    let suppressed = report.suppressed.iter().map(|one| &one.finding);
    let all = report.introduced.iter().chain(&report.older).chain(suppressed);
    let mut found: BTreeMap<&str, Value> = BTreeMap::new();
    for finding in all {
        found.entry(&finding.rule).or_insert_with(|| rule(finding));
    }
    found.into_values().collect()
}

fn rule(finding: &Finding) -> Value {
    let category = Category::ALL.iter().find(|category| category.rule() == finding.rule);
    let mut tags = vec!["security".to_owned()];
    tags.extend(finding.cwe.map(|number| format!("external/cwe/cwe-{number:03}")));
    let text = category.map_or(finding.message.as_str(), |category| category.message());
    json!({
        "id": finding.rule,
        "name": finding.rule,
        "shortDescription": { "text": text },
        "help": { "text": finding.remedy },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "tags": tags, "security-severity": "8.0" },
    })
}

fn result(finding: &Finding, baseline: &str) -> Value {
    let mut value = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{} {}", finding.message, finding.remedy) },
        "locations": [{ "physicalLocation": physical(&finding.path, finding.span) }],
        "partialFingerprints": { "kodeFinding/v1": finding.fingerprint },
        "baselineState": baseline,
    });
    if !finding.flow.is_empty() {
        let locations: Vec<Value> = finding.flow.iter().map(flow_location).collect();
        value["codeFlows"] = json!([{ "threadFlows": [{ "locations": locations }] }]);
    }
    value
}

fn flow_location(step: &FlowStep) -> Value {
    json!({ "location": {
        "physicalLocation": physical(&step.path, step.span),
        "message": { "text": step.text },
    }})
}

fn physical(path: &ProjectPath, span: Span) -> Value {
    json!({
        "artifactLocation": { "uri": uri(path), "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": span.start_line,
            "startColumn": span.start_column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        },
    })
}

fn notification((path, why): &(ProjectPath, String)) -> Value {
    json!({
        "level": "warning",
        "message": { "text": why },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(path) } } }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal => "error",
        Severity::Warning => "warning",
    }
}

/// A relative URI: bytes beyond RFC 3986's unreserved ones are percent-encoded.
fn uri(path: &ProjectPath) -> String {
    let mut uri = String::new();
    for byte in path.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte as char);
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
