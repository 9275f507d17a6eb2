//! Other words for the same command: `npm i` is `npm install`, `pip3` is `pip`.
//! Rules that ask or deny hold for all of them; `data/spellings.toml` lists them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::assessment::KnownWord;

#[derive(Deserialize)]
struct Table {
    same: Vec<Vec<String>>,
}

/// Words from the start of a command that have other spellings, at most.
const WORDS_MAX: usize = 3;

static TABLE: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let table = toml::from_str::<Table>(include_str!("../data/spellings.toml"));
    table.map(|table| table.same).unwrap_or_default()
});

/// From a spelling to its row.
static INDEX: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let rows = TABLE.iter().enumerate();
    rows.flat_map(|(row, words)| words.iter().map(move |word| (word.as_str(), row))).collect()
});

/// Every other spelling of `argv`, its rest unchanged.
pub(crate) fn others(argv: &[KnownWord]) -> Vec<Vec<KnownWord>> {
    let mut found = Vec::new();
    let mut start = String::new();
    for (at, word) in argv.iter().take(WORDS_MAX).enumerate() {
        let KnownWord::Exact(text) = word else { break };
        if at == 0 {
            start.push_str(text.rsplit('/').next().unwrap_or(text));
        } else {
            start.push(' ');
            start.push_str(text);
        }
        let Some(row) = INDEX.get(start.as_str()) else { continue };
        for other in TABLE[*row].iter().filter(|other| **other != start) {
            let words = other.split(' ').map(|word| KnownWord::Exact(word.to_owned()));
            found.push(words.chain(argv[at + 1..].iter().cloned()).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Vec<String> {
        let argv: Vec<KnownWord> =
            text.split(' ').map(|word| KnownWord::Exact(word.to_owned())).collect();
        let join = |words: Vec<KnownWord>| {
            words.iter().map(KnownWord::shown).collect::<Vec<_>>().join(" ")
        };
        others(&argv).into_iter().map(join).collect()
    }

    #[test]
    fn a_command_has_the_spellings_of_its_row_and_no_others() {
        assert!(spelled("npm i lodash").contains(&"npm install lodash".to_owned()));
        assert!(spelled("/usr/bin/pip3 install x").contains(&"pip install x".to_owned()));
        assert!(spelled("docker container rm x").contains(&"docker rm x".to_owned()));
        assert!(spelled("git push").is_empty());
    }

    #[test]
    fn no_spelling_is_in_two_rows() {
        assert!(!TABLE.is_empty());
        assert_eq!(INDEX.len(), TABLE.iter().map(Vec::len).sum::<usize>());
    }
}
