//! Reads one file into a [`FileState`] and keeps its content.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use kode_audit::Digest;
use kode_base::Untrusted;
use kode_sandbox::{EntryKind, FileError, ProjectFiles, WalkEntry};
use sha2::{Digest as _, Sha256};

use crate::SessionError;
use crate::blobs::Blobs;
use crate::state::{FileState, Kind, Stamp, now_ns};

/// Larger files are recorded by their hash only and can't be put back.
pub(crate) const FILE_BYTES_KEPT_MAX: u64 = 16 << 20;
/// Larger files are not even hashed: their time stamps stand for the content.
const FILE_BYTES_HASHED_MAX: u64 = 1 << 30;
/// How often a file that changes under the reading is read again.
const ATTEMPTS_MAX: usize = 3;

/// One reading keeps this much content at most; what lies beyond is recorded
/// by its hash.
const BYTES_KEPT_MAX: u64 = 1 << 30;
/// Fewer files than this are not worth another thread.
const FILES_PER_THREAD_MIN: usize = 64;
const THREADS_MAX: usize = 4;

/// The state of one entry now; `None` when it vanished.
pub(crate) fn capture(
    files: &ProjectFiles,
    blobs: &Blobs,
    entry: &WalkEntry,
) -> Result<Option<FileState>, SessionError> {
    Capture { files, blobs, budget: &AtomicU64::new(BYTES_KEPT_MAX) }.state(entry)
}

/// Completes `states`: reads the entries whose state is not known yet. Those
/// that vanished stay unknown.
pub(crate) fn complete(
    files: &ProjectFiles,
    blobs: &mut Blobs,
    entries: &[WalkEntry],
    mut states: Vec<Option<FileState>>,
) -> Result<Vec<Option<FileState>>, SessionError> {
    let unknown: Vec<usize> = (0..states.len()).filter(|index| states[*index].is_none()).collect();
    let to_read: Vec<&WalkEntry> = unknown.iter().map(|index| &entries[*index]).collect();
    for (index, state) in unknown.into_iter().zip(capture_all(files, blobs, &to_read)?) {
        states[index] = state;
    }
    Ok(states)
}

/// The states of many entries, in their order, read by several threads.
fn capture_all(
    files: &ProjectFiles,
    blobs: &mut Blobs,
    entries: &[&WalkEntry],
) -> Result<Vec<Option<FileState>>, SessionError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let share = entries.len().div_ceil(cores).max(FILES_PER_THREAD_MIN);
    let budget = AtomicU64::new(BYTES_KEPT_MAX);
    blobs.expect(entries.len())?;
    let capture = Capture { files, blobs, budget: &budget };
    let read = |share: &[&WalkEntry]| -> Result<Vec<_>, SessionError> {
        share.iter().map(|entry| capture.state(entry)).collect()
    };
    let mut states = Vec::with_capacity(entries.len());
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            entries.chunks(share).map(|share| scope.spawn(move || read(share))).collect();
        for reader in readers {
            let stopped = |_| SessionError::Other("a reading thread stopped".to_owned());
            states.extend(reader.join().map_err(stopped)??);
        }
        Ok(states)
    })
}

/// What reading needs, and how much more content may be kept.
struct Capture<'a> {
    files: &'a ProjectFiles,
    blobs: &'a Blobs,
    /// Bytes that may still be kept, by all threads together.
    budget: &'a AtomicU64,
}

impl Capture<'_> {
    /// The state of `entry` now; `None` when it vanished.
    fn state(&self, entry: &WalkEntry) -> Result<Option<FileState>, SessionError> {
        match &entry.kind {
            EntryKind::File => self.file(entry),
            EntryKind::Symlink { target } => self.link(entry, target).map(Some),
            EntryKind::Special => Ok(Some(self.unread(entry, Kind::Special))),
        }
    }

    fn file(&self, entry: &WalkEntry) -> Result<Option<FileState>, SessionError> {
        let mut file = match self.files.snapshot_open(&entry.path) {
            Ok(file) => file,
            Err(FileError::NotFound(_)) => return Ok(None),
            // A folder on the way, or the file itself, was replaced meanwhile.
            Err(FileError::NotRegular(_) | FileError::Outside(_)) => return Ok(None),
            Err(FileError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                return Ok(Some(self.unread(entry, Kind::File)));
            }
            Err(error) => return Err(error.into()),
        };
        let named = |source| FileError::Io { path: entry.path.clone(), source };
        for attempt in 1..=ATTEMPTS_MAX {
            let read_ns = now_ns();
            let before = file.metadata().map_err(named)?;
            let (hash, kept) = self.content(&mut file, &before, entry)?;
            let after = file.metadata().map_err(named)?;
            let steady = stamp(&before) == stamp(&after);
            if steady || attempt == ATTEMPTS_MAX {
                let mode = before.mode() & 0o7777;
                let read_ns = if steady { read_ns } else { 0 };
                let stamp = stamp(&before);
                return Ok(Some(FileState { kind: Kind::File, mode, hash, kept, stamp, read_ns }));
            }
            file.rewind().map_err(named)?;
        }
        Ok(None)
    }

    fn content(
        &self,
        file: &mut File,
        metadata: &Metadata,
        entry: &WalkEntry,
    ) -> Result<(Digest, bool), SessionError> {
        let named = |source| FileError::Io { path: entry.path.clone(), source };
        let size = metadata.len();
        if size > FILE_BYTES_HASHED_MAX {
            return Ok((stamp(metadata).hash(), false));
        }
        if size > FILE_BYTES_KEPT_MAX || size > self.budget.load(Ordering::Relaxed) {
            return Ok((hash_of(file).map_err(named)?, false));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(FILE_BYTES_KEPT_MAX).read_to_end(&mut bytes).map_err(named)?;
        let hash = Digest::of(&bytes);
        self.keep(&hash, &bytes)?;
        Ok((hash, true))
    }

    fn keep(&self, hash: &Digest, bytes: &[u8]) -> Result<(), SessionError> {
        let less = |left: u64| Some(left.saturating_sub(bytes.len() as u64));
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.blobs.keep(hash, bytes)
    }

    #[expect(clippy::disallowed_methods, reason = "the link's text is hashed and kept, not shown")]
    fn link(
        &self,
        entry: &WalkEntry,
        target: &Untrusted<Vec<u8>>,
    ) -> Result<FileState, SessionError> {
        let hash = Digest::of(target.expose());
        self.keep(&hash, target.expose())?;
        Ok(FileState { hash, kept: true, ..self.unread(entry, Kind::Symlink) })
    }

    /// For what can't be read: a new stamp counts as new content.
    fn unread(&self, entry: &WalkEntry, kind: Kind) -> FileState {
        let stamp = Stamp::of(entry);
        let hash = stamp.hash();
        FileState { kind, mode: entry.mode, hash, kept: false, stamp, read_ns: 0 }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
    Stamp {
        size: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

fn hash_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; 256 * 1024];
    let mut bounded = file.take(FILE_BYTES_HASHED_MAX);
    loop {
        match bounded.read(&mut block) {
            Ok(0) => return Ok(Digest(hasher.finalize().into())),
            Ok(count) => hasher.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
