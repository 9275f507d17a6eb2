//! Code in texts that are written down and run: `exec`, `eval`, `compile`.

use kode_syntax::Node;

use super::super::{child, children, unescaped};
use super::Lowering;
use crate::ir::{ExprId, Kind};

impl Lowering<'_, '_> {
    /// What a call does that runs a literal text; `None` where it runs none.
    pub(super) fn run_text(&mut self, node: Node<'_>, function: Node<'_>) -> Option<ExprId> {
        let name = self.builder.text(function);
        if !matches!(name, "exec" | "eval") || self.builder.lookup(name).is_some() {
            return None;
        }
        let text = self.code_text(*children(child(node, "arguments")?).first()?)?;
        self.builder.inside(text, node, |builder, root| {
            let mut lowering = Lowering { builder };
            if let [only] = &children(root)[..]
                && only.kind() == "expression_statement"
                && let Some(inner) = only.named_child(0)
            {
                return lowering.expression(inner);
            }
            lowering.declare_assigned(root);
            let body = lowering.statements(&children(root));
            let function = lowering.builder.as_function(body);
            let callee = lowering.builder.add(Kind::Function(function), node);
            lowering.builder.add_call(callee, Vec::new(), node)
        })
    }

    /// The text of a literal, of `compile(text, …)` or of several literals in a row.
    fn code_text(&self, node: Node<'_>) -> Option<String> {
        match node.kind() {
            "string" => {
                let text = self.literal(node)?;
                let is_raw = self.builder.text(node).starts_with(['r', 'R']);
                Some(if is_raw { text } else { unescaped(&text) })
            }
            "concatenated_string" => {
                children(node).into_iter().map(|part| self.code_text(part)).collect()
            }
            "call" => {
                let function = child(node, "function")?;
                let is_compiled = self.builder.text(function) == "compile";
                let first = *children(child(node, "arguments")?).first()?;
                is_compiled.then(|| self.code_text(first))?
            }
            _ => None,
        }
    }
}
