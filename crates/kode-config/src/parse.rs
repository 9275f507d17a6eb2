//! Bytes to a typed file, or an error with line and column. Strict JSON plus
//! comments and trailing commas; nothing looser.

use std::path::Path;
use std::sync::LazyLock;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_path_to_error::Segment;

use crate::ConfigError;
use crate::file::{ConfigFile, schema};
use crate::keys;

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(schema);

/// Parses one file's bytes; `path` is for the error. An empty file says
/// nothing.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<ConfigFile, ConfigError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        ConfigError::at(path, &valid, valid.len(), "this is not UTF-8; save the file as UTF-8")
    })?;
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let syntax = |error: &jsonc_parser::errors::ParseError| {
        ConfigError::at(path, text, error.range().start, sentence(error.kind()))
    };
    let tree =
        parse_to_ast(text, &CollectOptions::default(), &OPTIONS).map_err(|error| syntax(&error))?;
    let Some(tree) = tree.value else { return Ok(ConfigFile::default()) };
    keys::check(&tree, &SCHEMA)
        .map_err(|error| ConfigError::at(path, text, error.offset, error.message))?;
    let json = serde_json::Value::from(tree.clone());
    serde_path_to_error::deserialize(json).map_err(|error| {
        let offset = locate(&tree, error.path());
        ConfigError::at(path, text, offset, error.into_inner().to_string())
    })
}

/// The parser's words with a remedy where they alone don't say one.
fn sentence(kind: &ParseErrorKind) -> String {
    match kind {
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            "strings and keys stand in double quotes".to_owned()
        }
        other => format!("this is not JSON with comments: {other}"),
    }
}

/// The byte where the value at `path` begins; where the path leaves the tree,
/// the innermost value that holds it.
fn locate(tree: &Value<'_>, path: &serde_path_to_error::Path) -> usize {
    let mut here = tree;
    for segment in path {
        let next = match (segment, here) {
            (Segment::Map { key }, Value::Object(object)) => {
                object.get(key).map(|property| &property.value)
            }
            (Segment::Seq { index }, Value::Array(array)) => array.elements.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        here = next;
    }
    here.range().start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("kode.json"), text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn comments_trailing_commas_and_an_empty_file_are_read() {
        let text = "// note\n{ \"model\": \"m\", /* more */ \"checks\": [\"cargo test\",], }";
        let file = parse(Path::new("kode.json"), text.as_bytes()).unwrap();
        assert_eq!(file.model.unwrap().into_string(), "m");
        assert_eq!(file.checks.unwrap().len(), 1);
        assert!(parse(Path::new("kode.json"), b"").unwrap().model.is_none());
        assert!(parse(Path::new("kode.json"), "\u{feff}{}".as_bytes()).is_ok());
    }

    #[test]
    fn unknown_keys_are_errors_with_place_and_suggestion() {
        assert_eq!(
            error("{\n  \"modle\": \"m\"\n}"),
            "kode.json:2:3: unknown key `modle`; did you mean `model`?"
        );
        assert_eq!(
            error("{ \"dangerous\": { \"classes\": { \"instal\": \"deny\" } } }"),
            "kode.json:1:31: unknown key `instal`; did you mean `install`?"
        );
        assert_eq!(
            error("{ \"dangerous\": { \"rules\": [{ \"nam\": 1 }] } }"),
            "kode.json:1:30: unknown key `nam`; did you mean `name`?"
        );
    }

    #[test]
    fn unknown_words_are_errors_with_a_suggestion() {
        assert_eq!(
            error("{ \"dangerous\": { \"classes\": { \"install\": \"alow\" } } }"),
            "kode.json:1:42: unknown value `alow`; did you mean `allow`?"
        );
        assert!(error("{ \"provider\": \"azure\" }").contains("known are openai, anthropic"));
    }

    #[test]
    fn refuse_is_not_a_class_action() {
        assert!(error("{\"dangerous\":{\"classes\":{\"safe\":\"refuse\"}}}").contains("`refuse`"));
    }

    #[test]
    fn a_key_written_twice_is_an_error() {
        assert!(error("{\"dangerous\":{\"denylist\":[\"a\"],\"denylist\":[]}}").contains("twice"));
        assert!(error("{\"model\":\"a\",\"\\u006dodel\":\"b\"}").contains("twice"));
    }

    #[test]
    fn wrong_types_and_values_name_their_place() {
        assert!(error("{\n \"max_iterations\": \"ten\"}").starts_with("kode.json:2:20: "));
        assert!(error("{\n \"max_iterations\": 0}").starts_with("kode.json:2:20: "));
        assert!(error("{\n \"checks\": [\"a\",\n \"\"]}").starts_with("kode.json:3:2: "));
        assert!(error("{\"sandbox\":{\"network\":{\"allow\":[\"https://x\"]}}}").contains("1:33"));
    }

    #[test]
    fn broken_syntax_names_its_place() {
        for (text, place) in [
            ("{", "1:1"),
            ("{\n 'model': \"m\"}", "2:2"),
            ("{ \"model\" \"m\" }", "1:"),
            ("{} {}", "1:4"),
            ("[\"a\", \"b\"]", "1:1"),
            ("{\"dangerous\": [\"allow\"]}", "1:15"),
        ] {
            assert!(error(text).contains(place), "{text}: {}", error(text));
        }
        let bytes = b"{\n \"model\": \"\xff\"}";
        let shown = parse(Path::new("k"), bytes).unwrap_err().to_string();
        assert!(shown.starts_with("k:2:12: "), "{shown}");
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        assert!(error(&"[".repeat(100_000)).contains("depth"));
        assert!(error(&"{\"a\":".repeat(100_000)).contains("depth"));
    }

    const SAMPLE: &str = "{ \"model\": \"m\", // note\n \"dangerous\": { \"classes\": { \"install\": \
                          \"deny\" }, \"rules\": [{ \"name\": \"r\", \"command\": [\"ls\", \"**\"], \
                          \"action\": \"deny\" }] }, \"max_iterations\": 3, }";

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_crash_and_every_error_names_a_place(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
            at in 0..SAMPLE.len(), cut in 0..8_usize,
        ) {
            let mut damaged = SAMPLE.as_bytes().to_vec();
            let end = (at + cut).min(damaged.len());
            damaged.splice(at..end, bytes.iter().copied());
            for text in [&bytes, &damaged] {
                if let Err(error) = parse(Path::new("kode.json"), text) {
                    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
                    proptest::prop_assert!((1..=lines).contains(&error.line));
                    proptest::prop_assert!(error.column >= 1 && !error.message.is_empty());
                }
            }
        }
    }
}
