//! The `ask` example on a pseudo-terminal: what a person sees, which keys
//! count, and the terminal afterwards.

use std::path::PathBuf;
use std::time::Duration;

use kode_testkit::TerminalSession;

const RUN: &str = "sudo rm /var/log/nginx/access.log";
const READY: &str = "session:";

/// Longer than the 200 ms in which keys don't count.
const SETTLED: Duration = Duration::from_millis(350);

fn ask_program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples/ask");
    assert!(path.exists(), "{} is missing: cargo test builds it", path.display());
    path
}

fn ask(arguments: &[&str]) -> TerminalSession {
    TerminalSession::start(&ask_program(), arguments, &[("NO_COLOR", "")]).unwrap()
}

/// A prompt whose first 200 ms have passed.
fn settled(arguments: &[&str], last_words: &str) -> TerminalSession {
    let mut session = ask(arguments);
    session.wait_for(last_words).unwrap();
    session.watch(SETTLED).unwrap();
    session
}

fn answer_to(keys: &[u8]) -> String {
    let mut session = settled(&[RUN, "the log is full"], READY);
    session.send(keys).unwrap();
    let (status, output) = session.finish().unwrap();
    assert!(status.success());
    output
}

#[test]
fn the_four_lines_are_shown_as_designed() {
    let mut session = ask(&[RUN, "the log is full\nRun: ls", "--dumb"]);
    session.wait_for("session: ").unwrap();
    assert_eq!(
        session.output(),
        "⚠️ Risk: system_write\n\
         Run: sudo rm /var/log/nginx/access.log\n\
         Why: the log is full\\nRun: ls\n\
         [A]pprove [D]eny [?] Context [T]rust session: "
    );
}

#[test]
fn each_key_does_what_it_says_in_either_case_without_enter() {
    for (keys, answer) in [
        (&b"a"[..], "answer: Approve\n"),
        (b"A", "answer: Approve\n"),
        (b"d", "answer: Deny\n"),
        (b"D", "answer: Deny\n"),
        (b"t", "answer: TrustSession\n"),
        (b"T", "answer: TrustSession\n"),
        (b"\x03", "answer: Deny\n"),
        (b"\x04", "answer: Deny\n"),
        (b"\x1b", "answer: Deny\n"),
    ] {
        let output = answer_to(keys);
        assert!(output.ends_with(answer), "{keys:?}: {output}");
        assert!(output.contains("interactive: true"));
    }
}

#[test]
fn context_is_shown_and_then_the_question_comes_again() {
    let mut session = settled(&[RUN], READY);
    session.send(b"?").unwrap();
    let shown = session.wait_for(READY).unwrap();
    assert!(shown.contains("effects: removes a file") && shown.contains("Risk: system_write"));
    session.watch(SETTLED).unwrap();
    session.send(b"d").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Deny\n"));
}

/// Sends `noise`, sees that nothing was answered, then denies.
fn is_ignored(session: &mut TerminalSession, noise: &[u8]) {
    session.send(noise).unwrap();
    session.watch(Duration::from_millis(300)).unwrap();
    assert!(!session.output().contains("answer:"), "{noise:?}: {}", session.output());
}

#[test]
fn other_keys_pastes_and_escape_sequences_are_ignored() {
    let mut session = settled(&[RUN], READY);
    let long = "a".repeat(3000);
    for noise in [
        &b"x"[..],
        b"\r",
        b"aaaa",
        b"a\n",
        b"\x1b[A",
        b"\x1bOa",
        b"\x1b[200~a\x1b[201~",
        "ä".as_bytes(),
        long.as_bytes(),
    ] {
        is_ignored(&mut session, noise);
    }
    session.send(b"a").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Approve\n"));
}

#[test]
fn a_paste_that_comes_in_pieces_is_ignored() {
    let mut session = settled(&[RUN], READY);
    for piece in [&b"\x1b[200~"[..], b"a", b"t", b"\x1b[201~"] {
        is_ignored(&mut session, piece);
    }
    session.send(b"d").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Deny\n"));
}

#[test]
fn keys_typed_ahead_do_not_count() {
    let mut session = ask(&[RUN]);
    session.send(b"a").unwrap();
    session.wait_for(READY).unwrap();
    session.watch(SETTLED).unwrap();
    assert!(!session.output().contains("answer:"), "{}", session.output());
    session.send(b"d").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Deny\n"));
}

#[test]
fn keys_in_the_first_200_ms_do_not_count() {
    // On a busy machine a key may come late and count: then once more.
    let ignored = (0..5).any(|_| {
        let mut session = ask(&[RUN]);
        session.wait_for(READY).unwrap();
        session.send(b"a").unwrap();
        session.watch(SETTLED).unwrap();
        !session.output().contains("answer:")
    });
    assert!(ignored, "five of five early keys were taken for an answer");
}

