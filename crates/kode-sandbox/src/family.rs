//! A process and all below it, for those who move or end them together.

use std::collections::BTreeSet;

/// Processes that are looked at.
pub(crate) const MEMBERS_MAX: usize = 100_000;

/// A process and all below it.
pub(crate) fn family(first: i32) -> BTreeSet<i32> {
    let mut found = BTreeSet::from([first]);
    let mut todo = vec![first];
    while let Some(process) = todo.pop() {
        for child in children(process) {
            if found.len() < MEMBERS_MAX && found.insert(child) {
                todo.push(child);
            }
        }
    }
    found
}

fn children(process: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| thread.path().join("children"));
    let texts = lists.filter_map(|list| std::fs::read_to_string(list).ok());
    let ids = texts.flat_map(|text| {
        text.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<i32>>()
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_down_to_grandchildren() {
        let own = std::process::id().cast_signed();
        let found = family(own);
        assert!(found.contains(&own));
        let init = family(1);
        assert!(init.contains(&own) || init.len() == 1, "{init:?}");
    }
}
