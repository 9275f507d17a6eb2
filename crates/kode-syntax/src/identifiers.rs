//! What may be a name in a language. The words are in `keywords.txt`.

use crate::Language;

const KEYWORDS: &str = include_str!("keywords.txt");

/// Whether `text` can name a variable: shaped like an identifier and no keyword.
/// A PHP name is given without its `$`.
pub fn is_identifier(language: Language, text: &str) -> bool {
    is_shaped_like_a_name(language, text) && !is_keyword(language, text)
}

/// Whether `text` is a word the language keeps for itself.
pub fn is_keyword(language: Language, text: &str) -> bool {
    let section = match language {
        Language::Tsx => Language::TypeScript.name(),
        other => other.name(),
    };
    KEYWORDS
        .lines()
        .filter_map(|line| line.split_once(": "))
        .any(|(name, words)| name == section && words.split(' ').any(|word| word == text))
}

fn is_shaped_like_a_name(language: Language, text: &str) -> bool {
    let dollar = matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java
    );
    let letter = |c: char| c.is_alphabetic() || c == '_' || (dollar && c == '$');
    let rest = |c: char| letter(c) || c.is_alphanumeric();
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    // A capital would make a Ruby constant.
    let fits = letter(first) && !(language == Language::Ruby && first.is_uppercase());
    fits && characters.all(rest) && text != "_"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_no_names() {
        for (language, word) in [
            (Language::JavaScript, "class"),
            (Language::Tsx, "await"),
            (Language::Python, "None"),
            (Language::Go, "func"),
            (Language::Rust, "fn"),
            (Language::Java, "class"),
            (Language::CSharp, "string"),
            (Language::Php, "this"),
            (Language::Ruby, "end"),
            (Language::C, "while"),
            (Language::Cpp, "namespace"),
        ] {
            assert!(!is_identifier(language, word), "{word}");
            assert!(is_identifier(language, "renamed_local"));
        }
    }

    #[test]
    fn shapes_differ_by_language() {
        assert!(is_identifier(Language::JavaScript, "$x"));
        assert!(!is_identifier(Language::Python, "$x"));
        assert!(!is_identifier(Language::Ruby, "Konstante"));
        assert!(is_identifier(Language::Python, "größe"));
        for bad in ["", "1a", "a b", "a-b", "a.b", "_", "a\n"] {
            assert!(!is_identifier(Language::Go, bad), "{bad:?}");
        }
    }
}
