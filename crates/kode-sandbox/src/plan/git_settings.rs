//! What of the user's own configuration of git goes inside: settings that name no
//! program and no place, never helpers, includes as such, or credentials.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ProjectRoot;
use crate::git_config::{CONFIG_BYTES_MAX, Setting, settings};

/// Keys that are passed on.
const KEYS: &[&str] = &[
    "branch.sort",
    "column.ui",
    "commit.cleanup",
    "commit.verbose",
    "core.abbrev",
    "core.autocrlf",
    "core.eol",
    "core.quotepath",
    "core.safecrlf",
    "core.whitespace",
    "diff.algorithm",
    "diff.colormoved",
    "diff.context",
    "diff.mnemonicprefix",
    "diff.noprefix",
    "diff.renames",
    "fetch.prune",
    "format.pretty",
    "init.defaultbranch",
    "log.date",
    "log.decorate",
    "merge.conflictstyle",
    "merge.ff",
    "pull.ff",
    "pull.rebase",
    "push.autosetupremote",
    "push.default",
    "push.followtags",
    "rebase.autosquash",
    "rebase.autostash",
    "rebase.updaterefs",
    "rerere.autoupdate",
    "rerere.enabled",
    "status.short",
    "status.showuntrackedfiles",
    "tag.sort",
    "user.email",
    "user.name",
];

/// Whole sections of the same kind.
const SECTIONS: &[&str] = &["advice", "color", "pretty"];

/// What git for large files sets, run from the system's own folder. A file that this
/// does not filter would be committed as it is, not as a pointer.
const LARGE_FILES: &str = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\
                           \tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n\
                           \trequired = true\n";
const LARGE_FILES_PROGRAMS: &[&str] = &["/usr/bin/git-lfs", "/usr/local/bin/git-lfs"];

/// Configuration of the whole system.
const SYSTEM: &str = "/etc/gitconfig";

const INCLUDES_MAX: usize = 10;
const IGNORED_BYTES_MAX: u64 = 64 * 1024;

/// The files that git finds inside, and what a person should know.
#[derive(Debug, Default)]
pub(super) struct GitSettings {
    /// `.gitconfig`.
    pub(super) config: String,
    /// The user's own list of ignored files, for `.config/git/ignore`.
    pub(super) ignored: Option<String>,
    /// What differs inside from what the user's configuration asks for.
    pub(super) lost: Vec<&'static str>,
}

impl GitSettings {
    /// Where each goes below the home inside.
    pub(super) fn files(self, home: &str) -> Vec<(String, String)> {
        let ignored = self.ignored.map(|text| (format!("{home}/.config/git/ignore"), text));
        std::iter::once((format!("{home}/.gitconfig"), self.config)).chain(ignored).collect()
    }

    /// Those for an image, which has programs of its own.
    pub(super) fn without_programs(self) -> Self {
        Self { config: self.config.replace(LARGE_FILES, ""), ..self }
    }
}

/// Those for a project; without one no include that depends on it counts.
pub(super) fn of(home: &Path, root: Option<&ProjectRoot>) -> GitSettings {
    let mut reader = Reader { home, root, found: Vec::new(), files: 0, all_own: true };
    // An unknown home must not become a name relative to the project.
    if home.is_absolute() {
        for place in
            [PathBuf::from(SYSTEM), home.join(".config/git/config"), home.join(".gitconfig")]
        {
            reader.read(&place);
        }
    }
    // Who can write one of the files could name a key as the list.
    let own = reader.all_own.then_some(root);
    let found = reader.found;
    let has_program = LARGE_FILES_PROGRAMS.iter().any(|program| Path::new(program).is_file());
    let large_files = has_program && found.iter().any(|setting| is_filter(setting, true));
    let mut config: String = found.iter().filter(|setting| is_passed(setting)).map(line).collect();
    config.push_str(if large_files { LARGE_FILES } else { "" });
    let ignored = own.and_then(|root| ignored(home, root, &found));
    GitSettings { config, ignored, lost: lost(&found, large_files) }
}

fn lost(found: &[Setting], large_files: bool) -> Vec<&'static str> {
    let last = |key: &str| {
        let value = found.iter().rev().find(|setting| setting.key() == key);
        value.is_some_and(|setting| is_true(&setting.value))
    };
    let mut lost = Vec::new();
    if ["commit.gpgsign", "tag.gpgsign"].iter().any(|key| last(key)) {
        lost.push("your git configuration asks for signatures; inside the sandbox there is no key, and commits and tags are made without");
    }
    if !large_files && found.iter().any(|setting| is_filter(setting, true)) {
        lost.push("your git configuration uses git-lfs, which is not inside the sandbox: large files would be committed whole; run `git add` outside");
    }
    if found.iter().any(|setting| is_filter(setting, false)) {
        lost.push("your git configuration has filters, which are not used inside the sandbox: `git add` there stores files as they are");
    }
    lost
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether it sets up a filter: that for large files, or another.
fn is_filter(setting: &Setting, for_large_files: bool) -> bool {
    let filters = matches!(setting.name.as_str(), "clean" | "process");
    let is_lfs = setting.subsection == "lfs";
    setting.section == "filter" && filters && is_lfs == for_large_files
}

