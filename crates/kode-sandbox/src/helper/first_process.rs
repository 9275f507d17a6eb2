//! The life of the sandbox's process 1: what needs no plan is done while kode
//! still makes it, then the new root is filled, every privilege given up, the
//! walls tested, and commands served.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;

use super::beside::Apart;
use super::grafts::{Grafts, HAND_OVER};
use super::init::{Reach, Service};
use super::new_root::{self, Builder, Built};
use super::{StepError, at, init, kernel, network, privileges, report, self_test};
use crate::plan::{Access, Identity, Plan, Step};
use crate::seccomp::Filter;
use crate::wire::{self, Reply, SelfTest};

/// How the plan comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planned {
    AtOnce,
    /// The steps it begins with, which need nothing of the project, come ahead of it.
    InTwoParts,
}

/// How it was begun.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    pub(super) identity: &'a Identity,
    /// Opens when the identity is mapped.
    pub(super) gate: OwnedFd,
    /// Where it runs until then.
    pub(super) apart: Apart,
    pub(super) planned: Planned,
}

/// The plan comes over `handover`.
pub(super) fn live(socket: &UnixStream, handover: &UnixStream, begun: Begun<'_>) -> ! {
    let Begun { identity, gate, apart, planned } = begun;
    // Needs no identity, so it does not wait for one.
    let alone = network::leave_the_hosts();
    let mut byte = [0];
    // No byte: the helper could not map us, and has said why.
    if !matches!(File::from(gate).read(&mut byte), Ok(1)) {
        kernel::leave(1);
    }
    apart.leave();
    match alone.and_then(|()| enter(handover, identity, planned)) {
        // The helper failed, and has said why.
        Ok(None) => kernel::leave(1),
        Ok(Some((plan, test, handed))) => {
            init::stand(socket, &Reply::Ready(test), handed, &Service::of(&plan));
        }
        Err(failed) => {
            let _ = report(socket, &failed);
            kernel::leave(1);
        }
    }
}

/// Returns the plan, what the self-test found, and the descriptors that go to
/// kode; `None` when no plan came.
fn enter(
    handover: &UnixStream,
    identity: &Identity,
    planned: Planned,
) -> Result<Option<(Plan, SelfTest, Vec<OwnedFd>)>, StepError> {
    // Short of memory, the kernel should end commands before the user's own
    // programs; where it can't be asked to, nothing else is lost.
    let _ = kernel::write_file("/proc/self/oom_score_adj", b"500");
    privileges::take_identity(identity)?;
    // Cleared by the change of identity, so set again; should the helper be
    // gone already, the socket's end says so.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    rustix::process::setsid().map_err(at("session"))?;
    kernel::set_host_name("kode").map_err(at("host name"))?;
    let builder = Builder::begin()?;
    let filter = Filter::assembled();
    let Some((plan, built)) = build(builder, handover, planned)? else { return Ok(None) };
    let mut handed = Vec::new();
    if let Some(port) = plan.proxy_port {
        handed.push(door(port).map_err(at("the proxy's door"))?);
    }
    handed.extend(built.kept);
    let (landlock_abi, landlock_complete) = privileges::drop_all(&plan, &filter)?;
    self_test::run()?;
    let caches_read_only = built.caches_read_only;
    Ok(Some((plan, SelfTest { landlock_abi, landlock_complete, caches_read_only }, handed)))
}

/// Fills the new root as the plan says; `None` when none came.
fn build(
    mut builder: Builder,
    handover: &UnixStream,
    planned: Planned,
) -> Result<Option<(Plan, Built)>, StepError> {
    let mut grafts = Grafts::awaited(handover);
    let mut ahead = Vec::new();
    if planned == Planned::InTwoParts {
        let received = wire::receive::<Vec<Step>>(handover).map_err(at("plan"))?;
        let Some((steps, _)) = received else { return Ok(None) };
        builder.carry_out(&steps, 0, &mut grafts)?;
        ahead = steps;
    }
    let received = wire::receive::<Plan>(handover).map_err(at("plan"))?;
    let Some((mut plan, inherited)) = received else { return Ok(None) };
    builder.take_over(inherited);
    match builder.carry_out(&plan.steps, ahead.len(), &mut grafts) {
        // The helper ended before it handed over, and has said why.
        Err(failed) if failed.is_of(HAND_OVER) => return Ok(None),
        carried_out => carried_out?,
    }
    plan.steps.splice(..0, ahead);
    Ok(Some((plan, builder.finish()?)))
}

/// The same life where bubblewrap made namespaces and root: what it shows is
/// checked, and the rest is as always.
pub(super) fn live_in_bubblewrap(socket: &UnixStream) -> Result<(), StepError> {
    let null = File::options().read(true).write(true).open("/dev/null").map_err(at("streams"))?;
    for number in [1, 2] {
        kernel::place_descriptor(&null, number).map_err(at("streams"))?;
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    let Some((plan, _)) = wire::receive::<Plan>(socket).map_err(at("plan"))? else {
        return Ok(());
    };
    let binds = plan.steps.iter().filter_map(|step| match step {
        Step::Bind(bind) if bind.access != Access::Device => Some(bind),
        _ => None,
    });
    for bind in binds.clone() {
        let shown = new_root::look(&bind.target);
        // Out of this user's reach, so out of the commands' too.
        if !(bind.is_spare() && shown.as_ref().is_err_and(StepError::is_no_access)) {
            new_root::same_place(&shown?, bind)?;
        }
    }
    let caches_read_only = binds.filter(|bind| bind.layered).count();
    let (landlock_abi, landlock_complete) = privileges::drop_all(&plan, &Filter::assembled())?;
    self_test::run()?;
    let test = SelfTest { landlock_abi, landlock_complete, caches_read_only };
    wire::send(socket, &Reply::Ready(test), &[]).map_err(at("start"))?;
    init::serve(socket, &Service::of(&plan), &Reach::Namespace);
}

/// A socket that listens on the inside's own loopback. Whoever holds it accepts
/// from inside, wherever it is itself.
pub(super) fn door(port: u16) -> io::Result<OwnedFd> {
    Ok(std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port))?.into())
}
