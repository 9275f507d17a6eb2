//! What holds for any file and any operation.

mod files;
mod operations;
mod properties;
