//! What keeps a sandbox's first process, and is ended with it: the helper of a
//! native sandbox, or the keeper of a container.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Pid;

use super::contained::Contained;
use super::process::HelperProcess;
use crate::wire::Reply;

/// Whom kode talks to a first process through.
#[derive(Debug)]
pub(super) enum Keeper {
    Helper(HelperProcess),
    Container(Contained),
}

impl Keeper {
    /// The conversation with the first process; `None` once it is given up.
    pub(super) fn socket(&self) -> Option<&UnixStream> {
        match self {
            Self::Helper(helper) => helper.socket.as_ref(),
            Self::Container(container) => container.socket(),
        }
    }

    /// The helper's process id, for the control group; a container has one of
    /// Docker's making.
    pub(super) fn id(&self) -> Option<Pid> {
        match self {
            Self::Helper(helper) => helper.id(),
            Self::Container(_) => None,
        }
    }

    /// Who owns what is made for commands, where that is not this program's own user.
    pub(super) fn commands_owner(&self) -> Option<(u32, u32)> {
        match self {
            Self::Helper(helper) => {
                let identity = helper.identity();
                let other = identity.started_as_root;
                other.then_some((identity.host_user, identity.host_group))
            }
            Self::Container(_) => None,
        }
    }

    /// Lets everything begin to end.
    pub(super) fn close(&mut self) {
        match self {
            Self::Helper(helper) => helper.close(),
            Self::Container(container) => container.close(),
        }
    }

    /// Lets everything end by itself; false when that takes longer.
    pub(super) fn end_within(&mut self, limit: Duration) -> bool {
        match self {
            Self::Helper(helper) => helper.end_within(limit),
            Self::Container(container) => container.end_within(limit),
        }
    }

    /// Waits for what has ended on this side.
    pub(super) fn reap(&mut self) {
        if let Self::Helper(helper) = self {
            helper.reap();
        }
    }

    /// What failed on this side, where no helper tells of it.
    pub(super) fn failure(&mut self) -> Option<Reply> {
        match self {
            Self::Helper(helper) => helper.failure(),
            Self::Container(_) => None,
        }
    }

    /// Leaves the first process to end with this program; false where it does not.
    pub(super) fn leave(&mut self) -> bool {
        match self {
            Self::Helper(helper) => helper.leave(),
            Self::Container(_) => false,
        }
    }

    /// Whether the first process ends within `limit`, so that nobody need wait
    /// for the rest.
    pub(super) fn end_of_talk(&mut self, limit: Duration) -> bool {
        match self {
            Self::Helper(helper) => helper.end_of_talk(limit),
            Self::Container(container) => container.end_within(limit),
        }
    }

    /// Waits until everything is gone.
    pub(super) fn end(&mut self) {
        match self {
            Self::Helper(helper) => helper.end(),
            Self::Container(container) => container.end(),
        }
    }
}
