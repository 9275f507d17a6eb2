//! Writes the user's first configuration file, for `kode init`. It never
//! changes a file that is there.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{ConfigError, home, parse};

/// The file's name in `$KODE_HOME`.
const FILE_NAME: &str = "config.json";

/// Writes `$KODE_HOME/config.json` durably, readable by its owner only.
///
/// # Errors
/// When there is one already, the keys are no valid configuration, or it can't
/// be written; nothing changed then.
pub fn create_user_file(
    kode_home: &Path,
    keys: Map<String, Value>,
) -> Result<PathBuf, ConfigError> {
    let path = kode_home.join(FILE_NAME);
    let mut text = serde_json::to_string_pretty(&Value::Object(keys))
        .map_err(|error| ConfigError::whole(&path, error.to_string()))?;
    text.push('\n');
    parse::parse(&path, text.as_bytes())?;
    home::prepare_home(kode_home)?;
    let failed = |error: std::io::Error| ConfigError::whole(&path, error.to_string());
    let mut file = tempfile::NamedTempFile::new_in(kode_home).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(&path).map_err(|error| failed(error.error))?;
    File::open(kode_home).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn it_writes_once_and_never_over_a_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let path = create_user_file(&home, keys(&json!({"model": "m"}))).unwrap();
        assert!(create_user_file(&home, keys(&json!({"model": "other"}))).is_err());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{\n  \"model\": \"m\"\n}\n");
    }

    #[test]
    fn what_is_no_configuration_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        assert!(create_user_file(&home, keys(&json!({"modle": "m"}))).is_err());
        assert!(!home.join(FILE_NAME).exists());
    }
}
