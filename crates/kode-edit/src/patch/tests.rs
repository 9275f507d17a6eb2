use std::collections::BTreeMap;

use super::*;

struct Files(BTreeMap<String, Vec<u8>>);

impl Project for Files {
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal> {
        Ok(self.0.get(path.as_str()).cloned())
    }

    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal> {
        Ok(self.0.keys().map(|name| ProjectPath::new(name).unwrap()).collect())
    }
}

fn run(files: &[(&str, &str)], patch: &str) -> Result<Vec<(String, Option<String>)>, EditRefusal> {
    let files = Files(
        files.iter().map(|(name, text)| ((*name).into(), text.as_bytes().to_vec())).collect(),
    );
    Ok(apply(patch, &files)?
        .into_iter()
        .map(|change| {
            let after = change.after.map(|bytes| String::from_utf8(bytes).unwrap());
            (change.path.as_str().to_owned(), after)
        })
        .collect())
}

#[test]
fn v4a_updates_adds_moves_and_deletes() {
    let files = [
        ("a.py", "class A:\n    def f(self):\n        x = 1\n        return x\n"),
        ("b.txt", "b\n"),
    ];
    let patch = "*** Begin Patch\n*** Update File: a.py\n*** Move to: c.py\n@@ class A:\n@@     def f(self):\n-        x = 1\n+        x = 2\n         return x\n*** Add File: n.txt\n+one\n+two\n*** Delete File: b.txt\n*** End Patch\n";
    let changes = run(&files, patch).unwrap();
    assert_eq!(
        changes,
        [
            ("a.py".into(), None),
            (
                "c.py".into(),
                Some("class A:\n    def f(self):\n        x = 2\n        return x\n".into())
            ),
            ("n.txt".into(), Some("one\ntwo\n".into())),
            ("b.txt".into(), None),
        ]
    );
}

#[test]
fn one_bad_hunk_stops_the_whole_patch() {
    let patch = "*** Begin Patch\n*** Update File: a.txt\n-a\n+A\n*** Update File: b.txt\n-nope\n+x\n*** End Patch";
    assert!(run(&[("a.txt", "a\n"), ("b.txt", "b\n")], patch).is_err());
}

#[test]
fn ambiguous_context_is_refused_unless_a_line_says_where() {
    let text = "x\ny\nx\ny\n";
    let patch = "*** Begin Patch\n*** Update File: a.txt\n x\n-y\n+z\n*** End Patch";
    assert!(run(&[("a.txt", text)], patch).unwrap_err().0.contains("2 times"));
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -3,2 +3,2 @@\n x\n-y\n+z\n";
    assert_eq!(run(&[("a.txt", text)], patch).unwrap()[0].1.as_deref(), Some("x\ny\nx\nz\n"));
}

#[test]
fn a_unified_diff_keeps_crlf_bom_and_missing_newline() {
    let text = "\u{feff}a\r\nb\r\nc";
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+B2\n c\n\\ No newline at end of file\n";
    assert_eq!(
        run(&[("a.txt", text)], patch).unwrap()[0].1.as_deref(),
        Some("\u{feff}a\r\nB\r\nB2\r\nc")
    );
}

#[test]
fn the_final_newline_follows_the_patch() {
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n";
    assert_eq!(run(&[("a.txt", "a")], patch).unwrap()[0].1.as_deref(), Some("b\n"));
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n";
    assert_eq!(run(&[("a.txt", "a\n")], patch).unwrap()[0].1.as_deref(), Some("b"));
}

#[test]
fn new_files_and_deletions_in_unified_form() {
    let patch = "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1,2 @@\n+a\n+b\n--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-o\n";
    assert_eq!(
        run(&[("o", "o\n")], patch).unwrap(),
        [("n".into(), Some("a\nb\n".into())), ("o".into(), None)]
    );
}

#[test]
fn insertions_without_context_follow_the_numbers() {
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,0 +2 @@\n+new\n";
    assert_eq!(run(&[("a.txt", "1\n2\n")], patch).unwrap()[0].1.as_deref(), Some("1\nnew\n2\n"));
}

#[test]
fn bad_patches_are_refused() {
    for patch in [
        "",
        "hello",
        "*** Begin Patch\n*** Update File: a.txt\n-a\n+b\n",
        "*** Begin Patch\n*** Update File: ../x\n-a\n+b\n*** End Patch",
        "*** Begin Patch\n*** Add File: a.txt\n+b\n*** End Patch",
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-a\n+b\n",
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-zzz\n+b\n",
    ] {
        assert!(run(&[("a.txt", "a\n")], patch).is_err(), "{patch}");
    }
}

