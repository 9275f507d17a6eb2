//! Sanitizers of the program's own whose work can't be followed: their names say what
//! they do, and something in them shows that they do it.

use super::Engine;
use super::guard::ORIGINS_MAX;
use super::site::Given;
use super::value::{Path, Value};
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

    /// Java's functions that bring a path into its shortest form and give nothing where it
    /// climbs: named so, with `..` and `return null` in them.
    pub(super) fn refuses_climbing(&self, function: &Function, file: usize) -> bool {
        let says_so = |name: &Name| name.contains("anonical") || name.contains("ormaliz");
        let holds = |text: &[u8], part: &[u8]| memchr::memmem::find(text, part).is_some();
        self.unit(file).language == kode_syntax::Language::Java
            && function.name.as_ref().is_some_and(says_so)
            && self.bodies(function, file).any(|body| {
                let dots = holds(body, b"'.'") || holds(body, b"\"..\"");
                dots && holds(body, b"'/'") | holds(body, b"\"/\"") && holds(body, b"return null;")
            })
    }

    /// What a function of the program's own gives that only replaces something in a text, as
    /// its name says: what is asked of it is asked of the text.
    pub(super) fn still_about(
        &mut self,
        function: &Function,
        returned: Value,
        given: &[Given],
    ) -> Value {
        let replaces = function.name.as_ref().is_some_and(|name| &**name == "replace");
        let text = given.first().filter(|_| replaces && given.len() > 2);
        let text = text.filter(|text| text.value.is_tainted()).and_then(|text| text.expression);
        match text.and_then(|text| self.path_of(text)) {
            Some(path) if returned.is_tainted() => {
                returned.with(|data| data.origin = Some(std::rc::Rc::new(path)))
            }
            _ => returned,
        }
    }

    /// Java's functions of this name that replace markup's characters one by one, and say so.
    fn replaces_each_character(&self, function: &Function, file: usize) -> bool {
        const SAYING: [&str; 3] = ["anitiz", "anitis", "ncode"];
        let says_so = |name: &Name| SAYING.iter().any(|part| name.contains(part));
        let holds = |text: &[u8], part: &[u8]| memchr::memmem::find(text, part).is_some();
        self.unit(file).language == kode_syntax::Language::Java
            && function.name.as_ref().is_some_and(says_so)
            && self
                .bodies(function, file)
                .any(|body| holds(body, b"'<'") && (holds(body, b"'&'") || holds(body, b"'\"'")))
    }

    /// The texts of a file's functions of one name, from the name to where the next begins.
    fn bodies(&self, function: &Function, file: usize) -> impl Iterator<Item = &[u8]> {
        const BODY_MAX: usize = 4000;
        let source = self.unit(file).source;
        let declared = format!(" {}(", function.name.as_deref().unwrap_or_default());
        let starts: Vec<usize> =
            memchr::memmem::find_iter(source, declared.as_bytes()).take(8).collect();
        starts.into_iter().filter_map(move |start| {
            let rest = &source[start..source.len().min(start + BODY_MAX)];
            let open = memchr::memchr2(b'{', b';', rest).filter(|at| rest[*at] == b'{')?;
            Some(&rest[..closing(rest, open)])
        })
    }

    /// What a value was computed from, and that from, as far as it is followed.
    pub(super) fn origins(&self, value: &Value) -> Vec<Path> {
        let mut found: Vec<Path> = Vec::new();
        let mut next = value.data().and_then(|data| data.origin.clone());
        while let Some(path) =
            next.filter(|path| found.len() < ORIGINS_MAX && !found.contains(path))
        {
            next = self.value_at(&path).data().and_then(|data| data.origin.clone());
            found.push((*path).clone());
        }
        found
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
            || self.replaces_each_character(function, file)
            || is_javascript
                && function.name.as_ref().is_some_and(says_so)
                && TAKES.iter().any(|call| memchr::memmem::find(unit.source, call).is_some())
    }
}

/// Where the block that opens at a brace is closed again, as far as the text goes.
fn closing(text: &[u8], open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.iter().enumerate().skip(open) {
        match byte {
            // A brace written as a character.
            b'{' | b'}' if text.get(at + 1) == Some(&b'\'') => {}
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
