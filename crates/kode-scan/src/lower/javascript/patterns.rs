//! Binding patterns: declaring their names and lowering them to targets.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::Lowering;
use crate::ir::{Name, Target};

/// Literals of one sum that are put together.
const LITERAL_PARTS_MAX: usize = 16;

impl Lowering<'_, '_> {
    /// Declares the names in a pattern, in the function's scope for `var`.
    pub(super) fn declare_pattern(&mut self, node: Node<'_>, in_function: bool) {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                let name = self.builder.node_name(node);
                if in_function {
                    self.builder.declare_in_function(&name);
                } else {
                    self.builder.declare(&name);
                }
            }
            "pair_pattern" => {
                if let Some(value) = child(node, "value") {
                    self.declare_pattern(value, in_function);
                }
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                if let Some(left) = child(node, "left") {
                    self.declare_pattern(left, in_function);
                }
            }
            "object_pattern" | "array_pattern" | "rest_pattern" => {
                for part in children(node) {
                    self.declare_pattern(part, in_function);
                }
            }
            _ => {}
        }
    }

    /// The target a pattern or assignable expression stands for.
    pub(super) fn pattern(&mut self, node: Node<'_>) -> Target {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                let name = self.builder.node_name(node);
                match self.builder.lookup(&name) {
                    Some(id) => Target::Variable(id),
                    // The window's, which take the page elsewhere or ask before.
                    None if matches!(&*name, "location" | "onbeforeunload" | "$unload") => {
                        Target::Global(name)
                    }
                    None => Target::Variable(self.builder.declare_in_function(&name)),
                }
            }
            "object_pattern" => {
                Target::Record(children(node).into_iter().map(|part| self.entry(part)).collect())
            }
            "array_pattern" => Target::List(self.elements(node)),
            "rest_pattern" => {
                node.named_child(0).map_or(Target::Nothing, |inner| self.pattern(inner))
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                let default = self.field(node, "right");
                let left = child(node, "left");
                let left = left.map_or(Target::Nothing, |left| self.pattern(left));
                Target::Default(Box::new(left), default)
            }
            "member_expression" => self.member_target(node),
            "subscript_expression" => {
                let object = self.field(node, "object");
                let index = self.field(node, "index");
                Target::Index(object, index)
            }
            "non_null_expression" | "parenthesized_expression" | "as_expression" => {
                node.named_child(0).map_or(Target::Nothing, |inner| self.pattern(inner))
            }
            _ => Target::Nothing,
        }
    }

    /// The elements of `[, second]`: what is left out counts.
    fn elements(&mut self, node: Node<'_>) -> Vec<Target> {
        let mut elements = Vec::new();
        let mut is_open = true;
        for at in 0..node.child_count() {
            let Some(part) = node.child(at) else { continue };
            if part.kind() == "," {
                if is_open {
                    elements.push(Target::Nothing);
                }
                is_open = true;
            } else if part.is_named() && !part.is_extra() {
                elements.push(self.pattern(part));
                is_open = false;
            }
        }
        elements
    }

    fn member_target(&mut self, node: Node<'_>) -> Target {
        if self.is_module_exports(node) {
            return Target::Variable(self.module_object());
        }
        let object = self.field(node, "object");
        let property = child(node, "property").map(|property| self.builder.node_name(property));
        property.map_or(Target::Nothing, |property| Target::Field(object, property))
    }

    fn entry(&mut self, node: Node<'_>) -> (Name, Target) {
        match node.kind() {
            "pair_pattern" => {
                let key = child(node, "key").map(|key| self.key_text(key)).unwrap_or_default();
                let target =
                    child(node, "value").map_or(Target::Nothing, |value| self.pattern(value));
                (self.builder.name(&key), target)
            }
            "object_assignment_pattern" => {
                let name = child(node, "left").map(|left| self.builder.node_name(left));
                let target = self.pattern(node);
                (name.unwrap_or_else(|| self.builder.name("")), target)
            }
            "rest_pattern" => (self.builder.name("..."), self.pattern(node)),
            _ => (self.builder.node_name(node), self.pattern(node)),
        }
    }

    /// A property key as text.
    pub(super) fn key_text(&self, node: Node<'_>) -> String {
        let text = self.builder.text(node);
        match node.kind() {
            "string" => unescaped(text.get(1..text.len().saturating_sub(1)).unwrap_or_default()),
            "computed_property_name" => {
                let inner = node.named_child(0).and_then(|inner| self.literal_text(inner));
                inner.unwrap_or_else(|| text.to_owned())
            }
            _ => self.builder.identifier(node).into_owned(),
        }
    }

    /// The text that an expression of nothing but literals is.
    pub(super) fn literal_text(&self, node: Node<'_>) -> Option<String> {
        let mut node = node;
        while node.kind() == "parenthesized_expression" {
            node = node.named_child(0)?;
        }
        match node.kind() {
            "string" => Some(self.key_text(node)),
            "template_string" => {
                let text = self.builder.text(node);
                let is_plain =
                    children(node).iter().all(|part| part.kind() != "template_substitution");
                is_plain.then(|| unescaped(text.trim_matches('`')))
            }
            "binary_expression" if child(node, "operator")?.kind() == "+" => {
                let mut ends = Vec::new();
                while node.kind() == "binary_expression" && child(node, "operator")?.kind() == "+" {
                    ends.push(child(node, "right")?);
                    node = child(node, "left")?;
                    if ends.len() > LITERAL_PARTS_MAX {
                        return None;
                    }
                }
                let parts = std::iter::once(node).chain(ends.into_iter().rev());
                parts.map(|part| (part.kind() == "string").then(|| self.key_text(part))).collect()
            }
            _ => None,
        }
    }
}
