//! Traces that known secrets leave: cut from what a tool returned, or found in a
//! file that a command wrote. Either way a secret was read by a route the gate
//! did not see, and the context counts as secret from there on. Nothing here
//! shows a secret.

use kode_audit::Record;
use kode_base::ProjectPath;
use kode_gate::{Label, looks_secret};

use super::{Agent, BeginError};

/// Files of one command that are searched, and the size of each.
const FILES_MAX: usize = 400;
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes searched after one command.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Files named at most.
const NAMED_MAX: usize = 4;

impl Agent<'_> {
    /// A known secret was in what `source` returned; the model saw a mark.
    pub(super) fn secret_was_cut(&mut self, source: &str) -> Result<(), BeginError> {
        let text = format!(
            "a known secret was cut from what {source} returned; what follows is judged as if the \
             credential had been read"
        );
        self.trace(Label::SECRET, "secret.cut", text)
    }

    /// Looks into files that a command wrote. Those that look like credentials
    /// are masked wherever hosts are open, and left out.
    pub(super) fn look_for_secrets<'p>(
        &mut self,
        written: impl Iterator<Item = &'p ProjectPath>,
    ) -> Result<(), BeginError> {
        let mut bytes_left = BYTES_MAX;
        let mut found: Vec<&str> = Vec::new();
        for path in written.filter(|path| !looks_secret(path)).take(FILES_MAX) {
            let Ok(bytes) = self.workspace.files.snapshot_read(path, FILE_BYTES_MAX) else {
                continue;
            };
            #[expect(clippy::disallowed_methods, reason = "searched, not shown")]
            let bytes = bytes.expose();
            if self.redactor.finds_in(bytes) {
                found.push(path.as_str());
            }
            bytes_left = bytes_left.saturating_sub(bytes.len());
            if found.len() >= NAMED_MAX || bytes_left == 0 {
                break;
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let names = kode_base::escape::escape_line(&found.join(", "));
        let text = format!(
            "the command wrote a known secret into {names}; what follows is judged as if the \
             credential had been read"
        );
        self.untold.push(text.clone());
        self.trace(Label::SECRET, "secret.written", text)
    }

    /// The label is in the journal and the sentence in the audit log before
    /// anything else happens.
    pub(super) fn trace(
        &mut self,
        label: Label,
        name: &str,
        text: String,
    ) -> Result<(), BeginError> {
        self.join(label)?;
        let name = name.to_owned();
        self.workspace.gate.record(&Record::Notice { name, text: text.clone() })?;
        self.notice(text);
        Ok(())
    }
}
