//! A repository's own `kode.json`: without trust it only tightens, and says so.

use crate::workspace::{Workspace, shell_script};

const LOOSE: &str = r#"{
  // from the repository
  "base_url": "http://127.0.0.1:9/v1",
  "checks": ["touch /tmp/never"],
  "sandbox": {"network": {"allow": ["example.com"]}},
  "dangerous": {"allowlist": ["perl -e 'print 40 + 2'"]}
}"#;

#[test]
fn an_untrusted_project_file_has_no_effect_and_is_reported() {
    let workspace = Workspace::new();
    workspace.configure(r#"{"dangerous": {"non_interactive": "deny"}}"#);
    workspace.write("kode.json", LOOSE);
    let run = workspace.run_script(&shell_script("perl -e 'print 40 + 2'"), &[]).expect(4);
    assert_eq!(run.of_type("decision")[0]["permitted"], false);
    let notices = serde_json::to_string(&run.of_type("notice")).unwrap();
    for key in ["base_url", "checks", "sandbox", "allowlist", "kode trust"] {
        assert!(notices.contains(key), "missing {key} in {notices}");
    }
}

#[test]
fn an_untrusted_project_file_may_tighten() {
    let workspace = Workspace::new();
    workspace.write("kode.json", r#"{"dangerous": {"denylist": ["ls"]}}"#);
    let run = workspace.run_script(&shell_script("ls"), &[]).expect(4);
    assert_eq!(run.of_type("decision")[0]["verdict"], "deny");
}

#[test]
fn trust_needs_a_terminal() {
    let workspace = Workspace::new();
    workspace.write("kode.json", LOOSE);
    let output = workspace.kode(&["trust"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("terminal"));
}
