//! Makes room when the model's window fills. The system message and the user's
//! own words stay to the letter, the newest steps whole; what lies between
//! becomes a digest that is data, never an instruction: it gets neither the
//! user's nor the system's role.

use kode_base::Untrusted;
use kode_model::{Message, estimate_tokens};

use super::{Redactor, WrapError, wrap};

/// Characters of the digest at most.
const DIGEST_CHARACTERS_MAX: usize = 12_000;
/// Characters of one shortened text in it.
const EXCERPT_CHARACTERS_MAX: usize = 160;

/// Characters of the first answer, which usually holds the plan, that are kept.
const PLAN_CHARACTERS_MAX: usize = 2_000;
/// How the plan is carried from digest to digest.
const PLAN_MARK: &str = "at the start you said: ";

/// What kode itself knows of the state, to stand in the digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownState {
    /// Files that differ from the base, one a line.
    pub(crate) files: Vec<String>,
    /// The last red gate's message.
    pub(crate) open_findings: Option<String>,
}

/// A shorter conversation of at most about `tokens_max` estimated tokens.
///
/// # Errors
/// When wrapping fails; nothing may be sent then.
pub(crate) fn compact(
    messages: &[Message],
    tokens_max: u64,
    state: &KnownState,
    redactor: &Redactor,
) -> Result<Vec<Message>, WrapError> {
    let kept_whole = tail_start(messages, tokens_max / 2);
    let (old, tail) = messages.split_at(kept_whole);
    let digest = digest(old, state);
    let content = wrap("kode: what happened before, shortened", &digest, redactor)?;
    let mut compacted: Vec<Message> = old
        .iter()
        .filter(|message| matches!(message, Message::System { .. } | Message::User { .. }))
        .cloned()
        .collect();
    compacted.push(Message::Data { content });
    compacted.extend_from_slice(tail);
    Ok(compacted)
}

/// Where the newest part begins that fits `tokens_max`: at an assistant's or
/// user's message, so that no tool result loses its call.
fn tail_start(messages: &[Message], tokens_max: u64) -> usize {
    let mut start = messages.len();
    let mut tokens = 0;
    for (index, message) in messages.iter().enumerate().rev() {
        tokens += estimate_tokens(std::slice::from_ref(message));
        if tokens > tokens_max {
            break;
        }
        if matches!(message, Message::Assistant { .. } | Message::User { .. }) {
            start = index;
        }
    }
    start
}

#[expect(clippy::disallowed_methods, reason = "shortened, then wrapped again as untrusted data")]
fn digest(old: &[Message], state: &KnownState) -> Untrusted<String> {
    let mut lines = Vec::new();
    for message in old {
        match message {
            Message::System { .. } | Message::User { .. } => {}
            Message::Assistant { text, calls, .. } => {
                if !text.is_empty() {
                    lines.push(format!("you said: {}", excerpt(text.expose())));
                }
                for call in calls {
                    let arguments = excerpt(call.arguments.expose());
                    lines.push(format!("you called {} {arguments}", call.name.expose()));
                }
            }
            Message::Tool { content, .. } => {
                lines.push(format!("  result: {}", excerpt(inner(content.as_str()))));
            }
            Message::Data { content } => {
                // An earlier digest is carried on as it is, within the limit.
                lines.extend(inner(content.as_str()).lines().map(ToOwned::to_owned));
            }
        }
    }
    let mut text = String::from("The conversation was shortened to fit.\n");
    if let Some(plan) = plan(old) {
        text.push_str(&format!("{PLAN_MARK}{plan}\n"));
    }
    text.push_str("What followed, oldest first:\n");
    lines.retain(|line| !line.starts_with(PLAN_MARK));
    let body = newest(&lines);
    if body.len() < lines.len() {
        text.push_str(&format!("[{} older lines left out]\n", lines.len() - body.len()));
    }
    for line in body {
        text.push_str(line);
        text.push('\n');
    }
    if !state.files.is_empty() {
        text.push_str(&format!("Files changed so far:\n{}\n", state.files.join("\n")));
    }
    if let Some(findings) = &state.open_findings {
        text.push_str(&format!("Still open at the completion gate:\n{findings}\n"));
    }
    Untrusted::from(text)
}

