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
