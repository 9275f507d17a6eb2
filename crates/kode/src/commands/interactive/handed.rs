//! What goes to the model beside a message: pastes and files named with `@`. It
//! is data, never the person's own words. Files that look like credentials are
//! not handed over.

use kode_base::{ProjectPath, Untrusted};
use kode_gate::looks_secret;
use kode_sandbox::{FileError, ProjectFiles};
use kode_tui::{Input, Inputs};

use crate::failure::Failure;
use crate::places::Places;

/// Bytes of one file handed over.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The pastes and files, by name. A name that is no file of the project's is told, and
/// no more: an `@` stands before other things too.
pub(super) fn handed_over(
    pasted: Vec<(String, Untrusted<String>)>,
    paths: &[ProjectPath],
    places: &Places,
    inputs: &Inputs,
) -> Result<Vec<(String, Untrusted<String>)>, Failure> {
    let mut data = pasted;
    if paths.is_empty() {
        return Ok(data);
    }
    let files = ProjectFiles::open(&places.project_root()?)?;
    for path in paths {
        if looks_secret(path) {
            let text = format!(
                "{path} looks like a credential and was not handed over; the agent can ask for it"
            );
            inputs.send(Input::Notice(text));
            continue;
        }
        match files.snapshot_read(path, FILE_BYTES_MAX) {
            Ok(content) => data.push((format!("file {path}"), text(&content))),
            Err(FileError::NotFound(_)) => {
                let text = format!("@{path}: there is no such file, so none was handed over");
                inputs.send(Input::Notice(text));
            }
            Err(error) => inputs.send(Input::Notice(format!("not handed over: {error}"))),
        }
    }
    Ok(data)
}

#[expect(clippy::disallowed_methods, reason = "decoded; it stays untrusted")]
fn text(content: &Untrusted<Vec<u8>>) -> Untrusted<String> {
    Untrusted::from(String::from_utf8_lossy(content.expose()).into_owned())
}
