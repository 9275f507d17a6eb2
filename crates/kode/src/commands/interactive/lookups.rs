//! Looks things up for the screen while the agent may be working: both sides of
//! a file, the list of files, marks. Only the newest wish counts.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use kode_base::ProjectPath;
use kode_sandbox::{EntryKind, ProjectFiles};
use kode_tui::Input;

use super::Shared;
use crate::failure::Failure;

/// The list is not read anew more often than this while the agent works.
const LIST_PAUSE: Duration = Duration::from_millis(400);
/// Files proposed for completion.
const FILES_MAX: usize = 50_000;

/// Something to look up.
pub(super) enum Lookup {
    /// Both sides of a file.
    Contents(ProjectPath),
    /// The list, soon.
    Files,
    /// The disk, then the list.
    Refresh,
    /// The project's files.
    ProjectFiles,
    /// A mark to remember.
    Mark { path: ProjectPath, state: String, reviewed: bool },
}

/// Works until nobody wishes any more.
pub(super) fn look_up(shared: &Shared, wanted: &Receiver<Lookup>) {
    let mut last_list = Instant::now();
    let mut list_is_due = false;
    loop {
        let first =
            match next(wanted, list_is_due.then(|| LIST_PAUSE.saturating_sub(last_list.elapsed())))
            {
                Ok(lookup) => Some(lookup),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
        let mut contents = None;
        for lookup in first.into_iter().chain(wanted.try_iter()) {
            match lookup {
                Lookup::Contents(path) => contents = Some(path),
                Lookup::Files => list_is_due = true,
                other => at_once(shared, other),
            }
        }
        let Some(desk) = shared.desk() else { continue };
        let is_idle = shared.busy.try_lock().ok();
        if let Some(path) = contents {
            desk.send_contents(path, is_idle.is_some());
        }
        if list_is_due && last_list.elapsed() >= LIST_PAUSE {
            desk.send_files();
            (list_is_due, last_list) = (false, Instant::now());
        }
    }
}

fn next(wanted: &Receiver<Lookup>, pause: Option<Duration>) -> Result<Lookup, RecvTimeoutError> {
    match pause {
        Some(pause) => wanted.recv_timeout(pause),
        None => wanted.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn at_once(shared: &Shared, lookup: Lookup) {
    match (lookup, shared.desk()) {
        (Lookup::Refresh, Some(desk)) => {
            let is_idle = shared.busy.try_lock().ok();
            desk.refresh(is_idle.is_some());
        }
        (Lookup::Mark { path, state, reviewed }, Some(desk)) => desk.mark(&path, &state, reviewed),
        (Lookup::ProjectFiles, _) => {
            // Without a list there is nothing to propose.
            if let Ok(files) = project_files(shared) {
                shared.inputs.send(Input::ProjectFiles(files));
            }
        }
        _ => {}
    }
}

fn project_files(shared: &Shared) -> Result<Vec<ProjectPath>, Failure> {
    let files = ProjectFiles::open(&shared.places.project_root()?)?;
    let mut found = Vec::new();
    files.walk(&ProjectPath::root(), false, &mut |entry| {
        if entry.kind == EntryKind::File {
            found.push(entry.path);
        }
        if found.len() < FILES_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}
