//! The supervisor of a container: this program once more, inside, below the
//! container's own first process. It checks that the container is what kode
//! asked for, then serves commands as process 1 of a native sandbox does. When
//! kode's end of the socket closes it exits, and the container with it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::DumpableBehavior;

use super::init::{Reach, Service};
use super::{StepError, at, init, kernel, privileges, report, self_test};
use crate::container_plan::{Place, SUPERVISOR_NAME, SupervisorPlan};
use crate::wire::{self, Reply, SelfTest};
use crate::{landlock_wall, seccomp};

/// The argument with which the supervisor starts itself once, under the walls
/// of a command, to see whether they hold.
const PROBE: &str = "--probe";

/// How a probe that found everything in order ends: with the version of
/// Landlock, and this bit where all of it is in force.
const LANDLOCK_COMPLETE: i32 = 0x40;
/// How one ends that did not: with this bit, and the number of the check.
const PROBE_FAILED: i32 = 0x80;

/// Variables of the container that lead programs to somebody's proxy: Docker's
/// client adds them from its configuration.
const PROXY_VARIABLE_END: &str = "_proxy";

/// The supervisor's life; returns only when it could not begin.
pub(super) fn run() -> u8 {
    let mut arguments = std::env::args().skip(1);
    match arguments.next() {
        Some(argument) if argument == PROBE => {
            let writable: Vec<String> = arguments.collect();
            u8::try_from(look_around(&writable)).unwrap_or(u8::MAX)
        }
        Some(socket) => u8::from(serve(Path::new(&socket)).is_err()),
        None => 2,
    }
}

fn serve(place: &Path) -> io::Result<()> {
    let socket = UnixStream::connect(place)?;
    let Some((plan, _)) = wire::receive::<SupervisorPlan>(&socket)? else { return Ok(()) };
    match enter(&plan) {
        Ok(test) => wire::send(&socket, &Reply::Ready(test), &[])?,
        Err(failed) => return report(&socket, &failed),
    }
    let service = Service {
        environment: environment(&plan),
        in_memory: plan.in_memory,
        memory_bytes_max: plan.limits.memory_bytes_max,
        confined_to: Some(plan.writable),
        protected: Vec::new(),
    };
    init::serve(&socket, &service, &Reach::Namespace);
}

fn enter(plan: &SupervisorPlan) -> Result<SelfTest, StepError> {
    is_contained().map_err(at("the container's own processes"))?;
    kernel::serve_container();
    // What commands leave behind becomes a child of this process, not of the
    // first one.
    kernel::adopt_orphans().map_err(at("orphans"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(at("core dumps"))?;
    privileges::limits(None).map_err(at("resource limits"))?;
    for place in &plan.places {
        look_at(place)?;
    }
    for (path, content) in &plan.files {
        write(path, content).map_err(at(format!("writing {path}")))?;
    }
    let (landlock_abi, landlock_complete) = probe(&plan.writable)?;
    Ok(SelfTest { landlock_abi, landlock_complete, ..SelfTest::default() })
}

/// Killing "all others" is harmless only where all others are a container's.
fn is_contained() -> io::Result<()> {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    let first = std::fs::read_to_string("/proc/1/comm")?;
    let is_init = matches!(first.trim(), "docker-init" | "tini" | "catatonit" | "init");
    let is_first_child = parent == Some(1) && is_init && Path::new("/.dockerenv").exists();
    if is_first_child { Ok(()) } else { Err(io::Error::other("this is not kode's container")) }
}

/// The daemon's file system must be kode's: a daemon on another machine, or in
/// another container, would show other files under the same names.
fn look_at(place: &Place) -> Result<(), StepError> {
    let path = &place.path;
    let found = std::fs::symlink_metadata(path).map_err(at(format!("looking at {path}")))?;
    if (found.dev(), found.ino()) != place.device_and_inode {
        let other = io::Error::other("something else is mounted there");
        return Err(at(format!("looking at {path}"))(other));
    }
    let access = rustix::fs::access(path.as_str(), rustix::fs::Access::WRITE_OK);
    match (access, place.writable) {
        (Ok(()), false) if !found.is_symlink() => {
            Err(at(format!("protecting {path}"))(io::Error::other("it can be written")))
        }
        (Err(error), true) => Err(at(format!("writing {path}"))(error)),
        _ => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "into the container's own private folders")]
fn write(path: &str, content: &str) -> io::Result<()> {
    if let Some(parent) = Path::new(path).parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, content)
}

/// Starts this program once more to put the walls of a command around itself
/// and look.
fn probe(writable: &[String]) -> Result<(i32, bool), StepError> {
    use std::os::unix::process::CommandExt;
    #[expect(clippy::disallowed_methods, reason = "kode's own program, to look around")]
    let mut command = Command::new("/proc/self/exe");
    command.arg0(SUPERVISOR_NAME).arg(PROBE).args(writable).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.status().map_err(at("self-test"))?.code();
    match ended.unwrap_or(PROBE_FAILED) {
        code if code & PROBE_FAILED != 0 => Err(at(format!(
            "self-test: {}",
            self_test::CONTAINER_CHECKS.get((code & !PROBE_FAILED) as usize).unwrap_or(&"walls")
        ))(io::Error::other("it does not hold"))),
        code => Ok((code & !LANDLOCK_COMPLETE, code & LANDLOCK_COMPLETE != 0)),
    }
}

/// The probe's life; its exit code says what it found.
fn look_around(writable: &[String]) -> i32 {
    let Ok((abi, complete)) = landlock_wall::confine(writable) else { return PROBE_FAILED };
    if seccomp::install().is_err() {
        return PROBE_FAILED;
    }
    match self_test::in_container() {
        Ok(()) => abi | if complete { LANDLOCK_COMPLETE } else { 0 },
        Err(check) => PROBE_FAILED | check,
    }
}

/// The image's variables, kode's over them, nobody's proxy.
fn environment(plan: &SupervisorPlan) -> Vec<(String, String)> {
    let ours = |name: &str| plan.environment.iter().any(|(own, _)| own == name);
    let leads_away = |name: &str| name.to_ascii_lowercase().ends_with(PROXY_VARIABLE_END);
    let image = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut environment: Vec<(String, String)> =
        image.filter(|(name, _)| !ours(name) && !leads_away(name)).collect();
    environment.extend(plan.environment.iter().cloned());
    environment
}