/// The model's first words, from the conversation or from an earlier digest.
#[expect(clippy::disallowed_methods, reason = "shortened, then wrapped again as untrusted data")]
fn plan(old: &[Message]) -> Option<String> {
    old.iter().find_map(|message| match message {
        Message::Assistant { text, .. } if !text.is_empty() => {
            Some(shortened(text.expose(), PLAN_CHARACTERS_MAX))
        }
        Message::Data { content } => {
            let mut lines = inner(content.as_str()).lines();
            lines.find_map(|line| line.strip_prefix(PLAN_MARK)).map(str::to_owned)
        }
        _ => None,
    })
}

/// The newest lines that fit the digest.
fn newest(lines: &[String]) -> &[String] {
    let mut characters = 0;
    let fitting = lines.iter().rev().take_while(|line| {
        characters += line.len() + 1;
        characters <= DIGEST_CHARACTERS_MAX
    });
    &lines[lines.len() - fitting.count()..]
}

fn excerpt(text: &str) -> String {
    shortened(text, EXCERPT_CHARACTERS_MAX)
}

/// On one line, cut after so many characters.
fn shortened(text: &str, characters_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(characters_max) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A wrapped text without its header and footer.
fn inner(wrapped: &str) -> &str {
    let after_header = wrapped.split_once('\n').map_or("", |(_, rest)| rest);
    after_header.rsplit_once('\n').map_or("", |(body, _)| body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kode_model::ToolCall;

    fn conversation(steps: usize) -> Vec<Message> {
        let mut messages = vec![
            Message::System { text: "rules".to_owned() },
            Message::User { text: "the code word is heron".to_owned() },
        ];
        for step in 0..steps {
            let id = format!("c{step}");
            messages.push(Message::Assistant {
                text: format!("step {step}").into(),
                calls: vec![ToolCall {
                    id: id.clone(),
                    name: "shell".into(),
                    arguments: "{\"command\":\"ls\"}".into(),
                }],
                opaque: Vec::new(),
            });
            let output = Untrusted::from("x".repeat(500));
            let content = wrap("shell", &output, &Redactor::default()).unwrap();
            messages.push(Message::Tool { call: id, content });
        }
        messages
    }

    fn compacted(messages: &[Message], tokens_max: u64) -> Vec<Message> {
        compact(messages, tokens_max, &KnownState::default(), &Redactor::default()).unwrap()
    }

    #[test]
    fn the_users_words_and_the_rules_stay_to_the_letter() {
        let messages = conversation(200);
        let compacted = compacted(&messages, 10_000);
        assert_eq!(compacted[..2], messages[..2]);
        assert!(estimate_tokens(&compacted) < 10_000);
    }

    #[test]
    fn no_tool_result_loses_its_call() {
        for tokens_max in [600, 1000, 2000, 5000] {
            let compacted = compacted(&conversation(50), tokens_max);
            let mut open = Vec::new();
            for message in &compacted {
                match message {
                    Message::Assistant { calls, .. } => open.extend(calls.iter().map(|c| &c.id)),
                    Message::Tool { call, .. } => assert!(open.contains(&call)),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn the_digest_is_data_and_compacting_again_stays_bounded() {
        let mut messages = conversation(100);
        for _ in 0..20 {
            messages = compacted(&messages, 8000);
            messages.extend(conversation(30).split_off(2));
        }
        let messages = compacted(&messages, 8000);
        let data = messages.iter().filter(|m| matches!(m, Message::Data { .. })).count();
        assert_eq!(data, 1);
        assert!(estimate_tokens(&messages) < 9000);
    }

    #[test]
    fn the_plan_survives_compacting_again_and_again() {
        let mut messages = conversation(3);
        messages.insert(
            2,
            Message::Assistant {
                text: "My plan: first the parser, then the tests.".into(),
                calls: Vec::new(),
                opaque: Vec::new(),
            },
        );
        for _ in 0..20 {
            messages.extend(conversation(60).split_off(2));
            messages = compacted(&messages, 6000);
        }
        let all = serde_json::to_string(&messages).unwrap();
        assert!(all.contains("at the start you said: My plan: first the parser"), "{all}");
    }

    #[test]
    fn open_findings_and_files_stand_in_the_digest() {
        let state = KnownState {
            files: vec!["M a.py".to_owned()],
            open_findings: Some("a.py:3: [sql-injection]".to_owned()),
        };
        let compacted = compact(&conversation(50), 2000, &state, &Redactor::default()).unwrap();
        let digest = compacted.iter().find_map(|message| match message {
            Message::Data { content } => Some(content.as_str()),
            _ => None,
        });
        let digest = digest.unwrap();
        assert!(digest.contains("M a.py") && digest.contains("a.py:3: [sql-injection]"));
    }
}
