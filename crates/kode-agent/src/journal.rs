//! What the session's journal holds of a run: enough to go on after a crash.

use kode_base::{ProjectPath, Untrusted};
use kode_gate::Label;
use kode_model::Message;
use serde::{Deserialize, Serialize};

use crate::git::GitBase;

/// One durable step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(crate) enum JournalEntry {
    /// What git held before the task.
    GitBase {
        /// References and HEAD.
        base: GitBase,
    },
    /// A message joined the conversation. An assistant's message is durable
    /// before any of its calls has an effect.
    Message {
        /// The message, redacted and wrapped where it is data.
        message: Message,
    },
    /// A call with an effect is about to run; without a following tool message
    /// of the same call it is unknown whether it did. Of a command this is written before
    /// the gate is asked, and may be lost in a power cut: that it began stands in the
    /// session's record of changes.
    CallStarted {
        /// The model's call identifier.
        call: String,
        /// The tool.
        tool: Untrusted<String>,
    },
    /// The conversation was shortened: from here on it is these messages.
    Compacted {
        /// The whole conversation after shortening.
        messages: Vec<Message>,
    },
    /// The context's label rose: from here on it is at least this. Durable
    /// before the text that raised it is part of the conversation.
    Label {
        /// The joined label.
        label: Label,
    },
    /// A person accepted a file's bytes though the scan could not read them.
    Accepted {
        /// The file.
        path: ProjectPath,
        /// SHA-256 of its bytes, in hexadecimal.
        digest: String,
    },
    /// The completion gate ran.
    Gate {
        /// Counts from 1.
        round: u32,
        /// Whether it was green.
        green: bool,
    },
}
