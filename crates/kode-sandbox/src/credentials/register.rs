//! Keeps what was seen between sessions: one file a project in kode's own home,
//! which commands can't see, lines added and never changed. Several sessions may
//! add at once.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Digest, Identity, Known, Stamp, bytes_of};
use crate::ProjectRoot;

/// The folder below kode's home.
const FOLDER: &str = "seen-credentials";
/// Bytes of one project's file: some 30,000 credentials.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Ending of the file with a byte for each command of a session that knows a credential.
const EXPOSED: &str = "exposed";
/// Ending of the file with a byte for each that ended.
const ENDED: &str = "ended";
const SALT_BYTES: usize = 16;
/// For other sessions' commands to end.
const REST_MAX: Duration = Duration::from_secs(5);
const REST_STEP: Duration = Duration::from_millis(10);

/// Where a project's credentials are kept.
#[derive(Debug)]
pub(super) struct Register {
    /// `None` where kode has no home: then they are known for this session alone.
    file: Option<PathBuf>,
    /// A copy of the project for its checks reads and adds nothing.
    adds: bool,
}

/// One line. The first has the salt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Salt(String),
    Credential {
        #[serde(flatten)]
        identity: Identity,
        size: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        content: Option<String>,
        /// Whether it says anything that it is opened, wherever it is moved.
        #[serde(skip_serializing_if = "is_true", default = "yes")]
        counts: bool,
    },
    /// Written by a command that had opened a credential; not masked, but watched.
    Copy(Identity),
    /// Then, in seconds since 1970, a command had opened a credential.
    Exposed(u64),
    /// Commands ran while not all could be looked at.
    Lost(String),
}

impl Register {
    pub(super) fn of(root: &ProjectRoot, kode_home: &Path) -> Self {
        let project = root.stands_for();
        let name = hexadecimal(&Sha256::digest(bytes_of(project))[..16]);
        let is_known = kode_home.is_absolute();
        let file = is_known.then(|| kode_home.join(FOLDER).join(format!("{name}.jsonl")));
        Self { file, adds: project == root.path() }
    }

    /// Everything kept; what is known `in_memory` where there is no file.
    ///
    /// # Errors
    /// When the file can't be read, or made with a new salt.
    pub(super) fn read(&self, in_memory: Option<&Known>) -> Result<Known, String> {
        let Some(path) = &self.file else {
            return in_memory.map_or_else(|| fresh_salt().map(Known::salted), |it| Ok(it.clone()));
        };
        self.read_from(path).map_err(|why| failed(path, &why))
    }

    fn read_from(&self, path: &Path) -> Result<Known, String> {
        let mut file = open(path)?;
        let mut text = String::new();
        (&mut file).take(BYTES_MAX + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
        if text.len() as u64 > BYTES_MAX {
            return Err("it is too large; remove it to start anew".to_owned());
        }
        if text.is_empty() {
            let salt = fresh_salt()?;
            write(&mut file, &Line::Salt(hexadecimal(&salt)))?;
            return Ok(Known::salted(salt));
        }
        let mut known = Known::default();
        for line in text.lines() {
            let line = serde_json::from_str(line);
            known.take(line.map_err(|_| broken())?)?;
        }
        Ok(known)
    }

    /// Bytes kept, 0 where nothing is.
    pub(super) fn size(&self) -> u64 {
        self.file.as_ref().and_then(|path| fs::metadata(path).ok()).map_or(0, |it| it.len())
    }

    /// What is to be done about `why`.
    pub(super) fn remedy(&self, why: &str) -> String {
        match &self.file {
            Some(file) => format!("{why}; remove {} to start anew", file.display()),
            None => why.to_owned(),
        }
    }

    /// Adds one line; returns its bytes.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn add(&self, line: &Line) -> Result<u64, String> {
        let Some(path) = self.file.as_ref().filter(|_| self.adds) else { return Ok(0) };
        open(path).and_then(|mut file| write(&mut file, line)).map_err(|why| failed(path, &why))
    }
}

/// While it is kept, other sessions know that a command runs which may open a
/// credential.
#[derive(Debug)]
pub(super) struct Running {
    _locked: File,
    ended: PathBuf,
}

impl Drop for Running {
    /// Not where kode was killed. That it can't be written counts as that.
    fn drop(&mut self) {
        let _ = count(&self.ended);
    }
}

/// Beside the register: locked while such commands run, a byte longer for each.
impl Register {
    fn running(&self) -> Option<PathBuf> {
        self.file.as_ref().filter(|_| self.adds).map(|file| file.with_extension("running"))
    }

