//! Markup that is not shown but read by a model: comments, invisible elements,
//! attributes, image texts; and images whose address carries something out.
//! Reported only where it speaks to an agent.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::shown_code::is_shown_as_code;
use super::suspicious::{Zone, is_suspicious};
use super::{Found, HiddenKind};

/// Bytes of one invisible part that are looked at.
const PART_BYTES_MAX: usize = 4096;
/// Bytes of invisible parts, which may hold one another, looked at for each byte
/// of a text. Real documents need fewer than two.
const WORK_PER_BYTE: usize = 16;
/// Bytes that looking at a part costs however short it is.
const PART_BYTES_MIN: usize = 16;
/// Bytes searched for the elements that style sheets hide.
const SEARCHED_BYTES_MAX: usize = 512 << 20;

/// What begins something invisible. The first group hides by style.
const STYLES: [&str; 26] = [
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "opacity:0",
    "opacity: 0",
    "font-size:0",
    "font-size: 0",
    "font-size:1px",
    "font-size: 1px",
    "color:white",
    "color: white",
    "color:#fff",
    "color: #fff",
    "color:transparent",
    "color: transparent",
    "left:-",
    "left: -",
    "text-indent:-",
    "text-indent: -",
    "height:0",
    "height: 0",
    "clip:rect",
    "clip-path",
    "scale(0",
    "mso-hide",
];
const OTHERS: [&str; 26] = [
    "<!--",
    "alt=",
    "title=",
    "aria-",
    "data-",
    "content=",
    "placeholder=",
    "![",
    "[//]:",
    "[comment]:",
    "[#]:",
    " hidden",
    "sr-only",
    "visually-hidden",
    "<template",
    "<noscript",
    "<title",
    "<desc",
    "<metadata",
    "<script",
    "<details",
    "{/*",
    "{#",
    "{{!",
    "[](",
    "longdesc=",
];

/// What begins something invisible, in the order of [`Parts::take`]'s numbers.
pub(super) fn triggers() -> impl Iterator<Item = &'static str> {
    STYLES.into_iter().chain(OTHERS)
}

/// A place to fill in, in an image's address.
static FILLED_IN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let text = r"[?&=/#][^)\s]{0,80}?(\{[^}]*\}|\$\(|\$\{?\w|%7[bB]|<[^>]+>|\[[^\]]+\]|\b(KEYS?|SECRETS?|DATA|API_?KEYS?|TOKENS?|CONTENTS?|PROMPT|ENV|BASE64\w*|PASSWORDS?|CREDENTIALS?|SUMMARY|HISTORY|CONVERSATION|CHAT)\b)";
    Regex::new(text).ok()
});

/// The invisible parts of a text as their triggers come along.
pub(super) struct Parts<'t> {
    text: &'t str,
    /// Found when they are first asked for.
    sheets: OnceCell<Vec<Range<usize>>>,
    searches_left: usize,
    work_left: usize,
    /// There was more than can be looked at in time: no ordinary document.
    gave_up: bool,
}

