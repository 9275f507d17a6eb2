//! Java's methods of one name: which of them a call means, told by how many arguments it
//! gives. What their types would say besides is not looked at.

use kode_syntax::Language;

use super::Engine;
use super::value::Closure;
use crate::ir::{Function, FunctionId};

impl Engine<'_> {
    /// The method of the same class and name that takes as many arguments as are given;
    /// nothing where the one that was found by its name is as good as any.
    pub(super) fn meant(&self, closure: &Closure, given: usize) -> Option<Closure> {
        let unit = self.unit(closure.file);
        let found = unit.program.function(closure.function);
        if unit.language != Language::Java || takes(found, given) {
            return None;
        }
        let same = |id: &&FunctionId| {
            let method = unit.program.function(**id);
            method.name == found.name && takes(method, given)
        };
        let mut methods = unit.program.classes[found.class?.0 as usize].methods.iter();
        let function = *methods.find(same)?;
        Some(Closure { function, ..closure.clone() })
    }
}

fn takes(method: &Function, given: usize) -> bool {
    let parameters = &method.parameters;
    let has_rest = parameters.last().is_some_and(|last| last.rest);
    parameters.len() == given || has_rest && given + 1 >= parameters.len()
}
