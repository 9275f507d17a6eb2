//! What was noticed of credentials being opened: the sandbox watches the files while
//! a command runs, kode's own tools say what they read. It tells nothing of what was
//! read.

use kode_base::ProjectPath;
use kode_sandbox::{Exposure, Sandbox};

/// What was noticed of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// A command opened a credential, or that could not be watched.
    ByCommand(Exposure),
    /// A tool of kode's read a file that was one under another name.
    Read(ProjectPath),
}

/// What was noticed since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct CredentialWatch {
    noticed: Option<Noticed>,
}

impl CredentialWatch {
    /// Right before a command: what stands there now is watched.
    pub(super) fn begin(sandbox: &Sandbox) {
        // It opens some of them itself, so it comes before the watch.
        sandbox.look_for_credentials();
        sandbox.watch_credentials();
    }

    /// Right after it, before anything else looks at the files.
    pub(super) fn end(&mut self, sandbox: &Sandbox) {
        if let Some(exposure) = sandbox.opened_credentials() {
            self.noticed = Some(Noticed::ByCommand(exposure));
        }
    }

    /// A tool of kode's read what was a credential under another name.
    pub(super) fn was_read(&mut self, path: &ProjectPath) {
        self.noticed = Some(Noticed::Read(path.clone()));
    }

    /// What was noticed since the last time.
    pub(crate) fn take_noticed(&mut self) -> Option<Noticed> {
        self.noticed.take()
    }
}
