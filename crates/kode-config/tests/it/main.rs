//! What is published about configuration is true: the schema file, the
//! documented keys, the example.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

mod documentation;
