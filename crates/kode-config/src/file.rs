//! The shape of a configuration file, the same for every layer. These types
//! are the schema: their comments are what `kode` shows people.

use kode_base::RiskClass;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::rule::RuleEntry;
use crate::values::{
    ApiKey, BaseUrl, ExactCommand, GateRounds, HostPattern, Iterations, ModelName, PathGlob,
};

/// A kode configuration file: `/etc/kode/managed.json`, `~/.kode/config.json`
/// or `kode.json` in a project. JSON with comments and trailing commas.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "kode configuration")]
pub(crate) struct ConfigFile {
    /// The address of this schema, for editors; kode does not fetch it.
    #[serde(rename = "$schema")]
    pub(crate) _schema: Option<String>,
    /// The model's name as the provider knows it.
    pub(crate) model: Option<ModelName>,
    /// Which wire protocol is spoken.
    pub(crate) provider: Option<Provider>,
    /// What stands before `/chat/completions` (so it ends in `/v1`) or before
    /// `/v1/messages`.
    pub(crate) base_url: Option<BaseUrl>,
    /// The provider's key; read from `~/.kode/config.json` only. `KODE_API_KEY`
    /// and then the provider's own variable come first.
    pub(crate) api_key: Option<ApiKey>,
    /// Commands that must succeed before a run is green; they run on a
    /// throw-away copy. The lists of all layers are joined.
    pub(crate) checks: Option<Vec<ExactCommand>>,
    /// Runs commands on the bare host. Only `~/.kode/config.json` can set it to
    /// true; false in managed policy forbids it.
    pub(crate) no_sandbox: Option<bool>,
    /// Most turns of one run. A lower layer can only lower what a higher one
    /// says. 50 when no layer says anything.
    pub(crate) max_iterations: Option<Iterations>,
    /// How often the completion gate may send a run back before it ends red. A
    /// lower layer can only lower what a higher one says. 5 when no layer says
    /// anything.
    pub(crate) max_gate_rounds: Option<GateRounds>,
    /// What happens to touched code that the security scan can't read.
    pub(crate) scan: Option<Scan>,
    /// What sandboxed commands may reach.
    pub(crate) sandbox: Option<Sandbox>,
    /// What happens to commands that could do harm.
    pub(crate) dangerous: Option<Dangerous>,
}

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    /// OpenAI Chat Completions, as Ollama, llama.cpp and vLLM speak it too.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// The built-in scripted model.
    Scripted,
}

/// What happens to touched code that the security scan can't read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    /// Files that may stay unscanned without a question: globs of project
    /// paths, without a `/` of file names in any folder, such as `*.rs`. Read
    /// from managed policy and `~/.kode/config.json` only; the lists are joined.
    pub(crate) accept_unscanned: Option<Vec<PathGlob>>,
    /// What happens to the others: `deny` in any layer keeps the run red
    /// without asking, and lists of lower layers hold no more. Default: ask.
    pub(crate) unscanned: Option<UnscannedAnswer>,
}

/// What happens to touched code that the security scan can't read and no list
/// accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnscannedAnswer {
    /// A person is asked.
    Ask,
    /// Nobody accepts it.
    Deny,
}

/// What sandboxed commands may reach.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sandbox {
    /// The network of sandboxed commands.
    pub(crate) network: Option<Network>,
    /// The weakest wall that may hold commands where the system allows no
    /// stronger one. Only `~/.kode/config.json` can weaken it; managed policy can
    /// ask for a stronger one. Default: bubblewrap.
    pub(crate) accept: Option<AcceptedWall>,
    /// The containers of `--sandbox`.
    pub(crate) docker: Option<Docker>,
}

/// The containers of `--sandbox`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Docker {
    /// What a container can reach when no flag says it. Only
    /// `~/.kode/config.json` can open it; `none` in managed policy forbids the
    /// flag too. Default: none.
    pub(crate) network: Option<ContainerNetwork>,
}

/// What a container can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ContainerNetwork {
    /// Nothing, whatever is approved.
    None,
    /// Open hosts, over kode's proxy alone.
    Bridge,
}

/// A wall around commands, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AcceptedWall {
    /// kode's own namespaces, Landlock and the system-call filter, or nothing
    /// runs.
    Full,
    /// The same view made by /usr/bin/bwrap, where only that may make namespaces.
    Bubblewrap,
    /// Landlock and the system-call filter alone: no sockets, names and
    /// permission bits outside are not protected.
    Partial,
}

/// The network of sandboxed commands.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Hosts that commands may reach through kode's proxy: a name, an address,
    /// or `*.` before a name. Where managed policy has a list, lower layers can
    /// only name hosts on it.
    pub(crate) allow: Option<Vec<HostPattern>>,
}

/// What happens to commands that could do harm.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dangerous {
    /// What answers a class prompt when there is no terminal. The strictest
    /// layer wins. Default: allow in a sandbox, deny on the bare host.
    pub(crate) non_interactive: Option<WithoutTerminal>,
    /// What happens to each risk class.
    pub(crate) classes: Option<Classes>,
    /// Exact commands that run without a prompt, even where their class would
    /// be denied.
    pub(crate) allowlist: Option<Vec<ExactCommand>>,
    /// Exact commands that never run, even where their class is allowed.
    pub(crate) denylist: Option<Vec<ExactCommand>>,
    /// Rules on the words of a command. The strictest one that matches wins.
    pub(crate) rules: Option<Vec<RuleEntry>>,
}

/// The answer to a class prompt when there is no terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WithoutTerminal {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

/// What happens to a class or a matching command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuleAction {
    /// It runs without asking.
    Allow,
    /// A person is asked.
    Prompt,
    /// It does not run.
    Deny,
}

/// What happens to each risk class.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Classes {
    /// Reads, searches, builds and tests of the project. Default: allow.
    pub(crate) safe: Option<RuleAction>,
    /// Changes inside the project. Default: allow.
    pub(crate) local_write: Option<RuleAction>,
    /// Changes outside the project or with privilege. Default: prompt.
    pub(crate) system_write: Option<RuleAction>,
    /// Wide or irreversible loss. Default: deny.
    pub(crate) destructive: Option<RuleAction>,
    /// Anything that talks to a host. Default: prompt.
    pub(crate) network_egress: Option<RuleAction>,
    /// Code the gate can't see through. Default: prompt.
    pub(crate) code_execution: Option<RuleAction>,
    /// Installing packages. Default: prompt.
    pub(crate) install: Option<RuleAction>,
    /// Never meant to run, such as fork bombs. Default: deny.
    pub(crate) blocked: Option<RuleAction>,
}

impl Classes {
    /// Every class with what this layer says of it.
    pub(crate) fn entries(&mut self) -> [(RiskClass, &mut Option<RuleAction>); 8] {
        [
            (RiskClass::Safe, &mut self.safe),
            (RiskClass::LocalWrite, &mut self.local_write),
            (RiskClass::SystemWrite, &mut self.system_write),
            (RiskClass::Destructive, &mut self.destructive),
            (RiskClass::NetworkEgress, &mut self.network_egress),
            (RiskClass::CodeExecution, &mut self.code_execution),
            (RiskClass::Install, &mut self.install),
            (RiskClass::Blocked, &mut self.blocked),
        ]
    }
}

/// The JSON Schema of configuration files, with descriptions.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ConfigFile).to_value()
}
