//! Which new file is a deleted one under another name: by the very content, else
//! by the lines both have. A guess for people: a rename is shown as one change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kode_audit::Digest;
use kode_base::{ChangeKind, ProjectPath};

use crate::blobs::Blobs;
use crate::changes::Change;
use crate::state::{FileState, Kind, change_kind};
use crate::tree::{Tree, content};

/// Larger files are compared by their hash alone.
const COMPARED_BYTES_MAX: u64 = 256 * 1024;
/// Deleted and new files, each, up to which lines are compared.
const COMPARED_FILES_MAX: usize = 200;
/// Percent of the larger file's bytes that stand in lines of both: where git
/// begins to call it a rename.
const SHARED_PERCENT_MIN: usize = 50;

/// Old names by new ones.
pub(crate) type Renames = BTreeMap<ProjectPath, ProjectPath>;

/// One file that is gone or came.
struct Candidate<'a> {
    path: &'a ProjectPath,
    state: &'a FileState,
}

/// The renames between the base and now.
pub(crate) fn of_tree(tree: &Tree, blobs: &Blobs) -> Renames {
    let sides = tree.now.keys().map(|path| (path, tree.base_of(path), tree.now_of(path)));
    find(sides, blobs)
}

/// The renames within one step.
pub(crate) fn of_changes(changes: &[Change], blobs: &Blobs) -> Renames {
    let sides = changes.iter().map(|change| {
        let Change { path, before, after, .. } = change;
        (path, before.as_ref(), after.as_ref())
    });
    find(sides, blobs)
}

/// The renames among files that were and are. Empty files say nothing.
pub(crate) fn find<'a>(
    sides: impl Iterator<Item = (&'a ProjectPath, Option<&'a FileState>, Option<&'a FileState>)>,
    blobs: &Blobs,
) -> Renames {
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for (path, before, after) in sides {
        let (list, state) = match change_kind(before, after) {
            Some(ChangeKind::Deleted) => (&mut gone, before),
            Some(ChangeKind::New) => (&mut came, after),
            _ => continue,
        };
        if let Some(state) = state.filter(|state| state.stamp.size > 0) {
            list.push(Candidate { path, state });
        }
    }
    if gone.is_empty() || came.is_empty() {
        return Renames::new();
    }
    let by_new = |(old, new): (&ProjectPath, &ProjectPath)| (new.clone(), old.clone());
    let mut renames: Renames = same_content(&gone, &came).into_iter().map(by_new).collect();
    let known: BTreeSet<ProjectPath> = renames.values().cloned().collect();
    gone.retain(|file| !known.contains(file.path));
    came.retain(|file| !renames.contains_key(file.path));
    renames.extend(alike(&gone, &came, blobs).into_iter().map(by_new));
    renames
}

type Pairs<'a> = Vec<(&'a ProjectPath, &'a ProjectPath)>;

/// Pairs of one content that stands in no third place.
fn same_content<'a>(gone: &[Candidate<'a>], came: &[Candidate<'a>]) -> Pairs<'a> {
    let (olds, news) = (by_hash(gone), by_hash(came));
    let pair = |(hash, olds): (&Digest, &Vec<&'a ProjectPath>)| match (
        olds.as_slice(),
        news.get(hash)?.as_slice(),
    ) {
        ([old], [new]) => Some((*old, *new)),
        _ => None,
    };
    olds.iter().filter_map(pair).collect()
}

fn by_hash<'a>(files: &[Candidate<'a>]) -> BTreeMap<Digest, Vec<&'a ProjectPath>> {
    let mut paths: BTreeMap<Digest, Vec<&'a ProjectPath>> = BTreeMap::new();
    for file in files {
        paths.entry(file.state.hash).or_default().push(file.path);
    }
    paths
}

/// Pairs that share most of their lines: the most alike first, then those that
/// kept their name in another folder.
fn alike<'a>(gone: &[Candidate<'a>], came: &[Candidate<'a>], blobs: &Blobs) -> Pairs<'a> {
    if gone.len() > COMPARED_FILES_MAX || came.len() > COMPARED_FILES_MAX {
        return Vec::new();
    }
    let lines = |files: &[Candidate<'a>]| -> Vec<(&'a ProjectPath, Lines)> {
        files.iter().filter_map(|file| Some((file.path, Lines::of(file, blobs)?))).collect()
    };
    let (olds, news) = (lines(gone), lines(came));
    let mut found = Vec::new();
    for (old, before) in &olds {
        for (new, after) in &news {
            let is_named_alike = old.file_name() == new.file_name();
            found.push((before.shared_percent(after), is_named_alike, *old, *new));
        }
    }
    found.retain(|(percent, ..)| *percent >= SHARED_PERCENT_MIN);
    found.sort_by(|one, two| {
        (two.0, two.1).cmp(&(one.0, one.1)).then_with(|| (one.2, one.3).cmp(&(two.2, two.3)))
    });
    let mut pairs: Pairs<'a> = Vec::new();
    for (.., old, new) in found {
        if !pairs.iter().any(|pair| pair.0 == old || pair.1 == new) {
            pairs.push((old, new));
        }
    }
    pairs
}

/// How often each line of a text stands in it.
struct Lines {
    counts: HashMap<Vec<u8>, usize>,
    bytes: usize,
}

impl Lines {
    #[expect(clippy::disallowed_methods, reason = "counted, shown to nobody")]
    fn of(file: &Candidate<'_>, blobs: &Blobs) -> Option<Self> {
        if file.state.kind != Kind::File || file.state.stamp.size > COMPARED_BYTES_MAX {
            return None;
        }
        let text = content(file.path, Some(file.state), blobs).ok()??;
        let text = text.expose();
        let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            *counts.entry(line.to_vec()).or_default() += 1;
        }
        Some(Self { counts, bytes: text.len() })
    }

    fn shared_percent(&self, other: &Self) -> usize {
        let larger = self.bytes.max(other.bytes).max(1);
        if self.bytes.min(other.bytes) * 100 / larger < SHARED_PERCENT_MIN {
            return 0;
        }
        let shared = |(line, count): (&Vec<u8>, &usize)| {
            line.len() * other.counts.get(line).map_or(0, |others| *count.min(others))
        };
        self.counts.iter().map(shared).sum::<usize>() * 100 / larger
    }
}
