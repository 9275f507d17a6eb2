//! Elements that are only made to take an address apart: `a.href = url; a.host`. Nobody
//! ever sees or follows such an element, so that its address harms nobody.

use super::Engine;
use crate::ir::{ExprId, Kind};

/// What such an element is asked for.
const PARTS: [&str; 11] = [
    "href", "protocol", "hostname", "host", "port", "pathname", "search", "hash", "origin",
    "username", "password",
];
/// How far after a name its value is looked for.
const MADE_WITHIN: usize = 80;

impl Engine<'_> {
    /// Whether `object` is a variable that holds an element made here, of which nothing but
    /// parts of an address is read or written.
    pub(super) fn only_takes_apart(&self, object: ExprId) -> bool {
        let program = self.program();
        let at = program.expression(object);
        let Kind::Variable(variable) = at.kind else { return false };
        let source = self.unit(self.file).source;
        let is_part = |end: u32| {
            let rest = source.get(end as usize..).unwrap_or_default().trim_ascii_start();
            let name = rest.strip_prefix(b".").map(<[u8]>::trim_ascii_start);
            name.is_some_and(|name| PARTS.iter().any(|part| is_word(name, part.as_bytes())))
        };
        let mut uses = program
            .expressions
            .iter()
            .filter(|it| matches!(it.kind, Kind::Variable(other) if other == variable));
        let name = program.variables[variable.0 as usize].as_bytes();
        let before = source.get(..at.start as usize).unwrap_or_default();
        is_made(before, name) && uses.all(|it| is_part(it.end))
    }
}

/// Whether what a name was last given before is a new `a` element.
fn is_made(before: &[u8], name: &[u8]) -> bool {
    let given = memchr::memmem::rfind_iter(before, name).find_map(|at| {
        let starts = at.checked_sub(1).is_none_or(|left| !is_letter(before[left]));
        let rest = before[at + name.len()..].trim_ascii_start().strip_prefix(b"=")?;
        (starts && !rest.starts_with(b"=")).then_some(rest)
    });
    let Some(given) = given else { return false };
    let given = &given[..given.len().min(MADE_WITHIN)];
    let call = memchr::memmem::find(given, b"createElement(");
    let ends = given.iter().position(|byte| matches!(byte, b';' | b',' | b'\n'));
    let Some(call) = call.filter(|call| ends.is_none_or(|ends| *call < ends)) else { return false };
    let tag = given[call + b"createElement(".len()..].trim_ascii_start();
    tag.starts_with(b"\"a\"") || tag.starts_with(b"'a'") || tag.starts_with(b"`a`")
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.')
}

fn is_word(text: &[u8], word: &[u8]) -> bool {
    text.strip_prefix(word).is_some_and(|rest| {
        !rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_')
    })
}
