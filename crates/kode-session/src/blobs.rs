//! Kept file contents, named by their SHA-256. Single ones are files of their
//! own, shared by all sessions; many at once go into a [`Pack`] that the
//! sessions which need it name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kode_audit::Digest;
use kode_audit::private::{open_to_read, open_to_write, private_folder};
use kode_base::Untrusted;

use crate::SessionError;
use crate::error::at;
use crate::pack::{Pack, PackId, PackWriter};

/// More new contents than this at once go into a pack.
const SINGLE_BLOBS_MAX: usize = 16;

/// The store under `$KODE_HOME/blobs`.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    packs: Vec<Pack>,
    unflushed: Mutex<Unflushed>,
}

/// What sessions refer to.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) hashes: BTreeSet<Digest>,
    pub(crate) packs: BTreeSet<PackId>,
}

/// What was kept since the last flush.
#[derive(Debug, Default)]
struct Unflushed {
    pack: Option<PackWriter>,
    single: Vec<PathBuf>,
}

impl Blobs {
    pub(crate) fn open(kode_home: &Path) -> Result<Self, SessionError> {
        let folder = kode_home.join("blobs");
        private_folder(&folder).map_err(at(&folder))?;
        private_folder(&folder.join("packs")).map_err(at(&folder))?;
        Ok(Self { folder, packs: Vec::new(), unflushed: Mutex::default() })
    }

