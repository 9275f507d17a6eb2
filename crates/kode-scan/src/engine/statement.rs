//! Statements.

use super::Engine;
use super::branch::ExitKind;
use super::value::{Constant, FIELDS_MAX, Value};
use crate::ir::{ExprId, FunctionId, Kind, Name, Statement, Target};

impl Engine<'_> {
    pub(super) fn statements(&mut self, body: &[Statement]) {
        for statement in body {
            if self.dead || !self.step() {
                return;
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Expression(expression) => {
                self.evaluate(*expression);
            }
            Statement::Assign(target, expression) => {
                if self.bind_import(target, *expression) {
                    return;
                }
                let value = self.evaluate(*expression);
                self.assign(target, value, Some(*expression));
            }
            Statement::If(condition, then, otherwise) => {
                let value = self.evaluate(*condition);
                match self.truth_asked(*condition, true) {
                    Some(asked) => self.branch_supposed(&asked, &value, (then, otherwise)),
                    None => self.branch_on(
                        &value,
                        |engine| engine.statements(then),
                        |engine| engine.statements(otherwise),
                    ),
                }
                self.made_sure(*condition, then, otherwise);
            }
            Statement::Loop { each, condition, body } => self.looped(each, *condition, body),
            Statement::Switch(subject, cases) => self.switch(*subject, cases),
            Statement::Try { body, handlers, finally } => self.tried(body, handlers, finally),
            Statement::Block(body) => self.statements(body),
            Statement::Return(value) => self.returned(*value),
            Statement::Throw(value) => {
                let value = value.map(|value| self.evaluate(value));
                value.iter().for_each(|value| self.threw(value));
                self.dead = true;
            }
            Statement::Break => {
                self.broke = true;
                self.exit_to(|kind| matches!(kind, ExitKind::Loop | ExitKind::Switch));
            }
            Statement::Continue => self.exit_to(|kind| kind == ExitKind::Loop),
        }
    }

    /// Runs the branches a condition allows, each with what it then knows.
    pub(super) fn branch_on(
        &mut self,
        condition: &Value,
        then: impl FnOnce(&mut Self),
        otherwise: impl FnOnce(&mut Self),
    ) {
        match condition.settled() {
            Some(true) => then(self),
            Some(false) => otherwise(self),
            None => self.either_way(
                |engine| {
                    engine.assume(condition, true);
                    then(engine);
                },
                |engine| {
                    engine.assume(condition, false);
                    otherwise(engine);
                },
            ),
        }
    }

    fn looped(
        &mut self,
        each: &Option<(Target, ExprId)>,
        condition: Option<ExprId>,
        body: &[Statement],
    ) {
        let nested = self.exits.iter().filter(|exits| exits.is_loop()).count();
        self.enter_exits(ExitKind::Loop);
        let collection = each.as_ref().map(|(_, iterable)| self.evaluate(*iterable));
        // Twice, so that what one round leaves reaches the next; deep nests once.
        let rounds = if nested >= 6 { 1 } else { 2 };
        let is_filled =
            collection.as_ref().is_some_and(|all| !super::builtin::items(all).is_empty());
        let mut every = self.every(each.as_ref(), collection.as_ref());
        let broke = std::mem::take(&mut self.broke);
        for round in 0..rounds {
            let skips = |engine: &mut Self| engine.dead |= is_filled && round == 0;
            self.either_way(
                |engine| {
                    if let (Some((target, iterable)), Some(collection)) = (each, &collection) {
                        let element = engine.element_of(collection);
                        engine.assign(target, element, Some(*iterable));
                    }
                    let began = every.as_ref().map(|every| engine.value_at(&every.element));
                    if let Some(condition) = condition {
                        let condition = engine.evaluate(condition);
                        engine.assume(&condition, true);
                    }
                    engine.enter_exits(ExitKind::Loop);
                    engine.statements(body);
                    engine.leave_exits();
                    if let (Some(every), Some(began)) = (&mut every, &began) {
                        engine.looked_at(every, began);
                    }
                },
                skips,
            );
        }
        if let Some(condition) = condition {
            let condition = self.evaluate(condition);
            self.assume(&condition, false);
        }
        self.leave_exits();
        let left_out = std::mem::replace(&mut self.broke, broke);
        self.looked_at_all(every, left_out);
    }

    fn switch(&mut self, subject: ExprId, cases: &[(Vec<ExprId>, Vec<Statement>)]) {
        let value = self.evaluate(subject);
        let path = self.path_of(subject);
        self.enter_exits(ExitKind::Switch);
        let known = self.known_case(&value, cases);
        if let Some(at) = known {
            for (_, body) in &cases[at..] {
                self.statements(body);
            }
            self.leave_exits();
            return;
        }
        let has_default = cases.iter().any(|(labels, _)| labels.is_empty());
        for at in 0..cases.len() {
            let labelled = !cases[at].0.is_empty();
            self.either_way(
                |engine| {
                    if let (true, Some(path)) = (labelled, &path) {
                        engine.clean_path(path, crate::category::CategorySet::EVERY);
                    }
                    for (_, body) in &cases[at..] {
                        engine.statements(body);
                    }
                    // Falling off the end is one more way out of the switch.
                    engine.exit_to(|kind| kind == ExitKind::Switch);
                },
                |_| {},
            );
        }
        if has_default {
            self.dead = true;
        }
        self.leave_exits();
    }

    /// The case a constant subject selects.
    fn known_case(
        &mut self,
        value: &Value,
        cases: &[(Vec<ExprId>, Vec<Statement>)],
    ) -> Option<usize> {
        let wanted = super::constant::Scalar::of(value).filter(|_| !value.is_loose())?;
        for (at, (labels, _)) in cases.iter().enumerate() {
            for label in labels {
                let label = self.evaluate(*label);
                if super::constant::Scalar::of(&label)? == wanted {
                    return Some(at);
                }
            }
        }
        cases.iter().position(|(labels, _)| labels.is_empty())
    }

    fn returned(&mut self, value: Option<ExprId>) {
        let given = match value {
            Some(expression) => {
                let value = self.evaluate(expression);
                if let Some(answer) = self.frames.last().map(|frame| frame.answer) {
                    self.answered(answer, &value, expression);
                }
                value
            }
            None => Value::constant(Constant::Null),
        };
        if let Some(expression) = value {
            self.returned_location(&given, expression);
        }
        self.note_return(&given);
        if let Some(frame) = self.frames.last_mut() {
            frame.returned = Some(match frame.returned.take() {
                Some(before) => before.join(&given),
                None => given,
            });
        }
        // A handler of a page returns for itself alone.
        let is_file = self.frames.last().is_some_and(|it| it.function == Some(FunctionId(0)));
        if is_file && self.is_javascript() && self.is_page() {
            return;
        }
        self.exit_to(|kind| kind == ExitKind::Function);
    }

    /// Whether the file is none of scripts only.
    fn is_page(&self) -> bool {
        let name = self.unit(self.file).path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        use kode_syntax::Language;
        let language = Language::from_extension(extension);
        !matches!(language, Some(Language::JavaScript | Language::TypeScript | Language::Tsx))
    }

    /// Puts a value where `object[index]` says.
    fn assign_index(
        &mut self,
        (object, index): (ExprId, ExprId),
        value: &Value,
        from: Option<ExprId>,
    ) {
        let key = self.evaluate(index);
        if let Some(key) = super::constant::key_of(&key) {
            self.location_set(&key, value, (object, from));
            self.assign_field(object, &Name::from(key.as_str()), value.clone());
            self.lengthened(object, &key);
            return;
        }
        let header = self.header_constant(index).filter(|_| !key.is_tainted());
        if header.as_deref() == Some("location") {
            self.location_set("Location", value, (object, from));
        }
        self.assign_somewhere(object, value);
    }

    /// Puts a value where a target says.
    pub(super) fn assign(&mut self, target: &Target, value: Value, from: Option<ExprId>) {
        match target {
            Target::Variable(variable) => {
                let value = match from {
                    Some(from) => self.kept(value, from),
                    None => value,
                };
                let value = self.named(value, *variable, from);
                let is_plain = value.data().is_some_and(|data| data.fields.is_none());
                let is_changeable =
                    !(is_plain && self.is_javascript()) && self.is_changeable(*variable);
                let value = if is_changeable { value.loosened() } else { value };
                self.write(*variable, value);
            }
            Target::Field(object, name) => {
                self.assigned_sink(*object, name, &value, from);
                self.assign_field(*object, name, value);
            }
            Target::Index(object, index) => self.assign_index((*object, *index), &value, from),
            Target::Record(entries) => {
                for (name, inner) in entries {
                    let part = if &**name == "..." {
                        value.clone()
                    } else {
                        self.taken_apart(&value, name, from)
                    };
                    self.assign(inner, part, from);
                }
            }
            Target::List(targets) if self.is_single_result(&value) => {
                for (at, inner) in targets.iter().enumerate() {
                    let part = match at {
                        0 => value.clone(),
                        _ => Value::carrying(value.deep_taints()),
                    };
                    self.assign(inner, part, from);
                }
            }
            Target::List(targets) => {
                for (at, inner) in targets.iter().enumerate() {
                    let part = self.field_of(&value, &Name::from(at.to_string()), from);
                    self.assign(inner, part, from);
                }
            }
            Target::Default(inner, default) => {
                let default = self.evaluate(*default);
                let value = if value.is_unknown() { default } else { value.join(&default) };
                self.assign(inner, value, from);
            }
            Target::Global(name) => {
                self.assigned_global(name, &value, from);
                if let Some(path) = self.package_variable(name) {
                    self.set_path(&path, &[], value);
                }
            }
            Target::Nothing => {}
        }
    }

    /// A list with an element put behind its end is longer.
    fn lengthened(&mut self, object: ExprId, key: &str) {
        let Some(at) = key.parse().ok().filter(|at: &usize| *at < FIELDS_MAX) else { return };
        let Some(path) = self.path_of(object) else { return };
        let list = self.value_at(&path);
        if list.data().and_then(|data| data.length).is_some_and(|length| length <= at) {
            let longer = list.with(|data| data.length = Some(at + 1));
            self.set_path(&path, &path.fields.clone(), longer);
        }
    }

    /// Whether what a file's top level gives a variable is only what it begins as.
    fn is_changeable(&self, variable: crate::ir::VariableId) -> bool {
        let changeable = &self.program().changeable;
        !changeable.is_empty()
            && changeable.contains(&variable)
            && self.frames.last().is_some_and(|frame| frame.function == Some(FunctionId(0)))
    }

    /// Several results of a Go function that is not in the scanned files.
    fn is_single_result(&self, value: &Value) -> bool {
        self.unit(self.file).language == kode_syntax::Language::Go
            && value.data().is_none_or(|data| data.length.is_none())
    }

    /// The field of a value that a pattern takes; of a parameter that is input
    /// in this very field, it enters at the parameter.
    fn taken_apart(&self, value: &Value, name: &Name, from: Option<ExprId>) -> Value {
        let field = self.field_of(value, name, from);
        let place = field.data().filter(|data| data.taints.is_empty()).and_then(|data| data.place);
        match (self.binding, place) {
            (Some((start, end)), Some(place)) if from.is_none() => self.at_place(place, start, end),
            _ => super::detached::as_method(field, name),
        }
    }

    /// Adds "flows into `name`" to the flow of a value that is assigned.
    fn named(&self, value: Value, variable: crate::ir::VariableId, from: Option<ExprId>) -> Value {
        if value.taints().is_empty() {
            return value;
        }
        let name = &self.program().variables[variable.0 as usize];
        match from {
            Some(expression) => {
                let at = self.program().expression(expression);
                value.stepped(self.file, at.start, at.end, &format!("it flows into `{name}`"))
            }
            None => value,
        }
    }

    pub(super) fn assign_field(&mut self, object: ExprId, name: &Name, value: Value) {
        if self.set_by_function(object, name, &value) {
            return;
        }
        self.remember_class_field(object, name, &value);
        self.remember_request_field(object, name, &value);
        if let Some(path) = self.module_member(object, name) {
            self.set_path(&path, &[], value);
            return;
        }
        let Some(path) = self.path_of(object) else {
            self.evaluate(object);
            return;
        };
        let mut fields = path.fields.clone();
        fields.push(name.clone());
        self.set_path(&path, &fields, value);
        if let Kind::Field(owner, outer) = &self.program().expression(object).kind {
            let (owner, outer) = (*owner, outer.clone());
            let changed = self.value_at(&path);
            self.remember_class_field(owner, &outer, &changed);
        }
    }

    /// An element at an unknown key.
    fn assign_somewhere(&mut self, object: ExprId, value: &Value) {
        let Some(path) = self.path_of(object) else { return };
        let current = self.value_at(&path);
        let joined = match current.with_object_somewhere(value) {
            Some(joined) => joined,
            None => current.with(|data| {
                super::value::merge_taints(&mut data.taints, &value.deep_taints());
                data.closed = false;
            }),
        };
        if let Kind::Field(owner, name) = &self.program().expression(object).kind {
            let (owner, name) = (*owner, name.clone());
            self.remember_class_field(owner, &name, &joined);
        }
        self.set_path(&path, &path.fields.clone(), joined);
    }
}
