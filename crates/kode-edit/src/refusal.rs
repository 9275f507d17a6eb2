//! Why an edit was not made.

/// Why an edit was not made: a sentence the model can act on. It may quote the
/// file, with control and bidi characters already escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EditRefusal(pub String);

impl EditRefusal {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Refuses with a formatted sentence.
macro_rules! refuse {
    ($($arguments:tt)*) => {
        Err($crate::refusal::EditRefusal::new(format!($($arguments)*)))
    };
}
pub(crate) use refuse;
