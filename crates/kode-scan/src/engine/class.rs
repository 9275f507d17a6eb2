//! Classes, instances, and names other files give.

use std::collections::HashMap;

use super::Engine;
use super::site::Site;
use super::value::{Closure, Data, Value};
use crate::ir::{Class, ClassId, ExprId, FunctionId, Kind, Name};

/// Inheritance looked up this far.
const BASES_MAX: usize = 6;
/// Implementations of one method that are followed.
const IMPLEMENTERS_MAX: usize = 4;

impl Engine<'_> {
    fn class(&self, (file, id): (usize, ClassId)) -> &Class {
        &self.unit(file).program.classes[id.0 as usize]
    }

    /// A class expression: its static fields are set, its methods are created.
    pub(super) fn class_value(&mut self, id: ClassId) -> Value {
        let file = self.file;
        let program = self.program();
        let class = &program.classes[id.0 as usize];
        for field in &class.fields {
            let initial = field.value.map(|value| self.evaluate(value)).unwrap_or_default();
            let value = match field.declared {
                Some(declared) => self.typed(declared, initial),
                None => initial,
            };
            if !value.is_unknown() {
                let known = self.class_fields.entry((file, id)).or_default();
                known.entry(field.name.clone()).or_insert(value);
            }
        }
        for base in &class.bases {
            let base = self.evaluate(*base);
            self.note_base((file, id), &base);
        }
        if let Some(frame) = self.frames.last_mut() {
            // Constructors first: they set the fields the methods read.
            let is_constructor = |function: &&FunctionId| {
                matches!(
                    program.function(**function).name.as_deref(),
                    Some("constructor" | "__init__" | "<init>")
                )
            };
            let (first, rest): (Vec<FunctionId>, Vec<FunctionId>) =
                class.methods.iter().partition(|function| is_constructor(function));
            frame.created.extend(first.into_iter().chain(rest).map(|function| (file, function)));
        }
        Value::new(Data { class: Some((file, id)), ..Data::default() })
    }

    /// Remembers which framework's class a class derives from.
    fn note_base(&mut self, class: (usize, ClassId), base: &Value) {
        let Some(data) = base.data() else { return };
        let inherited = data.class.and_then(|base| self.class_places.get(&base).copied());
        let place = data.place.and_then(|place| self.models.step(place, "()"));
        if let Some(place) = inherited.or(place) {
            self.class_places.insert(class, place);
        }
    }

    /// The function behind a member that is read like a field: `@property`.
    pub(super) fn property(&self, member: &Value) -> Option<Closure> {
        let closure = member.data()?.function.as_ref()?;
        let program = &self.unit(closure.file).program;
        let decorators = &program.function(closure.function).decorators;
        let is_one = decorators.iter().any(|decorator| {
            let name = match &program.expression(*decorator).kind {
                Kind::Global(name) | Kind::Field(_, name) => name,
                Kind::Variable(variable) => &program.variables[variable.0 as usize],
                _ => return false,
            };
            matches!(&**name, "property" | "cached_property")
        });
        is_one.then(|| closure.clone())
    }

    /// Whether a field of a class is declared to be a number or the like.
    pub(super) fn is_number_field(&self, value: &Value, name: &Name) -> bool {
        let Some(class) = value.data().and_then(|data| data.instance) else { return false };
        let program = &self.unit(class.0).program;
        let field = self.class(class).fields.iter().find(|field| field.name == *name);
        let declared = field.and_then(|field| field.declared);
        declared.is_some_and(|declared| match &program.expression(declared).kind {
            Kind::Global(name) => super::expression::is_harmless_type(name),
            _ => false,
        })
    }

    /// A member that an instance has from the framework's class it derives from.
    pub(super) fn inherited_member(
        &self,
        value: &Value,
        name: &Name,
        at: Option<ExprId>,
    ) -> Option<Value> {
        let class = value.data()?.instance?;
        let place = *self.class_places.get(&class)?;
        let found = self.models.step(place, name)?;
        Some(self.place_field(found, value, at))
    }

    /// An instance of a class.
    pub(super) fn instance_of(&self, class: (usize, ClassId)) -> Value {
        Value::new(Data { instance: Some(class), ..Data::default() })
    }

    /// `new Class(…)`: its constructor runs with the arguments.
    pub(super) fn construct(&mut self, class: (usize, ClassId), site: &Site) -> Value {
        let instance = self.instance_of(class);
        let mut has_constructor = false;
        for name in ["constructor", "__init__", "<init>"] {
            if let Some(function) = self.method(class, name) {
                has_constructor = true;
                let this = instance.clone();
                let closure = Closure { file: function.0, function: function.1, this: None };
                self.invoke(&closure, &site.given, Some(this), Some(site));
            }
        }
        use kode_syntax::Language::{Java, Python};
        // Python's data classes and Java's records.
        let takes_fields = matches!(self.unit(self.file).language, Python | Java);
        if !has_constructor && takes_fields {
            return self.fields_given(class, instance, site);
        }
        instance
    }

    /// `new Thing(…)` of a plain function: what it puts into `this`.
    pub(super) fn constructed(&mut self, closure: &Closure, site: &Site) -> Value {
        let empty = Value::record(std::collections::BTreeMap::new(), false);
        let function = self.unit(closure.file).program.function(closure.function);
        self.invoke(closure, &site.given, Some(empty), Some(site));
        match function.this {
            Some(this) => self.variables[self.offsets[closure.file] + this.0 as usize].clone(),
            None => Value::default(),
        }
    }

    /// A class that has no constructor of its own, as data classes: its fields are
    /// what it is handed; a framework's, such as a form, keeps the input.
    fn fields_given(&self, class: (usize, ClassId), instance: Value, site: &Site) -> Value {
        let mut instance = instance;
        let declared = &self.class(class).fields;
        let mut plain = declared.iter().map(|field| field.name.clone());
        let mut is_field = false;
        for given in &site.given {
            let is_data = self.class(class).bases.is_empty();
            let name = given.name.clone().or_else(|| plain.next().filter(|_| is_data));
            if let Some(name) = name.filter(|_| given.value.is_tainted()) {
                let is_number = self.is_number_field(&instance, &name);
                let value = if is_number { Value::default() } else { given.value.clone() };
                is_field |= declared.iter().any(|field| field.name == name);
                instance = instance.with_field(&name, value);
            }
        }
        if is_field || self.class(class).bases.is_empty() {
            return instance;
        }
        let kept = super::expression::mixed(&site.values());
        if !kept.is_tainted() {
            return instance;
        }
        let kept = Value::carrying(kept.taints().to_vec());
        instance.with_field(&Name::from("cleaned_data"), kept)
    }

    /// A method by name, in the class or what it extends.
    fn method(&self, class: (usize, ClassId), name: &str) -> Option<(usize, FunctionId)> {
        let mut current = Some(class);
        for _ in 0..BASES_MAX {
            let (file, id) = current?;
            if let Some(found) = self.own_method((file, id), name) {
                return Some(found);
            }
            current = self.base((file, id));
        }
        None
    }

    /// The methods that run where one without a body is called: those of the
    /// classes that name its class as their base.
    pub(super) fn implementations(&self, closure: &Closure) -> Vec<Closure> {
        let unit = self.unit(closure.file);
        let function = unit.program.function(closure.function);
        let (Some(class), Some(name), true, kode_syntax::Language::Java) =
            (function.class, &function.name, function.body.is_empty(), unit.language)
        else {
            return Vec::new();
        };
        let Some(base) = &unit.program.classes[class.0 as usize].name else { return Vec::new() };
        let known = self.implementers.get(base).map_or(&[][..], Vec::as_slice);
        let implement = |class: &(usize, ClassId)| {
            let (file, function) = self.own_method(*class, name)?;
            let this = Some(Box::new(self.instance_of(*class)));
            Some(Closure { file, function, this })
        };
        known.iter().filter_map(implement).take(IMPLEMENTERS_MAX).collect()
    }

    /// Go: the method that an interface's only implementation here has; which
    /// types implement it is not declared anywhere.
    fn go_implementation(
        &self,
        (file, id): (usize, ClassId),
        name: &str,
    ) -> Option<(usize, FunctionId)> {
        let unit = self.unit(file);
        let class = self.class((file, id));
        let is_interface = class.methods.is_empty() && class.fields.is_empty();
        if unit.language != kode_syntax::Language::Go || !is_interface {
            return None;
        }
        let folder = super::folder_of(unit.path);
        let mut found = self.index.package(folder).iter().flat_map(|file| {
            let program = &self.unit(*file).program;
            let methods = program.classes.iter().flat_map(|class| &class.methods);
            let named = methods
                .filter(|function| program.function(**function).name.as_deref() == Some(name));
            named.map(|function| (*file, *function))
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    fn own_method(&self, (file, id): (usize, ClassId), name: &str) -> Option<(usize, FunctionId)> {
        let program = &self.unit(file).program;
        let mut methods = self.class((file, id)).methods.iter();
        let found =
            methods.find(|function| program.function(**function).name.as_deref() == Some(name))?;
        Some((file, *found))
    }

    /// Whether a class is an enumeration: its values are known texts.
    pub(super) fn is_enumeration(&self, (file, id): (usize, ClassId)) -> bool {
        let program = &self.unit(file).program;
        self.class((file, id)).bases.iter().any(|base| {
            let name = match &program.expression(*base).kind {
                Kind::Field(_, name) | Kind::Global(name) => name,
                Kind::Variable(variable) => &program.variables[variable.0 as usize],
                _ => return false,
            };
            matches!(&**name, "Enum" | "IntEnum" | "StrEnum" | crate::lower::ENUMERATION)
        })
    }

    /// The class a class extends, where it is in the scanned files.
    fn base(&self, (file, id): (usize, ClassId)) -> Option<(usize, ClassId)> {
        let base = *self.class((file, id)).bases.first()?;
        let program = &self.unit(file).program;
        match &program.expression(base).kind {
            Kind::Variable(variable) => {
                self.variables[self.offsets[file] + variable.0 as usize].data()?.class
            }
            Kind::Global(name) => self.class_elsewhere(file, name),
            _ => None,
        }
    }

    /// A field or method of an instance or class.
    pub(super) fn class_member(&self, value: &Value, name: &Name) -> Option<Value> {
        let data = value.data()?;
        let class = data.instance.or(data.class)?;
        let mut current = Some(class);
        for _ in 0..BASES_MAX {
            let Some(at) = current else { break };
            let field = self.class_fields.get(&at).and_then(|fields| fields.get(name));
            // An object made of input (a request's body) holds it wherever nothing
            // else is known.
            let says_nothing = |field: &&Value| field.is_unknown() && !data.taints.is_empty();
            if let Some(field) = field.filter(|field| !says_nothing(field)) {
                return Some(field.clone());
            }
            current = self.base(at);
        }
        let found = self.method(class, name);
        let (file, function) = found.or_else(|| self.go_implementation(class, name))?;
        let this = data.instance.map(|_| Box::new(value.clone()));
        Some(Value::new(Data {
            function: Some(Closure { file, function, this }),
            ..Data::default()
        }))
    }

    /// Remembers what a method puts in a field of its own instance, for the
    /// other methods: whichever of the values it had.
    pub(super) fn remember_class_field(&mut self, object: ExprId, name: &Name, value: &Value) {
        let Kind::Variable(variable) = self.program().expression(object).kind else { return };
        let Some(class) = self.read(variable).data().and_then(|data| data.instance) else { return };
        let fields: &mut HashMap<Name, Value> = self.class_fields.entry(class).or_default();
        // What methods gave before the field held input says nothing any more.
        if value.is_tainted() && !fields.get(name).is_some_and(Value::is_tainted) {
            self.summaries.clear();
        }
        let joined = match fields.get(name) {
            Some(before) if before.is_unknown() => value.clone(),
            Some(before) => before.join(value),
            None => value.clone(),
        };
        fields.insert(name.clone(), joined);
    }

    /// The scanned file a module specifier means.
    pub(super) fn module_file(&mut self, specifier: &Name) -> Option<usize> {
        let key = (self.file, specifier.clone());
        if let Some(known) = self.modules.get(&key) {
            return *known;
        }
        let importer = self.unit(self.file);
        let found = self.index.find(importer.language, importer.path, specifier);
        let found = found.filter(|found| *found != self.file);
        self.modules.insert(key, found);
        found
    }

    /// What a package's files declare under a name.
    fn in_package(&mut self, folder: &str, name: &Name, from: Option<usize>) -> Option<Value> {
        let files = self.index.package(folder).to_vec();
        for file in files.into_iter().filter(|file| Some(*file) != from) {
            let variable = self.unit(file).program.exports.get(name).copied();
            if let Some(variable) = variable {
                self.load_module(file);
                let value = self.variables[self.offsets[file] + variable.0 as usize].clone();
                return Some(value).filter(|value| !value.is_unknown());
            }
        }
        None
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
        let Some(unit) = &self.units[file] else { return Value::default() };
        let program = &unit.program;
        if let Some(variable) = program.exports.get(name) {
            let value = self.variables[self.offsets[file] + variable.0 as usize].clone();
            if !value.is_unknown() {
                return value;
            }
        }
        let module = program.module_object;
        let module =
            module.map(|variable| self.variables[self.offsets[file] + variable.0 as usize].clone());
        match module {
            Some(object) if &**name == "default" => object,
            Some(object) => self.field_of(&object, name, None),
            None => Value::default(),
        }
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

    fn class_elsewhere(&self, from: usize, name: &str) -> Option<(usize, ClassId)> {
        if self.unit(from).language != kode_syntax::Language::Java {
            return None;
        }
        self.java_classes.get(name).copied().filter(|(file, _)| *file != from)
    }

    /// Loads the module a name comes from, before it is read.
    pub(super) fn load_module(&mut self, file: usize) {
        if self.frames.len() < super::CALL_DEPTH_MAX {
            self.load(file);
        }
    }
}
