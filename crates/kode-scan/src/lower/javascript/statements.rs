//! Statements, declarations and hoisting.

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::Lowering;
use crate::ir::{ExprId, Kind, Statement, Target};

impl Lowering<'_, '_> {
    /// A list of statements in one scope: names declared first, as hoisting does.
    pub(super) fn statements(&mut self, nodes: &[Node<'_>]) -> Vec<Statement> {
        for node in nodes {
            self.declare_names(*node);
        }
        let mut body = Vec::new();
        // Function declarations are usable before their line.
        let is_function = |node: &Node<'_>| {
            matches!(node.kind(), "function_declaration" | "generator_function_declaration")
        };
        for node in nodes {
            self.interface_of(*node, &mut body);
        }
        for node in nodes.iter().filter(|node| is_function(node)) {
            self.statement(*node, &mut body);
        }
        for node in nodes.iter().filter(|node| !is_function(node)) {
            self.statement(*node, &mut body);
        }
        body
    }

    /// An interface comes first: a value of the same name replaces it.
    fn interface_of(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let inner = match node.kind() {
            "export_statement" => child(node, "declaration"),
            _ => Some(node),
        };
        if let Some(node) = inner.filter(|inner| inner.kind() == "interface_declaration")
            && let Some(class) = self.interface(node)
        {
            self.bind_name(node, Kind::Class(class), body);
        }
    }

    /// A statement as a block of its own.
    pub(super) fn block(&mut self, node: Option<Node<'_>>) -> Vec<Statement> {
        let Some(node) = node else { return Vec::new() };
        let nodes = match node.kind() {
            "statement_block" | "class_static_block" => children(node),
            "else_clause" | "finally_clause" => {
                let inner = child(node, "body").or_else(|| node.named_child(0));
                return self.block(inner);
            }
            _ => vec![node],
        };
        self.builder.depth_guarded(|builder| {
            builder.in_block(|builder| Lowering { builder }.statements(&nodes))
        })
    }

    fn declare_names(&mut self, node: Node<'_>) {
        match node.kind() {
            "lexical_declaration" => self.declare_declarators(node),
            "function_declaration"
            | "generator_function_declaration"
            | "class_declaration"
            | "abstract_class_declaration"
            | "enum_declaration" => {
                if let Some(name) = child(node, "name") {
                    let name = self.builder.node_name(name);
                    self.builder.declare(&name);
                }
            }
            "import_statement" => self.declare_imports(node),
            "internal_module" | "module" => {
                if let Some(name) = child(node, "name").filter(|name| name.kind() == "identifier") {
                    let name = self.builder.node_name(name);
                    self.builder.declare(&name);
                }
            }
            "export_statement" => {
                if let Some(inner) = child(node, "declaration") {
                    self.declare_names(inner);
                }
            }
            "expression_statement" => {
                let inner = node.named_child(0).filter(|inner| inner.kind() == "internal_module");
                if let Some(inner) = inner {
                    self.declare_names(inner);
                }
            }
            _ => {}
        }
    }

    fn declare_declarators(&mut self, node: Node<'_>) {
        for declarator in children(node) {
            if let Some(name) = child(declarator, "name") {
                self.declare_pattern(name, false);
            }
        }
    }

