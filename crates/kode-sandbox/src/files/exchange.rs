//! The last step of a change of what stands somewhere: taken out and looked at once more
//! before it goes. What somebody saved at that very moment comes back, or is kept beside
//! under a name of its own; it is never overwritten.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, RenameFlags, Stat};
use rustix::io::Errno;

use super::FileError;
use super::confined::{file_type, same_file};
use super::leftover::beside_name;
use super::place::Place;

/// An older time of change than this, and the same as before, proves that nobody wrote
/// since: the clocks of file systems tick at least this often.
const CLOCK_GRAIN_MAX: Duration = Duration::from_secs(2);

impl Place {
    /// Puts what is laid at `beside` into this place, whose entry was checked already.
    /// Afterwards nothing is left at `beside`, whatever came of it.
    pub(super) fn exchange(
        &self,
        beside: &str,
        expected: Option<[u8; 32]>,
    ) -> Result<(), FileError> {
        let laid = self.stat(beside.as_bytes())?;
        match self.swap(beside, RenameFlags::EXCHANGE) {
            Ok(()) if self.is_as_expected(beside, expected) => self.drop_old(beside),
            Ok(()) => self.bring_back(beside, &laid),
            Err(Errno::NOENT) => Err(FileError::Changed(self.path.clone())),
            // A file system that can't: the check just before must do.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self
                .swap(beside, RenameFlags::empty())
                .map_err(|error| FileError::io(&self.path, error)),
            Err(error) => Err(FileError::io(&self.path, error)),
        }
    }

    /// Takes the entry away, which was checked already.
    pub(super) fn take_away(&self, expected: Option<[u8; 32]>) -> Result<(), FileError> {
        let beside = beside_name(&self.path)?;
        rustix::fs::renameat_with(
            &self.folder,
            &*self.name,
            &self.folder,
            &beside,
            RenameFlags::NOREPLACE,
        )
        .map_err(|error| FileError::io(&self.path, error))?;
        if self.is_as_expected(&beside, expected) {
            return self.drop_old(&beside);
        }
        let kept = self.keep(&beside)?;
        // Where a newer one stands already, this one stays under its own name.
        let _ = self.swap(&kept, RenameFlags::NOREPLACE);
        Err(FileError::Changed(self.path.clone()))
    }

    /// Somebody was faster: theirs stands here again, and what was laid goes.
    fn bring_back(&self, beside: &str, laid: &Stat) -> Result<(), FileError> {
        let kept = self.keep(beside)?;
        let back = match self.swap(&kept, RenameFlags::EXCHANGE) {
            Err(Errno::NOENT) => self.swap(&kept, RenameFlags::NOREPLACE),
            Ok(()) if self.stat(kept.as_bytes()).is_ok_and(|came| same_file(&came, laid)) => {
                self.unlink(&kept)
            }
            // Newer still: that one stands, and the one before it is kept beside.
            Ok(()) => self.swap(&kept, RenameFlags::EXCHANGE),
            error => error,
        };
        back.map_err(|error| FileError::io(&self.path, error))?;
        Err(FileError::Changed(self.path.clone()))
    }

    /// A name that nobody takes for a dead writer's.
    fn keep(&self, beside: &str) -> Result<String, FileError> {
        let kept = beside.replace(".tmp", ".kept");
        rustix::fs::renameat_with(
            &self.folder,
            beside,
            &self.folder,
            &kept,
            RenameFlags::NOREPLACE,
        )
        .map_err(|error| FileError::io(&self.path, error))?;
        Ok(kept)
    }

    fn swap(&self, beside: &str, flags: RenameFlags) -> Result<(), Errno> {
        rustix::fs::renameat_with(&self.folder, beside, &self.folder, &*self.name, flags)
    }

    fn unlink(&self, beside: &str) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.folder, beside, AtFlags::empty())
    }

    /// The change is made; what can't be taken away now goes as a dead writer's.
    fn drop_old(&self, beside: &str) -> Result<(), FileError> {
        let _ = self.unlink(beside);
        Ok(())
    }

    fn stat(&self, name: &[u8]) -> Result<Stat, FileError> {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| FileError::io(&self.path, error))
    }

    /// Whether what came out of the place is what was checked in it.
    fn is_as_expected(&self, beside: &str, expected: Option<[u8; 32]>) -> bool {
        let (Some(before), Ok(came)) = (&self.now, self.stat(beside.as_bytes())) else {
            return false;
        };
        let written = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
        if !same_file(before, &came) || written(before) != written(&came) {
            return false;
        }
        let is_special = !matches!(file_type(&came), FileType::RegularFile | FileType::Symlink);
        is_special || is_settled(&came) || self.holds(beside, &came, expected)
    }
}

