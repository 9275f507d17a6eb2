//! `kode.json`: read once, hashed and parsed from the same buffer, and, where
//! nobody trusted those bytes, stripped of everything that could loosen.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use kode_base::Verdict;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::ConfigError;
use crate::file::{Classes, ConfigFile, Dangerous, Docker, Network, RuleAction, Sandbox, Scan};
use crate::read;
use crate::rule::RuleEntry;

/// The project file's name.
pub(crate) const FILE_NAME: &str = "kode.json";

/// One reading of `kode.json`.
#[derive(Debug)]
pub(crate) struct ProjectFile {
    pub(crate) path: PathBuf,
    /// The canonical project root.
    pub(crate) root: PathBuf,
    /// Exactly what is hashed and parsed.
    pub(crate) bytes: Vec<u8>,
}

impl ProjectFile {
    /// SHA-256 of the bytes, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Reads `kode.json` below `root`; `None` without one. A link that leads out
/// of the project is refused.
pub(crate) fn read(root: &Path) -> Result<Option<ProjectFile>, ConfigError> {
    read_named(root, FILE_NAME)
}

/// The same for another file in the root.
pub(crate) fn read_named(root: &Path, name: &str) -> Result<Option<ProjectFile>, ConfigError> {
    let root = std::fs::canonicalize(root).map_err(|error| read::unreadable(root, &error))?;
    let path = root.join(name);
    let Some(folder) = read::open(&root, OFlags::DIRECTORY)? else { return Ok(None) };
    let Some(mut file) = open_beneath(&folder, name, &path)? else { return Ok(None) };
    let bytes = read::read_bounded(&path, &mut file, read::FILE_BYTES_MAX)?;
    Ok(Some(ProjectFile { path, root, bytes }))
}

fn open_beneath(folder: &File, name: &str, path: &Path) -> Result<Option<File>, ConfigError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let opened = match rustix::fs::openat2(folder, name, flags, Mode::empty(), inside) {
        // Kernels before 5.6, and sandboxes that hide the call: no links at all.
        Err(Errno::NOSYS | Errno::PERM) => {
            rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty())
        }
        other => other,
    };
    match opened {
        Ok(handle) => Ok(Some(File::from(handle))),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::XDEV | Errno::LOOP) => Err(ConfigError::whole(
            path,
            "this link leads out of the project; put the file itself here",
        )),
        Err(error) => Err(read::unreadable(path, &io::Error::from(error))),
    }
}

/// Keeps of an untrusted file only what tightens: the denylist, upward
/// classes, deny and prompt rules, and limits (which never rise above the
/// layers over them). The second value names the keys left out.
pub(crate) fn restrict(file: ConfigFile) -> (ConfigFile, Vec<String>) {
    let mut ignored = Ignored::default();
    // Every key is named, so that a new one does not compile until someone
    // decides whether a stranger may set it.
    let ConfigFile {
        _schema,
        model,
        provider,
        base_url,
        api_key,
        checks,
        no_sandbox,
        max_iterations,
        max_gate_rounds,
        scan,
        sandbox,
        dangerous,
    } = file;
    ignored.note(model.is_some(), "model");
    ignored.note(provider.is_some(), "provider");
    ignored.note(base_url.is_some(), "base_url");
    ignored.note(api_key.is_some(), "api_key");
    ignored.note(checks.is_some(), "checks");
    ignored.note(no_sandbox.is_some(), "no_sandbox");
    if let Some(Sandbox { network, accept, docker }) = sandbox {
        let reach = docker.and_then(|Docker { network }| network);
        ignored.note(reach.is_some(), "sandbox.docker.network");
        ignored.note(accept.is_some(), "sandbox.accept");
        let allow = network.and_then(|Network { allow }| allow);
        ignored.note(allow.is_some(), "sandbox.network.allow");
    }
    let scan = scan.map(|Scan { accept_unscanned, unscanned }| {
        ignored.note(accept_unscanned.is_some(), "scan.accept_unscanned");
        Scan { accept_unscanned: None, unscanned }
    });
    let dangerous = dangerous.map(|dangerous| restrict_dangerous(dangerous, &mut ignored));
    let kept =
        ConfigFile { max_iterations, max_gate_rounds, scan, dangerous, ..ConfigFile::default() };
    (kept, ignored.0)
}

#[derive(Default)]
struct Ignored(Vec<String>);

impl Ignored {
    fn note(&mut self, present: bool, key: &str) {
        if present {
            self.0.push(key.to_owned());
        }
    }
}

fn restrict_dangerous(dangerous: Dangerous, ignored: &mut Ignored) -> Dangerous {
    let Dangerous { non_interactive, classes, allowlist, denylist, rules } = dangerous;
    ignored.note(non_interactive.is_some(), "dangerous.non_interactive");
    ignored.note(allowlist.is_some(), "dangerous.allowlist");
    let rules = rules.map(|rules| {
        let (kept, loosening): (Vec<RuleEntry>, Vec<RuleEntry>) =
            rules.into_iter().partition(|rule| rule.action() > Verdict::Allow);
        for rule in loosening {
            ignored.note(true, &format!("dangerous.rules.{}", rule.name()));
        }
        kept.into_iter().map(RuleEntry::without_words).collect()
    });
    let classes = classes.map(|classes| restrict_classes(classes, ignored));
    Dangerous { non_interactive: None, classes, allowlist: None, denylist, rules }
}

/// `allow` is never upward; whether `prompt` and `deny` are, the gate decides
/// by taking the stricter of this and what stands above.
fn restrict_classes(mut classes: Classes, ignored: &mut Ignored) -> Classes {
    for (class, action) in classes.entries() {
        if *action == Some(RuleAction::Allow) {
            *action = None;
            ignored.note(true, &format!("dangerous.classes.{class}"));
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

    use super::*;

    #[test]
    fn a_link_inside_the_project_is_followed_and_one_leading_out_refused() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("evil.json"), "{}").unwrap();
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join(FILE_NAME);
        std::fs::write(root.path().join("real.json"), "{}").unwrap();
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        assert_eq!(read(root.path()).unwrap().unwrap().bytes, b"{}");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(outside.path().join("evil.json"), &link).unwrap();
        let error = read(root.path()).unwrap_err().to_string();
        assert!(error.contains("leads out of the project"), "{error}");
    }

    #[test]
    fn the_hash_is_of_the_bytes_parsed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(FILE_NAME), "abc").unwrap();
        let hash = read(root.path()).unwrap().unwrap().sha256();
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn no_file_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert!(read(root.path()).unwrap().is_none());
        assert!(read(&root.path().join("gone")).is_err());
    }
}
