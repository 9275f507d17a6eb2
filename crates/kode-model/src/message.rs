//! The conversation as typed fragments, and one request built from it.
//!
//! A message is never assembled from loose strings: who speaks is the type, so
//! text from outside can't slip into the system's or the user's role.

use kode_base::{ModelVisible, Untrusted};
use serde::{Deserialize, Serialize};

/// One message of the conversation, built only from typed fragments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// kode's own safety rules and role text, then project context under its
    /// header. All system messages are sent as one, before everything else.
    System {
        /// The text.
        text: String,
    },
    /// What the user typed.
    User {
        /// The text.
        text: String,
    },
    /// Data handed over in the user's turn (piped input, attached files, gate
    /// findings): wrapped.
    Data {
        /// The wrapped text.
        content: ModelVisible,
    },
    /// What the model answered.
    Assistant {
        /// Its words.
        text: Untrusted<String>,
        /// The tools it asked for.
        calls: Vec<ToolCall>,
        /// [`crate::Reply::opaque`] of that answer, handed back unchanged:
        /// thinking blocks with their signatures and other provider fields
        /// that must be replayed byte for byte.
        #[serde(default)]
        opaque: Vec<String>,
    },
    /// The result of one call.
    Tool {
        /// [`ToolCall::id`] of the call this answers.
        call: String,
        /// The wrapped output.
        content: ModelVisible,
    },
}

/// A tool the model asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique among the calls of the conversation: 1 to 64 of `A-Za-z0-9_-`.
    /// A missing, repeated or odd identifier is replaced on receipt.
    pub id: String,
    /// Tool name, as received.
    pub name: Untrusted<String>,
    /// Exactly as received; may be invalid JSON.
    pub arguments: Untrusted<String>,
}

/// A tool the model may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name, 1 to 64 of `A-Za-z0-9_-`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: serde_json::Value,
}

/// What the model is asked in one turn.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The conversation so far, oldest first.
    pub messages: &'a [Message],
    /// The tools on offer; may be empty.
    pub tools: &'a [ToolSpec],
}
