//! The audit log of a real run: whole, and broken by one flipped byte.

use crate::workspace::{Workspace, shell_script};

#[test]
fn every_decision_is_recorded_and_one_flipped_byte_is_named() {
    let workspace = Workspace::new();
    workspace.run_script(&shell_script("ls"), &[]).expect(0);
    let verify = || workspace.kode(&["audit", "verify"]).output().unwrap();
    assert_eq!(verify().status.code(), Some(0), "{}", String::from_utf8_lossy(&verify().stderr));

    let list = workspace.kode(&["audit", "list"]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("permitted shell safe"), "{list}");

    let log = workspace.kode_home().join("audit/log.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    let second_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let at = second_line + bytes[second_line..].windows(2).position(|w| w == b"ls").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let broken = verify();
    assert_eq!(broken.status.code(), Some(3));
    let said = String::from_utf8(broken.stderr).unwrap();
    assert!(said.contains("record 2") || said.contains("record 3"), "{said}");
}
