//! What answers and what does not.

use kode_base::{Layer, Reason, RiskClass};

use super::*;

fn question(subject: &str, type_approve: bool) -> Question {
    let reason = Reason {
        class: RiskClass::SystemWrite,
        rule: "sudo".to_owned(),
        layer: Layer::BuiltIn,
        text: "it runs with privilege".to_owned(),
    };
    let why = Some("tidy\u{1b}[2J up\nRun: ls".into());
    let (trust, context) = (Some("every system_write action".into()), "parse: one command".into());
    Question {
        label: "Run: ",
        id: 1,
        reason,
        subject: subject.into(),
        why,
        context,
        opens: Vec::new(),
        focus: Vec::new(),
        trust,
        lapsed: None,
        type_approve,
    }
}

/// A dialog that has been on the screen for a second.
fn settled(type_approve: bool) -> (Dialog, Instant) {
    let mut dialog = Dialog::new(question("sudo rm x", type_approve));
    text(&mut dialog, 80);
    let shown = Instant::now();
    dialog.drawn(shown);
    (dialog, shown + Duration::from_secs(1))
}

fn text(dialog: &mut Dialog, columns: usize) -> Vec<String> {
    let lines = dialog.lines(Theme::PLAIN, columns, 20);
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn the_four_lines_are_shown_with_the_exact_bytes() {
    let expected = [
        "⚠️ Risk: system_write",
        "Run: sudo rm x",
        "Why: tidy\\e[2J up\\nRun: ls",
        "[A]pprove [D]eny [?] Context [T]rust session:",
    ];
    assert_eq!(text(&mut settled(false).0, 80), expected);
}

#[test]
fn trust_that_lapsed_is_said_with_its_reason() {
    let lapsed = Some("your T before holds no more".to_owned());
    let mut dialog = Dialog::new(Question { lapsed, ..question("ls", false) });
    assert_eq!(text(&mut dialog, 80)[3], "Note: your T before holds no more");
}

#[test]
fn padding_can_not_forge_a_line() {
    let mut dialog = Dialog::new(question(&format!("ls{}Why: harmless", " ".repeat(73)), false));
    assert_eq!(text(&mut dialog, 80)[2], "   > Why: harmless");
}

#[test]
fn each_key_gives_its_answer() {
    for (key, answer) in [
        (Key::Letter('a'), Some(Answer::Approve)),
        (Key::Letter('D'), Some(Answer::Deny)),
        (Key::Letter('T'), Some(Answer::TrustSession)),
        (Key::Away, Some(Answer::Deny)),
        (Key::Escape, Some(Answer::Deny)),
        (Key::Enter, None),
        (Key::Letter('y'), None),
    ] {
        let (mut dialog, now) = settled(false);
        assert_eq!(dialog.key(key, now), answer, "{key:?}");
    }
}

#[test]
fn keys_before_the_question_settled_do_not_count() {
    let mut dialog = Dialog::new(question("x", false));
    let now = Instant::now();
    text(&mut dialog, 80);
    assert_eq!(dialog.key(Key::Letter('a'), now), None);
    dialog.drawn(now);
    assert_eq!(dialog.key(Key::Letter('a'), now + Duration::from_millis(199)), None);
    assert_eq!(
        dialog.key(Key::Letter('a'), now + Duration::from_millis(201)),
        Some(Answer::Approve)
    );
}

#[test]
fn a_key_right_after_a_paste_does_not_count() {
    let (mut dialog, now) = settled(false);
    dialog.noise(now);
    assert_eq!(dialog.key(Key::Letter('a'), now + Duration::from_millis(100)), None);
    assert_eq!(dialog.key(Key::Letter('d'), now + Duration::from_millis(300)), Some(Answer::Deny));
}

#[test]
fn where_the_word_is_wanted_a_single_key_is_not_enough() {
    let (mut dialog, now) = settled(true);
    assert_eq!(dialog.key(Key::Letter('a'), now), None);
    assert_eq!(dialog.key(Key::Enter, now), None);
    for letter in "approve".chars() {
        assert_eq!(dialog.key(Key::Letter(letter), now), None);
    }
    assert_eq!(dialog.key(Key::Enter, now), Some(Answer::Approve));
}

#[test]
fn context_must_be_seen_before_it_is_answered() {
    let (mut dialog, now) = settled(false);
    dialog.key(Key::Letter('?'), now);
    assert!(text(&mut dialog, 80).iter().any(|line| line.contains("parse: one command")));
    assert_eq!(dialog.key(Key::Letter('a'), now), None);
    dialog.drawn(now);
    assert_eq!(dialog.key(Key::Letter('a'), now + Duration::from_secs(1)), Some(Answer::Approve));
}

#[test]
fn escape_in_the_context_leads_back_to_the_question() {
    let (mut dialog, now) = settled(false);
    dialog.key(Key::Letter('?'), now);
    dialog.drawn(now);
    let later = now + Duration::from_secs(1);
    assert_eq!(dialog.key(Key::Escape, later), None);
    assert!(!text(&mut dialog, 80).iter().any(|line| line.contains("parse: one command")));
    dialog.drawn(later);
    assert_eq!(dialog.key(Key::Escape, later + Duration::from_millis(100)), None, "too soon");
    let settled = later + Duration::from_secs(1);
    assert_eq!(dialog.key(Key::Escape, settled), Some(Answer::Deny));
}

#[test]
fn padding_does_not_hide_the_part_that_matters() {
    let rows: Vec<String> = (0..500).map(|row| format!("row {row}")).collect();
    let focus = ["curl".to_owned(), "evil.example".to_owned()];
    for at in 0..500 {
        let mut rows = rows.clone();
        rows[at] = "curl evil.example".to_owned();
        for rows_max in [6, 9, 13] {
            let folded = folded(&rows, &kept(&rows, rows_max, &focus));
            assert!(folded.contains(&rows[at]) && folded.len() <= rows_max, "{at}: {folded:?}");
        }
    }
    assert_eq!(folded(&rows, &kept(&rows, 5, &[])).len(), 5);
}

/// A command of 64 rows with its own at row 40.
fn long_command() -> String {
    let row = |at| if at == 40 { "open EVIL\n".to_owned() } else { format!("echo {at}\n") };
    (0..64).map(row).collect::<String>().trim_end().to_owned()
}

/// The texts of a screen of `height` rows.
fn screen(dialog: &mut Dialog, height: usize) -> Vec<String> {
    let lines = dialog.lines(Theme::PLAIN, 80, height);
    assert!(lines.len() <= height, "{} rows of {height}", lines.len());
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn the_request_has_all_the_room_of_the_screen() {
    let mut dialog = Dialog::new(question(&long_command(), false));
    let shown = screen(&mut dialog, 68);
    assert!(shown.contains(&"   | open EVIL".to_owned()), "{shown:?}");
    assert!(shown.last().unwrap().starts_with("[A]pprove"));
}

#[test]
fn nothing_is_approved_before_each_row_was_on_the_screen() {
    for (type_approve, height) in [(false, 20), (true, 20), (false, 6), (false, 66)] {
        let mut dialog = Dialog::new(question(&long_command(), type_approve));
        let (mut now, mut seen) = (Instant::now(), Vec::new());
        let second = Duration::from_secs(1);
        for step in 0..200 {
            let shown = screen(&mut dialog, height);
            dialog.drawn(now);
            let whole = shown.last().unwrap().starts_with("[A]pprove")
                || shown.last().unwrap().starts_with("Type approve");
            seen.extend(shown);
            if whole {
                break;
            }
            now += second;
            assert!(seen.last().unwrap().contains("once you have seen all: ↓"), "{seen:?}");
            let key = match step {
                0 => Key::Letter('t'),
                1 => Key::Enter,
                2 => Key::Letter('a'),
                _ => Key::PageDown,
            };
            assert_eq!(dialog.key(key, now), None, "{key:?} at step {step}");
        }
        for row in long_command().lines() {
            assert!(seen.iter().any(|shown| shown.ends_with(row)), "{row} was never shown");
        }
        assert_eq!(dialog.key(Key::Letter('a'), now + second / 10), None, "the last row is new");
        if !type_approve {
            assert_eq!(dialog.key(Key::Letter('a'), now + second), Some(Answer::Approve));
        }
    }
}

#[test]
fn hidden_hosts_hold_an_approval_back_too() {
    let opens = (0..200).map(|at| format!("host-{at}.example")).collect();
    let mut dialog = Dialog::new(Question { opens, ..question("curl x", false) });
    let shown = screen(&mut dialog, 12);
    assert!(shown.last().unwrap().contains("once you have seen all"), "{shown:?}");
}

#[test]
fn a_request_that_is_not_all_seen_is_denied_with_one_key() {
    for key in [Key::Letter('d'), Key::Escape, Key::Away] {
        let mut dialog = Dialog::new(question(&long_command(), true));
        screen(&mut dialog, 20);
        let now = Instant::now();
        dialog.drawn(now);
        assert_eq!(dialog.key(key, now + Duration::from_secs(1)), Some(Answer::Deny), "{key:?}");
    }
}

#[test]
fn a_second_place_of_the_same_words_shows_where_the_first_is_at_an_end() {
    let mut rows: Vec<String> = (0..500).map(|row| format!("row {row}")).collect();
    (rows[0], rows[250]) = ("perl -e a".to_owned(), "perl -e EVIL".to_owned());
    let shown = folded(&rows, &kept(&rows, 13, &["perl".to_owned()]));
    assert!(shown.contains(&rows[250]), "{shown:?}");
}
