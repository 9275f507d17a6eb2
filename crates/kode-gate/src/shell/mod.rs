//! The shell's grammar: text in, syntax tree out.

pub(crate) mod escapes;
pub(crate) mod parser;
pub(crate) mod syntax;
#[cfg(test)]
mod tests;
mod words;