fn is_passed(setting: &Setting) -> bool {
    let key = setting.key();
    // A string of control letters could end the line it is written into.
    let is_plain = !setting.value.contains(char::is_control) && setting.value.len() < 1024;
    let is_alias = setting.section == "alias"
        && setting.subsection.is_empty()
        && !setting.value.trim_start().starts_with('!');
    let in_section = SECTIONS.contains(&setting.section.as_str()) && is_word(&setting.subsection);
    is_plain && is_word(&setting.name) && (KEYS.contains(&key.as_str()) || is_alias || in_section)
}

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}

fn line(setting: &Setting) -> String {
    let Setting { section, subsection, name, value } = setting;
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    match subsection.is_empty() {
        true => format!("[{section}]\n\t{name} = \"{value}\"\n"),
        false => format!("[{section} \"{subsection}\"]\n\t{name} = \"{value}\"\n"),
    }
}

/// The text of `core.excludesFile`, or of the place it has by default.
fn ignored(home: &Path, root: Option<&ProjectRoot>, found: &[Setting]) -> Option<String> {
    let named = found.iter().rev().find(|setting| setting.key() == "core.excludesfile");
    let place = named.map_or(".config/git/ignore", |setting| {
        setting.value.strip_prefix("~/").unwrap_or(&setting.value)
    });
    let place = home.join(place);
    is_own(&place, home, root).then(|| read_small(&place, IGNORED_BYTES_MAX)).flatten()
}

/// Whether nothing on the way to a file is a link, and none of it the project's: what a
/// command put there could lead to any file of the person's.
fn is_own(place: &Path, home: &Path, root: Option<&ProjectRoot>) -> bool {
    let (Ok(real), Ok(real_home)) = (fs::canonicalize(place), fs::canonicalize(home)) else {
        return false;
    };
    let expected =
        place.strip_prefix(home).map_or_else(|_| place.to_owned(), |rest| real_home.join(rest));
    real == expected && root.is_none_or(|root| !real.starts_with(root.path()))
}

fn read_small(place: &Path, bytes_max: u64) -> Option<String> {
    let metadata = fs::metadata(place).ok()?;
    let is_small = place.is_absolute() && metadata.is_file() && metadata.len() <= bytes_max;
    is_small.then(|| fs::read_to_string(place).ok()).flatten()
}

struct Reader<'a> {
    home: &'a Path,
    root: Option<&'a ProjectRoot>,
    found: Vec<Setting>,
    files: usize,
    /// Whether only the person can have written all that was read.
    all_own: bool,
}

