//! Long runs: a small window, and a model that goes in circles.

use crate::workspace::Workspace;

/// A script of `turns` different reads, then a question that only the user's
/// own words answer.
fn script(turns: usize) -> String {
    let mut script = String::from("context_window: 12000\nturns:\n");
    for turn in 1..=turns {
        script.push_str(&format!(
            "  - text: Reading part {turn}.\n    calls:\n      - tool: read_file\n        args: {{path: long.txt, offset: {turn}, limit: 40}}\n"
        ));
    }
    script.push_str("  - cases:\n      - when: {anywhere: the code word is heron}\n        text: I still know the code word.\n      - text: I have forgotten it.\n        stop: refusal\n");
    script
}

#[test]
fn a_small_window_is_kept_and_the_users_words_survive_it() {
    let workspace = Workspace::new();
    let lines: Vec<String> =
        (0..300).map(|line| format!("line {line} with some words to fill the window")).collect();
    workspace.write("long.txt", &lines.join("\n"));
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script(150)).unwrap();
    let task = "read it all; the code word is heron";
    let arguments =
        ["run", "--json", "--max-iter", "200", "--script", path.to_str().unwrap(), task];
    let run = crate::workspace::Run::of(workspace.kode(&arguments).output().unwrap()).expect(0);
    let notices = serde_json::to_string(&run.of_type("notice")).unwrap();
    assert!(notices.contains("was shortened to fit"), "{notices}");
    let summary = run.of_type("run_finished")[0]["summary"].to_string();
    assert!(summary.contains("still know"), "{summary}");
}

#[test]
fn a_model_that_goes_in_circles_is_told_so() {
    let workspace = Workspace::new();
    let script = "turns:\n  - label: again\n    cases:\n      - when: {contains: made three times}\n        text: I stop.\n      - calls:\n          - tool: shell\n            args: {command: 'ls'}\n        goto: again\n";
    let run = workspace.run_script(script, &[]).expect(0);
    assert_eq!(run.of_type("decision").len(), 3, "the fourth did not run");
}
