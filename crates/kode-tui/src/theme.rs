//! Colours and emphasis in one place. The terminal's own sixteen colours, so
//! that light and dark ones keep theirs; tinted lines only where the background
//! is known. Without colour everything is still told apart by signs and emphasis.

use ratatui::style::{Color, Modifier, Style};

use crate::lexer::Token;

/// What is known of the terminal's background.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Background {
    /// Nothing: no colour may depend on it.
    #[default]
    Unknown,
    /// Dark, and the terminal has 256 colours.
    Dark,
    /// Light, and the terminal has 256 colours.
    Light,
}

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Whether colours may be used (`NO_COLOR` is not set).
    pub colour: bool,
    /// The background, for tints.
    pub background: Background,
}

impl Theme {
    /// Without any colour.
    pub const PLAIN: Self = Self { colour: false, background: Background::Unknown };

    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Tints of the 256-colour cube, each close to the background.
    fn tint(self, dark: u8, light: u8) -> Style {
        match self.background {
            Background::Dark if self.colour => Style::new().bg(Color::Indexed(dark)),
            Background::Light if self.colour => Style::new().bg(Color::Indexed(light)),
            _ => Style::new(),
        }
    }

    pub(crate) fn added(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(crate) fn removed(self) -> Style {
        self.coloured(Color::Red)
    }

    /// Behind an added line.
    pub(crate) fn added_line(self) -> Style {
        self.tint(22, 194)
    }

    /// Behind a removed line.
    pub(crate) fn removed_line(self) -> Style {
        self.tint(52, 224)
    }

    /// The sign before a changed line.
    pub(crate) fn sign(self, style: Style) -> Style {
        if self.colour { style.add_modifier(Modifier::BOLD | Modifier::REVERSED) } else { style }
    }

    pub(crate) fn warning(self) -> Style {
        match self.background {
            // Yellow on white can't be read.
            Background::Light => self.coloured(Color::Indexed(130)),
            _ => self.coloured(Color::Yellow),
        }
    }

    pub(crate) fn accent(self) -> Style {
        self.coloured(Color::Cyan)
    }

    pub(crate) fn token(self, token: Token) -> Style {
        match token {
            Token::Keyword => self.coloured(Color::Magenta),
            Token::Literal => self.coloured(Color::Green),
            Token::Number => self.coloured(Color::Cyan),
            Token::Comment => self.dim(),
        }
    }

    /// Code within prose.
    pub(crate) fn code(self) -> Style {
        self.coloured(Color::Cyan)
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
