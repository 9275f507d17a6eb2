//! Where requests go and which key goes with them.
//!
//! A key never leaves over plain HTTP except to this machine; a URL that
//! carries credentials, a query or a fragment is refused.

use std::net::IpAddr;

use kode_base::Secret;
use kode_base::escape::escape_line;
use reqwest::Url;

use crate::ProviderErrorKind::{Authentication, Configuration};
use crate::{ProviderError, ProviderKind};

/// Where keys are looked for, for messages.
pub(crate) const KEY_HINT: &str =
    "set KODE_API_KEY, or OPENAI_API_KEY or ANTHROPIC_API_KEY for that provider";

/// Hosts that answer nobody without a key.
const HOSTS_THAT_NEED_A_KEY: &[&str] = &["api.openai.com", "api.anthropic.com"];

/// A checked base URL.
#[derive(Debug, Clone)]
pub(crate) struct BaseUrl {
    url: Url,
}

impl BaseUrl {
    /// Parses what stands before `/chat/completions` or `/v1/messages`; those
    /// endings themselves are tolerated.
    pub(crate) fn parse(text: &str, kind: &ProviderKind) -> Result<Self, ProviderError> {
        let shown = escape_line(text);
        let refuse = |why: &str| {
            ProviderError::new(Configuration, format!("the base URL `{shown}` {why}")).with_hint(
                "use a URL such as http://127.0.0.1:11434/v1 or https://api.openai.com/v1",
            )
        };
        let endings: &[&str] = match kind {
            ProviderKind::Anthropic => &["/messages", "/v1"],
            _ => &["/chat/completions"],
        };
        let mut trimmed = text.trim().trim_end_matches('/');
        for ending in endings {
            trimmed = trimmed.strip_suffix(ending).unwrap_or(trimmed).trim_end_matches('/');
        }
        let url =
            Url::parse(trimmed).map_err(|error| refuse(&format!("can't be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let message = "the base URL must not carry a user name or password";
            return Err(ProviderError::new(Configuration, message).with_hint(KEY_HINT));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("must not have a query or fragment"));
        }
        Ok(Self { url })
    }

    /// The URL with `path` (such as `/chat/completions`) appended.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether TLS protects the connection.
    pub(crate) fn encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the server is this machine: a loopback address or the name
    /// `localhost`, which the transport never looks up in DNS.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The URL of `path` on this server, outside the API's own path.
    pub(crate) fn host_path(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Whether this is a provider's own service, whose facts are known.
    pub(crate) fn is_hosted(&self) -> bool {
        HOSTS_THAT_NEED_A_KEY.iter().any(|host| self.is_host(host))
    }

    /// Whether the server is called `host`.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        self.url.host_str() == Some(host)
    }

    /// Checks `key` against this server; `Ok(None)` means none is needed.
    pub(crate) fn admit_key<'k>(
        &self,
        key: Option<&'k Secret>,
    ) -> Result<Option<&'k str>, ProviderError> {
        let host = self.url.host_str().unwrap_or_default();
        let key = key.map(Secret::reveal).filter(|key| !key.is_empty());
        let Some(key) = key else {
            if HOSTS_THAT_NEED_A_KEY.contains(&host) {
                let message = format!("{host} needs an API key and none is set");
                return Err(ProviderError::new(Authentication, message).with_hint(KEY_HINT));
            }
            return Ok(None);
        };
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "the API key contains a space, line break or non-ASCII character";
            return Err(ProviderError::new(Configuration, message)
                .with_hint("copy it again without anything around it"));
        }
        if !self.encrypted() && !self.is_loopback() {
            let message =
                format!("an API key is never sent over plain http to {}", escape_line(host));
            return Err(ProviderError::new(Configuration, message)
                .with_hint("use https, or unset the key if that server needs none"));
        }
        Ok(Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> BaseUrl {
        BaseUrl::parse(url, &ProviderKind::OpenAi).unwrap()
    }

    fn secret(key: &str) -> Secret {
        Secret::new(key.to_owned())
    }

    #[test]
    fn endings_that_belong_to_the_request_are_tolerated() {
        for url in ["http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"] {
            let joined = base(url).join("/chat/completions");
            assert_eq!(joined.as_str(), "http://h:1/v1/chat/completions");
        }
        for url in ["https://a.example", "https://a.example/v1/", "https://a.example/v1/messages"] {
            let base = BaseUrl::parse(url, &ProviderKind::Anthropic).unwrap();
            assert_eq!(base.join("/v1/messages").as_str(), "https://a.example/v1/messages");
        }
    }

    #[test]
    fn unusable_urls_are_refused() {
        for url in ["", "api.openai.com", "ftp://x/", "http://u:p@h/v1", "https://h/v1?k=1"] {
            let error = BaseUrl::parse(url, &ProviderKind::OpenAi).unwrap_err();
            assert_eq!(error.kind, Configuration, "{url}");
            assert!(!error.message.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn a_key_goes_over_plain_http_to_this_machine_only() {
        let key = secret("sk-1");
        for url in
            ["http://localhost:1/v1", "http://127.8.0.1/v1", "http://[::1]:1/v1", "https://h/v1"]
        {
            assert_eq!(base(url).admit_key(Some(&key)).unwrap(), Some("sk-1"), "{url}");
        }
        for url in ["http://h/v1", "http://localhost.example/v1", "http://10.0.0.1/v1"] {
            let error = base(url).admit_key(Some(&key)).unwrap_err();
            assert_eq!(error.kind, Configuration, "{url}");
        }
    }

    #[test]
    fn a_missing_key_names_the_variables() {
        let error = base("https://api.openai.com/v1").admit_key(None).unwrap_err();
        assert_eq!(error.kind, Authentication);
        for name in ["KODE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"] {
            assert!(error.to_string().contains(name));
        }
        assert_eq!(base("http://10.0.0.1/v1").admit_key(None).unwrap(), None);
    }

    #[test]
    fn a_key_with_a_line_break_is_refused_and_not_shown() {
        let error = base("https://h/v1").admit_key(Some(&secret("sk-1\n"))).unwrap_err();
        assert!(!error.to_string().contains("sk-1"));
    }
}
