//! Which protocol to speak when nobody said: told from the base URL and the
//! model's name, with the reason, so that `kode doctor` can show it.

use crate::ProviderKind;

/// A guess and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The protocol.
    pub kind: ProviderKind,
    /// One clause, such as `the base URL is Anthropic's`.
    pub reason: &'static str,
}

/// Tells the protocol. The base URL weighs more than the model's name, since
/// gateways serve Claude over Chat Completions.
pub fn guess_provider(base_url: Option<&str>, model: &str) -> Guess {
    let guess = |kind, reason| Guess { kind, reason };
    if let Some(url) = base_url {
        let url = url.trim().trim_end_matches('/').to_ascii_lowercase();
        let parsed = reqwest::Url::parse(&url).ok();
        let host = parsed.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
        if host == "anthropic.com" || host.ends_with(".anthropic.com") {
            return guess(ProviderKind::Anthropic, "the base URL is Anthropic's");
        }
        if url.ends_with("/anthropic") || url.ends_with("/v1/messages") {
            return guess(ProviderKind::Anthropic, "the base URL's path names Anthropic Messages");
        }
        return guess(
            ProviderKind::OpenAi,
            "a base URL that is not Anthropic's speaks Chat Completions unless --provider says otherwise",
        );
    }
    if model.to_ascii_lowercase().starts_with("claude") {
        return guess(ProviderKind::Anthropic, "the model's name begins with `claude`");
    }
    guess(ProviderKind::OpenAi, "neither base URL nor model name Anthropic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_weighs_more_than_the_model() {
        for (url, model, kind) in [
            (None, "claude-sonnet-4-5", ProviderKind::Anthropic),
            (None, "gpt-5", ProviderKind::OpenAi),
            (Some("https://api.anthropic.com"), "x", ProviderKind::Anthropic),
            (Some("https://api.anthropic.com.evil.example/v1"), "x", ProviderKind::OpenAi),
            (Some("https://openrouter.ai/api/v1"), "claude-sonnet-4-5", ProviderKind::OpenAi),
            (Some("https://api.deepseek.com/anthropic/"), "deepseek-chat", ProviderKind::Anthropic),
            (Some("http://127.0.0.1:11434/v1"), "qwen3", ProviderKind::OpenAi),
        ] {
            assert_eq!(guess_provider(url, model).kind, kind, "{url:?} {model}");
        }
    }
}
