//! Code in texts that are written down and run: `eval`, `new Function`, timers, `vm`.

use kode_syntax::Node;

use super::super::{child, children};
use super::Lowering;
use crate::ir::{ExprId, Kind, Statement};

impl Lowering<'_, '_> {
    /// What a call does that runs a literal text; `None` where it runs none.
    pub(super) fn run_text(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        arguments: Option<Node<'_>>,
    ) -> Option<ExprId> {
        const ENDS: [&[u8]; 4] = [b"eval", b"Function", b"execScript", b"Context"];
        let is_likely = self.ends_with(function, &ENDS);
        if !is_likely && function.kind() != "parenthesized_expression" {
            return None;
        }
        let name = match function.kind() {
            "identifier" => self.builder.text(function),
            "member_expression" => self.builder.text(child(function, "property")?),
            "parenthesized_expression" => {
                let inner = function.named_child(0)?;
                let last = child(inner, "right").filter(|_| inner.kind() == "sequence_expression");
                self.builder.text(last?)
            }
            _ => return None,
        };
        let is_function = name == "Function";
        if !is_function
            && !matches!(
                name,
                "eval" | "execScript" | "runInThisContext" | "runInNewContext" | "runInContext"
            )
            || self.builder.lookup(name).is_some()
        {
            return None;
        }
        let given = children(arguments?);
        if is_function {
            return self.made_function(node, &given);
        }
        let text = self.literal_text(*given.first()?)?;
        self.builder.inside(text, node, |builder, root| Lowering { builder }.text_run(root, node))
    }

    /// `new Function('a', 'b', 'return a + b')`.
    fn made_function(&mut self, node: Node<'_>, given: &[Node<'_>]) -> Option<ExprId> {
        let texts: Option<Vec<String>> =
            given.iter().map(|part| self.literal_text(*part)).collect();
        let texts = texts?;
        let (body, parameters) = texts.split_last()?;
        let text = format!("(function ({}) {{ {body}\n}})", parameters.join(", "));
        self.builder.inside(text, node, |builder, root| {
            let mut lowering = Lowering { builder };
            let statement = root.named_child(0).and_then(|statement| statement.named_child(0));
            statement.map(|function| lowering.expression(function))
        })?
    }

    /// The value of a text that is run: of its only expression.
    fn text_run(&mut self, root: Node<'_>, node: Node<'_>) -> ExprId {
        if let [only] = &children(root)[..]
            && only.kind() == "expression_statement"
            && let Some(inner) = only.named_child(0)
        {
            return self.expression(inner);
        }
        let function = self.text_function(root);
        let callee = self.builder.add(Kind::Function(function), node);
        self.builder.add_call(callee, Vec::new(), node)
    }

    fn text_function(&mut self, root: Node<'_>) -> crate::ir::FunctionId {
        self.declare_vars(root);
        let body: Vec<Statement> = self.statements(&children(root));
        self.builder.as_function(body)
    }

    /// Whether a node's text ends so; the text itself may be long.
    fn ends_with(&self, node: Node<'_>, ends: &[&[u8]]) -> bool {
        let text = &self.builder.source[node.byte_range()];
        ends.iter().any(|end| text.ends_with(end))
    }

    /// A text that a timer runs, as the function it stands for.
    pub(super) fn timed_text(&mut self, function: Node<'_>, first: Node<'_>) -> Option<ExprId> {
        if !self.ends_with(function, &[b"setTimeout", b"setInterval"]) {
            return None;
        }
        let name = match function.kind() {
            "member_expression" => self.builder.text(child(function, "property")?),
            _ => self.builder.text(function),
        };
        if !matches!(name, "setTimeout" | "setInterval") || self.builder.lookup(name).is_some() {
            return None;
        }
        let text = self.literal_text(first)?;
        self.builder.inside(text, first, |builder, root| {
            let mut lowering = Lowering { builder };
            let function = lowering.text_function(root);
            lowering.builder.add(Kind::Function(function), first)
        })
    }
}
