//! What pretends to be structure: headers and footers of tool results, turn
//! tokens of chat templates, roles, approvals. Text that quotes such things, in
//! code spans, quotation marks or fences, is left alone unless it goes on to
//! give orders.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::suspicious::{Zone, is_suspicious, with_ascii_words};
use super::{Found, HiddenKind};
use crate::context::neutralise::{TEMPLATE_TOKENS, is_forged_header};

/// Bytes after a forged role that belong to it.
const ROLE_BYTES: usize = 600;

/// Hexadecimal digits that pass for the code of our headers.
const CODE_DIGITS_MIN: usize = 12;

/// What a trigger word can belong to, as bits.
mod part {
    /// Our own demarcation.
    pub(super) const HEADER: u8 = 1;
    /// A chat template's token.
    pub(super) const TOKEN: u8 = 2;
    /// A claimed role.
    pub(super) const ROLE: u8 = 4;
    /// The beginning of a forged answer to a prompt.
    pub(super) const ANSWER: u8 = 8;
    /// That something was granted, anywhere in a line.
    pub(super) const GRANT: u8 = 16;
    /// Words backwards or thirteen letters on.
    pub(super) const TURNED: u8 = 32;
    /// A tag or a message, which have a cheap look of their own.
    pub(super) const OTHER: u8 = 64;
}

/// Words without which no line can forge anything, and what they can forge. Every
/// line is looked at for those parts alone of which a word stands in it.
pub(super) const TRIGGERS: [(&str, u8); 64] = [
    ("tool", part::HEADER),
    ("t00l", part::HEADER),
    ("too1", part::HEADER),
    ("t o o l", part::HEADER),
    ("result", part::HEADER),
    ("<|", part::TOKEN),
    ("<｜", part::TOKEN),
    ("inst]", part::TOKEN),
    ("<<sys", part::TOKEN),
    ("</s", part::TOKEN),
    ("_of_turn", part::TOKEN),
    ("tool_results]", part::TOKEN),
    ("tool_calls]", part::TOKEN),
    ("tool_content]", part::TOKEN),
    ("available_tools]", part::TOKEN),
    ("system_prompt]", part::TOKEN),
    ("gmask]", part::TOKEN),
    ("<seed:", part::TOKEN),
    ("system", part::ROLE),
    ("assistant", part::ROLE),
    ("developer", part::ROLE),
    ("instruction", part::ROLE),
    ("root:", part::ROLE),
    ("root]", part::ROLE),
    ("anthropic", part::ROLE),
    ("openai", part::ROLE),
    ("security team", part::ROLE),
    ("human", part::ROLE | part::ANSWER),
    ("user", part::ROLE | part::ANSWER),
    ("admin", part::ROLE | part::ANSWER),
    ("operator", part::ROLE | part::ANSWER),
    ("owner", part::ROLE | part::ANSWER),
    ("maintainer", part::ROLE | part::ANSWER),
    ("kode", part::ROLE | part::ANSWER),
    ("permission", part::ANSWER),
    ("sandbox", part::ANSWER),
    ("gate", part::ANSWER),
    ("policy", part::ANSWER),
    ("approv", part::ANSWER | part::GRANT),
    ("[a]", part::GRANT),
    ("granted", part::GRANT),
    ("authori", part::GRANT),
    ("confirm", part::GRANT),
    ("consent", part::GRANT),
    ("allow", part::GRANT),
    ("vtaber", part::TURNED),
    ("cerivbhf", part::TURNED),
    ("cebzcg", part::TURNED),
    ("snoitcurtsni", part::TURNED),
    ("erongi", part::TURNED),
    ("\"role\"", part::OTHER),
    ("function_", part::OTHER),
    ("invoke", part::OTHER),
    ("untrusted", part::OTHER),
    ("external_", part::OTHER),
    ("information", part::OTHER),
    ("important", part::OTHER),
    ("hidden", part::OTHER),
    ("secret", part::OTHER),
    ("critical", part::OTHER),
    ("override", part::OTHER),
    ("priority", part::OTHER),
    ("directive", part::OTHER),
    ("search_", part::OTHER),
];

