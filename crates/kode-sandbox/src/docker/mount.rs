//! `--mount` values. Docker's command reads them as one record of CSV, so that
//! commas and quotes in a path must be quoted, or they name another option.

use crate::SandboxError;
use crate::plan::ContainerMount;

impl ContainerMount {
    /// The value that means exactly this mount.
    ///
    /// # Errors
    /// When the path has a character that the record can't hold.
    pub(super) fn value(&self) -> Result<String, SandboxError> {
        let read_only = if self.read_only { ",readonly" } else { "" };
        let (source, target) = (field("source", &self.source)?, field("target", &self.target)?);
        Ok(format!("type=bind,{source},{target}{read_only}"))
    }
}

/// One quoted field.
fn field(name: &str, path: &str) -> Result<String, SandboxError> {
    // The reader turns a carriage return before a line feed into nothing.
    if path.contains(['\r', '\0']) || path.trim() != path {
        return Err(SandboxError::unavailable(
            format!("Docker can't mount {path:?}: its name has a carriage return or blank ends"),
            "rename the folder, or leave --sandbox out",
        ));
    }
    Ok(format!("\"{name}={}\"", path.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(source: &str) -> Result<String, SandboxError> {
        let (source, target) = (source.to_owned(), "/workspace".to_owned());
        ContainerMount { source, target, read_only: true }.value()
    }

    #[test]
    fn commas_and_quotes_stay_a_part_of_the_path() {
        assert_eq!(
            value("/a,readonly=false/\"b\" c").unwrap(),
            "type=bind,\"source=/a,readonly=false/\"\"b\"\" c\",\"target=/workspace\",readonly"
        );
    }

    #[test]
    fn a_path_that_a_record_would_change_is_refused() {
        assert!(value("/a\r\nb").is_err());
        assert!(value("/a ").is_err());
        assert!(value("/a\nb").is_ok());
    }
}
