//! A container's supervisor spoken to as a native sandbox's first process is:
//! the same requests and replies, over a socket that it connected to. Only how
//! it is started and ended differs.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::{Duration, Instant};

use super::keeper::Keeper;
use super::space::Space;
use super::{Group, KILL_MAX, Native, Standing};
use crate::guard::Guard;
use crate::wire::{Reply, Request, SelfTest};
use crate::{ProjectRoot, SandboxError, SandboxSettings};

/// The container must be gone in this time; its keeper goes on trying.
const REMOVE_MAX: Duration = Duration::from_secs(30);

/// How often the keeper's end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The supervisor's conversation and the keeper's. When either of kode's ends
/// closes, the container ends.
#[derive(Debug)]
pub(crate) struct Contained {
    supervisor: Option<UnixStream>,
    lifeline: Option<UnixStream>,
    keeper: Child,
}

impl Contained {
    /// A container that is being started by `keeper`, who sees the end of
    /// `lifeline`.
    pub(crate) fn new(lifeline: UnixStream, keeper: Child) -> Self {
        Self { supervisor: None, lifeline: Some(lifeline), keeper }
    }

    /// The supervisor has connected.
    pub(crate) fn connect(&mut self, supervisor: UnixStream) {
        self.supervisor = Some(supervisor);
    }

    /// The conversation with the keeper, until the container is given up.
    pub(crate) fn lifeline(&self) -> Option<&UnixStream> {
        self.lifeline.as_ref()
    }

    pub(crate) fn socket(&self) -> Option<&UnixStream> {
        self.supervisor.as_ref()
    }

    pub(super) fn close(&mut self) {
        self.supervisor = None;
        self.lifeline = None;
    }

    pub(super) fn end_within(&mut self, limit: Duration) -> bool {
        self.close();
        let until = Instant::now() + limit;
        loop {
            // One that can't be asked is no child of ours any more.
            if !matches!(self.keeper.try_wait(), Ok(None)) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// A keeper that Docker lets wait is left to its work.
    pub(crate) fn end(&mut self) {
        self.end_within(REMOVE_MAX);
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        self.end();
    }
}

impl Native {
    /// A sandbox that is a container whose supervisor says it is ready.
    pub(crate) fn contained(
        container: Contained,
        self_test: SelfTest,
        root: &ProjectRoot,
        settings: &SandboxSettings,
        memory_bytes_max: u64,
    ) -> Result<Self, SandboxError> {
        let guard = if settings.read_only {
            None
        } else {
            Some(Guard::new(root, &settings.host.kode_home, true)?)
        };
        Ok(Self {
            helper: Keeper::Container(container),
            guard,
            space: Space::new(root, settings.free_bytes_min)?,
            group: Group::Without("Docker made one".to_owned()),
            memory_kills_before: 0,
            low_space: None,
            memory_bytes_max,
            over_memory: false,
            held: Vec::new(),
            in_command: false,
            is_brief: false,
            is_deserted: false,
            is_flushed_behind: false,
            asked_ahead: false,
            not_started: None,
            self_test,
            heritage: None,
            standing: Standing::default(),
            _private: None,
        })
    }

    /// Takes what stands in the project now for what was there before: between
    /// two tasks a person may have changed anything.
    pub(crate) fn look_anew(
        &mut self,
        root: &ProjectRoot,
        settings: &SandboxSettings,
    ) -> Result<(), SandboxError> {
        if self.guard.is_some() {
            self.guard = Some(Guard::new(root, &settings.host.kode_home, true)?);
        }
        Ok(())
    }

    /// Where a proxy for the next command accepts: on the container's loopback.
    pub(crate) fn open_door(&mut self) -> Result<TcpListener, SandboxError> {
        self.settle()?;
        self.send(&Request::Door, &[])?;
        let received = self.receive_within(KILL_MAX)?;
        let door = match received {
            Some((Reply::Door, descriptors)) => descriptors.into_iter().next(),
            _ => None,
        };
        door.map(TcpListener::from).ok_or_else(|| self.give_up("it opened no door for the proxy"))
    }

    /// Whether commands can still run in it.
    pub(crate) fn is_alive(&self) -> bool {
        self.helper.socket().is_some()
    }
}
