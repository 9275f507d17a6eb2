//! Which lines a task added or changed. When the comparison would cost too
//! much, everything between the common head and tail counts as changed.

use kode_diff::differences;

/// Above this product of line counts the middle is not compared line by line.
const PRODUCT_MAX: usize = 4_000_000;

/// The zero-based lines of a file that are new against its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangedLines {
    /// There is no base: every line is new.
    All,
    /// Sorted half-open ranges of new lines.
    Ranges(Vec<(usize, usize)>),
}

impl ChangedLines {
    /// Compares `content` with `base`.
    pub(crate) fn between(base: Option<&[u8]>, content: &[u8]) -> Self {
        let Some(base) = base else { return Self::All };
        let old: Vec<&[u8]> = base.split(|byte| *byte == b'\n').collect();
        let new: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
        let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let room = old.len().min(new.len()) - head;
        let tail =
            old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
        if old_middle.len().saturating_mul(new_middle.len()) > PRODUCT_MAX {
            return Self::Ranges(vec![(head, head + new_middle.len())]);
        }
        let found = differences(old_middle, new_middle, None).into_iter();
        let ranges = found.filter(|at| !at.new.is_empty());
        Self::Ranges(ranges.map(|at| (head + at.new.start, head + at.new.end)).collect())
    }

    /// Whether any line from `first` to `last` (both included) is new.
    pub(crate) fn touches(&self, first: usize, last: usize) -> bool {
        match self {
            Self::All => true,
            Self::Ranges(ranges) => {
                ranges.iter().any(|(start, end)| *start <= last && first < *end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_all_new() {
        assert!(ChangedLines::between(None, b"x").touches(0, 0));
    }

    #[test]
    fn only_added_and_changed_lines_are_new() {
        let changed = ChangedLines::between(Some(b"a\nb\nc\nd\n"), b"a\nB\nc\nnew\nd\n");
        assert_eq!(changed, ChangedLines::Ranges(vec![(1, 2), (3, 4)]));
        assert!(!changed.touches(2, 2));
        assert!(changed.touches(0, 1));
    }

    #[test]
    fn a_deletion_makes_no_line_new() {
        let changed = ChangedLines::between(Some(b"a\nb\nc"), b"a\nc");
        assert_eq!(changed, ChangedLines::Ranges(vec![]));
    }

    #[test]
    fn too_different_files_count_as_changed_in_between() {
        let old = "x\n".repeat(3000);
        let new = "y\n".repeat(3000);
        let changed = ChangedLines::between(Some(old.as_bytes()), new.as_bytes());
        assert_eq!(changed, ChangedLines::Ranges(vec![(0, 3000)]));
    }
}
