use super::*;

fn apply(name: &str, before: &[u8], old: &str, new: &str) -> Result<Vec<u8>, EditRefusal> {
    let request = ExactEdit { old: old.into(), new: new.into(), all: false, expect_count: None };
    edit(&ProjectPath::new(name).unwrap(), before, &request)
}

#[test]
fn crlf_files_keep_crlf_and_lf_text_matches() {
    let after = apply("a.txt", b"one\r\ntwo\r\nthree\r\n", "one\ntwo\n", "one\nnew\ntwo\n");
    assert_eq!(after.unwrap(), b"one\r\nnew\r\ntwo\r\nthree\r\n");
}

#[test]
fn mixed_endings_survive_on_unchanged_lines() {
    let after = apply("a.txt", b"a\r\nb\nc\r\nd\n", "a\nb\nc\nd", "a\nb\nX\nd");
    assert_eq!(after.unwrap(), b"a\r\nb\nX\r\nd\n");
}

#[test]
fn bytes_that_are_not_utf8_stay_as_they_are() {
    let after = apply("a.txt", b"caf\xe9 one\ntwo\n", "two", "2");
    assert_eq!(after.unwrap(), b"caf\xe9 one\n2\n");
    let refusal = apply("a.txt", b"caf\xe9 one\ntwo\n", "two", "zw\u{f6}lf").unwrap_err();
    assert!(refusal.0.contains("not UTF-8"), "{refusal}");
}

#[test]
fn bom_and_missing_final_newline_stay() {
    let after = apply("a.py", b"\xef\xbb\xbfx = 1\ny = 2", "x = 1", "x = 3");
    assert_eq!(after.unwrap(), b"\xef\xbb\xbfx = 3\ny = 2");
}

#[test]
fn an_ambiguous_match_names_its_lines() {
    let refusal = apply("a.txt", b"x\ny\nx\n", "x", "z").unwrap_err();
    assert!(refusal.0.contains("2 times") && refusal.0.contains("1, 3"), "{refusal}");
}

#[test]
fn text_overlapping_itself_is_ambiguous() {
    assert!(apply("a.txt", b"aaa", "aa", "b").is_err());
}

#[test]
fn expect_count_is_held_to() {
    let path = ProjectPath::new("a.txt").unwrap();
    let request =
        |all, expect_count| ExactEdit { old: "x".into(), new: "z".into(), all, expect_count };
    assert!(edit(&path, b"x x", &request(true, Some(3))).is_err());
    assert_eq!(edit(&path, b"x x", &request(true, Some(2))).unwrap(), b"z z");
    assert_eq!(edit(&path, b"x x", &request(false, Some(2))).unwrap(), b"z z");
}

#[test]
fn a_curly_quote_is_shown_and_not_matched() {
    let refusal =
        apply("a.txt", "say \u{2019}hello\u{2019} now\n".as_bytes(), "say 'hello' now", "x")
            .unwrap_err();
    assert!(refusal.0.contains("U+2019") && refusal.0.contains("U+0027"), "{refusal}");
}

#[test]
fn tabs_against_spaces_are_made_visible() {
    let refusal =
        apply("a.go", b"func f() {\n\treturn\n}\n", "func f() {\n    return\n}", "x").unwrap_err();
    assert!(refusal.0.contains('→'), "{refusal}");
}

#[test]
fn a_new_syntax_error_is_refused() {
    let refusal = apply("a.py", b"if x:\n    y = 1\n", "if x:", "if x").unwrap_err();
    assert!(refusal.0.contains("syntax"), "{refusal}");
}

#[test]
fn a_broken_file_may_be_mended_but_not_made_worse() {
    let broken = b"def f(:\n    pass\n\ndef g():\n    return [1]\n";
    assert!(apply("a.py", broken, "def f(:", "def f():").is_ok());
    assert!(apply("a.py", broken, "[1]", "[1").is_err());
}

