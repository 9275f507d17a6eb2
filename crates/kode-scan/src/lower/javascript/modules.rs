//! Imports and exports, ES modules and CommonJS.

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::Lowering;
use crate::ir::{ExprId, Kind, Statement, VariableId};

impl Lowering<'_, '_> {
    /// Declares what an import binds.
    pub(super) fn declare_imports(&mut self, node: Node<'_>) {
        for (name, _) in self.bindings(node) {
            let name = self.builder.name(&name);
            self.builder.declare(&name);
        }
    }

    /// Local names with the member they stand for; `None` for the whole module.
    fn bindings(&self, node: Node<'_>) -> Vec<(String, Option<String>)> {
        let mut found = Vec::new();
        let clauses = children(node).into_iter().filter(|part| part.kind() == "import_clause");
        for part in clauses.flat_map(children) {
            match part.kind() {
                "identifier" => {
                    found.push((self.builder.text(part).to_owned(), Some("default".to_owned())));
                }
                "namespace_import" => {
                    if let Some(name) = part.named_child(0) {
                        found.push((self.builder.text(name).to_owned(), None));
                    }
                }
                "named_imports" => {
                    for specifier in children(part) {
                        let Some(name) = child(specifier, "name") else { continue };
                        let alias = child(specifier, "alias").unwrap_or(name);
                        let local = self.builder.text(alias).to_owned();
                        found.push((local, Some(self.key_text(name))));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Binds what an import names.
    pub(super) fn import(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let Some(source) = child(node, "source") else { return };
        let module = self.key_text(source);
        for (local, member) in self.bindings(node) {
            let mut value = self.module(&module, node);
            if let Some(member) = member {
                let member = self.builder.name(&member);
                value = self.builder.add(Kind::Field(value, member), node);
            }
            let local = self.builder.name(&local);
            let id = self.builder.declare(&local);
            body.push(Statement::Assign(variable(id), value));
        }
    }

    /// The module of a specifier.
    pub(super) fn module(&mut self, specifier: &str, node: Node<'_>) -> ExprId {
        let plain = specifier.strip_prefix("node:").unwrap_or(specifier);
        let name = self.builder.name(plain);
        self.builder.add(Kind::Import(name), node)
    }

    /// Lowers an export: its declaration, and what it makes visible.
    pub(super) fn export(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let is_default = children_with_tokens(node).iter().any(|part| part.kind() == "default");
        if let Some(declaration) = child(node, "declaration") {
            self.declared(declaration, body);
            self.export_declared(declaration, is_default);
        } else if let Some(value) = child(node, "value") {
            let value = self.expression(value);
            let name = self.builder.name("default");
            let id = self.builder.fresh(&name);
            self.builder.program.exports.insert(name, id);
            body.push(Statement::Assign(variable(id), value));
        }
        for clause in children(node).into_iter().filter(|part| part.kind() == "export_clause") {
            for specifier in children(clause) {
                let Some(local) = child(specifier, "name") else { continue };
                let alias = child(specifier, "alias").unwrap_or(local);
                let shown = self.builder.node_name(alias);
                if let Some(id) = self.builder.lookup(self.builder.text(local)) {
                    self.builder.program.exports.insert(shown, id);
                }
            }
        }
    }

    fn export_declared(&mut self, declaration: Node<'_>, is_default: bool) {
        let mut names = Vec::new();
        if let Some(name) = child(declaration, "name") {
            names.push(self.builder.node_name(name));
        }
        for declarator in children(declaration) {
            if declarator.kind() == "variable_declarator"
                && let Some(name) = child(declarator, "name")
            {
                names.push(self.builder.node_name(name));
            }
        }
        for name in names {
            if let Some(id) = self.builder.lookup(&name) {
                let shown = if is_default { self.builder.name("default") } else { name };
                self.builder.program.exports.insert(shown, id);
            }
        }
    }

    /// Whether a member expression is `module.exports`.
    pub(super) fn is_module_exports(&self, node: Node<'_>) -> bool {
        self.builder.text(node) == "module.exports" && self.builder.lookup("module").is_none()
    }

    /// The variable that stands for `module.exports`.
    pub(super) fn module_object(&mut self) -> VariableId {
        if let Some(id) = self.builder.program.module_object {
            return id;
        }
        let name = self.builder.name("module.exports");
        let id = self.builder.fresh(&name);
        self.builder.program.module_object = Some(id);
        id
    }
}

fn children_with_tokens(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}
