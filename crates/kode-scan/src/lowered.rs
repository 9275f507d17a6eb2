//! What parsing and lowering gave for contents seen before: a run's gate scans the
//! same files again and again, of which a few have changed. Bounded, by content
//! hash, in this process only; a hit gives what lowering anew would give.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};

use kode_syntax::Language;
use sha2::{Digest, Sha256};

use crate::ir::Program;

/// Source bytes whose programs are kept, in all.
const KEPT_BYTES_MAX: usize = 2 << 20;
/// Larger files are lowered anew every time.
const FILE_BYTES_MAX: usize = 256 << 10;

/// A lowered file, and why it can't be analysed completely, if so.
pub(crate) type Lowered = (Arc<Program>, Option<String>);

/// What a content is known by: its language and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key([u8; 32]);

#[derive(Default)]
struct Kept {
    programs: HashMap<Key, (Lowered, usize)>,
    oldest: VecDeque<Key>,
    bytes: usize,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// The program of a content: the one kept, or what `lower` makes of it. `None`, which
/// is never kept, where it gives nothing.
pub(crate) fn lowered(
    language: Language,
    content: &[u8],
    lower: impl FnOnce() -> Option<Lowered>,
) -> Option<Lowered> {
    if content.len() > FILE_BYTES_MAX {
        return lower();
    }
    let key = key(language, content);
    if let Some((known, _)) = KEPT.lock().ok().as_ref().and_then(|kept| kept.programs.get(&key)) {
        return Some(known.clone());
    }
    let made = lower()?;
    if let Ok(mut kept) = KEPT.lock() {
        kept.keep(key, made.clone(), content.len());
    }
    Some(made)
}

fn key(language: Language, content: &[u8]) -> Key {
    let mut hash = Sha256::new();
    hash.update(language.name().as_bytes());
    hash.update([0]);
    hash.update(content);
    Key(hash.finalize().into())
}

impl Kept {
    fn keep(&mut self, key: Key, made: Lowered, bytes: usize) {
        if self.programs.insert(key, (made, bytes)).is_some() {
            return;
        }
        self.oldest.push_back(key);
        self.bytes += bytes;
        while self.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.oldest.pop_front() else { return };
            if let Some((_, bytes)) = self.programs.remove(&oldest) {
                self.bytes -= bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Lowered {
        (Arc::new(Program::default()), None)
    }

    #[test]
    fn a_content_is_lowered_once_and_another_anew() {
        let text = b"a content that only this test has: 7b1f";
        let mut count = 0;
        for content in [&text[..], text, b"and another one that only it has: 93c0"] {
            let made = lowered(Language::Python, content, || {
                count += 1;
                Some(empty())
            });
            assert!(made.is_some());
        }
        assert_eq!(count, 2);
        let other = lowered(Language::JavaScript, text, || {
            count += 1;
            None
        });
        assert!(other.is_none());
        assert_eq!(count, 3);
    }

    #[test]
    fn what_is_kept_stays_bounded() {
        let mut kept = Kept::default();
        for at in 0..100_u8 {
            kept.keep(Key([at; 32]), empty(), 100 << 10);
        }
        assert!(kept.bytes <= KEPT_BYTES_MAX && kept.programs.len() == kept.oldest.len());
        assert!(kept.programs.contains_key(&Key([99; 32])));
        assert!(!kept.programs.contains_key(&Key([0; 32])));
    }
}
