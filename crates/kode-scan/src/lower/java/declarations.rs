//! Classes, methods, fields and parameters.

use std::collections::HashMap;

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::{Lowering, Member, is_class};
use crate::ir::{
    Argument, Call, Class, ClassField, ClassId, ExprId, Function, FunctionId, Kind, Parameter,
    Statement, Target, VariableId,
};

/// What every enumeration extends: its values are the ones it lists.
pub(crate) const ENUMERATION: &str = "java.lang.Enum";

/// Collections whose elements decide what they may hold.
const COLLECTIONS: [&str; 7] =
    ["List", "Set", "Collection", "Iterable", "Optional", "Stream", "ArrayList"];

/// Elements that hold no text.
const PLAIN_ELEMENTS: [&str; 8] =
    ["Integer", "Long", "Short", "Double", "Float", "Boolean", "UUID", "LocalDate"];

/// The interfaces a class implements or an interface extends.
fn interfaces(node: Node<'_>) -> Vec<Node<'_>> {
    let clauses = children(node).into_iter();
    let clauses = clauses.filter(|n| matches!(n.kind(), "super_interfaces" | "extends_interfaces"));
    clauses.flat_map(children).flat_map(children).collect()
}

/// The components in a record's head.
fn record_components(node: Node<'_>) -> Vec<Node<'_>> {
    let head = child(node, "parameters").filter(|_| node.kind() == "record_declaration");
    let parts = head.map(children).unwrap_or_default();
    parts.into_iter().filter(|part| part.kind() == "formal_parameter").collect()
}

impl<'s> Lowering<'_, 's> {
    /// A top-level or nested declaration.
    pub(super) fn declaration(&mut self, node: Node<'_>) {
        if !is_class(node) {
            return;
        }
        let class = self.builder.deeper(|_| ()).map(|()| self.class(node));
        if let (Some(class), Some(name)) = (class, child(node, "name")) {
            let value = self.builder.add(Kind::Class(class), node);
            let name = self.builder.node_name(name);
            let id = match self.builder.lookup(&name) {
                Some(id) => id,
                None => self.builder.declare(&name),
            };
            self.builder.program.class_variables.insert(id, class);
            self.around.classes.push(Statement::Assign(variable(id), value));
        }
    }

    /// A class, or the body of an anonymous one.
    pub(super) fn class(&mut self, node: Node<'_>) -> ClassId {
        let id = self.builder.new_class();
        let name = child(node, "name").map(|name| self.builder.node_name(name));
        let mut bases = Vec::new();
        if let Some(base) = child(node, "superclass").and_then(|clause| clause.named_child(0)) {
            bases.push(self.type_expression(base));
        }
        if node.kind() == "enum_declaration" {
            let name = self.builder.name(ENUMERATION);
            bases.push(self.builder.add(Kind::Global(name), node));
        }
        for interface in interfaces(node) {
            bases.push(self.type_expression(interface));
        }
        let outer = self.around.answers.clone();
        self.around.answers = self.annotations(node);
        let body = child(node, "body").unwrap_or(node);
        let nodes: Vec<Node<'_>> = children(body)
            .into_iter()
            .flat_map(|part| {
                if part.kind() == "enum_body_declarations" { children(part) } else { vec![part] }
            })
            .collect();
        let mut members = self.member_names(&nodes);
        for name in record_components(node).into_iter().filter_map(|part| child(part, "name")) {
            members.insert(self.builder.text(name).to_owned(), Member::Both);
        }
        self.around.members.push(members);
        let (mut methods, mut fields) = (Vec::new(), Vec::new());
        for component in record_components(node) {
            let Some(name) = child(component, "name") else { continue };
            let declared = child(component, "type").map(|kind| self.type_expression(kind));
            fields.push(ClassField {
                name: self.builder.node_name(name),
                declared,
                value: None,
                fixed: true,
            });
        }
        let acts = nodes.iter().any(|member| member.kind() == "method_declaration");
        for member in &nodes {
            match member.kind() {
                "method_declaration" | "constructor_declaration" => {
                    methods.push(self.method(*member, id));
                }
                "static_initializer" | "block" => methods.push(self.initializer(*member, id)),
                "field_declaration" => self.fields(*member, &mut fields),
                "enum_constant" if acts => {
                    let class = name.as_ref().and_then(|name| self.builder.lookup(name));
                    fields.extend(class.and_then(|class| self.constant(*member, class)));
                }
                _ => self.declaration(*member),
            }
        }
        self.around.members.pop();
        self.around.answers = outer;
        self.builder.program.classes[id.0 as usize] =
            Class { name, bases, methods, fields, ..Class::default() };
        id
    }

    fn member_names(&self, nodes: &[Node<'_>]) -> HashMap<String, Member> {
        let mut names = HashMap::new();
        for node in nodes {
            match node.kind() {
                "method_declaration" => {
                    let name = child(*node, "name").map(|name| self.builder.text(name).to_owned());
                    if let Some(name) = name {
                        let known = names.entry(name).or_insert(Member::Method);
                        *known = known.with(Member::Method);
                    }
                }
                "field_declaration" => {
                    for declarator in children(*node) {
                        if let Some(name) = child(declarator, "name") {
                            let name = self.builder.text(name).to_owned();
                            let known = names.entry(name).or_insert(Member::Field);
                            *known = known.with(Member::Field);
                        }
                    }
                }
                _ => {}
            }
        }
        names
    }

    fn fields(&mut self, node: Node<'_>, fields: &mut Vec<ClassField>) {
        let declared = child(node, "type").map(|declared| self.type_expression(declared));
        for declarator in children(node).into_iter().filter(|n| n.kind() == "variable_declarator") {
            let Some(name) = child(declarator, "name") else { continue };
            let name = self.builder.node_name(name);
            let value = child(declarator, "value").map(|value| self.expression(value));
            let modifiers = children(node).into_iter().find(|part| part.kind() == "modifiers");
            let modifiers = modifiers.map_or("", |part| self.builder.text(part));
            let has = |word: &str| modifiers.split_ascii_whitespace().any(|part| part == word);
            let injected = modifiers.contains('@');
            let is_private = has("private") && !injected;
            let fixed = has("final") || is_private && !self.builder.is_set_again(&name, node);
            fields.push(ClassField { name, declared, value, fixed });
        }
    }

    /// A constant of an enumeration that has methods: one of its instances.
    fn constant(&mut self, node: Node<'_>, class: VariableId) -> Option<ClassField> {
        let name = self.builder.node_name(child(node, "name")?);
        let callee = self.builder.add(Kind::Variable(class), node);
        let arguments = self.arguments(node);
        let value = self.builder.add(Kind::Call(Call { callee, arguments, construct: true }), node);
        Some(ClassField { name, declared: None, value: Some(value), fixed: true })
    }

    fn initializer(&mut self, node: Node<'_>, class: ClassId) -> FunctionId {
        self.in_method(class, |lowering| {
            let body = match node.kind() {
                "block" => lowering.block(Some(node)),
                _ => lowering.block(node.named_child(0)),
            };
            (None, Vec::new(), body, Vec::new())
        })
    }

    fn method(&mut self, node: Node<'_>, class: ClassId) -> FunctionId {
        let mut decorators = self.annotations(node);
        if !decorators.is_empty() {
            // What the class says of its answers holds for each method's.
            decorators.extend(self.around.answers.iter().copied());
        }
        let returns = child(node, "type").map(|returns| self.builder.node_name(returns));
        let id = self.in_method(class, |lowering| {
            let name = match node.kind() {
                "constructor_declaration" => Some(lowering.builder.name("<init>")),
                _ => child(node, "name").map(|name| lowering.builder.node_name(name)),
            };
            let parameters = lowering.parameters(child(node, "parameters"));
            let body = lowering.block(child(node, "body"));
            (name, parameters, body, decorators)
        });
        self.builder.program.functions[id.0 as usize].returns = returns;
        id
    }

    fn in_method(
        &mut self,
        class: ClassId,
        fill: impl FnOnce(
            &mut Lowering<'_, '_>,
        )
            -> (Option<crate::ir::Name>, Vec<Parameter>, Vec<Statement>, Vec<ExprId>),
    ) -> FunctionId {
        let around = std::mem::take(&mut self.around);
        let mut kept = None;
        let id = self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder, around };
            let this = lowering.builder.name("this");
            let this = Some(lowering.builder.declare(&this));
            let (name, parameters, body, decorators) = fill(&mut lowering);
            kept = Some(lowering.around);
            let class = Some(class);
            Function { name, parameters, body, decorators, this, class, ..Function::default() }
        });
        self.around = kept.unwrap_or_default();
        id
    }

    /// A lambda keeps the outer `this`.
    pub(super) fn lambda(&mut self, node: Node<'_>) -> FunctionId {
        let around = std::mem::take(&mut self.around);
        let mut kept = None;
        let id = self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder, around };
            let parameters = match child(node, "parameters") {
                Some(single) if single.kind() == "identifier" => vec![lowering.plain(single)],
                Some(list) if list.kind() == "inferred_parameters" => {
                    children(list).into_iter().map(|name| lowering.plain(name)).collect()
                }
                list => lowering.parameters(list),
            };
            let arm = || children(node).into_iter().find(|part| part.kind() == "block");
            let body = match child(node, "body").or_else(arm) {
                Some(block) if block.kind() == "block" => lowering.block(Some(block)),
                Some(value) => vec![Statement::Return(Some(lowering.expression(value)))],
                None => Vec::new(),
            };
            kept = Some(lowering.around);
            Function { parameters, body, ..Function::default() }
        });
        self.around = kept.unwrap_or_default();
        id
    }

    fn parameters(&mut self, list: Option<Node<'_>>) -> Vec<Parameter> {
        let nodes = list.map(children).unwrap_or_default();
        let wanted = nodes
            .into_iter()
            .filter(|node| matches!(node.kind(), "formal_parameter" | "spread_parameter"));
        wanted.filter_map(|node| self.parameter(node)).collect()
    }

    fn parameter(&mut self, node: Node<'_>) -> Option<Parameter> {
        let declarator = children(node).into_iter().find(|n| n.kind() == "variable_declarator");
        let name = child(node, "name").or_else(|| child(declarator?, "name"))?;
        let declared = child(node, "type").map(|declared| self.type_expression(declared));
        let annotations = self.annotations(node);
        let mut parameter = self.plain(name);
        parameter.declared = declared;
        parameter.annotations = annotations;
        parameter.rest = node.kind() == "spread_parameter";
        Some(parameter)
    }

    fn plain(&mut self, node: Node<'_>) -> Parameter {
        let name = self.builder.node_name(node);
        let target = Target::Variable(self.builder.declare(&name));
        Parameter {
            target,
            name: Some(name),
            declared: None,
            annotations: Vec::new(),
            default: None,
            rest: false,
            start: node.start_byte() as u32,
            end: node.end_byte() as u32,
        }
    }

    /// The annotations of a declaration: the names of their types, or calls of
    /// these with what they say.
    fn annotations(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let modifiers = children(node).into_iter().filter(|part| part.kind() == "modifiers");
        let found = modifiers.flat_map(children).filter(|part| part.kind().ends_with("annotation"));
        let found: Vec<Node<'_>> = found.collect();
        found.into_iter().filter_map(|part| self.annotation(part)).collect()
    }

    fn annotation(&mut self, node: Node<'_>) -> Option<ExprId> {
        let name = child(node, "name")?;
        let text = self.builder.text(name);
        let simple = text.rsplit('.').next().unwrap_or(text).to_owned();
        let simple = self.builder.name(&simple);
        let callee = self.builder.add(Kind::Global(simple), name);
        let Some(list) = child(node, "arguments") else { return Some(callee) };
        let mut arguments = Vec::new();
        for part in children(list) {
            let key = child(part, "key").map(|key| self.builder.node_name(key));
            let inner = if key.is_some() { child(part, "value") } else { Some(part) };
            // Only the text counts: nothing in an annotation runs.
            let value = self.builder.add(Kind::Mixed(Vec::new()), inner.unwrap_or(part));
            arguments.push(Argument { name: key, value, spread: false });
        }
        Some(self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node))
    }

    /// A generic type's name; that of its elements where these are plain numbers.
    fn generic(&self, node: Node<'_>) -> &'s str {
        let outer = node.named_child(0).map_or("", |inner| self.builder.text(inner));
        let inner = node.named_child(1).map(children).unwrap_or_default();
        let mut texts = inner.iter().map(|inner| self.builder.text(*inner));
        let plain = |text: &str| PLAIN_ELEMENTS.contains(&text);
        match texts.clone().next() {
            Some(first) if COLLECTIONS.contains(&outer) && texts.all(plain) => first,
            _ => outer,
        }
    }

    /// A type as the expression that names it, by its simple name.
    pub(super) fn type_expression(&mut self, node: Node<'_>) -> ExprId {
        let text = match node.kind() {
            "generic_type" => self.generic(node),
            "array_type" => {
                match child(node, "element").map_or("", |inner| self.builder.text(inner)) {
                    // One is harmless, many are a text.
                    "char" | "byte" => "Object",
                    element => element,
                }
            }
            _ => self.builder.text(node),
        };
        let Some((outer, simple)) = text.rsplit_once('.') else {
            return self.named(text.trim(), node);
        };
        if outer.starts_with(|first: char| first.is_ascii_lowercase()) {
            return self.whole_name(text, node);
        }
        // A class within another, of this file or one elsewhere.
        if self.builder.lookup(simple).is_some() {
            return self.builder.reference(simple, node);
        }
        let name = self.builder.name(simple);
        self.builder.add(Kind::Global(name), node)
    }
}
