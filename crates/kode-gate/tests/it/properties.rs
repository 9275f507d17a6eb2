//! What must hold for every command: disguise never helps, and nothing makes
//! the gate fail or hang.

use kode_base::Verdict;
use kode_gate::{Policy, SessionState, policy_check};
use proptest::prelude::*;

fn verdict(command: &str) -> Verdict {
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    policy_check::check(command, &Policy::default(), &state).verdict
}

fn listed() -> impl Strategy<Value = String> {
    let all = [
        include_str!("../../fixtures/refused.txt"),
        include_str!("../../fixtures/asked.txt"),
        include_str!("../../fixtures/fresh/attacks.txt"),
        include_str!("../../fixtures/fresh/asked.txt"),
        include_str!("../../fixtures/fresh/prompts.txt"),
    ];
    let lines: Vec<String> = all
        .iter()
        .flat_map(|list| list.lines())
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').map_or(line, |(_, command)| command))
        .map(|line| line.replace('⏎', "\n"))
        .collect();
    prop::sample::select(lines)
}

/// Commands of plain words, which may be quoted in any way.
fn plain_words() -> impl Strategy<Value = Vec<String>> {
    let plain = |line: &str| {
        line.chars().all(|each| each.is_ascii_alphanumeric() || " /-._".contains(each))
    };
    let all = [
        include_str!("../../fixtures/refused.txt"),
        include_str!("../../fixtures/asked.txt"),
        include_str!("../../fixtures/everyday.txt"),
        include_str!("../../fixtures/fresh/attacks.txt"),
        include_str!("../../fixtures/fresh/asked.txt"),
        include_str!("../../fixtures/fresh/everyday.txt"),
        include_str!("../../fixtures/fresh/prompts.txt"),
    ];
    let keywords = ["time", "if", "for", "while", "until", "case", "function", "coproc", "select"];
    let lines: Vec<Vec<String>> = all
        .iter()
        .flat_map(|list| list.lines())
        .map(|line| line.split_once('\t').map_or(line, |(_, command)| command))
        .filter(|line| plain(line) && !keywords.contains(&line.split(' ').next().unwrap_or("")))
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    prop::sample::select(lines)
}

fn requoted(word: &str, style: u8) -> String {
    let middle = word.len() / 2;
    match style % 6 {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 if !word.is_empty() => format!("\\{word}"),
        3 => format!("{}''{}", &word[..middle], &word[middle..]),
        4 => format!("{}\"{}\"", &word[..middle], &word[middle..]),
        5 => format!("$'{word}'"),
        _ => word.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn another_quoting_does_not_change_the_verdict(words in plain_words(), styles in any::<[u8; 8]>()) {
        let plain = words.join(" ");
        let quoted: Vec<String> =
            words.iter().enumerate().map(|(at, word)| requoted(word, styles[at % 8])).collect();
        prop_assert_eq!(verdict(&quoted.join(" ")), verdict(&plain), "{:?}", quoted);
    }

    #[test]
    fn a_wrapper_never_weakens(command in listed(), which in 0..9_usize) {
        // Such a line goes on with the next.
        prop_assume!(!command.ends_with('\\'));
        let quoted = format!("'{}'", command.replace('\'', "'\\''"));
        let wrapped = [
            format!("( {command}\n)"),
            format!("{{ {command}\n}}"),
            format!("true && {{ {command}\n}}"),
            format!("if true; then\n{command}\nfi"),
            format!("bash -c {quoted}"),
            format!("eval {quoted}"),
            format!("sudo sh -c {quoted}"),
            format!("env -i bash -c {quoted}"),
            format!("f() {{\n{command}\n}}; f"),
        ];
        let before = verdict(&command);
        prop_assert!(verdict(&wrapped[which]) >= before, "{before}: {}", wrapped[which]);
    }

    #[test]
    fn adding_commands_never_weakens(first in listed(), second in listed()) {
        // Such a line goes on with the next.
        prop_assume!(!first.ends_with('\\'));
        let both = format!("{first}\n{second}");
        prop_assert!(verdict(&both) >= verdict(&first), "{both}");
    }

    #[test]
    fn names_of_variables_do_not_matter(name in "[a-z][a-z0-9_]{0,8}", other in "[a-z][a-z0-9_]{0,8}") {
        let command = |name: &str| format!("{name}=rm; flags=-rf; ${name} $flags \"${{{name}:+/}}\"");
        prop_assume!(name != "flags" && other != "flags");
        prop_assert_eq!(verdict(&command(&name)), Verdict::Refuse);
        prop_assert_eq!(verdict(&command(&other)), Verdict::Refuse);
    }

    #[test]
    fn no_text_makes_the_gate_fail(command in listed(), at in any::<prop::sample::Index>(), noise in "\\PC{0,12}") {
        let boundaries: Vec<usize> = command.char_indices().map(|(at, _)| at).collect();
        let cut = if boundaries.is_empty() { 0 } else { boundaries[at.index(boundaries.len())] };
        verdict(&format!("{}{noise}{}", &command[..cut], &command[cut..]));
    }
}

#[test]
fn long_and_deep_commands_are_answered_quickly_and_never_allowed() {
    let started = std::time::Instant::now();
    for command in [
        "$(".repeat(5_000),
        "(".repeat(20_000),
        "`".repeat(30_001),
        "{a,b}".repeat(2_000),
        "echo ${x:-".repeat(3_000),
        "a=$a$a$a$a;".repeat(4_000) + "$a",
        "eval ".repeat(8_000) + "./x",
        "nohup ".repeat(8_000) + "./x",
        "if ".repeat(10_000),
        "$((".repeat(10_000),
        "f() { g; }; g() { f; }; f; ./x".to_owned(),
        "x".repeat(70_000),
        "[".repeat(30_000) + "*",
        "for i in {1..100}; do for j in {1..100}; do for k in {1..100}; do ./x; done; done; done"
            .to_owned(),
    ] {
        let start = command.get(..30).unwrap_or(&command).to_owned();
        assert!(verdict(&command) > Verdict::Allow, "{start}");
    }
    // A bound against hangs, not a benchmark.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
