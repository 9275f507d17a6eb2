//! Small text files that a person named on the command line.

use std::path::Path;

use kode_base::ExitStatus;

use crate::failure::Failure;

/// Reads a regular file of UTF-8 text of at most `bytes_max` bytes.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let failure =
        |why: String| Failure::new(ExitStatus::Usage, format!("{}: {why}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|error| failure(error.to_string()))?;
    if !metadata.is_file() {
        return Err(failure("not a file".to_owned()));
    }
    if metadata.len() > bytes_max {
        return Err(failure(format!("{} bytes; at most {bytes_max} are read", metadata.len())));
    }
    let bytes = std::fs::read(path).map_err(|error| failure(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failure("not UTF-8 text".to_owned()))
}
