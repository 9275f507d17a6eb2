//! Everything once more as an ordinary user: the tests start themselves as
//! `nobody` when root runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

const NOBODY: u32 = 65_534;

#[test]
fn every_test_also_passes_as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // Then all the others just did.
        return;
    }
    let folder = tempfile::Builder::new().prefix("kode-nobody-").tempdir().unwrap();
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), readable.clone()).unwrap();
    let tests = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    let output = Command::new(&tests)
        .args(["--skip", "ordinary_user", "--test-threads", "2"])
        .env("HOME", folder.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir("/")
        .gid(NOBODY)
        .uid(NOBODY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains(" 0 passed"), "{text}");
}
