//! Files that may not grow, as on a full disk.

use std::path::Path;
use std::process::Command;

use kode_session::SessionError;

use super::workspace::{Workspace, path, touched};

const TOP: &str = "KODE_SESSION_TEST_LIMITED";

/// Writes until the size limit stops it; what was acknowledged stays readable.
#[test]
#[ignore = "a child process of the full-disk test"]
fn limited_process() {
    let Ok(top) = std::env::var(TOP) else { return };
    let work = Workspace::at(Path::new(&top));
    let mut session = work.session();
    let mut acknowledged = 0;
    let error = loop {
        match session.append(&"x".repeat(1500)) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SessionError::Io { .. }), "{error}");
    session.append(&"short").unwrap();
    assert_eq!(session.journal::<String>().unwrap().len(), acknowledged + 1);

    // Changes until they can't be recorded, then contents that can't be kept.
    let mut number = 0;
    let error = loop {
        work.write("a", format!("{number}"));
        match session.compare(&work.files) {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SessionError::Io { .. }), "{error}");
    (0..20).for_each(|each| work.write(&format!("large{each}"), format!("{each}").repeat(1000)));
    assert!(session.compare(&work.files).is_err());
    assert_eq!(session.base_content(&path("a")).unwrap().unwrap().expose(), b"base");
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let work = Workspace::new();
    work.write("a", "base");
    // A shell sets the limit (in blocks of 1024 bytes) and ignores its signal.
    let output = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 12; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "limits::limited_process", "--ignored"])
        .env(TOP, work.home.parent().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    // With space again everything goes on, and what could not be recorded is
    // found.
    let mut session = work.store.resume(None, work.root.path()).unwrap();
    assert_eq!(session.journal::<String>().unwrap().last().unwrap(), "short");
    assert_eq!(session.base_content(&path("a")).unwrap().unwrap().expose(), b"base");
    let seen = session.compare(&work.files).unwrap();
    assert_eq!((touched(&seen).len(), seen.since_last.len()), (21, 21));
    assert_eq!(session.last_content(&path("a")).unwrap().unwrap().expose(), &work.read("a"));
}
