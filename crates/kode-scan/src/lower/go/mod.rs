//! Go.

mod expressions;
mod statements;
mod types;

use kode_syntax::Node;

use super::{Builder, child, children};
use crate::ir::{Function, FunctionId, Kind, Parameter, Statement, Target};

/// Lowers a whole file.
pub(super) fn lower(builder: &mut Builder<'_>, root: Node<'_>) {
    let mut lowering = Lowering { builder };
    let (imports, nodes): (Vec<Node<'_>>, Vec<Node<'_>>) =
        children(root).into_iter().partition(|node| node.kind() == "import_declaration");
    let mut body = lowering.statements(&imports);
    lowering.declare_types(&nodes);
    for node in &nodes {
        if matches!(node.kind(), "function_declaration")
            && let Some(name) = child(*node, "name")
        {
            let name = lowering.builder.node_name(name);
            lowering.builder.declare(&name);
        }
    }
    lowering.define_types(&nodes, &mut body);
    lowering.declare_variables(&nodes);
    // Functions are there before the variables that hold them.
    let (mut functions, mut rest) = (Vec::new(), Vec::new());
    for node in nodes.iter().filter(|node| node.kind() != "type_declaration") {
        let is_function = node.kind() == "function_declaration";
        let into = if is_function { &mut functions } else { &mut rest };
        into.extend(lowering.statements(&[*node]));
    }
    body.append(&mut functions);
    body.append(&mut rest);
    lowering.builder.set_top_level(body);
}

/// The lowering in progress.
struct Lowering<'b, 's> {
    builder: &'b mut Builder<'s>,
}

impl Lowering<'_, '_> {
    /// Declares the package's variables and constants, wherever they stand.
    fn declare_variables(&mut self, nodes: &[Node<'_>]) {
        let mut stack: Vec<Node<'_>> = nodes
            .iter()
            .filter(|node| matches!(node.kind(), "var_declaration" | "const_declaration"))
            .copied()
            .collect();
        while let Some(node) = stack.pop() {
            match node.kind() {
                "var_spec" | "const_spec" => {
                    let mut cursor = node.walk();
                    for name in node.children_by_field_name("name", &mut cursor) {
                        let name = self.builder.node_name(name);
                        self.builder.declare(&name);
                    }
                }
                _ => stack.extend(children(node)),
            }
        }
    }

    /// A function, method or literal.
    fn function(&mut self, node: Node<'_>) -> FunctionId {
        let class = self.receiver_class(node);
        let id = self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder };
            let name = child(node, "name").map(|name| lowering.builder.node_name(name));
            let receiver = child(node, "receiver").map(|list| lowering.parameters(list));
            let this = receiver.and_then(|mut list| list.pop()).and_then(|p| match p.target {
                Target::Variable(id) => Some(id),
                _ => None,
            });
            let list = child(node, "parameters");
            let parameters = list.map(|list| lowering.parameters(list)).unwrap_or_default();
            // Results with names are variables, which a bare `return` returns.
            if let Some(results) = child(node, "result").filter(|r| r.kind() == "parameter_list") {
                lowering.parameters(results);
            }
            let returns = child(node, "result").map(|result| lowering.builder.node_name(result));
            let body = lowering.block(child(node, "body"));
            Function { name, parameters, body, this, class, returns, ..Function::default() }
        });
        if class.is_none() && child(node, "receiver").is_some() {
            let receiver = self.receiver_name(node).map(|name| self.builder.node_name(name));
            self.builder.program.functions[id.0 as usize].receiver = receiver;
        }
        if let Some(class) = class {
            self.builder.program.classes[class.0 as usize].methods.push(id);
        }
        id
    }

    fn parameters(&mut self, list: Node<'_>) -> Vec<Parameter> {
        let mut found = Vec::new();
        for declaration in children(list) {
            let mut cursor = declaration.walk();
            let names: Vec<Node<'_>> =
                declaration.children_by_field_name("name", &mut cursor).collect();
            for name in names {
                let declared =
                    child(declaration, "type").and_then(|declared| self.type_expression(declared));
                let text = self.builder.node_name(name);
                let target = Target::Variable(self.builder.declare(&text));
                found.push(Parameter {
                    target,
                    name: Some(text),
                    declared,
                    annotations: Vec::new(),
                    default: None,
                    rest: declaration.kind() == "variadic_parameter_declaration",
                    start: name.start_byte() as u32,
                    end: name.end_byte() as u32,
                });
            }
        }
        found
    }

    /// A type as the expression that names it; pointers are what they point to.
    fn type_expression(&mut self, node: Node<'_>) -> Option<crate::ir::ExprId> {
        match node.kind() {
            "pointer_type" | "parenthesized_type" => self.type_expression(node.named_child(0)?),
            "generic_type" => self.type_expression(child(node, "type")?),
            "qualified_type" => {
                let package = child(node, "package")?;
                let text = self.builder.text(package);
                let package = self.builder.reference(text, package);
                let name = self.builder.node_name(child(node, "name")?);
                Some(self.builder.add(Kind::Field(package, name), node))
            }
            "type_identifier" => {
                let text = self.builder.text(node);
                Some(self.builder.reference(text, node))
            }
            _ => None,
        }
    }

    /// Binds the packages an import declaration names.
    fn imports(&mut self, node: Node<'_>, body: &mut Vec<Statement>) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if node.kind() != "import_spec" {
                stack.extend(children(node));
                continue;
            }
            let Some(path) = child(node, "path") else { continue };
            let path = self.builder.text(path).trim_matches(['"', '`']).to_owned();
            let is_version = |part: &str| {
                part.len() > 1
                    && part.starts_with('v')
                    && part[1..].bytes().all(|b| b.is_ascii_digit())
            };
            let last = path.rsplit('/').find(|part| !is_version(part)).unwrap_or(&path);
            if child(node, "name").is_some_and(|name| name.kind() == "dot") {
                let path = self.builder.name(&path);
                self.builder.program.star_imports.push(path);
                continue;
            }
            let named = child(node, "name").map(|name| self.builder.text(name));
            let local = named.unwrap_or(package_name(last)).to_owned();
            let local = self.builder.name(&local);
            let path = self.builder.name(&path);
            let value = self.builder.add(Kind::Import(path), node);
            let id = self.builder.declare(&local);
            body.push(Statement::Assign(Target::Variable(id), value));
        }
    }
}

/// What a package is likely called whose folder's name is no name of Go's: `go-digest`,
/// `uuid-go`, `yaml.v3`, `filepath-securejoin`.
fn package_name(folder: &str) -> &str {
    let name = folder.split('.').next().filter(|name| !name.is_empty()).unwrap_or(folder);
    let bare = name.strip_prefix("go-").or_else(|| name.strip_suffix("-go")).unwrap_or(name);
    bare.rsplit('-').next().unwrap_or(bare)
}
