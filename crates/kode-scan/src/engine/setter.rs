//! Fields that run a function when they are set: setters of classes and objects, and
//! those that are defined on an object later.

use super::Engine;
use super::site::{Given, Site};
use super::value::{Closure, Value};
use crate::ir::{ExprId, Name, SETTER};

impl Engine<'_> {
    /// Runs the setter of a field; false where it has none.
    pub(super) fn set_by_function(&mut self, object: ExprId, name: &Name, value: &Value) -> bool {
        if !self.has_setters || name.starts_with('@') {
            return false;
        }
        let owner = self.evaluate(object);
        let Some(closure) = self.setter_of(&owner, name) else { return false };
        let function = self.unit(closure.file).program.function(closure.function);
        // A setter that sets what it stands for.
        if self
            .frames
            .iter()
            .any(|frame| (frame.file, frame.function) == (closure.file, Some(closure.function)))
        {
            return false;
        }
        let at = self.program().expression(object);
        let text = format!("it is set as `{name}`");
        let value = value.stepped(self.file, at.start, at.end, &text);
        let this = function.this;
        let given = Given { name: None, value, expression: None };
        self.invoke(&closure, &[given], Some(owner.clone()), None);
        let after = this.map(|this| self.variables[self.slot_in(closure.file, this)].clone());
        if let (Some(after), Some(path)) = (after, self.path_of(object))
            && !after.is_unknown()
            && !after.same(&owner)
        {
            self.set_path(&path, &path.fields.clone(), after);
        }
        true
    }

    fn setter_of(&self, owner: &Value, name: &Name) -> Option<Closure> {
        owner.data().filter(|data| data.instance.is_some() || data.fields.is_some())?;
        let setter = Name::from(format!("{SETTER}{name}"));
        let own = owner.field(&setter).cloned();
        let found = own.or_else(|| self.class_member(owner, &setter))?;
        found.data()?.function.clone()
    }

    /// `Object.defineProperty(object, name, { set, get, value })`.
    pub(super) fn defined_property(&mut self, site: &Site) -> Option<Value> {
        let object = site.argument(0)?;
        let name = super::constant::key_of(&site.value(1))?;
        let described = site.value(2);
        if let Some(value) = described.field("value").cloned() {
            self.assign_field(object, &Name::from(name.as_str()), value);
        }
        let setter = described.field("set").or_else(|| described.field("@set set")).cloned();
        if let Some(setter) = setter {
            self.has_setters = true;
            self.assign_field(object, &Name::from(format!("{SETTER}{name}")), setter);
        }
        None
    }
}