impl<'t> Parts<'t> {
    /// No part yet.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            sheets: OnceCell::new(),
            searches_left: SEARCHED_BYTES_MAX / text.len().max(1),
            work_left: text.len().saturating_mul(WORK_PER_BYTE),
            gave_up: false,
        }
    }

    /// Takes the hit of a trigger by its number.
    pub(super) fn take(&mut self, trigger: usize, at: Range<usize>, found: &mut Found<'_>) {
        if self.gave_up {
            return;
        }
        let Some(part) = self.part(trigger, at.clone()) else { return };
        if self.text[at.start..].starts_with("![") && carries_out(part) {
            // An address to be filled in sends what it is filled with.
            found.add(HiddenKind::HiddenMarkup, at.start, part);
            return;
        }
        let part = &part[..part.floor_char_boundary(PART_BYTES_MAX)];
        if !self.has_time_for(part.len().max(PART_BYTES_MIN)) {
            return;
        }
        let has_references = part.contains('&');
        let speaks = is_suspicious(part, Zone::Hidden)
            || has_references && is_suspicious(&unescaped(part), Zone::Hidden);
        // Where there is no time to look, it counts as hidden.
        let shown = || {
            let start = part.as_ptr() as usize - self.text.as_ptr() as usize;
            is_shown_as_code(self.text, start..start + part.len())
        };
        if speaks && !(self.has_time_for(self.text.len() / 8) && shown()) {
            found.add(HiddenKind::HiddenMarkup, at.start, part);
        }
    }

    /// The part that a trigger begins.
    fn part(&mut self, trigger: usize, at: Range<usize>) -> Option<&'t str> {
        let text = self.text;
        if let Some(trigger) = trigger.checked_sub(STYLES.len()) {
            return other(text, at.start, at.end, OTHERS.get(trigger)?);
        }
        let sheets = self.sheets.get_or_init(|| style_sheets(text));
        if !sheets.iter().any(|sheet| sheet.contains(&at.start)) {
            return styled(text, at.start);
        }
        match self.searches_left.checked_sub(1) {
            Some(left) => self.searches_left = left,
            None => self.gave_up = true,
        }
        if self.gave_up { None } else { hidden_by_class(text, at.start) }
    }

    fn has_time_for(&mut self, bytes: usize) -> bool {
        match self.work_left.checked_sub(bytes) {
            Some(left) => self.work_left = left,
            None => self.gave_up = true,
        }
        !self.gave_up
    }

    /// Tells when not all could be looked at.
    pub(super) fn finish(self, found: &mut Found<'_>) {
        if self.gave_up {
            let what = "more invisible markup than can be looked at";
            found.add(HiddenKind::HiddenMarkup, 0, what);
        }
    }
}

/// The part that begins at a trigger.
fn other<'t>(text: &'t str, at: usize, end: usize, trigger: &str) -> Option<&'t str> {
    let rest = &text[end..];
    match trigger {
        "<!--" => Some(rest.split("-->").next().unwrap_or(rest)),
        "{/*" => Some(rest.split("*/}").next().unwrap_or(rest)),
        "{#" => rest.split_once("#}").map(|(inside, _)| inside),
        "{{!" => rest.split_once("}}").map(|(inside, _)| inside),
        "[//]:" | "[comment]:" | "[#]:" => rest.lines().next(),
        "![" => image(rest),
        "[](" => rest.split(')').next(),
        "<template" | "<noscript" | "<title" | "<desc" | "<metadata" | "<details" => {
            element(text, at, &trigger[1..])
        }
        "<script" => {
            // Only a script that is data, not one that runs.
            let tag = rest.split('>').next()?;
            (tag.contains("text/plain") || tag.contains("text/template"))
                .then(|| element(text, at, "script"))?
        }
        " hidden" | "sr-only" | "visually-hidden" => {
            styled(text, at).filter(|_| !rest.starts_with(|each: char| each.is_alphanumeric()))
        }
        "aria-" | "data-" => {
            let value = rest
                .split_once('=')
                .filter(|(name, _)| name.len() < 40 && !name.contains([' ', '\n', '>']))?;
            in_tag(text, at).then(|| quoted(value.1))?
        }
        _ => in_tag(text, at).then(|| quoted(rest))?,
    }
}

/// A Markdown image's text and title; its address when something is to be
/// filled in there.
fn image(rest: &str) -> Option<&str> {
    let rest = &rest[..rest.floor_char_boundary(PART_BYTES_MAX)];
    let (alt, after) = rest.split_once("](")?;
    if alt.contains("\n\n") {
        return None;
    }
    let end = after.find([')', '\n']).unwrap_or(after.len());
    Some(&rest[..alt.len() + 2 + end])
}

/// Whether an image's address has a place to fill in.
fn carries_out(image: &str) -> bool {
    let address = image.split_once("](").map_or("", |(_, address)| address);
    let remote = address.starts_with("http") || address.starts_with("//");
    remote && FILLED_IN.as_ref().is_some_and(|regex| regex.is_match(address))
}

