//! Where text of a changed file stood before some of it was replaced; each question is
//! answered by a search, as a file can have a hundred thousand replacements.

use std::ops::Range;

/// Replacements in ascending order.
pub(crate) struct Replaced {
    places: Vec<Place>,
}

struct Place {
    old: Range<usize>,
    new: Range<usize>,
    /// How much longer the text is behind it.
    shift: isize,
}

impl Replaced {
    /// Of the old ranges, ascending, and the lengths of what came there.
    pub(crate) fn of(replacements: &[(Range<usize>, usize)]) -> Self {
        let mut shift = 0isize;
        let place = |(old, new_length): &(Range<usize>, usize)| {
            let start = old.start.saturating_add_signed(shift);
            shift += *new_length as isize - old.len() as isize;
            Place { old: old.clone(), new: start..start + new_length, shift }
        };
        Self { places: replacements.iter().map(place).collect() }
    }

    /// What each range of the new text was in the old, widened to whole replacements.
    pub(crate) fn all_before(&self, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
        ranges.iter().map(|range| self.before(range)).collect()
    }

    fn before(&self, range: &Range<usize>) -> Range<usize> {
        let last = |count: usize| count.checked_sub(1).and_then(|index| self.places.get(index));
        let start = match last(self.places.partition_point(|it| it.new.start <= range.start)) {
            None => range.start,
            // What was cut out right before the range belongs to it.
            Some(place) if place.new.end >= range.start => place.old.start,
            Some(place) => range.start.saturating_add_signed(-place.shift),
        };
        let reaches = |it: &Place| it.new.end <= range.end || it.new.start < range.end;
        let end = match last(self.places.partition_point(reaches)) {
            None => range.end,
            Some(place) if place.new.end <= range.end => {
                range.end.saturating_add_signed(-place.shift)
            }
            Some(place) => place.old.end,
        };
        start.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_back_to_where_they_were_and_take_in_what_was_replaced() {
        // "ab[cd]ef[]gh[ij]" became "ab[x]ef[yyy]gh[]".
        let replaced = Replaced::of(&[(2..4, 1), (6..6, 3), (8..10, 0)]);
        let before = |range: Range<usize>| replaced.before(&range);
        assert_eq!(before(0..1), 0..1);
        assert_eq!(before(2..3), 2..4);
        assert_eq!(before(1..2), 1..2);
        assert_eq!(before(4..5), 5..6);
        assert_eq!(before(6..7), 6..6);
        assert_eq!(before(0..10), 0..10);
        assert_eq!(before(9..10), 7..10);
        assert_eq!(Replaced::of(&[]).before(&(3..5)), 3..5);
    }

    #[test]
    fn a_search_finds_what_looking_at_every_replacement_finds() {
        let replacements: Vec<_> = (0..60usize).map(|n| (n * 5..n * 5 + n % 4, n % 3)).collect();
        let replaced = Replaced::of(&replacements);
        for start in 0..280 {
            for end in start..(start + 20).min(280) {
                let range = start..end;
                assert_eq!(replaced.before(&range), one_by_one(&range, &replacements), "{range:?}");
            }
        }
    }

    fn one_by_one(range: &Range<usize>, replacements: &[(Range<usize>, usize)]) -> Range<usize> {
        let (mut start, mut end, mut shift) = (range.start, range.end, 0isize);
        for (old, new_length) in replacements {
            let new_start = old.start.saturating_add_signed(shift);
            let new_end = new_start + new_length;
            shift += *new_length as isize - old.len() as isize;
            if new_end < range.start {
                start = range.start.saturating_add_signed(-shift);
            } else if new_start <= range.start {
                start = old.start;
            }
            if new_end <= range.end {
                end = range.end.saturating_add_signed(-shift);
            } else if new_start < range.end {
                end = old.end;
            }
        }
        start.min(end)..end
    }
}
