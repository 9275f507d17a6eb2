//! Python's `configparser`: what is set under a section and an option is what is got there.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::ir::Name;

impl Engine<'_> {
    /// `parser.set(section, option, value)`, `parser.get(section, option)`.
    pub(super) fn setting(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let (object, _) = site.receiver.as_ref()?;
        let place = receiver.data().and_then(|data| data.place)?;
        if Some(place) != self.place("configparser.ConfigParser()") {
            return None;
        }
        let (section, option) = (site.value(0), site.value(1));
        let (section, option) = (section.known_text()?, option.known_text()?);
        let name = Name::from(format!("{section}\n{option}"));
        match &*site.method {
            "set" => {
                let path = self.path_of(*object)?;
                let changed = receiver.with_field(&name, site.value(2));
                self.set_path(&path, &path.fields.clone(), changed);
                Some(Value::default())
            }
            "get" => receiver.field(&name).cloned(),
            _ => None,
        }
    }
}
