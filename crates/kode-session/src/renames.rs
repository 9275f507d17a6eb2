//! Which new file is a deleted one under another name: by the very content, else
//! by the lines both have. A guess for people: a rename is shown as one change.

use std::collections::{BTreeMap, HashMap};

use kode_audit::Digest;
use kode_base::{ChangeKind, ProjectPath, TouchedFile};

use crate::blobs::Blobs;
use crate::state::{FileState, Kind};
use crate::tree::{Tree, content};

/// Larger files are compared by their hash alone.
const COMPARED_BYTES_MAX: u64 = 256 * 1024;
/// Deleted and new files, each, up to which lines are compared.
const COMPARED_FILES_MAX: usize = 200;
/// Percent of the larger file's bytes that stand in lines of both: where git
/// begins to call it a rename.
const SHARED_PERCENT_MIN: usize = 50;

/// Names by their other name.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    pub(crate) from: BTreeMap<ProjectPath, ProjectPath>,
    pub(crate) to: BTreeMap<ProjectPath, ProjectPath>,
}

/// One file that is gone or came.
struct Candidate<'a> {
    path: &'a ProjectPath,
    state: &'a FileState,
}

impl Renames {
    /// Empty files say nothing, and one content in two places neither.
    pub(crate) fn find(files: &[TouchedFile], tree: &Tree, blobs: &Blobs) -> Self {
        let mut gone = candidates(files, ChangeKind::Deleted, |path| tree.base_of(path));
        let mut came = candidates(files, ChangeKind::New, |path| tree.now_of(path));
        let mut renames = Self::default();
        for (old, new) in same_content(&gone, &came) {
            renames.note(old, new);
        }
        gone.retain(|file| !renames.to.contains_key(file.path));
        came.retain(|file| !renames.from.contains_key(file.path));
        for (old, new) in alike(&gone, &came, blobs) {
            renames.note(old, new);
        }
        renames
    }

    fn note(&mut self, old: &ProjectPath, new: &ProjectPath) {
        self.from.insert(new.clone(), old.clone());
        self.to.insert(old.clone(), new.clone());
    }
}

fn candidates<'a>(
    files: &'a [TouchedFile],
    kind: ChangeKind,
    state: impl Fn(&ProjectPath) -> Option<&'a FileState>,
) -> Vec<Candidate<'a>> {
    let files = files.iter().filter(|file| file.change == kind);
    let known =
        files.filter_map(|file| Some(Candidate { path: &file.path, state: state(&file.path)? }));
    known.filter(|file| file.state.stamp.size > 0).collect()
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

/// Pairs that share most of their lines, the most alike first.
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
            found.push((before.shared_percent(after), *old, *new));
        }
    }
    found.retain(|(percent, ..)| *percent >= SHARED_PERCENT_MIN);
    found.sort_by(|one, two| two.0.cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(two.1, two.2))));
    let mut pairs: Pairs<'a> = Vec::new();
    for (_, old, new) in found {
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
