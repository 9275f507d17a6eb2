//! Properties over generated files.

use kode_edit::{ExactEdit, Operation, apply, apply_in_project, diff, edit};
use proptest::prelude::*;

use crate::files::{Files, at};

/// Lines of a text file with any line endings and perhaps no last one.
fn text() -> impl Strategy<Value = String> {
    let line = "[a-c é\t]{0,6}";
    let ending = prop_oneof![Just("\n"), Just("\r\n")];
    (prop::collection::vec((line, ending), 1..12), "[a-c]{0,3}").prop_map(|(lines, last)| {
        let mut text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        text.push_str(&last);
        text
    })
}

fn exact(old: &str, new: &str) -> ExactEdit {
    ExactEdit { old: old.to_owned(), new: new.to_owned(), all: false, expect_count: None }
}

/// A function whose variables are `names`, in an order that makes scopes nest.
fn program(names: &[String]) -> String {
    let mut source = String::from("function outer(seed) {\n  let total = seed;\n");
    for name in names {
        source.push_str(&format!(
            "  for (let {name} = 0; {name} < seed; {name}++) {{\n    \
             const inner = o.{name} + {name}; // {name}\n    \
             total += ((x) => x + {name} + inner)('{name}');\n  }}\n"
        ));
    }
    source.push_str("  return { total, seed: seed.total };\n}\n");
    source
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_edit_changes_nothing_but_its_place(
        before in prop::collection::vec(any::<u8>(), 0..200),
        after in prop::collection::vec(any::<u8>(), 0..200),
        new in "[a-z\n]{0,20}",
    ) {
        let mut file = before.clone();
        file.extend_from_slice(b"<<MARK>>");
        file.extend_from_slice(&after);
        match edit(&at("a.bin"), &file, &exact("<<MARK>>", &new)) {
            Ok(edited) => {
                prop_assert!(edited.starts_with(&before));
                prop_assert!(edited.ends_with(&after));
            }
            // Refused only for what the guards name: shrinking to less than half.
            Err(refusal) => prop_assert!(refusal.0.contains("shrink"), "{}", refusal),
        }
    }

    #[test]
    fn an_edit_and_its_inverse_are_the_identity(text in text(), new in "[x-z]{1,9}") {
        let file = format!("{text}old{text}");
        let there = edit(&at("a.txt"), file.as_bytes(), &exact("old", &new));
        let there = there.unwrap();
        let back = edit(&at("a.txt"), &there, &exact(&new, "old")).unwrap();
        prop_assert_eq!(back, file.into_bytes());
    }

    #[test]
    fn crlf_files_are_edited_as_lf_files_are(text in text(), new in "[x-z\n]{1,9}") {
        let lf = format!("{0}\nold\n{0}\n", text.replace("\r\n", "\n"));
        let crlf = lf.replace('\n', "\r\n");
        let request = exact("\nold\n", &format!("\n{new}\n"));
        let plain = edit(&at("a.txt"), lf.as_bytes(), &request).unwrap();
        let dos = edit(&at("a.txt"), crlf.as_bytes(), &request).unwrap();
        prop_assert_eq!(String::from_utf8(plain).unwrap().replace('\n', "\r\n").into_bytes(), dos);
    }

    #[test]
    fn a_diff_applied_gives_the_new_text(before in text(), after in text()) {
        // A unified diff has no way to say which ending a line of an LF text gets.
        let (before, after) = (before.replace("\r\n", "\n"), after.replace("\r\n", "\n"));
        prop_assume!(before != after && !before.is_empty() && !after.is_empty());
        let mut files = Files::of(&[("a.txt", before.as_bytes())]);
        let shown = diff(&at("a.txt"), Some(before.as_bytes()), Some(after.as_bytes()));
        #[expect(clippy::disallowed_methods, reason = "the test applies the diff")]
        let patch = shown.unified.expose().clone();
        match apply_in_project(&Operation::ApplyPatch { patch: patch.clone() }, &files) {
            Ok(changes) => {
                files.write(changes);
                prop_assert_eq!(&files.0[&at("a.txt")], after.as_bytes(), "{}", patch);
            }
            Err(refusal) => prop_assert!(refusal.0.contains("shrink"), "{}\n{}", refusal, patch),
        }
    }

    #[test]
    fn a_rename_there_and_back_is_the_identity(
        names in prop::collection::vec("[i-n]{1,2}", 1..4),
        pick in any::<prop::sample::Index>(),
    ) {
        let source = program(&names);
        prop_assume!(!names.iter().any(|name| matches!(name.as_str(), "if" | "in" | "o" | "x")));
        let line = 3 + 4 * pick.index(names.len());
        let rename = |to: &str| Operation::Rename {
            path: at("a.js"),
            line,
            column: 12,
            name: None,
            new_name: to.to_owned(),
        };
        let there = apply(&rename("fresh"), Some(source.as_bytes())).unwrap();
        prop_assert!(there != source.as_bytes());
        let name = &names[pick.index(names.len())];
        let back = apply(&rename(name), Some(&there)).unwrap();
        prop_assert_eq!(String::from_utf8(back).unwrap(), source);
    }

    #[test]
    fn no_operation_panics_on_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        extension in prop::sample::select(vec![
            "js", "ts", "tsx", "py", "go", "rs", "java", "cs", "php", "rb", "c", "cpp", "txt",
        ]),
        line in 0usize..6,
        column in 0usize..40,
    ) {
        let path = at(&format!("a.{extension}"));
        let operations = [
            Operation::Rename { path: path.clone(), line, column, name: None, new_name: "z".into() },
            Operation::ReplaceBody { path: path.clone(), symbol: "f".into(), body: "{}".into() },
            Operation::InsertAfter { path: path.clone(), symbol: "f".into(), code: "x".into() },
            Operation::Edit { path, old: "a".into(), new: "b".into(), all: true, expect_count: None },
        ];
        for operation in operations {
            let _ = apply(&operation, Some(&bytes));
        }
    }
}
