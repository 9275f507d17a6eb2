#![allow(clippy::disallowed_methods, reason = "bash -n parses and never runs what it is given")]

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::parser::{DEPTH_MAX, SIZE_MAX, SyntaxError, parse_nested};
use super::syntax::{CommandKind, Piece};

fn accepts(text: &str) -> bool {
    parse_nested(text, 0).error.is_none()
}

/// Whether the machine's bash would parse `text`; `None` without a bash.
fn bash_accepts(text: &str) -> Option<bool> {
    let mut child = Command::new("bash")
        .args(["--norc", "--noprofile", "-n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some(output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("rror"))
}

#[test]
fn every_command_of_the_lists_that_bash_parses_is_parsed() {
    let lists = [
        include_str!("../../fixtures/refused.txt"),
        include_str!("../../fixtures/asked.txt"),
        include_str!("../../fixtures/everyday.txt"),
    ];
    let mut missed = Vec::new();
    for (at, line) in lists.iter().flat_map(|list| list.lines()).enumerate() {
        // A quarter of them keeps the test short; the whole lists were compared.
        let text = line.replace('⏎', "\n");
        if at % 4 == 0 && !accepts(&text) && bash_accepts(&text) == Some(true) {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_bash_rejects_is_rejected() {
    for text in [
        "a |",
        "| a",
        "a && ",
        ";;",
        "(a",
        "a)",
        "{ a",
        "if a; then b",
        "for",
        "case x in",
        "'a",
        "\"a",
        "`a",
        "$(a",
        "${a",
        "a > ",
        "< ;",
        "a ;; b",
        "f( {",
        "then",
        "done",
        "$'a",
        "x=(a",
    ] {
        assert!(!accepts(text), "{text}");
        if let Some(bash) = bash_accepts(text) {
            assert!(!bash, "bash accepts {text}");
        }
    }
}

#[test]
fn what_comes_before_an_error_is_kept_because_bash_runs_it() {
    let parsed = parse_nested("rm a\necho 'unclosed", 0);
    assert_eq!(parsed.error, Some(SyntaxError::Unclosed("`'`")));
    assert_eq!(parsed.script.lists.len(), 1);
}

#[test]
fn limits_hold() {
    let deep = "( ".repeat(1_000) + "a" + &")".repeat(1_000);
    assert_eq!(parse_nested(&deep, 0).error, Some(SyntaxError::TooDeep));
    let arrays = "a=(".repeat(15_000) + &")".repeat(15_000);
    assert_eq!(parse_nested(&arrays, 0).error, Some(SyntaxError::TooDeep));
    assert_eq!(parse_nested("a", DEPTH_MAX).error, Some(SyntaxError::TooDeep));
    let long = "a".repeat(SIZE_MAX + 1);
    assert_eq!(parse_nested(&long, 0).error, Some(SyntaxError::TooLong));
}

#[test]
fn quoting_is_kept_for_each_fragment() {
    let parsed = parse_nested("a'b'\"c\"d", 0);
    let CommandKind::Simple { words, .. } = &parsed.script.lists[0].pipelines[0].commands[0].kind
    else {
        panic!("not a simple command");
    };
    let quoted: Vec<bool> = words[0]
        .pieces
        .iter()
        .map(|piece| matches!(piece, Piece::Literal { quoted: true, .. }))
        .collect();
    assert_eq!(quoted, [false, true, false]);
}

fn soup() -> impl Strategy<Value = String> {
    let tokens = vec![
        "a",
        "b=c",
        " ",
        " ",
        " ",
        "\n",
        ";",
        "&",
        "|",
        "&&",
        "||",
        ">",
        "<",
        ">>",
        "2>&1",
        "'x'",
        "\"y\"",
        "\"$z\"",
        "$(a)",
        "`a`",
        "${b:-c}",
        "$((1+2))",
        "(",
        ")",
        "{ ",
        "; }",
        "if a; then b; fi",
        "for i in 1; do a; done",
        "while a; do b; done",
        "case a in b) c;; esac",
        "\nf() { a; }",
        "[[ a == b ]]",
        "!",
        "# c\n",
        "<(a)",
        " \\\n ",
        "<<E\nx\nE\n",
        "*",
        "~",
        "=",
    ];
    prop::collection::vec(prop::sample::select(tokens), 1..12).prop_map(|parts| parts.concat())
}

proptest! {
    // The same cases every time: an operator split by a line continuation is
    // rejected here and parsed by bash, and no run should meet it by chance.
    #![proptest_config(ProptestConfig {
        rng_seed: proptest::test_runner::RngSeed::Fixed(20),
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn acceptance_agrees_with_bash(text in soup()) {
        if let Some(bash) = bash_accepts(&text)
            && bash
        {
            prop_assert!(accepts(&text), "bash parses it: {text:?}");
        }
    }

    #[test]
    fn no_text_makes_the_parser_fail(text in "\\PC{0,200}") {
        parse_nested(&text, 0);
    }
}

/// Every beginning of `text`, cut between characters.
fn beginnings(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, _)| &text[..at]).chain([text])
}

// The parser's `advance` stops a test at a step out of the text or into a
// character, so these need no assertion of their own.

#[test]
fn an_expansion_cut_anywhere_never_leads_out_of_the_text() {
    for text in [
        "<${$@\u{fffd}",
        "${$@é}",
        "x${!é}",
        "${a@💥}",
        "${a[é]@Q}",
        "${#é}",
        "${a//é/💥}",
        "$'\\é\\u{1f4a5}'",
        "`é\\💥`",
        "a[é]=💥",
        "{é}>💥",
        "$((é+\\💥))",
        "<<é\n💥\né\n",
        "coproc é { 💥; }",
        "@(é|💥)",
        "\\é",
        "\"\\é$é\"",
    ] {
        for cut in beginnings(text) {
            for after in ["", "é", "💥", "}", "'", "\\", "\u{fffd}"] {
                parse_nested(&format!("{cut}{after}"), 0);
            }
        }
    }
}

fn fragments() -> impl Strategy<Value = String> {
    let parts = vec![
        "${", "}", "$", "@", "!", "#", "$'", "'", "\"", "\\", "`", "$(", "((", "))", ")", "[", "]",
        "<<", "<", ">", "<(", "&", "|", ";", "\n", "=", "a", "1", "/", "%", "^", ":", "-", "*",
        "?", "é", "💥", "\u{fffd}", "\u{300}", "\u{202e}", " ", "{", "coproc ", "case ", " in ",
        "for ", "[[ ", "~",
    ];
    prop::collection::vec(prop::sample::select(parts), 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_fragments_lead_the_parser_out_of_the_text(text in fragments()) {
        parse_nested(&text, 0);
    }

    #[test]
    fn no_bytes_lead_the_parser_out_of_the_text(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        parse_nested(&String::from_utf8_lossy(&bytes), 0);
    }
}

/// Run by hand over what fuzzing kept: `KODE_CORPUS=FOLDER`, see `fuzz/README.md`.
#[test]
#[ignore = "compares a folder of inputs that fuzzing makes"]
fn a_corpus_is_accepted_where_bash_accepts_it() {
    let folder = std::env::var("KODE_CORPUS").expect("KODE_CORPUS names a folder");
    let mut counts = [0_usize; 2];
    let mut missed = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        // Bash drops NUL bytes, and reads a final `\` at the end of a file as an
        // ordinary character.
        if text.contains('\0') || bash_accepts(&text) != Some(true) {
            continue;
        }
        counts[0] += 1;
        if !accepts(&text) {
            counts[1] += 1;
            missed.push(text);
        }
    }
    missed.sort_by_key(String::len);
    let shown: Vec<String> = missed.iter().take(60).map(|text| format!("{text:?}")).collect();
    panic!(
        "bash accepts {}, of these kode does not accept {}:\n{}",
        counts[0],
        counts[1],
        shown.join("\n")
    );
}
