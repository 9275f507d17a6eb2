//! Processes a run left behind: anything alive whose working folder lies in the
//! lab's folder, this process excepted.

use std::path::Path;

/// Identifiers of processes that still work in `folder`.
pub(crate) fn survivors(folder: &Path) -> Vec<u32> {
    let own = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| *process != own && works_in(*process, folder))
        .collect()
}

fn works_in(process: u32, folder: &Path) -> bool {
    std::fs::read_link(format!("/proc/{process}/cwd"))
        .is_ok_and(|working| working.starts_with(folder))
}
