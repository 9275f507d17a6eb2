//! Functions, parameters and classes.

use kode_syntax::Node;

use super::super::{child, children};
use super::Lowering;
use crate::ir::{
    ClassField, ClassId, ExprId, Function, FunctionId, Kind, Parameter, SETTER, Statement, Target,
};

impl Lowering<'_, '_> {
    /// A function of any form. Arrow functions keep the outer `this`.
    pub(super) fn function(&mut self, node: Node<'_>) -> FunctionId {
        self.method(node, None, Vec::new())
    }

    fn method(
        &mut self,
        node: Node<'_>,
        class: Option<ClassId>,
        decorators: Vec<ExprId>,
    ) -> FunctionId {
        self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder };
            let name = child(node, "name").map(|name| lowering.builder.node_name(name));
            // The name of an expression is known inside of it only.
            if let Some(name) = &name
                && matches!(node.kind(), "function_expression" | "generator_function")
            {
                lowering.builder.declare(name);
            }
            let this = (node.kind() != "arrow_function").then(|| {
                let this = lowering.builder.name("this");
                lowering.builder.declare(&this)
            });
            let (parameters, mut body) = lowering.parameters(node);
            body.extend(lowering.function_body(node));
            Function { name, parameters, body, decorators, this, class, ..Function::default() }
        })
    }

    fn function_body(&mut self, node: Node<'_>) -> Vec<Statement> {
        let Some(body) = child(node, "body") else { return Vec::new() };
        if body.kind() == "statement_block" {
            self.declare_vars(body);
            return self
                .builder
                .deeper(|builder| Lowering { builder }.statements(&children(body)))
                .unwrap_or_default();
        }
        let value = self.expression(body);
        vec![Statement::Return(Some(value))]
    }

    /// Parameters, and the assignments of TypeScript parameter properties.
    fn parameters(&mut self, node: Node<'_>) -> (Vec<Parameter>, Vec<Statement>) {
        let mut body = Vec::new();
        let nodes = match (child(node, "parameter"), child(node, "parameters")) {
            (Some(single), _) => vec![single],
            (None, Some(list)) => children(list),
            (None, None) => Vec::new(),
        };
        for node in &nodes {
            self.declare_pattern(parameter_pattern(*node), false);
        }
        let parameters = nodes.into_iter().map(|node| self.parameter(node, &mut body)).collect();
        (parameters, body)
    }

    fn parameter(&mut self, node: Node<'_>, body: &mut Vec<Statement>) -> Parameter {
        let pattern = parameter_pattern(node);
        let declared = self.declared_type(node);
        let annotations = self.decorators(node);
        let default = child(node, "value").or_else(|| child(node, "right"));
        let default = default.map(|value| self.expression(value));
        let name = (pattern.kind() == "identifier").then(|| self.builder.node_name(pattern));
        let target = match node.kind() {
            "assignment_pattern" => {
                child(node, "left").map_or(Target::Nothing, |left| self.pattern(left))
            }
            _ => self.pattern(pattern),
        };
        let is_property = children(node).iter().any(|part| part.kind() == "accessibility_modifier")
            || has_token(node, "readonly");
        if let (true, Some(name), Target::Variable(id)) = (is_property, &name, &target)
            && let Some(this) = self.builder.lookup("this")
        {
            let object = self.builder.add(Kind::Variable(this), node);
            let value = self.builder.add(Kind::Variable(*id), node);
            body.push(Statement::Assign(Target::Field(object, name.clone()), value));
        }
        let (start, end) = self.builder.place(node);
        Parameter {
            target,
            name,
            declared,
            annotations,
            default,
            rest: pattern.kind() == "rest_pattern",
            start,
            end,
        }
    }

    /// The decorators directly on a node.
    fn decorators(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let found = children(node).into_iter().filter(|part| part.kind() == "decorator");
        let inner: Vec<Node<'_>> = found.filter_map(|part| part.named_child(0)).collect();
        inner.into_iter().map(|part| self.expression(part)).collect()
    }

    /// A class with its methods and fields.
    pub(super) fn class(&mut self, node: Node<'_>) -> ClassId {
        let id = self.builder.new_class();
        let name = child(node, "name").map(|name| self.builder.node_name(name));
        let mut bases = Vec::new();
        for heritage in children(node).into_iter().filter(|part| part.kind() == "class_heritage") {
            for clause in children(heritage) {
                match clause.kind() {
                    "implements_clause" => {
                        let named = children(clause).into_iter();
                        bases.extend(named.filter_map(|named| self.type_expression(named)));
                    }
                    "extends_clause" => {
                        bases.push(self.expression(child(clause, "value").unwrap_or(clause)));
                    }
                    _ => bases.push(self.expression(clause)),
                }
            }
        }
        let (methods, fields) = self.members(node, id);
        let class = crate::ir::Class { name, bases, methods, fields, ..Default::default() };
        self.builder.program.classes[id.0 as usize] = class;
        id
    }

    /// An interface that asks for methods: who implements it is found by its name.
    pub(super) fn interface(&mut self, node: Node<'_>) -> Option<ClassId> {
        let parts = child(node, "body").map(children).unwrap_or_default();
        parts.iter().find(|part| part.kind() == "method_signature" || is_function_typed(**part))?;
        let id = self.builder.new_class();
        let name = child(node, "name").map(|name| self.builder.node_name(name));
        let clauses = children(node).into_iter();
        let clauses = clauses.filter(|part| part.kind() == "extends_type_clause");
        let named: Vec<Node<'_>> = clauses.flat_map(children).collect();
        let bases = named.into_iter().filter_map(|named| self.type_expression(named)).collect();
        self.builder.program.classes[id.0 as usize] =
            crate::ir::Class { name, bases, ..Default::default() };
        Some(id)
    }

    fn members(&mut self, node: Node<'_>, id: ClassId) -> (Vec<FunctionId>, Vec<ClassField>) {
        let (mut methods, mut fields, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for member in child(node, "body").map(children).unwrap_or_default() {
            match member.kind() {
                "decorator" => {
                    pending.extend(member.named_child(0).map(|inner| self.expression(inner)));
                }
                "method_definition" => {
                    let mut decorators = std::mem::take(&mut pending);
                    decorators.extend(self.decorators(member));
                    // A getter is read like a field.
                    if has_token(member, "get") {
                        let name = self.builder.name("property");
                        decorators.push(self.builder.add(Kind::Global(name), member));
                    }
                    let method = self.method(member, Some(id), decorators);
                    if has_token(member, "set") {
                        self.as_setter(method);
                    }
                    methods.push(method);
                }
                "field_definition" | "public_field_definition" => {
                    pending.clear();
                    fields.extend(self.class_field(member));
                }
                "class_static_block" => {
                    let body = self.block(child(member, "body"));
                    let function = self.builder.in_function(|_| Function {
                        body,
                        class: Some(id),
                        ..Function::default()
                    });
                    methods.push(function);
                }
                _ => pending.clear(),
            }
        }
        (methods, fields)
    }

    /// A getter of an object is read like a field.
    pub(super) fn as_getter(&mut self, method: ExprId) {
        let Kind::Function(function) = self.builder.program.expression(method).kind else { return };
        let (start, end) = {
            let at = self.builder.program.expression(method);
            (at.start, at.end)
        };
        let kind = Kind::Global(self.builder.name("property"));
        let id = ExprId(self.builder.program.expressions.len() as u32);
        self.builder.program.expressions.push(crate::ir::Expression { kind, start, end });
        self.builder.program.functions[function.0 as usize].decorators.push(id);
    }

    /// A setter runs when its field is set: it is no method by that name.
    fn as_setter(&mut self, method: FunctionId) {
        self.builder.program.has_setters = true;
        let function = &self.builder.program.functions[method.0 as usize];
        let name = format!("{SETTER}{}", function.name.as_deref().unwrap_or_default());
        let name = self.builder.name(&name);
        self.builder.program.functions[method.0 as usize].name = Some(name);
    }

    /// A field's initial value is lowered where `this` is the instance.
    fn class_field(&mut self, node: Node<'_>) -> Option<ClassField> {
        let name = child(node, "property").or_else(|| child(node, "name"))?;
        let name = self.builder.node_name(name);
        let declared = self.declared_type(node);
        let value = child(node, "value").map(|value| self.expression(value));
        let is_private = name.starts_with('#')
            || children(node).into_iter().any(|part| {
                part.kind() == "accessibility_modifier" && self.builder.text(part) == "private"
            });
        let fixed =
            has_token(node, "readonly") || is_private && !self.builder.is_set_again(&name, node);
        Some(ClassField { name, declared, value, fixed })
    }

    /// The declared type of a parameter, variable or field as an expression.
    pub(super) fn declared_type(&mut self, node: Node<'_>) -> Option<ExprId> {
        let annotation = child(node, "type")?;
        let inner = match annotation.kind() {
            "type_annotation" => annotation.named_child(0)?,
            _ => annotation,
        };
        self.type_expression(inner)
    }

    /// A named type as the expression that names it.
    pub(super) fn type_expression(&mut self, node: Node<'_>) -> Option<ExprId> {
        match node.kind() {
            "type_identifier" | "identifier" | "predefined_type" => {
                let text = self.builder.text(node);
                Some(self.builder.reference(text, node))
            }
            "nested_type_identifier" => {
                let module = child(node, "module")?;
                let module = self.type_expression(module)?;
                let name = self.builder.node_name(child(node, "name")?);
                Some(self.builder.add(Kind::Field(module, name), node))
            }
            "generic_type" => {
                let name = child(node, "name")?;
                self.type_expression(name)
            }
            _ => None,
        }
    }
}

/// `name: (x: string) => void`
fn is_function_typed(member: Node<'_>) -> bool {
    let annotation = child(member, "type").filter(|_| member.kind() == "property_signature");
    annotation.and_then(|n| n.named_child(0)).is_some_and(|n| n.kind() == "function_type")
}

fn parameter_pattern(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        "required_parameter" | "optional_parameter" => child(node, "pattern").unwrap_or(node),
        "assignment_pattern" => child(node, "left").unwrap_or(node),
        _ => node,
    }
}

pub(super) fn has_token(node: Node<'_>, token: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|part| part.kind() == token)
}
