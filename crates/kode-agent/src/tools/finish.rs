//! `finish`: the model says it is done, or blocked.

use serde::{Deserialize, Deserializer};

/// Arguments of `finish`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    pub(crate) summary: String,
    /// What was needed and denied; `true` counts as "yes, without saying what".
    #[serde(default, deserialize_with = "blocked")]
    pub(crate) blocked: Option<String>,
}

fn blocked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Blocked {
        Flag(bool),
        Text(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None | Some(Blocked::Flag(false)) => None,
        Some(Blocked::Flag(true)) => Some("the model did not say what".to_owned()),
        Some(Blocked::Text(text)) => Some(text).filter(|text| !text.trim().is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_may_be_a_flag_a_text_or_absent() {
        let blocked = |json: &str| serde_json::from_str::<Finish>(json).unwrap().blocked;
        assert_eq!(blocked(r#"{"summary":"s"}"#), None);
        assert_eq!(blocked(r#"{"summary":"s","blocked":false}"#), None);
        assert_eq!(blocked(r#"{"summary":"s","blocked":""}"#), None);
        assert!(blocked(r#"{"summary":"s","blocked":true}"#).is_some());
        assert_eq!(blocked(r#"{"summary":"s","blocked":"net"}"#), Some("net".to_owned()));
    }
}
