//! A watchdog on the project's file system: no command fills the disk that the
//! user, kode's own log and everything else live on.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::ProjectRoot;
use crate::incident::Incident;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What stays free unless chosen otherwise.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
const FREE_FILES_MIN: u64 = 20_000;

/// Looks at one file system while commands run.
#[derive(Debug)]
pub(super) struct Space {
    root: OwnedFd,
    chosen: Option<u64>,
    free_bytes_min: u64,
    free_files_min: u64,
    next_look: Instant,
}

impl Space {
    pub(super) fn new(root: &ProjectRoot, chosen: Option<u64>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(root.path(), flags, Mode::empty())?;
        Ok(Self { root, chosen, free_bytes_min: 0, free_files_min: 0, next_look: Instant::now() })
    }

    /// A command starts: where little is free already, half of it stays.
    pub(super) fn begin(&mut self) {
        let (bytes, files) = self.free();
        let half = |free: Option<u64>| free.unwrap_or(u64::MAX) / 2;
        self.free_bytes_min = self.chosen.unwrap_or_else(|| half(bytes).min(FREE_BYTES_MIN));
        self.free_files_min = half(files).min(FREE_FILES_MIN);
        self.next_look = Instant::now() + LOOK_EVERY;
    }

    /// Whether to look around again.
    pub(super) fn is_time(&mut self) -> bool {
        let is_time = Instant::now() >= self.next_look;
        if is_time {
            self.next_look = Instant::now() + LOOK_EVERY;
        }
        is_time
    }

    /// What is to be said when less is free than must be.
    pub(super) fn is_low(&self) -> Option<Incident> {
        // A file system that can't be asked is not called full.
        let (bytes, files) = self.free();
        let (free_bytes_min, free_files_min) = (self.free_bytes_min, self.free_files_min);
        if bytes.is_some_and(|free| free < free_bytes_min) {
            return Some(Incident::LowSpace { free_bytes_min });
        }
        let low = files.is_some_and(|free| free < free_files_min);
        low.then_some(Incident::FewFiles { free_files_min })
    }

    /// Bytes and files that there is room for, where there is a bound.
    fn free(&self) -> (Option<u64>, Option<u64>) {
        let Ok(stat) = rustix::fs::fstatvfs(&self.root) else { return (None, None) };
        let bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        (Some(bytes), (stat.f_files > 0).then_some(stat.f_favail))
    }
}
