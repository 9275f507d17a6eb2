//! Where two sequences differ: lines of two versions, words of two lines. Pure.
//!
//! The algorithms are compiled once, for numbers: whatever is compared is numbered
//! first. With a time limit it ends in time, and what is left counts as different.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::DiffOp;
use similar::algorithms::{Capture, Compact, Replace, histogram, myers};

/// Items of both sides together up to which the histogram algorithm is used: it reads
/// best and takes quadratic time where much changed. 225,000 lines with 25,000 hunks
/// take it past every deadline, Myers 0.1 s.
const HISTOGRAM_ITEMS_MAX: usize = 20_000;
/// Longer runs of differing items are not looked through by hand.
const RUN_MAX: usize = 64;

/// A region in which two sequences differ: what stands at `old` in the one stands at
/// `new` in the other. One of them may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Items of the old sequence.
    pub old: Range<usize>,
    /// Items of the new one.
    pub new: Range<usize>,
}

/// The regions in which `new` differs from `old`, ascending and apart from one another.
/// After `time_max` the rest counts as replaced; without, it takes what it takes.
pub fn differences<T: Hash + Eq>(
    old: &[T],
    new: &[T],
    time_max: Option<Duration>,
) -> Vec<Difference> {
    match replaced_in_place(old, new) {
        Some(found) => found,
        None => {
            let (old, new) = numbered(old, new);
            compared(&old, &new, time_max.map(|time| Instant::now() + time))
        }
    }
}

/// The differences where items were replaced and everything else stands where it stood,
/// which is most edits; `None` where that is not certain.
fn replaced_in_place<T: Eq>(old: &[T], new: &[T]) -> Option<Vec<Difference>> {
    let head = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    let room = old.len().min(new.len()) - head;
    let tails = old.iter().rev().zip(new.iter().rev()).take(room);
    let tail = tails.take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if old_rest.len() != new_rest.len() {
        let whole = Difference { old: head..old.len() - tail, new: head..new.len() - tail };
        return has_nothing_in_common(old_rest, new_rest).then(|| vec![whole]);
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < old_rest.len() {
        let differing = old_rest[at..].iter().zip(&new_rest[at..]);
        let length = differing.take_while(|(one, other)| one != other).count();
        let run = at..at + length;
        if length > 0 {
            if !has_nothing_in_common(&old_rest[run.clone()], &new_rest[run.clone()]) {
                return None;
            }
            let place = head + run.start..head + run.end;
            found.push(Difference { old: place.clone(), new: place });
        }
        at += length.max(1);
    }
    Some(found)
}

/// Whether both have items, not too many, and none of the one is in the other.
fn has_nothing_in_common<T: Eq>(old: &[T], new: &[T]) -> bool {
    let few = |items: &[T]| (1..=RUN_MAX).contains(&items.len());
    few(old) && few(new) && !old.iter().any(|item| new.contains(item))
}

/// A number for each different item.
fn numbered<T: Hash + Eq>(old: &[T], new: &[T]) -> (Vec<u32>, Vec<u32>) {
    let mut known: HashMap<&T, u32> = HashMap::with_capacity(old.len());
    let mut number = |item| {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(item).or_insert(next)
    };
    let old = old.iter().map(&mut number).collect();
    (old, new.iter().map(&mut number).collect())
}

fn compared(old: &[u32], new: &[u32], deadline: Option<Instant>) -> Vec<Difference> {
    let mut hook = Compact::new(Replace::new(Capture::new()), old, new);
    let (all_old, all_new) = (0..old.len(), 0..new.len());
    let done = if old.len() + new.len() <= HISTOGRAM_ITEMS_MAX {
        histogram::diff_deadline(&mut hook, old, all_old, new, all_new, deadline)
    } else {
        myers::diff_deadline(&mut hook, old, all_old, new, all_new, deadline)
    };
    // Collecting can't fail.
    let Ok(()) = done;
    let mut found: Vec<Difference> = Vec::new();
    for operation in hook.into_inner().into_inner().into_ops() {
        if matches!(operation, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (operation.old_range(), operation.new_range());
        match found.last_mut() {
            Some(last) if last.old.end == old.start && last.new.end == new.start => {
                (last.old.end, last.new.end) = (old.end, new.end);
            }
            _ => found.push(Difference { old, new }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        differences(&old, &new, None).into_iter().map(|at| (at.old, at.new)).collect()
    }

    #[test]
    fn replaced_items_are_found_where_they_stand() {
        assert_eq!(of("abcdef", "aXcdYf"), [(1..2, 1..2), (4..5, 4..5)]);
        assert_eq!(of("abc", "aXYc"), [(1..2, 1..3)]);
        assert_eq!(of("abc", "abc"), []);
        assert_eq!(of("", "ab"), [(0..0, 0..2)]);
    }

    #[test]
    fn moved_items_are_not_taken_for_replaced_ones() {
        // All four stand elsewhere, but only one went and one came.
        assert_eq!(of("abcd", "bcdX"), [(0..1, 0..0), (4..4, 3..4)]);
    }

    #[test]
    fn many_items_with_many_changes_end_in_time() {
        let side = |seed: u32| -> Vec<u32> {
            (0..100_000u32).map(|n| n.wrapping_mul(seed) % 2500).collect()
        };
        let started = Instant::now();
        let limit = Duration::from_millis(200);
        assert!(!differences(&side(7919), &side(104_729), Some(limit)).is_empty());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn what_is_between_the_differences_is_the_same(
            old in prop::collection::vec(0u8..6, 0..40),
            new in prop::collection::vec(0u8..6, 0..40),
            replaced in prop::collection::vec((0usize..40, 0u8..250), 0..6),
            edits in any::<bool>(),
        ) {
            let mut new = new;
            if edits {
                new.clone_from(&old);
                for (at, item) in replaced {
                    if let Some(place) = new.get_mut(at) {
                        *place = item;
                    }
                }
            }
            let (mut in_old, mut in_new) = (0, 0);
            for Difference { old: gone, new: come } in differences(&old, &new, None) {
                prop_assert!(!gone.is_empty() || !come.is_empty());
                prop_assert_eq!(&old[in_old..gone.start], &new[in_new..come.start]);
                prop_assert!(in_old == 0 && in_new == 0 || gone.start > in_old);
                (in_old, in_new) = (gone.end, come.end);
            }
            prop_assert_eq!(&old[in_old..], &new[in_new..]);
        }
    }
}
