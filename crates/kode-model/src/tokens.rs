//! How many tokens a conversation takes, where nobody counted: an estimate for
//! deciding when to compact, never for billing.

use crate::Message;
use crate::conversation::replayed;

/// Bytes a token stands for on average. Models' tokenizers take about four
/// characters of English and three of code; three is on the safe side.
const BYTES_PER_TOKEN: u64 = 3;

/// Tokens each message costs beside its text.
const TOKENS_PER_MESSAGE: u64 = 8;

/// Estimates the tokens of `messages`; rather too many than too few.
pub fn estimate_tokens(messages: &[Message]) -> u64 {
    messages.iter().map(|message| TOKENS_PER_MESSAGE + bytes(message) / BYTES_PER_TOKEN).sum()
}

fn bytes(message: &Message) -> u64 {
    let bytes = match message {
        Message::System { text } | Message::User { text } => text.len(),
        Message::Data { content } | Message::Tool { content, .. } => content.as_str().len(),
        Message::Assistant { text, calls, opaque } => {
            let calls = calls.iter();
            let calls: usize = calls.map(|call| call.name.len() + call.arguments.len() + 32).sum();
            replayed(text).len() + calls + opaque.iter().map(String::len).sum::<usize>()
        }
    };
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_conversations_take_more() {
        let user = |length: usize| Message::User { text: "x".repeat(length) };
        assert_eq!(estimate_tokens(&[]), 0);
        assert_eq!(estimate_tokens(&[user(300)]), 108);
        assert_eq!(estimate_tokens(&[user(300), user(0)]), 116);
    }
}
