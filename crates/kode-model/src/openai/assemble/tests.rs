use proptest::prelude::*;

use super::*;
use crate::stream::reply_to;

const WHOLE: &str = include_str!("whole.sse");

/// Where the terminal event's payload ends: from there on nothing is missing.
const END: &str = "[DONE]";

fn assembler() -> OpenAiAssembler {
    OpenAiAssembler::new(CallIds::default(), false)
}

fn reply(pieces: &[&[u8]]) -> Result<Reply, String> {
    reply_to(pieces, assembler())
}

#[test]
fn no_prefix_of_an_answer_gives_a_call() {
    let end = WHOLE.rfind(END).unwrap() + END.len();
    for length in 0..WHOLE.len() {
        let outcome = reply(&[&WHOLE.as_bytes()[..length]]);
        let calls = outcome.map_or(0, |reply| reply.calls.len());
        assert_eq!(calls, usize::from(length >= end), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_answer(cuts in proptest::collection::vec(0..WHOLE.len(), 0..9)) {
        let mut cuts = cuts;
        cuts.extend([0, WHOLE.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &WHOLE.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(reply(&pieces), reply(&[WHOLE.as_bytes()]));
    }

    #[test]
    fn damaged_bytes_never_panic(at in 0..WHOLE.len(), byte: u8, gone in 0usize..40) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.drain(at..(at + gone).min(bytes.len()));
        let _ = reply(&[&bytes]);
    }

    #[test]
    fn any_json_is_survived(events in proptest::collection::vec(any_event(), 0..12)) {
        let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let _ = reply(&[stream.as_bytes()]);
    }
}

/// Events with the protocol's fields, filled with anything.
fn any_event() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("7".to_owned()),
        Just("-1".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"x\"".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[[{}]]".to_owned()),
        Just("{\"name\":1,\"arguments\":[2]}".to_owned()),
        Just(
            "[{\"index\":-1,\"id\":7,\"function\":{\"name\":null,\"arguments\":{\"a\":1}}}]"
                .to_owned()
        ),
    ];
    let field = prop_oneof![Just("content"), Just("tool_calls"), Just("refusal"), Just("other")];
    (field, value.clone(), value).prop_map(|(field, inner, reason)| {
        format!(r#"{{"choices":[{{"delta":{{"{field}":{inner}}},"finish_reason":{reason}}}],"usage":{inner}}}"#)
    })
}
