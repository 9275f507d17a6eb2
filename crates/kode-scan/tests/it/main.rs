//! The scan as its callers see it.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

mod assembled;
mod blocks;
mod broken;
mod change;
mod fixtures;
mod warning;
