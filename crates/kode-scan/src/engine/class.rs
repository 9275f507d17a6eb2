//! Classes, instances and their members, inherited ones too.

use std::collections::HashMap;

use super::Engine;
use super::site::Site;
use super::value::{Closure, Data, Value};
use crate::ir::{Class, ClassId, ExprId, FunctionId, Kind, Name};

/// Inheritance looked up this far.
const BASES_MAX: usize = 6;
/// What languages call a class's constructor.
const CONSTRUCTORS: [&str; 3] = ["constructor", "__init__", "<init>"];

impl Engine<'_> {
    pub(super) fn class(&self, (file, id): (usize, ClassId)) -> &Class {
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
            let value = if field.fixed { value } else { value.loosened() };
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
                let name = program.function(**function).name.as_deref();
                name.is_some_and(|name| CONSTRUCTORS.contains(&name))
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
            Kind::Global(name) if super::expression::is_harmless_type(name) => true,
            Kind::Global(name) => self.names_enumeration(class.0, name),
            Kind::Variable(variable) => {
                self.names_enumeration(class.0, &program.variables[variable.0 as usize])
            }
            _ => false,
        })
    }

    /// Whether a file's class of this name lists all of its values.
    fn names_enumeration(&self, file: usize, name: &Name) -> bool {
        let classes = &self.unit(file).program.classes;
        let at = classes.iter().position(|class| class.name.as_ref() == Some(name));
        at.is_some_and(|at| self.is_enumeration((file, ClassId(at as u32))))
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

    /// Whether a variable is the `this` of a function that has returned: what its object
    /// had in its fields then, others may have changed.
    pub(super) fn is_left_behind(&self, variable: crate::ir::VariableId) -> bool {
        &*self.program().variables[variable.0 as usize] == "this"
            && !self.frames.iter().any(|frame| {
                let function = frame.function.map(|function| (frame.file, function));
                function.is_some_and(|(file, function)| {
                    file == self.file && self.program().function(function).this == Some(variable)
                })
            })
    }

    /// An instance of a class.
    pub(super) fn instance_of(&self, class: (usize, ClassId)) -> Value {
        Value::new(Data { instance: Some(class), ..Data::default() })
    }

    /// An instance that something outside makes and hands over (Nest's providers): its
    /// constructor sets the fields that its methods read, though nobody here calls it.
    pub(super) fn provided(&mut self, class: (usize, ClassId)) {
        let is_elsewhere = class.0 != self.file;
        if !is_elsewhere || crate::model::family(self.unit(class.0).language) != "javascript" {
            return;
        }
        let Some((file, function)) = self.own_method(class, "constructor") else { return };
        if self.entered.insert((file, function)) {
            self.run_callback(&Closure { file, function, this: None }, None);
        }
    }

    /// `new Class(…)`: its constructor runs with the arguments.
    pub(super) fn construct(&mut self, class: (usize, ClassId), site: &Site) -> Value {
        let instance = self.made_of(class, site);
        let mut has_constructor = false;
        for name in CONSTRUCTORS {
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
        if !has_constructor && self.is_javascript() {
            self.error_text(&instance, &site.value(0));
        }
        if !has_constructor && takes_fields {
            return self.fields_given(class, instance, site);
        }
        instance
    }

    /// An instance about to be made. Java: of nothing that is input, or holds any, it holds
    /// none in its final fields, whatever other instances have there.
    fn made_of(&self, class: (usize, ClassId), site: &Site) -> Value {
        let instance = self.instance_of(class);
        let in_java = self.unit(class.0).language == kode_syntax::Language::Java;
        let brings = |value: &Value| {
            value.is_tainted()
                || value.data().is_some_and(|data| {
                    data.function.is_some() || data.place.is_some() || data.instance.is_some()
                })
        };
        let is_fresh = in_java
            && !site.given.is_empty()
            && !site.given.iter().any(|given| brings(&given.value));
        if is_fresh { instance.with(|data| data.fresh = true) } else { instance }
    }

    /// Whether an instance has other final fields than some of its class, which hold input.
    pub(super) fn differs(&self, instance: &Value) -> bool {
        let data = instance.data().filter(|data| data.fresh);
        let Some(class) = data.and_then(|data| data.instance) else { return false };
        self.class_fields.get(&class).is_some_and(|fields| {
            fields.iter().any(|(name, field)| field.is_tainted() && self.is_final(class, name))
        })
    }

    /// Whether only a constructor can have set a field, to what nothing is put into later.
    fn is_final(&self, class: (usize, ClassId), name: &Name) -> bool {
        const UNCHANGING: [&str; 5] = ["String", "File", "Path", "URI", "URL"];
        let expressions = &self.unit(class.0).program;
        let is_unchanging = |declared: ExprId| match &expressions.expression(declared).kind {
            Kind::Global(name) => UNCHANGING.contains(&&**name),
            _ => false,
        };
        self.class(class).fields.iter().any(|field| {
            let is_it = field.fixed && field.value.is_none() && field.name == *name;
            is_it && field.declared.is_some_and(is_unchanging)
        })
    }

    /// `super`: the instance whose method runs, seen as what the method's class extends.
    pub(super) fn super_value(&self) -> Option<Value> {
        let mut frames = self.frames.iter().rev().filter(|frame| frame.file == self.file);
        let (this, class) = frames.find_map(|frame| {
            let function = self.program().function(frame.function?);
            Some((self.read(function.this?), (self.file, function.class?)))
        })?;
        let base = self.bases(class).first().copied()?;
        Some(this.with(|data| {
            data.instance = data.instance.or(Some(class));
            data.class = Some(base);
        }))
    }

    /// `super(…)`: the constructor of what the class extends, for the same instance.
    pub(super) fn super_constructor(&mut self, site: &Site) -> Option<Value> {
        let data = site.callee.data().filter(|data| data.instance.is_some())?;
        let base = data.class?;
        let this = site.callee.with(|data| data.class = None);
        for name in CONSTRUCTORS {
            if let Some((file, function)) = self.method(base, name) {
                let closure = Closure { file, function, this: None };
                self.invoke(&closure, &site.given, Some(this.clone()), Some(site));
            }
        }
        Some(Value::default())
    }

    /// `new Thing(…)` of a plain function: what it puts into `this`.
    pub(super) fn constructed(&mut self, closure: &Closure, site: &Site) -> Value {
        // What was put on its prototype.
        let methods = site.callee.field("prototype").and_then(Value::data);
        let methods = methods.and_then(|data| data.fields.as_deref()).cloned();
        let empty = Value::record(methods.unwrap_or_default(), false);
        let function = self.unit(closure.file).program.function(closure.function);
        self.invoke(closure, &site.given, Some(empty), Some(site));
        match function.this {
            Some(this) => self.variables[self.slot_in(closure.file, this)].clone(),
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
        let mut kept = Value::carrying(kept.taints().to_vec());
        for field in declared.iter().filter(|field| self.is_converted(class.0, field.value)) {
            kept = kept.with_field(&field.name, Value::new(Data::default()));
        }
        instance.with_field(&Name::from("cleaned_data"), kept)
    }

    /// A form's field that gives a number, a date or one of its choices.
    fn is_converted(&self, file: usize, field: Option<ExprId>) -> bool {
        const CONVERTING: [&str; 11] = [
            "IntegerField",
            "FloatField",
            "DecimalField",
            "BooleanField",
            "NullBooleanField",
            "DateField",
            "DateTimeField",
            "TimeField",
            "DurationField",
            "UUIDField",
            "ChoiceField",
        ];
        let program = &self.unit(file).program;
        let Some(Kind::Call(call)) = field.map(|field| &program.expression(field).kind) else {
            return false;
        };
        let name = match &program.expression(call.callee).kind {
            Kind::Field(_, name) | Kind::Global(name) => name,
            Kind::Variable(variable) => &program.variables[variable.0 as usize],
            _ => return false,
        };
        CONVERTING.contains(&&**name)
    }

    /// A method by name, in the class or what it extends.
    fn method(&self, class: (usize, ClassId), name: &str) -> Option<(usize, FunctionId)> {
        if let Some(own) = self.own_method(class, name) {
            return Some(own);
        }
        if self.class(class).bases.is_empty() {
            return None;
        }
        let lineage = self.lineage(class);
        lineage.into_iter().skip(1).find_map(|class| self.own_method(class, name))
    }

    pub(super) fn own_method(
        &self,
        (file, id): (usize, ClassId),
        name: &str,
    ) -> Option<(usize, FunctionId)> {
        let program = &self.unit(file).program;
        let mut methods = self.class((file, id)).methods.iter();
        let found =
            methods.find(|function| program.function(**function).name.as_deref() == Some(name));
        match found {
            Some(found) => Some((file, *found)),
            None => self.go_method((file, id), name),
        }
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

    /// The classes a class extends or implements, where they are in the scanned files.
    fn bases(&self, (file, id): (usize, ClassId)) -> Vec<(usize, ClassId)> {
        let bases = self.class((file, id)).bases.iter();
        bases.filter_map(|base| self.named_class(file, *base)).collect()
    }

    /// The class that an expression of a file names.
    fn named_class(&self, file: usize, expression: ExprId) -> Option<(usize, ClassId)> {
        let program = &self.unit(file).program;
        match &program.expression(expression).kind {
            Kind::Variable(variable) => {
                let value = &self.variables[self.slot_in(file, *variable)];
                let own = || Some((file, *program.class_variables.get(variable)?));
                value.data().and_then(|data| data.class).or_else(own)
            }
            Kind::Global(name) => self.class_elsewhere(file, name),
            // `class Job(base.Job)`
            Kind::Field(object, name) => {
                let Kind::Variable(variable) = program.expression(*object).kind else {
                    return None;
                };
                let object = &self.variables[self.slot_in(file, variable)];
                self.field_of(object, name, None).data()?.class
            }
            // `Repository[User]`, `Mixin(Base)`
            Kind::Index(object, _) => self.named_class(file, *object),
            _ => None,
        }
    }

    /// A class and what it extends, nearest first.
    pub(super) fn lineage(&self, class: (usize, ClassId)) -> Vec<(usize, ClassId)> {
        let mut found = vec![class];
        let mut at = 0;
        while let Some(next) = found.get(at).copied().filter(|_| found.len() < BASES_MAX) {
            for base in self.bases(next) {
                if !found.contains(&base) {
                    found.push(base);
                }
            }
            at += 1;
        }
        found
    }

    /// A field or method of an instance or class.
    pub(super) fn class_member(&self, value: &Value, name: &Name) -> Option<Value> {
        let data = value.data()?;
        // `super`: the instance, seen as what its class extends.
        let is_super = data.instance.is_some() && data.class.is_some();
        let class = data.class.filter(|_| is_super).or(data.instance).or(data.class)?;
        if let Some(field) = self.field_of_class(class, data, name) {
            let is_column = data.instance.is_none() && field.is_tainted();
            return Some(if is_column && self.is_made_for_class(class, name) {
                Value::default()
            } else {
                field
            });
        }
        let found = self.method(class, name);
        let asked = || data.instance.and_then(|_| self.implementer(class, name));
        let Some((file, function)) = found.or_else(asked) else {
            return self.inner_class(class, name);
        };
        let this = data.instance.map(|_| match is_super {
            true => Box::new(value.with(|data| data.class = None)),
            false => Box::new(value.clone()),
        });
        Some(Value::new(Data {
            function: Some(Closure { file, function, this }),
            ..Data::default()
        }))
    }

    /// What a field of an instance is known to be.
    fn field_of_class(&self, class: (usize, ClassId), data: &Data, name: &Name) -> Option<Value> {
        // An object made of input (a request's body) holds it wherever nothing
        // else is known.
        let says_nothing = |field: &&Value| field.is_unknown() && !data.taints.is_empty();
        let known = |class: &(usize, ClassId)| {
            let field = self.class_fields.get(class)?.get(name);
            field.filter(|field| !says_nothing(field)).cloned()
        };
        if let Some(own) = known(&class) {
            let is_of_others = data.fresh && own.is_tainted() && self.is_final(class, name);
            return Some(if is_of_others { Value::default() } else { own });
        }
        if self.class(class).bases.is_empty() {
            return None;
        }
        self.lineage(class).iter().skip(1).find_map(known)
    }

    /// Python: what a class itself holds under a name is made for it (`Column(String)`), though
    /// its instances hold something else.
    fn is_made_for_class(&self, class: (usize, ClassId), name: &Name) -> bool {
        let unit = self.unit(class.0);
        let is_call = |value: crate::ir::ExprId| {
            matches!(unit.program.expression(value).kind, crate::ir::Kind::Call(_))
        };
        let mut fields = self.class(class).fields.iter();
        unit.language == kode_syntax::Language::Python
            && fields.any(|field| field.name == *name && field.value.is_some_and(is_call))
    }

    /// Java's `Outer.Inner`.
    fn inner_class(&self, (file, _): (usize, ClassId), name: &Name) -> Option<Value> {
        let unit = self.unit(file);
        if unit.language != kode_syntax::Language::Java
            || !name.starts_with(|first: char| first.is_ascii_uppercase())
        {
            return None;
        }
        let at = unit.program.classes.iter().position(|class| class.name.as_ref() == Some(name))?;
        Some(Value::new(Data { class: Some((file, ClassId(at as u32))), ..Data::default() }))
    }

    /// Remembers what a method puts in a field of its own instance, for the
    /// other methods: whichever of the values it had.
    pub(super) fn remember_class_field(&mut self, object: ExprId, name: &Name, value: &Value) {
        let owner = match &self.program().expression(object).kind {
            Kind::Variable(variable) => self.read(*variable),
            // `Class.prototype.run = …`
            Kind::Field(class, prototype) if &**prototype == "prototype" => self.evaluate(*class),
            // Java: a static field of another file's class.
            Kind::Global(_) if value.is_tainted() => self.evaluate(object),
            _ => return,
        };
        if let Some(class) = owner.data().and_then(|data| data.instance.or(data.class)) {
            self.remember_field_of(class, name, value);
        }
    }

    /// The same of a class that is known.
    pub(super) fn remember_field_of(
        &mut self,
        class: (usize, ClassId),
        name: &Name,
        value: &Value,
    ) {
        let fields: &mut HashMap<Name, Value> = self.class_fields.entry(class).or_default();
        let mut is_new = false;
        // What methods gave before the field held input says nothing any more.
        if value.is_tainted() && !fields.get(name).is_some_and(Value::is_tainted) {
            self.summaries.clear();
            is_new = true;
        }
        let value = &value.loosened();
        let joined = match fields.get(name) {
            Some(before) if before.is_unknown() => value.clone(),
            Some(before) => before.join(value),
            None => value.clone(),
        };
        fields.insert(name.clone(), joined);
        self.grew |= is_new;
    }
}
