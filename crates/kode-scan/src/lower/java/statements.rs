//! Statements.

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::{Lowering, is_class};
use crate::ir::{ExprId, Kind, Statement};

impl Lowering<'_, '_> {
    /// A statement or block in a scope of its own.
    pub(super) fn block(&mut self, node: Option<Node<'_>>) -> Vec<Statement> {
        let Some(node) = node else { return Vec::new() };
        let nodes = match node.kind() {
            "block" | "constructor_body" => children(node),
            _ => vec![node],
        };
        self.scoped(|lowering| lowering.statements(&nodes))
    }

    fn statements(&mut self, nodes: &[Node<'_>]) -> Vec<Statement> {
        let mut body = Vec::new();
        for node in nodes {
            self.statement(*node, &mut body);
        }
        body
    }

    fn statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        match node.kind() {
            "expression_statement" => self.expression_statement(node, body),
            "local_variable_declaration" => self.locals(node, body),
            "if_statement" => {
                let condition = self.field(node, "condition");
                let then = self.block(child(node, "consequence"));
                let otherwise = self.block(child(node, "alternative"));
                body.push(Statement::If(condition, then, otherwise));
            }
            "for_statement" => {
                let looped = self.scoped(|lowering| lowering.counted(node));
                body.push(Statement::Block(looped));
            }
            "enhanced_for_statement" => {
                let looped = self.scoped(|lowering| lowering.for_each(node));
                body.push(Statement::Block(looped));
            }
            "while_statement" | "do_statement" => {
                let condition = Some(self.field(node, "condition"));
                let inner = self.block(child(node, "body"));
                body.push(Statement::Loop { each: None, condition, body: inner });
            }
            "switch_expression" | "switch_statement" => body.push(self.switch(node)),
            "try_statement" | "try_with_resources_statement" => {
                let tried = self.scoped(|lowering| vec![lowering.try_statement(node)]);
                body.extend(tried);
            }
            "return_statement" | "yield_statement" => {
                let value = node.named_child(0).map(|value| self.expression(value));
                body.push(Statement::Return(value));
            }
            "throw_statement" => {
                let value = node.named_child(0).map(|value| self.expression(value));
                body.push(Statement::Throw(value));
            }
            "break_statement" => body.push(Statement::Break),
            "continue_statement" => body.push(Statement::Continue),
            "explicit_constructor_invocation" => {
                let call = self.constructor_call(node);
                body.push(Statement::Expression(call));
            }
            "block" => {
                let inner = self.block(Some(node));
                body.push(Statement::Block(inner));
            }
            "synchronized_statement" | "labeled_statement" => {
                let inner = children(node).into_iter().next_back();
                let inner = self.block(child(node, "body").or(inner));
                body.push(Statement::Block(inner));
            }
            "ERROR" => {
                for part in children(node) {
                    self.statement(part, body);
                }
            }
            _ if is_class(node) => self.declaration(node),
            _ => {
                let expression = self.expression(node);
                body.push(Statement::Expression(expression));
            }
        }
    }

