//! Expressions.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::Lowering;
use super::format::{Piece, braces, percent};
use crate::ir::{Argument, Call, ExprId, KEYS, Kind, Operator};

impl Lowering<'_, '_> {
    /// Any expression; what has no meaning here mixes its parts.
    pub(super) fn expression(&mut self, node: Node<'_>) -> ExprId {
        let lowered = self.builder.deeper(|builder| Lowering { builder }.lower_expression(node));
        lowered.unwrap_or_else(|| self.builder.add(Kind::Mixed(Vec::new()), node))
    }

    fn lower_expression(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "identifier" => {
                let text = self.builder.text(node);
                self.builder.reference(text, node)
            }
            "none" => self.builder.add(Kind::Null, node),
            "true" | "false" => self.builder.add(Kind::Boolean(node.kind() == "true"), node),
            "integer" => match self.builder.text(node).replace('_', "").parse() {
                Ok(number) => self.builder.add(Kind::Number(number), node),
                Err(_) => self.builder.add_text("0", node),
            },
            "float" => self.builder.add_text("0.5", node),
            "string" => self.string(node),
            "concatenated_string" => {
                let parts = children(node).into_iter().map(|part| self.expression(part)).collect();
                self.builder.add(Kind::Join(parts), node)
            }
            "attribute" => self.attribute(node),
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "assignment" | "augmented_assignment" => self.assignment(node),
            "named_expression" => {
                let value = self.field(node, "value");
                let target = child(node, "name").map(|name| self.target(name));
                match target {
                    Some(target) => self.builder.add(Kind::Assign(Box::new(target), value), node),
                    None => value,
                }
            }
            "binary_operator" => self.binary(node),
            "boolean_operator" => self.boolean(node),
            "not_operator" => {
                let argument = self.field(node, "argument");
                self.builder.add(Kind::Not(argument), node)
            }
            "comparison_operator" => self.comparison(node),
            "conditional_expression" => self.conditional(node),
            "lambda" => {
                let function = self.function(node, None, Vec::new());
                self.builder.add(Kind::Function(function), node)
            }
            "list" | "tuple" | "set" | "expression_list" => {
                let items = children(node).into_iter().map(|item| self.expression(item)).collect();
                self.builder.add(Kind::List(items), node)
            }
            "dictionary" => self.dictionary(node),
            "list_comprehension"
            | "set_comprehension"
            | "generator_expression"
            | "dictionary_comprehension" => self.comprehension(node),
            "pair" => self.keyed(node),
            "as_pattern" => self.as_pattern(node),
            "await"
            | "parenthesized_expression"
            | "list_splat"
            | "interpolation"
            | "expression_statement" => match children(node).first() {
                Some(inner) => self.expression(*inner),
                None => self.builder.add(Kind::Null, node),
            },
            "yield" => self.yielded(node),
            "unary_operator" => self.unary(node),
            _ => {
                let parts = children(node).into_iter().map(|part| self.expression(part)).collect();
                self.builder.add(Kind::Mixed(parts), node)
            }
        }
    }

    /// One element of what a generator gives.
    fn yielded(&mut self, node: Node<'_>) -> ExprId {
        let Some(inner) = children(node).first().copied() else {
            return self.builder.add(Kind::Null, node);
        };
        let delegates = self.builder.text(node).split_whitespace().nth(1) == Some("from");
        let value = self.expression(inner);
        self.builder.add(Kind::Yield(value, delegates), node)
    }

    fn attribute(&mut self, node: Node<'_>) -> ExprId {
        let object = self.field(node, "object");
        match child(node, "attribute").map(|name| self.builder.node_name(name)) {
            Some(name) => self.builder.add(Kind::Field(object, name), node),
            None => object,
        }
    }

    fn boolean(&mut self, node: Node<'_>) -> ExprId {
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let is_or = child(node, "operator").is_some_and(|op| op.kind() == "or");
        let kind = if is_or { Kind::Either(left, right) } else { Kind::Both(left, right) };
        self.builder.add(kind, node)
    }

    /// `with X as y` and `case X as y`.
    fn as_pattern(&mut self, node: Node<'_>) -> ExprId {
        let value = node.named_child(0).map(|value| self.expression(value));
        let target = child(node, "alias").map(|alias| self.target(alias));
        match (value, target) {
            (Some(value), Some(target)) => {
                let entered = self.builder.name("@enter");
                let value = self.builder.add(Kind::Field(value, entered), node);
                self.builder.add(Kind::Assign(Box::new(target), value), node)
            }
            (Some(value), None) => value,
            _ => self.builder.add(Kind::Mixed(Vec::new()), node),
        }
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        let argument = self.field(node, "argument");
        if let Kind::Number(value) = self.builder.program.expression(argument).kind
            && self.builder.text(node).starts_with('-')
        {
            return self.builder.add(Kind::Number(-value), node);
        }
        self.builder.add(Kind::Binary(Operator::Other, argument, argument), node)
    }

    fn string(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let is_raw = parts
            .first()
            .is_some_and(|start| self.builder.text(*start).to_ascii_lowercase().contains('r'));
        let has_values = parts.iter().any(|part| part.kind() == "interpolation");
        if !has_values {
            let text = self.literal(node).unwrap_or_default();
            let text = if is_raw { text } else { unescaped(&text) };
            return self.builder.add_text(&text, node);
        }
        let mut pieces = Vec::new();
        for part in parts {
            match part.kind() {
                "string_content" => {
                    let text = self.builder.text(part);
                    pieces.push(self.builder.add_text(&unescaped(text), part));
                }
                "interpolation" => pieces.push(self.interpolation(part)),
                _ => {}
            }
        }
        self.builder.add(Kind::Join(pieces), node)
    }

    fn interpolation(&mut self, node: Node<'_>) -> ExprId {
        let inner = child(node, "expression").or_else(|| node.named_child(0));
        let value = match inner {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Null, node),
        };
        let specifier = children(node).into_iter().find(|part| part.kind() == "format_specifier");
        let numeric = specifier.is_some_and(|part| {
            let text = self.builder.text(part);
            text.ends_with('d') || text.ends_with('f')
        });
        if numeric { self.number_of(value, node) } else { value }
    }

    fn number_of(&mut self, value: ExprId, node: Node<'_>) -> ExprId {
        let int = self.builder.name("int");
        let callee = self.builder.add(Kind::Global(int), node);
        self.builder.add_call(callee, vec![value], node)
    }

    /// The inside of a string literal without values.
    pub(super) fn literal(&self, node: Node<'_>) -> Option<String> {
        if node.kind() != "string" {
            return None;
        }
        let mut cursor = node.walk();
        let parts: Vec<Node<'_>> = node.children(&mut cursor).collect();
        let start = parts.first()?.end_byte();
        let end = parts.last()?.start_byte();
        std::str::from_utf8(self.builder.source.get(start..end)?).ok().map(str::to_owned)
    }

    fn subscript(&mut self, node: Node<'_>) -> ExprId {
        let object = self.field(node, "value");
        let is_slice = child(node, "subscript").is_some_and(|part| part.kind() == "slice");
        if is_slice {
            if let Some(text) = self.reversed_literal(node) {
                return self.builder.add_text(&text, node);
            }
            return self.builder.add(Kind::Mixed(vec![object]), node);
        }
        let index = self.field(node, "subscript");
        self.builder.add(Kind::Index(object, index), node)
    }

    /// `"metsys"[::-1]`.
    fn reversed_literal(&self, node: Node<'_>) -> Option<String> {
        let text = self.literal(child(node, "value")?)?;
        let is_reversed = self.builder.text(child(node, "subscript")?) == "::-1";
        is_reversed.then(|| text.chars().rev().collect())
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let Some(function) = child(node, "function") else {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        };
        if let Some(joined) = self.literal_format(node, function) {
            return joined;
        }
        if let Some(member) = self.member_by_name(node, function) {
            return member;
        }
        if let Some(run) = self.run_text(node, function) {
            return run;
        }
        let callee = self.expression(function);
        let arguments = self.arguments(child(node, "arguments"));
        self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    /// `getattr(object, name)` and `object.__getattribute__(name)` read a member.
    fn member_by_name(&mut self, node: Node<'_>, function: Node<'_>) -> Option<ExprId> {
        let arguments = children(child(node, "arguments")?);
        let (object, name) = match (self.builder.text(function), &arguments[..]) {
            ("getattr", [object, name, ..]) if self.builder.lookup("getattr").is_none() => {
                (*object, *name)
            }
            (_, [name]) if function.kind() == "attribute" => {
                let method = self.builder.text(child(function, "attribute")?);
                (method == "__getattribute__").then_some(())?;
                (child(function, "object")?, *name)
            }
            _ => return None,
        };
        if [object, name].iter().any(|part| part.kind().ends_with("_splat")) {
            return None;
        }
        let object = self.expression(object);
        let kind = match self.literal(name) {
            Some(name) => Kind::Field(object, self.builder.name(&name)),
            None => Kind::Index(object, self.expression(name)),
        };
        Some(self.builder.add(kind, node))
    }

    /// `"…{}…".format(value)` with a literal: what it joins.
    fn literal_format(&mut self, node: Node<'_>, function: Node<'_>) -> Option<ExprId> {
        let method = child(function, "attribute")?;
        if function.kind() != "attribute" || self.builder.text(method) != "format" {
            return None;
        }
        let format = self.literal(child(function, "object")?)?;
        let arguments = self.arguments(child(node, "arguments"));
        if arguments.iter().any(|argument| argument.spread) {
            return None;
        }
        let plain: Vec<ExprId> =
            arguments.iter().filter(|a| a.name.is_none()).map(|a| a.value).collect();
        let named = |name: &str| {
            let by_name = arguments.iter().find(|a| a.name.as_deref() == Some(name));
            let by_number = || name.parse::<usize>().ok().and_then(|at| plain.get(at).copied());
            by_name.map(|argument| argument.value).or_else(by_number)
        };
        let pieces = braces(&format);
        let values: Vec<Option<ExprId>> = pieces
            .iter()
            .map(|piece| if let Piece::Named(name) = piece { named(name) } else { None })
            .collect();
        Some(self.joined(&pieces, &values, &plain, node))
    }

    fn joined(
        &mut self,
        pieces: &[Piece],
        named: &[Option<ExprId>],
        plain: &[ExprId],
        node: Node<'_>,
    ) -> ExprId {
        let mut next = plain.iter().copied();
        let mut parts = Vec::new();
        for (piece, named) in pieces.iter().zip(named) {
            match piece {
                Piece::Text(text) => parts.push(self.builder.add_text(text, node)),
                Piece::Next => parts.extend(next.next()),
                Piece::Named(_) => parts.extend(*named),
                Piece::Number => {
                    if let Some(value) = next.next() {
                        parts.push(self.number_of(value, node));
                    }
                }
            }
        }
        self.builder.add(Kind::Join(parts), node)
    }

    fn arguments(&mut self, list: Option<Node<'_>>) -> Vec<Argument> {
        let Some(list) = list else { return Vec::new() };
        if list.kind() == "generator_expression" {
            let value = self.comprehension(list);
            return vec![Argument { name: None, value, spread: false }];
        }
        let mut arguments = Vec::new();
        for node in children(list) {
            let (name, value) = match node.kind() {
                "keyword_argument" => {
                    let name = child(node, "name").map(|name| self.builder.node_name(name));
                    (name, self.field(node, "value"))
                }
                "dictionary_splat" => {
                    let inner = node.named_child(0).unwrap_or(node);
                    (None, self.expression(inner))
                }
                _ => (None, self.expression(node)),
            };
            let spread = node.kind().ends_with("_splat");
            arguments.push(Argument { name, value, spread });
        }
        arguments
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
        match operator {
            "+" => return self.sum(node),
            "%" => {
                if let Some(joined) = self.percent_format(node) {
                    return joined;
                }
            }
            _ => {}
        }
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let operator = match operator {
            "-" => Operator::Subtract,
            "*" => Operator::Multiply,
            "/" | "//" => Operator::Divide,
            "%" => Operator::Remainder,
            _ => Operator::Other,
        };
        self.builder.add(Kind::Binary(operator, left, right), node)
    }

    /// A chain of `+`, flattened so that long chains are no deep recursion.
    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let mut operands = Vec::new();
        let mut current = node;
        while current.kind() == "binary_operator"
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

    fn percent_format(&mut self, node: Node<'_>) -> Option<ExprId> {
        let (left, right) = (child(node, "left")?, child(node, "right")?);
        let format = match left.kind() {
            "concatenated_string" => {
                let parts: Option<Vec<String>> =
                    children(left).into_iter().map(|part| self.literal(part)).collect();
                parts?.concat()
            }
            "parenthesized_expression" => self.literal(left.named_child(0)?)?,
            _ => self.literal(left)?,
        };
        let (mut plain, mut by_name) = (Vec::new(), Vec::new());
        match right.kind() {
            "tuple" => plain.extend(children(right).into_iter().map(|part| self.expression(part))),
            "dictionary" => {
                for pair in children(right) {
                    let key = child(pair, "key").and_then(|key| self.literal(key));
                    let value = child(pair, "value").map(|value| self.expression(value));
                    by_name.extend(key.zip(value));
                }
            }
            _ => plain.push(self.expression(right)),
        }
        let pieces = percent(&format);
        let whole = plain.first().copied();
        let named: Vec<Option<ExprId>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Named(name) => {
                    by_name.iter().find(|(key, _)| key == name).map(|(_, value)| *value).or(whole)
                }
                _ => None,
            })
            .collect();
        Some(self.joined(&pieces, &named, &plain, node))
    }

    fn comparison(&mut self, node: Node<'_>) -> ExprId {
        let operands = children(node);
        let mut cursor = node.walk();
        let operator: Vec<&str> =
            node.children_by_field_name("operators", &mut cursor).map(|part| part.kind()).collect();
        let [left, right] = operands[..] else {
            let parts = operands.into_iter().map(|part| self.expression(part)).collect();
            return self.builder.add(Kind::Mixed(parts), node);
        };
        let (left, right) = (self.expression(left), self.expression(right));
        let operator = match operator[..] {
            ["==" | "is"] => Operator::Equal,
            ["!=" | "<>"] | ["is not"] | ["is", "not"] => Operator::NotEqual,
            ["in"] => Operator::In,
            ["not in"] | ["not", "in"] => Operator::NotIn,
            ["<"] => Operator::Less,
            ["<="] => Operator::LessEqual,
            [">"] => Operator::Greater,
            [">="] => Operator::GreaterEqual,
            _ => Operator::Other,
        };
        self.builder.add(Kind::Binary(operator, left, right), node)
    }

    fn conditional(&mut self, node: Node<'_>) -> ExprId {
        let parts: Vec<ExprId> =
            children(node).into_iter().map(|part| self.expression(part)).collect();
        match parts[..] {
            [then, condition, otherwise] => {
                self.builder.add(Kind::Conditional(condition, then, otherwise), node)
            }
            _ => self.builder.add(Kind::Mixed(parts), node),
        }
    }

    fn dictionary(&mut self, node: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for part in children(node) {
            if part.kind() == "pair" {
                let key = child(part, "key").map(|key| self.expression(key));
                entries.push((key, self.field(part, "value")));
            } else {
                entries.push((None, self.expression(part)));
            }
        }
        self.builder.add(Kind::Record(entries), node)
    }

    /// `key: value` of a comprehension: any key and any value of what it makes.
    fn keyed(&mut self, node: Node<'_>) -> ExprId {
        let keys = self.builder.add_text(KEYS, node);
        let values = self.builder.add_text("*", node);
        let (key, value) = (self.field(node, "key"), self.field(node, "value"));
        self.builder.add(Kind::Record(vec![(Some(keys), key), (Some(values), value)]), node)
    }

    fn comprehension(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let Some(clause) = parts.iter().find(|part| part.kind() == "for_in_clause") else {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        };
        let iterable = self.field(*clause, "right");
        self.builder.in_block(|builder| {
            let mut lowering = Lowering { builder };
            let target = child(*clause, "left").map(|left| {
                let mut names = Vec::new();
                super::statements::names_in(left, &mut names);
                for name in names {
                    let name = lowering.builder.node_name(name);
                    lowering.builder.declare(&name);
                }
                lowering.target(left)
            });
            let conditions = parts.iter().filter(|part| part.kind() == "if_clause");
            let conditions: Vec<Node<'_>> =
                conditions.filter_map(|part| part.named_child(0)).collect();
            let conditions = conditions.into_iter().map(|part| lowering.expression(part)).collect();
            let value = lowering.field(node, "body");
            let target = Box::new(target.unwrap_or(crate::ir::Target::Nothing));
            lowering.builder.add(Kind::Each(target, iterable, conditions, value), node)
        })
    }
}
