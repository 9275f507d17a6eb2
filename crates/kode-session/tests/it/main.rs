//! Sessions on real projects, with the real gate, audit log and file access.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests change projects as an agent or a person would, and look at the outcome"
)]

mod again;
mod authored;
mod booking;
mod compare;
mod held;
mod hunks;
mod interleavings;
mod kills;
mod limits;
mod places;
mod reject;
mod renames;
mod speed;
mod store;
mod turns;
mod unattended;
mod undo;
mod workspace;
