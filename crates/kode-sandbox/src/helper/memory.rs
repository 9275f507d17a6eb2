//! Keeps the memory of all processes together below the limit, without a
//! control group: process 1 adds it up ten times a second and kills everything
//! when it is too much. What can't be looked at counts as too much. A memory file that
//! was written and is mapped nowhere is not seen; only a control group counts those.

use std::fs;
use std::io;

/// Size of the units of `/proc/PID/statm`.
const PAGE_BYTES: u64 = 4096;

/// What a system says of its segments of shared memory, and of one of them
/// (shmctl(2), linux/shm.h; the libc crate has neither).
const SHM_INFO: libc::c_int = 14;
const SHM_STAT: libc::c_int = 13;

/// `struct shm_info` of linux/shm.h. Pages, but for the first and the last two.
#[repr(C)]
#[derive(Debug, Default)]
struct SegmentsInfo {
    segments: libc::c_int,
    total: libc::c_ulong,
    resident: libc::c_ulong,
    swapped: libc::c_ulong,
    swap_attempts: libc::c_ulong,
    swap_successes: libc::c_ulong,
}

/// Every process of the namespace but process 1.
pub(super) fn others() -> io::Result<Vec<u32>> {
    let mut others = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.parse::<u32>().ok());
        others.extend(id.filter(|id| *id != 1));
    }
    Ok(others)
}

/// Whether these processes, the private folders in memory and `segments` take more than
/// `bytes_max` together.
pub(super) fn is_over(
    processes: io::Result<Vec<u32>>,
    folders_in_memory: &[String],
    segments: u64,
    bytes_max: u64,
) -> bool {
    let Ok(processes) = processes else { return true };
    let folders: u64 = folders_in_memory.iter().filter_map(|folder| folder_bytes(folder)).sum();
    let fixed = folders.saturating_add(segments);
    let resident =
        |id: &u32| fs::read_to_string(format!("/proc/{id}/statm")).map(|text| resident(&text));
    let (mut own, mut shared) = (fixed, 0_u64);
    for id in &processes {
        let Some(pages) = of_living(resident(id)) else { return true };
        own = own.saturating_add(pages.0);
        shared = shared.saturating_add(pages.1);
    }
    if own > bytes_max || own.saturating_add(shared) <= bytes_max {
        return own > bytes_max;
    }
    // Which of the shared pages are no files', and how many share them, takes longer.
    let total = |of: &dyn Fn(&u32) -> io::Result<u64>| {
        let all = processes.iter().map(|id| of_living(of(id)).unwrap_or(u64::MAX));
        all.fold(own, u64::saturating_add)
    };
    let in_memory = |id: &u32| kib(&format!("/proc/{id}/status"), "RssShmem:");
    let by_sharers = |id: &u32| {
        // Of a process that hides, all counts.
        kib(&format!("/proc/{id}/smaps_rollup"), "Pss_Shmem:").or_else(|_| in_memory(id))
    };
    total(&in_memory) > bytes_max && total(&by_sharers) > bytes_max
}

/// Nothing for a process that ended meanwhile, `None` for one that can't be looked at.
fn of_living<T: Default>(looked: io::Result<T>) -> Option<T> {
    match looked {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Some(T::default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(T::default()),
        looked => looked.ok(),
    }
}

/// Bytes of resident pages: those of its own, which count for each process that a fork
/// shares them with, so that the sum is never too low; and those shared with files or
/// through memory.
fn resident(statm: &str) -> (u64, u64) {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(|field| field.parse().unwrap_or(0));
    let mut next = || -> u64 { fields.next().unwrap_or(0) };
    let (resident, shared) = (next(), next());
    (resident.saturating_sub(shared).saturating_mul(PAGE_BYTES), shared.saturating_mul(PAGE_BYTES))
}

/// The bytes that a line of a file of `/proc` tells in KiB.
fn kib(path: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    // A process that is ending has no memory, and no such line.
    Ok(number.unwrap_or(0).saturating_mul(1024))
}

fn folder_bytes(folder: &str) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize))
}

/// Bytes of the segments of shared memory in this namespace, attached or not.
pub(super) fn segment_bytes() -> u64 {
    let (_, info) = segments();
    let pages = info.resident.saturating_add(info.swapped);
    pages.saturating_mul(PAGE_BYTES)
}

/// Takes away the segments that a command left: no process is there to use them.
pub(super) fn remove_segments() {
    let (index_max, info) = segments();
    if info.segments == 0 {
        return;
    }
    for index in 0..=index_max {
        // SAFETY: an all-zero `shmid_ds` is a valid value of that plain structure.
        let mut status: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: `status` is writable and of the size that the kernel fills in.
        let id = unsafe { libc::shmctl(index, SHM_STAT, &raw mut status) };
        if id >= 0 {
            // SAFETY: this command takes no buffer.
            unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
        }
    }
}

/// The highest index in use, and what there is in all.
fn segments() -> (libc::c_int, SegmentsInfo) {
    let mut info = SegmentsInfo::default();
    // SAFETY: with this command the kernel fills in a `shm_info`, which `info` is laid
    // out as.
    let index_max = unsafe { libc::shmctl(0, SHM_INFO, (&raw mut info).cast()) };
    (index_max, info)
}
