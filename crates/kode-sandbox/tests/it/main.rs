//! The sandbox as a whole, with real processes, judged from outside.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests lay out projects, spawn victims and look at output of their own"
)]

mod arena;
mod beside_a_person;
mod commands;
mod credentials;
mod docker;
mod escapes;
mod ordinary_user;
mod refusals;
mod repositories;
mod sockets;
mod support;
mod survivors;
mod tripwire;
mod two_sandboxes;
mod weaker_walls;
