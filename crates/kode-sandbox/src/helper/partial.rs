//! A sandbox of Landlock and the system-call filter alone, for systems that
//! allow no namespaces and users who asked for it by name. The helper stays
//! outside of it: every command is confined as it starts, and what it leaves
//! behind falls back to the helper, which kills it.
//!
//! Refuses without Landlock, and as root.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use landlock::RulesetCreated;
use rustix::process::{Pid, Signal, WaitOptions};

use super::init::{Reach, Service};
use super::{StepError, at, init, kernel, privileges};
use crate::family::family;
use crate::plan::{Access, Plan, Step};
use crate::wire::{self, Reply, SelfTest};
use crate::{landlock_wall, seccomp};

/// Files of `/proc` that programs read to learn about the machine.
const PROC_READABLE: &[&str] = &[
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm/overcommit_memory",
    "/proc/version",
];

/// Of the host's, where other walls show written ones.
const CONFIGURATION_READABLE: &[&str] =
    &["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/shells"];

/// What every command gets as it starts.
#[derive(Debug)]
pub(super) struct Confinement {
    rules: RulesetCreated,
}

impl Confinement {
    /// Has `command` confine itself between fork and exec.
    pub(super) fn of(&self, command: &mut Command) -> io::Result<()> {
        let mut rules = Some(self.rules.try_clone()?);
        let confine = move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            let rules = rules.take().ok_or_else(|| io::Error::other("confined already"))?;
            landlock_wall::confine_by(rules).map_err(io::Error::other)?;
            seccomp::install_alone()
        };
        // SAFETY: the helper has a single thread, so the copy's allocator and
        // locks are whole; what runs are system calls and small allocations.
        unsafe { command.pre_exec(confine) };
        Ok(())
    }
}

/// Gives up what it can, then serves kode until it is gone.
pub(super) fn live(socket: &UnixStream) -> Result<(), StepError> {
    // Not at kode's death: the end of the socket says so too, and leaves time to
    // kill what runs.
    rustix::process::setsid().map_err(at("session"))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(at("orphans"))?;
    let Some((plan, _)) = wire::receive::<Plan>(socket).map_err(at("plan"))? else {
        return Ok(());
    };
    if plan.identity.started_as_root {
        return Err(at("partial sandbox")(io::Error::other("not as root")));
    }
    let rules = rules(&plan).map_err(|error| at("landlock")(io::Error::other(error)))?;
    privileges::drop_for_partial(&plan)?;
    let landlock_abi = kernel::landlock_version();
    let landlock_complete = landlock_abi >= landlock_wall::COMPLETE_FROM;
    let test = SelfTest { landlock_abi, landlock_complete, caches_read_only: caches(&plan) };
    wire::send(socket, &Reply::Ready(test), &[]).map_err(at("start"))?;
    init::serve(socket, &Service::of(&plan), &Reach::Below(Confinement { rules }));
}

fn caches(plan: &Plan) -> usize {
    let layered = |step: &&Step| matches!(step, Step::Bind(bind) if bind.layered);
    plan.steps.iter().filter(layered).count()
}

fn rules(plan: &Plan) -> Result<RulesetCreated, String> {
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut readable = named(PROC_READABLE);
    readable.extend(named(CONFIGURATION_READABLE));
    let mut devices = Vec::new();
    for step in &plan.steps {
        let Step::Bind(bind) = step else { continue };
        match bind.access {
            // Another user's terminal is a device as well.
            Access::Device if bind.source == "/dev/tty" => {}
            Access::Device => devices.push(bind.source.clone()),
            Access::ReadOnly | Access::ReadWrite => readable.push(bind.source.clone()),
        }
    }
    let rules = landlock_wall::rules_alone(&readable, &plan.writable, &devices)?;
    rules.ok_or_else(|| "this kernel has none, and nothing else would hold".to_owned())
}

/// Every process below this one.
pub(super) fn below() -> impl Iterator<Item = u32> {
    let own = std::process::id();
    let all = family(own.cast_signed()).into_iter();
    all.filter_map(|id| u32::try_from(id).ok()).filter(move |id| *id != own)
}

pub(super) fn kill_all_below() {
    for id in below() {
        if let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
    }
}

/// Kills everything below and takes it in, until there is nothing. A process
/// forked while the others are looked up is found in the next round.
pub(super) fn end_all_below() {
    loop {
        kill_all_below();
        std::thread::sleep(Duration::from_millis(1));
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
