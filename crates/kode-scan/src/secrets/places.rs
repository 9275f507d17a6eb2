//! One pass over a file finds the words that every search for credentials starts from.

use std::sync::LazyLock;

use super::keywords::{Found, Keywords};
use super::{arguments, command, connection, generic, rules, services};

/// What looks for credentials, each from words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Rules,
    Connection,
    Command,
    Arguments,
    Services,
    Generic,
}

/// All of them.
const SEARCHES: usize = 6;

/// The words of all searches, and for each whose it is and which of its own.
struct Words {
    keywords: Keywords,
    owners: Vec<(Search, usize)>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let lists: [(Search, Vec<&'static str>); SEARCHES] = [
        (Search::Rules, rules::words()),
        (Search::Connection, connection::words()),
        (Search::Command, command::words()),
        (Search::Arguments, arguments::words()),
        (Search::Services, services::words()),
        (Search::Generic, generic::words()),
    ];
    let mut words = Vec::new();
    let mut owners = Vec::new();
    for (search, list) in lists {
        owners.extend((0..list.len()).map(|index| (search, index)));
        words.extend(list);
    }
    Words { keywords: Keywords::new(words), owners }
});

/// A word's place, as small as it can be held: there may be millions.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    word: u16,
    length: u16,
}

/// Where the words of each search stand.
#[derive(Debug, Default)]
pub(super) struct Places([Vec<Place>; SEARCHES]);

impl Places {
    /// The places of every search's words, in their order.
    pub(super) fn of(content: &[u8]) -> Self {
        Self::found(content, |_| true)
    }

    /// Those of providers' keys only.
    pub(super) fn of_rules(content: &[u8]) -> Self {
        Self::found(content, |search| search == Search::Rules)
    }

    fn found(content: &[u8], is_wanted: impl Fn(Search) -> bool) -> Self {
        let mut places = Self::default();
        WORDS.keywords.each(content, |found| {
            let (search, word) = WORDS.owners[found.word];
            // No file is as long as that, no list and no word either.
            let place = (u32::try_from(found.start), u16::try_from(word));
            if let (Ok(start), Ok(word)) = place
                && is_wanted(search)
            {
                let length = (found.end - found.start) as u16;
                places.0[search as usize].push(Place { start, word, length });
            }
        });
        places
    }

    /// Where one search's words stand; which word is counted among its own.
    pub(super) fn among(&self, search: Search) -> impl Iterator<Item = Found> + '_ {
        self.0[search as usize].iter().map(|place| {
            let start = place.start as usize;
            Found { word: usize::from(place.word), start, end: start + usize::from(place.length) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_search_is_given_its_own_words() {
        let text = b"export API_TOKEN=1; curl -u a:b https://acme.io";
        let places = Places::of(text);
        let starts = |search| places.among(search).map(|found| found.start).collect::<Vec<_>>();
        assert_eq!(starts(Search::Command), [20]);
        assert!(starts(Search::Connection).contains(&37));
        assert!(starts(Search::Generic).contains(&11));
        assert!(Places::of_rules(text).among(Search::Command).next().is_none());
    }

    #[test]
    fn every_word_is_long_enough_to_be_found() {
        for word in [rules::words(), services::words(), command::words()].concat() {
            assert!(word.len() >= 2, "{word}");
        }
    }
}
