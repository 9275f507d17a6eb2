//! Rows, folding, hunks.

use super::*;

fn diff(before: &str, after: &str, hunks: &[(Range<usize>, Range<usize>)]) -> Diff {
    let side = |text: &str| Some(Untrusted::new(text.as_bytes().to_vec()));
    let hunks =
        hunks.iter().map(|(before, after)| Hunk { before: before.clone(), after: after.clone() });
    let contents = FileContents {
        version: "1".to_owned(),
        before: side(before),
        after: side(after),
        hunks: hunks.collect(),
        note: None,
        met: None,
    };
    Diff::new(ProjectPath::new("a").unwrap(), contents)
}

fn numbered(lines: usize, changed: &[usize]) -> String {
    (0..lines)
        .map(|n| if changed.contains(&n) { "new\n".to_owned() } else { format!("{n}\n") })
        .collect()
}

#[test]
fn far_context_is_folded_and_can_be_unfolded() {
    let mut diff = diff(&numbered(40, &[]), &numbered(40, &[20]), &[(20..21, 20..21)]);
    assert_eq!(diff.rows()[0], Row::Folded { lines: 17 });
    assert_eq!(diff.rows().len(), 1 + 3 + 1 + 2 + 3 + 1);
    diff.set_layout(Layout { side_by_side: false, unfolded: true });
    assert_eq!(diff.rows().len(), 40 + 2);
}

#[test]
fn side_by_side_pairs_the_lines_of_a_hunk() {
    let mut diff = diff("a\nb\n", "x\n", &[(0..2, 0..1)]);
    assert_eq!(diff.rows().len(), 4);
    diff.set_layout(Layout { side_by_side: true, unfolded: false });
    let rows = [
        Row::Header { hunk: 0 },
        Row::Changed { hunk: 0, before: Some(0), after: Some(0), partner: None },
        Row::Changed { hunk: 0, before: Some(1), after: None, partner: None },
    ];
    assert_eq!(diff.rows(), rows);
}

#[test]
fn stepping_shows_each_hunk_and_stops_at_the_last() {
    let hunks = [(2..3, 2..3), (30..31, 30..31)];
    let mut diff = diff(&numbered(40, &[]), &numbered(40, &[2, 30]), &hunks);
    diff.step_hunk(true);
    assert_eq!((diff.hunk, diff.rows()[diff.top]), (1, Row::Header { hunk: 1 }));
    diff.step_hunk(true);
    assert_eq!(diff.hunk, 1);
    diff.step_hunk(false);
    assert_eq!(diff.hunk, 0);
}

#[test]
fn a_binary_side_has_no_rows() {
    let diff = diff("a\0b", "a\0c", &[(0..1, 0..1)]);
    assert!(diff.is_binary() && diff.rows().is_empty());
}

#[test]
fn new_deleted_and_unended_files_have_the_right_lines() {
    let made = diff("", "a\nb", &[(0..0, 0..2)]);
    assert_eq!(made.rows().len(), 3);
    assert_eq!(made.after.line(1), ("b".to_owned(), false));
    let gone = diff("a\n", "", &[(0..1, 0..0)]);
    assert_eq!(gone.rows().len(), 2);
    assert_eq!(gone.before.lines(), 1);
}
