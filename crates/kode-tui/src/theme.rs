//! Colours and emphasis in one place. Sixteen colours only, so that light and
//! dark terminals keep their own; without colour everything is still told apart
//! by signs and emphasis.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Whether colours may be used (`NO_COLOR` is not set).
    pub colour: bool,
}

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub(crate) fn added(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(crate) fn removed(self) -> Style {
        self.coloured(Color::Red)
    }

    pub(crate) fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    pub(crate) fn accent(self) -> Style {
        self.coloured(Color::Cyan)
    }

    pub(crate) fn keyword(self) -> Style {
        self.coloured(Color::Magenta)
    }

    pub(crate) fn literal(self) -> Style {
        self.coloured(Color::Yellow)
    }

    pub(crate) fn alarm(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The changed words within a changed line.
    pub(crate) fn changed_word(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    pub(crate) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A character that is shown as an escape, so that nobody takes it for
    /// those very letters.
    pub(crate) fn escaped(self) -> Style {
        self.coloured(Color::Magenta).add_modifier(Modifier::REVERSED)
    }
}
