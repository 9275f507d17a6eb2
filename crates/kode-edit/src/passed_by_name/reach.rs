//! Under which names a Python function or class may be called: heirs that take its
//! constructor over, variables it is assigned to, parameters it is passed for. A call
//! that passes a renamed parameter to one of these is refused, no other call is.

use std::collections::BTreeSet;

use kode_base::escape::escape_line;
use kode_syntax::{BindingKind, NamedArgument, Scopes, TypeShape};

use super::Parameter;
use crate::project_rename::mentions;
use crate::refusal::{EditRefusal, refuse};
use crate::rename::ScopedFile;

/// How many names are followed.
const MAX_NAMES: usize = 1000;

/// What a function goes by.
pub(super) struct Reach {
    /// It and, of a class, the heirs without a constructor of their own.
    names: BTreeSet<String>,
    /// The classes a class inherits from, whose `cls(…)` may make one of it.
    ancestors: BTreeSet<String>,
    /// Whether it is a class, called for its constructor.
    constructor: bool,
    /// Whether some call passes it on as a value.
    passed: bool,
}

impl Reach {
    pub(super) fn of(function: &str, origin: &Scopes) -> Self {
        let constructor = origin.types.iter().any(|shape| shape.name == function);
        let names = BTreeSet::from([function.to_owned()]);
        let mut reach = Self { names, ancestors: BTreeSet::new(), constructor, passed: false };
        while reach.learn(origin) {}
        reach
    }

    /// Takes in what a file says; whether that was anything new.
    pub(super) fn learn(&mut self, scopes: &Scopes) -> bool {
        let before = (self.names.len(), self.ancestors.len(), self.passed);
        if self.constructor {
            for shape in &scopes.types {
                if self.is_heir(shape) && self.names.len() < MAX_NAMES {
                    self.names.insert(shape.name.clone());
                }
                if self.names.contains(&shape.name) || self.ancestors.contains(&shape.name) {
                    let above = shape.supertypes.iter().map(|above| above.name.clone());
                    self.ancestors.extend(above);
                }
            }
        }
        let names = self.names_in(scopes, None);
        self.passed |= names.iter().any(|name| scopes.calls.passed.contains(name));
        before != (self.names.len(), self.ancestors.len(), self.passed)
    }

    fn is_heir(&self, shape: &TypeShape) -> bool {
        shape.supertypes.iter().any(|above| self.names.contains(&above.name))
            && !shape.members.iter().any(|member| member == "__init__")
    }

    /// Whether it is passed for a parameter somewhere, so that any file may call it.
    pub(super) const fn is_passed(&self) -> bool {
        self.passed
    }

    pub(super) fn is_mentioned(&self, source: &[u8]) -> bool {
        self.names.iter().chain(&self.ancestors).any(|name| mentions(source, name))
    }

    /// Every name it may have in a file, with the one the file imports it under.
    fn names_in(&self, scopes: &Scopes, imported: Option<&str>) -> BTreeSet<String> {
        let mut names = self.names.clone();
        names.extend(imported.map(str::to_owned));
        loop {
            let before = names.len();
            for (to, from) in &scopes.calls.flows {
                if names.contains(from) && names.len() < MAX_NAMES {
                    names.insert(to.clone());
                }
            }
            if names.len() == before {
                return names;
            }
        }
    }

    /// Refuses where the file may pass the parameter by its name in a way that can't be
    /// followed. `settled` are the calls that are followed, or known to mean another.
    pub(super) fn check(
        &self,
        parameter: &Parameter<'_>,
        file: &ScopedFile<'_>,
        imported: Option<&str>,
        settled: impl Fn(&NamedArgument) -> bool,
    ) -> Result<(), EditRefusal> {
        let scopes = &file.scopes;
        let names = self.names_in(scopes, imported);
        let by_other_name = scopes.named_arguments.iter().find(|argument| {
            argument.name == parameter.name
                && !settled(argument)
                && (names.contains(&argument.callee) && !self.is_own_class(scopes, argument)
                    || self.passed && is_called_parameter(scopes, argument))
        });
        if let Some(argument) = by_other_name {
            return parameter.refuse_call(file, argument.range.start, &argument.callee);
        }
        let family = |class: &String| names.contains(class) || self.ancestors.contains(class);
        let through_class = |(name, class): &&(String, String)| {
            name == parameter.name && self.constructor && family(class)
        };
        if let Some((_, class)) = scopes.calls.class_calls.iter().find(through_class) {
            return refuse!(
                "`{}` is a parameter of `{}`, and `{}` in {} passes it to its own class by its \
                 name: rename it there by hand first",
                escape_line(parameter.name),
                escape_line(parameter.function),
                escape_line(class),
                file.path
            );
        }
        let splatted = scopes.calls.splatted.iter().find(|name| names.contains(*name));
        match splatted.filter(|_| is_quoted(file.source, parameter.name)) {
            Some(callee) => refuse!(
                "`{}` is a parameter of `{}`, and {} calls `{}` with a dictionary and has the \
                 name in a string: rename it there by hand first",
                escape_line(parameter.name),
                escape_line(parameter.function),
                file.path,
                escape_line(callee)
            ),
            None => Ok(()),
        }
    }

    /// Whether the file itself declares what is called, as a class that is no heir.
    fn is_own_class(&self, scopes: &Scopes, argument: &NamedArgument) -> bool {
        let mut own = scopes.types.iter().filter(|shape| shape.name == argument.callee);
        self.constructor && argument.plain && own.clone().next().is_some() && {
            own.all(|shape| !self.is_heir(shape))
        }
    }
}

/// Whether what is called is a parameter of a function around the call.
fn is_called_parameter(scopes: &Scopes, argument: &NamedArgument) -> bool {
    let mut named = scopes.bindings.iter().filter(|one| one.name == argument.callee);
    argument.plain
        && named.clone().any(|one| one.kind == BindingKind::Parameter)
        && named.all(|one| one.kind == BindingKind::Parameter)
}

fn is_quoted(source: &[u8], name: &str) -> bool {
    [format!("\"{name}\""), format!("'{name}'"), format!("dict({name}=")]
        .iter()
        .any(|text| memchr::memmem::find(source, text.as_bytes()).is_some())
}

/// Whether `name=` is written somewhere as in `f(name=1)`, or the name in quotes.
pub(super) fn may_pass(source: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(source, name.as_bytes()).any(|at| {
        let after = &source[at + name.len()..];
        after.first().is_some_and(|byte| matches!(byte, b'"' | b'\''))
            || after.trim_ascii_start().starts_with(b"=")
    })
}
