//! `KODE_*` variables and the providers' key variables. No variable loosens the
//! sandbox; an unknown `KODE_` name is said, not obeyed.

use std::str::FromStr;

use kode_base::Secret;

use crate::ConfigError;
use crate::file::{Provider, WithoutTerminal};
use crate::keys::nearest;
use crate::settings::Keys;
use crate::values::{ApiKey, BaseUrl, GateRounds, Iterations, ModelName};

/// Variables that other parts of kode read; they are known and ignored here.
const ELSEWHERE: [&str; 2] = ["KODE_HOME", "KODE_REQUIRE_ALL"];

/// Variables this file reads.
const READ: [&str; 7] = [
    "KODE_MODEL",
    "KODE_PROVIDER",
    "KODE_BASE_URL",
    "KODE_API_KEY",
    "KODE_MAX_ITERATIONS",
    "KODE_MAX_GATE_ROUNDS",
    "KODE_NON_INTERACTIVE",
];

/// What the environment said.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<Provider>,
    pub(crate) base_url: Option<String>,
    /// `KODE_API_KEY` and the providers' variables.
    pub(crate) keys: Keys,
    pub(crate) max_iterations: Option<u32>,
    pub(crate) max_gate_rounds: Option<u32>,
    pub(crate) non_interactive: Option<WithoutTerminal>,
    pub(crate) notices: Vec<String>,
}

/// Reads the variables; an empty one counts as not set.
pub(crate) fn read(variables: &[(String, String)]) -> Result<Environment, ConfigError> {
    let mut environment = Environment::default();
    for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "KODE_MODEL" => {
                environment.model = Some(checked(name, value, ModelName::into_string)?);
            }
            "KODE_PROVIDER" => environment.provider = Some(word(name, value)?),
            "KODE_BASE_URL" => {
                environment.base_url = Some(checked(name, value, BaseUrl::into_string)?);
            }
            "KODE_API_KEY" => environment.keys.any = key(name, value)?,
            "OPENAI_API_KEY" => environment.keys.openai = key(name, value)?,
            "ANTHROPIC_API_KEY" => environment.keys.anthropic = key(name, value)?,
            "KODE_MAX_ITERATIONS" => {
                environment.max_iterations = Some(number(name, value, Iterations::count)?);
            }
            "KODE_MAX_GATE_ROUNDS" => {
                environment.max_gate_rounds = Some(number(name, value, GateRounds::count)?);
            }
            "KODE_NON_INTERACTIVE" => environment.non_interactive = Some(word(name, value)?),
            _ => environment.notices.extend(unknown(name)),
        }
    }
    Ok(environment)
}

fn checked<T, U>(name: &str, value: &str, then: impl FnOnce(T) -> U) -> Result<U, ConfigError>
where
    T: TryFrom<String, Error = String>,
{
    T::try_from(value.to_owned()).map(then).map_err(|message| ConfigError::whole(name, message))
}

fn key(name: &str, value: &str) -> Result<Option<Secret>, ConfigError> {
    checked(name, value, ApiKey::into_secret).map(Some)
}

fn number<T>(name: &str, value: &str, then: impl FnOnce(T) -> u32) -> Result<u32, ConfigError>
where
    T: TryFrom<u32, Error = String>,
{
    let count = u32::from_str(value.trim())
        .map_err(|_| ConfigError::whole(name, "this must be a whole number"))?;
    T::try_from(count).map(then).map_err(|message| ConfigError::whole(name, message))
}

fn word<T: serde::de::DeserializeOwned>(name: &str, value: &str) -> Result<T, ConfigError> {
    let json = serde_json::Value::String(value.to_owned());
    serde_json::from_value(json).map_err(|error| ConfigError::whole(name, error.to_string()))
}

fn unknown(name: &str) -> Option<String> {
    if !name.starts_with("KODE_") || ELSEWHERE.contains(&name) {
        return None;
    }
    let shown = kode_base::escape::escape_line(name);
    if name.starts_with("KODE_NO_SANDBOX") {
        return Some(format!(
            "{shown} is not read: only --no-sandbox or your own config.json can turn the sandbox off"
        ));
    }
    // Names of our own are upper case; `nearest` compares in lower case.
    let lower: Vec<String> = READ.iter().map(|known| known.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let hint = nearest(name, &lower).map(|near| format!("; did you mean {}?", near.to_uppercase()));
    Some(format!("{shown} is not a variable kode reads{}", hint.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_unknown_variable_is_said_with_the_nearest_name() {
        let read = read(&variables(&[("KODE_MODLE", "m"), ("PATH", "/bin"), ("KODE_HOME", "/k")]));
        let notices = read.unwrap().notices;
        assert_eq!(notices.len(), 1);
        assert!(notices[0].ends_with("did you mean KODE_MODEL?"), "{notices:?}");
    }

    #[test]
    fn no_variable_turns_the_sandbox_off() {
        let notices = read(&variables(&[("KODE_NO_SANDBOX", "1")])).unwrap().notices;
        assert!(notices[0].contains("--no-sandbox"));
    }

    #[test]
    fn bad_values_name_the_variable() {
        for (name, value) in [
            ("KODE_MAX_ITERATIONS", "many"),
            ("KODE_MAX_ITERATIONS", "0"),
            ("KODE_MAX_GATE_ROUNDS", "-1"),
            ("KODE_BASE_URL", "example.org"),
            ("KODE_PROVIDER", "azure"),
            ("KODE_NON_INTERACTIVE", "yes"),
        ] {
            let error = read(&variables(&[(name, value)])).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
        }
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert!(read(&variables(&[("KODE_MODEL", "")])).unwrap().model.is_none());
    }
}
