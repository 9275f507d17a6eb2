//! What holds for any file and any operation.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod files;
mod operations;
mod properties;
