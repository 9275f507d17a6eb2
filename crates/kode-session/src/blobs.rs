//! Kept file contents, found by their SHA-256. Many at once, as for a base
//! snapshot, go into a [`Pack`] that later sessions use too; single ones into
//! the session's own [`Contents`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kode_audit::Digest;
use kode_audit::private::{open_to_write, private_folder};
use kode_base::Untrusted;

use crate::SessionError;
use crate::contents::Contents;
use crate::error::at;
use crate::pack::{Pack, PackId, PackWriter};

/// More new contents than this at once go into a pack.
const SINGLE_CONTENTS_MAX: usize = 16;

/// The packs under `$KODE_HOME/packs` and one session's own contents.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    packs: Vec<Pack>,
    own: Mutex<Own>,
}

/// What this handle may add to.
#[derive(Debug, Default)]
struct Own {
    /// The pack that is being filled.
    pack: Option<PackWriter>,
    contents: Option<Contents>,
    is_writable: bool,
    /// What a handle that only reads has made up itself.
    memory: BTreeMap<Digest, Vec<u8>>,
}

/// Where a session's own contents lie in its folder.
fn contents_path(session: &Path) -> PathBuf {
    session.join("contents")
}

impl Blobs {
    pub(crate) fn open(kode_home: &Path) -> Result<Self, SessionError> {
        let folder = kode_home.join("packs");
        private_folder(&folder).map_err(at(&folder))?;
        Ok(Self { folder, packs: Vec::new(), own: Mutex::default() })
    }

    /// With the contents of the session in this folder, to add to them.
    pub(crate) fn of_session(kode_home: &Path, session: &Path) -> Result<Self, SessionError> {
        let path = contents_path(session);
        let contents = Some(Contents::open(&path).map_err(at(&path))?);
        let own = Mutex::new(Own { contents, is_writable: true, ..Own::default() });
        Ok(Self { own, ..Self::open(kode_home)? })
    }

    /// With the contents of the session in this folder, which stay as they are.
    pub(crate) fn to_read(kode_home: &Path, session: &Path) -> Result<Self, SessionError> {
        let path = contents_path(session);
        let contents = Contents::open_to_read(&path).map_err(at(&path))?;
        let own = Mutex::new(Own { contents, ..Own::default() });
        Ok(Self { own, ..Self::open(kode_home)? })
    }

    /// Looks into these packs from now on. One that is gone or damaged is left
    /// out: its contents are not there.
    pub(crate) fn use_packs(&mut self, ids: &[PackId]) -> Result<(), SessionError> {
        for id in ids {
            if self.packs.iter().all(|pack| pack.id != *id) {
                self.packs.extend(Pack::open(&self.folder, *id).map_err(at(&self.folder))?);
            }
        }
        Ok(())
    }

    /// The packs that are looked into.
    pub(crate) fn pack_ids(&self) -> Vec<PackId> {
        self.packs.iter().map(|pack| pack.id).collect()
    }

    /// Held by every open session, so that nothing is collected meanwhile.
    pub(crate) fn hold(&self) -> Result<File, SessionError> {
        let path = self.folder.join("lock");
        let file = open_to_write(&path).map_err(at(&path))?;
        file.lock_shared().map_err(at(&path))?;
        Ok(file)
    }

    /// Like [`Blobs::hold`], but for collecting; `None` when a session is open.
    pub(crate) fn hold_alone(&self) -> Result<Option<File>, SessionError> {
        let path = self.folder.join("lock");
        let file = open_to_write(&path).map_err(at(&path))?;
        Ok(file.try_lock().is_ok().then_some(file))
    }

    /// Tells that `count` contents are about to be kept.
    pub(crate) fn expect(&mut self, count: usize) -> Result<(), SessionError> {
        if count > SINGLE_CONTENTS_MAX {
            self.begin_pack()?;
        }
        Ok(())
    }

    /// What is kept until the next flush goes into a pack, which other sessions
    /// can use.
    pub(crate) fn begin_pack(&mut self) -> Result<(), SessionError> {
        let mut own = self.own();
        if own.pack.is_none() {
            own.pack = Some(PackWriter::begin(&self.folder).map_err(at(&self.folder))?);
        }
        Ok(())
    }

    /// Whether a pack holds the content in full length.
    pub(crate) fn is_packed(&self, hash: &Digest, length: u64) -> bool {
        self.packs.iter().any(|pack| pack.has(hash, length))
    }

    /// Keeps `content`, whose hash is `hash`; durable after [`Blobs::flush`]. A
    /// handle that only reads keeps it in memory.
    pub(crate) fn keep(&self, hash: &Digest, content: &[u8]) -> Result<(), SessionError> {
        if self.is_packed(hash, content.len() as u64) {
            return Ok(());
        }
        let mut own = self.own();
        let Own { pack, contents, is_writable, memory } = &mut *own;
        let kept = match (pack, contents) {
            (Some(pack), _) => pack.add(hash, content),
            (None, Some(contents)) if contents.has(hash, content.len() as u64) => Ok(()),
            (None, Some(contents)) if *is_writable => contents.keep(hash, content),
            _ => {
                memory.insert(*hash, content.to_vec());
                Ok(())
            }
        };
        kept.map_err(at(&self.folder))
    }

