//! What each report holds, and what none may.

use kode_base::ProjectPath;
use serde_json::Value;

use super::*;
use crate::{ScanFile, scan};

const FLAW: &str = "const { exec } = require('child_process');\nfunction run(req, res) {\n  exec('ls ' + req.query.dir);\n}\n";

fn with_report<T>(content: &str, check: impl FnOnce(&ScanReport, &[ScanFile<'_>]) -> T) -> T {
    let path = ProjectPath::new("src/a b.js").unwrap();
    let files = [ScanFile { path: &path, content: content.as_bytes(), base: None }];
    check(&scan(&files), &files)
}

#[test]
fn text_shows_line_flow_and_remedy() {
    let shown = with_report(FLAW, text);
    assert!(shown.contains("error[command-injection, CWE-78]"), "{shown}");
    assert!(shown.contains("--> src/a b.js:3:3"));
    assert!(shown.contains("3 |   exec('ls ' + req.query.dir);"));
    assert!(shown.contains("= help:"));
    assert!(shown.contains("1 fatal"));
}

#[test]
fn no_report_holds_a_secret() {
    let secret = ["AKIA", "WHP2E6FUJFONXAW3"].concat();
    let code = format!("const key = '{secret}';\n");
    let shown = with_report(&code, |report, files| {
        assert_eq!(report.introduced.len(), 1);
        [text(report, files), json(report), sarif(report)].concat()
    });
    assert!(!shown.contains(&secret));
}

#[test]
fn sarif_has_flows_tags_and_fingerprints() {
    let log: Value = with_report(FLAW, |report, _| serde_json::from_str(&sarif(report)).unwrap());
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["properties"]["tags"][1], "external/cwe/cwe-078");
    let result = &run["results"][0];
    assert_eq!(
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "src/a%20b.js"
    );
    assert!(result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap().len() >= 2);
    assert_eq!(result["partialFingerprints"]["kodeFinding/v1"].as_str().unwrap().len(), 32);
}
