//! Token counts as providers report them.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// A number of model tokens.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TokenCount(pub u64);

impl AddAssign for TokenCount {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// What one model turn, or a whole run, cost in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent, cache reads included.
    pub input: TokenCount,
    /// Tokens generated.
    pub output: TokenCount,
    /// Part of `input` that the provider read from its cache.
    #[serde(default)]
    pub cache_read: TokenCount,
    /// Part of `input` that the provider wrote to its cache.
    #[serde(default)]
    pub cache_write: TokenCount,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
    }
}
