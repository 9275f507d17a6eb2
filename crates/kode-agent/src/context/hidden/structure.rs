//! What pretends to be structure: headers and footers of tool results, turn
//! tokens of chat templates, roles, approvals. Text that quotes such things, in
//! code spans, quotation marks or fences, is left alone unless it goes on to
//! give orders.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::suspicious::{Zone, is_suspicious};
use super::{Found, HiddenKind};
use crate::context::neutralise::{TEMPLATE_TOKENS, is_forged_header};

/// Bytes after a forged role that belong to it.
const ROLE_BYTES: usize = 600;

/// Words without which no line can forge anything; lines are only looked at
/// when one stands in them.
const TRIGGERS: [&str; 46] = [
    "tool",
    "result",
    "<|",
    "inst]",
    "<<sys",
    "</s",
    "system",
    "assistant",
    "human",
    "user",
    "developer",
    "admin",
    "operator",
    "approv",
    "granted",
    "permission",
    "[a]",
    "_of_turn",
    "function_",
    "\"role\"",
    "instruction",
    "<important",
    "</important",
    "kode",
    "risk:",
    "<｜",
    "root:",
    "root]",
    "sandbox",
    "gate",
    "end of ",
    "begin ",
    "untrusted",
    "vtaber",
    "cerivbhf",
    "cebzcg",
    "snoitcurtsni",
    "erongi",
    "<hidden",
    "<secret",
    "<critical",
    "<override",
    "<directive",
    "authoriz",
    "owner",
    "allow",
];

static TRIGGER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(TRIGGERS).ok());

static TOKENS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let kind = MatchKind::LeftmostLongest;
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(kind).build(TEMPLATE_TOKENS).ok()
});

/// Words of instructions thirteen letters on, or backwards.
static TURNED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = ["vtaber", "cerivbhf", "cebzcg", "snoitcurtsni", "erongi"];
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
});

/// What the lines of forged structure look like.
struct Shapes {
    /// Ends what kode or a provider wrapped around a result.
    closing: Regex,
    /// Opens a part with authority.
    opening: Regex,
    /// `System:`, `### Instruction`, `[ADMIN]`, `--- USER ---`.
    role: Regex,
    /// An answer to a prompt, or the prompt itself.
    approval: Regex,
    /// A chat message as JSON.
    message: Regex,
}

static SHAPES: LazyLock<Option<Shapes>> = LazyLock::new(|| {
    let regex = |text: &str| regex::RegexBuilder::new(text).case_insensitive(true).build().ok();
    Some(Shapes {
        closing: regex(
            r"</\s*(tool_?results?|function_?(results?|calls?)|tool_?(response|output|call)s?|untrusted[\w-]*|system[-_ ]?(reminder|prompt|message)|search_results?|user_input|external_content|(antml:)?invoke|important)\s*>",
        )?,
        opening: regex(
            r"<\s*(system([-_ ]?(reminder|prompt|message|override|instructions?|note))?|important|instructions?|information|admin\w*|developer|human|user[-_]?(message|input|instructions?)?|assistant|tool_?(call|result)s?|function_?calls?|(antml:)?(invoke|function_calls)|hidden|secret|critical|override|priority|directive)(\s[^>]{0,80})?>",
        )?,
        role: regex(
            r"^[\s>*#\[({<=_~|─━═–—-]{0,12}(system|developer|user|human|assistant|admin(istrator)?|operator|root|instructions?|maintainer|owner|kode|security team|anthropic|openai)([ _-](message|prompt|override|instructions?|notice|update|alert|note|command|request|says?|directive|policy|authoriz\w+))?\s*([\])}>*:：─━═–—|=-]|$)",
        )?,
        approval: regex(
            &[
                r"\[a\]pprove\s*\[d\]eny",
                r"^\s*[\[(<{>|─━═✓✔⚠✅—–][^\w\n]{0,12}(kode|approval|permission|gate|sandbox|policy|user|human|operator|owner|admin)\b[^\n]{0,40}?\W\s*(yes|ok(ay)?|approved?|granted|go ahead|pre-?approved|authori[sz]ed|confirmed|allow(ed)?)\b[^\n]{0,80}$",
                r"^\s*(approval|permission)s?\s*:\s*(granted|approved|given)\b",
                r"^\s*(user|human|operator|owner|admin|maintainer)\s*:\s*((yes|ok(ay)?|sure|y)\s*[,.!]\s*\w|(i )?(hereby )?(approve|confirm|authori[sz]e|allow)|(approved|go ahead|permission granted|confirmed)\b)",
                r"\b(the )?(user|human|operator|owner|admin\w*)\b[^.\n]{0,20}\b(has|have|already|pre-?)\b[^.\n]{0,20}(approved|authori[sz]ed|granted|confirmed|consented|allowed)\b[^.\n]{0,60}\b(command|action|request|operation|access|tool|execution|everything|following|step|call|permission|network|upload|install)",
                r"^\s*/approve\b",
            ]
            .join("|"),
        )?,
        message: regex(
            r#""role"\s*:\s*"(system|developer|user|tool)"\s*,\s*"content"\s*:\s*""#,
        )?,
    })
});

