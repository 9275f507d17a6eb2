//! Who there is in a container: the lists that give its user a name. They stand
//! in for the image's own, whose other users nobody can become there.

use crate::plan::{CONTAINER_USER, HOME};

/// Users that programs ask for by name, with the numbers most systems give them.
const USERS: &[(&str, u32, &str)] = &[
    ("root", 0, "/root"),
    ("daemon", 1, "/usr/sbin"),
    ("bin", 2, "/bin"),
    ("sys", 3, "/dev"),
    ("mail", 8, "/var/mail"),
    ("www-data", 33, "/var/www"),
    ("nobody", 65_534, "/nonexistent"),
];

/// The same for groups; `tty` is the one that terminals are given to.
const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("mail", 8),
    ("www-data", 33),
    ("staff", 50),
    ("users", 100),
    ("nogroup", 65_534),
];

/// `/etc/passwd` where commands are user `user` of group `group`. The first
/// line with a number names it.
pub(super) fn passwd(user: u32, group: u32) -> String {
    let mut lines = format!("{CONTAINER_USER}:x:{user}:{group}::{HOME}:/bin/sh\n");
    for (name, number, home) in USERS {
        lines.push_str(&format!("{name}:x:{number}:{number}:{name}:{home}:/usr/sbin/nologin\n"));
    }
    lines
}

/// `/etc/group` for the same.
pub(super) fn group(group: u32) -> String {
    let mut lines = format!("{CONTAINER_USER}:x:{group}:\n");
    for (name, number) in GROUPS {
        lines.push_str(&format!("{name}:x:{number}:\n"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_it_is_is_called_kode() {
        for number in [0, 33, 1000, 1_879_048_192] {
            let list = passwd(number, number);
            let named = list.lines().find(|line| line.contains(&format!(":x:{number}:")));
            assert!(named.unwrap().starts_with("kode:x:"), "{list}");
            assert!(group(number).starts_with(&format!("kode:x:{number}:\n")));
        }
    }

    #[test]
    fn every_line_has_its_fields_and_names_are_there_once() {
        for (list, fields) in [(passwd(1000, 1000), 7), (group(1000), 4)] {
            let names: Vec<&str> = list.lines().filter_map(|line| line.split(':').next()).collect();
            assert!(list.lines().all(|line| line.split(':').count() == fields), "{list}");
            let all: std::collections::BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(all.len(), names.len());
        }
    }
}
