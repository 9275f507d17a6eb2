//! Who implements a method that its class only asks for: Java's and TypeScript's
//! interfaces, abstract classes, Go's interfaces, whose implementations no one declares.

use kode_syntax::Language;

use super::Engine;
use super::value::Closure;
use crate::ir::{ClassId, Function, FunctionId, Kind, Name, Program, Statement};

/// Implementations of one method that are followed.
const IMPLEMENTERS_MAX: usize = 4;

impl Engine<'_> {
    /// The methods that run where one is called that its class only asks for: those of
    /// the classes that name its class as their base.
    pub(super) fn implementations(&self, closure: &Closure) -> Vec<Closure> {
        let unit = self.unit(closure.file);
        let function = unit.program.function(closure.function);
        let Some(name) = &function.name else { return Vec::new() };
        // What was found is one of those of an interface.
        let this = closure.this.as_deref().and_then(|this| this.data()?.instance);
        if let Some(class) = this
            && function.class.is_none_or(|own| (closure.file, own) != class)
            && unit.language != Language::Java
            && !self.lineage(class).iter().any(|class| self.own_method(*class, name).is_some())
        {
            return self.implementers(class, name);
        }
        match function.class {
            Some(class) if is_asked_for(&unit.program, function) => {
                self.implementers((closure.file, class), name)
            }
            _ => Vec::new(),
        }
    }

    /// A method of a class that asks for it: that of some class which implements it.
    pub(super) fn implementer(
        &self,
        class: (usize, ClassId),
        name: &Name,
    ) -> Option<(usize, FunctionId)> {
        let found = self.implementers(class, name).into_iter().next()?;
        Some((found.file, found.function))
    }

    fn implementers(&self, class: (usize, ClassId), name: &Name) -> Vec<Closure> {
        if self.unit(class.0).language == Language::Go {
            return self.go_implementers(class, name);
        }
        let Some(base) = self.class(class).name.clone() else { return Vec::new() };
        let implement = |class: &(usize, ClassId)| {
            let (file, function) = self.own_method(*class, name)?;
            let this = Some(Box::new(self.instance_of(*class)));
            Some(Closure { file, function, this })
        };
        let family = crate::model::family(self.unit(class.0).language);
        let same = |other: &&(usize, ClassId)| {
            crate::model::family(self.unit(other.0).language) == family && **other != class
        };
        let known = self.index.implementers(&base).iter().filter(same);
        known.filter_map(implement).take(IMPLEMENTERS_MAX).collect()
    }

    /// Go: the types that have all the methods an interface asks for.
    fn go_implementers(&self, interface: (usize, ClassId), name: &Name) -> Vec<Closure> {
        let required = &self.class(interface).required;
        if !required.contains(name) {
            return Vec::new();
        }
        let has_all = |owner: (&str, &str)| {
            required.iter().all(|name| self.index.methods(name).iter().any(|m| m.owner == owner))
        };
        let fitting = self.index.methods(name).iter().filter(|method| has_all(method.owner));
        fitting
            .map(|method| {
                let (file, function) = method.at;
                let class = self.go_class(method.owner);
                let this = class.map(|class| Box::new(self.instance_of(class)));
                Closure { file, function, this }
            })
            .take(IMPLEMENTERS_MAX)
            .collect()
    }

    /// The type of a Go package by its name.
    fn go_class(&self, (folder, name): (&str, &str)) -> Option<(usize, ClassId)> {
        self.index.package(folder).iter().find_map(|file| {
            let classes = &self.unit(*file).program.classes;
            let at = classes.iter().position(|class| class.name.as_deref() == Some(name))?;
            Some((*file, ClassId(at as u32)))
        })
    }

    /// Go: a method that another file of the package declares.
    pub(super) fn go_method(
        &self,
        (file, id): (usize, ClassId),
        name: &str,
    ) -> Option<(usize, FunctionId)> {
        let unit = self.unit(file);
        if unit.language != Language::Go {
            return None;
        }
        let own = self.class((file, id)).name.as_deref()?;
        let owner = (super::folder_of(unit.path), own);
        let found = self.index.methods(name).iter().find(|method| method.owner == owner)?;
        Some(found.at)
    }

    /// The class whose method a function is; in Go its type may be in another file.
    pub(super) fn class_of(&self, file: usize, function: &Function) -> Option<(usize, ClassId)> {
        if let Some(class) = function.class {
            return Some((file, class));
        }
        let receiver = function.receiver.as_deref()?;
        self.go_class((super::folder_of(self.unit(file).path), receiver))
    }
}

/// Whether a method is only asked for: it has no body, or one that does nothing but
/// say so.
fn is_asked_for(program: &Program, function: &Function) -> bool {
    let says_nothing = |statement: &Statement| match statement {
        Statement::Throw(_) => true,
        Statement::Expression(expression) => match &program.expression(*expression).kind {
            Kind::Text(_) => true,
            Kind::Mixed(parts) => parts.is_empty(),
            _ => false,
        },
        _ => false,
    };
    function.body.len() <= 2 && function.body.iter().all(says_nothing)
}
