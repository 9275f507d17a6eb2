//! Attacks on the proxy, each against servers on loopback that would notice.

#![allow(clippy::disallowed_methods, reason = "tests lay out folders")]

mod pages;
mod registries;
mod speed;
mod tools;
mod tunnels;
mod world;
