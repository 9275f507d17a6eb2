//! How git will read an index: by what the repository's configuration says after the
//! command. What the command changed of that counts for nothing, since it may be put
//! aside, and be put back or not: then an index must be sound however it is read.

use std::os::fd::OwnedFd;

use super::check::Budget;
use super::index::{Format, names_a_format};
use super::inner::Found;
use super::sensitive::Stamp;
use super::tree::join;
use super::{beneath, is_inside};
use crate::git_config::CONFIG_BYTES_MAX;

const CONFIG: &[u8] = b"config";
/// Of a worktree's own folder, which lies two below the repository's.
const SHARED_CONFIG: &[u8] = b"../../config";
const COMMON: &[u8] = b"commondir";

/// What stood before the command, and of that what it could not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) found: &'a Found,
    pub(super) held: &'a [Vec<u8>],
    /// When the command began.
    pub(super) since_ns: i128,
}

/// How git reads the index of the git folder `open`, which is at `path`, and whether what
/// says that is as it was.
pub(super) fn of(
    budget: &mut Budget,
    (open, path): (&OwnedFd, &[u8]),
    before: Before<'_>,
) -> (Format, bool) {
    let places = [(CONFIG, Some(join(path, CONFIG))), (SHARED_CONFIG, shared(path))];
    let is_shared = beneath::stat(open, COMMON).is_ok();
    let (config, config_path) = &places[usize::from(is_shared)];
    let is_config_same = config_path.as_ref().is_none_or(|path| before.has(open, config, path));
    if before.has(open, COMMON, &join(path, COMMON)) && is_config_same {
        let text = budget.read(open, config, CONFIG_BYTES_MAX).unwrap_or_default();
        return (Format::of(&text), true);
    }
    let was_shared = before.found.sensitive.contains_key(&join(path, COMMON));
    let places = &places[..if is_shared || was_shared { 2 } else { 1 }];
    let may_be_long = places.iter().any(|(config, path)| {
        let had_format = path.as_ref().is_some_and(|path| before.found.formats.contains(path));
        let is_there = beneath::stat(open, config).is_ok();
        let text = budget.read(open, config, CONFIG_BYTES_MAX);
        had_format || is_there && text.is_none_or(|text| names_a_format(&text))
    });
    (if may_be_long { Format::Either } else { Format::Short }, false)
}

impl Before<'_> {
    /// Whether the file `name` of `open`, which is at `path`, or that there is none, is as it
    /// was, or a person's change of it.
    fn has(&self, open: &OwnedFd, name: &[u8], path: &[u8]) -> bool {
        let before = self.found.sensitive.get(path);
        let now = beneath::stat(open, name).ok().map(|stat| Stamp::of(&stat));
        let is_held = self.held.iter().any(|outer| path == outer || is_inside(path, outer))
            && before.into_iter().chain(&now).all(Stamp::has_one_name);
        let is_clear = now.is_none_or(|now| !now.is_unclear(self.since_ns));
        is_held || before == now.as_ref() && is_clear
    }
}

/// Where the configuration of all worktrees is, if that was looked at.
fn shared(path: &[u8]) -> Option<Vec<u8>> {
    let end = |path: &[u8]| path.iter().rposition(|byte| *byte == b'/');
    let worktrees = &path[..end(path)?];
    Some(join(&worktrees[..end(worktrees)?], CONFIG))
}

/// Whether the file `name` of `folder` is configuration that says what [`Format`] is about.
pub(super) fn is_said(budget: &mut Budget, folder: &OwnedFd, name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(CONFIG)
        && budget.read(folder, name, CONFIG_BYTES_MAX).is_some_and(|text| names_a_format(&text))
}
