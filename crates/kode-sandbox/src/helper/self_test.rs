//! Checks from inside, before the first command, that the walls stand. Any
//! doubt fails the set-up.

use std::fs;
use std::io::{self, Read};

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

/// Length of `/proc/self/status`: mostly, and at most (a user may have many groups).
const STATUS_BYTES: usize = 4096;
const STATUS_BYTES_MAX: u64 = 1024 * 1024;

/// Places of the host that must not be there.
const ABSENT: &[&str] = &["/kode-hidden", "/sys/kernel", "/run/systemd", "/etc/shadow"];

pub(super) fn run() -> Result<(), StepError> {
    let failed =
        |what: &str| at(format!("self-test: {what}"))(io::Error::other("it does not hold"));
    if std::process::id() != 1 {
        return Err(failed("own processes"));
    }
    if !has_no_privileges().map_err(at("self-test: status"))? {
        return Err(failed("privileges"));
    }
    if ABSENT.iter().any(|place| fs::symlink_metadata(place).is_ok()) {
        return Err(failed("hidden host"));
    }
    if root_is_writable() {
        return Err(failed("read-only root"));
    }
    if kernel::unshare_user_namespace().is_ok() {
        return Err(failed("no further namespaces"));
    }
    if !is_filtered() {
        return Err(failed("system-call filter"));
    }
    Ok(())
}

/// What is looked at in a container, by number.
pub(super) const CONTAINER_CHECKS: &[&str] = &[
    "Landlock and system-call filter",
    "privileges",
    "read-only root",
    "no further namespaces",
    "system-call filter",
    "no network but loopback",
    "hidden first process",
];

/// The same in a container, from under the walls of a command; the number of
/// what does not hold.
pub(super) fn in_container() -> Result<(), i32> {
    let holds = [
        true,
        has_no_privileges().unwrap_or(false),
        !root_is_writable(),
        kernel::unshare_user_namespace().is_err(),
        is_filtered(),
        has_only_loopback().unwrap_or(false),
        first_process_is_hidden(),
    ];
    let failed = holds.iter().position(|holds| !holds);
    failed.map_or(Ok(()), |number| Err(i32::try_from(number).unwrap_or_default()))
}

fn has_no_privileges() -> io::Result<bool> {
    // With room for most of them, and without asking for a size that is unknown.
    let mut status = String::with_capacity(STATUS_BYTES);
    fs::File::open("/proc/self/status")?.take(STATUS_BYTES_MAX).read_to_string(&mut status)?;
    let reads = |(name, value): &(&str, &str)| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.is_some_and(|found| found.trim() == *value)
    };
    Ok(STATUS.iter().all(reads))
}

fn root_is_writable() -> bool {
    rustix::fs::mkdirat(CWD, "/kode-self-test", Mode::from_raw_mode(0o700)).is_ok()
}

fn is_filtered() -> bool {
    let socket = rustix::net::socket(AddressFamily::VSOCK, SocketType::STREAM, None);
    matches!(socket, Err(Errno::AFNOSUPPORT))
}

/// Whether process 1 is kode's own, which shows nobody what it has open. Root,
/// whom only a person can choose, sees it without being able to read it.
fn first_process_is_hidden() -> bool {
    rustix::process::geteuid().is_root() || fs::read_dir("/proc/1/fd").is_err()
}

/// No route leads anywhere else. Interfaces that some kernels make in every
/// namespace carry nothing while they are down.
fn has_only_loopback() -> io::Result<bool> {
    let routes = fs::read_to_string("/proc/net/route")?;
    // Where there is no IPv6 there is no such file.
    let newer = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let over_loopback = |line: &str| line.split_ascii_whitespace().last() == Some("lo");
    // One line of headings.
    Ok(routes.lines().count() <= 1 && newer.lines().all(over_loopback))
}
