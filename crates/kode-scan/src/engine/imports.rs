//! Imports: which file a specifier means, and imported names, which are the very
//! variables they import, so that what one file puts there another finds.

use kode_syntax::Language;

use super::Engine;
use super::value::{Data, Value};
use crate::ir::{ExprId, Kind, Name, Target, VariableId};
use crate::model::family;

/// Expressions of a module that may be a function itself: calls of larger ones,
/// the whole of a framework, are not followed.
const MODULE_SIZE_MAX: usize = 1_200;

impl Engine<'_> {
    /// The scanned file a module specifier means.
    pub(super) fn module_file(&mut self, specifier: &Name) -> Option<usize> {
        self.module_file_of(self.file, specifier)
    }

    fn module_file_of(&mut self, importer: usize, specifier: &Name) -> Option<usize> {
        let key = (importer, specifier.clone());
        if let Some(known) = self.modules.get(&key) {
            return *known;
        }
        let unit = self.unit(importer);
        let found = self.index.find(unit.language, unit.path, specifier, self.aliases);
        let found = found.filter(|found| *found != importer && !self.is_known_module(specifier));
        self.modules.insert(key, found);
        found
    }

    /// A project's own `http` folder is not `net/http`.
    fn is_known_module(&self, specifier: &str) -> bool {
        match family(self.unit(self.file).language) {
            "go" | "javascript" if !specifier.starts_with('.') => {
                self.place(&specifier.replace('.', "_")).is_some()
            }
            _ => false,
        }
    }

    /// The modules all of whose names a module gives as its own.
    pub(super) fn given_whole(&self, file: usize) -> Vec<usize> {
        let Some(unit) = &self.units[file] else { return Vec::new() };
        let names = match unit.language {
            Language::Python => &unit.program.star_imports,
            _ => &unit.program.star_exports,
        };
        let known = names.iter().filter_map(|name| *self.modules.get(&(file, name.clone()))?);
        known.collect()
    }

    /// Loads the modules all of whose names a module gives as its own.
    pub(super) fn load_given_whole(&mut self, file: usize) {
        let unit = self.unit(file);
        let names = match unit.language {
            Language::Python => &unit.program.star_imports,
            _ => &unit.program.star_exports,
        };
        for name in names {
            if let Some(module) = self.module_file_of(file, name) {
                self.load_module(module);
            }
        }
    }

    pub(super) fn imported(&mut self, path: &Name) -> Value {
        // What a component's template is about.
        if &**path == "$self" {
            return Value::new(Data { module: Some(self.file), ..Data::default() });
        }
        if let Some(file) = self.module_file(path) {
            self.load_module(file);
            if let Some(object) = self.module_object(file) {
                let slot = self.slot_in(file, object);
                return self.variables[slot].with(|data| data.module = Some(file));
            }
            return Value::new(Data { module: Some(file), ..Data::default() });
        }
        let language = self.unit(self.file).language;
        // `from . import sh` is the package's own, never the library of that name.
        if language == Language::Python && path.starts_with('.') {
            return Value::default();
        }
        let separated = if matches!(family(language), "javascript" | "go") {
            path.replace('.', "_")
        } else {
            path.to_string()
        };
        self.kind(&separated)
    }

    fn module_object(&self, file: usize) -> Option<VariableId> {
        let unit = self.units[file].as_ref()?;
        let is_small = unit.program.expressions.len() <= MODULE_SIZE_MAX;
        unit.program.module_object.filter(|_| is_small)
    }

    /// Makes names that an import binds the variables they import; false where the
    /// value has to be assigned as any other.
    pub(super) fn bind_import(&mut self, target: &Target, expression: ExprId) -> bool {
        let program = self.program();
        let (specifier, member) = match &program.expression(expression).kind {
            Kind::Import(specifier) => (specifier, None),
            Kind::Field(object, name) => match &program.expression(*object).kind {
                Kind::Import(specifier) => (specifier, Some(name)),
                _ => return false,
            },
            _ => return false,
        };
        if self.unit(self.file).language == Language::Go {
            return false;
        }
        let Some(file) = self.module_file(specifier) else { return false };
        self.load_module(file);
        match (target, member) {
            (Target::Variable(variable), Some(name)) => {
                let slot = self.export_slot(file, name, 0);
                self.link(*variable, slot)
            }
            (Target::Variable(variable), None) => {
                let object = self.module_object(file);
                let slot = object.map(|object| self.slot_in(file, object));
                self.link(*variable, slot)
            }
            // `const { jobs } = require('./queue')`
            (Target::Record(entries), None) => {
                for (name, inner) in entries {
                    let slot = self.export_slot(file, name, 0);
                    let is_linked = matches!(inner, Target::Variable(id) if self.link(*id, slot));
                    if !is_linked {
                        let value = self.imported(specifier);
                        let part = self.field_of(&value, name, None);
                        self.assign(inner, part, Some(expression));
                    }
                }
                !entries.iter().any(|(name, _)| &**name == "...")
            }
            _ => false,
        }
    }

    /// Lets a variable of this file stand for another.
    fn link(&mut self, variable: VariableId, slot: Option<usize>) -> bool {
        let own = self.offsets[self.file] + variable.0 as usize;
        let Some(slot) = slot.filter(|slot| *slot != own) else { return false };
        self.links[own] = slot as u32;
        true
    }

    /// The variable behind a name that a module exports.
    fn export_slot(&mut self, file: usize, name: &Name, depth: usize) -> Option<usize> {
        let program = &self.units[file].as_ref()?.program;
        if let Some(variable) = program.exports.get(name) {
            let slot = self.slot_in(file, *variable);
            let Some(object) = program.module_object else { return Some(slot) };
            // CommonJS: the variable of this name, where that is what is exported.
            let object = &self.variables[self.slot_in(file, object)];
            let shown = object.field(name).filter(|shown| !shown.is_unknown());
            return shown.filter(|shown| shown.same(&self.variables[slot])).map(|_| slot);
        }
        if &**name == "default" && self.module_object(file).is_some() {
            return Some(self.slot_in(file, program.module_object?));
        }
        if depth >= super::LINKS_MAX {
            return None;
        }
        let given = self.given_whole(file);
        given.into_iter().find_map(|file| self.export_slot(file, name, depth + 1))
    }

    /// Python: a module below a package, `from .util import net` or `shop.data.store`.
    pub(super) fn submodule(&mut self, object: ExprId, name: &Name, at: ExprId) -> Option<Value> {
        let unit = self.unit(self.file);
        if unit.language != Language::Python {
            return None;
        }
        let path = match &unit.program.expression(object).kind {
            Kind::Import(package) if package.ends_with('.') => format!("{package}{name}"),
            Kind::Import(package) => format!("{package}.{name}"),
            _ if unit.program.submodules.is_empty() => return None,
            _ => {
                let root = self.root_name(object)?;
                let is_root = |whole: &Name| whole.split('.').next() == Some(root);
                unit.program.submodules.iter().find(|whole| is_root(whole))?;
                let path = self.dotted(at)?;
                let begins = |whole: &Name| {
                    whole.strip_prefix(&*path).is_some_and(|r| r.is_empty() || r.starts_with('.'))
                };
                unit.program.submodules.iter().any(begins).then_some(path)?
            }
        };
        let path = Name::from(path);
        self.module_file(&path)?;
        Some(self.imported(&path))
    }

    /// The name that a chain of members begins with.
    fn root_name(&self, expression: ExprId) -> Option<&str> {
        let mut at = expression;
        loop {
            match &self.program().expression(at).kind {
                Kind::Variable(id) => return Some(&self.program().variables[id.0 as usize]),
                Kind::Field(object, _) => at = *object,
                _ => return None,
            }
        }
    }

    /// `a.b.c` as text.
    fn dotted(&self, expression: ExprId) -> Option<String> {
        match &self.program().expression(expression).kind {
            Kind::Variable(variable) => {
                Some(self.program().variables[variable.0 as usize].to_string())
            }
            Kind::Field(object, name) => Some(format!("{}.{name}", self.dotted(*object)?)),
            _ => None,
        }
    }
}
