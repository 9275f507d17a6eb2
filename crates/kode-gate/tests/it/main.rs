//! What must not compile, and the gate as other crates use it.

mod commands;
mod permits;
mod properties;
