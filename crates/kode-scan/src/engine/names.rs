//! Names that other files give: what modules export, what packages declare, Java's
//! classes by their imports.

use super::Engine;
use super::value::{Data, Path, Value};
use crate::ir::{ClassId, ExprId, Kind, Name};
use crate::lower::HIDDEN;

impl Engine<'_> {
    /// What a package's files declare under a name.
    fn in_package(&mut self, folder: &str, name: &Name, from: Option<usize>) -> Option<Value> {
        let (file, variable) = self.index.in_package(folder, name)?;
        if Some(file) == from {
            return None;
        }
        self.load_module(file);
        let value = self.variables[self.slot_in(file, variable)].clone();
        Some(value).filter(|value| !value.is_unknown())
    }

    /// Where a Go package's other file declares a variable.
    pub(super) fn package_variable(&mut self, name: &Name) -> Option<Path> {
        let unit = self.unit(self.file);
        if unit.language != kode_syntax::Language::Go {
            return None;
        }
        let (file, variable) = self.index.in_package(super::folder_of(unit.path), name)?;
        self.load_module(file);
        Some(Path { file, variable, fields: Vec::new() })
    }

    /// The variable of another file that `module.name` is.
    pub(super) fn module_member(&mut self, object: ExprId, name: &Name) -> Option<Path> {
        let Kind::Variable(variable) = self.program().expression(object).kind else { return None };
        let value = self.read(variable);
        let data = value.data().filter(|data| data.fields.is_none())?;
        let file = data.module?;
        let unit = self.unit(file);
        if unit.language == kode_syntax::Language::Go {
            let (file, variable) = self.index.in_package(super::folder_of(unit.path), name)?;
            return Some(Path { file, variable, fields: Vec::new() });
        }
        let variable = unit.program.exports.get(name).copied();
        let variable = variable.filter(|_| unit.program.module_object.is_none())?;
        Some(Path { file, variable, fields: Vec::new() })
    }

    /// What a Go package gives under a name.
    pub(super) fn of_package(&mut self, value: &Value, name: &Name) -> Option<Value> {
        let file = value.data()?.module?;
        let unit = self.unit(file);
        if unit.language != kode_syntax::Language::Go {
            return None;
        }
        self.in_package(super::folder_of(unit.path), name, None)
    }

    /// What a module exports under a name.
    pub(super) fn exported(&self, file: usize, name: &Name) -> Value {
        self.exported_by(file, name, 0)
    }

    fn exported_by(&self, file: usize, name: &Name, depth: usize) -> Value {
        let Some(unit) = &self.units[file] else { return Value::default() };
        let program = &unit.program;
        if let Some(variable) = program.exports.get(name) {
            let value = self.variables[self.slot_in(file, *variable)].clone();
            if !value.is_unknown() {
                return value;
            }
        }
        let module = program.module_object;
        let module = module.map(|variable| self.variables[self.slot_in(file, variable)].clone());
        let given = match module {
            Some(object) if &**name == "default" => object,
            // The object may be marked as this very module.
            Some(object) => {
                let object = object.with(|data| data.module = None);
                self.field_of(&object, name, None)
            }
            None => Value::default(),
        };
        if !given.is_unknown() || depth >= super::LINKS_MAX {
            return given;
        }
        self.given_whole(file)
            .into_iter()
            .map(|file| self.exported_by(file, name, depth + 1))
            .find(|value| !value.is_unknown())
            .unwrap_or_default()
    }

    /// A global name that another file of the same package declares.
    pub(super) fn elsewhere(&mut self, name: &Name) -> Option<Value> {
        let unit = self.unit(self.file);
        if unit.language == kode_syntax::Language::Go {
            return self.in_package(super::folder_of(unit.path), name, Some(self.file));
        }
        let class = self.class_elsewhere(self.file, name)?;
        self.load(class.0);
        Some(Value::new(Data { class: Some(class), ..Data::default() }))
    }

    /// The class of another file that a name means in a Java file: the imported one, one
    /// of the same package, one of a package that is imported whole. A name that nothing
    /// explains is the only class of that name, if the models know none.
    pub(super) fn class_elsewhere(&self, from: usize, name: &str) -> Option<(usize, ClassId)> {
        let unit = self.unit(from);
        if unit.language != kode_syntax::Language::Java {
            return None;
        }
        let whole = name.strip_prefix(HIDDEN);
        let simple = whole.unwrap_or(name).rsplit('.').next().unwrap_or(name);
        let candidates = self.index.java_classes(simple);
        let mut others = candidates.iter().copied().filter(|(file, _)| *file != from);
        let package = |(file, _): &(usize, ClassId)| {
            self.unit(*file).program.package.as_deref().unwrap_or_default()
        };
        if let Some(whole) = whole {
            // The rest of the name is a package, or one with outer classes.
            let fits = |package: &str| {
                let rest = whole.strip_prefix(package);
                rest.is_some_and(|rest| package.is_empty() || rest.starts_with('.'))
            };
            return others
                .filter(|class| fits(package(class)))
                .max_by_key(|class| package(class).len());
        }
        let own = unit.program.package.as_deref().unwrap_or_default();
        if let Some(same) = others.clone().find(|class| package(class) == own) {
            return Some(same);
        }
        let stars = &unit.program.star_imports;
        let imported =
            |class: &(usize, ClassId)| stars.iter().any(|star| **star == *package(class));
        if let Some(found) = others.clone().find(imported) {
            return Some(found);
        }
        let only = others.next().filter(|_| others.next().is_none())?;
        let is_known = self.place(&format!("global.{simple}")).is_some();
        (!is_known).then_some(only)
    }

    /// A bare name in a Java class: a member that the class inherits from another file's,
    /// or one of a class all of whose members are imported.
    pub(super) fn inherited_name(&mut self, name: &Name) -> Option<Value> {
        if self.unit(self.file).language != kode_syntax::Language::Java {
            return None;
        }
        if let Some(this) = self.this_around()
            && let Some(member) = self.class_member(&this, name)
        {
            return Some(member);
        }
        self.program().star_imports.iter().find_map(|star| {
            let (_, simple) = star.rsplit_once('.')?;
            simple.starts_with(|first: char| first.is_ascii_uppercase()).then_some(())?;
            let class = self.elsewhere(&Name::from(format!("{HIDDEN}{star}")))?;
            self.class_member(&class, name)
        })
    }

    /// The object whose method runs, or the one around it.
    pub(super) fn this_around(&self) -> Option<Value> {
        let frames = self.frames.iter().rev().filter(|frame| frame.file == self.file);
        let mut this = frames.filter_map(|frame| {
            let this = self.program().function(frame.function?).this?;
            Some(self.read(this))
        });
        this.next()
    }

    /// Loads the module a name comes from, before it is read.
    pub(super) fn load_module(&mut self, file: usize) {
        if self.frames.len() < super::CALL_DEPTH_MAX {
            self.load(file);
        }
    }
}
