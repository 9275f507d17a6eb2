//! Which files of a project were ever seen under a credential's name, or with a
//! credential in them: whatever a command calls them later, no command with hosts
//! open may read them. Keeps who a file is and a salted hash of what it held,
//! never the content. What can't be kept keeps hosts shut.

mod identity;
mod register;
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests lay out projects")]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kode_base::ProjectPath;
use kode_gate::{FolderNames, NameKind};

use crate::{CredentialTest, ProjectRoot, SandboxSettings};
pub(crate) use identity::{Identity, Stamp};
use register::Register;

/// Larger credentials are known by who they are alone.
const CONTENT_BYTES_MAX: u64 = 1024 * 1024;
/// Shorter ones say too little: many files hold the same.
const CONTENT_BYTES_MIN: u64 = 8;
/// Larger files that only perhaps hold a credential are not looked into.
const TESTED_BYTES_MAX: u64 = 256 * 1024;
/// Folders with other people's files, where a usual name says nothing.
const FOREIGN_FOLDERS: [&str; 6] =
    ["node_modules", "vendor", "site-packages", "target", ".venv", "venv"];

/// SHA-256 over the register's salt and the content.
pub(crate) type Digest = [u8; 32];

/// A file of the project with a name that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) kind: NameKind,
}

/// What is known of a project's credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) salt: Vec<u8>,
    pub(crate) identities: HashSet<Identity>,
    /// Digests by the content's size in bytes.
    pub(crate) contents: HashMap<u64, HashSet<Digest>>,
}

/// The credentials seen in one project, in this session and before.
#[derive(Debug)]
pub(crate) struct Seen {
    root: PathBuf,
    register: Register,
    test: Option<CredentialTest>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` until it is first needed.
    known: Option<Known>,
    /// Files looked at in this process, and whether each holds a credential.
    looked_at: HashMap<Stamp, bool>,
    /// Why not all that was seen is kept.
    lost: Option<String>,
}

impl Seen {
    /// Those of the project at `root`. Nothing is read yet.
    pub(crate) fn of(root: &ProjectRoot, settings: &SandboxSettings) -> Self {
        Self {
            root: root.path().to_owned(),
            register: Register::of(root, &settings.host.kode_home),
            test: settings.credential_test.clone(),
            state: Mutex::default(),
        }
    }

    /// Takes in what stands under names that say something. Not all of it, if
    /// not `complete`.
    pub(crate) fn take(&self, named: &[Named], complete: bool) {
        let mut state = self.state();
        let why = "the project has too many folders to look through";
        state.lost = (!complete).then(|| why.to_owned());
        for named in named {
            self.holds_credential(&mut state, named);
        }
    }

    /// Whether the file is to be masked; if so it is known from now on.
    pub(crate) fn is_credential(&self, named: &Named) -> bool {
        self.holds_credential(&mut self.state(), named)
    }

    /// Everything known, from other sessions too.
    ///
    /// # Errors
    /// Why that is not all of it.
    pub(crate) fn known(&self) -> Result<Known, String> {
        let mut state = self.state();
        if let Some(why) = &state.lost {
            return Err(why.clone());
        }
        let mut known = self.register.read(state.known.as_ref())?;
        known.join(state.known.take());
        state.known = Some(known.clone());
        Ok(known)
    }

    /// Whether the file has an ordinary name and was seen as a credential under
    /// another. What can't be told counts.
    pub(crate) fn remembers(&self, path: &ProjectPath) -> bool {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        if FolderNames::below(folder).kind(name) != NameKind::Ordinary {
            return false;
        }
        let Ok(real) = fs::canonicalize(self.root.join(path.as_str())) else { return false };
        let Some(stamp) = Stamp::of(&real) else { return false };
        self.known().map_or(true, |known| known.identities.contains(&stamp.identity))
    }

    fn holds_credential(&self, state: &mut State, named: &Named) -> bool {
        // A link's name says what it leads to.
        let Ok(real) = fs::canonicalize(&named.path) else { return false };
        if !real.starts_with(&self.root) {
            return false;
        }
        let Some(stamp) = Stamp::of(&real) else { return false };
        // What was found harmless under a name that only perhaps says something is not
        // so under one that does.
        match state.looked_at.get(&stamp) {
            Some(true) => return true,
            Some(false) if named.kind != NameKind::Secret => return false,
            _ => {}
        }
        let holds = named.kind == NameKind::Secret || self.passes_test(&real, stamp.size);
        if holds && let Err(why) = self.keep(state, &real, &stamp) {
            state.lost = Some(why);
            return holds;
        }
        state.looked_at.insert(stamp, holds);
        holds
    }

    /// Whether a file that perhaps holds a credential does. What can't be judged
    /// counts as holding one.
    fn passes_test(&self, path: &Path, size: u64) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else { return true };
        let foreign = |part: &std::ffi::OsStr| FOREIGN_FOLDERS.iter().any(|each| part == *each);
        if size == 0 || size > TESTED_BYTES_MAX || below.iter().any(foreign) {
            return false;
        }
        let Some(test) = &self.test else { return true };
        let Ok(below) = ProjectPath::new(&below.to_string_lossy()) else { return true };
        fs::read(path).map_or(true, |content| test.passes(&below, &content))
    }

    fn keep(&self, state: &mut State, path: &Path, stamp: &Stamp) -> Result<(), String> {
        // What could not be kept is forgotten, and so kept the next time.
        let mut known = match state.known.take() {
            Some(known) => known,
            None => self.register.read(None)?,
        };
        let sized = (CONTENT_BYTES_MIN..=CONTENT_BYTES_MAX).contains(&stamp.size);
        let content = if sized { identity::digest(&known.salt, path, stamp.size) } else { None };
        let is_new = known.identities.insert(stamp.identity);
        let digests = known.contents.entry(stamp.size).or_default();
        let is_new = content.is_some_and(|digest| digests.insert(digest)) || is_new;
        if is_new {
            self.register.add(stamp, content)?;
        }
        state.known = Some(known);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What is in either. Digests of another salt say nothing.
    fn join(&mut self, other: Option<Self>) {
        let Some(other) = other else { return };
        self.identities.extend(other.identities);
        if other.salt == self.salt {
            for (size, digests) in other.contents {
                self.contents.entry(size).or_default().extend(digests);
            }
        }
    }

    /// Whether the file at `path`, whatever its name, is or holds what once was
    /// seen as a credential. What can't be compared counts.
    pub(crate) fn has(&self, path: &Path, stamp: &Stamp) -> bool {
        if self.identities.contains(&stamp.identity) {
            return true;
        }
        let Some(digests) = self.contents.get(&stamp.size) else { return false };
        !digests.is_empty()
            && identity::digest(&self.salt, path, stamp.size)
                .is_none_or(|digest| digests.contains(&digest))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.contents.is_empty()
    }
}

/// The path below the root as bytes, for a name of the register.
fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
