//! Changing files: written beside, made durable, renamed over.
//!
//! Content goes to the target of a link inside the project; deleting and
//! putting back act on the entry itself. Set-id bits are never written, git's
//! own files never touched.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kode_base::raw_name::bytes_of;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use kode_gate::Permit;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::confined::{Links, open_beneath, stat_of};
use super::place::NewFolders;
use super::prepared::Prepared;
use super::together::FileSystem;
use super::{FileError, ProjectFiles, leftover};

/// How many files are written beside before they are renamed: each holds two
/// descriptors meanwhile.
const FILES_AT_ONCE: usize = 256;
/// How many threads rename files, and write them where that waits for no disk.
const WRITERS: usize = 2;
/// How many files are laid beside and flushed at a time: while one waits for the disk
/// others are written, and flushes share one write of the file system's own journal.
const FLUSHES_AT_ONCE: usize = 16;

/// Why not all files were written.
#[derive(Debug)]
pub struct WriteFailure {
    /// Which files of the permits are changed, by their place among them, ascending.
    pub written: Vec<usize>,
    /// Why the others are not.
    pub error: FileError,
    /// Folders that were made for the files, for
    /// [`ProjectFiles::remove_empty_folders`] once those are put back.
    pub new_folders: Vec<ProjectPath>,
}

impl ProjectFiles {
    /// Does exactly what the permit holds. The file must still have the
    /// expected SHA-256 (of a link: its text), or not exist where `None` is
    /// expected. An existing file keeps its permission bits and owner; missing
    /// folders are made.
    ///
    /// # Errors
    /// [`FileError::Changed`] when the expectation fails; nothing was changed.
    pub fn write(&self, permit: Permit<FileWrite>) -> Result<(), FileError> {
        self.write_all(vec![permit]).map_err(|failure| failure.error)
    }

    /// [`ProjectFiles::write`] for several files: first all are written beside and
    /// made durable together, then they are renamed into place. A deletion comes
    /// after what stands before it, and before what stands behind it.
    ///
    /// # Errors
    /// Which were changed, and why the others were not. Where none was, no new
    /// folder is left either.
    pub fn write_all(&self, permits: Vec<Permit<FileWrite>>) -> Result<(), WriteFailure> {
        let folders = NewFolders::default();
        let mut written = Vec::with_capacity(permits.len());
        let result = self.write_in_batches(permits, &folders, &mut written);
        let Err(error) = result else { return Ok(()) };
        let mut new_folders = folders.into_paths();
        if written.is_empty() {
            self.remove_empty_folders(&std::mem::take(&mut new_folders));
        }
        Err(WriteFailure { written, error, new_folders })
    }

    /// Takes away those of `folders`, the outer ones first, that hold nothing.
    pub fn remove_empty_folders(&self, folders: &[ProjectPath]) {
        for path in folders.iter().rev() {
            let parent = path.as_str().rsplit_once('/').map_or(".", |(parent, _)| parent);
            let Ok(parent) = ProjectPath::new(parent) else { continue };
            if let Ok(parent) = open_beneath(&self.root, &parent, Links::Follow) {
                let _ =
                    rustix::fs::unlinkat(&parent, &*bytes_of(path.file_name()), AtFlags::REMOVEDIR);
            }
        }
    }

    fn write_in_batches(
        &self,
        permits: Vec<Permit<FileWrite>>,
        folders: &NewFolders,
        written: &mut Vec<usize>,
    ) -> Result<(), FileError> {
        let mut writes = permits.into_iter().map(Permit::redeem).peekable();
        let mut begun = 0;
        while let Some(first) = writes.next() {
            // What a deletion makes room for may come right after it.
            let alone = |write: &FileWrite| matches!(write.mode, WriteMode::Delete);
            let mut batch = vec![first];
            while batch.len() < FILES_AT_ONCE
                && !batch.iter().any(alone)
                && let Some(next) = writes.next_if(|next| !alone(next))
            {
                batch.push(next);
            }
            let count = batch.len();
            self.write_batch(batch, folders, &mut |index| written.push(begun + index))?;
            begun += count;
        }
        Ok(())
    }

