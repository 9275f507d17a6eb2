use proptest::prelude::*;

use super::*;

fn all(before: &[u8], after: &[u8]) -> Vec<usize> {
    (0..hunks(before, after).len()).collect()
}

#[test]
fn one_hunk_goes_and_the_others_stay() {
    let before = b"a\nb\nc\nd\ne\n";
    let after = b"A\nb\nc\nd\nE\n";
    assert_eq!(hunks(before, after).len(), 2);
    assert_eq!(take_back(before, after, after, &[0]).unwrap(), b"a\nb\nc\nd\nE\n");
    assert_eq!(take_back(before, after, after, &[1]).unwrap(), b"A\nb\nc\nd\ne\n");
    assert_eq!(take_back(before, after, after, &[1, 0]).unwrap(), before);
}

#[test]
fn an_edit_elsewhere_is_kept() {
    let (before, after) = (b"a\nb\nc\nd\n", b"a\nb\nc\nD\n");
    let now = b"mine\na\nb\nc\nD\n";
    assert_eq!(take_back(before, after, now, &[0]).unwrap(), b"mine\na\nb\nc\nd\n");
}

#[test]
fn an_edit_of_the_same_line_is_a_conflict() {
    let (before, after) = (b"a\nb\nc\n", b"a\nB\nc\n");
    for now in [&b"a\nB mine\nc\n"[..], b"a\nc\n", b"mine\nc\n", b"a\nmine\n"] {
        let conflict = take_back(before, after, now, &[0]).unwrap_err();
        assert!(matches!(conflict, Conflict::Edited { hunk: 0, .. }), "{conflict}");
    }
}

#[test]
fn an_edit_of_the_line_beside_stays_and_the_hunk_goes() {
    let (before, after) = (b"a\nb\nc\n", b"a\nB\nc\n");
    for (now, expected) in [
        (&b"mine\nB\nc\n"[..], &b"mine\nb\nc\n"[..]),
        (b"a\nB\nmine\n", b"a\nb\nmine\n"),
        (b"mine\nB\nmine\n", b"mine\nb\nmine\n"),
        (b"a\nmine\nB\nc\n", b"a\nmine\nb\nc\n"),
        (b"a\nB\nmine\nc\n", b"a\nb\nmine\nc\n"),
        (b"B\nc\n", b"b\nc\n"),
        (b"a\nB\n", b"a\nb\n"),
    ] {
        assert_eq!(take_back(before, after, now, &[0]).unwrap(), expected);
        assert_eq!(without_hunks(before, after, now), (expected.to_vec(), None));
    }
    // Lines that the agent added, with a person's in them and beside them.
    let merged = without_hunks(b"a\nd\n", b"a\nB\nC\nd\n", b"mine\nB\nmine too\nC\nMINE\n");
    assert_eq!(merged, (b"mine\nmine too\nMINE\n".to_vec(), None));
}

#[test]
fn lines_added_where_the_agent_deleted_some_are_a_conflict_and_an_edit_beside_is_none() {
    let (before, after) = (b"a\nb\nc\n", b"a\nc\n");
    assert!(take_back(before, after, b"a\nmine\nc\n", &[0]).is_err());
    assert_eq!(take_back(before, after, b"mine\nc\n", &[0]).unwrap(), b"mine\nb\nc\n");
    assert_eq!(take_back(before, after, b"a\nmine\n", &[0]).unwrap(), b"a\nb\nmine\n");
}

#[test]
fn deleted_lines_come_back_where_they_were() {
    let (before, after) = (b"a\nb\nc\nd\n", b"a\nd\n");
    assert_eq!(take_back(before, after, b"a\nd\ne\n", &[0]).unwrap(), b"a\nb\nc\nd\ne\n");
}

#[test]
fn a_missing_last_newline_comes_back_as_it_was() {
    assert_eq!(take_back(b"a\nb", b"a\nb\nc\n", b"a\nb\nc\n", &[0]).unwrap(), b"a\nb");
    assert_eq!(take_back(b"", b"x\n", b"x\n", &[0]).unwrap(), b"");
}

#[test]
fn a_hunk_that_is_not_there_is_an_error() {
    assert_eq!(take_back(b"a\n", b"b\n", b"b\n", &[1]), Err(Conflict::NoSuchHunk { hunk: 1 }));
}

/// Texts over few different lines, so that diffs are ambiguous.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec!["a\n", "b\n", "c\n", "\n", "d\r\n", "\u{e9}\n"]);
    (prop::collection::vec(line, 0..14), prop::bool::ANY).prop_map(|(lines, cut)| {
        let mut text = lines.concat().into_bytes();
        if cut {
            text.pop();
        }
        text
    })
}

/// Inserts lines nobody else has.
fn with_insertions(text: &[u8], places: &[prop::sample::Index]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut lines: Vec<Vec<u8>> =
        text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut inserted = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let line = format!("person {number}\n").into_bytes();
        lines.insert(place.index(lines.len() + 1), line.clone());
        inserted.push(line);
    }
    (lines.concat(), inserted)
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn all_hunks_taken_back_give_the_text_before(before in text(), after in text()) {
        let chosen = all(&before, &after);
        prop_assert_eq!(take_back(&before, &after, &after, &chosen), Ok(before));
    }

    #[test]
    fn hunks_taken_back_one_after_another_give_the_text_before(before in text(), after in text()) {
        let mut now = after;
        // Each round the hunks are found anew, as a review does.
        while let Some(last) = hunks(&before, &now).len().checked_sub(1) {
            now = take_back(&before, &now, &now, &[last]).unwrap();
        }
        prop_assert_eq!(now, before);
    }

    #[test]
    fn no_line_of_the_person_is_lost(
        before in text(),
        after in text(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        choice in any::<prop::sample::Index>(),
    ) {
        let (now, inserted) = with_insertions(&after, &places);
        let agent = all(&before, &after);
        let chosen = if agent.is_empty() { vec![] } else { vec![agent[choice.index(agent.len())]] };
        if let Ok(result) = take_back(&before, &after, &now, &chosen) {
            for line in inserted {
                prop_assert_eq!(count(&result, &line), 1);
            }
        }
    }

    #[test]
    fn what_a_person_changed_anywhere_stands_in_the_result(
        before in text(), after in text(), now in text(),
    ) {
        let chosen = all(&before, &after);
        if let Ok(result) = take_back(&before, &after, &now, &chosen) {
            // Every region the person wrote is there, in order.
            let mut from = 0;
            let lines: Vec<&[u8]> = now.split_inclusive(|byte| *byte == b'\n').collect();
            for edit in hunks(&after, &now) {
                let written = lines[edit.after].concat();
                let rest = &result[from..];
                let found = written.is_empty().then_some(0).or_else(|| {
                    rest.windows(written.len()).position(|window| window == written)
                });
                prop_assert!(found.is_some());
                from += found.unwrap_or_default() + written.len();
            }
        }
    }
}
