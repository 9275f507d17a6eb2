//! What the terminal may be sent beside text. Decided once, from values the
//! caller read: this crate does not look at the environment.

/// What the terminal may be sent beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// Colours and bold.
    pub colour: bool,
    /// Control sequences at all, such as switching bracketed paste on.
    pub control_sequences: bool,
}

impl Appearance {
    /// Text alone.
    pub const PLAIN: Self = Self { colour: false, control_sequences: false };

    /// From the values of `NO_COLOR` (no colour when it is set and not empty,
    /// see no-color.org) and `TERM` (text alone when it is `dumb` or missing).
    pub fn from_environment(no_color: Option<&str>, term: Option<&str>) -> Self {
        let control_sequences = term.is_some_and(|term| !term.is_empty() && term != "dumb");
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self { colour: control_sequences && !refused, control_sequences }
    }

    /// `text` in bold red, where colour is wanted.
    pub(crate) fn alarm(self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1;31m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// `text` in bold, where colour is wanted.
    pub(crate) fn strong(self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_respected() {
        let appearance = Appearance::from_environment;
        assert!(appearance(None, Some("xterm")).colour);
        assert!(appearance(Some(""), Some("xterm")).colour);
        assert!(!appearance(Some("1"), Some("xterm")).colour);
        assert!(appearance(Some("1"), Some("xterm")).control_sequences);
        assert_eq!(appearance(None, Some("dumb")), Appearance::PLAIN);
        assert_eq!(appearance(None, None), Appearance::PLAIN);
    }
}
