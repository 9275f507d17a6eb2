//! Objects that are put together of others: `$.extend(true, {…}, options)`. What is input in
//! one field stays in that field.

use super::Engine;
use super::reflection::together;
use super::site::Site;
use super::value::Value;
use crate::ir::{ExprId, Kind};

/// What such functions are members of.
const LIBRARIES: [&str; 8] = ["$", "jQuery", "_", "lodash", "underscore", "angular", "Object", "R"];

impl Engine<'_> {
    /// The object that a library's function puts together of several.
    pub(super) fn merged(&mut self, object: ExprId, of: &Value, site: &Site) -> Option<Value> {
        let program = self.program();
        let name = match &program.expression(object).kind {
            Kind::Variable(variable) => &program.variables[variable.0 as usize],
            Kind::Global(name) => name,
            _ => return None,
        };
        let is_library = LIBRARIES.contains(&&**name)
            || of.data().is_some_and(|data| data.place.is_some())
                && of.data().and_then(|data| data.place) == self.place("global.$");
        // `true` asks for what is nested as well.
        let is_flag = |value: &Value| value.truth().is_some() && value.skeleton().is_none();
        let given = site.given.iter().filter(|given| !is_flag(&given.value));
        let objects: Vec<Value> = given.map(|given| given.value.clone()).collect();
        let has_fields = |value: &Value| value.data().is_some_and(|data| data.fields.is_some());
        let (first, rest) = objects.split_first().filter(|(_, rest)| !rest.is_empty())?;
        if !is_library || !objects.iter().any(has_fields) {
            return None;
        }
        let whole = rest.iter().fold(first.clone(), |whole, other| together(&whole, other));
        let onto = site.given.iter().find(|given| !is_flag(&given.value));
        if let Some(path) = onto.and_then(|onto| self.path_of(onto.expression?)) {
            self.set_path(&path, &path.fields.clone(), whole.clone());
        }
        Some(whole)
    }
}
