//! Lists of commands with the verdict a careful person would give. Strings
//! only: nothing here is ever run.

use kode_base::Verdict;
use kode_gate::{Policy, SessionState, policy_check};

fn verdict(command: &str) -> Verdict {
    judged(command).0
}

/// The verdict and the class's name.
fn judged(command: &str) -> (Verdict, String) {
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    let judgement = policy_check::check(command, &Policy::default(), &state);
    (judgement.verdict, judgement.reason.class.to_string())
}

fn wrong(list: &str, holds: impl Fn(Verdict) -> bool) -> Vec<String> {
    let commands = list.lines().filter(|line| !line.starts_with("# ") || line.len() < 20);
    commands
        .map(|line| line.replace('⏎', "\n"))
        .filter_map(|command| {
            let got = verdict(&command);
            (!holds(got)).then(|| format!("{got}: {command}"))
        })
        .collect()
}

#[test]
fn disguises_of_what_is_never_allowed_are_refused() {
    let wrong = wrong(include_str!("../../fixtures/refused.txt"), |got| got == Verdict::Refuse);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_does_more_than_it_seems_is_never_allowed_silently() {
    let wrong = wrong(include_str!("../../fixtures/asked.txt"), |got| got > Verdict::Allow);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everyday_commands_are_not_bothered() {
    let wrong = wrong(include_str!("../../fixtures/everyday.txt"), |got| got == Verdict::Allow);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What of `rows` (a verdict, perhaps a class, a tab, a command) does not hold.
fn rows_that_fail(rows: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in rows.lines().filter(|line| !line.starts_with('#')) {
        let Some((expected, command)) = line.split_once('\t') else { continue };
        let (expected, class) = match expected.split_once(':') {
            Some((expected, class)) => (expected, Some(class)),
            None => (expected, None),
        };
        let reason = judged(&command.replace('⏎', "\n"));
        let got = reason.0;
        let holds = match expected {
            "refuse" => got == Verdict::Refuse,
            "ask" => got > Verdict::Allow,
            "prompt" => got == Verdict::Prompt,
            "allow" => got == Verdict::Allow,
            _ => false,
        };
        if !holds || class.is_some_and(|class| class != reason.1) {
            wrong.push(format!("{got} {}, not {expected}: {command}", reason.1));
        }
    }
    wrong
}

#[test]
fn every_chapter_of_the_grammar_is_read_for_what_it_does() {
    for chapter in [
        include_str!("../../fixtures/grammar/quoting.txt"),
        include_str!("../../fixtures/grammar/expansion.txt"),
        include_str!("../../fixtures/grammar/redirection.txt"),
        include_str!("../../fixtures/grammar/compound.txt"),
        include_str!("../../fixtures/grammar/lexing.txt"),
    ] {
        let wrong = rows_that_fail(chapter);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_days_work_is_allowed_or_asked_about_and_never_denied() {
    let wrong = rows_that_fail(include_str!("../../fixtures/work.txt"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn flags_and_words_that_run_something_else_are_asked_about() {
    let wrong = rows_that_fail(include_str!("../../fixtures/injection.txt"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_written_afresh_are_read_for_what_they_do() {
    for list in [
        include_str!("../../fixtures/fresh/attacks.txt"),
        include_str!("../../fixtures/fresh/asked.txt"),
        include_str!("../../fixtures/fresh/everyday.txt"),
        include_str!("../../fixtures/fresh/prompts.txt"),
    ] {
        let wrong = rows_that_fail(list);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn loops_within_loops_end_and_hide_nothing_that_follows() {
    let deep = "for a in 1 2 3 4 5 6 7 8 9; do ".repeat(12) + "x=1;" + &"done;".repeat(12);
    assert!(verdict(&deep) < Verdict::Deny);
    assert_eq!(verdict(&format!("{deep} rm -rf /")), Verdict::Refuse);
}
