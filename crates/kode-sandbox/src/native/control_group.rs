//! A control group around a sandbox, where the system lets this user make one:
//! version 2 below a delegated group, version 1 where that is what there is.
//! It bounds processes, memory and the share of the processors, and kills.
//!
//! Moving processes into one costs the kernel a grace period of some
//! milliseconds, so a sandbox joins only once it has lived for a moment; until
//! then, and where there is none, resource limits and the process namespace
//! hold what they can.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::process::{Pid, Signal};

use crate::family::{MEMBERS_MAX, family};

/// What the groups of kode are called; the process's id follows.
const PREFIX: &str = "kode-";

/// Processes may fork while they are moved; each round finds fewer.
const ROUNDS_MAX: usize = 100;

/// Half a share of the processors, and a whole one.
const CPU_WEIGHTS: [&str; 2] = ["50", "100"];
const CPU_SHARES: [&str; 2] = ["512", "1024"];

/// What a group may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) processes_max: u64,
    pub(super) memory_bytes_max: u64,
    /// Half of what other programs of the same parent get when all are busy.
    pub(super) half_share: bool,
}

impl Bounds {
    fn share(self, [half, whole]: [&str; 2]) -> String {
        if self.half_share { half } else { whole }.to_owned()
    }
}

/// The folders that make up one sandbox's group; removed when dropped.
#[derive(Debug)]
pub(super) struct ControlGroup {
    folders: Vec<PathBuf>,
    version: u8,
    controllers: Vec<&'static str>,
}

impl ControlGroup {
    /// Makes the group and moves `helper` and everything below it inside.
    pub(super) fn around(helper: Pid, bounds: Bounds) -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let own = std::fs::read_to_string("/proc/self/cgroup")?;
        let name = format!("{PREFIX}{}-{}", std::process::id(), helper.as_raw_nonzero());
        let group = match Self::version_2(&mounts, &own, &name, bounds) {
            Some(group) => group,
            None => Self::version_1(&mounts, &own, &name, bounds)?,
        };
        group.take_in(helper)?;
        Ok(group)
    }

    /// Below the nearest group of our own that hands the controllers on and
    /// may be written.
    fn version_2(mounts: &str, own: &str, name: &str, bounds: Bounds) -> Option<Self> {
        let top = mount_point(mounts, "cgroup2", "")?;
        let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let own_folder = top.join(path);
        for parent in own_folder.ancestors().take_while(|folder| folder.starts_with(&top)) {
            let handed_on = std::fs::read_to_string(parent.join("cgroup.subtree_control"));
            let handed_on = handed_on.unwrap_or_default();
            if !["pids", "memory"]
                .iter()
                .all(|name| handed_on.split_whitespace().any(|n| n == *name))
            {
                continue;
            }
            let Ok(folder) = make(parent, name) else { continue };
            let mut group = Self { folders: vec![folder], version: 2, controllers: Vec::new() };
            group.bound("pids", &[("pids.max", bounds.processes_max.to_string())]);
            let memory = bounds.memory_bytes_max.to_string();
            group.bound("memory", &[("memory.max", memory)]);
            for (file, value) in [("memory.swap.max", "0"), ("memory.oom.group", "1")] {
                let _ = group.write(file, value);
            }
            group.bound("cpu", &[("cpu.weight", bounds.share(CPU_WEIGHTS))]);
            return Some(group);
        }
        None
    }

    fn version_1(mounts: &str, own: &str, name: &str, bounds: Bounds) -> io::Result<Self> {
        let mut group = Self { folders: Vec::new(), version: 1, controllers: Vec::new() };
        let mut refused = io::Error::other("no control groups are mounted");
        for controller in ["pids", "memory", "cpu"] {
            let Some(top) = mount_point(mounts, "cgroup", controller) else { continue };
            let Some(path) = own_path(own, controller) else { continue };
            match make(&top.join(path), name) {
                Ok(folder) => group.folders.push(folder),
                Err(error) => {
                    refused = error;
                    continue;
                }
            }
            let (file, value) = match controller {
                "pids" => ("pids.max", bounds.processes_max.to_string()),
                "memory" => ("memory.limit_in_bytes", bounds.memory_bytes_max.to_string()),
                _ => ("cpu.shares", bounds.share(CPU_SHARES)),
            };
            group.bound(controller, &[(file, value)]);
        }
        if group.controllers.is_empty() { Err(refused) } else { Ok(group) }
    }

    /// Notes a controller whose bound could be set.
    fn bound(&mut self, controller: &'static str, values: &[(&str, String)]) {
        if values.iter().all(|(file, value)| self.write(file, value).is_ok()) {
            self.controllers.push(controller);
        }
    }

    /// Writes the file in whichever folder has it.
    fn write(&self, file: &str, value: &str) -> io::Result<()> {
        let place =
            self.folders.iter().map(|folder| folder.join(file)).find(|place| place.exists());
        write_file(&place.ok_or(io::ErrorKind::NotFound)?, value)
    }

    /// Moves `first` and all below it; what they fork afterwards is inside.
    fn take_in(&self, first: Pid) -> io::Result<()> {
        let mut moved = BTreeSet::new();
        for _ in 0..ROUNDS_MAX {
            let found = family(first.as_raw_nonzero().get());
            let new: Vec<i32> = found.difference(&moved).copied().collect();
            if new.is_empty() {
                return Ok(());
            }
            for process in new {
                for folder in &self.folders {
                    match write_file(&folder.join("cgroup.procs"), &process.to_string()) {
                        Ok(()) => {}
                        // It ended meanwhile.
                        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                        Err(error) => return Err(error),
                    }
                }
                moved.insert(process);
            }
        }
        Err(io::Error::other("processes fork faster than they can be moved"))
    }

    /// Kills every member.
    pub(super) fn kill(&self) {
        for folder in &self.folders {
            if write_file(&folder.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            let members = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            let members = members.lines().take(MEMBERS_MAX);
            for member in members.filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
                let _ = rustix::process::kill_process(member, Signal::KILL);
            }
        }
    }

    /// How often the kernel killed a member for want of memory.
    pub(super) fn memory_kills(&self) -> u64 {
        let files = ["memory.events", "memory.oom_control"];
        let texts = self.folders.iter().flat_map(|folder| files.map(|file| folder.join(file)));
        let texts = texts.filter_map(|place| std::fs::read_to_string(place).ok());
        let count = |text: String| {
            let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
            line.trim().parse::<u64>().ok()
        };
        texts.filter_map(count).sum()
    }

    /// For `kode doctor`.
    pub(super) fn describe(&self) -> String {
        format!("control group version {}: {}", self.version, self.controllers.join(", "))
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for folder in &self.folders {
            // One that is still in use is removed by a later kode.
            let _ = remove(folder);
        }
    }
}

