//! On which processor a process runs that works beside this one. The kernel often queues
//! it on this one's, ahead of it or behind, a millisecond and a half with another
//! processor idle. All of this only hints: nothing is lost where it fails.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Every processor this process may run on, and those of them but the one it runs on;
/// `None` where there is no other.
fn processors() -> Option<(CpuSet, CpuSet)> {
    let allowed = sched_getaffinity(None).unwrap_or_default();
    let mut elsewhere = allowed;
    elsewhere.unset(sched_getcpu());
    (elsewhere.count() > 0).then_some((allowed, elsewhere))
}

/// Does what wakes `other`, so that it runs beside this process at once.
pub(super) fn beside<T>(other: Pid, wake: impl FnOnce() -> T) -> T {
    let hinted =
        processors().filter(|(_, elsewhere)| sched_setaffinity(Some(other), elsewhere).is_ok());
    let woken = wake();
    if let Some((allowed, _)) = hinted {
        let _ = sched_setaffinity(Some(other), &allowed);
    }
    woken
}

/// For a copy of this process: away from the processor that this one runs on. The copy
/// may run before this process does again, or only once this one sleeps, so both see to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Apart(Option<(CpuSet, CpuSet)>);

impl Apart {
    /// To be called before the copy is made.
    pub(super) fn from_this() -> Self {
        Self(processors())
    }

    /// Sends the copy there.
    pub(super) fn send(&self, copy: Pid) {
        if let Some((_, elsewhere)) = &self.0 {
            let _ = sched_setaffinity(Some(copy), elsewhere);
        }
    }

    /// Goes there, in the copy.
    pub(super) fn enter(&self) {
        if let Some((_, elsewhere)) = &self.0 {
            let _ = sched_setaffinity(None, elsewhere);
        }
    }

    /// Lets it run anywhere again.
    pub(super) fn leave(&self) {
        if let Some((allowed, _)) = &self.0 {
            let _ = sched_setaffinity(None, allowed);
        }
    }
}