impl Reader<'_> {
    /// Takes in a file and what it includes, in git's order.
    fn read(&mut self, place: &Path) {
        self.files += 1;
        if self.files > INCLUDES_MAX {
            return;
        }
        let Some(text) = read_small(place, CONFIG_BYTES_MAX) else { return };
        self.all_own &= is_own(place, self.home, self.root);
        for setting in settings(&text) {
            let includes = setting.name == "path"
                && match setting.section.as_str() {
                    "include" => setting.subsection.is_empty(),
                    "includeif" => self.holds(&setting.subsection),
                    _ => false,
                };
            if includes {
                let included = self.expanded(&setting.value, place);
                // What lies in the project says nothing about the user.
                if !self.root.is_some_and(|root| included.starts_with(root.path())) {
                    self.read(&included);
                }
            } else {
                self.found.push(setting);
            }
        }
    }

    fn expanded(&self, path: &str, file: &Path) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => file.parent().unwrap_or(file).join(path),
        }
    }

    /// Whether a condition `gitdir:FOLDER/` holds for the project. Patterns are not
    /// understood, and don't hold.
    fn holds(&self, condition: &str) -> bool {
        let folder =
            condition.strip_prefix("gitdir:").or_else(|| condition.strip_prefix("gitdir/i:"));
        let (Some(folder), Some(root)) = (folder, self.root) else { return false };
        let folder = match folder.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(folder.trim_end_matches("**")),
        };
        folder.is_absolute() && root.path().join(".git").starts_with(&folder)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out homes")]

    use super::*;

    fn with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        fs::write(home.join(".gitconfig"), text).unwrap();
        (folder, home)
    }

    #[test]
    fn what_names_no_program_is_passed_on_and_the_rest_is_not() {
        let (_folder, home) = with(
            "[user]\nname = A \"B\nemail=a@b\nsigningkey = X\n[init]\ndefaultBranch = trunk\n\
             [alias]\nco = checkout\nsh = !sh -c id\n[core]\nautocrlf = input\npager = less\n\
             sshCommand = ssh -i key\n[credential]\nhelper = store\n[color \"diff\"]\nmeta = blue\n\
             [url \"https://t:oken@h/\"]\ninsteadOf = h:\n[diff]\nexternal = tool\nalgorithm = patience\n\
             [user]\nname = \"x\\ny = 1\"\n",
        );
        let config = of(&home, None).config;
        for there in ["trunk", "checkout", "input", "patience", "meta = \"blue\"", "a@b"] {
            assert!(config.contains(there), "{there}: {config}");
        }
        for gone in ["signingkey", "sh -c", "pager", "ssh", "store", "oken", "tool", "y = 1"] {
            assert!(!config.contains(gone), "{gone}: {config}");
        }
        let again = settings(&config);
        assert!(again.iter().all(is_passed) || again.iter().any(|it| it.section == "filter"));
    }

    #[test]
    fn includes_count_where_their_condition_holds() {
        let (_folder, home) = with(
            "[include]\npath = common\n[includeIf \"gitdir:~/work/\"]\npath = ~/work.config\n\
             [includeIf \"gitdir:~/other/\"]\npath = other.config\n",
        );
        fs::write(home.join("common"), "[user]\nname = Common\n").unwrap();
        fs::write(home.join("work.config"), "[user]\nemail = at@work\n").unwrap();
        fs::write(home.join("other.config"), "[user]\nemail = at@other\n").unwrap();
        let project = home.join("work/project");
        fs::create_dir_all(project.join(".git")).unwrap();
        let root = ProjectRoot::find(&project, &home, &home.join(".kode")).unwrap();
        let config = of(&home, Some(&root)).config;
        assert!(config.contains("Common") && config.contains("at@work"), "{config}");
        assert!(!config.contains("at@other"), "{config}");
        assert!(!of(&home, None).config.contains("at@work"));
    }

    #[test]
    fn what_is_lost_is_said() {
        let (_folder, home) = with("[commit]\ngpgsign = true\n[filter \"x\"]\nclean = tool\n");
        let lost = of(&home, None).lost;
        assert!(lost.iter().any(|line| line.contains("signatures")), "{lost:?}");
        assert!(lost.iter().any(|line| line.contains("filters")), "{lost:?}");
        let (_folder, home) = with("[commit]\ngpgsign = true\n[commit]\ngpgsign = false\n");
        let lost = of(&home, None).lost;
        assert!(!lost.iter().any(|line| line.contains("signatures")), "{lost:?}");
    }

    #[test]
    fn the_users_list_of_ignored_files_is_copied() {
        let (_folder, home) = with("[core]\nexcludesFile = ~/mine\n");
        fs::write(home.join("mine"), "*.swp\n").unwrap();
        assert_eq!(of(&home, None).ignored.as_deref(), Some("*.swp\n"));
        assert_eq!(of(Path::new("relative"), None).ignored, None);
    }

    #[test]
    fn what_a_command_can_write_names_no_list_of_ignored_files() {
        let (_folder, home) = with("[core]\nexcludesFile = ~/project/mine\n");
        fs::write(home.join("key"), "secret\n").unwrap();
        let project = home.join("project");
        fs::create_dir_all(project.join(".git")).unwrap();
        let root = ProjectRoot::find(&project, &home, &home.join(".kode")).unwrap();
        let ignored = || of(&home, Some(&root)).ignored;
        fs::write(project.join("mine"), "*.swp\n").unwrap();
        assert_eq!(ignored(), None, "the project's own file");
        fs::remove_file(project.join("mine")).unwrap();
        std::os::unix::fs::symlink(home.join("key"), project.join("mine")).unwrap();
        assert_eq!(ignored(), None, "a link out of the project");
        fs::write(home.join(".gitconfig"), "[core]\nexcludesFile = ~/key\n").unwrap();
        assert_eq!(ignored().as_deref(), Some("secret\n"), "as the person says themselves");
        fs::rename(home.join(".gitconfig"), project.join("gitconfig")).unwrap();
        std::os::unix::fs::symlink(project.join("gitconfig"), home.join(".gitconfig")).unwrap();
        assert_eq!(ignored(), None, "a configuration that the project holds");
    }
}
