//! The remotes of a repository, read from its configuration as text. No git
//! runs for it: where the text is unclear, there is no remote.

use std::fs;
use std::path::Path;

use crate::git_config::{CONFIG_BYTES_MAX, settings};

/// Remotes of one repository.
const REMOTES_MAX: usize = 64;

/// Names and addresses of the remotes of the repository at `project`. What they say is the project's
/// word: it may be shown to a person, and not be trusted.
pub fn git_remotes(project: &Path) -> Vec<(String, String)> {
    let path = project.join(".git/config");
    let small = fs::symlink_metadata(&path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= CONFIG_BYTES_MAX);
    let text = if small { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    remotes(&text)
}

fn remotes(text: &str) -> Vec<(String, String)> {
    let addresses = settings(text).into_iter().filter(|setting| {
        setting.section == "remote"
            && setting.name == "url"
            && !setting.subsection.is_empty()
            && !setting.value.is_empty()
            && !setting.value.contains(['"', '\\', ' '])
    });
    addresses.map(|setting| (setting.subsection, setting.value)).take(REMOTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_read_as_git_writes_them() {
        let text = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://a.org/x.git\n\tfetch = +refs\n\
                    [branch \"main\"]\n\turl = no\n[remote \"b\"]\n\turl = git@b.org:x\n\turl = \"q x\"\n";
        let expected = [("origin", "https://a.org/x.git"), ("b", "git@b.org:x")];
        let expected = expected.map(|(name, address)| (name.to_owned(), address.to_owned()));
        assert_eq!(remotes(text), expected);
        assert!(remotes("").is_empty());
    }
}
