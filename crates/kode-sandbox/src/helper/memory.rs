//! Keeps the memory of all processes together below the limit, without a
//! control group: process 1 adds it up ten times a second and kills everything
//! when it is too much. Each process is bounded by `RLIMIT_DATA` besides.

use std::fs;

/// Size of the units of `/proc/PID/statm`.
const PAGE_BYTES: u64 = 4096;

/// Every process of the namespace but process 1.
pub(super) fn others() -> impl Iterator<Item = u32> {
    process_ids().filter(|id| *id != 1)
}

/// Bytes in use by these processes and by the private folders in memory.
pub(super) fn used_bytes(
    processes: impl Iterator<Item = u32>,
    folders_in_memory: &[String],
) -> u64 {
    let processes: u64 = processes.filter_map(private_bytes).sum();
    let folders: u64 = folders_in_memory.iter().filter_map(|folder| folder_bytes(folder)).sum();
    processes.saturating_add(folders)
}

fn process_ids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Resident pages that are not of a shared file. Pages shared since a fork
/// count for each process: the sum is never too low.
fn private_bytes(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let mut fields = text.split_ascii_whitespace().skip(1);
    let resident: u64 = fields.next()?.parse().ok()?;
    let shared: u64 = fields.next()?.parse().ok()?;
    Some(resident.saturating_sub(shared).saturating_mul(PAGE_BYTES))
}

fn folder_bytes(folder: &str) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize))
}
