//! Keeps the conversation within the model's window.

use kode_base::Event;
use kode_model::{Message, estimate_tokens};

use super::{Agent, BeginError};
use crate::context::compaction::{KnownState, compact};
use crate::journal::JournalEntry;

/// Fuller than this the conversation is shortened, in percent of the window.
const FULL_PERCENT: u64 = 75;
/// To this, in percent of the window.
const SHORTENED_PERCENT: u64 = 45;

impl Agent<'_> {
    /// Asks the provider for the window, once; tells what it warns of.
    pub(super) fn learn_window(&mut self) {
        match self.provider.facts(&self.workspace.interrupt) {
            Ok(facts) => {
                self.window = facts.context_window.map(|tokens| tokens.0);
                for text in facts.warnings {
                    self.notice(text);
                }
            }
            // The first request says what is wrong, with its remedy.
            Err(_) => self.window = None,
        }
    }

    /// Shortens the conversation when it is about to fill the window.
    pub(super) fn make_room(&mut self) -> Result<(), BeginError> {
        match self.window {
            Some(window) if estimate_tokens(&self.messages) * 100 > window * FULL_PERCENT => {
                self.shorten(window)
            }
            _ => Ok(()),
        }
    }

    /// The provider said that the conversation does not fit. Returns whether
    /// shortening it made a difference.
    pub(super) fn make_room_after_overflow(&mut self) -> Result<bool, BeginError> {
        let before = estimate_tokens(&self.messages);
        self.shorten(self.window.unwrap_or(before).min(before))?;
        Ok(estimate_tokens(&self.messages) * 10 < before * 9)
    }

    /// Shortens the saved conversation at once, without a turn; a person asked for
    /// it.
    ///
    /// # Errors
    /// A sentence when there is nothing to shorten or the session can't be written.
    pub fn compact(mut self) -> Result<(), String> {
        self.session
            .ensure_base(&self.workspace.root, &self.workspace.files)
            .map_err(|error| error.to_string())?;
        if !self.reload().map_err(|error| error.to_string())? || !has_history(&self.messages) {
            return Err("there is no conversation to shorten yet".to_owned());
        }
        let tokens = estimate_tokens(&self.messages);
        self.shorten(tokens).map_err(|error| error.to_string())
    }

    fn shorten(&mut self, window: u64) -> Result<(), BeginError> {
        let state = KnownState {
            files: self.touched_lines()?,
            open_findings: self.progress.open_findings.clone(),
        };
        let before = self.messages.len();
        let tokens_max = window * SHORTENED_PERCENT / 100;
        let messages = compact(&self.messages, tokens_max, &state, &self.redactor)?;
        self.session.append(&JournalEntry::Compacted { messages: messages.clone() })?;
        self.messages = messages;
        self.emit(&Event::Notice {
            text: format!(
                "the conversation was shortened to fit {tokens_max} tokens ({before} messages \
                 became {})",
                self.messages.len()
            ),
        });
        Ok(())
    }

    fn touched_lines(&mut self) -> Result<Vec<String>, BeginError> {
        let comparison = self.session.compare(&self.workspace.files)?;
        let line = |file: &kode_base::TouchedFile| {
            format!("{} +{} -{}", file.path, file.added, file.removed)
        };
        Ok(comparison.files.iter().map(line).collect())
    }
}

/// Whether a conversation holds anything that could be shortened.
pub(super) fn has_history(messages: &[Message]) -> bool {
    messages.iter().any(|message| matches!(message, Message::Assistant { .. }))
}
