//! Credentials assembled from literals: `'AKIA' + '…'`, adjacent or joined pieces,
//! constants. Only keys with a form of their own count, and only those that
//! stand nowhere whole, since those are found where they stand.

use super::Engine;
use super::value::{HOLE, Value};
use crate::ir::{ExprId, Kind, Operator};
use crate::secrets;

/// The shortest key with a form of its own.
const KEY_BYTES_MIN: usize = 16;

impl Engine<'_> {
    /// Looks for a key in the text that an expression puts together.
    pub(super) fn assembled_key(&mut self, id: ExprId, value: &Value) {
        let Some(text) = value.skeleton().filter(|text| text.len() >= KEY_BYTES_MIN) else {
            return;
        };
        let expression = self.program().expression(id);
        let builds = matches!(
            expression.kind,
            Kind::Join(_) | Kind::Call(_) | Kind::Binary(Operator::Add, ..)
        );
        if !builds {
            return;
        }
        let (start, end) = (expression.start as usize, expression.end as usize);
        for piece in text.split(HOLE).filter(|piece| piece.len() >= KEY_BYTES_MIN) {
            for hit in secrets::provider_keys(piece.as_bytes()) {
                self.push_key(hit, piece, (start, end));
            }
        }
    }

    fn push_key(&mut self, hit: secrets::SecretHit, piece: &str, (start, end): (usize, usize)) {
        let key = &piece.as_bytes()[hit.start..hit.end];
        let stands_whole = |source: &[u8]| memchr::memmem::find(source, key).is_some();
        if self.units.iter().flatten().any(|unit| stands_whole(unit.source)) {
            return;
        }
        // A key in pieces, of which the source shows as much: found where it stands.
        let written = self.unit(self.file).source.get(start..end).unwrap_or_default();
        if secrets::provider_keys(written).iter().any(|other| other.rule == hit.rule) {
            return;
        }
        let mut found = secrets::finding(self.file, piece.as_bytes(), &hit);
        (found.start, found.end) = (start, end);
        // The same key is put together once, however often the code runs.
        let known = self.findings.iter().any(|known| {
            (known.file, &known.rule, &known.identity) == (found.file, &found.rule, &found.identity)
        });
        if !known {
            self.findings.push(found);
        }
    }
}