    /// Looks into these packs from now on. One that is gone or damaged is left
    /// out: its contents are not there.
    pub(crate) fn use_packs(&mut self, ids: &[PackId]) -> Result<(), SessionError> {
        for id in ids {
            if self.packs.iter().all(|pack| pack.id != *id) {
                let folder = self.packs_folder();
                self.packs.extend(Pack::open(&folder, *id).map_err(at(&folder))?);
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

    /// Tells that `count` contents are about to be kept.
    pub(crate) fn expect(&mut self, count: usize) -> Result<(), SessionError> {
        let folder = self.packs_folder();
        let unflushed = self.unflushed.get_mut().unwrap_or_else(PoisonError::into_inner);
        if count > SINGLE_BLOBS_MAX && unflushed.pack.is_none() {
            unflushed.pack = Some(PackWriter::begin(&folder).map_err(at(&folder))?);
        }
        Ok(())
    }

    /// Whether the content is there in full length.
    pub(crate) fn has(&self, hash: &Digest, length: u64) -> bool {
        self.packs.iter().any(|pack| pack.has(hash, length))
            || std::fs::symlink_metadata(self.place(hash))
                .is_ok_and(|found| found.is_file() && found.len() == length)
    }

    /// Keeps `content`, whose hash is `hash`; durable after [`Blobs::flush`].
    ///
    /// A single one is written in place: whoever else writes it writes the
    /// same bytes, and one that is not yet whole has another length.
    pub(crate) fn keep(&self, hash: &Digest, content: &[u8]) -> Result<(), SessionError> {
        if self.has(hash, content.len() as u64) {
            return Ok(());
        }
        if let Some(pack) = &mut self.unflushed().pack {
            return pack.add(hash, content).map_err(at(&self.packs_folder()));
        }
        let place = self.place(hash);
        write_single(&place, content).map_err(at(&place))?;
        self.unflushed().single.push(place);
        Ok(())
    }

    /// Makes everything kept so far durable; the pack that was made, if any.
    pub(crate) fn flush(&mut self) -> Result<Option<PackId>, SessionError> {
        let folder = self.packs_folder();
        let Unflushed { pack, single } = std::mem::take(&mut *self.unflushed());
        for place in single {
            // Flushing a new file flushes its name with it on the file systems of
            // Linux; one that is lost all the same is seen by its hash.
            let flushed = File::open(&place).and_then(|file| file.sync_all());
            flushed.map_err(at(&place))?;
        }
        let Some(pack) = pack else { return Ok(None) };
        let pack = pack.finish(&folder).map_err(at(&folder))?;
        let id = pack.id;
        self.packs.push(pack);
        Ok(Some(id))
    }

    /// The content with this hash, checked.
    pub(crate) fn load(&self, hash: &Digest) -> Result<Untrusted<Vec<u8>>, SessionError> {
        for pack in &self.packs {
            if let Some(content) = pack.load(hash).map_err(at(&self.packs_folder()))? {
                return checked(hash, content);
            }
        }
        let place = self.place(hash);
        let file = open_to_read(&place).map_err(at(&place))?;
        let mut file = file.ok_or(SessionError::BlobDamaged(*hash))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(at(&place))?;
        checked(hash, content)
    }

    /// Like [`Blobs::hold`], but for collecting; `None` when a session is open.
    pub(crate) fn hold_alone(&self) -> Result<Option<File>, SessionError> {
        let path = self.folder.join("lock");
        let file = open_to_write(&path).map_err(at(&path))?;
        Ok(file.try_lock().is_ok().then_some(file))
    }

    /// Removes every single content and pack but the wanted ones.
    pub(crate) fn collect(&self, wanted: &Wanted) -> Result<(), SessionError> {
        let shelves = std::fs::read_dir(&self.folder).map_err(at(&self.folder))?.flatten();
        for shelf in shelves {
            for blob in std::fs::read_dir(shelf.path()).into_iter().flatten().flatten() {
                let name = blob.file_name().to_string_lossy().into_owned();
                let hash = format!("{}{name}", shelf.file_name().to_string_lossy());
                let keep = hash.parse().is_ok_and(|hash| wanted.hashes.contains(&hash))
                    || PackId::of_file(&name).is_some_and(|id| wanted.packs.contains(&id));
                if !keep {
                    remove(&blob.path());
                }
            }
        }
        Ok(())
    }

    fn unflushed(&self) -> MutexGuard<'_, Unflushed> {
        // A thread that stopped half-way leaves at worst bytes nobody refers to.
        self.unflushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn packs_folder(&self) -> PathBuf {
        self.folder.join("packs")
    }

    fn place(&self, hash: &Digest) -> PathBuf {
        let name = hash.to_string();
        let (shelf, rest) = name.split_at(2);
        self.folder.join(shelf).join(rest)
    }
}

fn checked(hash: &Digest, content: Vec<u8>) -> Result<Untrusted<Vec<u8>>, SessionError> {
    if Digest::of(&content) != *hash {
        return Err(SessionError::BlobDamaged(*hash));
    }
    Ok(Untrusted::new(content))
}

fn write_single(place: &Path, content: &[u8]) -> io::Result<()> {
    let file = match open_to_write(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private_folder(place.parent().unwrap_or(place))?;
            open_to_write(place)?
        }
        result => result?,
    };
    file.write_all_at(content, 0)?;
    file.set_len(content.len() as u64)
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
        assert_eq!(blobs.flush().unwrap(), None);
        assert_eq!(blobs.load(&hash).unwrap().expose(), b"content");
        std::fs::write(blobs.place(&hash), b"contenT").unwrap();
        assert!(matches!(blobs.load(&hash), Err(SessionError::BlobDamaged(_))));
        std::fs::write(blobs.place(&hash), b"").unwrap();
        assert!(!blobs.has(&hash, 7), "a blob a power cut emptied is written again");
        blobs.keep(&hash, b"content").unwrap();
        assert_eq!(blobs.load(&hash).unwrap().expose(), b"content");
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
        assert!(!other.has(&Digest::of(&[7]), 1));
        other.use_packs(&[id, id]).unwrap();
        assert_eq!(other.load(&Digest::of(&[7])).unwrap().expose(), &[7]);
        assert!(blobs.hold().is_ok_and(|_held| other.hold_alone().unwrap().is_none()));
        let mut wanted = Wanted { packs: BTreeSet::from([id]), ..Wanted::default() };
        other.collect(&wanted).unwrap();
        assert_eq!(blobs.load(&Digest::of(&[8])).unwrap().expose(), &[8]);
        wanted.packs.clear();
        other.collect(&wanted).unwrap();
        let mut gone = Blobs::open(home.path()).unwrap();
        gone.use_packs(&[id]).unwrap();
        assert!(gone.load(&Digest::of(&[8])).is_err());
    }
}
