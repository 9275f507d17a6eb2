//! Classes, methods, fields and parameters.

use std::collections::HashMap;

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::{Lowering, Member, is_class};
use crate::ir::{
    Class, ClassField, ClassId, ExprId, Function, FunctionId, Kind, Parameter, Statement, Target,
};

impl Lowering<'_, '_> {
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
            self.classes.push(Statement::Assign(variable(id), value));
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
        let body = child(node, "body").unwrap_or(node);
        let nodes: Vec<Node<'_>> = children(body)
            .into_iter()
            .flat_map(|part| {
                if part.kind() == "enum_body_declarations" { children(part) } else { vec![part] }
            })
            .collect();
        self.members.push(self.member_names(&nodes));
        let (mut methods, mut fields) = (Vec::new(), Vec::new());
        for member in &nodes {
            match member.kind() {
                "method_declaration" | "constructor_declaration" => {
                    methods.push(self.method(*member, id));
                }
                "static_initializer" | "block" => methods.push(self.initializer(*member, id)),
                "field_declaration" => self.fields(*member, &mut fields),
                _ => self.declaration(*member),
            }
        }
        self.members.pop();
        self.builder.program.classes[id.0 as usize] = Class { name, bases, methods, fields };
        id
    }

    fn member_names(&self, nodes: &[Node<'_>]) -> HashMap<String, Member> {
        let mut names = HashMap::new();
        for node in nodes {
            match node.kind() {
                "method_declaration" => {
                    let name = child(*node, "name").map(|name| self.builder.text(name).to_owned());
                    names.extend(name.map(|name| (name, Member::Method)));
                }
                "field_declaration" => {
                    for declarator in children(*node) {
                        if let Some(name) = child(declarator, "name") {
                            names
                                .entry(self.builder.text(name).to_owned())
                                .or_insert(Member::Field);
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
            fields.push(ClassField { name, declared, value });
        }
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
        let decorators = self.annotations(node);
        self.in_method(class, |lowering| {
            let name = match node.kind() {
                "constructor_declaration" => Some(lowering.builder.name("<init>")),
                _ => child(node, "name").map(|name| lowering.builder.node_name(name)),
            };
            let parameters = lowering.parameters(child(node, "parameters"));
            let body = lowering.block(child(node, "body"));
            (name, parameters, body, decorators)
        })
    }

    fn in_method(
        &mut self,
        class: ClassId,
        fill: impl FnOnce(
            &mut Lowering<'_, '_>,
        )
            -> (Option<crate::ir::Name>, Vec<Parameter>, Vec<Statement>, Vec<ExprId>),
    ) -> FunctionId {
        let hidden = std::mem::take(&mut self.hidden);
        let members = std::mem::take(&mut self.members);
        let classes = std::mem::take(&mut self.classes);
        let mut kept = None;
        let id = self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder, hidden, members, classes };
            let this = lowering.builder.name("this");
            let this = Some(lowering.builder.declare(&this));
            let (name, parameters, body, decorators) = fill(&mut lowering);
            kept = Some((lowering.hidden, lowering.members, lowering.classes));
            let class = Some(class);
            Function { name, parameters, body, decorators, this, class, is_top_level: false }
        });
        if let Some((hidden, members, classes)) = kept {
            self.hidden = hidden;
            self.members = members;
            self.classes = classes;
        }
        id
    }

    /// A lambda keeps the outer `this`.
    pub(super) fn lambda(&mut self, node: Node<'_>) -> FunctionId {
        let hidden = std::mem::take(&mut self.hidden);
        let members = std::mem::take(&mut self.members);
        let classes = std::mem::take(&mut self.classes);
        let mut kept = None;
        let id = self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder, hidden, members, classes };
            let parameters = match child(node, "parameters") {
                Some(single) if single.kind() == "identifier" => vec![lowering.plain(single)],
                Some(list) if list.kind() == "inferred_parameters" => {
                    children(list).into_iter().map(|name| lowering.plain(name)).collect()
                }
                list => lowering.parameters(list),
            };
            let body = match child(node, "body") {
                Some(block) if block.kind() == "block" => lowering.block(Some(block)),
                Some(value) => vec![Statement::Return(Some(lowering.expression(value)))],
                None => Vec::new(),
            };
            kept = Some((lowering.hidden, lowering.members, lowering.classes));
            Function { parameters, body, ..Function::default() }
        });
        if let Some((hidden, members, classes)) = kept {
            self.hidden = hidden;
            self.members = members;
            self.classes = classes;
        }
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

    /// The annotations of a declaration, as the names of their types.
    fn annotations(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let modifiers = children(node).into_iter().filter(|part| part.kind() == "modifiers");
        let found = modifiers.flat_map(children).filter(|part| part.kind().ends_with("annotation"));
        let names: Vec<Node<'_>> = found.filter_map(|part| child(part, "name")).collect();
        names
            .into_iter()
            .map(|name| {
                let text = self.builder.text(name);
                let simple = text.rsplit('.').next().unwrap_or(text).to_owned();
                let simple = self.builder.name(&simple);
                self.builder.add(Kind::Global(simple), name)
            })
            .collect()
    }

    /// A type as the expression that names it, by its simple name.
    pub(super) fn type_expression(&mut self, node: Node<'_>) -> ExprId {
        let text = match node.kind() {
            "generic_type" => node.named_child(0).map_or("", |inner| self.builder.text(inner)),
            "array_type" => child(node, "element").map_or("", |inner| self.builder.text(inner)),
            _ => self.builder.text(node),
        };
        let qualified = text.contains('.');
        let simple = text.rsplit('.').next().unwrap_or(text).trim().to_owned();
        if qualified {
            let name = self.builder.name(&simple);
            return self.builder.add(Kind::Global(name), node);
        }
        self.named(&simple, node)
    }
}
