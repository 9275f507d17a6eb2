//! `$KODE_HOME`: a folder of mode 0700 that belongs to the user, or nothing
//! runs. Sessions, trust, audit log and keys lie in it.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::ConfigError;
use crate::read;

/// Creates `$KODE_HOME` with mode 0700 when it is missing, and checks it.
///
/// # Errors
/// When it can't be created, is no folder, belongs to someone else, or group
/// or others may enter it.
pub fn prepare_home(kode_home: &Path) -> Result<(), ConfigError> {
    if !kode_home.is_absolute() {
        return Err(ConfigError::whole(
            kode_home,
            "KODE_HOME must be an absolute path; set it or HOME",
        ));
    }
    let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(kode_home);
    created.map_err(|error| {
        let message = format!("can't be created ({error}); set KODE_HOME to a folder of yours");
        ConfigError::whole(kode_home, message)
    })?;
    open_home(kode_home).map(drop)
}

/// Opens `$KODE_HOME` after checking owner and mode.
pub(crate) fn open_home(kode_home: &Path) -> Result<File, ConfigError> {
    let Some(folder) = read::open(kode_home, OFlags::DIRECTORY)? else {
        return Err(ConfigError::whole(kode_home, "does not exist; run kode once to create it"));
    };
    let metadata = folder.metadata().map_err(|error| read::unreadable(kode_home, &error))?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        let message = format!(
            "belongs to user id {}, and you are {user}; set KODE_HOME to a folder of yours",
            metadata.uid()
        );
        return Err(ConfigError::whole(kode_home, message));
    }
    if metadata.mode() & 0o077 != 0 {
        let message = "others may look into it; check its files, then `chmod 700` it";
        return Err(ConfigError::whole(kode_home, message));
    }
    Ok(folder)
}

/// The bytes of the user's own `config.json`, `None` without one. A link is
/// followed: it stands in the user's own folder.
pub(crate) fn user_config(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(mut file) = read::open(path, OFlags::empty())? else { return Ok(None) };
    read::require_owner(path, &file, rustix::process::geteuid().as_raw())?;
    read::read_bounded(path, &mut file, read::FILE_BYTES_MAX).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_missing_home_is_created_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("deep/.kode");
        prepare_home(&home).unwrap();
        prepare_home(&home).unwrap();
        assert_eq!(mode(&home), 0o700);
    }

    #[test]
    fn a_home_others_may_enter_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for open in [0o755, 0o750, 0o701] {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(open)).unwrap();
            assert!(prepare_home(folder.path()).is_err(), "{open:o}");
            assert_eq!(mode(folder.path()), open);
        }
    }

    #[test]
    fn a_relative_home_and_a_file_are_refused() {
        assert!(prepare_home(Path::new("kode")).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(prepare_home(file.path()).is_err());
    }
}
