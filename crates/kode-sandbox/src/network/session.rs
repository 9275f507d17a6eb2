//! One command with hosts open: masks, certificate, sandbox beside, proxy, and
//! what the proxy saw.

use std::sync::{Arc, Mutex, PoisonError};

use kode_base::{AuditSequence, Interrupt, ProjectPath, WebFetch};

use super::authority::Authority;
use super::connection::Rules;
use super::outside::Outside;
use super::proxy::Proxy;
use super::record::Connection;
use super::tripwire::Tripwire;
use super::web::{self, Page};
use super::{OpenHosts, Refusal, Witness, masks};
use crate::credentials::Seen;
use crate::docker::Docker;
use crate::native::Native;
use crate::output::CommandEnd;
use crate::plan::Additions;
use crate::{ProjectRoot, SandboxError, SandboxSettings};

/// What a command with hosts open did with them.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Every connection it tried.
    pub(crate) connections: Vec<Connection>,
    /// Files it could not read although their names don't say why.
    pub(crate) masked: Vec<ProjectPath>,
    /// Files of which they do.
    pub(crate) named: Vec<ProjectPath>,
}

impl Reached {
    /// What is told of masks: files whose names don't say it; all where the command
    /// failed, for that may be why.
    pub(crate) fn told(
        masked: Vec<ProjectPath>,
        named: Vec<ProjectPath>,
        end: &CommandEnd,
    ) -> Vec<ProjectPath> {
        let failed = *end != CommandEnd::Exited(0);
        masked.into_iter().chain(named.into_iter().filter(|_| failed)).collect()
    }
}

/// How a session's commands reach hosts.
#[derive(Debug)]
pub(crate) struct Network {
    root: ProjectRoot,
    seen: Arc<Seen>,
    outside: Outside,
    witness: Mutex<Option<Witness>>,
}

impl Network {
    pub(crate) fn new(root: &ProjectRoot, settings: &SandboxSettings, seen: Arc<Seen>) -> Self {
        let outside = settings.lab_sink.map_or_else(Outside::real, Outside::lab);
        let root = root.clone();
        Self { root, seen, outside, witness: Mutex::new(settings.witness.clone()) }
    }

    /// Has the connections of later commands seen by `witness`.
    pub(crate) fn seen_by(&self, witness: Witness) {
        *self.witness.lock().unwrap_or_else(PoisonError::into_inner) = Some(witness);
    }

    /// Who keeps the connections.
    pub(crate) fn witness(&self) -> Option<Witness> {
        self.witness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn outside(&self, intent: AuditSequence) -> Outside {
        let witness = self.witness().map(|witness| witness.of(intent));
        self.outside.clone().seen_by(witness)
    }

    /// Takes in the project's credentials as they are named before a command, for
    /// none may get another name unseen.
    pub(crate) fn look(&self, native: Option<&mut Native>) {
        self.seen.look_for_copies();
        let inodes = self.seen.inodes();
        let found = native.and_then(|native| native.named(self.root.path(), &inodes));
        let (named, complete) =
            found.unwrap_or_else(|| masks::named(&self.root, &self.seen, &inodes));
        self.seen.take(&named, complete);
    }

    /// What was seen of the project's credentials.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Reads one page, outside any sandbox.
    pub(crate) fn read_page(
        &self,
        intent: AuditSequence,
        open: &OpenHosts,
        fetch: &WebFetch,
        interrupt: &Interrupt,
    ) -> (Result<Page, Refusal>, Vec<Connection>) {
        web::read(&self.outside(intent), open, fetch, interrupt)
    }

    /// Runs `command` in a sandbox beside `session` with `open` reachable.
    pub(crate) fn with_hosts<T>(
        &self,
        session: &mut Native,
        settings: &SandboxSettings,
        (intent, open): (AuditSequence, OpenHosts),
        command: impl FnOnce(&mut Native) -> Result<T, SandboxError>,
    ) -> Result<(T, Reached), SandboxError> {
        let tripwire = Arc::new(Tripwire::new(&self.root, &self.seen)?);
        let masks = masks::find(&self.root, &self.seen)?;
        tripwire.masks(masks.paths.iter().map(String::as_str));
        let authority = Authority::new().map_err(std::io::Error::other)?;
        let additions = Additions::new(settings, &authority.certificate());
        let mut masked = masks.paths;
        masked.extend(self.private_copies(session)?);
        let (mut beside, listener) = session.beside(&self.root, settings, masked, additions)?;
        let outside = self.outside(intent).watched_by(&tripwire);
        let rules = Rules { open, outside, authority: Arc::new(authority) };
        let proxy = Proxy::start(listener, rules)?;
        let result = command(&mut beside);
        // Nothing inside is left that could connect.
        drop(beside);
        let connections = proxy.close();
        Ok((result?, Reached { connections, masked: masks.unexpected, named: masks.named }))
    }

    /// Inside paths of what may hold a credential in the session's private folders.
    fn private_copies(&self, session: &Native) -> Result<Vec<String>, SandboxError> {
        let mut paths = Vec::new();
        for (inside, place) in session.private_folders() {
            for file in self.seen.copies_in(&place) {
                let below = file.strip_prefix(&place).ok().and_then(|below| below.to_str());
                let why = "what may hold one has a name that is not UTF-8";
                let below = below.ok_or_else(|| masks::shut(why))?;
                paths.push(format!("{inside}/{below}"));
            }
        }
        Ok(paths)
    }

    /// Runs `command` in the session's container with `open` reachable. The
    /// container masks secrets itself.
    pub(crate) fn in_container<T>(
        &self,
        docker: &mut Docker,
        settings: &SandboxSettings,
        (intent, open): (AuditSequence, OpenHosts),
        command: impl FnOnce(&mut Docker) -> Result<T, SandboxError>,
    ) -> Result<(T, Reached), SandboxError> {
        let authority = Authority::new().map_err(std::io::Error::other)?;
        let additions = Additions::new(settings, &authority.certificate());
        let tripwire = Arc::new(Tripwire::new(&self.root, &self.seen)?);
        let listener = docker.open_door(&additions.certificates())?;
        tripwire.masks(docker.masked_files());
        let outside = self.outside(intent).watched_by(&tripwire);
        let rules = Rules { open, outside, authority: Arc::new(authority) };
        let proxy = Proxy::start(listener, rules)?;
        let result = command(docker);
        // Nothing of the command is alive that could connect.
        let connections = proxy.close();
        Ok((result?, Reached { connections, masked: docker.masked(), named: Vec::new() }))
    }
}
