//! Lists of commands with the verdict a careful person would give. Strings
//! only: nothing here is ever run.

use kode_base::Verdict;
use kode_gate::{Policy, SessionState, policy_check};

fn verdict(command: &str) -> Verdict {
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    policy_check::check(command, &Policy::default(), &state).verdict
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

/// Every chapter of the shell's grammar: disguises, attacks and look-alikes.
#[test]
fn every_chapter_of_the_grammar_is_read_for_what_it_does() {
    let chapters = [
        include_str!("../../fixtures/grammar/quoting.txt"),
        include_str!("../../fixtures/grammar/expansion.txt"),
        include_str!("../../fixtures/grammar/redirection.txt"),
        include_str!("../../fixtures/grammar/compound.txt"),
        include_str!("../../fixtures/grammar/lexing.txt"),
    ];
    let mut wrong = Vec::new();
    for line in chapters.iter().flat_map(|chapter| chapter.lines()) {
        let Some((expected, command)) = line.split_once('\t') else { continue };
        let got = verdict(&command.replace('⏎', "\n"));
        let holds = match expected {
            "refuse" => got == Verdict::Refuse,
            "ask" => got > Verdict::Allow,
            "prompt" => got == Verdict::Prompt,
            "allow" => got == Verdict::Allow,
            _ => false,
        };
        if !holds {
            wrong.push(format!("{got}, not {expected}: {command}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
