//! The providers against real sockets.

#![allow(clippy::disallowed_methods, reason = "tests look at what the model said")]

mod ask;
mod openai;
