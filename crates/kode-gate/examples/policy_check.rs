//! Judges `{"id","cmd"}` lines from standard input with the built-in policy:
//! `kode policy check --json --stdin` without the binary, for scoring.

#![allow(clippy::print_stdout, reason = "an example's output")]

use std::io::BufWriter;

use kode_gate::{Policy, SessionState, policy_check};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let state = SessionState {
        bare_host: arguments.next_if(|argument| argument == "--bare-host").is_some(),
        project_root: "/work/project".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    let policy = Policy::default();
    if let Some(command) = arguments.next() {
        print!("{}", policy_check::explain(&command, &policy, &state));
        return Ok(());
    }
    let output = BufWriter::new(std::io::stdout().lock());
    policy_check::answer_lines(std::io::stdin().lock(), output, &policy, &state)
}
