//! Types: structs and interfaces are classes, their methods are found by the
//! receiver's type.

use kode_syntax::Node;

use super::super::{child, children, variable};
use super::Lowering;
use crate::ir::{Class, ClassField, ClassId, ExprId, Kind, Statement};

impl Lowering<'_, '_> {
    /// Declares the types of a file, so that all can be named.
    pub(super) fn declare_types(&mut self, nodes: &[Node<'_>]) {
        for spec in type_specs(nodes) {
            if let Some(name) = child(spec, "name") {
                let name = self.builder.node_name(name);
                self.builder.declare(&name);
                let id = self.builder.new_class();
                self.builder.classes.insert(name, id);
            }
        }
    }

    /// Fills the declared types and assigns them; twice where there are several,
    /// since the first may name the last.
    pub(super) fn define_types(&mut self, nodes: &[Node<'_>], body: &mut Vec<Statement>) {
        let specs = type_specs(nodes);
        for spec in &specs {
            self.define(*spec);
        }
        let rounds = specs.len().min(2);
        for _ in 0..rounds {
            for spec in &specs {
                let Some(name) = child(*spec, "name") else { continue };
                let name = self.builder.node_name(name);
                let (Some(class), Some(id)) =
                    (self.builder.classes.get(&name).copied(), self.builder.lookup(&name))
                else {
                    continue;
                };
                let value = self.builder.add(Kind::Class(class), *spec);
                body.push(Statement::Assign(variable(id), value));
            }
        }
    }

    fn define(&mut self, spec: Node<'_>) {
        let (Some(name), Some(named)) = (child(spec, "name"), child(spec, "type")) else { return };
        let name = self.builder.node_name(name);
        let Some(id) = self.builder.classes.get(&name).copied() else { return };
        let (mut fields, mut bases, mut required) = (Vec::new(), Vec::new(), Vec::new());
        match named.kind() {
            "struct_type" => {
                for list in children(named) {
                    for field in children(list) {
                        self.struct_field(field, &mut fields, &mut bases);
                    }
                }
            }
            "interface_type" => {
                let methods = children(named).into_iter().filter_map(|part| child(part, "name"));
                required = methods.map(|name| self.builder.node_name(name)).collect();
            }
            // `type handler server`: what the other type is.
            "type_identifier" | "qualified_type" => bases.extend(self.type_expression(named)),
            _ => {}
        }
        let methods = Vec::new();
        self.builder.program.classes[id.0 as usize] =
            Class { name: Some(name), bases, methods, fields, required };
    }

    /// A field; an embedded type is what the struct extends.
    fn struct_field(
        &mut self,
        node: Node<'_>,
        fields: &mut Vec<ClassField>,
        bases: &mut Vec<ExprId>,
    ) {
        let Some(named) = child(node, "type") else { return };
        let Some(declared) = self.type_expression(named) else { return };
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        if names.is_empty() {
            bases.push(declared);
            let text = self.builder.text(named);
            let last = text.rsplit('.').next().unwrap_or(text).to_owned();
            let name = self.builder.name(&last);
            fields.push(ClassField { name, declared: Some(declared), value: None, fixed: false });
        }
        for name in names {
            let name = self.builder.node_name(name);
            fields.push(ClassField { name, declared: Some(declared), value: None, fixed: false });
        }
    }

    /// The class of a method's receiver.
    pub(super) fn receiver_class(&self, node: Node<'_>) -> Option<ClassId> {
        let named = self.receiver_name(node)?;
        self.builder.classes.get(self.builder.text(named)).copied()
    }

    /// The name of the type of a method's receiver.
    pub(super) fn receiver_name<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let list = child(node, "receiver")?;
        let mut named = child(*children(list).first()?, "type")?;
        for _ in 0..4 {
            match named.kind() {
                "pointer_type" | "parenthesized_type" => named = named.named_child(0)?,
                "generic_type" => named = child(named, "type")?,
                _ => break,
            }
        }
        Some(named)
    }
}

/// The type specifications among some declarations.
fn type_specs<'t>(nodes: &[Node<'t>]) -> Vec<Node<'t>> {
    let declarations = nodes.iter().filter(|node| node.kind() == "type_declaration");
    declarations
        .flat_map(|node| children(*node))
        .filter(|spec| spec.kind() == "type_spec")
        .collect()
}
