//! Markdown as rows. What it can't lay out it shows as text; links show where
//! they lead; raw HTML is text.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::lexer::{Lexer, State};
use crate::shown::wrapped;
use crate::theme::Theme;

/// Lays out `text`, which is escaped already.
pub(super) fn rows(text: &str, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut page = Page {
        theme,
        width,
        rows: Vec::new(),
        parts: Vec::new(),
        styles: vec![Style::new()],
        lists: Vec::new(),
        marker: None,
        quotes: 0,
        code: None,
        code_state: State::Code,
        link: None,
    };
    for event in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH) {
        page.event(event);
    }
    page.flush();
    page.rows
}

struct Page {
    theme: Theme,
    width: usize,
    rows: Vec<Line<'static>>,
    /// The block that is being gathered.
    parts: Vec<(String, Style)>,
    styles: Vec<Style>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// What the next block of a list begins with.
    marker: Option<String>,
    quotes: usize,
    /// The open code block's language.
    code: Option<String>,
    /// What goes on at its next line.
    code_state: State,
    link: Option<String>,
}

impl Page {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code.is_some() => self.code_lines(&text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                let style = self.style().patch(self.theme.code());
                self.parts.push((text.into_string(), style));
            }
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Rule => {
                self.flush();
                self.rows.push(Line::styled("─".repeat(self.width.min(40)), self.theme.dim()));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let (theme, style) = (self.theme, self.style());
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.gap();
                let heading = if level == HeadingLevel::H1 { theme.accent() } else { Style::new() };
                self.styles.push(heading.patch(theme.strong()));
            }
            Tag::Paragraph if self.marker.is_none() => {
                self.flush();
                self.gap();
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.gap();
                self.code_state = State::Code;
                self.code = Some(match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                });
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                let depth = self.lists.len().saturating_sub(1);
                let sign = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "• ".to_owned(),
                };
                self.marker = Some(format!("{}{sign}", "  ".repeat(depth)));
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes += 1;
            }
            Tag::Strong => self.styles.push(style.patch(theme.strong())),
            Tag::Emphasis => self.styles.push(style.add_modifier(Modifier::ITALIC)),
            Tag::Strikethrough => self.styles.push(style.add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.into_string());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::CodeBlock => self.code = None,
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => drop(self.styles.pop()),
            TagEnd::Link | TagEnd::Image => {
                if let Some(target) = self.link.take() {
                    self.parts.push((format!(" ({target})"), self.theme.dim()));
                }
            }
            _ => {}
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn text(&mut self, text: &str) {
        let style = self.style();
        self.parts.push((text.to_owned(), style));
    }

    /// One empty row between blocks, none at the top.
    fn gap(&mut self) {
        if self.lists.is_empty() && self.rows.last().is_some_and(|row| row.width() > 0) {
            self.rows.push(Line::default());
        }
    }

    fn flush(&mut self) {
        if self.parts.is_empty() {
            return;
        }
        let mut parts = std::mem::take(&mut self.parts);
        let mut indent = "│ ".repeat(self.quotes);
        let lead = format!("{indent}{}", self.marker.take().unwrap_or_default());
        indent.push_str(&" ".repeat(lead.chars().count() - indent.chars().count()));
        parts.insert(0, (lead, self.theme.dim()));
        self.rows.extend(wrapped(&parts, self.theme, self.width, &indent));
    }

    fn code_lines(&mut self, text: &str) {
        let lexer = Lexer::of(self.code.as_deref().unwrap_or_default());
        for line in text.lines() {
            let mut parts = vec![("  ".to_owned(), Style::new())];
            let mut done = 0;
            let (tokens, next) = lexer.line(line, self.code_state);
            for (range, token) in tokens {
                parts.push((line[done..range.start].to_owned(), Style::new()));
                parts.push((line[range.clone()].to_owned(), self.theme.token(token)));
                done = range.end;
            }
            parts.push((line[done..].to_owned(), Style::new()));
            self.rows.extend(wrapped(&parts, self.theme, self.width, "  "));
            self.code_state = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lists_code_and_links_are_laid_out() {
        let text = "# Title\nSome *text* with `code`.\n\n- one\n- two\n  1. deep\n\n```rust\nlet x = 1;\n```\n[here](https://example.org)";
        let shown: Vec<String> =
            rows(text, Theme::PLAIN, 40).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        Title

        Some text with code.
        • one
        • two
          1. deep

          let x = 1;

        here (https://example.org)
        ");
    }
}