    fn expression_statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let Some(inner) = node.named_child(0) else { return };
        if inner.kind() == "switch_expression" {
            body.push(self.switch(inner));
            return;
        }
        let expression = self.expression(inner);
        body.push(Statement::Expression(expression));
    }

    fn locals(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        for declarator in children(node).into_iter().filter(|n| n.kind() == "variable_declarator") {
            let Some(name) = child(declarator, "name") else { continue };
            let declared = child(node, "type").map(|declared| self.type_expression(declared));
            let value = match child(declarator, "value") {
                Some(value) => self.expression(value),
                None => self.builder.add(Kind::Mixed(Vec::new()), declarator),
            };
            let value = match declared {
                Some(declared) => self.builder.add(Kind::Typed(declared, value), declarator),
                None => value,
            };
            let name = self.builder.node_name(name);
            let id = self.builder.declare(&name);
            body.push(Statement::Assign(variable(id), value));
        }
    }

    fn counted(&mut self, node: Node<'_>) -> Vec<Statement> {
        let mut out = Vec::new();
        let mut cursor = node.walk();
        let inits: Vec<Node<'_>> = node.children_by_field_name("init", &mut cursor).collect();
        for init in inits {
            self.statement(init, &mut out);
        }
        let condition = child(node, "condition").map(|condition| self.expression(condition));
        let mut body = self.block(child(node, "body"));
        if let Some(update) = child(node, "update") {
            let update = self.expression(update);
            body.push(Statement::Expression(update));
        }
        out.push(Statement::Loop { each: None, condition, body });
        out
    }

    fn for_each(&mut self, node: Node<'_>) -> Vec<Statement> {
        let iterable = self.field(node, "value");
        let declared = child(node, "type").map(|declared| self.type_expression(declared));
        let mut first = None;
        let target = match child(node, "name") {
            Some(part) => {
                let name = self.builder.node_name(part);
                let id = self.builder.declare(&name);
                first = declared.map(|declared| {
                    let element = self.builder.add(Kind::Variable(id), part);
                    let seen = self.builder.add(Kind::Typed(declared, element), part);
                    Statement::Assign(variable(id), seen)
                });
                variable(id)
            }
            None => crate::ir::Target::Nothing,
        };
        let mut body: Vec<Statement> = first.into_iter().collect();
        body.extend(self.block(child(node, "body")));
        vec![Statement::Loop { each: Some((target, iterable)), condition: None, body }]
    }

    fn switch(&mut self, node: Node<'_>) -> Statement {
        let subject = self.field(node, "condition");
        let mut cases: Vec<(Vec<ExprId>, Vec<Statement>)> = Vec::new();
        for arm in child(node, "body").map(children).unwrap_or_default() {
            let parts = children(arm);
            let (labels, rest): (Vec<Node<'_>>, Vec<Node<'_>>) =
                parts.into_iter().partition(|part| part.kind() == "switch_label");
            let is_default = labels.iter().any(|label| label.named_child_count() == 0);
            let labels: Vec<Node<'_>> = labels.into_iter().flat_map(children).collect();
            let mut labels: Vec<ExprId> =
                labels.into_iter().map(|label| self.expression(label)).collect();
            if is_default {
                labels.clear();
            }
            let mut body = self.scoped(|lowering| lowering.statements(&rest));
            if arm.kind() == "switch_rule" {
                body.push(Statement::Break);
            }
            cases.push((labels, body));
        }
        Statement::Switch(subject, cases)
    }

    fn try_statement(&mut self, node: Node<'_>) -> Statement {
        let mut body = Vec::new();
        if let Some(resources) = child(node, "resources") {
            for resource in children(resources) {
                let (Some(name), Some(value)) = (child(resource, "name"), child(resource, "value"))
                else {
                    continue;
                };
                let declared =
                    child(resource, "type").map(|declared| self.type_expression(declared));
                let mut value = self.expression(value);
                if let Some(declared) = declared {
                    value = self.builder.add(Kind::Typed(declared, value), resource);
                }
                let name = self.builder.node_name(name);
                let id = self.builder.declare(&name);
                body.push(Statement::Assign(variable(id), value));
            }
        }
        body.extend(self.block(child(node, "body")));
        let (mut handlers, mut finally) = (Vec::new(), Vec::new());
        for clause in children(node) {
            match clause.kind() {
                "catch_clause" => handlers.push(self.handler(clause)),
                "finally_clause" => finally = self.block(clause.named_child(0)),
                _ => {}
            }
        }
        Statement::Try { body, handlers, finally }
    }

    /// What runs with an exception that its parameter names.
    fn handler(&mut self, clause: Node<'_>) -> Vec<Statement> {
        self.scoped(|lowering| {
            let mut body = Vec::new();
            let parameter =
                children(clause).into_iter().find(|part| part.kind() == "catch_formal_parameter");
            if let Some(name) = parameter.and_then(|parameter| child(parameter, "name")) {
                let caught = lowering.builder.add(Kind::Caught, name);
                let name = lowering.builder.node_name(name);
                let id = lowering.builder.declare(&name);
                body.push(Statement::Assign(variable(id), caught));
            }
            body.extend(lowering.block(child(clause, "body")));
            body
        })
    }

    /// Runs `inside` in a block scope, if that is not too deep.
    fn scoped(
        &mut self,
        inside: impl FnOnce(&mut Lowering<'_, '_>) -> Vec<Statement>,
    ) -> Vec<Statement> {
        let mut lent = Some(std::mem::take(&mut self.around));
        let mut kept = None;
        let result = self.builder.depth_guarded(|builder| {
            builder.in_block(|builder| {
                let mut lowering = Lowering { builder, around: lent.take().unwrap_or_default() };
                let result = inside(&mut lowering);
                kept = Some(lowering.around);
                result
            })
        });
        self.around = kept.or(lent).unwrap_or_default();
        result
    }

    /// The expression in a field; an empty one where it is missing.
    pub(super) fn field(&mut self, node: Node<'_>, field: &'static str) -> ExprId {
        match child(node, field) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }
}
