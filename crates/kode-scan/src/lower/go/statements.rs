//! Statements.

use kode_syntax::Node;

use super::super::{child, children};
use super::Lowering;
use crate::ir::{ExprId, Kind, Operator, Statement, Target};

impl Lowering<'_, '_> {
    pub(super) fn statements(&mut self, nodes: &[Node<'_>]) -> Vec<Statement> {
        let mut body = Vec::new();
        for node in nodes {
            self.statement(*node, &mut body);
        }
        body
    }

    pub(super) fn block(&mut self, node: Option<Node<'_>>) -> Vec<Statement> {
        let Some(node) = node else { return Vec::new() };
        let nodes = if node.kind() == "block" { children(node) } else { vec![node] };
        self.builder.depth_guarded(|builder| {
            builder.in_block(|builder| Lowering { builder }.statements(&nodes))
        })
    }

    fn statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        match node.kind() {
            "statement_list" | "ERROR" => {
                for part in children(node) {
                    self.statement(part, body);
                }
            }
            "import_declaration" => self.imports(node, body),
            "function_declaration" | "method_declaration" => body.push(self.declaration(node)),
            "var_declaration" | "const_declaration" | "var_spec_list" => {
                for spec in children(node) {
                    if spec.kind() == "var_spec_list" {
                        self.statement(spec, body);
                    } else {
                        self.spec(spec, body);
                    }
                }
            }
            "short_var_declaration" | "assignment_statement" => self.assignment(node, body),
            "if_statement" => {
                let inner =
                    self.builder.in_block(|builder| Lowering { builder }.if_statement(node));
                body.push(Statement::Block(inner));
            }
            "for_statement" => {
                let inner = self.builder.in_block(|builder| Lowering { builder }.looped(node));
                body.push(Statement::Block(inner));
            }
            "expression_switch_statement" => {
                let inner = self.builder.in_block(|builder| Lowering { builder }.switch(node));
                body.push(Statement::Block(inner));
            }
            "return_statement" => {
                let list = node.named_child(0);
                let first = list.and_then(|list| match list.kind() {
                    "expression_list" => list.named_child(0),
                    _ => Some(list),
                });
                let value = first.map(|first| self.expression(first));
                body.push(Statement::Return(value));
            }
            "break_statement" => body.push(Statement::Break),
            "continue_statement" => body.push(Statement::Continue),
            "block" => {
                let inner = self.block(Some(node));
                body.push(Statement::Block(inner));
            }
            "package_clause" | "type_declaration" => {}
            "expression_statement" | "go_statement" | "defer_statement" => {
                if let Some(inner) = node.named_child(0) {
                    let expression = self.expression(inner);
                    body.push(Statement::Expression(expression));
                }
            }
            _ => {
                let expression = self.expression(node);
                body.push(Statement::Expression(expression));
            }
        }
    }

    fn declaration(&mut self, node: Node<'_>) -> Statement {
        let function = self.function(node);
        let value = self.builder.add(Kind::Function(function), node);
        let name = child(node, "name").filter(|_| node.kind() == "function_declaration");
        let target = match name {
            Some(name) => {
                let name = self.builder.node_name(name);
                Target::Variable(self.builder.declare(&name))
            }
            None => Target::Nothing,
        };
        Statement::Assign(target, value)
    }

    fn spec(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        let values = child(node, "value").map(children).unwrap_or_default();
        for (at, name) in names.into_iter().enumerate() {
            let mut value = match values.get(at) {
                Some(value) => self.expression(*value),
                None => self.builder.add(Kind::Mixed(Vec::new()), node),
            };
            if let Some(declared) =
                child(node, "type").and_then(|named| self.type_expression(named))
            {
                value = self.builder.add(Kind::Typed(declared, value), node);
            }
            let name = self.builder.node_name(name);
            let id = self.builder.declare(&name);
            body.push(Statement::Assign(Target::Variable(id), value));
        }
    }

