//! The providers against real sockets.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests look at what the model said and fail by panicking"
)]

mod anthropic;
mod ask;
mod llmock;
mod local_model;
mod openai;
mod servers;
