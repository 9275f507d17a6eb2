//! The loop on a real terminal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use kode_testkit::TerminalSession;

/// An example program of this crate, which cargo builds with the tests.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("examples").join(name)
}

#[test]
fn a_panic_gives_the_terminal_back_and_its_message_stays() {
    let mut terminal =
        TerminalSession::start(&example("panics"), &[], &[("TERM", "xterm")]).unwrap();
    terminal.wait_for("a.txt").unwrap();
    assert!(!terminal.is_line_mode().unwrap());
    terminal.send(b"r").unwrap();
    assert!(!terminal.wait_for_exit().unwrap().success());
    assert!(terminal.is_line_mode().unwrap());
    terminal.watch(Duration::from_millis(100)).unwrap();
    let output = terminal.output();
    let left = output.rfind("\u{1b}[?1049l").unwrap();
    let message = output.find("the sky fell").unwrap();
    assert!(left < message, "the message comes after the screen: {output:?}");
    // Every frame is shown at once, and none is left open.
    let count = |text: &str| output.matches(text).count();
    let (begun, ended) = (count("\u{1b}[?2026h"), count("\u{1b}[?2026l"));
    assert!(begun > 0 && ended >= begun, "{begun} begun, {ended} ended: {output:?}");
    let first = output.find("\u{1b}[?2026h").unwrap();
    assert!(first < output.find("a.txt").unwrap(), "{output:?}");
    for restored in ["\u{1b}[?2004l", "\u{1b}[?1000l", "\u{1b}[?25h"] {
        assert!(output.contains(restored), "{restored:?} is missing");
    }
}
