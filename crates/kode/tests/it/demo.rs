//! `kode demo`: the README's first promise.

use crate::workspace::{Run, Workspace};

#[test]
fn the_demo_goes_from_red_to_green_and_refuses_the_pipe() {
    let workspace = Workspace::new();
    let mut command = workspace.kode(&["demo", "--json"]);
    command.env("TMPDIR", workspace.beside(""));
    let run = Run::of(command.output().unwrap()).expect(0);

    assert_eq!(run.of_type("run_started")[0]["scripted"], true);
    let refused: Vec<_> =
        run.of_type("decision").into_iter().filter(|d| d["verdict"] == "refuse").collect();
    assert_eq!(refused.len(), 1, "exactly the pipe is refused");
    assert_eq!(refused[0]["permitted"], false);

    let gates = run.of_type("gate");
    assert_eq!(gates[0]["colour"], "red");
    assert_eq!(gates[gates.len() - 1]["colour"], "green");
    let rules: Vec<&str> = gates[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["rule"].as_str())
        .collect();
    assert!(rules.iter().any(|rule| rule.contains("sql")), "{rules:?}");
    assert!(rules.iter().any(|rule| rule.contains("secret")), "{rules:?}");
    for finding in gates[0]["findings"].as_array().unwrap() {
        assert!(finding["span"]["start_line"].as_u64().unwrap() >= 1);
        assert!(finding["path"].as_str().unwrap().starts_with("src/"));
    }
    let finished = run.of_type("run_finished")[0];
    assert_eq!(finished["exit_code"], 0);
    assert_eq!(finished["files"].as_array().unwrap().len(), 3);
}

#[test]
fn a_person_reads_that_the_model_is_scripted_and_what_is_wrong_where() {
    let workspace = Workspace::new();
    let mut command = workspace.kode(&["demo"]);
    command.env("TMPDIR", workspace.beside(""));
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    for expected in
        ["scripted model", "refused", "● red", "src/search.js:", "src/mail.js:", "● green"]
    {
        assert!(stderr.contains(expected), "missing {expected:?} in:\n{stderr}");
    }
    assert!(!stderr.contains('\u{1b}'), "no colours without a terminal");
    assert!(String::from_utf8_lossy(&output.stdout).contains("bound query"));
}
