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
