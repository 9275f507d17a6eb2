//! Showing a run: JSON events for scripts, a plain transcript for people.

mod human;
mod json;
mod style;

pub(crate) use human::{Human, renamed_line, touched_line};
pub(crate) use json::Json;
pub(crate) use style::Style;