/// The content of the element whose own style hides it.
fn styled(text: &str, at: usize) -> Option<&str> {
    if !in_tag(text, at) {
        return None;
    }
    let tag_start = text[..at].rfind('<')?;
    let name: &str =
        text[tag_start + 1..].split(|each: char| !each.is_ascii_alphanumeric()).next()?;
    element(text, tag_start, name)
}

/// The content of the first element with the class or identifier whose rule
/// hides it.
fn hidden_by_class(text: &str, at: usize) -> Option<&str> {
    let rule = text[..at].rfind('{')?;
    let selector = text[..rule].rsplit(['}', '>', ',']).next()?.trim();
    let name = selector.trim_start_matches(['.', '#']).trim();
    if name.is_empty() || name.len() == selector.len() || name.len() > 60 {
        return None;
    }
    let sheet_end = at + text[at..].find("</style")?;
    let rest = &text[sheet_end..];
    ["\"", "'", " "].iter().find_map(|mark| {
        let named = [format!("=\"{name}{mark}"), format!("='{name}{mark}"), format!(" {name}\"")];
        let place = named.iter().find_map(|each| rest.find(each.as_str()))?;
        let content = rest[place..].split_once('>')?.1;
        Some(content.split("</").next().unwrap_or(content))
    })
}

/// The texts of the style sheets; one without an end goes to the end.
fn style_sheets(text: &str) -> Vec<Range<usize>> {
    let ends = |start: usize| text[start..].find("</style").map_or(text.len(), |end| start + end);
    let mut sheets: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices("<style") {
        if sheets.last().is_none_or(|sheet| sheet.end <= start) {
            sheets.push(start..ends(start));
        }
    }
    sheets
}

/// Whether byte `at` stands inside a tag, between `<` and `>`.
fn in_tag(text: &str, at: usize) -> bool {
    let from = text.floor_char_boundary(at.saturating_sub(1024));
    let before = &text[from..at];
    before.rfind('<').is_some_and(|open| {
        let named = before[open + 1..].starts_with(|each: char| each.is_ascii_alphabetic());
        named && before.rfind('>').is_none_or(|close| close < open)
    })
}

/// From a tag's end to its element's end, tags and all.
fn element<'t>(text: &'t str, tag_start: usize, name: &str) -> Option<&'t str> {
    let content = text[tag_start..].split_once('>')?.1;
    let window = &content[..content.floor_char_boundary(PART_BYTES_MAX)];
    let closing = format!("</{name}");
    Some(window.split(closing.as_str()).next().unwrap_or(window))
}

/// An attribute's value.
fn quoted(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches('=');
    let mark = rest.chars().next().filter(|each| matches!(each, '"' | '\''))?;
    rest[1..].split(mark).next()
}

/// Character references of HTML, numeric and named, as characters.
pub(super) fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = reference_end(rest);
        match end.and_then(|end| Some((end, reference(&rest[1..end])?))) {
            Some((end, character)) => {
                result.push(character);
                rest = rest[end..].strip_prefix(';').unwrap_or(&rest[end..]);
            }
            None => {
                result.push('&');
                rest = &rest[1..];
            }
        }
    }
    result.push_str(rest);
    result
}

/// Where the name of the reference at the beginning ends: a number may have any
/// number of zeros before it and no semicolon behind it, as browsers read it.
fn reference_end(text: &str) -> Option<usize> {
    const NUMBER_BYTES_MAX: usize = 64;
    let Some(number) = text.strip_prefix("&#") else {
        return text[..text.floor_char_boundary(11)].find(';');
    };
    let hexadecimal = number.starts_with(['x', 'X']);
    let digit =
        |each: char| if hexadecimal { each.is_ascii_hexdigit() } else { each.is_ascii_digit() };
    let begin = 2 + usize::from(hexadecimal);
    let digits = text[begin..].find(|each| !digit(each)).unwrap_or(text.len() - begin);
    (digits > 0 && digits <= NUMBER_BYTES_MAX).then_some(begin + digits)
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        let code = match hexadecimal {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some(' '),
        _ => None,
    }
}
