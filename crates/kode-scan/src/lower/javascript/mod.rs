//! JavaScript and TypeScript, JSX included.

mod expressions;
mod functions;
mod modules;
mod patterns;
mod statements;
mod texts;

use kode_syntax::Node;

use super::{Builder, children};

/// Lowers a whole file.
pub(super) fn lower(builder: &mut Builder<'_>, root: Node<'_>) {
    let mut lowering = Lowering { builder };
    lowering.declare_vars(root);
    let body = lowering.statements(&children(root));
    lowering.builder.set_top_level(body);
}

/// The lowering in progress.
struct Lowering<'b, 's> {
    builder: &'b mut Builder<'s>,
}