    /// Declares every `var` below `node` that belongs to this function.
    pub(super) fn declare_vars(&mut self, node: Node<'_>) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            let kind = node.kind();
            if kind == "variable_declaration" {
                for declarator in children(node) {
                    if let Some(name) = child(declarator, "name") {
                        self.declare_pattern(name, true);
                    }
                }
            } else if kind == "for_in_statement" {
                let is_var = child(node, "kind").is_some_and(|kind| kind.kind() == "var");
                if let (true, Some(left)) = (is_var, child(node, "left")) {
                    self.declare_pattern(left, true);
                }
            }
            if kind.ends_with("_statement")
                || kind == "program"
                || kind == "statement_block"
                || kind.starts_with("switch_")
                || kind.ends_with("_clause")
            {
                stack.extend(children(node));
            }
        }
    }

    fn statement(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        match node.kind() {
            "expression_statement" => {
                if let Some(inner) = node.named_child(0) {
                    if inner.kind() == "internal_module" {
                        return self.namespace(inner, body);
                    }
                    let expression = self.expression(inner);
                    body.push(Statement::Expression(expression));
                }
            }
            "lexical_declaration" | "variable_declaration" => self.declaration(node, body),
            "function_declaration" | "generator_function_declaration" => {
                let function = self.function(node);
                self.bind_name(node, Kind::Function(function), body);
            }
            "class_declaration" | "abstract_class_declaration" => {
                let class = self.class(node);
                self.bind_name(node, Kind::Class(class), body);
            }
            "if_statement" => {
                let condition = self.field(node, "condition");
                let then = self.block(child(node, "consequence"));
                let otherwise = self.block(child(node, "alternative"));
                body.push(Statement::If(condition, then, otherwise));
            }
            "for_statement" | "while_statement" | "do_statement" | "for_in_statement" => {
                let looped = self.looped(node);
                body.push(Statement::Block(looped));
            }
            "switch_statement" => body.push(self.switch(node)),
            "try_statement" => body.push(self.try_statement(node)),
            "return_statement" => {
                let value = node.named_child(0).map(|value| self.expression(value));
                body.push(Statement::Return(value));
            }
            "throw_statement" => {
                let value = node.named_child(0).map(|value| self.expression(value));
                body.push(Statement::Throw(value));
            }
            "break_statement" => body.push(Statement::Break),
            "continue_statement" => body.push(Statement::Continue),
            "statement_block" => {
                let inner = self.block(Some(node));
                body.push(Statement::Block(inner));
            }
            "labeled_statement" => {
                let inner = self.block(child(node, "body"));
                body.push(Statement::Block(inner));
            }
            "import_statement" => self.import(node, body),
            "internal_module" | "module" => self.namespace(node, body),
            "export_statement" => self.export(node, body),
            "ERROR" => {
                for part in children(node) {
                    self.statement(part, body);
                }
            }
            "interface_declaration" | "type_alias_declaration" | "empty_statement" => {}
            _ => {
                let expression = self.expression(node);
                body.push(Statement::Expression(expression));
            }
        }
    }

    /// Lowers a declaration that may be nested in an export.
    pub(super) fn declared(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        self.statement(node, body);
    }

    fn bind_name(&mut self, node: Node<'_>, kind: Kind, body: &mut Vec<Statement>) {
        let value = self.builder.add(kind, node);
        if let Some(name) = child(node, "name") {
            let name = self.builder.node_name(name);
            let id = self.builder.declare(&name);
            body.push(Statement::Assign(variable(id), value));
        } else {
            body.push(Statement::Expression(value));
        }
    }

    fn declaration(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        for declarator in children(node) {
            let Some(name) = child(declarator, "name") else { continue };
            let Some(value) = child(declarator, "value") else {
                if let Some(declared) = self.declared_type(declarator) {
                    let nothing = self.builder.add(Kind::Mixed(Vec::new()), declarator);
                    let value = self.builder.add(Kind::Typed(declared, nothing), declarator);
                    let target = self.pattern(name);
                    body.push(Statement::Assign(target, value));
                }
                continue;
            };
            let mut value = self.expression(value);
            if let Some(declared) = self.declared_type(declarator) {
                value = self.builder.add(Kind::Typed(declared, value), declarator);
            }
            let target = self.pattern(name);
            body.push(Statement::Assign(target, value));
        }
    }

    fn looped(&mut self, node: Node<'_>) -> Vec<Statement> {
        self.builder.depth_guarded(|builder| {
            builder.in_block(|builder| {
                let mut lowering = Lowering { builder };
                match node.kind() {
                    "for_in_statement" => lowering.for_each(node),
                    _ => lowering.counted(node),
                }
            })
        })
    }

    fn for_each(&mut self, node: Node<'_>) -> Vec<Statement> {
        let iterable = self.field(node, "right");
        let target = match child(node, "left") {
            Some(left) => {
                if child(node, "kind").is_some() {
                    self.declare_pattern(left, false);
                }
                self.pattern(left)
            }
            None => Target::Nothing,
        };
        let body = self.block(child(node, "body"));
        // `for (key in object)` gives keys, which are text of the object's own.
        vec![Statement::Loop { each: Some((target, iterable)), condition: None, body }]
    }

    fn counted(&mut self, node: Node<'_>) -> Vec<Statement> {
        let mut out = Vec::new();
        if let Some(initializer) = child(node, "initializer") {
            self.declare_names(initializer);
            self.statement(initializer, &mut out);
        }
        let condition = child(node, "condition").map(|condition| self.expression(condition));
        let mut body = self.block(child(node, "body"));
        if let Some(increment) = child(node, "increment") {
            let increment = self.expression(increment);
            body.push(Statement::Expression(increment));
        }
        out.push(Statement::Loop { each: None, condition, body });
        out
    }

    fn switch(&mut self, node: Node<'_>) -> Statement {
        let subject = self.field(node, "value");
        let mut cases = Vec::new();
        let arms = child(node, "body").map(children).unwrap_or_default();
        for arm in arms {
            let label = child(arm, "value");
            let labels = label.map(|label| self.expression(label)).into_iter().collect();
            let body: Vec<Node<'_>> =
                children(arm).into_iter().filter(|part| Some(*part) != label).collect();
            let body = self.builder.in_block(|builder| Lowering { builder }.statements(&body));
            cases.push((labels, body));
        }
        Statement::Switch(subject, cases)
    }

    fn try_statement(&mut self, node: Node<'_>) -> Statement {
        let body = self.block(child(node, "body"));
        let handler = child(node, "handler").map(|handler| {
            self.builder.in_block(|builder| {
                let mut lowering = Lowering { builder };
                let mut body = Vec::new();
                if let Some(parameter) = child(handler, "parameter") {
                    lowering.declare_pattern(parameter, false);
                    let caught = lowering.builder.add(Kind::Caught, parameter);
                    body.push(Statement::Assign(lowering.pattern(parameter), caught));
                }
                body.extend(lowering.block(child(handler, "body")));
                body
            })
        });
        let finally = self.block(child(node, "finalizer"));
        Statement::Try { body, handlers: handler.into_iter().collect(), finally }
    }

    /// The expression in a field; an empty one where it is missing.
    pub(super) fn field(&mut self, node: Node<'_>, field: &'static str) -> ExprId {
        match child(node, field) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }
}
