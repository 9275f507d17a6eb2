//! Terminal control sequences (ECMA-48, xterm): which only decorate, which move
//! things about, and which act on the terminal behind the reader's back.

use super::HiddenKind;
use super::suspicious::{Zone, is_suspicious};

/// A control sequence is not looked for further than this, in bytes.
const SEQUENCE_BYTES_MAX: usize = 8 * 1024;

/// One sequence at the beginning of a text.
pub(super) struct Sequence {
    /// Bytes it takes.
    pub(super) length: usize,
    /// Whether it is shown as text; a colour is just left out.
    pub(super) shown: bool,
    /// What is wrong with it.
    pub(super) kind: Option<HiddenKind>,
}

/// Colours in force, to notice text in the colour of its background.
#[derive(Default)]
pub(super) struct Colours {
    foreground: Option<String>,
    background: Option<String>,
}

/// The sequence that `text` begins with.
pub(super) fn sequence(text: &str, colours: &mut Colours) -> Option<Sequence> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let (introducer, body) = match first {
        '\u{1b}' => (characters.next()?, characters.as_str()),
        '\u{9b}' => ('[', characters.as_str()),
        '\u{9d}' => (']', characters.as_str()),
        '\u{90}' => ('P', characters.as_str()),
        _ => return None,
    };
    let before = text.len() - body.len();
    let eight_bit = first != '\u{1b}';
    match introducer {
        '[' => {
            let length = control_length(body)?;
            let (parameters, last) = body[..length].split_at(length - 1);
            let (shown, wrong) = control(parameters, last, colours);
            let wrong = wrong || eight_bit;
            Some(Sequence { length: before + length, shown: shown || wrong, kind: as_kind(wrong) })
        }
        ']' | 'P' | 'X' | '^' | '_' => {
            let (length, content) = string_length(body)?;
            let wrong =
                eight_bit || introducer != ']' || is_grave_command(content, &body[length..]);
            Some(Sequence { length: before + length, shown: true, kind: as_kind(wrong) })
        }
        '0'..='~' => Some(Sequence { length: before, shown: true, kind: None }),
        ' '..='/' => {
            let end = body.find(|each: char| !(' '..='/').contains(&each))?;
            let last = body[end..].chars().next().filter(|each| ('0'..='~').contains(each))?;
            Some(Sequence { length: before + end + last.len_utf8(), shown: true, kind: None })
        }
        _ => None,
    }
}

fn as_kind(wrong: bool) -> Option<HiddenKind> {
    wrong.then_some(HiddenKind::TerminalSequence)
}

/// Parameters, intermediates and the final byte after `ESC [`.
fn control_length(body: &str) -> Option<usize> {
    let window = &body.as_bytes()[..body.len().min(256)];
    let end = window.iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
    (0x40..=0x7e).contains(&window[end]).then_some(end + 1)
}

/// A string up to BEL or ST: its length with the end, and its content.
fn string_length(body: &str) -> Option<(usize, &str)> {
    let window = &body[..body.floor_char_boundary(SEQUENCE_BYTES_MAX)];
    let end = window.find(['\u{7}', '\u{1b}', '\u{9c}', '\n'])?;
    let content = &window[..end];
    let rest = &window[end..];
    let terminator = if rest.starts_with("\u{1b}\\") {
        2
    } else if rest.starts_with('\u{9c}') {
        '\u{9c}'.len_utf8()
    } else {
        usize::from(rest.starts_with('\u{7}'))
    };
    Some((end + terminator, content))
}

/// Whether a control is shown, and whether it does more than draw.
fn control(parameters: &str, last: &str, colours: &mut Colours) -> (bool, bool) {
    let reports = matches!(last, "c" | "n" | "x") || last == "p" && parameters.contains('$');
    match last {
        "m" if !parameters.starts_with(['<', '=', '>', '?']) => {
            let hides = colours.take(parameters);
            (hides, hides)
        }
        // Bracketed paste markers and function keys: input, never output.
        "~" => (true, true),
        // Title and size reports write into the shell's input.
        "t" => (true, parameters.starts_with("2") || parameters.starts_with("1")),
        // Mouse, paste and alternate-screen modes change what keys mean.
        "h" | "l" if parameters.starts_with('?') => {
            let drawing = ["?25", "?7", "?12", "?1", "?2026", "?2004"];
            (
                true,
                !parameters.split(';').all(|each| {
                    drawing.contains(&each) || drawing.contains(&format!("?{each}").as_str())
                }),
            )
        }
        "p" | "q" | "y" if !parameters.is_empty() && last != "q" => (true, true),
        _ => (true, reports && !(last == "n" && parameters.is_empty())),
    }
}

impl Colours {
    /// Takes an SGR sequence in; whether text after it can't be seen.
    fn take(&mut self, parameters: &str) -> bool {
        let mut hides = false;
        let mut parts = parameters.split([';', ':']).peekable();
        while let Some(part) = parts.next() {
            match part.trim_start_matches('0') {
                "" => *self = Self::default(),
                "8" => hides = true,
                "39" => self.foreground = None,
                "49" => self.background = None,
                "38" => self.foreground = extended(&mut parts),
                "48" => self.background = extended(&mut parts),
                other => match other.parse::<u32>() {
                    Ok(code @ (30..=37 | 90..=97)) => self.foreground = Some(basic(code)),
                    Ok(code @ (40..=47 | 100..=107)) => self.background = Some(basic(code - 10)),
                    _ => {}
                },
            }
        }
        hides || self.foreground.is_some() && self.foreground == self.background
    }
}

/// The palette index of a basic colour.
fn basic(code: u32) -> String {
    let index = if code >= 90 { code - 90 + 8 } else { code - 30 };
    format!("5;{index}")
}

fn extended<'p>(parts: &mut std::iter::Peekable<impl Iterator<Item = &'p str>>) -> Option<String> {
    match parts.next()? {
        "5" => Some(format!("5;{}", parts.next()?)),
        "2" => {
            let (red, green, blue) = (parts.next()?, parts.next()?, parts.next()?);
            Some(format!("2;{red};{green};{blue}"))
        }
        _ => None,
    }
}

/// Whether an operating system command does more than name a window or link
/// to the place it shows.
fn is_grave_command(content: &str, after: &str) -> bool {
    let (number, value) = content.split_once(';').unwrap_or((content, ""));
    match number {
        "0" | "1" | "2" | "7" | "9" | "133" | "633" => {
            value.chars().count() > 200 || is_suspicious(value, Zone::Hidden)
        }
        "8" => {
            let target = value.split_once(';').map_or("", |(_, target)| target);
            let label = after.split('\u{1b}').next().unwrap_or_default();
            !target.is_empty() && is_misleading_link(target, label)
        }
        _ => true,
    }
}

/// Whether a link shows one host and leads to another, or leads to no web page.
pub(super) fn is_misleading_link(target: &str, label: &str) -> bool {
    let web = target.starts_with("https://") || target.starts_with("http://");
    let harmless = web || target.starts_with("file://") || target.starts_with("mailto:");
    if !harmless || is_suspicious(label, Zone::Hidden) {
        return true;
    }
    let host_of = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
        host.trim_start_matches("www.").to_ascii_lowercase()
    };
    let label = label.trim();
    let shows_host = label.contains("://")
        || label.starts_with("www.")
        || label.contains('/') && label.split('/').next().is_some_and(|it| it.contains('.'));
    web && shows_host && host_of(label) != host_of(target)
}
