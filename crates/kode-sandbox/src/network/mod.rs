//! The network of sandboxed commands: one host at a time, through a proxy that
//! looks at every connection.
//!
//! A command has no network of its own. Where hosts are open for it, kode's
//! process serves a proxy on the sandbox's loopback: HTTP CONNECT, plain HTTP
//! and SOCKS with names, to listed hosts at public addresses, TLS to the host
//! that was asked for, package registries read-only. See `docs/network.md` for
//! what this does and does not stop.

mod address;
mod allow;
mod authority;
mod body;
mod connection;
mod fetcher;
mod head;
mod hello;
mod host;
mod masks;
mod outside;
mod plain;
mod proxy;
mod reading;
mod record;
mod refusal;
mod registry;
mod session;
mod socks;
mod stream;
mod tripwire;
mod trust_store;
mod tunnel;
mod web;
mod witness;

pub use allow::OpenHosts;
pub use host::HostName;
pub use record::{Connection, Via};
pub use refusal::Refusal;
pub use web::{Page, redirected, web_address};
pub use witness::{Departure, Sighting, Witness};

pub(crate) use masks::{Masks, find as find_secrets};
pub(crate) use session::{Network, Reached};
pub(crate) use stream::Stream;
pub(crate) use trust_store::pkcs12;

#[cfg(test)]
mod tests;