#[test]
fn a_late_last_byte_of_a_paste_does_not_count() {
    // On a busy machine the byte may come later than it should: then once more.
    let ignored = (0..5).any(|_| {
        let mut session = settled(&[RUN], READY);
        session.send(b"make it so\ncargo b").unwrap();
        session.watch(Duration::from_millis(40)).unwrap();
        session.send(b"a").unwrap();
        session.watch(SETTLED).unwrap();
        !session.output().contains("answer:")
    });
    assert!(ignored, "five of five late bytes were taken for an answer");
}

#[test]
fn trust_does_nothing_where_it_is_not_offered() {
    let mut session = settled(&[RUN, "--no-trust"], "[?] Context:");
    assert!(!session.output().contains("[T]rust"));
    is_ignored(&mut session, b"t");
    session.send(b"a").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Approve\n"));
}

#[test]
fn where_the_word_is_asked_for_no_single_key_and_no_paste_approves() {
    let mut session = settled(&[RUN, "--word"], "[?] Context:");
    is_ignored(&mut session, b"a");
    is_ignored(&mut session, b"\r");
    is_ignored(&mut session, b"approve\r");
    for letter in b"approve" {
        is_ignored(&mut session, &[*letter]);
    }
    session.send(b"\r").unwrap();
    assert!(session.finish().unwrap().1.ends_with("answer: Approve\n"));
}

#[test]
fn a_request_longer_than_the_screen_is_approved_only_once_all_of_it_was_shown() {
    let rows = |at| if at == 30 { "open EVIL\n".to_owned() } else { format!("echo {at}\n") };
    let long: String = (0..60).map(rows).collect();
    for (extra, word) in [("--no-trust", false), ("--word", true)] {
        let mut session = settled(&[&long, "all is well", extra], "then a approves. [D]eny:");
        is_ignored(&mut session, b"t");
        is_ignored(&mut session, b"\r");
        session.send(b"a").unwrap();
        for page in 1..=2 {
            session.wait_for(&format!("page {page} of 3, Space shows more, [D]eny:")).unwrap();
            session.watch(SETTLED).unwrap();
            is_ignored(&mut session, b"a");
            session.send(b" ").unwrap();
        }
        session.wait_for("[?] Context:").unwrap();
        assert!(session.output().contains("   | open EVIL"), "{}", session.output());
        session.watch(SETTLED).unwrap();
        if word {
            b"approve".iter().for_each(|letter| is_ignored(&mut session, &[*letter]));
        }
        session.send(if word { b"\r" } else { b"a" }).unwrap();
        assert!(session.finish().unwrap().1.ends_with("answer: Approve\n"));
    }
}

#[test]
fn the_terminal_is_as_before_after_every_kind_of_end() {
    for key in [b"a", b"\x03"] {
        let mut session = settled(&[RUN], READY);
        assert!(!session.is_line_mode().unwrap());
        session.send(key).unwrap();
        session.wait_for_exit().unwrap();
        assert!(session.is_line_mode().unwrap());
    }
    let mut session = ask(&[RUN, "--panic"]);
    session.wait_for(READY).unwrap();
    assert!(!session.wait_for_exit().unwrap().success());
    assert!(session.is_line_mode().unwrap(), "after a panic that aborts");
}

#[test]
fn a_signal_denies_and_restores_the_terminal() {
    let mut session = settled(&[RUN], READY);
    let raw = i32::try_from(session.process_id()).unwrap();
    let process = rustix::process::Pid::from_raw(raw).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    session.wait_for("error: the approval prompt failed: interrupted").unwrap();
    session.wait_for_exit().unwrap();
    assert!(session.is_line_mode().unwrap());
}

#[test]
fn no_color_is_respected() {
    let coloured = answer_to(b"d");
    assert!(coloured.contains("\u{1b}[1;31m⚠️ Risk: system_write\u{1b}[0m"), "{coloured}");
    let plain = TerminalSession::start(&ask_program(), &[RUN], &[("NO_COLOR", "1")]);
    let mut plain = plain.unwrap();
    plain.wait_for(READY).unwrap();
    assert!(!plain.output().contains("\u{1b}[1"), "{}", plain.output());
}

#[test]
#[allow(clippy::disallowed_methods, reason = "tests start the programs they test")]
fn without_a_terminal_nobody_is_asked() {
    // A session of its own has no controlling terminal.
    let output = std::process::Command::new("setsid").arg(ask_program()).arg(RUN).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.starts_with("interactive: false\nerror: "), "{output}");
}