    fn assignment(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let left = child(node, "left").map(children).unwrap_or_default();
        let right = child(node, "right").map(children).unwrap_or_default();
        let declares = node.kind() == "short_var_declaration";
        let operator = child(node, "operator").map_or("=", |operator| operator.kind());
        for (at, place) in left.iter().enumerate() {
            let value = match (right.get(at), right.first()) {
                (Some(value), _) => Some(self.expression(*value)),
                // `value, ok := table[key]`: whether the key is there.
                (None, Some(only)) if only.kind() == "index_expression" => {
                    let table = self.field(*only, "operand");
                    let key = self.field(*only, "index");
                    Some(self.builder.add(Kind::Binary(Operator::In, key, table), node))
                }
                _ => None,
            };
            let Some(mut value) = value else { continue };
            if operator == "+=" {
                let before = self.expression(*place);
                value = self.builder.add(Kind::Binary(Operator::Add, before, value), node);
            }
            let target = self.target(*place, declares);
            body.push(Statement::Assign(target, value));
        }
    }

    fn target(&mut self, node: Node<'_>, declares: bool) -> Target {
        if node.kind() == "identifier" {
            let name = self.builder.node_name(node);
            if &*name == "_" {
                return Target::Nothing;
            }
            let known = if declares { None } else { self.builder.lookup(&name) };
            return Target::Variable(known.unwrap_or_else(|| self.builder.declare(&name)));
        }
        let place = self.expression(node);
        match &self.builder.program.expression(place).kind {
            Kind::Field(object, name) => Target::Field(*object, name.clone()),
            Kind::Index(object, index) => Target::Index(*object, *index),
            _ => Target::Nothing,
        }
    }

    fn if_statement(&mut self, node: Node<'_>) -> Vec<Statement> {
        let mut out = Vec::new();
        if let Some(initializer) = child(node, "initializer") {
            self.statement(initializer, &mut out);
        }
        let condition = self.field(node, "condition");
        let then = self.block(child(node, "consequence"));
        let otherwise = self.block(child(node, "alternative"));
        out.push(Statement::If(condition, then, otherwise));
        out
    }

    fn looped(&mut self, node: Node<'_>) -> Vec<Statement> {
        let (mut out, mut each, mut condition) = (Vec::new(), None, None);
        for part in children(node) {
            match part.kind() {
                "range_clause" => {
                    let iterable = self.field(part, "right");
                    let names = child(part, "left").map(children).unwrap_or_default();
                    let target = match names.last() {
                        Some(name) if names.len() > 1 => self.target(*name, true),
                        _ => Target::Nothing,
                    };
                    each = Some((target, iterable));
                }
                "for_clause" => {
                    if let Some(initializer) = child(part, "initializer") {
                        self.statement(initializer, &mut out);
                    }
                    condition =
                        child(part, "condition").map(|condition| self.expression(condition));
                }
                "block" => {}
                _ => condition = Some(self.expression(part)),
            }
        }
        let body = self.block(child(node, "body"));
        out.push(Statement::Loop { each, condition, body });
        out
    }

    fn switch(&mut self, node: Node<'_>) -> Vec<Statement> {
        let mut out = Vec::new();
        if let Some(initializer) = child(node, "initializer") {
            self.statement(initializer, &mut out);
        }
        let subject = match child(node, "value") {
            Some(value) => self.expression(value),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        };
        let mut cases: Vec<(Vec<ExprId>, Vec<Statement>)> = Vec::new();
        for arm in children(node) {
            if !matches!(arm.kind(), "expression_case" | "default_case") {
                continue;
            }
            let list = child(arm, "value");
            let labels = list.map(children).unwrap_or_default();
            let labels = labels.into_iter().map(|label| self.expression(label)).collect();
            let rest: Vec<Node<'_>> =
                children(arm).into_iter().filter(|part| Some(*part) != list).collect();
            let mut body = self.builder.in_block(|builder| Lowering { builder }.statements(&rest));
            body.push(Statement::Break);
            cases.push((labels, body));
        }
        out.push(Statement::Switch(subject, cases));
        out
    }

    /// The expression in a field; an empty one where it is missing.
    pub(super) fn field(&mut self, node: Node<'_>, field: &str) -> ExprId {
        match child(node, field) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }
}