    /// Makes everything kept so far durable; the pack that was made, if any.
    pub(crate) fn flush(&mut self) -> Result<Option<PackId>, SessionError> {
        let mut own = self.own();
        if let Some(contents) = &mut own.contents {
            contents.flush().map_err(at(&self.folder))?;
        }
        let pack = own.pack.take();
        drop(own);
        let Some(pack) = pack else { return Ok(None) };
        if pack.is_empty() {
            remove(&pack.path(&self.folder));
            return Ok(None);
        }
        let pack = pack.finish(&self.folder).map_err(at(&self.folder))?;
        let id = pack.id;
        self.packs.push(pack);
        Ok(Some(id))
    }

    /// The content with this hash, checked.
    pub(crate) fn load(&self, hash: &Digest) -> Result<Untrusted<Vec<u8>>, SessionError> {
        for pack in &self.packs {
            if let Some(content) = pack.load(hash).map_err(at(&self.folder))? {
                return checked(hash, content);
            }
        }
        let own = self.own();
        let kept = own.contents.as_ref().map(|contents| contents.load(hash)).transpose();
        let kept = kept.map_err(at(&self.folder))?.flatten();
        let content = kept.or_else(|| own.memory.get(hash).cloned());
        checked(hash, content.ok_or(SessionError::BlobDamaged(*hash))?)
    }

    /// Removes every pack but the wanted ones.
    pub(crate) fn collect(&self, wanted: &BTreeSet<PackId>) -> Result<(), SessionError> {
        for entry in std::fs::read_dir(&self.folder).map_err(at(&self.folder))?.flatten() {
            let name = entry.file_name();
            let id = PackId::of_file(&name.to_string_lossy());
            if id.is_some_and(|id| !wanted.contains(&id)) {
                remove(&entry.path());
            }
        }
        Ok(())
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        // A thread that stopped half-way leaves at worst bytes nobody refers to.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn checked(hash: &Digest, content: Vec<u8>) -> Result<Untrusted<Vec<u8>>, SessionError> {
    if Digest::of(&content) != *hash {
        return Err(SessionError::BlobDamaged(*hash));
    }
    Ok(Untrusted::new(content))
}

#[expect(clippy::disallowed_methods, reason = "within kode's own store of contents")]
fn remove(path: &Path) {
    // Left over, it is only a file nobody refers to.
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests damage contents and look inside")]

    use super::*;

    #[test]
    fn kept_content_loads_and_damage_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let hash = Digest::of(b"content");
        let mut blobs = Blobs::of_session(home.path(), home.path()).unwrap();
        blobs.keep(&hash, b"content").unwrap();
        blobs.keep(&hash, b"content").unwrap();
        assert_eq!(blobs.flush().unwrap(), None);
        assert_eq!(blobs.load(&hash).unwrap().expose(), b"content");
        let path = contents_path(home.path());
        let damaged = std::fs::read(&path).unwrap();
        assert_eq!(damaged.len(), 47, "kept once");
        std::fs::write(&path, [&damaged[..46], b"T"].concat()).unwrap();
        assert!(matches!(blobs.load(&hash), Err(SessionError::BlobDamaged(_))));
    }

    #[test]
    fn who_only_reads_changes_nothing_on_the_disk() {
        let home = tempfile::tempdir().unwrap();
        let hash = Digest::of(b"merged");
        Blobs::of_session(home.path(), home.path()).unwrap();
        let reader = Blobs::to_read(home.path(), home.path()).unwrap();
        reader.keep(&hash, b"merged").unwrap();
        assert_eq!(reader.load(&hash).unwrap().expose(), b"merged");
        assert_eq!(contents_path(home.path()).metadata().unwrap().len(), 0);
    }

    #[test]
    fn many_contents_go_into_a_pack_that_others_can_use() {
        let home = tempfile::tempdir().unwrap();
        let mut blobs = Blobs::open(home.path()).unwrap();
        blobs.expect(100).unwrap();
        for number in 0..100_u8 {
            blobs.keep(&Digest::of(&[number]), &[number]).unwrap();
        }
        let id = blobs.flush().unwrap().unwrap();
        let mut other = Blobs::open(home.path()).unwrap();
        assert!(!other.is_packed(&Digest::of(&[7]), 1));
        other.use_packs(&[id, id]).unwrap();
        assert_eq!(other.load(&Digest::of(&[7])).unwrap().expose(), &[7]);
        assert!(blobs.hold().is_ok_and(|_held| other.hold_alone().unwrap().is_none()));
        other.collect(&BTreeSet::from([id])).unwrap();
        assert_eq!(blobs.load(&Digest::of(&[8])).unwrap().expose(), &[8]);
        other.collect(&BTreeSet::new()).unwrap();
        let mut gone = Blobs::open(home.path()).unwrap();
        gone.use_packs(&[id]).unwrap();
        assert!(gone.load(&Digest::of(&[8])).is_err());
    }
}