static TOKENS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let kind = MatchKind::LeftmostLongest;
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(kind).build(TEMPLATE_TOKENS).ok()
});

/// What the lines of forged structure look like.
struct Shapes {
    /// Ends what kode or a provider wrapped around a result.
    closing: Regex,
    /// Opens a part with authority.
    opening: Regex,
    /// `System:`, `### Instruction`, `[ADMIN]`, `--- USER ---`.
    role: Regex,
    /// A line that begins like an answer to a prompt.
    answer: Regex,
    /// The prompt itself, or a claim that somebody allowed something.
    grant: Regex,
    /// A chat message as JSON.
    message: Regex,
}

static SHAPES: LazyLock<Option<Shapes>> = LazyLock::new(|| {
    let regex = |text: &str| {
        let text = with_ascii_words(text);
        regex::RegexBuilder::new(&text).case_insensitive(true).build().ok()
    };
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
        answer: regex(
            &[
                r"^\s*([\[(<{>|─━═✓✔⚠✅—–][^\w\n]{0,12}(kode|approval|permission|gate|sandbox|policy|user|human|operator|owner|admin)\b[^\n]{0,40}?\W\s*(yes|ok(ay)?|approved?|granted|go ahead|pre-?approved|authori[sz]ed|confirmed|allow(ed)?)\b[^\n]{0,80}$",
                r"(approval|permission)s?\s*:\s*(granted|approved|given)\b",
                r"(user|human|operator|owner|admin|maintainer)\s*:\s*((yes|ok(ay)?|sure|y)\s*[,.!]\s*\w|(i )?(hereby )?(approve|confirm|authori[sz]e|allow)|(approved|go ahead|permission granted|confirmed)\b)",
                r"/approve\b)",
            ]
            .join("|"),
        )?,
        grant: regex(
            &[
                r"\[a\]pprove\s*\[d\]eny",
                r"\b(the )?(user|human|operator|owner|admin\w*)\b[^.\n]{0,20}\b(has|have|already|pre-?)\b[^.\n]{0,20}(approved|authori[sz]ed|granted|confirmed|consented|allowed)\b[^.\n]{0,60}\b(command|action|request|operation|access|tool|execution|everything|following|step|call|permission|network|upload|install)",
            ]
            .join("|"),
        )?,
        message: regex(
            r#""role"\s*:\s*"(system|developer|user|tool)"\s*,\s*"content"\s*:\s*""#,
        )?,
    })
});

/// What of structure a text holds at all, forged or quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::context) struct Structure {
    /// A line may imitate kode's own demarcation.
    pub(in crate::context) header: bool,
    /// A chat template's token may stand somewhere.
    pub(in crate::context) token: bool,
}

/// The lines of a text as the trigger words in them come along.
pub(super) struct Lines<'t> {
    shapes: &'static Shapes,
    line: Line<'t>,
    held: Structure,
}

impl<'t> Lines<'t> {
    /// No line yet; `None` without the shapes, which a test rules out.
    pub(super) fn new(text: &'t str, found: &mut Found<'_>) -> Option<Self> {
        let header = !text.is_ascii() && headers(text, found);
        let line = Line { text, start: 0, line: "", parts: 0 };
        Some(Self { shapes: SHAPES.as_ref()?, line, held: Structure { header, token: false } })
    }

    /// Takes the hit of a trigger word by its number; one after the other by end.
    pub(super) fn take(&mut self, word: usize, at: Range<usize>, found: &mut Found<'_>) {
        if at.end > self.line.start + self.line.line.len() {
            self.line.inspect(self.shapes, &mut self.held, found);
            self.line = Line::around(self.line.text, at.start);
        }
        self.line.parts |= TRIGGERS.get(word).map_or(u8::MAX, |(_, parts)| *parts);
    }