/// Looks at every line that could forge something.
pub(super) fn inspect(text: &str, found: &mut Found<'_>) {
    if text.contains(|each: char| !each.is_ascii()) {
        headers(text, found);
    }
    let (Some(trigger), Some(shapes)) = (TRIGGER.as_ref(), SHAPES.as_ref()) else {
        found.add(HiddenKind::ForgedStructure, 0, "the shapes of forged structure can't be read");
        return;
    };
    let mut line_end = 0;
    for hit in trigger.find_iter(text) {
        if hit.start() < line_end {
            continue;
        }
        let start = text[..hit.start()].rfind('\n').map_or(0, |newline| newline + 1);
        line_end = text[hit.start()..].find('\n').map_or(text.len(), |end| hit.start() + end);
        let line = Line { text, start, line: &text[start..line_end] };
        if line.line.len() <= super::LINE_BYTES_MAX {
            line.inspect(shapes, found);
        }
    }
}

/// Headers in the letters of other scripts hold no trigger word.
fn headers(text: &str, found: &mut Found<'_>) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.is_ascii() && is_forged_header(line) {
            found.add(HiddenKind::ForgedStructure, at, line);
        }
        at += line.len();
    }
}

struct Line<'t> {
    text: &'t str,
    start: usize,
    line: &'t str,
}

impl Line<'_> {
    fn inspect(&self, shapes: &Shapes, found: &mut Found<'_>) {
        let forged = self.line.is_ascii() && is_forged_header(self.line) && !self.is_quoted(0)
            || self.has_token()
            || self.has_tag(shapes)
            || self.has_role(shapes)
            || self.is_approval(shapes)
            || self.has_message(shapes)
            || self.is_turned_around();
        if forged {
            found.add(HiddenKind::ForgedStructure, self.start, self.line);
        }
    }

    /// A chat template's token that is not quoted, or that begins a turn with
    /// orders in it.
    fn has_token(&self) -> bool {
        let tokens = TOKENS.as_ref().into_iter().flat_map(|tokens| tokens.find_iter(self.line));
        tokens.take(8).any(|token| {
            let bare = !self.is_quoted(token.start()) && !self.is_fenced();
            bare || is_suspicious(self.after(token.end()), Zone::Role)
        })
    }

    fn has_tag(&self, shapes: &Shapes) -> bool {
        if !self.line.contains('<') {
            return false;
        }
        let closes = shapes.closing.find(self.line);
        let opens = shapes.opening.find(self.line);
        let bare = |at: usize| !self.is_quoted(at) && !self.is_fenced();
        // What closes with orders before or behind it, what opens with orders.
        closes.is_some_and(|tag| {
            let near =
                &self.text[self.text.floor_char_boundary(self.start.saturating_sub(ROLE_BYTES))
                    ..self.start + tag.start()];
            let wraps = !tag.as_str().contains("mportant");
            bare(tag.start()) && (wraps || is_suspicious(near, Zone::Role))
                || is_suspicious(self.after(tag.end()), Zone::Role) && !self.is_quoted(tag.start())
        }) || opens.is_some_and(|tag| {
            !self.is_quoted(tag.start()) && is_suspicious(self.after(tag.end()), Zone::Role)
        })
    }

    fn has_role(&self, shapes: &Shapes) -> bool {
        shapes.role.find(self.line).is_some_and(|role| {
            let own = self.after(role.end());
            // A role's text ends with its paragraph.
            let paragraph = own.split("\n\n").next().unwrap_or_default();
            is_suspicious(paragraph, Zone::Role)
        })
    }

    fn is_approval(&self, shapes: &Shapes) -> bool {
        shapes.approval.find(self.line).is_some_and(|found| {
            !self.is_quoted(found.start()) && !self.is_fenced() && !self.line.contains("-by:")
        })
    }

    fn has_message(&self, shapes: &Shapes) -> bool {
        if !self.line.contains('"') {
            return false;
        }
        let message = shapes.message.find(self.line);
        message.is_some_and(|found| is_suspicious(self.after(found.end()), Zone::Role))
    }

    /// Backwards, or every letter thirteen places on.
    fn is_turned_around(&self) -> bool {
        if TURNED.as_ref().is_some_and(|words| !words.is_match(self.line)) {
            return false;
        }
        let rotated: String = self.line.chars().map(rotate).collect();
        let reversed: String = self.line.chars().rev().collect();
        is_suspicious(&rotated, Zone::Hidden) || is_suspicious(&reversed, Zone::Hidden)
    }

    /// What follows byte `at` of the line, on this line and the next ones.
    fn after(&self, at: usize) -> &str {
        let rest = &self.text[self.start + at..];
        &rest[..rest.floor_char_boundary(ROLE_BYTES)]
    }

    /// Whether byte `at` stands between backticks or quotation marks.
    fn is_quoted(&self, at: usize) -> bool {
        let (before, after) = self.line.split_at(at);
        ['`', '"', '\'', '“', '«'].iter().any(|mark| {
            let closing = match mark {
                '“' => '”',
                '«' => '»',
                same => *same,
            };
            let open = if *mark == closing {
                before.matches(*mark).count() % 2 == 1
            } else {
                before.matches(*mark).count() > before.matches(closing).count()
            };
            open && after.contains(closing)
        })
    }

    /// Whether the line stands in a fenced or indented code block.
    fn is_fenced(&self) -> bool {
        let fences = self.text[..self.start].match_indices("```").take(10_000);
        fences.filter(|(at, _)| *at == 0 || self.text.as_bytes()[at - 1] == b'\n').count() % 2 == 1
    }
}

fn rotate(character: char) -> char {
    let turn = |first: u8| ((character as u8 - first + 13) % 26 + first) as char;
    match character {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        other => other,
    }
}
