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
            "if_statement"
            | "for_statement"
            | "expression_switch_statement"
            | "type_switch_statement"
            | "select_statement" => {
                let inner = self.builder.in_block(|builder| Lowering { builder }.branching(node));
                body.push(Statement::Block(inner));
            }
            "send_statement" => {
                let channel = self.field(node, "channel");
                let value = self.field(node, "value");
                let anywhere = self.builder.add(Kind::Mixed(Vec::new()), node);
                body.push(Statement::Assign(Target::Index(channel, anywhere), value));
            }
            "receive_statement" => self.assignment(node, body),
            "labeled_statement" => {
                if let Some(inner) = children(node).into_iter().next_back() {
                    self.statement(inner, body);
                }
            }
            "return_statement" => body.push(self.returned(node)),
            "break_statement" => body.push(Statement::Break),
            "continue_statement" => body.push(Statement::Continue),
            "block" => {
                let inner = self.block(Some(node));
                body.push(Statement::Block(inner));
            }
            "type_declaration" => {
                self.declare_types(&[node]);
                self.define_types(&[node], body);
            }
            "package_clause" => {}
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

    fn branching(&mut self, node: Node<'_>) -> Vec<Statement> {
        match node.kind() {
            "if_statement" => self.if_statement(node),
            "for_statement" => self.looped(node),
            "expression_switch_statement" => self.switch(node),
            _ => self.choice(node),
        }
    }

    fn returned(&mut self, node: Node<'_>) -> Statement {
        let list = node.named_child(0).map(|list| match list.kind() {
            "expression_list" => children(list),
            _ => vec![list],
        });
        let list = list.unwrap_or_else(|| named_results(node));
        let values: Vec<ExprId> = list.into_iter().map(|one| self.expression(one)).collect();
        Statement::Return(match values[..] {
            [] => None,
            [only] => Some(only),
            _ => Some(self.builder.add(Kind::List(values), node)),
        })
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
                // A slice that is only declared is an empty one.
                None if self.is_local_slice(node) => self.builder.add(Kind::List(Vec::new()), node),
                None => self.builder.add(Kind::Mixed(Vec::new()), node),
            };
            if let Some(declared) =
                child(node, "type").and_then(|named| self.type_expression(named))
            {
                value = self.builder.add(Kind::Typed(declared, value), node);
            }
            let name = self.builder.node_name(name);
            let id = self.builder.declare(&name);
            let is_shown = name.starts_with(|first: char| first.is_ascii_uppercase());
            if is_shown && node.kind() == "var_spec" && self.builder.scopes.len() == 1 {
                self.builder.program.changeable.insert(id);
            }
            body.push(Statement::Assign(Target::Variable(id), value));
        }
    }

    fn is_local_slice(&self, node: Node<'_>) -> bool {
        let is_slice = child(node, "type").is_some_and(|named| named.kind() == "slice_type");
        is_slice && self.builder.scopes.len() > 1
    }

    fn assignment(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let left = child(node, "left").map(children).unwrap_or_default();
        // `line := <-jobs` as a case of a `select` has no list on its right.
        let is_received = node.kind() == "receive_statement";
        let right = child(node, "right");
        let right = right.map(|right| if is_received { vec![right] } else { children(right) });
        let right = right.unwrap_or_default();
        let mut cursor = node.walk();
        let declares = node.kind() == "short_var_declaration"
            || is_received && node.children(&mut cursor).any(|part| part.kind() == ":=");
        let operator = child(node, "operator").map_or("=", |operator| operator.kind());
        if let ([_, _, ..], [only]) = (&left[..], &right[..])
            && only.kind() != "index_expression"
        {
            // Several results of one call.
            let value = self.expression(*only);
            let targets = left.iter().map(|place| self.target(*place, declares)).collect();
            body.push(Statement::Assign(Target::List(targets), value));
            return;
        }
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
            return match known {
                Some(known) => Target::Variable(known),
                None if declares => Target::Variable(self.builder.declare(&name)),
                None => Target::Global(name),
            };
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
        let (mut out, mut each, mut condition, mut keys) = (Vec::new(), None, None, None);
        for part in children(node) {
            match part.kind() {
                "range_clause" => {
                    let iterable = self.field(part, "right");
                    let names = child(part, "left").map(children).unwrap_or_default();
                    let target = match names[..] {
                        [key, name] => {
                            if let Some(named) = self.key_of_map(key, part) {
                                keys = Some(named);
                            }
                            self.target(name, true)
                        }
                        // What a channel gives; of a list it is the place, which indexes it.
                        [name] if !self.is_place(name, node) => self.target(name, true),
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
        let mut body: Vec<Statement> = keys.into_iter().collect();
        body.extend(self.block(child(node, "body")));
        out.push(Statement::Loop { each, condition, body });
        out
    }

    /// Whether a loop's only variable is used as a place in a list.
    fn is_place(&self, name: Node<'_>, looped: Node<'_>) -> bool {
        let body = child(looped, "body").map_or("", |body| self.builder.text(body));
        let name = self.builder.text(name);
        name == "_" || body.contains(&format!("[{name}]"))
    }

    /// `for key, value := range …`: a map of input has keys of input.
    fn key_of_map(&mut self, key: Node<'_>, range: Node<'_>) -> Option<Statement> {
        if self.builder.text(key) == "_" {
            return None;
        }
        let table = self.field(range, "right");
        let value = self.builder.add(Kind::Mixed(vec![table]), range);
        let target = self.target(key, true);
        Some(Statement::Assign(target, value))
    }

    /// A `select` or a switch on a type: one of its cases runs.
    fn choice(&mut self, node: Node<'_>) -> Vec<Statement> {
        let mut out = Vec::new();
        if let Some(initializer) = child(node, "initializer") {
            self.statement(initializer, &mut out);
        }
        let value = child(node, "value").map(|value| self.expression(value));
        let alias = child(node, "alias").and_then(|alias| alias.named_child(0));
        let mut cases: Vec<(Vec<ExprId>, Vec<Statement>)> = Vec::new();
        for arm in children(node) {
            if !matches!(arm.kind(), "type_case" | "communication_case" | "default_case") {
                continue;
            }
            let mut cursor = arm.walk();
            let kinds: Vec<Node<'_>> = arm.children_by_field_name("type", &mut cursor).collect();
            let rest: Vec<Node<'_>> =
                children(arm).into_iter().filter(|part| !kinds.contains(part)).collect();
            let body = self.builder.in_block(|builder| {
                let mut lowering = Lowering { builder };
                let mut body = Vec::new();
                if let (Some(alias), Some(value)) = (alias, value) {
                    let named = kinds.first().filter(|_| kinds.len() == 1);
                    let declared = named.and_then(|named| lowering.type_expression(*named));
                    let seen = match declared {
                        Some(declared) => lowering.builder.add(Kind::Typed(declared, value), arm),
                        None => value,
                    };
                    let target = lowering.target(alias, true);
                    body.push(Statement::Assign(target, seen));
                }
                body.extend(lowering.statements(&rest));
                body.push(Statement::Break);
                body
            });
            // No label is compared: each case may run.
            let label = match arm.kind() {
                "default_case" => Vec::new(),
                _ => vec![self.builder.add(Kind::Mixed(Vec::new()), arm)],
            };
            cases.push((label, body));
        }
        let subject = self.builder.add(Kind::Mixed(Vec::new()), node);
        out.push(Statement::Switch(subject, cases));
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
    pub(super) fn field(&mut self, node: Node<'_>, field: &'static str) -> ExprId {
        match child(node, field) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }
}

/// The names of the results that a bare `return` returns.
fn named_results(node: Node<'_>) -> Vec<Node<'_>> {
    let mut around = node.parent();
    while let Some(inner) = around {
        if matches!(inner.kind(), "function_declaration" | "method_declaration" | "func_literal") {
            let results = child(inner, "result").filter(|r| r.kind() == "parameter_list");
            let declared = results.map(children).unwrap_or_default().into_iter();
            return declared
                .flat_map(|one| {
                    one.children_by_field_name("name", &mut one.walk()).collect::<Vec<_>>()
                })
                .collect();
        }
        around = inner.parent();
    }
    Vec::new()
}