    /// Looks at the last line; what the text holds of structure.
    pub(super) fn finish(mut self, found: &mut Found<'_>) -> Structure {
        self.line.inspect(self.shapes, &mut self.held, found);
        self.held
    }
}

/// Headers in the letters of other scripts hold no trigger word.
fn headers(text: &str, found: &mut Found<'_>) -> bool {
    let (mut at, mut any) = (0, false);
    for line in text.split_inclusive('\n') {
        if !line.is_ascii() && is_forged_header(line) {
            any = true;
            found.add(HiddenKind::ForgedStructure, at, line);
        }
        at += line.len();
    }
    any
}

struct Line<'t> {
    text: &'t str,
    start: usize,
    line: &'t str,
    /// What its trigger words can belong to.
    parts: u8,
}

impl<'t> Line<'t> {
    fn around(text: &'t str, at: usize) -> Self {
        let bytes = text.as_bytes();
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(text.len(), |end| at + end);
        Self { text, start, line: &text[start..end], parts: 0 }
    }

    fn inspect(&self, shapes: &Shapes, held: &mut Structure, found: &mut Found<'_>) {
        held.token |= self.holds(part::TOKEN);
        let header =
            self.holds(part::HEADER) && self.line.is_ascii() && is_forged_header(self.line);
        held.header |= header;
        if self.parts == 0 || self.line.len() > super::LINE_BYTES_MAX {
            return;
        }
        let forged = header && !self.is_quoted(0) && self.closes_or_orders()
            || self.holds(part::TOKEN) && self.has_token()
            || self.has_tag(shapes)
            || self.holds(part::ROLE) && self.has_role(shapes)
            || self.is_approval(shapes)
            || self.has_message(shapes)
            || self.holds(part::TURNED) && self.is_turned_around();
        if forged {
            found.add(HiddenKind::ForgedStructure, self.start, self.line);
        }
    }

    /// Whether a header typed in ASCII pretends to be ours: it ends a result,
    /// bears a code, or orders follow. Linters head their sections like that too,
    /// and those are only neutralised.
    fn closes_or_orders(&self) -> bool {
        let letters = self.line.chars().filter(char::is_ascii_alphabetic);
        let ends = letters.map(|each| each.to_ascii_lowercase()).take(3).eq("end".chars());
        let codes = self.line.split(|each: char| !each.is_ascii_hexdigit());
        ends || codes.into_iter().any(|code| code.len() >= CODE_DIGITS_MIN)
            || is_suspicious(self.after(self.line.len()), Zone::Role)
    }

    const fn holds(&self, part: u8) -> bool {
        self.parts & part != 0
    }

    /// Bytes of colours at the beginning, which nobody sees as text.
    fn coloured(&self) -> usize {
        let mut rest = self.line;
        while let Some(after) = rest.strip_prefix("\u{1b}[") {
            let Some(end) = after.find(|each: char| !matches!(each, '0'..='9' | ';' | ':')) else {
                break;
            };
            let Some(next) = after[end..].strip_prefix('m') else { break };
            rest = next;
        }
        self.line.len() - rest.len()
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
        let from = self.coloured();
        shapes.role.find(&self.line[from..]).is_some_and(|role| {
            let own = self.after(from + role.end());
            // A role's text ends with its paragraph.
            let paragraph = own.split("\n\n").next().unwrap_or_default();
            is_suspicious(paragraph, Zone::Role)
        })
    }

    fn is_approval(&self, shapes: &Shapes) -> bool {
        let from = self.coloured();
        let answer = || Some(from + shapes.answer.find(&self.line[from..])?.start());
        let grant = || Some(shapes.grant.find(self.line)?.start());
        let at = (self.holds(part::ANSWER).then(answer).flatten())
            .or_else(|| self.holds(part::GRANT).then(grant).flatten());
        at.is_some_and(|at| !self.is_quoted(at) && !self.is_fenced() && !self.line.contains("-by:"))
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
