//! One JSON event a line on standard output.

use std::io::{Write, stdout};

use kode_agent::Observer;
use kode_base::Event;

/// Prints events as JSON lines. A failed write ends printing, not the run.
#[derive(Debug, Default)]
pub(crate) struct Json {
    closed: bool,
}

impl Observer for Json {
    fn observe(&mut self, event: &Event) {
        if self.closed {
            return;
        }
        let mut out = stdout().lock();
        let written = serde_json::to_writer(&mut out, event)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        if let Err(error) = written {
            self.closed = true;
            crate::output::lost(error);
        }
    }
}
