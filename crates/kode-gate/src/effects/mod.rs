//! What commands do: tables of known commands and flags, and the primitive
//! effects (read, write, delete, talk, run) they are made of.

mod apply;
mod arguments;
mod builds;
pub(crate) mod code;
mod dispatch;
pub(crate) mod environment;
mod fetched_code;
mod flags;
mod handlers;
mod index;
mod interpreters;
mod later;
mod opaque;
mod primitives;
pub(crate) mod table;
mod tasks;

pub(crate) use apply::join as apply_join;
pub(crate) use builds::describes_build;
pub(crate) use dispatch::is_known_program;