    /// Such a command begins, of a session that `is_exposed`.
    pub(super) fn runs(&self, is_exposed: bool) -> Result<Option<Running>, String> {
        let Some(path) = self.running() else { return Ok(None) };
        let announce = || -> Result<File, String> {
            let file = count(&path)?;
            if is_exposed {
                count(&path.with_extension(EXPOSED))?;
            }
            Ok(file)
        };
        let ended = path.with_extension(ENDED);
        let running = announce().map(|_locked| Some(Running { _locked, ended }));
        running.map_err(|why| failed(&path, &why))
    }

    /// Whether one never ended, and none runs: kode was killed in the middle of it. Says
    /// so once.
    pub(super) fn was_killed(&self) -> bool {
        let Some(path) = self.running() else { return false };
        let ended = path.with_extension(ENDED);
        if length(&path) == length(&ended) {
            return false;
        }
        let Ok(_locked) = open_locked(&path, FlockOperation::NonBlockingLockExclusive) else {
            return false;
        };
        // Only now does nobody change them.
        let missing = length(&path).saturating_sub(length(&ended));
        for _ in 0..missing {
            if count(&ended).is_err() {
                break;
            }
        }
        missing > 0
    }

    /// How many have begun, of whatever session.
    pub(super) fn begun(&self) -> u64 {
        self.running().map_or(0, |path| length(&path))
    }

    /// How many of those were of sessions that know a credential.
    pub(super) fn exposed_begun(&self) -> u64 {
        self.running().map_or(0, |path| length(&path.with_extension(EXPOSED)))
    }

    /// What a person removes to have kode forget what it saw here.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Waits until none runs; how many had begun by then.
    pub(super) fn others_rest(&self) -> Result<u64, String> {
        let Some(path) = self.running().filter(|path| path.exists()) else { return Ok(0) };
        let until = Instant::now() + REST_MAX;
        loop {
            if let Ok(_locked) = open_locked(&path, FlockOperation::NonBlockingLockExclusive) {
                return Ok(self.begun());
            }
            if Instant::now() > until {
                return Err("another session's command runs in it and may have opened one; wait \
                            for its end"
                    .to_owned());
            }
            std::thread::sleep(REST_STEP);
        }
    }
}

impl Line {
    pub(super) fn credential(stamp: &Stamp, content: Option<Digest>, counts: bool) -> Self {
        let content = content.map(|digest| hexadecimal(&digest));
        Self::Credential { identity: stamp.identity, size: stamp.size, content, counts }
    }
}

impl Known {
    fn salted(salt: Vec<u8>) -> Self {
        Self { salt, ..Self::default() }
    }

    pub(super) fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Copy(identity) => drop(self.copies.insert(identity)),
            Line::Exposed(at_s) => self.exposed_at_s = self.exposed_at_s.max(at_s),
            Line::Lost(why) => self.lost = Some(why),
            Line::Salt(salt) => self.salt = bytes(&salt).ok_or_else(broken)?,
            Line::Credential { identity, size, content, counts } => {
                self.identities.insert(identity);
                if counts {
                    self.counted.insert(identity);
                }
                if let Some(content) = content {
                    let digest = bytes(&content).and_then(|digest| digest.try_into().ok());
                    let digest = digest.ok_or_else(broken)?;
                    self.contents.entry(size).or_default().insert(digest);
                    if counts {
                        self.counted_contents.insert(digest);
                    }
                }
            }
        }
        Ok(())
    }
}

/// One byte more.
fn count(path: &Path) -> Result<File, String> {
    let mut file = open_locked(path, FlockOperation::LockShared)?;
    file.write_all(b".").map_err(|error| error.to_string())?;
    Ok(file)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |it| it.len())
}

/// Opens the file, made where it is missing, alone.
fn open(path: &Path) -> Result<File, String> {
    open_locked(path, FlockOperation::LockExclusive)
}

fn open_locked(path: &Path, lock: FlockOperation) -> Result<File, String> {
    let folder = path.parent().unwrap_or(path);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| error.to_string())?;
    #[expect(clippy::disallowed_methods, reason = "kode's own file in kode's home")]
    let opened = fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path);
    let file = opened.map_err(|error| error.to_string())?;
    rustix::fs::flock(&file, lock).map_err(|error| error.to_string())?;
    Ok(file)
}

fn write(file: &mut File, line: &Line) -> Result<u64, String> {
    let mut text = serde_json::to_string(line).map_err(|error| error.to_string())?;
    text.push('\n');
    file.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(text.len() as u64)
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

fn broken() -> String {
    "a line of it is no longer readable; remove it to start anew".to_owned()
}

fn failed(path: &Path, why: &str) -> String {
    format!("which files are credentials can't be kept in {}: {why}", path.display())
}

fn fresh_salt() -> Result<Vec<u8>, String> {
    let mut salt = vec![0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(salt)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