/// The text of the one file after the patch.
fn one(text: &str, patch: &str) -> Result<String, EditRefusal> {
    let name = if patch.contains("a.py") { "a.py" } else { "a.txt" };
    let mut changes = run(&[(name, text)], patch)?;
    assert_eq!(changes.len(), 1);
    Ok(changes.remove(0).1.unwrap())
}

/// A unified diff of `a.txt`.
fn unified(hunks: &str) -> String {
    format!("--- a/a.txt\n+++ b/a.txt\n{hunks}")
}

fn envelope(lines: &str) -> String {
    format!("*** Begin Patch\n*** Update File: a.py\n{lines}*** End Patch\n")
}

#[test]
fn wrong_counts_are_forgiven_where_nothing_can_be_lost() {
    let hunk = " b\n-c\n+C\n d\n";
    for header in ["@@ -2,2 +2,2 @@", "@@ -2 +2 @@", "@@", "@@ @@", "@@ ... @@", "@@ fn f() @@"] {
        let patch = unified(&format!("{header}\n{hunk}"));
        assert_eq!(one("a\nb\nc\nd\n", &patch).unwrap(), "a\nb\nC\nd\n", "{header}");
    }
    // Lines beyond the counts are part of the hunk, not silently dropped.
    assert_eq!(
        one("a\nb\nc\n", &unified("@@ -1 +1 @@\n-a\n+A\n b\n-c\n+C\n")).unwrap(),
        "A\nb\nC\n"
    );
    assert!(one("a\nb\nc\nd\n", &unified(&format!("@@ -2,9 +2,9 @@\n{hunk}"))).is_err());
    assert!(one("a\nb\nc\n", &unified("@@ -1,3 +1,3 @@\n a\n-b\n")).is_err());
}

#[test]
fn blank_context_may_have_lost_its_space_or_itself() {
    assert_eq!(
        one("a\n\nb\n\nc\n", &unified("@@ -1,5 +1,5 @@\n a\n\n-b\n+B\n\n c\n")).unwrap(),
        "a\n\nB\n\nc\n"
    );
    assert_eq!(
        one("a\nb\n\nc\n", &unified("@@ -1,3 +1,3 @@\n a\n-b\n+B\n")).unwrap(),
        "a\nB\n\nc\n"
    );
    assert_eq!(
        one("a = 1\nb = 2\n", &envelope("\n@@\n a = 1\n-b = 2\n+b = 3\n\n")).unwrap(),
        "a = 1\nb = 3\n"
    );
}

#[test]
fn a_replaced_line_keeps_its_own_ending_and_the_file_its_mark() {
    let patch = unified("@@ -1,4 +1,4 @@\n a\n-b\n+B\n c\n d\n");
    assert_eq!(one("a\r\nb\nc\r\nd\n", &patch).unwrap(), "a\r\nB\nc\r\nd\n");
    assert_eq!(
        one("\u{feff}a\nb\n", &unified("@@ -1,2 +1,2 @@\n-a\n+A\n b\n")).unwrap(),
        "\u{feff}A\nb\n"
    );
    assert_eq!(one("\u{feff}a\n", &unified("@@ -0,0 +1 @@\n+0\n")).unwrap(), "\u{feff}0\na\n");
    // Below a context line the mark says nothing new.
    let patch = unified("@@ -1,2 +1,2 @@\n-a\n+A\n b\n\\ No newline at end of file\n");
    assert_eq!(one("a\nb\n", &patch).unwrap(), "A\nb\n");
}

#[test]
fn utf_16_is_patched_as_text() {
    let wide = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let files = Files([("a.txt".to_owned(), wide("a\r\nb\r\n"))].into());
    let changes = apply(&unified("@@ -1,2 +1,2 @@\n a\n-b\n+日\n"), &files).unwrap();
    assert_eq!(changes[0].after, Some(wide("a\r\n日\r\n")));
}

