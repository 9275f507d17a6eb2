//! What goes in (where files are, what flags and environment said) and what
//! comes out (one resolved set of settings).

use std::fmt;
use std::path::PathBuf;

use kode_base::Secret;
use kode_gate::Policy;

use crate::AcceptedWall;

/// Turns a run may take when nobody says otherwise.
pub const DEFAULT_MAX_ITERATIONS: u32 = 50;

/// Times the completion gate may send a run back when nobody says otherwise.
pub const DEFAULT_MAX_GATE_ROUNDS: u32 = 5;

/// Everything a command needs to know, resolved from all layers.
#[derive(Debug)]
pub struct Settings {
    /// Classes, lists and rules, layer by layer.
    pub policy: Policy,
    /// The model's name as the provider knows it.
    pub model: Option<String>,
    /// Which wire protocol is spoken.
    pub provider: Option<ProviderKind>,
    /// What stands before `/chat/completions` or `/v1/messages`, without a
    /// trailing slash.
    pub base_url: Option<String>,
    /// The key for `provider`, or for OpenAI when nobody said one; a local
    /// server needs none. See [`Settings::api_key_for`].
    pub api_key: Option<Secret>,
    /// Most turns of one run, at least 1.
    pub max_iterations: u32,
    /// How often the completion gate may send a run back.
    pub max_gate_rounds: u32,
    /// The project's own checks, from trusted layers only, highest layer first.
    pub checks: Vec<String>,
    /// Commands run on the bare host (flag or the user's own configuration
    /// only).
    pub no_sandbox: bool,
    /// The weakest wall that may hold commands (the user's own configuration,
    /// cut by managed policy); `None` for the default.
    pub accepted_wall: Option<AcceptedWall>,
    /// What a container reaches when no flag says it (the user's own
    /// configuration, cut by managed policy).
    pub container_network: ContainerReach,
    /// Hosts a sandboxed command may reach, from trusted layers only.
    pub network_allow: Vec<String>,
    /// The part of `network_allow` that managed policy or the user listed: the
    /// only hosts to which secrets may ever go.
    pub listed_hosts: Vec<String>,
    /// Whether a `kode.json` is there and trusted with exactly these bytes.
    pub project_trusted: bool,
    /// Keys of an untrusted project file that were ignored, and other things
    /// to say at start; one sentence each, escaped.
    pub notices: Vec<String>,
    pub(crate) keys: Keys,
}

/// What a container may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContainerReach {
    /// Nothing, unless a flag opens it.
    #[default]
    Nothing,
    /// Open hosts, over kode's proxy.
    Bridge,
    /// Nothing, whatever a flag says.
    Forbidden,
}

impl Settings {
    /// The key to send to `provider`: `KODE_API_KEY`, then the provider's own
    /// variable, then the user's file. Another provider's variable is never
    /// sent to it.
    pub fn api_key_for(&self, provider: ProviderKind) -> Option<&Secret> {
        let own = match provider {
            ProviderKind::OpenAi => &self.keys.openai,
            ProviderKind::Anthropic => &self.keys.anthropic,
            ProviderKind::Scripted => return None,
        };
        self.keys.any.as_ref().or(own.as_ref()).or(self.keys.file.as_ref())
    }
}

/// Every key there is, by where it came from.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// `KODE_API_KEY`
    pub(crate) any: Option<Secret>,
    /// `OPENAI_API_KEY`
    pub(crate) openai: Option<Secret>,
    /// `ANTHROPIC_API_KEY`
    pub(crate) anthropic: Option<Secret>,
    /// `api_key` of the user's file.
    pub(crate) file: Option<Secret>,
}

/// Which wire protocol the model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI Chat Completions, as Ollama, llama.cpp and vLLM speak it too.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// The built-in scripted model.
    Scripted,
}

/// Where files are, and what flags and environment said.
#[derive(Clone, Default)]
pub struct Sources {
    /// The managed policy file, usually `/etc/kode/managed.json`; empty for
    /// none.
    pub managed: PathBuf,
    /// `$KODE_HOME`; created with mode 0700 when it is missing.
    pub kode_home: PathBuf,
    /// The project root, where `kode.json` may lie.
    pub project_root: PathBuf,
    /// The environment; only `KODE_*` and the providers' key variables are
    /// read.
    pub environment: Vec<(String, String)>,
    /// What the command line said.
    pub flags: FlagOverrides,
}

impl fmt::Debug for Sources {
    /// Shows the names of environment variables, never their values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Sources")
            .field("managed", &self.managed)
            .field("kode_home", &self.kode_home)
            .field("project_root", &self.project_root)
            .field("environment", &names)
            .field("flags", &self.flags)
            .finish()
    }
}

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct FlagOverrides {
    /// `--model`
    pub model: Option<String>,
    /// `--provider`
    pub provider: Option<ProviderKind>,
    /// `--base-url`
    pub base_url: Option<String>,
    /// `--max-iter`
    pub max_iterations: Option<u32>,
    /// `--max-gate-rounds`
    pub max_gate_rounds: Option<u32>,
    /// `--no-sandbox`
    pub no_sandbox: bool,
    /// `--accept-unscanned`
    pub accept_unscanned: Vec<String>,
}
