//! The only crate that spawns processes or writes project files.
//!
//! Everything that has an effect consumes a [`kode_gate::Permit`] and does
//! exactly what the permit holds. Nothing here judges, asks, prints or reads
//! `$HOME` or the environment: the binary passes both in as [`Host`].
//!
//! The native backend runs commands in namespaces of their own. The process
//! that builds them is this same program, executed once more: the binary's
//! `main` therefore **begins** with
//!
//! ```no_run
//! if let Some(code) = kode_sandbox::run_helper_if_requested() {
//!     std::process::exit(i32::from(code));
//! }
//! ```
//!
//! before any thread, logger or runtime starts.

mod bare;
mod container_plan;
mod credentials;
mod docker;
mod editor;
mod error;
mod family;
mod files;
mod git_config;
mod guard;
mod helper;
mod incident;
mod landlock_wall;
mod layers;
mod native;
mod network;
mod output;
mod plan;
mod remotes;
mod root;
mod sandbox;
mod seccomp;
mod settings;
mod throwaway;
mod wire;

/// How commands in a container call the project and their home.
pub const CONTAINER_PLACES: (&str, &str) = (plan::WORKSPACE, plan::HOME);

pub use credentials::Exposure;
pub use docker::{context_places, diagnose_docker};
pub use editor::{EditorError, open_in_editor};
pub use error::SandboxError;
pub use files::{
    EntryKind, FileError, IgnoreRules, ProjectFiles, Reach, RuleSource, Stamps, WalkEnd, WalkEntry,
    WriteFailure, is_ignore_file, stamp_hash,
};
pub use helper::run_helper_if_requested;
pub use incident::Incident;
pub use layers::{Layer, LayerState, diagnose};
pub use native::{BeforeMain, before_main, launch_early};
pub use network::{
    Connection, Departure, HostName, OpenHosts, Page, Refusal, Sighting, Via, Witness, redirected,
    web_address,
};
pub use output::{CommandEnd, CommandOutput};
pub use plan::{Wall, git_losses};
pub use remotes::git_remotes;
pub use root::{ProjectRoot, RootError};
pub use sandbox::{InteractiveEnd, Sandbox, StartingSandbox, command_line};
pub use settings::{
    Backend, CredentialTest, DockerNetwork, DockerSettings, HelperImage, Host, LabSink,
    SandboxSettings,
};
pub use throwaway::ThrowawayCopy;
