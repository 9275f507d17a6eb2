//! Functions, parameters, lambdas and classes.

use kode_syntax::Node;

use super::super::{child, children};
use super::Lowering;
use crate::ir::{
    Class, ClassField, ClassId, ExprId, Function, FunctionId, Kind, Name, Parameter, SETTER,
    Statement, Target,
};

impl Lowering<'_, '_> {
    /// A function or lambda.
    pub(super) fn function(
        &mut self,
        node: Node<'_>,
        class: Option<ClassId>,
        decorators: Vec<ExprId>,
    ) -> FunctionId {
        let is_static = decorators.iter().any(|id| self.is_named(*id, "staticmethod"));
        self.builder.in_function(|builder| {
            let mut lowering = Lowering { builder };
            let name = child(node, "name").map(|name| lowering.builder.node_name(name));
            let nodes = child(node, "parameters").map(children).unwrap_or_default();
            let mut parameters: Vec<Parameter> =
                nodes.into_iter().filter_map(|part| lowering.parameter(part)).collect();
            let has_this = class.is_some() && !is_static && !parameters.is_empty();
            let this =
                has_this.then(|| parameters.remove(0)).and_then(|first| match first.target {
                    Target::Variable(id) => Some(id),
                    _ => None,
                });
            let body = lowering.function_body(node);
            Function { name, parameters, body, decorators, this, class, ..Function::default() }
        })
    }

    /// `@name.setter`.
    fn is_setter(&self, decorator: ExprId) -> bool {
        matches!(&self.builder.program.expression(decorator).kind,
            Kind::Field(_, name) if &**name == "setter")
    }

    /// A setter runs when its field is set: it is no method by that name.
    fn as_setter(&mut self, method: FunctionId) {
        self.builder.program.has_setters = true;
        let function = &self.builder.program.functions[method.0 as usize];
        let name = format!("{SETTER}{}", function.name.as_deref().unwrap_or_default());
        let name = self.builder.name(&name);
        self.builder.program.functions[method.0 as usize].name = Some(name);
    }

    fn is_named(&self, id: ExprId, wanted: &str) -> bool {
        matches!(&self.builder.program.expression(id).kind, Kind::Global(name) if &**name == wanted)
    }

    fn function_body(&mut self, node: Node<'_>) -> Vec<Statement> {
        let Some(body) = child(node, "body") else { return Vec::new() };
        if node.kind() == "lambda" {
            let value = self.expression(body);
            return vec![Statement::Return(Some(value))];
        }
        self.declare_assigned(body);
        self.block(Some(body))
    }

    fn parameter(&mut self, node: Node<'_>) -> Option<Parameter> {
        let named = match node.kind() {
            "identifier" => node,
            "typed_parameter" => node.named_child(0)?,
            "default_parameter" | "typed_default_parameter" => child(node, "name")?,
            "list_splat_pattern" | "dictionary_splat_pattern" => node,
            _ => return None,
        };
        let rest = named.kind().ends_with("splat_pattern");
        let named = if rest { named.named_child(0)? } else { named };
        let name: Name = self.builder.node_name(named);
        let declared = child(node, "type").and_then(|declared| self.type_expression(declared));
        let default = child(node, "value").map(|value| self.expression(value));
        let target = Target::Variable(self.builder.declare(&name));
        let (start, end) = self.builder.place(node);
        let annotations = child(node, "type").map(|n| self.annotated(n)).unwrap_or_default();
        Some(Parameter {
            target,
            name: Some(name),
            declared,
            annotations,
            default,
            rest,
            start,
            end,
        })
    }

    /// What `Annotated[str, Depends(f)]` says besides the type.
    fn annotated(&mut self, declared: Node<'_>) -> Vec<ExprId> {
        if !self.builder.text(declared).contains("Annotated[") {
            return Vec::new();
        }
        let mut stack = vec![declared];
        while let Some(node) = stack.pop() {
            if node.kind() == "call" {
                return vec![self.expression(node)];
            }
            stack.extend(children(node));
        }
        Vec::new()
    }

    /// A class; its plain assignments are fields.
    pub(super) fn class(&mut self, node: Node<'_>) -> ClassId {
        let id = self.builder.new_class();
        let name = child(node, "name").map(|name| self.builder.node_name(name));
        let bases = child(node, "superclasses").map(children).unwrap_or_default();
        let bases = bases.into_iter().filter(|base| base.kind() != "keyword_argument");
        let bases = bases.map(|base| self.expression(base)).collect();
        let (mut methods, mut fields) = (Vec::new(), Vec::new());
        for member in child(node, "body").map(children).unwrap_or_default() {
            self.member(member, id, &mut methods, &mut fields);
        }
        let class = Class { name, bases, methods, fields, ..Class::default() };
        self.builder.program.classes[id.0 as usize] = class;
        id
    }

    fn member(
        &mut self,
        member: Node<'_>,
        class: ClassId,
        methods: &mut Vec<FunctionId>,
        fields: &mut Vec<ClassField>,
    ) {
        match member.kind() {
            "function_definition" => methods.push(self.function(member, Some(class), Vec::new())),
            "decorated_definition" => {
                let found = children(member).into_iter().filter(|part| part.kind() == "decorator");
                let inner: Vec<Node<'_>> = found.filter_map(|part| part.named_child(0)).collect();
                let decorators: Vec<ExprId> =
                    inner.into_iter().map(|part| self.expression(part)).collect();
                if let Some(definition) = child(member, "definition")
                    && definition.kind() == "function_definition"
                {
                    let is_setter = decorators.iter().any(|id| self.is_setter(*id));
                    let method = self.function(definition, Some(class), decorators);
                    if is_setter {
                        self.as_setter(method);
                    }
                    methods.push(method);
                }
            }
            "expression_statement" => {
                let assignment = member.named_child(0).filter(|part| part.kind() == "assignment");
                let left = assignment.and_then(|part| child(part, "left"));
                if let (Some(part), Some(left)) = (assignment, left)
                    && left.kind() == "identifier"
                {
                    let name = self.builder.node_name(left);
                    let declared =
                        child(part, "type").and_then(|named| self.type_expression(named));
                    let value = child(part, "right").map(|value| self.expression(value));
                    let fixed = name.starts_with('_') && !self.builder.is_set_again(&name, part);
                    fields.push(ClassField { name, declared, value, fixed });
                }
            }
            _ => {}
        }
    }

    /// A type annotation as the expression that names it; `Optional[X]` is `X`.
    pub(super) fn type_expression(&mut self, node: Node<'_>) -> Option<ExprId> {
        match node.kind() {
            "type" => self.type_expression(node.named_child(0)?),
            "identifier" | "attribute" => Some(self.expression(node)),
            "generic_type" | "subscript" => {
                let text = self.builder.text(node);
                let inner = text.starts_with("Optional[") || text.starts_with("Annotated[");
                let wanted = if inner { node.named_child(1)? } else { node.named_child(0)? };
                let wanted =
                    if wanted.kind() == "type_parameter" { wanted.named_child(0)? } else { wanted };
                self.type_expression(wanted)
            }
            "binary_operator" => self.type_expression(child(node, "left")?),
            _ => None,
        }
    }
}
