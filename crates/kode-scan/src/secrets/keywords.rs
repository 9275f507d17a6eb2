//! A set of words looked for in every file. Its table takes microseconds to make, for a
//! few touched files, and a few instructions a byte to search, for many; an automaton
//! takes longer to build than those few files take to scan.

/// Letters of a word's beginning that the table knows, five bits of each.
const HEAD_BITS: u32 = 15;
/// Words of one bit a head.
const HEADS: usize = 1 << (HEAD_BITS - 6);
/// Pairs of letters, of five bits each.
const PAIRS: usize = 1 << 10;
/// Chains that words are spread over.
const CHAINS: usize = 1024;
/// The end of a chain.
const NONE: u16 = u16::MAX;

/// The words, in either case of ASCII letters. None is shorter than two bytes.
pub(super) struct Keywords {
    words: Vec<&'static str>,
    /// Which three-letter heads any word begins with.
    heads: Box<[u64; HEADS]>,
    /// The first word of each chain, and the next one after each word.
    first: Vec<u16>,
    next: Vec<u16>,
    /// The first word of two letters with each pair of them.
    pairs: Box<[u16; PAIRS]>,
}

/// A word in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Which word.
    pub(super) word: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Keywords {
    /// Words shorter than two bytes are found nowhere.
    pub(super) fn new(words: Vec<&'static str>) -> Self {
        let mut made = Self {
            heads: Box::new([0; HEADS]),
            first: vec![NONE; CHAINS],
            next: vec![NONE; words.len()],
            pairs: Box::new([NONE; PAIRS]),
            words,
        };
        // From the last to the first, so that a chain gives them in their order.
        for (index, word) in made.words.iter().enumerate().rev() {
            let Ok(number) = u16::try_from(index) else { continue };
            match word.as_bytes() {
                [one, two] => {
                    let head = next_head(next_head(0, *one), *two);
                    for third in 0..32 {
                        let head = next_head(head, third);
                        made.heads[(head >> 6) as usize] |= 1 << (head & 63);
                    }
                    let first = &mut made.pairs[pair(next_head(head, 0))];
                    made.next[index] = std::mem::replace(first, number);
                }
                [one, two, three, ..] => {
                    let head = next_head(next_head(next_head(0, *one), *two), *three);
                    made.heads[(head >> 6) as usize] |= 1 << (head & 63);
                    made.next[index] = std::mem::replace(&mut made.first[chain(head)], number);
                }
                _ => {}
            }
        }
        made
    }

    /// Gives every place of every word, in the order of the places.
    pub(super) fn each(&self, content: &[u8], mut found: impl FnMut(Found)) {
        let [one, two, rest @ ..] = content else { return };
        let mut head = next_head(next_head(0, *one), *two);
        for (start, third) in rest.iter().enumerate() {
            head = next_head(head, *third);
            if self.holds(head) {
                self.at(content, start, head, &mut found);
            }
        }
        // Two letters at the very end have a head of their own, with nothing third.
        let head = next_head(head, 0);
        if self.holds(head) {
            self.at(content, content.len() - 2, head, &mut found);
        }
    }

    fn holds(&self, head: u32) -> bool {
        self.heads[(head >> 6) as usize] & (1 << (head & 63)) != 0
    }

    /// The words that begin at a place with this head.
    fn at(&self, content: &[u8], start: usize, head: u32, found: &mut impl FnMut(Found)) {
        for first in [self.first[chain(head)], self.pairs[pair(head)]] {
            let mut word = usize::from(first);
            while let (Some(text), Some(next)) = (self.words.get(word), self.next.get(word)) {
                let end = start + text.len();
                let here = content.get(start..end);
                if here.is_some_and(|here| here.eq_ignore_ascii_case(text.as_bytes())) {
                    found(Found { word, start, end });
                }
                word = usize::from(*next);
            }
        }
    }
}

/// The head one byte on. Five bits make both cases of a letter one; some other bytes
/// fall together too, which the comparison with the word sorts out.
fn next_head(head: u32, byte: u8) -> u32 {
    (head << 5 | u32::from(byte & 31)) & ((1 << HEAD_BITS) - 1)
}

fn pair(head: u32) -> usize {
    (head >> 5) as usize % PAIRS
}

fn chain(head: u32) -> usize {
    (head.wrapping_mul(0x9e37_79b1) >> 22) as usize % CHAINS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(words: &[&'static str], text: &[u8]) -> Vec<(usize, usize)> {
        let keywords = Keywords::new(words.to_vec());
        let mut places = Vec::new();
        keywords.each(text, |found| places.push((found.word, found.start)));
        places
    }

    #[test]
    fn words_are_found_in_either_case_at_every_place() {
        let words = ["key", "api_key", "ey", "@tcp("];
        assert_eq!(places(&words, b"API_key = they"), [(1, 0), (0, 4), (2, 5), (2, 12)]);
        assert_eq!(places(&words, b"u:p@TCP(x)"), [(3, 3)]);
        assert_eq!(places(&words, b"EY"), [(2, 0)]);
        assert!(places(&words, b"e").is_empty() && places(&words, b"").is_empty());
        assert!(places(&words, b"+k%y 0eq").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn it_finds_what_an_automaton_finds(text in "[aAbBqQ1!_ ]{0,60}") {
            let words = ["ab", "aab", "bqa", "b1", "q!_", "aB1q", "a_a"];
            let automaton = aho_corasick::AhoCorasickBuilder::new()
                .ascii_case_insensitive(true)
                .build(words)
                .unwrap();
            let mut expected: Vec<(usize, usize)> = automaton
                .find_overlapping_iter(&text)
                .map(|found| (found.pattern().as_usize(), found.start()))
                .collect();
            let mut found = places(&words, text.as_bytes());
            expected.sort_unstable();
            found.sort_unstable();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
