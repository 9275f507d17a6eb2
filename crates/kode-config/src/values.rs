//! Values that are valid by construction: whatever reads one, file, variable
//! or flag, gets the same check and the same sentence.

use kode_base::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// What stands before `/chat/completions` or `/v1/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or("a base URL starts with https:// or http://")?;
        if text.len() > 2048 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("a base URL has no spaces and at most 2048 bytes".to_owned());
        }
        if text.contains(['?', '#']) {
            return Err("a base URL has no query and no fragment".to_owned());
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') {
            return Err("a base URL names a host".to_owned());
        }
        if authority.contains('@') {
            return Err("a base URL holds no user name or password; use KODE_API_KEY".to_owned());
        }
        let trimmed = text.trim_end_matches('/');
        for suffix in ["/chat/completions", "/v1/messages"] {
            if let Some(base) = trimmed.strip_suffix(suffix) {
                return Err(format!("a base URL is what stands before {suffix}; write \"{base}\""));
            }
        }
        Ok(Self(trimmed.to_owned()))
    }
}

/// A host name or address, or `*.` before one, with `:80` where plain HTTP is
/// meant too; no scheme, other port or path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct HostPattern(String);

impl HostPattern {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let host = text.strip_prefix("*.").unwrap_or(&text);
        // Port 443 is meant; 80 opens plain HTTP besides.
        let host = host.strip_suffix(":80").unwrap_or(host);
        let label = |part: &str| {
            (1..=63).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        let names_host = host.len() <= 253 && host.split('.').all(label);
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        // `*.com` would open a whole registry of strangers.
        let too_wide = text.starts_with("*.") && !host.contains('.');
        if too_wide || !(names_host || is_address) {
            return Err(
                "a host is written alone, such as \"registry.npmjs.org\" or \"*.example.org\": \
                 no scheme, path or other wildcard, and no port but :80"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Paths below the project root: `*` and `?` within a name, `**` across folders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct PathGlob(String);

impl PathGlob {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for PathGlob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() || text.contains(['\0', '\n']) {
            return Err("a glob is a path with `*` in it and can't be empty".to_owned());
        }
        if text.starts_with(['/', '~']) || text.split('/').any(|part| part == "..") {
            return Err("a glob names paths below the project root, such as \"*.rs\" or \
                        \"scripts/**\": no `/` or `~` in front, no `..`"
                .to_owned());
        }
        let braces = text.find('{').is_some_and(|open| text[open..].contains(','));
        if braces || text.starts_with('!') {
            return Err("a glob knows `*`, `?` and `**` only: give one for each alternative \
                        (\"*.rb\", \"*.php\"), and no `!` in front"
                .to_owned());
        }
        Ok(Self(text))
    }
}

/// The exact bytes of a command.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct ExactCommand(String);

impl ExactCommand {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for ExactCommand {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("a command can't be empty".to_owned());
        }
        if text.contains('\0') {
            return Err("a command can't contain a NUL byte".to_owned());
        }
        Ok(Self(text))
    }
}

/// The name of a rule: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct RuleName(String);

impl RuleName {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for RuleName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) {
            return Err("a rule's name is 1 to 64 of a-z, 0-9, - and _".to_owned());
        }
        Ok(Self(text))
    }
}

/// The words of a rule: `*` is any one word, a last `**` any rest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct CommandPattern(Vec<String>);

impl CommandPattern {
    pub(crate) fn into_words(self) -> Vec<String> {
        self.0
    }
}

impl TryFrom<Vec<String>> for CommandPattern {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        let Some((_, before_last)) = words.split_last() else {
            return Err("a rule's command has at least one word".to_owned());
        };
        if words.iter().any(|word| word.is_empty() || word.contains('\0')) {
            return Err("the words of a rule's command can't be empty".to_owned());
        }
        if before_last.iter().any(|word| word == "**") {
            return Err("`**` can only be the last word of a rule's command".to_owned());
        }
        Ok(Self(words))
    }
}

/// A model's name: 1 to 200 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct ModelName(String);

impl ModelName {
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for ModelName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hidden = |c: char| c.is_whitespace() || kode_base::escape::is_deceptive(c);
        if text.is_empty() || text.len() > 200 || text.chars().any(hidden) {
            return Err("a model's name is 1 to 200 visible characters without spaces".to_owned());
        }
        Ok(Self(text))
    }
}

/// A credential for the provider; it goes into one request header.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct ApiKey(Secret);

impl ApiKey {
    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }
}

impl TryFrom<String> for ApiKey {
    type Error = String;

    /// The error never quotes the key.
    fn try_from(text: String) -> Result<Self, String> {
        let secret = Secret::new(text);
        let key = secret.reveal();
        if key.is_empty() || key.len() > 4096 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "an API key is visible ASCII without spaces or line ends; copy it again".to_owned()
            );
        }
        Ok(Self(secret))
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ApiKey(****)")
    }
}

/// Turns of one run: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
pub(crate) struct Iterations(#[schemars(range(min = 1, max = 10000))] u32);

impl Iterations {
    pub(crate) fn count(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Iterations {
    type Error = String;

    fn try_from(count: u32) -> Result<Self, String> {
        if !(1..=10_000).contains(&count) {
            return Err("the number of iterations is 1 to 10000".to_owned());
        }
        Ok(Self(count))
    }
}

/// Rounds of the completion gate: 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
pub(crate) struct GateRounds(#[schemars(range(max = 100))] u32);

impl GateRounds {
    pub(crate) fn count(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for GateRounds {
    type Error = String;

    fn try_from(count: u32) -> Result<Self, String> {
        if count > 100 {
            return Err("the number of gate rounds is 0 to 100".to_owned());
        }
        Ok(Self(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_what_stands_before_the_endpoint() {
        let url = |text: &str| BaseUrl::try_from(text.to_owned()).map(BaseUrl::into_string);
        assert_eq!(url("http://localhost:11434/v1/").unwrap(), "http://localhost:11434/v1");
        assert!(url("https://api.example.org/v1/chat/completions").unwrap_err().contains("/v1\""));
        for bad in ["api.example.org", "https://", "https://u:p@h/v1", "https://h/?a", "http://a b"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_is_written_alone() {
        let host = |text: &str| HostPattern::try_from(text.to_owned());
        for good in [
            "registry.npmjs.org",
            "*.example.org",
            "a.b:80",
            "*.a.b:80",
            "localhost",
            "127.0.0.1",
            "::1",
        ] {
            assert!(host(good).is_ok(), "{good}");
        }
        for bad in [
            "https://a.b",
            "a.b/c",
            "*",
            "*.org",
            "a.*.b",
            "a.b:443",
            "a.b:22",
            "a.b:80:80",
            "",
            "-a.b",
            "a..b",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert_eq!(host("NPM.Org").unwrap().as_str(), "npm.org");
    }

    #[test]
    fn a_bad_key_is_not_quoted() {
        let error = ApiKey::try_from("sk-secret\n".to_owned()).unwrap_err();
        assert!(!error.contains("sk-secret"));
        assert_eq!(format!("{:?}", ApiKey::try_from("sk-1".to_owned()).unwrap()), "ApiKey(****)");
    }

    #[test]
    fn double_stars_only_end_a_pattern() {
        let words = |list: &[&str]| {
            CommandPattern::try_from(list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        };
        assert!(words(&["git", "push", "**"]).is_ok());
        assert!(words(&["**", "push"]).is_err());
        assert!(words(&[]).is_err());
        assert!(words(&["a", ""]).is_err());
    }
}
