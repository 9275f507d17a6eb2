//! Scope-aware rename of the binding at a place, in one file.
//!
//! No text fallback: what scopes can't answer is refused. The result is
//! analysed again, and every name must mean what it meant before.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Binding, BindingKind, Language, Scopes, is_identifier, parse, scopes};

use crate::doubts;
use crate::exact::check_size;
use crate::guard::{Change, Declared, check};
use crate::refusal::{EditRefusal, refuse};

/// Where the name is, counted from 1, columns in characters.
pub(crate) struct Place<'a> {
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// The name expected there.
    pub(crate) name: Option<&'a str>,
}

/// A file with its bindings.
pub(crate) struct ScopedFile<'a> {
    pub(crate) path: &'a ProjectPath,
    pub(crate) source: &'a [u8],
    pub(crate) language: Language,
    pub(crate) scopes: Scopes,
}

/// Renames in this file alone; a name other files can see is refused.
pub(crate) fn rename_in_file(
    path: &ProjectPath,
    before: &[u8],
    place: &Place<'_>,
    new_name: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let file = ScopedFile::open(path, before)?;
    let new_name = file.checked_name(new_name)?;
    let index = file.binding_at(place)?;
    let binding = &file.scopes.bindings[index];
    if binding.visible_outside {
        return refuse!(
            "`{}` can be seen from other files; renaming it needs the project",
            escape_line(&binding.name)
        );
    }
    doubts::settle(None, &file, binding, new_name)?;
    file.rename(index, new_name, false)
}

impl<'a> ScopedFile<'a> {
    pub(crate) fn open(path: &'a ProjectPath, source: &'a [u8]) -> Result<Self, EditRefusal> {
        check_size(path, source.len())?;
        let Some(language) = Language::detect(path, source) else {
            return refuse!("{path} is in no language kode can rename in");
        };
        let scopes = analyse(language, source)?;
        Ok(Self { path, source, language, scopes })
    }

