//! Expressions.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::Lowering;
use crate::ir::{Argument, Call, ExprId, Kind, Operator};

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

    /// What waits in a channel, whichever was sent.
    fn received(&mut self, channel: ExprId, node: Node<'_>) -> ExprId {
        let anywhere = self.builder.add(Kind::Mixed(Vec::new()), node);
        self.builder.add(Kind::Index(channel, anywhere), node)
    }

    fn lower_expression(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "identifier" => {
                let text = self.builder.text(node);
                self.builder.reference(text, node)
            }
            "nil" => self.builder.add(Kind::Null, node),
            "true" | "false" => self.builder.add(Kind::Boolean(node.kind() == "true"), node),
            "int_literal" => match self.builder.text(node).parse() {
                Ok(number) => self.builder.add(Kind::Number(number), node),
                Err(_) => self.builder.add_text("0", node),
            },
            "interpreted_string_literal" | "raw_string_literal" | "rune_literal" => {
                let text = self.builder.text(node);
                let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                let is_raw = node.kind() == "raw_string_literal";
                let plain = if is_raw { inner.to_owned() } else { unescaped(inner) };
                self.builder.add_text(&plain, node)
            }
            "selector_expression" => {
                let object = self.field(node, "operand");
                match child(node, "field").map(|name| self.builder.node_name(name)) {
                    Some(name) => self.builder.add(Kind::Field(object, name), node),
                    None => object,
                }
            }
            "index_expression" => {
                let object = self.field(node, "operand");
                let index = self.field(node, "index");
                self.builder.add(Kind::Index(object, index), node)
            }
            "call_expression" => self.call(node),
            "binary_expression" => self.binary(node),
            "unary_expression" => {
                let operand = self.field(node, "operand");
                match child(node, "operator").map(|operator| operator.kind()) {
                    Some("!") => self.builder.add(Kind::Not(operand), node),
                    Some("<-") => self.received(operand, node),
                    _ => operand,
                }
            }
            "func_literal" => {
                let function = self.function(node);
                self.builder.add(Kind::Function(function), node)
            }
            "composite_literal" => self.composite(node),
            "type_conversion_expression" => match self.generic_call(node) {
                Some(call) => call,
                None => self.field(node, "operand"),
            },
            "type_assertion_expression" => self.field(node, "operand"),
            "parenthesized_expression"
            | "variadic_argument"
            // `decode[Input]`
            | "type_instantiation_expression" => match children(node).first() {
                Some(inner) => self.expression(*inner),
                None => self.builder.add(Kind::Null, node),
            },
            "slice_expression" => {
                let operand = self.field(node, "operand");
                self.builder.add(Kind::Mixed(vec![operand]), node)
            }
            _ => {
                let parts = children(node).into_iter().map(|part| self.expression(part)).collect();
                self.builder.add(Kind::Mixed(parts), node)
            }
        }
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let callee = self.field(node, "function");
        let nodes = child(node, "arguments").map(children).unwrap_or_default();
        let mut arguments = Vec::new();
        for part in nodes {
            if part.kind().ends_with("_type") {
                continue;
            }
            let spread = part.kind() == "variadic_argument";
            arguments.push(Argument { name: None, value: self.expression(part), spread });
        }
        self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    /// `decode[Input](r)` looks like a conversion to a type.
    fn generic_call(&mut self, node: Node<'_>) -> Option<ExprId> {
        let named = child(node, "type").filter(|named| named.kind() == "generic_type")?;
        let callee = self.type_expression(child(named, "type")?)?;
        let operand = self.field(node, "operand");
        Some(self.builder.add_call(callee, vec![operand], node))
    }

    /// `T{…}`, `[]T{…}`, `map[K]V{…}`.
    fn composite(&mut self, node: Node<'_>) -> ExprId {
        let elements = child(node, "body").map(children).unwrap_or_default();
        let (mut entries, mut items) = (Vec::new(), Vec::new());
        for element in elements {
            let parts = children(element);
            match (element.kind(), &parts[..]) {
                ("keyed_element", [key, value]) => {
                    let key_text = self.builder.text(*key).trim_matches('"').to_owned();
                    let key = self.builder.add_text(&key_text, *key);
                    let value = self.element(*value);
                    entries.push((Some(key), value));
                }
                _ => items.push(self.element(element)),
            }
        }
        let named = child(node, "type").filter(|n| !n.kind().ends_with("_length_array_type"));
        let declared = named.and_then(|named| self.type_expression(named));
        // `T{}` has no element, but it is no list.
        let is_record = !entries.is_empty() || (items.is_empty() && declared.is_some());
        let kind = if is_record { Kind::Record(entries) } else { Kind::List(items) };
        let value = self.builder.add(kind, node);
        match declared {
            Some(declared) => self.builder.add(Kind::Typed(declared, value), node),
            None => value,
        }
    }

    fn element(&mut self, node: Node<'_>) -> ExprId {
        match (node.kind(), node.named_child(0)) {
            ("literal_element", Some(inner)) => self.expression(inner),
            _ => self.expression(node),
        }
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let kind = match operator {
            "||" => Kind::Either(left, right),
            "&&" => Kind::Both(left, right),
            "+" => Kind::Binary(Operator::Add, left, right),
            "-" => Kind::Binary(Operator::Subtract, left, right),
            "*" => Kind::Binary(Operator::Multiply, left, right),
            "/" => Kind::Binary(Operator::Divide, left, right),
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
}
