//! Configuration: files, environment and flags in, one [`Settings`] out.
//!
//! Layers only tighten, and a project file that nobody trusted is read for
//! what tightens and nothing else. This crate reads the files it is told
//! about; it never looks at `$HOME` or the environment itself, and prints
//! nothing.

mod dockerfile;
mod environment;
mod error;
mod file;
mod flags;
mod home;
mod hosts;
mod keys;
mod parse;
mod policy;
mod project;
mod read;
mod resolve;
mod rule;
mod settings;
mod trust;
mod unscanned;
mod user_file;
mod values;

pub use dockerfile::Dockerfile;
pub use error::ConfigError;
pub use file::{AcceptedWall, schema};
pub use home::prepare_home;
pub use resolve::load;
pub use settings::{
    ContainerReach, DEFAULT_MAX_GATE_ROUNDS, DEFAULT_MAX_ITERATIONS, FlagOverrides, ProviderKind,
    Settings, Sources,
};
pub use trust::{TrustOffer, trust};
pub use user_file::create_user_file;
