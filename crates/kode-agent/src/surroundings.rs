//! The project's other source files, for the completion gate: a flow is new also when
//! only one end of it is. Read when the gate needs them, kept while they stay the same.

use std::ops::ControlFlow;

use kode_base::{ProjectPath, Untrusted};
use kode_sandbox::{EntryKind, ProjectFiles};
use kode_scan::has_rules;

/// Larger sources are left out: nobody wrote them.
const FILE_BYTES_MAX: u64 = 512 * 1024;
/// Files read at most, and their bytes: nearest to the touched ones first.
const FILES_MAX: usize = 6_000;
const BYTES_MAX: u64 = 32 << 20;

/// Source files and pages of the project that nobody touched.
#[derive(Debug, Default)]
pub(crate) struct Sources(pub(crate) Vec<(ProjectPath, Untrusted<Vec<u8>>)>);

impl Sources {
    /// Reads all but the `touched`; those nearest to them where there are too many.
    pub(crate) fn read(files: &ProjectFiles, touched: &[&ProjectPath]) -> Self {
        let mut found: Vec<(usize, u64, ProjectPath)> = Vec::new();
        // What can't be looked through is red as touched, and no more than a miss here.
        let _ = files.walk(&ProjectPath::root(), false, &mut |entry| {
            let is_source = entry.kind == EntryKind::File
                && entry.size <= FILE_BYTES_MAX
                && has_rules(&entry.path);
            if is_source && !touched.contains(&&entry.path) {
                found.push((distance(&entry.path, touched), entry.size, entry.path));
            }
            ControlFlow::Continue(())
        });
        found.sort_by(|(one, _, path), (other, _, next)| (one, path).cmp(&(other, next)));
        let mut bytes = 0;
        let within = found.into_iter().take(FILES_MAX).take_while(|(_, size, _)| {
            bytes += size;
            bytes <= BYTES_MAX
        });
        let read = within.filter_map(|(_, _, path)| {
            let content = files.snapshot_read(&path, FILE_BYTES_MAX).ok()?;
            Some((path, content))
        });
        Self(read.collect())
    }
}

/// Folders between a file and the nearest touched one.
fn distance(path: &ProjectPath, touched: &[&ProjectPath]) -> usize {
    let folders = |path: &ProjectPath| path.as_str().matches('/').count();
    let shared = |other: &ProjectPath| {
        let (mut one, mut two) = (path.components(), other.components());
        std::iter::from_fn(|| one.next().zip(two.next()))
            .take_while(|(one, two)| one == two)
            .count()
    };
    let between = |other: &&ProjectPath| {
        let shared = shared(other).min(folders(path)).min(folders(other));
        folders(path) + folders(other) - 2 * shared
    };
    touched.iter().map(between).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let path = |text| ProjectPath::new(text).unwrap();
        let touched = path("src/web/a.py");
        let far = |text| distance(&path(text), &[&touched]);
        assert_eq!(far("src/web/b.py"), 0);
        assert_eq!(far("src/c.py"), 1);
        assert_eq!(far("lib/x/c.py"), 4);
    }
}
