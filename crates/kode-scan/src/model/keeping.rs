//! Where values wait for somebody else: queues, variables of a thread or a context, the
//! environment, messages to another thread or process. The entries are in `models/*.toml`.

use serde::Deserialize;

/// Objects that hold a value for whoever asks them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreEntry<'t> {
    #[serde(default, borrow)]
    pub(crate) puts: Vec<&'t str>,
    /// The position of what is put; where there are not so many arguments, it is the last.
    #[serde(default)]
    pub(crate) argument: usize,
    #[serde(default, borrow)]
    pub(crate) takes: Vec<&'t str>,
}

/// Stores that a program has one of, whose values have names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyedEntry<'t> {
    pub(crate) store: &'t str,
    #[serde(default, borrow)]
    pub(crate) puts: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(crate) takes: Vec<&'t str>,
    /// The store itself, whose fields are its values.
    #[serde(default, borrow)]
    pub(crate) objects: Vec<&'t str>,
}

/// Messages that functions elsewhere are called with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelEntry<'t> {
    pub(crate) channel: &'t str,
    #[serde(default, borrow)]
    pub(crate) sends: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(crate) receives: Vec<&'t str>,
    /// What is listened to, where that is said.
    #[serde(borrow)]
    pub(crate) event: Option<&'t str>,
    /// The message is this field of what the function is called with.
    #[serde(borrow)]
    pub(crate) field: Option<&'t str>,
}

/// What an API does with values that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Puts the argument at a position, or the last before it, into its object.
    Put(usize),
    /// Takes what was put into its object.
    Take,
    /// Puts its second argument into a store, under its first.
    PutByName(&'static str),
    /// Takes what is in a store under its first argument.
    TakeByName(&'static str),
    /// Is a store whose fields are its values.
    Named(&'static str),
    /// Sends its last argument.
    Send(&'static str),
    /// Calls a function with what was sent: the channel, the event, the field.
    Receive(&'static str, Option<&'static str>, Option<&'static str>),
}
