//! What git would run or read as configuration because the repository's own
//! configuration names it: files of the project that `include.path` takes in, the
//! folder of `core.hooksPath`, programs and scripts of filters, drivers, aliases. They
//! are ordinary files, which commands may change. Those that are configuration
//! themselves are treated like it; of the others a person is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::beneath;
use super::sensitive::{self, Stamp};
use super::tree::join;
use crate::ProjectRoot;
use crate::git_config::{CONFIG_BYTES_MAX, Setting, settings};
use crate::plan;

/// Configuration that includes configuration, as deep as git goes
/// (`MAX_INCLUDE_DEPTH` in its config.c).
const INCLUDE_DEPTH_MAX: usize = 10;

const HOOKS: &str = ".git/hooks";

/// Folders of a path that are looked for.
const ANCESTORS_MAX: usize = 128;

/// Where husky puts the hooks that run those around them.
const HUSKY: &str = "_";

/// Hooks of one folder that are read, and words in each.
const HOOKS_MAX: usize = 40;
const WORDS_MAX: usize = 2000;

/// Folders on the way to configuration, in all.
const WAYS_MAX: usize = 50;

/// Files and folders of one project that are followed.
const NAMED_MAX: usize = 200;

/// What a file is for git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// It is read as configuration.
    Configuration,
    /// It is run, or hooks in it are.
    Run,
}

/// A place of the project that git's configuration names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// Below the project's folder.
    pub(crate) path: Vec<u8>,
    pub(crate) role: Role,
    /// The setting that names it.
    pub(crate) key: String,
}

/// What the repository's configuration names within the project, which is opened as
/// `root`.
pub(crate) fn named(root: &OwnedFd, project: &ProjectRoot, configs: &[Vec<u8>]) -> Vec<Named> {
    read(root, project, configs).0
}

/// The same, and whether all configuration could be read that stands there.
pub(super) fn read(
    root: &OwnedFd,
    project: &ProjectRoot,
    configs: &[Vec<u8>],
) -> (Vec<Named>, bool) {
    let worktree = project.path().to_owned();
    let mut reading =
        Reading { root, project: project.path(), worktree, found: Vec::new(), complete: true };
    for file in [".git/config", ".git/config.worktree"] {
        if let Some(text) = reading.text(file.as_bytes()) {
            reading.take(&text, &project.path().join(".git"), 0);
        }
        reading.linked(file, Role::Configuration);
    }
    reading.linked(HOOKS, Role::Run);
    let hooks = beneath::folder(root, HOOKS.as_bytes());
    for (hook, _) in hooks.map(|hooks| sensitive::entries(&hooks)).unwrap_or_default() {
        reading.linked(&format!("{HOOKS}/{}", String::from_utf8_lossy(&hook)), Role::Run);
    }
    if let Some(common) = plan::linked(project).map(|linked| linked.common)
        && let Ok(open) = rustix::fs::open(&common, FOLDER, Mode::empty())
        && let Some(text) = small_text(&open, b"config")
    {
        reading.take(&text, &common, 0);
    }
    for config in configs {
        reading.of_another(config);
    }
    reading.found.sort();
    reading.found.dedup();
    (reading.found, reading.complete)
}

/// Folders of the project, outer ones first, in which files lie that its own configuration
/// takes in, of which these are. A nested repository's can be written anyway.
pub(super) fn ways(named: &[Named]) -> Vec<Vec<u8>> {
    let files = named.iter().filter(|it| it.role == Role::Configuration).map(|it| &it.path);
    let ways: BTreeSet<Vec<u8>> = files
        .flat_map(|path| {
            let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            ends.map(|end| path[..end].to_vec()).collect::<Vec<_>>()
        })
        .filter(|folder| folder != b".git")
        .collect();
    ways.into_iter().take(WAYS_MAX).collect()
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

struct Reading<'a> {
    root: &'a OwnedFd,
    /// Canonical.
    project: &'a Path,
    /// Where the repository's files are, from which hooks and programs are named.
    worktree: PathBuf,
    found: Vec<Named>,
    complete: bool,
}

/// The configuration files, among these sensitive ones, of other repositories than the
/// project's own: nested ones and submodules.
pub(super) fn of_others(sensitive: &BTreeMap<Vec<u8>, Stamp>) -> Vec<Vec<u8>> {
    let is_config = |path: &&Vec<u8>| {
        let name = path.rsplit(|byte| *byte == b'/').next();
        let is_own = matches!(&path[..], b".git/config" | b".git/config.worktree");
        !is_own && matches!(name, Some(b"config" | b"config.worktree"))
    };
    sensitive.keys().filter(is_config).take(NAMED_MAX).cloned().collect()
}

