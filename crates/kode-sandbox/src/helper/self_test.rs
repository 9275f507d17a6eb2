//! Checks from inside, before the first command, that the walls stand. Any
//! doubt fails the set-up.

use std::fs;
use std::io;

use rustix::fs::{CWD, Mode};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

use super::{StepError, at, kernel};

/// Lines of `/proc/self/status` that must read so.
const STATUS: &[(&str, &str)] = &[
    ("CapInh:", "0000000000000000"),
    ("CapPrm:", "0000000000000000"),
    ("CapEff:", "0000000000000000"),
    ("CapBnd:", "0000000000000000"),
    ("CapAmb:", "0000000000000000"),
    ("NoNewPrivs:", "1"),
    ("Seccomp:", "2"),
];

/// Places of the host that must not be there.
const ABSENT: &[&str] = &["/kode-hidden", "/sys/kernel", "/run/systemd", "/etc/shadow"];

pub(super) fn run() -> Result<(), StepError> {
    let failed =
        |what: &str| at(format!("self-test: {what}"))(io::Error::other("it does not hold"));
    if std::process::id() != 1 {
        return Err(failed("own processes"));
    }
    let status = fs::read_to_string("/proc/self/status").map_err(at("self-test: status"))?;
    let reads = |(name, value): &(&str, &str)| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.is_some_and(|found| found.trim() == *value)
    };
    if !STATUS.iter().all(reads) {
        return Err(failed("privileges"));
    }
    if ABSENT.iter().any(|place| fs::symlink_metadata(place).is_ok()) {
        return Err(failed("hidden host"));
    }
    if rustix::fs::mkdirat(CWD, "/kode-self-test", Mode::from_raw_mode(0o700)).is_ok() {
        return Err(failed("read-only root"));
    }
    if kernel::unshare_user_namespace().is_ok() {
        return Err(failed("no further namespaces"));
    }
    match rustix::net::socket(AddressFamily::VSOCK, SocketType::STREAM, None) {
        Err(Errno::AFNOSUPPORT) => Ok(()),
        _ => Err(failed("system-call filter")),
    }
}
