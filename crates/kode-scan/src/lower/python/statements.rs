//! Statements, imports and the names a scope assigns.

use kode_syntax::Node;

use super::super::{child, children, variable};
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

    /// The statements of a block, in the scope around it: Python has no block scopes.
    pub(super) fn block(&mut self, node: Option<Node<'_>>) -> Vec<Statement> {
        let nodes = match node {
            Some(node) if node.kind() == "block" => children(node),
            Some(node) if matches!(node.kind(), "else_clause" | "finally_clause") => {
                let body = child(node, "body");
                let body =
                    body.or_else(|| children(node).into_iter().find(|n| n.kind() == "block"));
                return self.block(body);
            }
            Some(node) => vec![node],
            None => return Vec::new(),
        };
        self.builder.depth_guarded(|builder| Lowering { builder }.statements(&nodes))
    }

    /// Declares every name assigned below `node` in its own scope.
    pub(super) fn declare_assigned(&mut self, node: Node<'_>) {
        let mut outer: Vec<String> = Vec::new();
        let mut stack = vec![node];
        let mut assigned = Vec::new();
        while let Some(node) = stack.pop() {
            match node.kind() {
                "global_statement" | "nonlocal_statement" => {
                    outer.extend(children(node).iter().map(|n| self.builder.text(*n).to_owned()));
                }
                "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                    if let Some(left) = child(node, "left") {
                        names_in(left, &mut assigned);
                    }
                }
                "as_pattern_target" => names_in(node, &mut assigned),
                "named_expression" => assigned.extend(child(node, "name")),
                "function_definition" | "class_definition" => {
                    assigned.extend(child(node, "name"));
                    continue;
                }
                "lambda" => continue,
                "import_statement" | "import_from_statement" => {
                    for (name, _) in self.bindings(node) {
                        let name = self.builder.name(&name);
                        self.builder.declare(&name);
                    }
                    continue;
                }
                _ => {}
            }
            stack.extend(children(node));
        }
        for node in assigned {
            let text = self.builder.text(node);
            if !outer.iter().any(|name| name == text) {
                let name = self.builder.name(text);
                self.builder.declare(&name);
            }
        }
    }

    fn statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        match node.kind() {
            "expression_statement" => {
                for part in children(node) {
                    let expression = self.expression(part);
                    body.push(Statement::Expression(expression));
                }
            }
            "function_definition" => self.definition(node, Vec::new(), body),
            "class_definition" => self.definition(node, Vec::new(), body),
            "decorated_definition" => self.decorated(node, body),
            "if_statement" => self.if_statement(node, body),
            "for_statement" => {
                let iterable = self.field(node, "right");
                let target = child(node, "left").map_or(Target::Nothing, |left| self.target(left));
                let looped = self.block(child(node, "body"));
                let each = Some((target, iterable));
                body.push(Statement::Loop { each, condition: None, body: looped });
                body.extend(self.block(child(node, "alternative")));
            }
            "while_statement" => {
                let condition = Some(self.field(node, "condition"));
                let looped = self.block(child(node, "body"));
                body.push(Statement::Loop { each: None, condition, body: looped });
            }
            "try_statement" => body.push(self.try_statement(node)),
            "with_statement" => self.with_statement(node, body),
            "return_statement" => {
                let value = children(node).first().map(|value| self.expression(*value));
                body.push(Statement::Return(value));
            }
            "raise_statement" => {
                let value = children(node).first().map(|value| self.expression(*value));
                body.push(Statement::Throw(value));
            }
            "break_statement" => body.push(Statement::Break),
            "continue_statement" => body.push(Statement::Continue),
            "assert_statement" => {
                if let Some(condition) = children(node).first() {
                    let condition = self.expression(*condition);
                    body.push(Statement::If(condition, Vec::new(), vec![Statement::Throw(None)]));
                }
            }
            "import_statement" | "import_from_statement" => self.import(node, body),
            "match_statement" => body.push(self.match_statement(node)),
            "block" => body.extend(self.block(Some(node))),
            "ERROR" => {
                for part in children(node) {
                    self.statement(part, body);
                }
            }
            "pass_statement"
            | "global_statement"
            | "nonlocal_statement"
            | "type_alias_statement"
            | "future_import_statement" => {}
            _ => {
                let expression = self.expression(node);
                body.push(Statement::Expression(expression));
            }
        }
    }

    fn decorated(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let mut decorators = Vec::new();
        for part in children(node).into_iter().filter(|part| part.kind() == "decorator") {
            decorators.extend(children(part).first().map(|inner| self.expression(*inner)));
        }
        if let Some(definition) = child(node, "definition") {
            self.definition(definition, decorators, body);
        }
    }

    fn definition(&mut self, node: Node<'_>, decorators: Vec<ExprId>, body: &mut Vec<Statement>) {
        let kind = match node.kind() {
            "class_definition" => Kind::Class(self.class(node)),
            _ => Kind::Function(self.function(node, None, decorators)),
        };
        let value = self.builder.add(kind, node);
        if let Some(name) = child(node, "name") {
            let name = self.builder.node_name(name);
            let id = match self.builder.lookup(&name) {
                Some(id) => id,
                None => self.builder.declare(&name),
            };
            body.push(Statement::Assign(variable(id), value));
        }
    }

    fn if_statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let mut cursor = node.walk();
        let clauses: Vec<Node<'_>> =
            node.children_by_field_name("alternative", &mut cursor).collect();
        let mut otherwise = Vec::new();
        for clause in clauses.into_iter().rev() {
            otherwise = match clause.kind() {
                "elif_clause" => {
                    let condition = self.field(clause, "condition");
                    let then = self.block(child(clause, "consequence"));
                    vec![Statement::If(condition, then, otherwise)]
                }
                _ => self.block(Some(clause)),
            };
        }
        let condition = self.field(node, "condition");
        let then = self.block(child(node, "consequence"));
        body.push(Statement::If(condition, then, otherwise));
    }

    fn try_statement(&mut self, node: Node<'_>) -> Statement {
        let mut body = self.block(child(node, "body"));
        let (mut handlers, mut finally) = (Vec::new(), Vec::new());
        for clause in children(node) {
            match clause.kind() {
                "except_clause" | "except_group_clause" => {
                    let parts = children(clause);
                    let mut handler = Vec::new();
                    let named = parts.iter().find(|part| part.kind() == "as_pattern");
                    if let Some(alias) = named.and_then(|named| child(*named, "alias")) {
                        let name = alias.named_child(0).unwrap_or(alias);
                        let caught = self.builder.add(Kind::Caught, alias);
                        handler.push(Statement::Assign(self.target(name), caught));
                    }
                    let block = parts.into_iter().find(|part| part.kind() == "block");
                    handler.extend(self.block(block));
                    handlers.push(handler);
                }
                "finally_clause" => finally = self.block(Some(clause)),
                "else_clause" => body.extend(self.block(Some(clause))),
                _ => {}
            }
        }
        Statement::Try { body, handlers, finally }
    }

    fn with_statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let clauses = children(node).into_iter().filter(|part| part.kind() == "with_clause");
        let items: Vec<Node<'_>> = clauses.flat_map(children).collect();
        for item in items {
            let Some(value) = child(item, "value").or_else(|| item.named_child(0)) else {
                continue;
            };
            let value = self.expression(value);
            body.push(Statement::Expression(value));
        }
        body.extend(self.block(child(node, "body")));
    }

    /// `case other:` gives the subject another name.
    fn captured(&mut self, arm: Node<'_>, statement: Node<'_>) -> Option<Statement> {
        let mut patterns = children(arm).into_iter().filter(|part| part.kind() == "case_pattern");
        let name = patterns.next().and_then(|pattern| pattern.named_child(0))?;
        let text = self.builder.text(name);
        let is_name = text != "_" && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if name.kind() != "dotted_name" || !is_name {
            return None;
        }
        let name = self.builder.node_name(name);
        let id = match self.builder.lookup(&name) {
            Some(id) => id,
            None => self.builder.declare(&name),
        };
        let subject = self.field(statement, "subject");
        Some(Statement::Assign(variable(id), subject))
    }

    fn match_statement(&mut self, node: Node<'_>) -> Statement {
        let subject = self.field(node, "subject");
        let arms = child(node, "body").map(children).unwrap_or_default();
        let mut cases = Vec::new();
        for arm in arms.into_iter().filter(|arm| arm.kind() == "case_clause") {
            let mut labels = Vec::new();
            for pattern in children(arm).into_iter().filter(|part| part.kind() == "case_pattern") {
                let parts = children(pattern);
                let strings = parts.iter().filter(|part| part.kind() == "string");
                labels.extend(strings.map(|part| self.expression(*part)).collect::<Vec<_>>());
            }
            let captured = self.captured(arm, node);
            let mut body = self.block(child(arm, "consequence"));
            body.splice(0..0, captured);
            body.push(Statement::Break);
            cases.push((labels, body));
        }
        Statement::Switch(subject, cases)
    }

    /// Local names an import binds, with module and member.
    fn bindings(&self, node: Node<'_>) -> Vec<(String, (String, Option<String>))> {
        let mut found = Vec::new();
        let module = child(node, "module_name").map(|name| self.builder.text(name).to_owned());
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            let (path, alias) = match name.kind() {
                "aliased_import" => (child(name, "name").unwrap_or(name), child(name, "alias")),
                _ => (name, None),
            };
            let path = self.builder.text(path).to_owned();
            let alias = alias.map(|alias| self.builder.text(alias).to_owned());
            match &module {
                Some(module) => {
                    found.push((
                        alias.unwrap_or_else(|| path.clone()),
                        (module.clone(), Some(path)),
                    ));
                }
                None => match alias {
                    Some(alias) => found.push((alias, (path, None))),
                    None => {
                        let first = path.split('.').next().unwrap_or(&path).to_owned();
                        found.push((first.clone(), (first, None)));
                    }
                },
            }
        }
        found
    }

    fn import(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let takes_all = children(node).iter().any(|part| part.kind() == "wildcard_import");
        if let Some(module) = child(node, "module_name").filter(|_| takes_all) {
            let module = self.builder.node_name(module);
            self.builder.program.star_imports.push(module);
        }
        for (local, (module, member)) in self.bindings(node) {
            let module_name = self.builder.name(&module);
            let mut value = self.builder.add(Kind::Import(module_name), node);
            if let Some(member) = member {
                let member = self.builder.name(&member);
                value = self.builder.add(Kind::Field(value, member), node);
            }
            let local = self.builder.name(&local);
            let id = self.builder.declare(&local);
            body.push(Statement::Assign(variable(id), value));
        }
        if node.kind() == "import_statement" {
            let paths = children(node).into_iter().filter(|part| part.kind() == "dotted_name");
            for path in paths {
                let path = self.builder.node_name(path);
                if path.contains('.') {
                    self.builder.program.submodules.push(path);
                }
            }
        }
    }

    /// An assignment as an expression.
    pub(super) fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let Some(left) = child(node, "left") else {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        };
        let mut value = match child(node, "right") {
            Some(right) => self.expression(right),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        };
        if node.kind() == "augmented_assignment" {
            let before = self.expression(left);
            let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
            value = match operator {
                "+=" => self.builder.add(Kind::Binary(Operator::Add, before, value), node),
                "%=" => self.builder.add(Kind::Join(vec![before, value]), node),
                _ => self.builder.add(Kind::Binary(Operator::Other, before, value), node),
            };
        }
        if let Some(declared) = child(node, "type").and_then(|named| self.type_expression(named)) {
            value = self.builder.add(Kind::Typed(declared, value), node);
        }
        let target = self.target(left);
        self.builder.add(Kind::Assign(Box::new(target), value), node)
    }

    /// An assignable expression as a target.
    pub(super) fn target(&mut self, node: Node<'_>) -> Target {
        match node.kind() {
            "identifier" => {
                let name = self.builder.node_name(node);
                let known = self.builder.lookup(&name);
                Target::Variable(known.unwrap_or_else(|| self.builder.declare(&name)))
            }
            "attribute" => {
                let object = self.field(node, "object");
                let name = child(node, "attribute").map(|name| self.builder.node_name(name));
                name.map_or(Target::Nothing, |name| Target::Field(object, name))
            }
            "subscript" => {
                let object = self.field(node, "value");
                let index = self.field(node, "subscript");
                Target::Index(object, index)
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" | "tuple" | "list"
            | "expression_list" => {
                Target::List(children(node).into_iter().map(|part| self.target(part)).collect())
            }
            "as_pattern_target" | "parenthesized_expression" | "list_splat_pattern" => {
                node.named_child(0).map_or(Target::Nothing, |inner| self.target(inner))
            }
            _ => Target::Nothing,
        }
    }

    /// The expression in a field; an empty one where it is missing.
    pub(super) fn field(&mut self, node: Node<'_>, field: &'static str) -> ExprId {
        match child(node, field) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }
}

pub(super) fn names_in<'t>(node: Node<'t>, found: &mut Vec<Node<'t>>) {
    match node.kind() {
        "identifier" => found.push(node),
        "attribute" | "subscript" | "call" => {}
        _ => children(node).into_iter().for_each(|part| names_in(part, found)),
    }
}
