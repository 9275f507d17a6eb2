//! Which project files a person trusted: the canonical path of the project and
//! the hash of the exact bytes. One changed byte, or a moved project, and the
//! trust is gone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use kode_base::escape::escape_line;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::home::open_home;
use crate::project::{self, FILE_NAME, ProjectFile};
use crate::{parse, prepare_home, read};

/// Most bytes of the trust store.
const STORE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The one version of the store's format so far.
const STORE_VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    version: u32,
    /// Canonical project root to SHA-256 of its `kode.json`, in hexadecimal.
    projects: BTreeMap<String, String>,
    /// The same of its `Dockerfile.kode`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    dockerfiles: BTreeMap<String, String>,
}

/// What the store knows of one reading of a project file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrustState {
    /// A person trusted exactly these bytes at this place.
    Trusted,
    /// A person trusted other bytes at this place.
    Changed,
    /// Nobody trusted this project.
    Unknown,
}

/// A `kode.json` as it would be trusted: show it, then accept it. What is
/// accepted is what was read, whatever happened to the file meanwhile.
#[derive(Debug)]
pub struct TrustOffer {
    project: ProjectFile,
    loosening: Vec<String>,
}

impl TrustOffer {
    /// Reads and parses the project's `kode.json`.
    ///
    /// # Errors
    /// When there is none, or it is not a valid configuration file.
    pub fn read(project_root: &Path) -> Result<Self, ConfigError> {
        let project = project::read(project_root)?.ok_or_else(|| {
            ConfigError::whole(project_root.join(FILE_NAME), "does not exist; nothing to trust")
        })?;
        root_name(&project)?;
        let file = parse::parse(&project.path, &project.bytes)?;
        let (_, loosening) = project::restrict(file);
        Ok(Self { project, loosening })
    }

    /// The keys that take effect only once the file is trusted.
    pub fn loosening_keys(&self) -> &[String] {
        &self.loosening
    }

    /// The file's text, with what could deceive the eye made visible.
    pub fn text(&self) -> String {
        kode_base::escape::escape_block(&String::from_utf8_lossy(&self.project.bytes))
    }

    /// SHA-256 of the file's bytes, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.project.sha256()
    }

    /// Records the trust durably and says so in one sentence.
    ///
    /// # Errors
    /// When `$KODE_HOME` or the trust store is unfit or can't be written.
    pub fn accept(self, kode_home: &Path) -> Result<String, ConfigError> {
        let root = root_name(&self.project)?.to_owned();
        let sha256 = self.project.sha256();
        update(kode_home, |store| {
            store.projects.insert(root.clone(), sha256.clone());
        })?;
        let keys = what_trust_does(&self.loosening);
        Ok(format!(
            "trusted {} with SHA-256 {}…; {keys}; any change to the file ends the trust",
            escape_line(&self.project.path.to_string_lossy()),
            sha256.get(..12).unwrap_or(&sha256),
        ))
    }
}

/// No project file may say this, trusted or not.
const NEVER_FROM_A_PROJECT: &[&str] = &["scan.accept_unscanned"];

fn what_trust_does(loosening: &[String]) -> String {
    let never = |key: &&String| NEVER_FROM_A_PROJECT.contains(&key.as_str());
    let (ignored, taken): (Vec<&String>, Vec<&String>) = loosening.iter().partition(never);
    let listed =
        |keys: &[&String]| keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
    let mut said = match taken.as_slice() {
        [] => "it sets nothing that needs trust".to_owned(),
        keys => format!("in effect now: {}", listed(keys)),
    };
    if !ignored.is_empty() {
        said.push_str("; ignored as in every project file: ");
        said.push_str(&listed(&ignored));
    }
    said
}

/// `kode trust`: binds the canonical project path and the hash of the bytes
/// parsed. Returns one sentence on what was trusted.
///
/// # Errors
/// As [`TrustOffer::read`] and [`TrustOffer::accept`].
pub fn trust(kode_home: &Path, project_root: &Path) -> Result<String, ConfigError> {
    TrustOffer::read(project_root)?.accept(kode_home)
}

/// Whether a person trusted exactly this reading.
pub(crate) fn state(kode_home: &Path, project: &ProjectFile) -> Result<TrustState, ConfigError> {
    let store = load(&kode_home.join("trust.json"))?;
    // A root that is not UTF-8 can't be in the store.
    let known = project.root.to_str().and_then(|root| store.projects.get(root));
    Ok(match known {
        None => TrustState::Unknown,
        Some(sha256) if *sha256 == project.sha256() => TrustState::Trusted,
        Some(_) => TrustState::Changed,
    })
}

/// The hash of the `Dockerfile.kode` a person trusted for this project.
pub(crate) fn trusted_dockerfile(
    kode_home: &Path,
    root: &str,
) -> Result<Option<String>, ConfigError> {
    Ok(load(&kode_home.join("trust.json"))?.dockerfiles.remove(root))
}

/// Records it durably.
pub(crate) fn trust_dockerfile(
    kode_home: &Path,
    root: &str,
    sha256: &str,
) -> Result<(), ConfigError> {
    update(kode_home, |store| {
        store.dockerfiles.insert(root.to_owned(), sha256.to_owned());
    })
}

pub(crate) fn root_name(project: &ProjectFile) -> Result<&str, ConfigError> {
    project.root.to_str().ok_or_else(|| {
        ConfigError::whole(&project.root, "this path is not UTF-8 and can't be trusted; rename it")
    })
}

fn load(path: &Path) -> Result<Store, ConfigError> {
    let empty =
        Store { version: STORE_VERSION, projects: BTreeMap::new(), dockerfiles: BTreeMap::new() };
    let Some(mut file) = read::open(path, OFlags::NOFOLLOW)? else { return Ok(empty) };
    read::require_owner(path, &file, rustix::process::geteuid().as_raw())?;
    let bytes = read::read_bounded(path, &mut file, STORE_BYTES_MAX)?;
    let broken = |why: String| {
        ConfigError::whole(path, format!("this trust store is broken ({why}); move it away"))
    };
    let store: Store = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    if store.version != STORE_VERSION {
        return Err(broken(format!("version {} is not known", store.version)));
    }
    Ok(store)
}

/// Changes the store under a lock: a new file, flushed to disk, takes the old
/// one's place at once, or nothing happens.
fn update(kode_home: &Path, change: impl FnOnce(&mut Store)) -> Result<(), ConfigError> {
    prepare_home(kode_home)?;
    let folder = open_home(kode_home)?;
    let path = kode_home.join("trust.json");
    let failed = |error: io::Error| {
        ConfigError::whole(&path, format!("can't be written ({error}); nothing was trusted"))
    };
    // Locked until the handle goes out of scope.
    folder.lock().map_err(failed)?;
    let mut store = load(&path)?;
    change(&mut store);
    write_durably(kode_home, &folder, &path, &store).map_err(failed)
}

fn write_durably(home: &Path, folder: &File, path: &Path, store: &Store) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(store)?;
    text.push(b'\n');
    if text.len() as u64 > STORE_BYTES_MAX {
        return Err(io::Error::other("the trust store is full"));
    }
    // Created with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(home)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    folder.sync_all()
}

#[cfg(test)]
mod tests;