impl Reading<'_> {
    /// Configuration of the project's; what stands there and can't be read may say anything.
    fn text(&mut self, path: &[u8]) -> Option<String> {
        let text = try_text(self.root, path);
        self.complete &= !matches!(text, Err(error) if !is_none(error));
        text.ok().flatten()
    }

    /// Where a link in git's folder leads, a person's own.
    fn linked(&mut self, link: &str, role: Role) {
        let place = self.project.join(link);
        let (Ok(target), Some(folder)) = (std::fs::read_link(&place), place.parent()) else {
            return;
        };
        let Some(path) = target.to_str().and_then(|target| self.within(folder, target)) else {
            return;
        };
        let text = small_text(self.root, &path).filter(|_| role == Role::Configuration);
        self.found.push(Named { path, role, key: link.to_owned() });
        if let Some(text) = text {
            self.take(&text, folder, 0);
        }
    }

    /// Takes in the configuration of a nested repository or a submodule.
    fn of_another(&mut self, config: &[u8]) {
        let place = self.project.join(OsStr::from_bytes(config));
        let (Some(text), Some(folder)) = (self.text(config), place.parent()) else {
            return;
        };
        let is_git = folder.file_name().is_some_and(|name| name.eq_ignore_ascii_case(".git"));
        let beside = folder.parent().filter(|_| is_git).unwrap_or(folder);
        let elsewhere = settings(&text).into_iter().rev().find(|it| it.key() == "core.worktree");
        let elsewhere = elsewhere.and_then(|it| absolute(folder, &it.value));
        let own = self.project.to_owned();
        self.worktree = elsewhere.map_or_else(|| beside.to_owned(), |place| plain(&place));
        self.take(&text, folder, 0);
        self.worktree = own;
    }

    /// Takes in the configuration `text` of a file in `folder`, which is absolute.
    fn take(&mut self, text: &str, folder: &Path, depth: usize) {
        for setting in settings(text) {
            let is_include = matches!(setting.section.as_str(), "include" | "includeif");
            if is_include && setting.name == "path" {
                self.include(&setting, folder, depth);
            } else if setting.section == "core" && setting.name == "hookspath" {
                let path = self.within(&self.worktree, &setting.value);
                path.into_iter().for_each(|path| self.hooks(path, &setting));
            } else if setting.section == "init" && setting.name == "templatedir" {
                let path = self.within(folder, &format!("{}/hooks", setting.value));
                path.into_iter().for_each(|path| self.add(path, Role::Run, &setting));
            } else if is_command(&setting) {
                for path in self.programs(&setting.value) {
                    self.add(path, Role::Run, &setting);
                }
            }
        }
    }

    fn include(&mut self, setting: &Setting, folder: &Path, depth: usize) {
        let Some(path) = self.within(folder, &setting.value) else { return };
        let text = self.text(&path);
        let place = self.project.join(OsStr::from_bytes(&path));
        // A link on the way leads to what is read, and may lead elsewhere tomorrow.
        let real = absolute(folder, &setting.value).and_then(|it| std::fs::canonicalize(it).ok());
        let real = real.and_then(|real| self.within(self.project, real.to_str()?));
        real.into_iter().for_each(|real| self.add(real, Role::Configuration, setting));
        self.add(path, Role::Configuration, setting);
        if let (Some(text), Some(folder)) = (text, place.parent())
            && depth < INCLUDE_DEPTH_MAX
            && self.found.len() < NAMED_MAX
        {
            self.take(&text, folder, depth + 1);
        }
    }

    /// A folder of hooks, and what they run: programs that they name, and where they say
    /// that they go on from their own place, or husky made them, the files around it.
    fn hooks(&mut self, path: Vec<u8>, setting: &Setting) {
        let folder = self.project.join(OsStr::from_bytes(&path));
        let outer = folder.parent().map(Path::to_owned).unwrap_or_default();
        let mut goes_on = folder.ends_with(HUSKY);
        let open = beneath::folder(self.root, &path).ok();
        let names = open.map(|open| sensitive::entries(&open)).unwrap_or_default();
        for (name, _) in names.into_iter().take(HOOKS_MAX) {
            let Some(text) = small_text(self.root, &join(&path, &name)) else { continue };
            let from = [&self.worktree, &folder, &outer];
            let programs: Vec<_> = from.into_iter().flat_map(|it| self.files(it, &text)).collect();
            programs.into_iter().for_each(|path| self.add(path, Role::Run, setting));
            goes_on |= text.contains("dirname");
        }
        let around = outer.strip_prefix(self.project).ok().map(|it| it.as_os_str().as_bytes());
        if let Some(around) = around.filter(|around| goes_on && !around.is_empty()) {
            self.add(around.to_vec(), Role::Run, setting);
        }
        self.add(path, Role::Run, setting);
    }

    /// Files of the project that a script names, seen from a folder: words with a slash.
    fn files(&self, folder: &Path, script: &str) -> Vec<Vec<u8>> {
        let words = script.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = words.flat_map(|line| line.split(is_between)).filter(|it| it.contains('/'));
        let paths = words.flat_map(|word| [word, as_place(word)]);
        let paths = paths.take(WORDS_MAX).filter_map(|word| self.within(folder, word));
        let is_file = |path: &Vec<u8>| self.project.join(OsStr::from_bytes(path)).is_file();
        paths.filter(is_file).collect()
    }

    fn add(&mut self, path: Vec<u8>, role: Role, setting: &Setting) {
        if self.found.len() < NAMED_MAX {
            self.found.push(Named { path, role, key: setting.key() });
        }
    }

    /// Words of a command that name something in the project. The first one is looked
    /// up on `PATH` unless it has a slash; git runs it in the project's folder.
    fn programs(&self, command: &str) -> Vec<Vec<u8>> {
        let words = command.trim_start_matches('!').split(is_between);
        let words = words.filter(|word| !word.is_empty()).enumerate();
        let named = words.filter(|(number, word)| *number > 0 || word.contains('/'));
        // Options and variables have theirs behind a sign.
        let within =
            |word: &'_ str| word.split(['=', ':', ',']).map(str::to_owned).collect::<Vec<_>>();
        let parts = named.flat_map(|(_, word)| {
            let parts = within(word).into_iter().filter(|part| part.contains('/'));
            parts.chain([word.to_owned()]).collect::<Vec<_>>()
        });
        let words = parts.flat_map(|word| [as_place(&word).to_owned(), word]);
        let paths = words.filter_map(|word| self.within(&self.worktree, &word));
        let is_there = |path: &Vec<u8>| {
            std::fs::symlink_metadata(self.project.join(OsStr::from_bytes(path))).is_ok()
        };
        paths.filter(is_there).collect()
    }

    /// The path below the project that `value` names from `folder`; `None` for any
    /// outside, what is read-only anyway, and for the project or `.git` as a whole.
    fn within(&self, folder: &Path, value: &str) -> Option<Vec<u8>> {
        let place = self.without_links(plain(&absolute(folder, value)?));
        let below = place.strip_prefix(self.project).ok()?;
        let protected = [".git/config", ".git/config.worktree", ".git/hooks", ".git/info"];
        let is_known = protected.iter().any(|known| below.starts_with(known));
        let is_whole = below.as_os_str().is_empty() || below == Path::new(".git");
        (!is_known && !is_whole).then(|| below.as_os_str().as_bytes().to_vec())
    }
}

