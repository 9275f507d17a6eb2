//! Sanitizers of the program's own whose work can't be followed: their names say what
//! they do, and something in them shows that they do it.

use super::Engine;
use crate::ir::{Function, Name};

impl Engine<'_> {
    /// Whether the function that runs says that it escapes: `escape_html`. Of what it looks
    /// for with a pattern that is put together elsewhere, that is all there is to know.
    pub(super) fn is_escaping(&self) -> bool {
        let frame = self.frames.last().and_then(|frame| Some((frame.file, frame.function?)));
        let name = frame.and_then(|(file, id)| self.unit(file).program.function(id).name.clone());
        name.is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.contains("escape") && !name.contains("unescape")
        })
    }

    /// Java's and Go's functions that go through a text character by character, which can't
    /// be followed: named an escape, in a file that tells markup's characters apart.
    fn escapes_each_character(&self, function: &Function, file: usize) -> bool {
        use kode_syntax::Language::{Go, Java};
        const MARKS: [&[u8]; 3] = [b"'<'", b"'>'", b"'&'"];
        let says_so = |name: &Name| name.contains("scape") && !name.contains("nescape");
        let unit = self.unit(file);
        matches!(unit.language, Go | Java)
            && function.name.as_ref().is_some_and(says_so)
            && MARKS.iter().all(|mark| memchr::memmem::find(unit.source, mark).is_some())
    }

    /// A sanitizer of markup of the program's own: its name says so, and its file takes
    /// attributes away.
    pub(super) fn takes_away(&self, function: &Function, file: usize) -> bool {
        const TAKES: [&[u8]; 2] = [b".removeAttribute(", b".removeAttributeNode("];
        let unit = self.unit(file);
        let is_javascript = crate::model::family(unit.language) == "javascript";
        let says_so = |name: &Name| {
            let name = name.to_ascii_lowercase();
            name.contains("sanitiz") || name.contains("sanitis") || name.contains("purify")
        };
        self.escapes_each_character(function, file)
            || is_javascript
                && function.name.as_ref().is_some_and(says_so)
                && TAKES.iter().any(|call| memchr::memmem::find(unit.source, call).is_some())
    }
}
