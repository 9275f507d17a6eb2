//! While a question stands, nobody records what changes on the disk: this looks at the
//! touched files' metadata, so that the rows of those that a person edits say so. It
//! reads no content and records nothing.

use std::time::{Duration, Instant};

use kode_base::ProjectPath;
use kode_sandbox::ProjectFiles;
use kode_session::SessionStore;
use kode_tui::Input;

use super::Shared;
use crate::failure::Failure;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Touched files watched.
const FILES_MAX: usize = 5_000;

/// Changes with every write: size, both times, inode.
type Stamp = Option<(u64, i128, i128, u64)>;

/// The touched files as they were when the question was asked.
pub(super) struct Watch {
    files: ProjectFiles,
    known: Vec<(ProjectPath, Stamp)>,
    told: Vec<ProjectPath>,
    looked: Instant,
}

impl Watch {
    /// `None` where there is nothing to watch, or it can't be.
    pub(super) fn begin(shared: &Shared) -> Option<Self> {
        Self::over(shared).ok().flatten().filter(|watch| !watch.known.is_empty())
    }

    fn over(shared: &Shared) -> Result<Option<Self>, Failure> {
        let Some(session) = shared.session() else { return Ok(None) };
        let files = ProjectFiles::open(&shared.places.project_root()?)?;
        let touched = SessionStore::open(&shared.places.kode_home)?.review(&session)?.files();
        let paths = touched.into_iter().take(FILES_MAX).map(|file| file.path);
        let known = paths.map(|path| (path.clone(), stamp(&files, &path))).collect();
        Ok(Some(Self { files, known, told: Vec::new(), looked: Instant::now() }))
    }

    /// Tells what changed since, at most once a second.
    pub(super) fn look(&mut self, shared: &Shared) {
        if self.looked.elapsed() < PAUSE {
            return;
        }
        self.looked = Instant::now();
        let changed = |(path, known): &&(ProjectPath, Stamp)| stamp(&self.files, path) != *known;
        let newer: Vec<ProjectPath> =
            self.known.iter().filter(changed).map(|(path, _)| path.clone()).collect();
        // A new list forgets it: what is newer is told again.
        if !newer.is_empty() || !self.told.is_empty() {
            shared.inputs.send(Input::Newer(newer.clone()));
            self.told = newer;
        }
    }
}

fn stamp(files: &ProjectFiles, path: &ProjectPath) -> Stamp {
    let entry = files.snapshot_entry(path).ok()??;
    Some((entry.size, entry.modified_ns, entry.changed_ns, entry.inode))
}