    /// The new name without a sigil, when the language allows it.
    pub(crate) fn checked_name<'n>(&self, name: &'n str) -> Result<&'n str, EditRefusal> {
        let bare = self.bare(name);
        if is_identifier(self.language, bare) {
            return Ok(bare);
        }
        refuse!(
            "`{}` can't be a name in {}: it is a keyword or no identifier",
            escape_line(name),
            self.language.name()
        )
    }

    fn bare<'n>(&self, name: &'n str) -> &'n str {
        if self.language == Language::Php { name.strip_prefix('$').unwrap_or(name) } else { name }
    }

    /// The binding whose name is written at `place`, if it can be renamed.
    pub(crate) fn binding_at(&self, place: &Place<'_>) -> Result<usize, EditRefusal> {
        let at = self.offset_of(place)?;
        // A PHP name may be pointed at by its `$`.
        let at =
            at + usize::from(self.source.get(at) == Some(&b'$') && self.language == Language::Php);
        let covers = |binding: &Binding| {
            binding.occurrences.iter().any(|o| o.range.start <= at && at < o.range.end)
        };
        let Some(index) = self.scopes.bindings.iter().position(covers) else {
            return self.refuse_unbound(place, at);
        };
        let binding = &self.scopes.bindings[index];
        if let Some(name) = place.name
            && self.bare(name) != binding.name
        {
            return refuse!(
                "line {} column {} of {} has `{}`, not `{}`",
                place.line,
                place.column,
                self.path,
                escape_line(&binding.name),
                escape_line(name)
            );
        }
        if binding.kind == BindingKind::Member {
            return refuse!(
                "`{}` is a member: finding its uses needs types, which kode does not have",
                escape_line(&binding.name)
            );
        }
        if let Some(why) = &binding.blocked {
            return refuse!("`{}` can't be renamed safely: {why}", escape_line(&binding.name));
        }
        Ok(index)
    }

    fn refuse_unbound<T>(&self, place: &Place<'_>, at: usize) -> Result<T, EditRefusal> {
        let unresolved = self.scopes.unresolved.iter().find(|(_, range)| range.contains(&at));
        match unresolved {
            Some((name, _)) => refuse!(
                "`{}` is not declared in {}: rename it where it is declared",
                escape_line(name),
                self.path
            ),
            None => refuse!(
                "line {} column {} of {} names no variable, parameter or definition that scopes \
                 can follow (members, strings and comments are not renamed)",
                place.line,
                place.column,
                self.path
            ),
        }
    }

    /// The byte a line and a column (in characters) stand for.
    fn offset_of(&self, place: &Place<'_>) -> Result<usize, EditRefusal> {
        let mut start = 0;
        for _ in 1..place.line.max(1) {
            match memchr::memchr(b'\n', &self.source[start..]) {
                Some(newline) => start += newline + 1,
                None => return refuse!("{} has no line {}", self.path, place.line),
            }
        }
        if start == 0 && self.source.starts_with(crate::newline::BOM) {
            start = crate::newline::BOM.len();
        }
        let line = &self.source[start..];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        let mut left = place.column.max(1) - 1;
        for chunk in line.utf8_chunks() {
            for (offset, _) in chunk.valid().char_indices() {
                if left == 0 {
                    return Ok(offset_in(line, chunk.valid().as_bytes()) + start + offset);
                }
                left -= 1;
            }
            for offset in 0..chunk.invalid().len() {
                if left == 0 {
                    return Ok(offset_in(line, chunk.invalid()) + start + offset);
                }
                left -= 1;
            }
        }
        refuse!("line {} of {} has no column {}", place.line, self.path, place.column)
    }

    /// Renames one binding; the result is checked by analysing it again.
    /// With `at_source`, what an import names changes as well, so it needs no alias.
    pub(crate) fn rename(
        &self,
        index: usize,
        new_name: &str,
        at_source: bool,
    ) -> Result<Vec<u8>, EditRefusal> {
        let mut binding = self.scopes.bindings[index].clone();
        if at_source {
            for place in binding.occurrences.iter_mut().filter(|place| place.declares) {
                place.before.clear();
            }
        }
        let binding = &binding;
        if binding.name == new_name {
            return refuse!("`{}` is its name already", escape_line(new_name));
        }
        if std::str::from_utf8(self.source).is_err() && !new_name.is_ascii() {
            return refuse!("{} is not UTF-8: the new name must be ASCII", self.path);
        }
        let passed = |callee: &str| binding.passed_to.as_deref() == Some(callee);
        let mut arguments = self.scopes.named_arguments.iter();
        if arguments.any(|argument| argument.name == new_name && passed(&argument.callee)) {
            return refuse!("a call passes `{}` by its name already", escape_line(new_name));
        }
        self.refuse_mangled(binding, new_name)?;
        let edits = Edits::of(binding, new_name);
        let after = edits.apply(self.source);
        let change =
            Change { path: self.path, before: Some(self.source), after: &after, written: new_name };
        // A renamed definition is lost under its old name by intent, and a rename
        // takes nothing else away: every name is compared below.
        check(&change, &Declared { shrink: true, ..Declared::default() })?;
        let analysed = analyse(self.language, &after)?;
        if meanings(&self.scopes, |at| edits.moved(at)) == meanings(&analysed, |at| at) {
            return self.unless_taken(binding, new_name, &analysed, &edits).map(|()| after);
        }
        refuse!(
            "`{}` would collide in {}: another name `{}` is in scope where this one is used",
            escape_line(&binding.name),
            self.path,
            escape_line(new_name)
        )
    }
}

