//! What tests share: temporary workspaces, wire-level fakes, terminal drivers.
//! A dev-dependency only; it refuses to be linked into the product.

mod skip;
mod terminal;
pub mod wire;
pub mod wire_process;

pub use skip::{REQUIRE_ALL, skip_or_fail};
pub use terminal::TerminalSession;