impl Reading<'_> {
    /// A path that leads to the project over a link, as `/home` may be one, in the
    /// project's own words.
    fn without_links(&self, place: PathBuf) -> PathBuf {
        if place.starts_with(self.project) {
            return place;
        }
        // What of it stands may be only the begin.
        let real = place.ancestors().skip(1).take(ANCESTORS_MAX).find_map(|outer| {
            let rest = place.strip_prefix(outer).ok()?;
            Some(std::fs::canonicalize(outer).ok()?.join(rest))
        });
        real.unwrap_or(place)
    }
}

/// What stands between the words of a command.
fn is_between(letter: char) -> bool {
    letter.is_whitespace() || "\"'();&|`<>".contains(letter)
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut place = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            Component::CurDir => {}
            part => place.push(part),
        }
    }
    place
}

/// The path that git means by `value` in a file in `folder`.
fn absolute(folder: &Path, value: &str) -> Option<PathBuf> {
    let Some(below_home) = value.strip_prefix("~/") else { return Some(folder.join(value)) };
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(below_home))
}

/// A word of a command as a place in the project: what stands before it may be a variable
/// or a command of which the outcome is the project's folder.
fn as_place(word: &str) -> &str {
    let rest = word.strip_prefix('$').map_or(word, |rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_{}".contains(c))
    });
    rest.trim_start_matches('/')
}

