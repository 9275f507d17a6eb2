//! Kept file contents, named by their SHA-256, shared by all sessions.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use kode_audit::Digest;
use kode_audit::private::{open_to_read, open_to_write, private_folder, sync_folder};
use kode_base::Untrusted;
use uuid::Uuid;

use crate::SessionError;
use crate::error::at;

/// Up to so many new blobs are flushed one by one, more by flushing the whole
/// file system once.
const SINGLE_FLUSHES_MAX: usize = 32;

/// The store under `$KODE_HOME/blobs`.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    unflushed: Vec<PathBuf>,
}

impl Blobs {
    pub(crate) fn open(kode_home: &Path) -> Result<Self, SessionError> {
        let folder = kode_home.join("blobs");
        private_folder(&folder.join("new")).map_err(at(&folder))?;
        private_folder(&folder).map_err(at(&folder))?;
        Ok(Self { folder, unflushed: Vec::new() })
    }

    /// Held by every open session, so that nothing is collected meanwhile.
    pub(crate) fn hold(&self) -> Result<File, SessionError> {
        let path = self.folder.join("lock");
        let file = open_to_write(&path).map_err(at(&path))?;
        file.lock_shared().map_err(at(&path))?;
        Ok(file)
    }

    /// Removes every blob but `wanted`, unless a session is open; the number
    /// of removed ones.
    pub(crate) fn collect(&self, wanted: &BTreeSet<Digest>) -> Result<usize, SessionError> {
        let path = self.folder.join("lock");
        let file = open_to_write(&path).map_err(at(&path))?;
        if file.try_lock().is_err() {
            return Ok(0);
        }
        let mut removed = 0;
        for shelf in std::fs::read_dir(&self.folder).map_err(at(&self.folder))?.flatten() {
            for blob in std::fs::read_dir(shelf.path()).into_iter().flatten().flatten() {
                let name =
                    [shelf.file_name(), blob.file_name()].map(|n| n.to_string_lossy().into_owned());
                if name.concat().parse().is_ok_and(|hash| wanted.contains(&hash)) {
                    continue;
                }
                remove(&blob.path());
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Whether the content is there in full length.
    pub(crate) fn has(&self, hash: &Digest, size: u64) -> bool {
        std::fs::symlink_metadata(self.place(hash))
            .is_ok_and(|found| found.is_file() && found.len() == size)
    }

    /// Keeps `content`, whose hash is `hash`; durable after [`Blobs::flush`].
    pub(crate) fn keep(&mut self, hash: &Digest, content: &[u8]) -> Result<(), SessionError> {
        if self.has(hash, content.len() as u64) {
            return Ok(());
        }
        let place = self.place(hash);
        if let Some(folder) = place.parent() {
            private_folder(folder).map_err(at(folder))?;
        }
        let beside = self.folder.join("new").join(Uuid::now_v7().to_string());
        let written = open_to_write(&beside).and_then(|mut file| file.write_all(content));
        if let Err(error) = written.and_then(|()| rename(&beside, &place)) {
            remove(&beside);
            return Err(at(&place)(error));
        }
        self.unflushed.push(place);
        Ok(())
    }

    /// Makes everything kept so far durable.
    pub(crate) fn flush(&mut self) -> Result<(), SessionError> {
        if self.unflushed.len() > SINGLE_FLUSHES_MAX {
            let all = File::open(&self.folder).map_err(at(&self.folder))?;
            rustix::fs::syncfs(&all).map_err(|error| at(&self.folder)(error.into()))?;
            self.unflushed.clear();
        }
        while let Some(place) = self.unflushed.last() {
            let file = File::open(place).map_err(at(place))?;
            file.sync_all().map_err(at(place))?;
            for folder in place.ancestors().skip(1).take(2) {
                sync_folder(folder).map_err(at(folder))?;
            }
            self.unflushed.pop();
        }
        Ok(())
    }

    /// The content with this hash, checked.
    pub(crate) fn load(&self, hash: &Digest) -> Result<Untrusted<Vec<u8>>, SessionError> {
        let place = self.place(hash);
        let file = open_to_read(&place).map_err(at(&place))?;
        let mut file = file.ok_or(SessionError::BlobDamaged(*hash))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(at(&place))?;
        if Digest::of(&content) != *hash {
            return Err(SessionError::BlobDamaged(*hash));
        }
        Ok(Untrusted::new(content))
    }

    fn place(&self, hash: &Digest) -> PathBuf {
        let name = hash.to_string();
        let (shelf, rest) = name.split_at(2);
        self.folder.join(shelf).join(rest)
    }
}

#[expect(clippy::disallowed_methods, reason = "within kode's own blob store")]
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)
}

#[expect(clippy::disallowed_methods, reason = "within kode's own blob store")]
fn remove(path: &Path) {
    // Left over, it is only a file nobody refers to.
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests damage blobs and look inside")]

    use super::*;

    #[test]
    fn kept_content_loads_and_damage_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let mut blobs = Blobs::open(home.path()).unwrap();
        let hash = Digest::of(b"content");
        blobs.keep(&hash, b"content").unwrap();
        blobs.keep(&hash, b"content").unwrap();
        blobs.flush().unwrap();
        assert_eq!(blobs.load(&hash).unwrap().expose(), b"content");
        std::fs::write(blobs.place(&hash), b"contenT").unwrap();
        assert!(matches!(blobs.load(&hash), Err(SessionError::BlobDamaged(_))));
        std::fs::write(blobs.place(&hash), b"").unwrap();
        assert!(!blobs.has(&hash, 7), "a blob a power cut emptied is written again");
        blobs.keep(&hash, b"content").unwrap();
        assert_eq!(blobs.load(&hash).unwrap().expose(), b"content");
    }
}
