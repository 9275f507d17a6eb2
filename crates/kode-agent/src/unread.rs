//! Touched files that hold code which the scan could not read: a person has to accept
//! them, and some of them the model can mend first.

use std::io::Read as _;

use kode_base::ProjectPath;
use kode_gate::UnscannedFile;
use kode_sandbox::ProjectFiles;
use kode_scan::{CodeKind, Reading, code_kind};
use sha2::{Digest as _, Sha256};

/// Why a file whose bytes the session did not keep can't be scanned.
pub(crate) const NOT_KEPT: &str =
    "too large for its bytes to be kept, so there was nothing to scan";

/// Bytes that tell a file's kind.
const HEAD_BYTES: usize = 4096;
/// A file with more bytes can't be accepted: one full of holes takes no room and days to
/// hash.
const DIGEST_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Bytes hashed at once.
const BLOCK_BYTES: usize = 1 << 16;

/// One such file.
#[derive(Debug, Clone)]
pub(crate) struct UnreadFile {
    /// What a person is asked about.
    pub(crate) file: UnscannedFile,
    /// What the model can do about it; `None` where that is nothing.
    pub(crate) mend: Option<&'static str>,
}

impl UnreadFile {
    /// `was_scanned`: as it was before the task the file could be scanned, or it is new.
    /// `None` where a person sees its every change anyhow.
    pub(crate) fn of(
        path: ProjectPath,
        elsewhere: Option<&'static str>,
        kind: CodeKind,
        why: &str,
        digest: String,
        was_scanned: bool,
    ) -> Option<Self> {
        let mend = match (kind.reading, elsewhere) {
            (Reading::Seen, _) => return None,
            (Reading::Compiled, None) => Some("delete it, unless the task is about it"),
            (Reading::Rules, None) if was_scanned => Some("mend or split it"),
            (Reading::Rules | Reading::Compiled, Some(_)) if was_scanned => {
                Some("rewrite the new commits (or drop the stash, or unstage it)")
            }
            (Reading::Rules | Reading::Compiled | Reading::Unread, _) => None,
        };
        let singly = kind.reading != Reading::Unread;
        let (kind, why) = (kind.name.to_owned(), why.to_owned());
        Some(Self { file: UnscannedFile { path, elsewhere, kind, why, singly, digest }, mend })
    }

    /// A file whose bytes were not kept; `None` where it holds no code.
    ///
    /// # Errors
    /// A sentence, when it can't be read.
    pub(crate) fn not_kept(
        files: &ProjectFiles,
        path: &ProjectPath,
    ) -> Result<Option<Self>, String> {
        let (head, digest) = head_and_digest(files, path)
            .map_err(|why| format!("{path} can't be inspected: {why}"))?;
        let kind = code_kind(path, &head);
        Ok(kind.and_then(|kind| Self::of(path.clone(), None, kind, NOT_KEPT, digest, true)))
    }

    /// One sentence for the model and the screen.
    pub(crate) fn described(&self) -> String {
        let UnscannedFile { path, why, .. } = &self.file;
        let mend = self.mend.map(|mend| format!("; {mend}")).unwrap_or_default();
        format!("{path} could not be scanned ({why}){mend}")
    }
}

/// The first bytes of a file and the hash of all.
fn head_and_digest(files: &ProjectFiles, path: &ProjectPath) -> Result<(Vec<u8>, String), String> {
    let mut file = files.snapshot_open(path).map_err(|error| error.to_string())?;
    let (mut head, mut hasher) = (Vec::new(), Sha256::new());
    let mut block = vec![0; BLOCK_BYTES];
    let mut left = DIGEST_BYTES_MAX;
    loop {
        let count = file.read(&mut block).map_err(|error| error.to_string())?;
        if count == 0 {
            return Ok((head, hexadecimal(&hasher.finalize())));
        }
        left = left.checked_sub(count as u64).ok_or("too large to be accepted; delete it")?;
        hasher.update(&block[..count]);
        let room = HEAD_BYTES.saturating_sub(head.len());
        head.extend_from_slice(&block[..count.min(room)]);
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
