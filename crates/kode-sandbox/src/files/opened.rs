//! Notices when chosen files of the project are opened, by whatever program and
//! under whatever name: the kernel is asked (inotify(7)) to report on the files
//! themselves, so renames, links and mounts in a sandbox hide nothing. It says
//! that a file was opened, never by whom or what for.

use std::os::fd::{AsRawFd as _, OwnedFd};

use kode_base::ProjectPath;
use rustix::fs::inotify;
use rustix::io::Errno;

use super::confined::{Links, is_regular, open_beneath};
use super::{FileError, ProjectFiles};

/// One block of events; each is small, for files have no names in them.
const BLOCK_BYTES: usize = 4096;
/// Blocks read at once; more opens than these hold say nothing new.
const BLOCKS_MAX: usize = 256;

/// A watch over some files, which ends with it.
#[derive(Debug)]
pub struct OpenWatch {
    events: OwnedFd,
}

impl OpenWatch {
    /// A watch over nothing yet.
    ///
    /// # Errors
    /// When the system has no more watches to give.
    pub fn new() -> Result<Self, FileError> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let events =
            inotify::init(flags).map_err(|error| FileError::io(&ProjectPath::root(), error))?;
        Ok(Self { events })
    }

    /// Watches the file at `path` as well; a file that is watched already stays
    /// so, under any name it is given. What is no ordinary file is left out.
    ///
    /// # Errors
    /// When it can't be watched although it is there.
    pub fn add(&self, files: &ProjectFiles, path: &ProjectPath) -> Result<(), FileError> {
        let found = match open_beneath(&files.root, path, Links::Follow) {
            Ok(found) => found,
            // Gone, or it leads out of what a sandbox shows.
            Err(FileError::NotFound(_) | FileError::Outside(_) | FileError::NotRegular(_)) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !is_regular(&found, path)? {
            return Ok(());
        }
        let link = format!("/proc/self/fd/{}", found.as_raw_fd());
        inotify::add_watch(&self.events, link, inotify::WatchFlags::OPEN)
            .map(drop)
            .map_err(|error| FileError::io(path, error))
    }

    /// Whether any was opened since the last time this was asked. What can't be
    /// told counts as opened.
    pub fn opened(&self) -> bool {
        let mut block = [0; BLOCK_BYTES];
        let mut any = false;
        for _ in 0..BLOCKS_MAX {
            match rustix::io::read(&self.events, &mut block) {
                Ok(0) | Err(Errno::AGAIN) => return any,
                Err(Errno::INTR) => {}
                // An overflow is an event too.
                Ok(_) => any = true,
                Err(_) => return true,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files and open them")]

    use std::fs;

    use super::*;
    use crate::ProjectRoot;

    struct Watched {
        folder: tempfile::TempDir,
        files: ProjectFiles,
        watch: OpenWatch,
    }

    fn watched() -> Watched {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::write(project.join(".env"), "A=1").unwrap();
        let nowhere = folder.path().join("kode");
        let root = ProjectRoot::find(&project, &nowhere, &nowhere).unwrap();
        let files = ProjectFiles::open(&root).unwrap();
        let watch = OpenWatch::new().unwrap();
        watch.add(&files, &ProjectPath::new(".env").unwrap()).unwrap();
        Watched { folder, files, watch }
    }

    #[test]
    fn an_opened_file_is_noticed_once_under_any_name() {
        let Watched { folder, watch, .. } = watched();
        let at = |name: &str| folder.path().join("project").join(name);
        assert!(!watch.opened());
        fs::read(at(".env")).unwrap();
        assert!(watch.opened());
        assert!(!watch.opened());
        fs::hard_link(at(".env"), at("notes.md")).unwrap();
        fs::rename(at(".env"), at("other")).unwrap();
        assert!(!watch.opened(), "naming is not reading");
        fs::read(at("notes.md")).unwrap();
        assert!(watch.opened());
        std::os::unix::fs::symlink("other", at("link")).unwrap();
        fs::copy(at("link"), at("copy")).unwrap();
        assert!(watch.opened());
    }

    #[test]
    fn looking_at_its_metadata_is_not_opening_it() {
        let Watched { folder, files, watch } = watched();
        let path = ProjectPath::new(".env").unwrap();
        fs::metadata(folder.path().join("project/.env")).unwrap();
        files.snapshot_entry(&path).unwrap();
        watch.add(&files, &path).unwrap();
        assert!(!watch.opened());
    }

    #[test]
    fn what_is_not_there_or_no_file_is_left_out() {
        let Watched { folder, files, watch } = watched();
        fs::create_dir(folder.path().join("project/.env.d")).unwrap();
        for name in ["gone", ".env.d"] {
            watch.add(&files, &ProjectPath::new(name).unwrap()).unwrap();
        }
    }
}