impl ScopedFile<'_> {
    /// Python puts the class before `__name` in its body, so that elsewhere it is another.
    fn refuse_mangled(&self, binding: &Binding, new_name: &str) -> Result<(), EditRefusal> {
        if self.language != Language::Python
            || !new_name.starts_with("__")
            || new_name.ends_with("__")
        {
            return Ok(());
        }
        let class_at = |at: usize| {
            let around = self.scopes.types.iter().filter(|class| class.range.contains(&at));
            around.map(|class| class.range.start).max()
        };
        let mut classes = binding.occurrences.iter().map(|place| class_at(place.range.start));
        let first = classes.next().flatten();
        if classes.all(|class| class == first) {
            return Ok(());
        }
        refuse!(
            "`{}` is used in a class and outside of it: in the class Python would read `{}` as a \
             private name of its own",
            escape_line(&binding.name),
            escape_line(new_name)
        )
    }

    /// Refuses a new name under which the file hides more than its scopes show (a macro
    /// of that name, a string that sets it).
    fn unless_taken(
        &self,
        binding: &Binding,
        new_name: &str,
        analysed: &Scopes,
        edits: &Edits,
    ) -> Result<(), EditRefusal> {
        let Some(first) = binding.occurrences.first() else { return Ok(()) };
        let at = edits.moved(first.range.start);
        let renamed = |one: &&Binding| one.occurrences.iter().any(|o| o.range.start == at);
        let taken = analysed.bindings.iter().find(renamed).and_then(|one| one.blocked.as_ref());
        match taken.filter(|_| binding.blocked.is_none()) {
            Some(why) => refuse!(
                "`{}` can't be called `{}` in {}: {why}",
                escape_line(&binding.name),
                escape_line(new_name),
                self.path
            ),
            None => Ok(()),
        }
    }
}

fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

pub(crate) fn analyse(language: Language, source: &[u8]) -> Result<Scopes, EditRefusal> {
    let tree = parse(language, source).map_err(|error| EditRefusal(error.to_string()))?;
    scopes(&tree, source).map_err(|error| EditRefusal(error.to_string()))
}

/// The replacements of a rename, ascending.
struct Edits {
    /// Start, end, replacement, and where in it the name begins.
    steps: Vec<(usize, usize, String, usize)>,
    /// How much longer the text is before each step, and behind the last.
    shifts: Vec<isize>,
}

impl Edits {
    fn of(binding: &Binding, new_name: &str) -> Self {
        let steps = binding.occurrences.iter().map(|place| {
            let text = format!("{}{new_name}{}", place.before, place.after);
            (place.range.start, place.range.end, text, place.before.len())
        });
        let steps: Vec<(usize, usize, String, usize)> = steps.collect();
        let mut shifts = vec![0];
        for (start, end, text, _) in &steps {
            let so_far = shifts.last().copied().unwrap_or_default();
            shifts.push(so_far + text.len() as isize - (*end as isize - *start as isize));
        }
        Self { steps, shifts }
    }

    fn apply(&self, source: &[u8]) -> Vec<u8> {
        let mut after = Vec::with_capacity(source.len() + self.steps.len() * 16);
        let mut copied = 0;
        for (start, end, text, _) in &self.steps {
            after.extend_from_slice(&source[copied..*start]);
            after.extend_from_slice(text.as_bytes());
            copied = *end;
        }
        after.extend_from_slice(&source[copied..]);
        after
    }

    /// Where the name that began at `at` begins afterwards.
    fn moved(&self, at: usize) -> usize {
        let index = self.steps.partition_point(|(start, ..)| *start < at);
        let mut shift = self.shifts.get(index).copied().unwrap_or_default();
        if let Some((start, _, _, name)) = self.steps.get(index)
            && *start == at
        {
            shift += *name as isize;
        }
        at.saturating_add_signed(shift)
    }
}

/// For each place of a name, the first place of the binding it means; `None` for
/// names that no declaration explains.
fn meanings(scopes: &Scopes, moved: impl Fn(usize) -> usize) -> BTreeMap<usize, Option<usize>> {
    let mut meanings = BTreeMap::new();
    for binding in &scopes.bindings {
        let Some(first) = binding.occurrences.first() else { continue };
        let first = moved(first.range.start);
        for place in &binding.occurrences {
            meanings.insert(moved(place.range.start), Some(first));
        }
    }
    for (_, range) in &scopes.unresolved {
        meanings.insert(moved(range.start), None);
    }
    meanings
}

#[cfg(test)]
mod tests;
