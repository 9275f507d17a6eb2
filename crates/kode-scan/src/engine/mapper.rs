//! MyBatis: an interface's method whose annotation is the statement. `#{name}` is
//! bound, `${name}` becomes part of the text.

use super::Engine;
use super::site::Site;
use super::value::Closure;
use crate::category::Category;
use crate::ir::{Function, Kind, Parameter};
use crate::model::Context;

/// Annotations that hold a statement.
const STATEMENTS: [&str; 4] = ["Select", "Insert", "Update", "Delete"];

impl Engine<'_> {
    /// Looks at the arguments that a called method's statement takes in as text.
    pub(super) fn mapped_statement(&mut self, closure: &Closure, site: &Site) {
        if self.unit(closure.file).language != kode_syntax::Language::Java {
            return;
        }
        let function = self.unit(closure.file).program.function(closure.function);
        if !function.body.is_empty() {
            return;
        }
        let mut names = self.taken_in_as_text(closure, function);
        names.extend(self.taken_in_by_file(closure, function));
        for (at, parameter) in function.parameters.iter().enumerate() {
            let own = self.parameter_name(closure, parameter);
            let value = site.value(at);
            for name in &names {
                let part = match name.split_once('.') {
                    Some((object, field)) if own.as_deref() == Some(object) => {
                        self.field_of(&value, &field.into(), None)
                    }
                    None if own.as_deref() == Some(name) => value.clone(),
                    // The only parameter, an object: its fields are named directly.
                    None if function.parameters.len() == 1 && value.is_tainted() => value.clone(),
                    _ => continue,
                };
                let place = (site.start, site.end);
                let name = "the mapper's statement";
                self.check(Category::SqlInjection, Context::Text, &part, place, name);
            }
        }
    }

    /// What stands in `${…}` of the method's statements.
    fn taken_in_as_text(&self, closure: &Closure, function: &Function) -> Vec<String> {
        let unit = self.unit(closure.file);
        let mut found = Vec::new();
        for decorator in &function.decorators {
            let Kind::Call(call) = &unit.program.expression(*decorator).kind else { continue };
            let callee = &unit.program.expression(call.callee).kind;
            if !matches!(callee, Kind::Global(name) if STATEMENTS.contains(&&**name)) {
                continue;
            }
            let at = unit.program.expression(*decorator);
            let text = unit.source.get(at.start as usize..at.end as usize).unwrap_or_default();
            let text = String::from_utf8_lossy(text);
            let parts = text.split("${").skip(1).filter_map(|part| part.split_once('}'));
            found.extend(parts.map(|(name, _)| name.trim().to_owned()));
        }
        found
    }

    /// What stands in `${…}` of the method's statement in a mapper's file.
    fn taken_in_by_file(&self, closure: &Closure, function: &Function) -> Vec<String> {
        let program = &self.unit(closure.file).program;
        let class = function.class.map(|class| &program.classes[class.0 as usize]);
        let interface = class.and_then(|class| class.name.as_deref()).unwrap_or_default();
        let method = function.name.as_deref().unwrap_or_default();
        self.mappers.taken_in(interface, method).to_vec()
    }

    /// What statements call a parameter: `@Param("name")`, or its own name.
    fn parameter_name(&self, closure: &Closure, parameter: &Parameter) -> Option<String> {
        let program = &self.unit(closure.file).program;
        let named = parameter.annotations.iter().find_map(|annotation| {
            let Kind::Call(call) = &program.expression(*annotation).kind else { return None };
            let is_name = matches!(&program.expression(call.callee).kind,
                Kind::Global(name) if &**name == "Param");
            let at = program.expression(call.arguments.first().filter(|_| is_name)?.value);
            let text = self.unit(closure.file).source.get(at.start as usize..at.end as usize)?;
            Some(std::str::from_utf8(text).ok()?.trim_matches('"').to_owned())
        });
        named.or_else(|| parameter.name.as_deref().map(str::to_owned))
    }
}