#[test]
fn gits_headers_alone_make_empty_files_and_move_or_copy_whole_ones() {
    let files = [("o", "a\n"), ("e", "")];
    let done = |patch: &str| run(&files, patch);
    let kept = Some("a\n".to_owned());
    assert_eq!(
        done("diff --git a/n b/n\nnew file mode 100644\n").unwrap(),
        [("n".into(), Some(String::new()))]
    );
    assert_eq!(
        done("diff --git a/e b/e\ndeleted file mode 100644\n").unwrap(),
        [("e".into(), None)]
    );
    assert_eq!(
        done("diff --git a/o b/d/n\nrename from o\nrename to d/n\n").unwrap(),
        [("o".into(), None), ("d/n".into(), kept.clone())]
    );
    assert_eq!(done("diff --git a/o b/n\ncopy from o\ncopy to n\n").unwrap(), [("n".into(), kept)]);
    for refused in [
        "diff --git a/o b/e\nrename from o\nrename to e\n",
        "diff --git a/o b/o\nold mode 100644\nnew mode 100755\n",
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/x\n",
        "diff --git a/o b/o\ndeleted file mode 100644\n",
        "--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-other\n",
    ] {
        assert!(done(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_folder_named_a_is_told_from_gits_prefix() {
    let hunk = "@@ -1 +1 @@\n-x\n+y\n";
    for (name, header) in [
        ("a/f", "--- a/f\n+++ a/f\n"),
        ("a/f", "--- a/a/f\n+++ b/a/f\n"),
        ("f", "--- a/f\n+++ b/f\n"),
        ("b/f", "--- b/f\n+++ b/f\n"),
    ] {
        let changes = run(&[(name, "x\n")], &format!("{header}{hunk}")).unwrap();
        assert_eq!(changes, [(name.to_owned(), Some("y\n".to_owned()))], "{header}");
    }
}

#[test]
fn anchors_open_a_block_and_the_context_is_sought_inside() {
    let text = "class A(B):\n    def f(self):\n        x = 1\n\n    def g(self):\n        x = 1\n\n\nclass C:\n    def g(self):\n        x = 1\n";
    let hunk = "-        x = 1\n+        x = 2\n";
    for (anchors, line) in [
        ("@@ class A(B):\n@@     def g(self):\n", 5),
        ("@@ class A\n@@ def g\n", 5),
        ("@@ class C:\n", 10),
        ("@@ def f(self):\n", 2),
    ] {
        let after = one(text, &envelope(&format!("{anchors}{hunk}"))).unwrap();
        assert_eq!(after.lines().nth(line), Some("        x = 2"), "{anchors}");
        assert_eq!(after.matches("x = 2").count(), 1);
    }
    for ambiguous in ["@@ class A(B):\n", "@@ def g(self):\n", "@@ class D:\n", ""] {
        assert!(one(text, &envelope(&format!("{ambiguous}{hunk}"))).is_err(), "{ambiguous}");
    }
    // The anchor may be the first line of the context, and be said again.
    let again = "@@ class C:\n@@ def g(self):\n     def g(self):\n-        x = 1\n+        x = 2\n";
    assert!(one(text, &envelope(again)).is_ok());
}

#[test]
fn what_stands_around_the_envelope_is_not_read() {
    let inner = envelope("-a = 1\n+a = 2\n");
    for text in [
        format!("```\n{inner}```\n"),
        format!("apply_patch <<'EOF'\n{inner}EOF\n"),
        inner.replace('\n', "\r\n"),
        envelope("@@ -7,1 +7,1 @@\n-a = 1\n+a = 2\n"),
    ] {
        assert_eq!(one("a = 1\n", &text).unwrap(), "a = 2\n", "{text}");
    }
}

#[test]
fn every_envelope_is_applied_and_nothing_below_one_is_dropped() {
    let files = [("a.txt", "a\n"), ("b.txt", "b\n")];
    let one = "*** Begin Patch\n*** Update File: a.txt\n-a\n+A\n*** End Patch\n";
    let two = "*** Begin Patch\n*** Update File: b.txt\n-b\n+B\n*** End Patch\n";
    for between in ["", "\n", "  \n\n"] {
        let changes = run(&files, &format!("{one}{between}{two}")).unwrap();
        let both = [("a.txt".into(), Some("A\n".into())), ("b.txt".into(), Some("B\n".into()))];
        assert_eq!(changes, both);
    }
    let bad = two.replace("-b", "-nope");
    assert!(run(&files, &format!("{one}{bad}")).is_err(), "all or nothing");
    for rest in ["and so on\n", "*** Begin Patch\n", "--- a/b.txt\n+++ b/b.txt\n", "EOF\n"] {
        assert!(run(&files, &format!("{one}{rest}")).is_err(), "{rest}");
    }
    let diff = "--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-b\n+B\n";
    assert!(run(&files, &format!("{diff}{one}")).is_err());
    for wrapped in [format!("apply_patch <<'EOF'\n{one}EOF\n"), format!("```diff\n{one}```\n")] {
        assert_eq!(run(&files, &wrapped).unwrap().len(), 1, "{wrapped}");
    }
}

#[test]
fn only_the_last_line_can_lack_its_newline() {
    let files = [("a.txt", "a\nb\nc\n")];
    let diff = |body: &str| format!("--- a/a.txt\n+++ b/a.txt\n{body}");
    let mark = "\\ No newline at end of file\n";
    for body in [
        format!("@@ -1,2 +1,2 @@\n a\n-b\n+B\n{mark}"),
        format!("@@ -1,2 +1,2 @@\n a\n-b\n{mark}+B\n"),
        format!("@@ -1,3 +1,3 @@\n a\n-b\n+B\n{mark} c\n"),
        format!("@@ -1,2 +1,2 @@\n-a\n+A\n b\n{mark}"),
        format!("@@ -3 +3 @@\n-c\n+C\n{mark}@@ -3,0 +4 @@\n+d\n"),
    ] {
        let refusal = run(&files, &diff(&body)).unwrap_err();
        assert!(refusal.0.contains("not the last"), "{body}: {refusal}");
    }
    let last = diff(&format!("@@ -3 +3,2 @@\n-c\n+C\n+d\n{mark}"));
    assert_eq!(run(&files, &last).unwrap()[0].1.as_deref(), Some("a\nb\nC\nd"));
    let new = format!("--- /dev/null\n+++ b/n.txt\n@@ -0,0 +1,2 @@\n+x\n{mark}+y\n");
    assert!(run(&files, &new).is_err());
}

#[test]
fn lines_without_context_do_not_go_past_the_end() {
    let files = [("a.txt", "a\nb\nc\n")];
    let diff = |line: usize| format!("--- a/a.txt\n+++ b/a.txt\n@@ -{line},0 +9,1 @@\n+x\n");
    for (line, after) in [(2, "a\nb\nx\nc\n"), (3, "a\nb\nc\nx\n"), (4, "a\nb\nc\nx\n")] {
        assert_eq!(run(&files, &diff(line)).unwrap()[0].1.as_deref(), Some(after));
    }
    for line in [5, 20, usize::MAX] {
        assert!(run(&files, &diff(line)).is_err(), "{line}");
    }
}

#[test]
fn tens_of_thousands_of_hunks_take_seconds() {
    const LINES: usize = 60_000;
    let started = std::time::Instant::now();
    let text: String = (0..LINES).map(|n| format!("line {n} foo\n")).collect();
    let v4a: String =
        (0..LINES).step_by(2).map(|n| format!("@@\n-line {n} foo\n+LINE {n}\n")).collect();
    let v4a = format!("*** Begin Patch\n*** Update File: a.txt\n{v4a}*** End Patch\n");
    let changes = run(&[("a.txt", &text)], &v4a).unwrap();
    assert!(changes[0].1.as_ref().unwrap().starts_with("LINE 0\nline 1 foo\nLINE 2\n"));
    // Equal lines, told apart by their numbers alone.
    let equal = "same\n".repeat(LINES);
    let numbered: String = (0..LINES)
        .step_by(2)
        .map(|n| format!("@@ -{} +{} @@\n-same\n+LINE {n}\n", n + 1, n + 1))
        .collect();
    let numbered = format!("--- a/a.txt\n+++ b/a.txt\n{numbered}");
    let changes = run(&[("a.txt", &equal)], &numbered).unwrap();
    assert!(changes[0].1.as_ref().unwrap().ends_with("same\nLINE 59998\nsame\n"));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn hunks_that_fit_everywhere_are_given_up_in_time() {
    let text = "{\n}\n".repeat(50_000);
    let hunks: String = (0..20_000).map(|_| "@@ x\n-{\n+(\n").collect();
    let patch = format!("*** Begin Patch\n*** Update File: a.txt\n{hunks}*** End Patch\n");
    let started = std::time::Instant::now();
    assert!(run(&[("a.txt", &text)], &patch).is_err());
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn a_file_changed_over_and_over_is_refused() {
    let rest = "and more of it ".repeat(200);
    let text: String = (0..1_000).map(|n| format!("line {n} {rest}\n")).collect();
    let section = |n: usize| format!("*** Update File: a.txt\n-line {n} {rest}\n+{n}\n");
    let patch = |count: usize| {
        let sections: String = (0..count).map(section).collect();
        format!("*** Begin Patch\n{sections}*** End Patch\n")
    };
    assert!(run(&[("a.txt", &text)], &patch(3)).is_ok());
    let refusal = run(&[("a.txt", &text)], &patch(100)).unwrap_err();
    assert!(refusal.0.contains("one section"), "{refusal}");
}

#[test]
fn thousands_of_hunks_below_anchors_are_found() {
    const CLASSES: usize = 1_500;
    let text: String = (0..CLASSES)
        .map(|n| format!("class C{n}:\n    def f(self):\n        return 1\n"))
        .collect();
    let hunks: String = (0..CLASSES)
        .map(|n| {
            format!("@@ class C{n}:\n@@     def f(self):\n-        return 1\n+        return 2\n")
        })
        .collect();
    let patch = format!("*** Begin Patch\n*** Update File: a.py\n{hunks}*** End Patch\n");
    let changes = run(&[("a.py", &text)], &patch).unwrap();
    assert_eq!(changes[0].1.as_deref(), Some(&*text.replace("return 1", "return 2")));
}
