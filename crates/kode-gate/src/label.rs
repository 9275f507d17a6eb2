//! What the model's context is made of: how far its words can be trusted, and
//! how far they may travel. Labels only ever join; nothing lowers one.

use serde::{Deserialize, Serialize};

use crate::SessionState;

/// Whose words, from the most to the least trusted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// The user's own typing.
    #[default]
    UserTyped,
    /// What the user trusted: configuration bound by `kode trust`, a list of
    /// their own.
    UserTrusted,
    /// Everybody else's: project text, output, web, MCP, git history, pasted
    /// text, `@file`, standard input.
    Untrusted,
}

/// How far words may travel.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// Anywhere.
    #[default]
    Public,
    /// The project's own text.
    Project,
    /// A program opened a credential: what it wrote or printed may hold it in a
    /// form nobody recognises.
    Exposed,
    /// Credentials and what was read beside them.
    Secret,
}

/// Integrity and confidentiality of a text, or of everything in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Label {
    /// Whose words.
    pub integrity: Integrity,
    /// How far they may travel.
    pub confidentiality: Confidentiality,
}

impl Label {
    /// What the user typed.
    pub const TYPED: Self =
        Self { integrity: Integrity::UserTyped, confidentiality: Confidentiality::Public };
    /// What anything in the project or from outside says.
    pub const DATA: Self =
        Self { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Project };
    /// What a program wrote or printed that had opened a credential.
    pub const EXPOSED: Self =
        Self { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Exposed };
    /// What was read from a credential.
    pub const SECRET: Self =
        Self { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Secret };

    /// The label of both together: the less trusted, the more secret.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            integrity: self.integrity.max(other.integrity),
            confidentiality: self.confidentiality.max(other.confidentiality),
        }
    }

    /// Whether text nobody vouched for is in it.
    pub fn is_untrusted(self) -> bool {
        self.integrity == Integrity::Untrusted
    }

    /// Whether text that may hold a credential in an unknown form is in it.
    pub fn is_exposed(self) -> bool {
        self.confidentiality >= Confidentiality::Exposed
    }

    /// Whether secret text is in it.
    pub fn is_secret(self) -> bool {
        self.confidentiality == Confidentiality::Secret
    }
}

impl SessionState {
    /// The label of everything in the model's context.
    pub fn label(&self) -> Label {
        let untrusted = if self.untrusted_in_context { Label::DATA } else { Label::TYPED };
        let secret = match (self.secret_in_context, self.credential_opened) {
            (true, _) => Label::SECRET,
            (false, true) => Label::EXPOSED,
            (false, false) => Label::TYPED,
        };
        untrusted.join(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Label; 4] = [Label::TYPED, Label::DATA, Label::EXPOSED, Label::SECRET];

    #[test]
    fn joining_never_lowers_a_label() {
        for one in ALL {
            for other in ALL {
                let both = one.join(other);
                assert_eq!(both, other.join(one));
                assert!(both.integrity >= one.integrity);
                assert!(both.confidentiality >= one.confidentiality);
            }
        }
    }

    #[test]
    fn a_label_reads_back() {
        let text = serde_json::to_string(&Label::SECRET).unwrap();
        assert_eq!(serde_json::from_str::<Label>(&text).unwrap(), Label::SECRET);
    }
}
