//! Every separator a shell's tools put between codes, and harmless texts.

use proptest::prelude::*;

use super::super::secret_forms::{base64, hexadecimal};
use super::*;

const SECRET: &str = "canary-9f8e7d6c5b4a-Zq";

fn forms() -> BrokenForms {
    BrokenForms::new([SECRET])
}

fn digits(between: &str) -> String {
    hexadecimal(SECRET.as_bytes(), between)
}

/// `text` in lines of `columns`.
fn wrapped(text: &str, columns: usize, newline: &str) -> String {
    let lines = text.as_bytes().chunks(columns).map(|line| String::from_utf8_lossy(line));
    lines.collect::<Vec<_>>().join(newline)
}

/// Sixteen bytes a line behind an offset and before the text, as `hexdump -C`.
fn dump(bytes: &[u8]) -> String {
    let line = |(at, line): (usize, &[u8])| {
        let text: String = line.iter().map(|byte| char::from(*byte)).collect();
        format!("{:08x}  {}  |{text}|\n", at * 16, hexadecimal(line, " "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[test]
fn hexadecimal_is_found_with_any_separator() {
    for between in ["", " ", ", ", ":", "-", "\n", "\\x", ", 0x", " 0X", "%", "', '", "' '\\x"] {
        let text = format!("x {between}{} y", digits(between));
        assert!(forms().is_in(text.as_bytes()), "{text}");
        assert!(forms().is_in(text.to_ascii_uppercase().as_bytes()), "{text}");
    }
    let backwards: String = digits("").chars().rev().collect();
    assert!(forms().is_in(wrapped(&backwards, 7, " ").as_bytes()));
}

#[test]
fn base64_is_found_in_lines_of_any_length_at_every_alignment() {
    for before in ["", "A", "AB", "API_KEY="] {
        let text = base64(format!("{before}{SECRET}\n").as_bytes());
        for columns in [1, 3, 8, 20, 76] {
            for newline in ["\n", "\r\n", " ", ".", "\",\n \""] {
                let text = wrapped(&text, columns, newline);
                assert!(forms().is_in(text.as_bytes()), "{text}");
                let backwards: String = text.chars().rev().collect();
                assert!(forms().is_in(backwards.as_bytes()), "{backwards}");
            }
        }
        assert!(forms().is_in(text.replace('+', "-").replace('/', "_").as_bytes()));
    }
}

#[test]
fn dumps_with_offsets_and_text_are_found() {
    for before in 0..16 {
        let bytes = [vec![b'#'; before], SECRET.as_bytes().to_vec()].concat();
        assert!(forms().is_in(dump(&bytes).as_bytes()), "{before}");
        let words: Vec<String> =
            bytes.chunks_exact(2).map(|pair| format!("{:02x}{:02x}", pair[1], pair[0])).collect();
        let lines = words.chunks(8).enumerate();
        let text: String =
            lines.map(|(at, line)| format!("{:07o} {}\n", at * 16, line.join(" "))).collect();
        assert!(forms().is_in(text.as_bytes()), "{text}");
    }
}

#[test]
fn the_whole_region_is_told_from_first_code_to_last() {
    let text = format!("see {} end", digits(" "));
    let regions = forms().regions(text.as_bytes());
    assert_eq!((regions.len(), &regions[0]), (1, &(4..text.len() - 4)));
    let listed = format!("[0x{}]", digits(", 0x"));
    let regions = forms().regions(listed.as_bytes());
    assert_eq!((regions.len(), &regions[0]), (1, &(3..listed.len() - 1)));
}

#[test]
fn harmless_texts_hold_nothing() {
    let numbered: String = (0..4000).map(|number| format!("{number:x} line {number}\n")).collect();
    let forms = BrokenForms::new([SECRET, "abcdefgh12345678"]);
    for text in [
        numbered.as_str(),
        include_str!("../redact.rs"),
        include_str!("../broken_forms.rs"),
        "61 62 63 64 65 66 67 68",
        "canary and 9f8e 7d6c apart",
        "",
    ] {
        assert!(forms.regions(text.as_bytes()).is_empty(), "{text:.40}");
    }
}

#[test]
fn without_secrets_nothing_is_found() {
    assert!(!BrokenForms::default().is_in(b"AAAAAAAAAAAAAAAAAAAA"));
    assert!(!BrokenForms::new(["short"]).is_in(b"73 68 6f 72 74"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_long_secret_is_found_between_any_separators(
        secret in "[A-Za-z0-9_/+.-]{12,60}",
        separators in proptest::collection::vec("[ ,.:;|\n\t\"'\\\\]{0,3}", 200),
        before in "[ -~]{0,5}",
    ) {
        prop_assume!(!is_run(secret.as_bytes()));
        let forms = BrokenForms::new([secret.as_str()]);
        let bytes = format!("{before}{secret}").into_bytes();
        for code in [base64(&bytes), hexadecimal(&bytes, "")] {
            let between = separators.iter().cycle();
            let text: String = code.chars().zip(between).map(|(c, s)| format!("{c}{s}")).collect();
            prop_assert!(forms.is_in(text.as_bytes()), "{}", text);
            let regions = forms.regions(text.as_bytes());
            prop_assert!(regions.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }

    #[test]
    fn arbitrary_text_is_searched_without_trouble(text in ".{0,200}") {
        for region in forms().regions(text.as_bytes()) {
            prop_assert!(text.get(region).is_some());
        }
    }
}
