//! Opens configuration files so that what is checked is what is read: one
//! open, then every question is asked of the handle. Sizes are bounded.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::ConfigError;

/// Most bytes of a configuration file.
pub(crate) const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Opens `path` for reading; `None` when it does not exist. A FIFO does not
/// block.
pub(crate) fn open(path: &Path, flags: OFlags) -> Result<Option<File>, ConfigError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | flags;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(handle) => Ok(Some(File::from(handle))),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            Err(ConfigError::whole(path, "this is a symbolic link; put the file itself here"))
        }
        Err(error) => Err(unreadable(path, &error.into())),
    }
}

/// Reads a whole regular file of at most `bytes_max` bytes.
pub(crate) fn read_bounded(
    path: &Path,
    file: &mut File,
    bytes_max: u64,
) -> Result<Vec<u8>, ConfigError> {
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(ConfigError::whole(path, "this is not a regular file; remove it"));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("this file is larger than {} KiB; shorten it", bytes_max / 1024);
        return Err(ConfigError::whole(path, message));
    }
    Ok(bytes)
}

/// Refuses a file that someone but `owner` owns, or that group or others may
/// write.
pub(crate) fn require_owner(path: &Path, file: &File, owner: u32) -> Result<(), ConfigError> {
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.uid() != owner {
        let message = format!(
            "this file belongs to user id {}, not {owner}; have it checked, then `chown {owner}` it",
            metadata.uid()
        );
        return Err(ConfigError::whole(path, message));
    }
    if metadata.mode() & 0o022 != 0 {
        let message = "others may write this file; have it checked, then `chmod go-w` it";
        return Err(ConfigError::whole(path, message));
    }
    Ok(())
}

/// The managed policy's bytes, `None` without one. Owned by `owner` (root) and
/// writable by nobody else, else an error: a policy that others can change is
/// no policy.
pub(crate) fn managed(path: &Path, owner: u32) -> Result<Option<Vec<u8>>, ConfigError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let Some(mut file) = open(path, OFlags::NOFOLLOW)? else { return Ok(None) };
    require_owner(path, &file, owner)?;
    if let Some(folder) = path.parent()
        && let Some(folder_handle) = open(folder, OFlags::DIRECTORY)?
    {
        require_owner(folder, &folder_handle, owner)?;
    }
    read_bounded(path, &mut file, FILE_BYTES_MAX).map(Some)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::whole(path, format!("can't be read ({error}); mend its permissions or remove it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn managed_policy_that_others_may_write_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("managed.json");
        assert_eq!(managed(&path, me()).unwrap(), None);
        std::fs::write(&path, "{}").unwrap();
        for (mode, fine) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(managed(&path, me()).is_ok(), fine, "{mode:o}");
        }
    }

    #[test]
    fn managed_policy_of_another_owner_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("managed.json");
        std::fs::write(&path, "{}").unwrap();
        let error = managed(&path, me() + 1).unwrap_err().to_string();
        assert!(error.contains("belongs to user id"), "{error}");
    }

    #[test]
    fn managed_policy_in_a_folder_that_others_may_write_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("managed.json");
        std::fs::write(&path, "{}").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(managed(&path, me()).is_err());
    }

    #[test]
    fn links_folders_and_pipes_are_not_read_as_managed_policy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real.json");
        std::fs::write(&file, "{}").unwrap();
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(managed(&link, me()).unwrap_err().to_string().contains("symbolic link"));
        let inner = folder.path().join("folder.json");
        std::fs::create_dir(&inner).unwrap();
        assert!(managed(&inner, me()).unwrap_err().to_string().contains("regular file"));
        let pipe = folder.path().join("pipe.json");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
        assert!(managed(&pipe, me()).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("managed.json");
        std::fs::write(&path, vec![b' '; FILE_BYTES_MAX as usize]).unwrap();
        assert!(managed(&path, me()).is_ok());
        std::fs::write(&path, vec![b' '; FILE_BYTES_MAX as usize + 1]).unwrap();
        assert!(managed(&path, me()).unwrap_err().to_string().contains("256 KiB"));
    }
}
