//! Any text as a command line: the gate judges it, strings only, nothing runs.

#![no_main]

use kode_gate::{Policy, SessionState, policy_check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|command: &str| {
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/user".to_owned(),
        kode_home: "/home/user/.kode".to_owned(),
        ..SessionState::default()
    };
    let judgement = policy_check::check(command, &Policy::default(), &state);
    assert!(!judgement.reason.text.contains('\u{1b}'), "a reason is escaped");
});
