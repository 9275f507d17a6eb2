//! What each turn took in that nobody vouched for, and what it touched that the
//! user never named. In the audit log before the next request, so that the
//! story of an injection can be told in order.

use kode_audit::{Ingested, Record};
use kode_base::ProjectPath;
use kode_gate::is_meant;
use sha2::{Digest, Sha256};

use super::{Agent, BeginError};
use crate::context::Hidden;

/// Texts and resources noted of one turn; more are counted.
const NOTED_MAX: usize = 50;

/// One turn so far.
#[derive(Debug, Default)]
pub(super) struct Divergence {
    ingested: Vec<Ingested>,
    unnamed: Vec<String>,
    more: usize,
}

impl Divergence {
    /// Notes text that joined the context. `source` is escaped already.
    pub(super) fn took_in(&mut self, source: &str, text: &str, hidden: &[Hidden]) {
        if self.ingested.len() >= NOTED_MAX {
            self.more += 1;
            return;
        }
        let mut kinds: Vec<String> = hidden.iter().map(|each| each.kind.to_string()).collect();
        kinds.dedup();
        let digest = Sha256::digest(text.as_bytes());
        self.ingested.push(Ingested {
            source: source.to_owned(),
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: text.len() as u64,
            hidden: kinds,
        });
    }

    fn touched(&mut self, what: String) {
        if self.unnamed.len() >= NOTED_MAX {
            self.more += 1;
        } else if !self.unnamed.contains(&what) {
            self.unnamed.push(what);
        }
    }
}

impl Agent<'_> {
    /// Notes files that changed and that the user never named.
    pub(super) fn note_unnamed(&mut self, touched: &[ProjectPath]) {
        for path in touched {
            if !is_meant(path, &self.workspace.gate.state) {
                self.divergence.touched(format!("file {path}"));
            }
        }
    }

    /// Writes down what the turn before took in and touched.
    pub(super) fn record_divergence(&mut self) -> Result<(), BeginError> {
        for what in self.workspace.gate.take_unnamed() {
            self.divergence.touched(what);
        }
        let Divergence { ingested, unnamed, more } = std::mem::take(&mut self.divergence);
        if ingested.is_empty() && unnamed.is_empty() {
            return Ok(());
        }
        let turn = self.progress.turns;
        self.workspace.gate.record(&Record::Turn { turn, ingested, unnamed, more })?;
        Ok(())
    }
}
