//! File systems that are mounted in the project. Root's sandboxes show the project
//! without them, and a folder that nothing seems mounted on could be removed: the kernel
//! then takes the mount away for everybody (`detach_mounts` in its namespace.c).

use std::path::Path;

use super::{Step, kernel_list};
use crate::ProjectRoot;

/// The system's list (proc_pid_mountinfo(5)); the fifth column is where.
const LIST: &str = "/proc/self/mountinfo";
const PLACE_COLUMN: usize = 4;
/// Bytes of the list: more mounts than a system may have (`fs.mount-max`).
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// More in one project are left alone.
const MOUNTS_MAX: usize = 200;

/// What stands in their places: nothing that could be removed.
pub(super) fn placeholders(root: &ProjectRoot) -> Vec<Step> {
    let list = kernel_list(LIST, LIST_BYTES_MAX).unwrap_or_default();
    let places = below(root.text(), &list);
    let step = |path: String| match Path::new(&path).is_dir() {
        true => Step::Tmpfs { path, bytes_max: 4096, mode: 0o555 },
        false => Step::Mask { path, inode: None },
    };
    places.into_iter().take(MOUNTS_MAX).map(step).collect()
}

/// Places below `root` in the list, but for those below others.
fn below(root: &str, list: &str) -> Vec<String> {
    let place = |line: &str| Some(unescaped(line.split(' ').nth(PLACE_COLUMN)?));
    let is_inside = |path: &str, outer: &str| {
        path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    let mut places: Vec<String> =
        list.lines().filter_map(place).filter(|path| is_inside(path, root)).collect();
    places.sort();
    places.dedup();
    let all = places.clone();
    places.retain(|path| !all.iter().any(|outer| is_inside(path, outer)));
    places
}

/// Blanks and the like stand there as `\040`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..3).and_then(|code| u8::from_str_radix(code, 8).ok());
        bytes.extend(code);
        bytes.extend_from_slice(&part.as_bytes()[if code.is_some() { 3 } else { 0 }..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outer_mounts_of_the_project_are_found() {
        let list = "1 2 0:1 / / rw - ext4 a rw\n1 2 0:1 / /p/a\\040b rw - x y z\n\
                    1 2 0:1 / /p/a\\040b/c rw - x y z\n1 2 0:1 / /p rw - x y z\n\
                    1 2 0:1 / /pq rw - x y z\n1 2 0:1 / /p/d rw - x y z\n";
        assert_eq!(below("/p", list), ["/p/a b", "/p/d"]);
    }
}
