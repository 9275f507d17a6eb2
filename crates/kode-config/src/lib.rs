//! Configuration files, layers and the trust store.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use kode_base::Secret;
use kode_gate::Policy;
use std::path::{Path, PathBuf};

/// Everything a command needs to know, resolved from all layers.
#[derive(Debug)]
pub struct Settings {
    pub policy: Policy,
    pub model: Option<String>,
    pub provider: Option<ProviderKind>,
    pub base_url: Option<String>,
    pub api_key: Option<Secret>,
    pub max_iterations: u32,
    pub max_gate_rounds: u32,
    /// From trusted layers only.
    pub checks: Vec<String>,
    /// Commands run on the bare host (flag or user's own configuration only).
    pub no_sandbox: bool,
    pub network_allow: Vec<String>,
    /// Keys of an untrusted project file that were ignored, and other things to say at start; one sentence each.
    pub notices: Vec<String>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    OpenAi,
    Anthropic,
    Scripted,
}
/// Where files are, and what flags and environment said.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub managed: PathBuf,
    pub kode_home: PathBuf,
    pub project_root: PathBuf,
    pub environment: Vec<(String, String)>,
    pub flags: FlagOverrides,
}
#[derive(Debug, Clone, Default)]
pub struct FlagOverrides {
    pub model: Option<String>,
    pub provider: Option<ProviderKind>,
    pub base_url: Option<String>,
    pub max_iterations: Option<u32>,
    pub max_gate_rounds: Option<u32>,
    pub no_sandbox: bool,
}
/// Bad configuration: names file, line, column and remedy. Exit 2.
#[derive(Debug, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}")]
pub struct ConfigError {
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
    pub message: String,
}
pub fn load(sources: &Sources) -> Result<Settings, ConfigError> {
    let _ = sources;
    todo!()
}
/// `kode trust`: binds the canonical project path and the hash of the bytes parsed.
pub fn trust(kode_home: &Path, project_root: &Path) -> Result<String, ConfigError> {
    let _ = (kode_home, project_root);
    todo!()
}
