//! Asks one question on the controlling terminal and prints the answer: for
//! trying the prompt by hand, and for the tests that press its keys.
//!
//! `ask SUBJECT [WHY] [--no-trust] [--word] [--dumb] [--panic]`

use std::io::Write as _;

use kode_base::{Interrupt, Layer, Reason, RiskClass};
use kode_gate::{ApprovalRequest, Approver as _, TrustScope};
use kode_terminal::{Appearance, TtyPrompt};

#[expect(clippy::panic, reason = "--panic is for the test of the panic hook")]
fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut words = arguments.iter().filter(|argument| !argument.starts_with("--"));
    let trust = TrustScope::Class(RiskClass::SystemWrite);
    let request = ApprovalRequest {
        label: kode_gate::RUN,
        reason: Reason {
            class: RiskClass::SystemWrite,
            rule: "class.system_write".to_owned(),
            layer: Layer::BuiltIn,
            text: "it writes outside the project".to_owned(),
        },
        subject: words.next().map_or("true", String::as_str).into(),
        why: words.next().map(|why| why.as_str().into()),
        opens: Vec::new(),
        focus: Vec::new(),
        context: "parse: one command\neffects: removes a file".to_owned(),
        trust: (!has("--no-trust")).then_some(trust),
        lapsed: None,
        type_approve: has("--word"),
    };
    let interrupt = Interrupt::new();
    raise_on_signals(interrupt.clone())?;
    if has("--panic") {
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(500));
            // As in a release build, where a panic ends the process at once.
            let _ = std::panic::catch_unwind(|| panic!("on purpose"));
            std::process::abort();
        });
    }
    let term = if has("--dumb") { "dumb" } else { "xterm" };
    let no_color = std::env::var("NO_COLOR").ok();
    let appearance = Appearance::from_environment(no_color.as_deref(), Some(term));
    let mut prompt = TtyPrompt::new(appearance, interrupt);
    let interactive = prompt.is_interactive();
    let answer = prompt.ask(&request);
    let mut out = std::io::stdout();
    writeln!(out, "interactive: {interactive}")?;
    match answer {
        Ok(answer) => writeln!(out, "answer: {answer:?}"),
        Err(error) => writeln!(out, "error: {error}"),
    }
}

fn raise_on_signals(interrupt: Interrupt) -> std::io::Result<()> {
    let signals = [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT];
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            interrupt.raise();
        }
    });
    Ok(())
}