/// Whether git runs what the setting says (git-config(1), gitattributes(5)).
fn is_command(setting: &Setting) -> bool {
    let Setting { section, name, .. } = setting;
    match section.as_str() {
        "filter" => matches!(name.as_str(), "clean" | "smudge" | "process"),
        "diff" => matches!(name.as_str(), "command" | "textconv" | "external"),
        "merge" | "mergetool" | "difftool" | "browser" | "man" | "guitool" => {
            matches!(name.as_str(), "driver" | "cmd" | "path")
        }
        "core" => matches!(
            name.as_str(),
            "fsmonitor"
                | "sshcommand"
                | "editor"
                | "pager"
                | "askpass"
                | "gitproxy"
                | "alternaterefscommand"
        ),
        "sequence" => name == "editor",
        "gpg" => name == "program" || name == "defaultkeycommand",
        "credential" => name == "helper",
        "remote" => {
            matches!(name.as_str(), "uploadpack" | "receivepack" | "vcs")
                || name.ends_with("url") && setting.value.starts_with("ext::")
        }
        "uploadpack" => name == "packobjectshook",
        "alias" => setting.value.starts_with('!'),
        "interactive" => name == "difffilter",
        "sendemail" => {
            matches!(name.as_str(), "sendmailcmd" | "tocmd" | "cccmd" | "headercmd" | "smtpserver")
        }
        "tar" | "hook" => name == "command",
        "lfs" => {
            matches!(name.as_str(), "path" | "args" | "clean" | "smudge")
                || name.ends_with("command")
        }
        "gc" => name == "recentobjectshook",
        "annex" => name.ends_with("command") || name.ends_with("hook"),
        "svn" => name == "authorsprog",
        "trailer" => matches!(name.as_str(), "command" | "cmd"),
        "pager" | "submodule" | "imap" | "web" | "instaweb" => true,
        _ => false,
    }
}

/// Whether the error says that no file stands there, or a link that is looked at elsewhere.
fn is_none(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL)
}

fn small_text(root: &OwnedFd, path: &[u8]) -> Option<String> {
    try_text(root, path).ok().flatten()
}

/// What a file says; `None` where no ordinary one stands there.
fn try_text(root: &OwnedFd, path: &[u8]) -> Result<Option<String>, Errno> {
    let (folder, name) = beneath::parent(root, path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = File::from(file).take(CONFIG_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|_| Errno::IO)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// What is run, and what it was like.
pub(super) type Stamps = BTreeMap<Vec<u8>, (Stamp, String)>;

/// The files that are run, or stand in a folder of hooks, and what they were like; links
/// among them and on the way, and what those lead to.
pub(super) fn stamps(root: &OwnedFd, project: &ProjectRoot, named: &[Named]) -> Stamps {
    let mut all = Stamps::new();
    for Named { path, key, .. } in named.iter().filter(|named| named.role == Role::Run) {
        for path in real(project.path(), path) {
            match beneath::folder(root, &path) {
                Ok(folder) => {
                    for (name, kind) in sensitive::entries(&folder) {
                        let entry = join(&path, &name);
                        let is_link = matches!(kind, FileType::Symlink | FileType::Unknown);
                        let leads_to =
                            if is_link { real(project.path(), &entry) } else { vec![entry] };
                        leads_to.into_iter().for_each(|it| take(root, &mut all, it, key));
                    }
                }
                Err(_) => take(root, &mut all, path, key),
            }
        }
    }
    all
}

fn take(root: &OwnedFd, all: &mut Stamps, path: Vec<u8>, key: &str) {
    let found = beneath::parent(root, &path).ok();
    if let Some(stamp) = found.and_then(|(folder, name)| sensitive::stamp(&folder, name)) {
        all.insert(path, (stamp, key.to_owned()));
    }
}

/// The links of the project that lie on the way to `path`, and what they lead to; else
/// the path itself.
fn real(project: &Path, path: &[u8]) -> Vec<Vec<u8>> {
    let whole = project.join(OsStr::from_bytes(path));
    let links = plan::links_on_the_way(&whole).unwrap_or_default();
    let end = std::fs::canonicalize(&whole).ok();
    let below = |path: &PathBuf| {
        let below = path.strip_prefix(project).ok()?.as_os_str().as_bytes();
        (!below.is_empty()).then(|| below.to_vec())
    };
    match links.is_empty() {
        true => vec![path.to_vec()],
        false => links.iter().chain(&end).filter_map(below).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_commands_lead_into_the_project_over_variables() {
        for (word, place) in [
            ("$PWD/tools/x", "tools/x"),
            ("${TOP}/x", "x"),
            ("/tools/x", "tools/x"),
            ("tools/x", "tools/x"),
            ("$x", ""),
        ] {
            assert_eq!(as_place(word), place, "{word}");
        }
    }

    #[test]
    fn settings_that_name_programs_are_known() {
        let run = |text: &str| settings(text).iter().all(is_command);
        for text in ["[tar \"x\"]command=a", "[hook \"x\"]command=a", "[sendemail]smtpServer=/a"] {
            assert!(run(text), "{text}");
        }
        assert!(run("[remote \"x\"]url=ext::sh a") && run("[lfs \"customtransfer.x\"]path=a"));
        assert!(run("[lfs \"extension.x\"]clean=a") && run("[gc]recentObjectsHook=a"));
        assert!(run("[annex]freezecontent-command=a") && run("[svn]authorsProg=a"));
        assert!(!run("[remote \"x\"]url=https://a") && !run("[user]name=a"));
    }
}
