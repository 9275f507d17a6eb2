//! Credentials. They are wiped when dropped, masked when shown and can't be
//! serialised or cloned, so they reach a request header and nothing else.

use std::fmt;

use zeroize::Zeroizing;

/// A credential: an API key, a token, a password.
///
/// ```compile_fail
/// # use kode_base::Secret;
/// let key = Secret::new("k".into());
/// let copy = key.clone(); // not Clone
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of `value`; the memory is wiped when the secret drops.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The bytes themselves, for the one header or comparison that needs them.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_masked() {
        let secret = Secret::new("sk-live-1".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(****)");
    }
}
