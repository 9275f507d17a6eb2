//! Java's methods of one name: which of them a call means, told by how many arguments it
//! gives. What their types would say besides is not looked at.

use kode_syntax::Language;

use super::Engine;
use super::value::Closure;
use crate::ir::{Function, FunctionId};

impl Engine<'_> {
    /// The method of the same class and name that takes as many arguments as are given;
    /// the one that was found by its name where there is none.
    pub(super) fn meant(&self, closure: &Closure, given: usize) -> Closure {
        let unit = self.unit(closure.file);
        let found = unit.program.function(closure.function);
        let class = found.class.filter(|_| unit.language == Language::Java);
        let (Some(class), false) = (class, takes(found, given)) else { return closure.clone() };
        let methods = unit.program.classes[class.0 as usize].methods.iter();
        let same = |id: &&FunctionId| {
            let method = unit.program.function(**id);
            method.name == found.name && takes(method, given)
        };
        let meant = methods.copied().find(|id| same(&id)).unwrap_or(closure.function);
        Closure { function: meant, ..closure.clone() }
    }
}

fn takes(method: &Function, given: usize) -> bool {
    let parameters = &method.parameters;
    let has_rest = parameters.last().is_some_and(|last| last.rest);
    parameters.len() == given || has_rest && given + 1 >= parameters.len()
}