/// Makes a group, and removes those whose kode died before it could.
fn make(parent: &Path, name: &str) -> io::Result<PathBuf> {
    for entry in std::fs::read_dir(parent)?.flatten() {
        let stale = entry.file_name().to_str().and_then(|name| {
            let process = name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok()?;
            (!Path::new(&format!("/proc/{process}")).exists()).then(|| entry.path())
        });
        if let Some(stale) = stale {
            let _ = remove(&stale);
        }
    }
    let folder = parent.join(name);
    rustix::fs::mkdir(&folder, Mode::from_raw_mode(0o755))?;
    Ok(folder)
}

fn remove(folder: &Path) -> rustix::io::Result<()> {
    rustix::fs::unlinkat(CWD, folder, AtFlags::REMOVEDIR)
}

fn write_file(place: &Path, value: &str) -> io::Result<()> {
    let file = rustix::fs::open(place, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes())?;
    Ok(())
}

/// Where a hierarchy of this kind is mounted, with this among its options.
fn mount_point(mounts: &str, kind: &str, option: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let mut source = source.split(' ');
        let is_kind = source.next() == Some(kind);
        let options = source.nth(1).unwrap_or_default();
        let fits = option.is_empty() || options.split(',').any(|name| name == option);
        (is_kind && fits).then(|| mount.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// Our own group of a version 1 controller, relative to its mount.
fn own_path<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let is_it = fields.next()?.split(',').any(|name| name == controller);
        let path = fields.next()?.trim_start_matches('/');
        is_it.then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
        31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct\n\
        32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
        33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn hierarchies_are_found_by_what_they_control() {
        let found = |kind, option| mount_point(MOUNTS, kind, option);
        assert_eq!(found("cgroup", "cpu"), Some("/sys/fs/cgroup/cpu,cpuacct".into()));
        assert_eq!(found("cgroup", "pids"), Some("/sys/fs/cgroup/pids".into()));
        assert_eq!(found("cgroup", "memory"), None);
        assert_eq!(found("cgroup2", ""), Some("/sys/fs/cgroup/unified".into()));
    }

    #[test]
    fn ones_own_group_is_found_in_every_hierarchy() {
        let own = "5:cpu,cpuacct:/a/b\n4:pids:/\n0::/user.slice\n";
        assert_eq!(own_path(own, "cpu"), Some("a/b"));
        assert_eq!(own_path(own, "pids"), Some(""));
        assert_eq!(own_path(own, "memory"), None);
    }
}
