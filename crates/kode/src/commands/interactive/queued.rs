//! Changes that a person asked for and that wait to be done: the agent may be working.
//! One that is cancelled is not done, and one that a kill swallows is told later.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_session::WishId;
use kode_tui::Change;

/// A change that waits.
pub(super) struct Waiting {
    pub(super) change: Change,
    /// Its note, which a kill leaves behind.
    pub(super) wish: Option<WishId>,
}

/// All that wait, by numbers that never come again.
#[derive(Default)]
pub(super) struct Queue {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
}

impl Queue {
    pub(super) fn add(&mut self, change: Change, wish: Option<WishId>) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, Waiting { change, wish });
        self.last
    }

    /// Takes one out to be done; none when it was cancelled.
    pub(super) fn take(&mut self, number: u64) -> Option<Waiting> {
        self.waiting.remove(&number)
    }

    /// The changes of this file that are not to be done any more.
    pub(super) fn cancel(&mut self, wanted: &ProjectPath) -> Vec<Waiting> {
        let is_of_file = |change: &Change| match change {
            Change::RejectFile(path) | Change::RejectHunk { path, .. } => path == wanted,
            _ => false,
        };
        let (gone, left) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(_, waiting)| is_of_file(&waiting.change));
        self.waiting = left;
        let gone: BTreeMap<u64, Waiting> = gone;
        gone.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cancelled_is_not_done_under_the_number_of_something_else() {
        let path = |name: &str| ProjectPath::new(name).unwrap();
        let reject = |name: &str| Change::RejectFile(path(name));
        let mut queue = Queue::default();
        let first = queue.add(reject("a"), None);
        assert_eq!(queue.cancel(&path("a")).len(), 1);
        let second = queue.add(reject("b"), None);
        assert!(queue.take(first).is_none());
        assert_eq!(queue.take(second).unwrap().change, reject("b"));
        assert!(queue.take(second).is_none(), "once");
        queue.add(Change::RejectRun, None);
        assert!(queue.cancel(&path("a")).is_empty());
    }
}
