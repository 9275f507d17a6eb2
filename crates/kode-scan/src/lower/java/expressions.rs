//! Expressions.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::{Lowering, Member};
use crate::ir::{Argument, Call, ExprId, Kind, Operator, Target};

impl Lowering<'_, '_> {
    /// Any expression; what has no meaning here mixes its parts.
    pub(super) fn expression(&mut self, node: Node<'_>) -> ExprId {
        if !self.builder.enter() {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        }
        let lowered = self.lower_expression(node);
        self.builder.leave();
        lowered
    }

    fn lower_expression(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "identifier" | "this" | "super" => {
                let text = self.builder.text(node);
                self.named(text, node)
            }
            "null_literal" => self.builder.add(Kind::Null, node),
            "true" | "false" => self.builder.add(Kind::Boolean(node.kind() == "true"), node),
            "decimal_integer_literal" => self.integer(node),
            "string_literal" | "character_literal" => self.text(node),
            "field_access" => self.field_access(node),
            "method_invocation" => self.invocation(node),
            "object_creation_expression" => self.creation(node),
            "array_access" => {
                let object = self.field(node, "array");
                let index = self.field(node, "index");
                self.builder.add(Kind::Index(object, index), node)
            }
            "array_creation_expression" => match child(node, "value") {
                Some(value) => self.expression(value),
                // What holds references is filled slot by slot.
                None => {
                    let named = child(node, "type").map_or("", |named| named.kind());
                    let is_list = matches!(named, "type_identifier" | "scoped_type_identifier");
                    let parts = Vec::new();
                    let kind = if is_list { Kind::List(parts) } else { Kind::Mixed(parts) };
                    self.builder.add(kind, node)
                }
            },
            "array_initializer" => {
                let items = children(node).into_iter().map(|item| self.expression(item)).collect();
                self.builder.add(Kind::List(items), node)
            }
            "assignment_expression" => self.assignment(node),
            "binary_expression" => self.binary(node),
            "unary_expression" => self.unary(node),
            "ternary_expression" => {
                let condition = self.field(node, "condition");
                let then = self.field(node, "consequence");
                let otherwise = self.field(node, "alternative");
                self.builder.add(Kind::Conditional(condition, then, otherwise), node)
            }
            "cast_expression" => {
                let declared = child(node, "type").map(|declared| self.type_expression(declared));
                let value = self.field(node, "value");
                match declared {
                    Some(declared) => self.builder.add(Kind::Typed(declared, value), node),
                    None => value,
                }
            }
            "switch_expression" => self.switch_value(node),
            "lambda_expression" => {
                let function = self.lambda(node);
                self.builder.add(Kind::Function(function), node)
            }
            "parenthesized_expression" => match children(node).first() {
                Some(inner) => self.expression(*inner),
                None => self.builder.add(Kind::Null, node),
            },
            "method_reference" => self.method_reference(node),
            "instanceof_expression" | "class_literal" => {
                self.builder.add(Kind::Mixed(Vec::new()), node)
            }
            _ => {
                let parts = children(node).into_iter().map(|part| self.expression(part)).collect();
                self.builder.add(Kind::Mixed(parts), node)
            }
        }
    }

    /// `this::run`, `Shell::start`.
    fn method_reference(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let ([object, name], false) = (&parts[..], self.builder.text(node).ends_with("::new"))
        else {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        };
        let object = self.expression(*object);
        let name = self.builder.node_name(*name);
        self.builder.add(Kind::Field(object, name), node)
    }

    /// `switch` as a value: a chain of choices.
    fn switch_value(&mut self, node: Node<'_>) -> ExprId {
        let arms = child(node, "body").map(children).unwrap_or_default();
        let mut value = self.builder.add(Kind::Mixed(Vec::new()), node);
        let has_default = |arm: &Node<'_>| {
            children(*arm).first().is_some_and(|label| children(*label).is_empty())
        };
        let (mut ordered, rest): (Vec<Node<'_>>, Vec<Node<'_>>) =
            arms.into_iter().partition(has_default);
        ordered.extend(rest.into_iter().rev());
        for arm in ordered {
            let given = self.arm_value(arm);
            let labels = children(arm).first().map(|label| children(*label)).unwrap_or_default();
            let mut condition = None;
            for label in labels {
                let subject = self.field(node, "condition");
                let label = self.expression(label);
                let same = self.builder.add(Kind::Binary(Operator::Equal, subject, label), arm);
                condition = Some(match condition {
                    Some(before) => self.builder.add(Kind::Either(before, same), arm),
                    None => same,
                });
            }
            value = match condition {
                Some(condition) => {
                    self.builder.add(Kind::Conditional(condition, given, value), node)
                }
                None => given,
            };
        }
        value
    }

    /// What an arm of a `switch` gives; a block is run as a function.
    fn arm_value(&mut self, arm: Node<'_>) -> ExprId {
        let parts: Vec<Node<'_>> =
            children(arm).into_iter().filter(|part| part.kind() != "switch_label").collect();
        match parts[..] {
            [only] if only.kind() == "expression_statement" => match only.named_child(0) {
                Some(inner) => self.expression(inner),
                None => self.builder.add(Kind::Null, only),
            },
            [only] if only.kind() == "block" => {
                let function = self.lambda(arm);
                let callee = self.builder.add(Kind::Function(function), only);
                self.builder.add_call(callee, Vec::new(), only)
            }
            _ => self.builder.add(Kind::Mixed(Vec::new()), arm),
        }
    }

    fn integer(&mut self, node: Node<'_>) -> ExprId {
        let text = self.builder.text(node).replace('_', "");
        match text.trim_end_matches(['l', 'L']).parse() {
            Ok(number) => self.builder.add(Kind::Number(number), node),
            Err(_) => self.builder.add_text("0", node),
        }
    }

    fn text(&mut self, node: Node<'_>) -> ExprId {
        let text = self.builder.text(node);
        let quotes = if text.starts_with("\"\"\"") { 3 } else { 1 };
        let inner = text.get(quotes..text.len().saturating_sub(quotes)).unwrap_or_default();
        self.builder.add_text(&unescaped(inner), node)
    }

    /// `a.b`, or a type by its qualified name.
    fn field_access(&mut self, node: Node<'_>) -> ExprId {
        let text = self.builder.text(node);
        if is_qualified_type(text) {
            return self.whole_name(text, node);
        }
        let object = self.field(node, "object");
        match child(node, "field").map(|name| self.builder.node_name(name)) {
            Some(name) => self.builder.add(Kind::Field(object, name), node),
            None => object,
        }
    }

    fn invocation(&mut self, node: Node<'_>) -> ExprId {
        let arguments = self.arguments(node);
        let name = child(node, "name").map(|name| self.builder.node_name(name));
        let name = name.unwrap_or_else(|| self.builder.name(""));
        let callee = match child(node, "object") {
            Some(object) => {
                let object = self.invoked_on(object, &name);
                self.builder.add(Kind::Field(object, name), node)
            }
            None => match (self.member(&name), self.builder.lookup("this")) {
                (Some(Member::Method | Member::Both), Some(this)) => {
                    let object = self.builder.add(Kind::Variable(this), node);
                    self.builder.add(Kind::Field(object, name), node)
                }
                _ => match self.around.statics.get(&*name).cloned() {
                    Some(owner) => self.imported_member(&owner, &name, node),
                    None => self.builder.add(Kind::Global(name), node),
                },
            },
        };
        self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    /// What a method is called on; a class itself where one of its members is sought.
    fn invoked_on(&mut self, object: Node<'_>, method: &str) -> ExprId {
        const SEEKING: [&str; 5] = [
            "getMethod",
            "getDeclaredMethod",
            "getConstructor",
            "getDeclaredConstructor",
            "newInstance",
        ];
        match object.named_child(0) {
            Some(named) if object.kind() == "class_literal" && SEEKING.contains(&method) => {
                self.type_expression(named)
            }
            _ => self.expression(object),
        }
    }

    /// `super(…)` or `this(…)` in a constructor.
    pub(super) fn constructor_call(&mut self, node: Node<'_>) -> ExprId {
        let arguments = self.arguments(node);
        let is_super = child(node, "constructor").is_some_and(|name| name.kind() == "super");
        let callee = match self.builder.lookup("this").filter(|_| !is_super) {
            Some(this) => {
                let object = self.builder.add(Kind::Variable(this), node);
                let name = self.builder.name("<init>");
                self.builder.add(Kind::Field(object, name), node)
            }
            None => {
                let name = self.builder.name("super");
                self.builder.add(Kind::Global(name), node)
            }
        };
        self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    fn creation(&mut self, node: Node<'_>) -> ExprId {
        let arguments = self.arguments(node);
        let body = children(node).into_iter().find(|part| part.kind() == "class_body");
        if let Some(body) = body {
            let class = self.class(body);
            let callee = self.builder.add(Kind::Class(class), node);
            return self.builder.add(Kind::Call(Call { callee, arguments, construct: true }), node);
        }
        let callee = match child(node, "type") {
            Some(named) => self.type_expression(named),
            None => self.builder.add(Kind::Mixed(Vec::new()), node),
        };
        self.builder.add(Kind::Call(Call { callee, arguments, construct: true }), node)
    }

    pub(super) fn arguments(&mut self, node: Node<'_>) -> Vec<Argument> {
        let nodes = child(node, "arguments").map(children).unwrap_or_default();
        nodes
            .into_iter()
            .map(|node| Argument { name: None, value: self.expression(node), spread: false })
            .collect()
    }

    fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let mut value = self.field(node, "right");
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("=");
        if operator != "=" {
            let before = self.field(node, "left");
            let operator = if operator == "+=" { Operator::Add } else { Operator::Other };
            value = self.builder.add(Kind::Binary(operator, before, value), node);
        }
        let target = child(node, "left").map_or(Target::Nothing, |left| self.target(left));
        self.builder.add(Kind::Assign(Box::new(target), value), node)
    }

    fn target(&mut self, node: Node<'_>) -> Target {
        let place = self.expression(node);
        match &self.builder.program.expression(place).kind {
            Kind::Variable(id) => Target::Variable(*id),
            Kind::Field(object, name) => Target::Field(*object, name.clone()),
            Kind::Index(object, index) => Target::Index(*object, *index),
            _ => Target::Nothing,
        }
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
        if operator == "+" {
            return self.sum(node);
        }
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let kind = match operator {
            "||" => Kind::Either(left, right),
            "&&" => Kind::Both(left, right),
            "-" => Kind::Binary(Operator::Subtract, left, right),
            "*" => Kind::Binary(Operator::Multiply, left, right),
            "/" => Kind::Binary(Operator::Divide, left, right),
            "%" => Kind::Binary(Operator::Remainder, left, right),
            "==" => Kind::Binary(Operator::Equal, left, right),
            "!=" => Kind::Binary(Operator::NotEqual, left, right),
            "<" => Kind::Binary(Operator::Less, left, right),
            "<=" => Kind::Binary(Operator::LessEqual, left, right),
            ">" => Kind::Binary(Operator::Greater, left, right),
            ">=" => Kind::Binary(Operator::GreaterEqual, left, right),
            _ => Kind::Binary(Operator::Other, left, right),
        };
        self.builder.add(kind, node)
    }

    /// A chain of `+`, flattened so that long chains are no deep recursion.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let mut operands = Vec::new();
        let mut current = node;
        while current.kind() == "binary_expression"
            && child(current, "operator").is_some_and(|operator| operator.kind() == "+")
        {
            operands.extend(child(current, "right"));
            match child(current, "left") {
                Some(left) => current = left,
                None => break,
            }
        }
        operands.push(current);
        operands.reverse();
        let parts: Vec<ExprId> = operands.into_iter().map(|part| self.expression(part)).collect();
        match parts[..] {
            [left, right] => self.builder.add(Kind::Binary(Operator::Add, left, right), node),
            _ => self.builder.add(Kind::Join(parts), node),
        }
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        let argument = self.field(node, "operand");
        match child(node, "operator").map(|operator| operator.kind()) {
            Some("!") => self.builder.add(Kind::Not(argument), node),
            Some("-") => match self.builder.program.expression(argument).kind {
                Kind::Number(number) => self.builder.add(Kind::Number(-number), node),
                _ => self.builder.add(Kind::Mixed(Vec::new()), node),
            },
            _ => argument,
        }
    }
}

/// Whether a type is written with its package.
fn is_qualified_type(text: &str) -> bool {
    let Some((package, simple)) = text.rsplit_once('.') else { return false };
    let is_package = package.contains('.')
        && package.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.');
    is_package && simple.starts_with(|c: char| c.is_ascii_uppercase())
}