#[test]
fn swallowing_a_definition_in_a_comment_is_refused() {
    let source = b"int a(void) { return 1; }\n/* two */\nint b(void) { return 2; }\n/* three */\n";
    let refusal = apply("a.c", source, "/* two */", "/* two").unwrap_err();
    assert!(refusal.0.contains('b'), "{refusal}");
}

#[test]
fn a_near_miss_is_named_by_its_code_points_and_not_applied() {
    for (text, old, shown) in [
        ("x\u{a0}= 1\n", "x = 1", "U+00A0"),
        ("a\u{200b}b = 1\n", "ab = 1", "U+200B"),
        ("say caf\u{e9} now\n", "cafe\u{301}", "U+00E9"),
        ("cafe\u{301}\n", "caf\u{e9}", "U+0065"),
        ("f\u{ff08}1)\n", "f(1)", "U+FF08"),
        ("long line with don\u{2019}t in it\n", "don't", "U+2019"),
        ("p\u{430}ss = 1\n", "pass = 1", "U+0430"),
    ] {
        let request =
            ExactEdit { old: old.into(), new: "y".into(), all: false, expect_count: None };
        let path = ProjectPath::new("a.txt").unwrap();
        let refusal = edit(&path, text.as_bytes(), &request).unwrap_err();
        assert!(refusal.0.contains(shown), "{refusal}");
    }
}

#[test]
fn repeated_lines_are_refused_as_fast_as_others() {
    let started = std::time::Instant::now();
    let text = "a\n".repeat(200_000);
    let overlapping =
        ExactEdit { old: "a\n".repeat(50_000), new: "b".to_owned(), all: true, expect_count: None };
    let path = ProjectPath::new("a.txt").unwrap();
    let refusal = edit(&path, text.as_bytes(), &overlapping).unwrap_err();
    assert!(refusal.0.contains("overlaps itself"), "{refusal}");
    let line = "x,".repeat(300_000);
    let all = ExactEdit { old: ",".to_owned(), new: ";\n".to_owned(), ..overlapping };
    assert_eq!(edit(&path, line.as_bytes(), &all).unwrap().len(), 900_000);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn the_mark_of_a_file_stays_when_it_is_quoted() {
    let before = "\u{feff}one\r\ntwo\r\n".as_bytes();
    let after = apply("a.txt", before, "\u{feff}one\ntwo", "1\n2").unwrap();
    assert_eq!(after, "\u{feff}1\r\n2\r\n".as_bytes());
    let after = apply("a.txt", before, "\u{feff}one", "\u{feff}1").unwrap();
    assert_eq!(after, "\u{feff}1\r\ntwo\r\n".as_bytes());
    assert!(apply("a.txt", before, "\u{feff}one", "one").unwrap_err().0.contains("keeps"));
    // In the middle it is a character like any other.
    let after = apply("a.txt", "one\u{feff}two\n".as_bytes(), "\u{feff}two", "two").unwrap();
    assert_eq!(after, b"onetwo\n");
}

#[test]
fn no_carriage_return_is_doubled() {
    let before = b"one\r\ntwo\r\n";
    assert!(apply("a.txt", before, "one", "1\r").unwrap_err().0.contains("carriage return"));
    assert_eq!(apply("a.txt", before, "one\n", "1\r\n").unwrap(), b"1\r\ntwo\r\n");
    assert_eq!(apply("a.txt", b"one two\n", "one", "1\r").unwrap(), b"1\r two\n");
}

#[test]
fn a_nul_byte_anywhere_is_refused() {
    let mut before = b"one\n".repeat(10_000);
    before.extend(b"two\0three\n");
    let path = ProjectPath::new("a.txt").unwrap();
    let operation = crate::Operation::Edit {
        path,
        old: "two".to_owned(),
        new: "2".to_owned(),
        all: false,
        expect_count: None,
    };
    assert!(crate::apply(&operation, Some(&before)).unwrap_err().0.contains("NUL"));
}
