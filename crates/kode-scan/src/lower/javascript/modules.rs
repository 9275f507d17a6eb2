//! Imports and exports, ES modules and CommonJS.

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::Lowering;
use crate::ir::{ExprId, Kind, Statement, Target, VariableId};

impl Lowering<'_, '_> {
    /// Declares what an import binds.
    pub(super) fn declare_imports(&mut self, node: Node<'_>) {
        for (name, _) in self.bindings(node) {
            let name = self.builder.name(&name);
            self.builder.declare(&name);
        }
        if let Some(name) = required(node).and_then(|clause| clause.named_child(0)) {
            let name = self.builder.node_name(name);
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
        let source =
            child(node, "source").or_else(|| required(node)?.child_by_field_name("source"));
        let Some(source) = source else { return };
        let module = self.key_text(source);
        if let Some(name) = required(node).and_then(|clause| clause.named_child(0)) {
            // `import shell = require('./shell')`
            let value = self.module(&module, node);
            let name = self.builder.node_name(name);
            let id = self.builder.declare(&name);
            body.push(Statement::Assign(variable(id), value));
        }
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
        if let Some(value) = node.named_child(0)
            && children_with_tokens(node).iter().any(|part| part.kind() == "=")
        {
            let value = self.expression(value);
            let object = self.module_object();
            body.push(Statement::Assign(variable(object), value));
        }
        match child(node, "source").map(|source| self.key_text(source)) {
            Some(source) => self.exported_again(node, &source, body),
            None => self.exported_names(node),
        }
    }

    /// `export { a, b as c }`, `export = value`.
    fn exported_names(&mut self, node: Node<'_>) {
        for (local, shown) in self.export_specifiers(node) {
            if let Some(id) = self.builder.lookup(&local) {
                let shown = self.builder.name(&shown);
                self.builder.program.exports.insert(shown, id);
            }
        }
    }

    /// `export * from 'x'`, `export * as y from 'x'`, `export { a as b } from 'x'`.
    fn exported_again(&mut self, node: Node<'_>, source: &str, body: &mut Vec<Statement>) {
        for (member, shown) in self.export_specifiers(node) {
            let module = self.module(source, node);
            let member = self.builder.name(&member);
            let value = self.builder.add(Kind::Field(module, member), node);
            self.shown(&shown, value, body);
        }
        let parts = children_with_tokens(node);
        for part in &parts {
            match (part.kind(), part.named_child(0)) {
                ("namespace_export", Some(name)) => {
                    let (name, value) = (self.key_text(name), self.module(source, node));
                    self.shown(&name, value, body);
                }
                ("*", _) => {
                    let plain = source.strip_prefix("node:").unwrap_or(source);
                    let module = self.builder.name(plain);
                    self.builder.program.star_exports.push(module);
                }
                _ => {}
            }
        }
    }

    /// Makes a value visible under a name that is none of this file's own.
    fn shown(&mut self, name: &str, value: ExprId, body: &mut Vec<Statement>) {
        let name = self.builder.name(name);
        let id = self.builder.fresh(&name);
        self.builder.program.exports.insert(name, id);
        body.push(Statement::Assign(variable(id), value));
    }

    /// `namespace ui { export function go() { … } }`: a block whose exported names are
    /// the fields of an object.
    pub(super) fn namespace(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let Some(block) = child(node, "body") else { return };
        let (mut parts, mut shown) = (Vec::new(), Vec::new());
        for part in children(block) {
            let declaration = child(part, "declaration");
            match declaration.filter(|_| part.kind() == "export_statement") {
                Some(declaration) => {
                    self.declared_names(declaration, &mut shown);
                    parts.push(declaration);
                }
                None => parts.push(part),
            }
        }
        let name = child(node, "name").filter(|name| name.kind() == "identifier");
        let object = name.map(|name| {
            let name = self.builder.node_name(name);
            self.builder.declare(&name)
        });
        let inner = self.builder.depth_guarded(|builder| {
            builder.in_block(|builder| {
                let mut lowering = Lowering { builder };
                let mut inner = lowering.statements(&parts);
                inner.extend(object.map(|object| lowering.namespace_object(object, shown, node)));
                inner
            })
        });
        body.push(Statement::Block(inner));
    }

    /// Puts what a namespace exports into its object, beside what an earlier part did.
    fn namespace_object(
        &mut self,
        object: VariableId,
        shown: Vec<crate::ir::Name>,
        node: Node<'_>,
    ) -> Statement {
        let mut entries = vec![(None, self.builder.add(Kind::Variable(object), node))];
        for name in shown {
            if let Some(id) = self.builder.lookup(&name) {
                let key = self.builder.add(Kind::Text(name), node);
                entries.push((Some(key), self.builder.add(Kind::Variable(id), node)));
            }
        }
        Statement::Assign(variable(object), self.builder.add(Kind::Record(entries), node))
    }

    /// The names in an export's braces, and what others call them.
    fn export_specifiers(&self, node: Node<'_>) -> Vec<(String, String)> {
        let clauses = children(node).into_iter().filter(|part| part.kind() == "export_clause");
        let named = clauses.flat_map(children).filter_map(|specifier| {
            let local = child(specifier, "name")?;
            let shown = child(specifier, "alias").unwrap_or(local);
            Some((self.key_text(local), self.key_text(shown)))
        });
        named.collect()
    }

    fn export_declared(&mut self, declaration: Node<'_>, is_default: bool) {
        let mut names = Vec::new();
        self.declared_names(declaration, &mut names);
        for name in names {
            if let Some(id) = self.builder.lookup(&name) {
                let shown = if is_default { self.builder.name("default") } else { name };
                self.builder.program.exports.insert(shown, id);
            }
        }
    }

    /// The names that a declaration declares.
    fn declared_names(&mut self, declaration: Node<'_>, names: &mut Vec<crate::ir::Name>) {
        if let Some(name) = child(declaration, "name") {
            names.push(self.builder.node_name(name));
        }
        for declarator in children(declaration) {
            if declarator.kind() == "variable_declarator"
                && let Some(name) = child(declarator, "name")
            {
                self.pattern_names(name, names);
            }
        }
    }

    /// The names that a pattern declares.
    fn pattern_names(&mut self, node: Node<'_>, found: &mut Vec<crate::ir::Name>) {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                found.push(self.builder.node_name(node));
            }
            "pair_pattern" => {
                if let Some(value) = child(node, "value") {
                    self.pattern_names(value, found);
                }
            }
            "object_assignment_pattern" | "assignment_pattern" => {
                if let Some(left) = child(node, "left") {
                    self.pattern_names(left, found);
                }
            }
            _ => children(node).into_iter().for_each(|part| self.pattern_names(part, found)),
        }
    }

    /// `Object.assign(exports, …)`, `Object.defineProperty(exports, 'name', { get })` and
    /// compiled `export *`.
    pub(super) fn exported_by_call(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        arguments: Option<Node<'_>>,
    ) -> Option<ExprId> {
        let name = self.builder.text(function);
        let given = arguments.map(children)?;
        let is_object =
            |node: Node<'_>| matches!(self.builder.text(node), "exports" | "module.exports");
        if name.ends_with("__exportStar") && given.len() == 2 && is_object(given[1]) {
            let required = child(given[0], "arguments")?.named_child(0)?;
            let specifier = self.key_text(required);
            let module = self.builder.name(&specifier);
            self.builder.program.star_exports.push(module);
            return None;
        }
        if !given.first().is_some_and(|first| is_object(*first)) {
            return None;
        }
        let object = self.module_object();
        match (name, &given[1..]) {
            ("Object.assign", parts) => {
                let own = self.builder.add(Kind::Variable(object), node);
                let mut entries = vec![(None, own)];
                entries.extend(parts.iter().map(|part| (None, self.expression(*part))));
                let value = self.builder.add(Kind::Record(entries), node);
                let target = Box::new(variable(object));
                Some(self.builder.add(Kind::Assign(target, value), node))
            }
            ("Object.defineProperty", [key, described]) => {
                let getter = children(*described).into_iter().find_map(|part| {
                    let key = child(part, "key").or_else(|| child(part, "name"))?;
                    (self.builder.text(key) == "get").then(|| child(part, "value").unwrap_or(part))
                })?;
                let key = self.key_text(*key);
                let getter = self.expression(getter);
                let value = self.builder.add_call(getter, Vec::new(), node);
                let own = self.builder.add(Kind::Variable(object), node);
                let target = Box::new(Target::Field(own, self.builder.name(&key)));
                Some(self.builder.add(Kind::Assign(target, value), node))
            }
            _ => None,
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

/// The clause of `import name = require('module')`.
fn required(node: Node<'_>) -> Option<Node<'_>> {
    children(node).into_iter().find(|part| part.kind() == "import_require_clause")
}

fn children_with_tokens(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}
