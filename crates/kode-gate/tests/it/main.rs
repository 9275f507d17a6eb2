//! What must not compile, and the gate as other crates use it.

mod bare_host;
mod commands;
mod permits;
mod properties;
