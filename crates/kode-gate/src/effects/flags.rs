//! Known flags of commands that share one entry: `data/flags`, a readable file
//! per family, one command with its flags at a time. A command that is not
//! listed there has only the usual flags, under `*`.

use super::index::Index;
use super::table::Value;

static INDEX: Index = Index {
    text: include_str!(concat!(env!("OUT_DIR"), "/flags.txt")),
    places: &include!(concat!(env!("OUT_DIR"), "/flags.rs")),
};

/// A flag with what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownFlag {
    /// As it is written; a final `*` stands for every flag that begins so.
    pub(super) name: &'static str,
    /// What its value is.
    pub(super) value: Value,
    /// It runs or loads what it is given: a question.
    pub(super) runs: bool,
}

/// The flags `name` is known to have.
pub(super) fn known(name: &str) -> impl Iterator<Item = KnownFlag> {
    let listed = INDEX.find(name).or_else(|| INDEX.find("*"));
    let listed = listed.and_then(|number| INDEX.entry(number)).unwrap_or_default();
    listed.split_whitespace().map(read)
}

/// `-o=` takes a value, `=r` one that is read, `=x` one that is run, `-c?` may
/// take one, `!` is a question.
fn read(word: &'static str) -> KnownFlag {
    const MARKS: [(&str, Value, bool); 7] = [
        ("=!", Value::Opaque, true),
        ("=x", Value::Execute, false),
        ("=r", Value::Read, false),
        ("=w", Value::Write, false),
        ("=", Value::Opaque, false),
        ("?", Value::Optional, false),
        ("!", Value::None, true),
    ];
    for (mark, value, runs) in MARKS {
        if let Some(name) = word.strip_suffix(mark).filter(|name| name.len() > 1) {
            return KnownFlag { name, value, runs };
        }
    }
    KnownFlag { name: word, value: Value::None, runs: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_flag_begins_like_one() {
        for (number, name) in INDEX.names().enumerate() {
            for word in INDEX.entry(number).unwrap().split_whitespace() {
                assert!(word.starts_with(['-', '+', '/']), "{name}: {word}");
                assert!(!word[1..].contains(['|', ',']), "{name}: {word}");
            }
        }
    }

    #[test]
    fn marks_say_what_a_flag_takes() {
        let flag = |word| {
            let KnownFlag { name, value, runs } = read(word);
            (name, value, runs)
        };
        assert_eq!(flag("-o="), ("-o", Value::Opaque, false));
        assert_eq!(flag("--shell=!"), ("--shell", Value::Opaque, true));
        assert_eq!(flag("-exec=x"), ("-exec", Value::Execute, false));
        assert_eq!(flag("--cov?"), ("--cov", Value::Optional, false));
        assert_eq!(flag("-?"), ("-?", Value::None, false));
    }

    #[test]
    fn a_command_without_a_list_has_the_usual_flags_only() {
        assert!(known("no-such-tool").any(|flag| flag.name == "--help"));
        assert!(!known("no-such-tool").any(|flag| flag.name == "--exec"));
    }
}
