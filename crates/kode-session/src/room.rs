//! Files and folders that stand in each other's place: what has to go before a file
//! can come back. It only looks; what is in the way and is nobody's to take stays.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use kode_base::ProjectPath;
use kode_sandbox::ProjectFiles;

use crate::restoration::Restoration;
use crate::standing::Standing;
use crate::tree::Tree;
use crate::{Session, SessionError};

impl Session {
    /// `unit`, with the rejects of the agent's files that stand in its place: a folder
    /// where a file was, or a file or link where a folder was.
    ///
    /// # Errors
    /// [`SessionError::InTheWay`] where something else stands there.
    pub(crate) fn with_room(
        &mut self,
        mut unit: Vec<Restoration>,
        standing: &Standing,
    ) -> Result<Vec<Restoration>, SessionError> {
        while let Some((path, by)) = in_the_way(&unit, self.tree()?) {
            let more = self.rejection_of(&by, standing)?;
            let goes = more.iter().any(|each| each.path == by && each.target.is_none());
            if !goes || more.iter().any(|each| unit.iter().any(|known| known.path == each.path)) {
                return Err(SessionError::InTheWay { path, by });
            }
            unit.extend(more);
        }
        Ok(unit)
    }
}

/// A file that comes back, and one that stands in its place and does not go.
fn in_the_way(unit: &[Restoration], tree: &Tree) -> Option<(ProjectPath, ProjectPath)> {
    let goes =
        |path: &ProjectPath| unit.iter().any(|each| each.path == *path && each.target.is_none());
    unit.iter().filter(|each| each.target.is_some()).find_map(|each| {
        let stays = |path: &ProjectPath| tree.now_of(path).is_some() && !goes(path);
        // What was reached through a link is reached through it again.
        let is_alias = tree.is_alias(&each.path);
        let above = folders_above(&each.path).into_iter().find(|path| !is_alias && stays(path));
        let known = tree.now.range(each.path.clone()..).map(|(path, _)| path);
        let mut below = known
            .take_while(|path| path.as_str().starts_with(each.path.as_str()))
            .filter(|path| is_below(path, &each.path));
        let by = above.or_else(|| below.find(|path| stays(path)).cloned())?;
        Some((each.path.clone(), by))
    })
}

/// Whether a file at `path` and one of `others` can't be there at the same time.
pub(crate) fn is_in_the_way_of(path: &ProjectPath, others: &BTreeSet<ProjectPath>) -> bool {
    let below = others.range(path.clone()..);
    let mut below = below.take_while(|other| other.as_str().starts_with(path.as_str()));
    below.any(|other| is_below(other, path))
        || folders_above(path).iter().any(|folder| others.contains(folder))
}

fn is_below(path: &ProjectPath, folder: &ProjectPath) -> bool {
    path.as_str().strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

fn folders_above(path: &ProjectPath) -> Vec<ProjectPath> {
    let text = path.as_str();
    let ends = text.match_indices('/').map(|(at, _)| at);
    ends.filter_map(|end| ProjectPath::new(&text[..end]).ok()).collect()
}

/// Units that can be put back, and why others can't.
type Sorted = (Vec<Vec<Restoration>>, Vec<SessionError>);

/// Leaves out units in whose place something stands on the disk that none of the
/// others takes away.
pub(crate) fn with_room_on_the_disk(
    mut units: Vec<Vec<Restoration>>,
    tree: &Tree,
    files: &ProjectFiles,
) -> Result<Sorted, SessionError> {
    let mut blocked = Vec::new();
    loop {
        let going: BTreeSet<ProjectPath> = units
            .iter()
            .flatten()
            .filter(|each| each.target.is_none())
            .map(|each| each.path.clone())
            .collect();
        let before = units.len();
        let mut free = Vec::with_capacity(before);
        for unit in units {
            match blocking(&unit, &going, tree, files)? {
                Some(error) => blocked.push(error),
                None => free.push(unit),
            }
        }
        units = free;
        // What one no longer takes away may be in another one's way.
        if units.len() == before {
            return Ok((units, blocked));
        }
    }
}

fn blocking(
    unit: &[Restoration],
    going: &BTreeSet<ProjectPath>,
    tree: &Tree,
    files: &ProjectFiles,
) -> Result<Option<SessionError>, SessionError> {
    for each in unit.iter().filter(|each| each.target.is_some() && each.expected.is_none()) {
        let mut by = None;
        for folder in folders_above(&each.path).iter().filter(|_| !tree.is_alias(&each.path)) {
            if files.snapshot_entry(folder)?.is_none() {
                continue;
            }
            by = (!going.contains(folder)).then(|| folder.clone());
            break;
        }
        if by.is_none() && (tree.is_alias(&each.path) || !files.is_behind_link(&each.path)?) {
            // No folder there, mostly: then nothing is in it either.
            let _ = files.walk(&each.path, true, &mut |entry| {
                if going.contains(&entry.path) {
                    return ControlFlow::Continue(());
                }
                by = Some(entry.path);
                ControlFlow::Break(())
            });
        }
        if let Some(by) = by {
            return Ok(Some(SessionError::InTheWay { path: each.path.clone(), by }));
        }
    }
    Ok(None)
}