fn is_settled(stat: &Stat) -> bool {
    let changed = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or_default());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(changed) > CLOCK_GRAIN_MAX
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files")]

    use std::fs;

    use kode_base::ProjectPath;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::ProjectRoot;
    use crate::files::ProjectFiles;
    use crate::files::place::NewFolders;

    const BESIDE: &str = ".kode-0123456789abcdef.tmp";
    const KEPT: &str = ".kode-0123456789abcdef.kept";

    struct Scene {
        folder: tempfile::TempDir,
        place: Place,
        expected: Option<[u8; 32]>,
    }

    /// A file that kode checked and has laid another beside.
    fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap().join("project");
        fs::create_dir(&top).unwrap();
        let at = |name: &str| top.join(name);
        fs::write(at("file"), "seen").unwrap();
        fs::write(at(BESIDE), "kode").unwrap();
        let root =
            ProjectRoot::find(&top, &folder.path().join("user"), &folder.path().join("kode"))
                .unwrap();
        let files = ProjectFiles::open(&root).unwrap();
        let path = ProjectPath::new("file").unwrap();
        let place = files.place_of_entry(&path, &NewFolders::default()).unwrap();
        Scene { folder, place, expected: Some(Sha256::digest("seen").into()) }
    }

    impl Scene {
        fn at(&self, name: &str) -> std::path::PathBuf {
            self.folder.path().join("project").join(name)
        }

        /// Everything in the project, by name.
        fn all(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.at("")).unwrap().map(|entry| entry.unwrap().path());
            let mut all: Vec<_> = entries
                .map(|path| {
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    (name, fs::read_to_string(path).unwrap())
                })
                .collect();
            all.sort();
            all
        }
    }

    fn files(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_stands_there_as_it_was_checked_is_exchanged() {
        let scene = scene();
        scene.place.exchange(BESIDE, scene.expected).unwrap();
        assert_eq!(scene.all(), files(&[("file", "kode")]));
    }

    #[test]
    fn a_file_saved_between_the_check_and_the_exchange_stays() {
        for by_rename in [true, false] {
            let scene = scene();
            let new = scene.at(if by_rename { "new" } else { "file" });
            fs::write(&new, "mine").unwrap();
            fs::rename(new, scene.at("file")).unwrap();
            let done = scene.place.exchange(BESIDE, scene.expected);
            assert!(matches!(done, Err(FileError::Changed(_))), "{done:?}");
            assert_eq!(scene.all(), files(&[("file", "mine")]));
        }
    }

    #[test]
    fn a_file_saved_between_the_check_and_the_removal_stays() {
        let scene = scene();
        fs::remove_file(scene.at(BESIDE)).unwrap();
        fs::write(scene.at("file"), "mine").unwrap();
        let done = scene.place.take_away(scene.expected);
        assert!(matches!(done, Err(FileError::Changed(_))), "{done:?}");
        assert_eq!(scene.all(), files(&[("file", "mine")]));
    }

    #[test]
    fn two_saves_in_a_row_leave_the_newer_and_keep_the_older_beside() {
        let scene = scene();
        // The first came out of the exchange, the second stands in its place since.
        let laid = scene.place.stat(BESIDE.as_bytes()).unwrap();
        // As its writer does: no other file gets its number meanwhile.
        let _held = fs::File::open(scene.at(BESIDE)).unwrap();
        fs::write(scene.at("first"), "first").unwrap();
        fs::rename(scene.at("first"), scene.at(BESIDE)).unwrap();
        fs::write(scene.at("second"), "second").unwrap();
        fs::rename(scene.at("second"), scene.at("file")).unwrap();
        let done = scene.place.bring_back(BESIDE, &laid);
        assert!(matches!(done, Err(FileError::Changed(_))), "{done:?}");
        assert_eq!(scene.all(), files(&[(KEPT, "first"), ("file", "second")]));
    }
}