    fn write_batch(
        &self,
        batch: Vec<FileWrite>,
        folders: &NewFolders,
        is_written: &mut dyn FnMut(usize),
    ) -> Result<(), FileError> {
        let together = self.flushed_together(batch.len());
        let together = together.as_ref();
        let prepare = |write| {
            let change = self.prepare(write, folders)?;
            if !is_flushed_by(together, &change)? {
                change.sync()?;
            }
            Ok(change)
        };
        let threads = if together.is_some() { WRITERS } else { FLUSHES_AT_ONCE };
        let durable: Result<Vec<Prepared>, FileError> =
            on_threads(batch, threads, prepare).into_iter().collect();
        if let Some(file_system) = together {
            file_system.flush()?;
        }
        let failed = AtomicBool::new(false);
        let commit = |mut change: Prepared| {
            if failed.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let result = change.commit().map(|()| Some(change));
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            result
        };
        let mut committed = Vec::new();
        let mut first_error = None;
        for (index, result) in on_threads(durable?, WRITERS, commit).into_iter().enumerate() {
            match result {
                Ok(change) => {
                    change.iter().for_each(|_| is_written(index));
                    committed.extend(change);
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(()), Err)?;
        sync_folders(&committed, together)?;
        sweep_folders(&committed)
    }
}

/// Whether what was laid beside becomes durable with the whole file system.
fn is_flushed_by(together: Option<&FileSystem>, change: &Prepared) -> Result<bool, FileError> {
    together.map_or(Ok(false), |file_system| file_system.holds(change.folder(), change.path()))
}

/// What `work` makes of each item, in the items' order, on up to `threads` threads,
/// each on a run of neighbours: two that write to one folder wait for one another.
/// Where no thread can be started, this one does all.
fn on_threads<T: Send, R: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let run_length = items.len().div_ceil(threads).max(1);
    let mut items = items.into_iter();
    let mut runs: Vec<Mutex<Vec<T>>> = Vec::with_capacity(threads);
    while let run = items.by_ref().take(run_length).collect::<Vec<T>>()
        && !run.is_empty()
    {
        runs.push(Mutex::new(run));
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(run) = runs.get(index)
        {
            let run = std::mem::take(&mut *run.lock().unwrap_or_else(PoisonError::into_inner));
            done.push((index, run.into_iter().map(&work).collect::<Vec<R>>()));
        }
        done
    };
    let mut results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..runs.len())
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, take).ok())
            .collect();
        let mut results = take();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().flat_map(|(_, result)| result).collect()
}

/// Takes away what killed writers left beside the files, in each folder once.
fn sweep_folders(changed: &[Prepared]) -> Result<(), FileError> {
    let mut swept = HashSet::new();
    for change in changed {
        let stat = stat_of(change.folder(), change.path())?;
        if swept.insert((stat.st_dev, stat.st_ino)) {
            leftover::sweep(change.folder());
        }
    }
    Ok(())
}

/// Makes the new entries durable, each folder once.
fn sync_folders(changed: &[Prepared], together: Option<&FileSystem>) -> Result<(), FileError> {
    if let Some(file_system) = together {
        file_system.flush()?;
    }
    let mut synced = HashSet::new();
    let mut folders = Vec::new();
    for change in changed {
        if is_flushed_by(together, change)? {
            continue;
        }
        let stat = stat_of(change.folder(), change.path())?;
        if synced.insert((stat.st_dev, stat.st_ino)) {
            folders.push(change);
        }
    }
    let sync = |change: &Prepared| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(change.folder(), ".", flags, Mode::empty())
            .and_then(rustix::fs::fsync)
            .map_err(|error| FileError::io(change.path(), error))
    };
    on_threads(folders, FLUSHES_AT_ONCE, sync).into_iter().collect()
}
