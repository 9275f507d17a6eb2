//! Expressions, JSX included.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::Lowering;
use super::functions::has_token;
use crate::ir::{Argument, COMPONENT, Call, ExprId, Kind, Name, Operator, SETTER};

impl Lowering<'_, '_> {
    /// Any expression; what has no meaning here mixes its parts.
    pub(super) fn expression(&mut self, node: Node<'_>) -> ExprId {
        let lowered = self.builder.deeper(|builder| Lowering { builder }.lower_expression(node));
        lowered.unwrap_or_else(|| self.builder.add(Kind::Mixed(Vec::new()), node))
    }

    fn lower_expression(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "identifier" | "this" | "super" => self.identifier(node),
            "undefined" | "null" => self.builder.add(Kind::Null, node),
            "true" | "false" => self.builder.add(Kind::Boolean(node.kind() == "true"), node),
            "number" => self.number(node),
            "string" => {
                let text = self.key_text(node);
                self.builder.add_text(&text, node)
            }
            "template_string" => self.template(node),
            "regex" => self.regex(node),
            "member_expression" => self.member(node),
            "subscript_expression" => {
                let object = self.field(node, "object");
                let index = self.field(node, "index");
                self.builder.add(Kind::Index(object, index), node)
            }
            "call_expression" => self.call(node),
            "new_expression" => self.construction(node),
            "assignment_expression" => self.assignment(node),
            "augmented_assignment_expression" => self.augmented(node),
            "binary_expression" => self.binary(node),
            "unary_expression" => self.unary(node),
            "ternary_expression" => {
                let condition = self.field(node, "condition");
                let then = self.field(node, "consequence");
                let otherwise = self.field(node, "alternative");
                self.builder.add(Kind::Conditional(condition, then, otherwise), node)
            }
            "arrow_function"
            | "function_expression"
            | "function"
            | "generator_function"
            | "method_definition" => {
                let function = self.function(node);
                self.builder.add(Kind::Function(function), node)
            }
            "class" => self.class_expression(node),
            "array" => {
                let items: Vec<ExprId> =
                    children(node).into_iter().map(|item| self.expression(item)).collect();
                self.name_injected(&items);
                self.builder.add(Kind::List(items), node)
            }
            "object" => self.object(node),
            "as_expression" | "satisfies_expression" | "type_assertion" => self.cast(node),
            "parenthesized_expression"
            | "await_expression"
            | "non_null_expression"
            | "spread_element"
            | "jsx_expression" => match children(node).first() {
                Some(inner) => self.expression(*inner),
                None => self.builder.add(Kind::Null, node),
            },
            "yield_expression" => self.yielded(node),
            "sequence_expression" => self.sequence(node),
            "jsx_element" | "jsx_self_closing_element" => self.markup(node),
            "import" => self.importing(node),
            "jsx_text" | "comment" => self.builder.add_text("", node),
            _ => {
                let parts = children(node).into_iter().map(|part| self.expression(part)).collect();
                self.builder.add(Kind::Mixed(parts), node)
            }
        }
    }

    /// A class as an expression: its name is known inside of it only.
    fn class_expression(&mut self, node: Node<'_>) -> ExprId {
        let class = self.builder.in_block(|builder| {
            if let Some(name) = child(node, "name") {
                let name = builder.node_name(name);
                builder.declare(&name);
            }
            super::Lowering { builder }.class(node)
        });
        self.builder.add(Kind::Class(class), node)
    }

    /// `import(name)`, where the name is not written down.
    fn importing(&mut self, node: Node<'_>) -> ExprId {
        let require = self.builder.name("require");
        self.builder.add(Kind::Global(require), node)
    }

    /// One element of what a generator gives.
    fn yielded(&mut self, node: Node<'_>) -> ExprId {
        let Some(inner) = children(node).first().copied() else {
            return self.builder.add(Kind::Null, node);
        };
        let delegates = self.builder.text(node).starts_with("yield*");
        let value = self.expression(inner);
        self.builder.add(Kind::Yield(value, delegates), node)
    }

    fn regex(&mut self, node: Node<'_>) -> ExprId {
        let pattern = child(node, "pattern").map(|pattern| self.builder.node_name(pattern));
        let pattern = pattern.unwrap_or_else(|| self.builder.name(""));
        let flags = child(node, "flags").map_or("", |flags| self.builder.text(flags));
        let is_global = flags.contains('g');
        self.builder.add(Kind::Regex(pattern, is_global), node)
    }

    fn construction(&mut self, node: Node<'_>) -> ExprId {
        let constructor = child(node, "constructor");
        let made =
            |lowering: &mut Self| lowering.run_text(node, constructor?, child(node, "arguments"));
        if let Some(made) = made(self) {
            return made;
        }
        let callee = self.field(node, "constructor");
        let arguments = self.arguments(child(node, "arguments"));
        self.builder.add(Kind::Call(Call { callee, arguments, construct: true }), node)
    }

    fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let value = self.field(node, "right");
        let target = match child(node, "left") {
            Some(left) => self.pattern(left),
            None => crate::ir::Target::Nothing,
        };
        self.builder.add(Kind::Assign(Box::new(target), value), node)
    }

    fn identifier(&mut self, node: Node<'_>) -> ExprId {
        let text = self.builder.text(node);
        if text == "exports" && self.builder.lookup("exports").is_none() {
            let id = self.module_object();
            return self.builder.add(Kind::Variable(id), node);
        }
        self.builder.reference(text, node)
    }

    fn number(&mut self, node: Node<'_>) -> ExprId {
        let text = self.builder.text(node).replace('_', "");
        match text.parse::<i64>() {
            Ok(value) => self.builder.add(Kind::Number(value), node),
            Err(_) => self.builder.add_text(&text, node),
        }
    }

    /// A template: its fixed parts and its substitutions in order.
    pub(super) fn template(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut at = node.start_byte() + 1;
        for part in children(node).into_iter().filter(|part| part.kind() == "template_substitution")
        {
            self.fixed(at, part.start_byte(), node, &mut parts);
            if let Some(inner) = children(part).first() {
                parts.push(self.expression(*inner));
            }
            at = part.end_byte();
        }
        self.fixed(at, node.end_byte().saturating_sub(1), node, &mut parts);
        self.builder.add(Kind::Join(parts), node)
    }

    fn fixed(&mut self, from: usize, to: usize, node: Node<'_>, parts: &mut Vec<ExprId>) {
        if from < to {
            let source = self.builder.source;
            let text = std::str::from_utf8(&source[from..to]).unwrap_or_default();
            parts.push(self.builder.add_text(&unescaped(text), node));
        }
    }

    fn member(&mut self, node: Node<'_>) -> ExprId {
        if self.is_module_exports(node) {
            let id = self.module_object();
            return self.builder.add(Kind::Variable(id), node);
        }
        let object = self.field(node, "object");
        match child(node, "property") {
            Some(property) => {
                let property = self.builder.node_name(property);
                self.builder.add(Kind::Field(object, property), node)
            }
            None => object,
        }
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let Some(function) = child(node, "function") else {
            return self.builder.add(Kind::Mixed(Vec::new()), node);
        };
        let arguments = child(node, "arguments");
        let is_module = matches!(self.builder.text(function), "require" | "import")
            && self.builder.lookup("require").is_none();
        if is_module
            && let Some(specifier) = arguments.and_then(|list| list.named_child(0))
            && let Some(specifier) = self.literal_text(specifier)
        {
            return self.module(&specifier, node);
        }
        if let Some(exported) = self.exported_by_call(node, function, arguments) {
            return exported;
        }
        if let Some(run) = self.run_text(node, function, arguments) {
            return run;
        }
        let callee = self.expression(function);
        if let Some(template) = arguments.filter(|list| list.kind() == "template_string") {
            return self.tagged(callee, template, node);
        }
        let first = arguments.and_then(|list| list.named_child(0));
        let timed = first.and_then(|first| self.timed_text(function, first));
        let mut arguments = self.arguments(arguments);
        if let (Some(timed), Some(first)) = (timed, arguments.first_mut()) {
            first.value = timed;
        }
        self.builder.add(Kind::Call(Call { callee, arguments, construct: false }), node)
    }

    /// A tagged template passes its fixed parts and its values apart, which
    /// is how query libraries bind them.
    fn tagged(&mut self, callee: ExprId, template: Node<'_>, node: Node<'_>) -> ExprId {
        let parts = children(template);
        let values = parts.into_iter().filter(|part| part.kind() == "template_substitution");
        let values: Vec<Node<'_>> = values.filter_map(|part| part.named_child(0)).collect();
        let fixed = self.builder.add_text("", template);
        let mut arguments = vec![fixed];
        arguments.extend(values.into_iter().map(|value| self.expression(value)));
        let tag = self.builder.name("@tag");
        let callee = self.builder.add(Kind::Field(callee, tag), node);
        self.builder.add_call(callee, arguments, node)
    }

    fn arguments(&mut self, list: Option<Node<'_>>) -> Vec<Argument> {
        let nodes = list.map(children).unwrap_or_default();
        nodes
            .into_iter()
            .map(|node| Argument {
                name: None,
                value: self.expression(node),
                spread: node.kind() == "spread_element",
            })
            .collect()
    }

    fn augmented(&mut self, node: Node<'_>) -> ExprId {
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
        let value = match operator {
            "+=" => self.builder.add(Kind::Join(vec![left, right]), node),
            "||=" | "??=" => self.builder.add(Kind::Either(left, right), node),
            "&&=" => self.builder.add(Kind::Both(left, right), node),
            _ => self.builder.add(Kind::Binary(Operator::Other, left, right), node),
        };
        let target = match child(node, "left") {
            Some(left) => self.pattern(left),
            None => crate::ir::Target::Nothing,
        };
        self.builder.add(Kind::Assign(Box::new(target), value), node)
    }

    fn binary(&mut self, node: Node<'_>) -> ExprId {
        let operator = child(node, "operator").map(|operator| operator.kind()).unwrap_or("");
        if operator == "+" {
            return self.sum(node);
        }
        let (left, right) = (self.field(node, "left"), self.field(node, "right"));
        let kind = match operator {
            "||" | "??" => Kind::Either(left, right),
            "&&" => Kind::Both(left, right),
            _ => Kind::Binary(operator_of(operator), left, right),
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
        let argument = self.field(node, "argument");
        match child(node, "operator").map(|operator| operator.kind()) {
            Some("!") => self.builder.add(Kind::Not(argument), node),
            Some("+" | "-" | "~") => {
                let number = self.builder.name("Number");
                let callee = self.builder.add(Kind::Global(number), node);
                match (&self.builder.program.expression(argument).kind, self.builder.text(node)) {
                    (Kind::Number(value), text) if text.starts_with('-') => {
                        let value = -*value;
                        self.builder.add(Kind::Number(value), node)
                    }
                    _ => self.builder.add_call(callee, vec![argument], node),
                }
            }
            Some("typeof") => {
                let typeof_name = self.builder.name("typeof");
                let callee = self.builder.add(Kind::Global(typeof_name), node);
                self.builder.add_call(callee, vec![argument], node)
            }
            _ => self.builder.add(Kind::Binary(Operator::Other, argument, argument), node),
        }
    }

    fn object(&mut self, node: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for part in children(node) {
            match part.kind() {
                "pair" => {
                    let key = child(part, "key").map(|key| match key.kind() {
                        "computed_property_name" => self.computed(key),
                        _ => {
                            let text = self.key_text(key);
                            self.builder.add_text(&text, key)
                        }
                    });
                    entries.push((key, self.field(part, "value")));
                }
                "shorthand_property_identifier" => {
                    let text = self.builder.text(part);
                    let key = self.builder.add_text(text, part);
                    entries.push((Some(key), self.identifier(part)));
                }
                "method_definition" => {
                    let name = child(part, "name").map(|name| self.key_text(name));
                    let mut name = name.unwrap_or_default();
                    if has_token(part, "set") {
                        self.builder.program.has_setters = true;
                        name.insert_str(0, SETTER);
                    }
                    let key = self.builder.add_text(&name, part);
                    let method = self.expression(part);
                    if has_token(part, "get") {
                        self.as_getter(method);
                    }
                    entries.push((Some(key), method));
                }
                _ => entries.push((None, self.expression(part))),
            }
        }
        self.builder.add(Kind::Record(entries), node)
    }

    fn computed(&mut self, key: Node<'_>) -> ExprId {
        match key.named_child(0) {
            Some(inner) => self.expression(inner),
            None => self.builder.add(Kind::Mixed(Vec::new()), key),
        }
    }

    /// AngularJS' `['$window', function (w) { … }]`: the parameters have the names before.
    fn name_injected(&mut self, items: &[ExprId]) {
        let Some((last, names)) = items.split_last() else { return };
        let program = &mut self.builder.program;
        let Kind::Function(function) = program.expression(*last).kind else { return };
        for (at, name) in names.iter().enumerate() {
            let Kind::Text(name) = &program.expression(*name).kind else { return };
            let name = name.clone();
            let parameters = &mut program.functions[function.0 as usize].parameters;
            if let Some(parameter) = parameters.get_mut(at).filter(|_| name.starts_with('$')) {
                parameter.name = Some(name);
            }
        }
    }

    fn cast(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let (value, named) = match (node.kind(), &parts[..]) {
            ("type_assertion", [_, value]) => (*value, None),
            (_, [value, named, ..]) => (*value, Some(*named)),
            (_, [value]) => (*value, None),
            _ => return self.builder.add(Kind::Mixed(Vec::new()), node),
        };
        let inner = self.expression(value);
        // `as number` is a promise, not a conversion: only API types count.
        match named.filter(|named| named.kind() != "predefined_type") {
            Some(named) => match self.type_expression(named) {
                Some(named) => self.builder.add(Kind::Typed(named, inner), node),
                None => inner,
            },
            None => inner,
        }
    }

    /// `a, b`; `(0, module.f)(…)` is how compilers call a function without an object.
    fn sequence(&mut self, node: Node<'_>) -> ExprId {
        let mut parts: Vec<ExprId> =
            children(node).into_iter().map(|part| self.expression(part)).collect();
        match parts.pop() {
            Some(last) => self.builder.add(Kind::Sequence(parts, last), node),
            None => self.builder.add(Kind::Null, node),
        }
    }

    fn markup(&mut self, node: Node<'_>) -> ExprId {
        let opening = child(node, "open_tag").unwrap_or(node);
        let name = child(opening, "name").map(|name| self.builder.node_name(name));
        let name: Name = name.unwrap_or_else(|| self.builder.name(""));
        let mut attributes = Vec::new();
        if name.starts_with(|first: char| first.is_ascii_uppercase())
            && let Some(component) = self.builder.lookup(&name)
        {
            let component = self.builder.add(Kind::Variable(component), opening);
            attributes.push((self.builder.name(COMPONENT), component));
        }
        for attribute in children(opening) {
            if attribute.kind() == "jsx_attribute"
                && let [key, value, ..] = children(attribute)[..]
            {
                let key = self.builder.node_name(key);
                attributes.push((key, self.expression(value)));
            } else if attribute.kind() == "jsx_expression" {
                let spread = self.builder.name("...");
                attributes.push((spread, self.expression(attribute)));
            }
        }
        let inner = if opening == node { Vec::new() } else { children(node) };
        let inner = inner
            .into_iter()
            .filter(|part| !matches!(part.kind(), "jsx_opening_element" | "jsx_closing_element"));
        let inner: Vec<ExprId> = inner.map(|part| self.expression(part)).collect();
        self.builder.add(Kind::Markup(name, attributes, inner), node)
    }
}

/// The operator a token stands for.
pub(super) fn operator_of(token: &str) -> Operator {
    match token {
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Remainder,
        "==" | "===" => Operator::Equal,
        "!=" | "!==" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterEqual,
        "in" => Operator::In,
        _ => Operator::Other,
    }
}
