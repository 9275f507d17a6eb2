use proptest::prelude::*;

use super::*;

fn decode(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(decoder.push(piece).unwrap());
    }
    events.extend(decoder.finish().unwrap());
    events
}

fn data(pieces: &[&[u8]]) -> Vec<String> {
    decode(pieces).into_iter().map(|event| event.data).collect()
}

#[test]
fn every_line_ending_ends_a_line() {
    assert_eq!(data(&[b"data: a\n\ndata: b\r\n\r\ndata: c\r\r"]), ["a", "b", "c"]);
}

#[test]
fn a_line_ending_split_between_two_reads_is_one_line_ending() {
    assert_eq!(data(&[b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n"]), ["a\nb"]);
    assert_eq!(data(&[b"data: a\r", b"", b"\n\n"]), ["a"]);
}

#[test]
fn a_character_split_between_two_reads_is_whole() {
    let bytes = "data: naïve 日本 👩\n\n".as_bytes();
    for at in 0..bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(data(&[left, right]), ["naïve 日本 👩"], "split at {at}");
    }
}

#[test]
fn comments_heartbeats_and_unknown_fields_are_no_events() {
    assert_eq!(data(&[b": ping\n\ndata:\n\ndata\n\nid: 7\nretry: 5\nfoo\n\ndata:x\n\n"]), ["x"]);
}

#[test]
fn only_the_first_mark_is_stripped_and_only_one_space() {
    assert_eq!(data(&[b"\xef\xbb", b"\xbfdata:  a\n\n"]), [" a"]);
    assert_eq!(data(&[b"data: a\n\n\xef\xbb\xbfdata: b\n\n"]), ["a"]);
}

#[test]
fn data_lines_join_and_the_name_is_kept() {
    let events = decode(&[b"event: error\ndata: {\ndata: }\n\ndata: y\n\n"]);
    assert_eq!(events[0].name, "error");
    assert_eq!(events[0].data, "{\n}");
    assert_eq!(events[1].name, "");
}

#[test]
fn an_event_without_its_blank_line_is_dispatched_at_the_end() {
    assert_eq!(data(&[b"data: [DONE]"]), ["[DONE]"]);
    assert_eq!(data(&[b"data: [DONE]\n"]), ["[DONE]"]);
    assert_eq!(data(&[b"data: [DONE]\r"]), ["[DONE]"]);
}

#[test]
fn invalid_utf8_is_replaced_and_reported() {
    let events = decode(&[b"data: a\xffb\n\ndata: c\n\n"]);
    assert_eq!((events[0].data.as_str(), events[0].replaced), ("a\u{fffd}b", true));
    assert!(!events[1].replaced);
}

#[test]
fn an_endless_line_is_an_error() {
    let mut decoder = Decoder::new();
    let chunk = vec![b'x'; 1024 * 1024];
    let outcome = (0..17).try_for_each(|_| decoder.push(&chunk).map(|_| ()));
    assert_eq!(outcome, Err(EventTooLarge));
}

#[test]
fn endless_data_lines_are_an_error() {
    let mut decoder = Decoder::new();
    let mut chunk = b"data: ".to_vec();
    chunk.resize(1024 * 1024, b'x');
    chunk.push(b'\n');
    let outcome = (0..17).try_for_each(|_| decoder.push(&chunk).map(|_| ()));
    assert_eq!(outcome, Err(EventTooLarge));
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        lines in proptest::collection::vec("(data|event|id|x)?:? ?[aé日\u{feff}]{0,4}(\n|\r|\r\n)(\n|\r|\r\n)?", 0..12),
        splits in proptest::collection::vec(0usize..200, 0..8),
    ) {
        let bytes = lines.concat().into_bytes();
        let mut cuts: Vec<usize> = splits.into_iter().map(|at| at.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(&pieces), decode(&[&bytes]));
    }
}
