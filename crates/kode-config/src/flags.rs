//! The command line's part of the user's layer, held to the same checks as the
//! files.

use crate::values::{BaseUrl, GateRounds, Iterations, ModelName, PathGlob};
use crate::{ConfigError, FlagOverrides, ProviderKind};

/// The command line, checked.
pub(crate) struct Flags {
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<ProviderKind>,
    pub(crate) base_url: Option<String>,
    pub(crate) max_iterations: Option<u32>,
    pub(crate) max_gate_rounds: Option<u32>,
    pub(crate) no_sandbox: bool,
    pub(crate) accept_unscanned: Vec<PathGlob>,
}

impl Flags {
    pub(crate) fn check(flags: &FlagOverrides) -> Result<Self, ConfigError> {
        let FlagOverrides {
            model,
            provider,
            base_url,
            max_iterations,
            max_gate_rounds,
            no_sandbox,
            accept_unscanned,
        } = flags.clone();
        let wrong = |flag: &'static str| move |message: String| ConfigError::whole(flag, message);
        let model = model.map(ModelName::try_from).transpose().map_err(wrong("--model"))?;
        let base_url = base_url.map(BaseUrl::try_from).transpose().map_err(wrong("--base-url"))?;
        let iterations =
            max_iterations.map(Iterations::try_from).transpose().map_err(wrong("--max-iter"))?;
        let rounds = max_gate_rounds.map(GateRounds::try_from).transpose();
        let rounds = rounds.map_err(wrong("--max-gate-rounds"))?;
        let globs: Result<Vec<PathGlob>, String> =
            accept_unscanned.into_iter().map(PathGlob::try_from).collect();
        Ok(Self {
            accept_unscanned: globs.map_err(wrong("--accept-unscanned"))?,
            model: model.map(ModelName::into_string),
            provider,
            base_url: base_url.map(BaseUrl::into_string),
            max_iterations: iterations.map(Iterations::count),
            max_gate_rounds: rounds.map(GateRounds::count),
            no_sandbox,
        })
    }
}
