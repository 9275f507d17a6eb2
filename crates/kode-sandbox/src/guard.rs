//! Looks after each command for files that would make git or kode itself run
//! or believe something on the host: a new `.git`, hook or module
//! configuration anywhere, a folder that became a repository itself, a new
//! `kode.json`. What appears is renamed so that
//! nothing reads it, and reported. Nothing is deleted. Set-id bits and bits that
//! let everybody write are taken away.
//!
//! Mounts keep the project's own repository read-only where it counts; this is
//! for what mounts can't name beforehand. Where such a mount stood to the end, a
//! change was not the command's and stays; where a person replaced the file and
//! the mount went with it, it may be either's: what was there before is put back
//! and the change kept beside it.

mod beneath;
mod check;
mod disarm;
mod doubles;
mod doubt;
mod format;
mod ground;
mod index;
mod inner;
mod kept;
mod linked;
mod live;
mod modes;
mod names;
mod others;
mod reference;
mod reftable;
mod runs;
mod sensitive;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use kode_base::ProjectPath;
use rustix::fs::{FileType, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::ProjectRoot;
use crate::credentials::Named;
use crate::incident::Incident;
use doubles::{Doubles, Shared};
use doubt::Doubt;
use ground::Ground;
use inner::{Found, Look};
use kept::Kept;
use linked::Repository;
use live::Live;
use modes::{Loose, Modes};
use others::{Around, Other, Others};
use sensitive::Stamp;
use tree::Tree;

/// What stood in one project before a command.
#[derive(Debug)]
pub(crate) struct Guard {
    root: OwnedFd,
    tree: Tree,
    /// `.git` and the like, by their paths: credentials may lie in them too.
    own: HashMap<Vec<u8>, Tree>,
    before: BTreeMap<Vec<u8>, Stamp>,
    /// What git's configuration named before the command, and of it what git runs.
    gits: Vec<runs::Named>,
    /// Configuration of nested repositories and submodules.
    configs: Vec<Vec<u8>>,
    runs: BTreeMap<Vec<u8>, (Stamp, String)>,
    /// Of that, what a person was told of.
    told_runs: BTreeMap<Vec<u8>, Stamp>,
    /// What lay in git's and kode's own folders before.
    inside: Found,
    /// Folders of objects that have second names, once they were looked for.
    doubled: Option<BTreeSet<Vec<u8>>>,
    /// Names there of files that have several.
    shared: Shared,
    ground: Ground,
    others: Others,
    /// What is to be told with the next command's end.
    untold: Vec<Incident>,
    modes: Modes,
    live: Live,
    kept: Kept,
    project: ProjectRoot,
    repository: Repository,
    /// Mounts in the project that were told of, or need not be.
    told: BTreeSet<Vec<u8>>,
    complete: bool,
}

/// What stands in a project and needs mounts of its own; below the project's folder.
#[derive(Debug, Default)]
pub(crate) struct InProject {
    /// Beside git's and kode's own files: programs with set-id bits, and what git reads
    /// as configuration.
    pub(crate) read_only: Vec<Vec<u8>>,
    /// Folders on the way to what the project's own configuration takes in: they are not
    /// to be renamed.
    pub(crate) fixed: Vec<Vec<u8>>,
    /// Sockets, of whomever.
    pub(crate) sockets: Vec<Vec<u8>>,
    /// Whether all could be looked at.
    pub(crate) complete: bool,
    around: Around,
}

impl InProject {
    /// Whether another command runs that could move things meanwhile.
    pub(crate) fn is_shared(&self) -> bool {
        self.around.run()
    }
}

/// So often the project is looked at while other sandboxes come and go.
const LOOKS_MAX: usize = 3;

/// Files with loose permission bits that are named one by one.
const LOOSE_NAMED_MAX: usize = 20;

/// The same of files that git runs, for each setting, and of other names of files.
const RUNS_NAMED_MAX: usize = 20;
const NAMES_NAMED_MAX: usize = 5;

/// The same of files that were put aside.
const PUT_ASIDE_NAMED_MAX: usize = 100;

/// What is put aside has this in its name.
const QUARANTINE: &str = ".kode-quarantine-";

impl Guard {
    /// With `names`, [`Self::named`] knows which names credentials have.
    /// kode's home, which commands can't see, is where other sandboxes of the project
    /// are told of.
    pub(crate) fn new(root: &ProjectRoot, kode_home: &Path, names: bool) -> io::Result<Self> {
        let kept = Kept::new(root, Vec::new());
        let ground = Ground::of(root.path()).ok_or(io::ErrorKind::NotFound)?;
        let project = root.clone();
        let root = root.open(OFlags::RDONLY)?;
        let tree = Tree::new(&root, names)?;
        let mut guard = Self {
            root,
            tree,
            own: HashMap::new(),
            before: BTreeMap::new(),
            gits: Vec::new(),
            configs: Vec::new(),
            runs: BTreeMap::new(),
            told_runs: BTreeMap::new(),
            inside: Found::default(),
            doubled: None,
            shared: Shared::default(),
            ground,
            others: Others::of(kode_home),
            untold: Vec::new(),
            modes: Modes::new(),
            live: Live::of(project.path()),
            kept,
            project,
            repository: Repository::default(),
            told: BTreeSet::new(),
            complete: true,
        };
        guard.complete = guard.tree.look_before(&guard.root);
        // What is loose already is the user's.
        let (mut loose, mut doubles) = (Vec::new(), Doubles::default());
        guard.complete &= guard.modes.look(&guard.root, &guard.tree, &mut loose, &mut doubles);
        Ok(guard)
    }

    /// What of the project needs mounts of its own.
    pub(crate) fn in_project(&mut self) -> InProject {
        let look = self.look_inside(Look::thorough());
        let configs = runs::of_others(&look.found.sensitive);
        let named = runs::named(&self.root, &self.project, &configs);
        let fixed = match configs.is_empty() {
            true => runs::ways(&named),
            false => runs::ways(&runs::named(&self.root, &self.project, &[])),
        };
        let configuration =
            named.into_iter().filter(|named| named.role == runs::Role::Configuration);
        let mut read_only: Vec<Vec<u8>> = configuration.map(|named| named.path).collect();
        read_only.extend(self.modes.with_set_id().cloned());
        let mut sockets = look.sockets;
        self.doubled = Some(look.with_doubles);
        self.shared.extend(look.shared);
        for (path, folder) in &self.tree.folders {
            sockets.extend(folder.sockets.iter().map(|name| tree::join(path, name)));
        }
        let complete = self.complete && look.complete;
        let grounds = self.grounds();
        InProject { read_only, fixed, sockets, complete, around: self.others.around(grounds) }
    }

    /// The absolute paths of the project's read-only mounts.
    pub(crate) fn protects(&mut self, protected: Vec<String>) {
        self.kept = Kept::new(&self.project, protected);
    }

    /// Folders in memory that commands see where something else is mounted, by their
    /// absolute paths: nobody has to look there.
    pub(crate) fn hides(&mut self, folders: &[String]) {
        self.told.extend(self.kept.below_root(folders));
    }

    /// Takes in the present state: what is there before a command is not the
    /// command's doing, unless another one may have planted it.
    pub(crate) fn before_command(&mut self) {
        self.modes.begin();
        let grounds = self.grounds();
        if self.doubled.is_none() {
            let look = self.look_inside(Look::thorough());
            self.doubled = Some(look.with_doubles);
            self.shared.extend(look.shared);
        }
        let mut told = self.others.begin() && self.others.look(&grounds).is_some();
        for _ in 0..LOOKS_MAX {
            self.complete = self.look_before();
            let changed = self.others.look(&grounds);
            told &= changed.is_some();
            if changed != Some(true) {
                break;
            }
        }
        let (killed, mut others): (Vec<_>, Vec<_>) =
            self.others.take().into_iter().partition(|other| other.killed);
        others.sort_by_key(|other| other.since_ns);
        self.tell_of_killed(&killed);
        let own = self.doubt(&others, grounds);
        self.complete &= self.others.say(own) && told;
        self.live.begin(self.modes.since_ns);
    }

    /// Whether the command made another repository of the project's while it runs, which
    /// git on the host would obey: it must end.
    pub(crate) fn is_led_away(&mut self) -> bool {
        self.live.is_led_away()
    }

    /// Where commands can write.
    fn grounds(&mut self) -> Vec<Ground> {
        let gitfile = sensitive::stamp(&self.root, b".git").filter(Stamp::is_file);
        self.repository.open(&self.project, gitfile);
        std::iter::once(&self.ground).chain(self.repository.grounds()).cloned().collect()
    }

    fn look_before(&mut self) -> bool {
        let complete = self.tree.look_before(&self.root);
        self.modes.note_shared(&self.root, &self.tree.read);
        let look = self.look_inside(Look::before());
        self.inside = look.found;
        self.shared.extend(look.shared);
        self.before = std::mem::take(&mut self.inside.sensitive);
        self.configs = runs::of_others(&self.before);
        let (gits, all_read) = runs::read(&self.root, &self.project, &self.configs);
        self.gits = gits;
        sensitive::find_named(&self.root, &self.gits, &mut self.before);
        self.runs = runs::stamps(&self.root, &self.project, &self.gits);
        self.repository.look_before();
        complete && all_read
    }

    /// Takes nothing for there before that the command of another sandbox may have
    /// planted: it is put aside when this one ends. What others are to know of this one.
    fn doubt(&mut self, others: &[Other], grounds: Vec<Ground>) -> Other {
        let doubt = Doubt::new(&self.root, &self.ground, others.iter());
        let doubted = doubt.sift(&mut self.before, &mut self.inside);
        self.runs.retain(|path, (stamp, _)| {
            // One telling is enough.
            !doubt.doubts(path, stamp.inode(), stamp.changed_ns())
                || self.told_runs.get(path) == Some(stamp)
        });
        self.repository.doubt(others);
        let began_ns = self.modes.since_ns;
        let since_ns = others.iter().map(|other| other.since_ns).fold(began_ns, i128::min);
        self.modes.doubt(since_ns);
        self.kept.take(&self.root, &self.before, (&doubted, others));
        let mut known = doubt::known(&self.root, &self.ground, &self.before, &self.inside.odd);
        known.extend(self.repository.known());
        Other { since_ns, grounds, known, kept: self.kept.told(), killed: false }
    }

    /// Tells what changed since others began whose kode was killed; it stays, but what was
    /// not judged since is judged when this command ends.
    fn tell_of_killed(&mut self, killed: &[Other]) {
        let doubt = Doubt::new(&self.root, &self.ground, killed.iter());
        let mut left = doubt.of(&self.before, &self.inside.odd);
        for other in killed {
            self.inside.doubt(other.since_ns);
            left.extend(self.modes.loose_since(&self.root, &self.tree, other.since_ns));
        }
        self.untold.extend(left_by_killed(&left));
        self.untold.extend(self.repository.left_by(killed));
    }

    /// Looks through git's and kode's own folders, and repositories without one.
    fn look_inside<'a>(&self, mut look: Look<'a>) -> Look<'a> {
        for (path, folder) in &self.tree.folders {
            if folder.names.is_empty() && folder.heads.is_empty() {
                continue;
            }
            match beneath::folder(&self.root, path) {
                Ok(open) => look.project_folder(&open, path, folder),
                // Gone with all that was in it.
                Err(Errno::NOENT) => {}
                Err(_) => look.complete = false,
            }
        }
        look
    }

    /// Files below `root` whose names credentials have, or perhaps, or that have one
    /// of `inodes`, and whether those are all.
    pub(crate) fn named(&mut self, root: &Path, inodes: &Arc<HashSet<u64>>) -> (Vec<Named>, bool) {
        self.tree.look_for(inodes);
        let mut complete = self.tree.look_before(&self.root) && !self.tree.has_closed();
        complete &= self.look_into_own_folders();
        let outer = Vec::new();
        let trees = std::iter::once((&outer, &self.tree)).chain(&self.own);
        let folders = trees.flat_map(|(place, tree)| {
            tree.folders.iter().map(move |(folder, it)| match folder.is_empty() {
                true => (place.clone(), it),
                false => (tree::join(place, folder), it),
            })
        });
        let named = folders.flat_map(|(folder, it)| {
            it.named.iter().map(move |(name, kind)| Named {
                path: root.join(OsStr::from_bytes(&tree::join(&folder, name))),
                kind: *kind,
            })
        });
        (named.collect(), complete)
    }

    /// Looks through the folders that have git's or kode's names; false when that is
    /// not complete.
    fn look_into_own_folders(&mut self) -> bool {
        let mut before = std::mem::take(&mut self.own);
        let inodes = self.tree.inodes();
        let mut complete = true;
        for (folder, it) in &self.tree.folders {
            for name in &it.names {
                let path = tree::join(folder, name);
                let open = match beneath::folder(&self.root, &path) {
                    // A file, a link, or gone.
                    Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => continue,
                    open => open,
                };
                let known = before.remove(&path).map(Ok);
                let tree = open.and_then(|open| {
                    let mut tree = known.unwrap_or_else(|| Tree::inside(&open))?;
                    tree.look_for(&inodes);
                    complete &= tree.look_before(&open) && !tree.has_closed();
                    Ok(tree)
                });
                match tree {
                    Ok(tree) => drop(self.own.insert(path, tree)),
                    Err(_) => complete = false,
                }
            }
        }
        complete
    }

    /// Puts aside what the command made or changed among the sensitive files.
    /// Every process of the sandbox is dead by now; of its protections, `held`
    /// stood to the end.
    pub(crate) fn after_command(&mut self, held: &[String]) -> Vec<Incident> {
        let held_here = self.kept.below_root(held);
        self.complete &= self.tree.look_after(&self.root);
        // Repositories are known by what was there before.
        self.inside.sensitive.clone_from(&self.before);
        let times = (self.modes.since_ns, self.modes.doubt_ns);
        let look = Look::after(&self.inside, self.doubled.as_ref(), times, &held_here);
        let mut look = self.look_inside(look);
        let mut after = std::mem::take(&mut look.found.sensitive);
        sensitive::find_named(&self.root, &self.gits, &mut after);
        self.complete &= look.complete;
        let mut changed = changed(&self.before, &after, &held_here, self.modes.since_ns);
        changed.retain(|path| !self.kept.is_back(&self.root, path));
        look.leave_out(&changed);
        // While all still stands where it was found.
        let (mut loose, mut doubles) = (look.loose, look.doubles);
        self.shared.extend(self.modes.take_shared());
        self.complete &= self.modes.look(&self.root, &self.tree, &mut loose, &mut doubles);
        let gone = self.shared.take_gone((&self.root, self.modes.since_ns), &doubles);
        let tightened = tighten(&self.root, &loose);
        let strange = strange(&look.strange);
        let overlooked = self.overlooked(&look.overlooked);
        let mut aside = std::mem::take(&mut self.untold);
        let appeared = named(&self.live.end(), PUT_ASIDE_NAMED_MAX);
        aside.extend(appeared.map(|(paths, more)| Incident::Appeared { paths, more }));
        let to_put: Vec<_> = look.new.iter().chain(&changed).collect();
        let kept = Some(&self.kept);
        aside.extend(to_put.into_iter().map(|path| put_aside(&self.root, path, kept)));
        let back = self.kept.put_back_missing(&self.root, &after, &held_here);
        aside.extend(back.iter().map(|path| Incident::Restored { path: readable(path) }));
        let mut incidents = name_some(aside);
        self.complete &= self.repository.after_command(held, times, &mut incidents);
        incidents.extend(self.tell_of_runs());
        incidents.extend(strange);
        incidents.extend(overlooked);
        incidents.extend(tightened);
        incidents.extend(second_names(doubles));
        let gone = named(&gone, NAMES_NAMED_MAX);
        incidents.extend(gone.map(|(paths, more)| Incident::SecondNamesGone { paths, more }));
        incidents.extend(self.tell_of_mounts());
        if !self.complete {
            incidents.push(Incident::Unchecked);
        }
        self.others.end();
        incidents
    }

    /// Of files that an index has git overlook, those that the command changed.
    fn overlooked(&self, paths: &[Vec<u8>]) -> Option<Incident> {
        let is_changed = |path: &&Vec<u8>| {
            let found = beneath::parent(&self.root, path);
            let stat = found.and_then(|(folder, name)| beneath::stat(folder, name));
            stat.is_ok_and(|stat| modes::is_since(&stat, self.modes.since_ns))
        };
        let paths: Vec<_> = paths.iter().filter(is_changed).cloned().collect();
        let some = named(&paths, RUNS_NAMED_MAX);
        some.map(|(paths, more)| Incident::Overlooked { paths, more })
    }

    /// Says once of each file system mounted in the project that nobody looked there.
    fn tell_of_mounts(&mut self) -> Vec<Incident> {
        let new: Vec<_> = self.tree.mounts.difference(&self.told).cloned().collect();
        self.told.extend(new.iter().cloned());
        new.iter().map(|path| Incident::NotLookedInto { path: readable(path) }).collect()
    }

    /// Of what git runs by its configuration, tells what the command made or changed.
    fn tell_of_runs(&mut self) -> Vec<Incident> {
        let mut told: BTreeMap<String, Vec<ProjectPath>> = BTreeMap::new();
        // A link on the way to one may lead elsewhere by now.
        for named in runs::named(&self.root, &self.project, &self.configs) {
            if named.role == runs::Role::Configuration && !self.gits.contains(&named) {
                told.entry(named.key).or_default().push(readable(&named.path));
            }
        }
        for (path, (stamp, key)) in runs::stamps(&self.root, &self.project, &self.gits) {
            if self.runs.get(&path).is_none_or(|(before, _)| *before != stamp) {
                told.entry(key).or_default().push(readable(&path));
                self.told_runs.insert(path, stamp);
            }
        }
        let tell = |(key, mut paths): (String, Vec<ProjectPath>)| {
            let more = paths.len().saturating_sub(RUNS_NAMED_MAX);
            paths.truncate(RUNS_NAMED_MAX);
            Incident::GitRuns { key, paths, more }
        };
        told.into_iter().map(tell).collect()
    }
}

/// Takes loose permission bits away from what the command touched below `root`.
fn tighten(root: &OwnedFd, loose: &[Loose]) -> Vec<Incident> {
    let mut incidents = Vec::new();
    let mut unnamed = 0;
    for file in loose {
        let stripped = file.strip(root);
        if file.bits == 0 && !file.capable {
            continue;
        }
        if incidents.len() >= LOOSE_NAMED_MAX {
            unnamed += 1;
            continue;
        }
        let path = readable(&file.path);
        incidents.push(match stripped {
            Err(error) => {
                let error = error.to_string();
                Incident::PermissionsLeft { path, bits: file.bits, error }
            }
            Ok(()) if file.capable => Incident::CapabilitiesTaken { path },
            Ok(()) => Incident::PermissionsTightened { path, bits: file.bits },
        });
    }
    if unnamed > 0 {
        incidents.push(Incident::MorePermissions { count: unnamed });
    }
    incidents
}

/// Says what stands in git's folders under names that git does not make.
fn strange(paths: &[Vec<u8>]) -> Option<Incident> {
    named(paths, PUT_ASIDE_NAMED_MAX).map(|(paths, more)| Incident::StrangeInGit { paths, more })
}

/// Says of which files another name lies outside.
fn second_names(doubles: Doubles) -> Option<Incident> {
    let outside = doubles.outside();
    named(&outside, NAMES_NAMED_MAX).map(|(paths, more)| Incident::SecondNames { paths, more })
}

/// Some of the paths, those that a person must read first, and how many there are besides.
fn named(paths: &[Vec<u8>], most: usize) -> Option<(Vec<ProjectPath>, usize)> {
    let mut paths: Vec<&Vec<u8>> = paths.iter().collect();
    paths.sort_by_key(|path| rank(path));
    let some: Vec<_> = paths.iter().take(most).map(|path| readable(path)).collect();
    (!some.is_empty()).then(|| (some, paths.len().saturating_sub(most)))
}

/// What makes a repository, or another one of it, comes before hooks, and what lies near
/// before what lies deep: others may be there to hide it.
fn rank(path: &[u8]) -> (bool, usize, Vec<u8>) {
    const WHOLE: &[&[u8]] = &[b".git", b"head", b"commondir", b"config", b"config.worktree"];
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    (!WHOLE.contains(&&*name), parts.count(), path.to_vec())
}

/// Tells of what one left whose kode was killed, if it left anything.
fn left_by_killed(paths: &[Vec<u8>]) -> Option<Incident> {
    let some = named(paths, PUT_ASIDE_NAMED_MAX);
    some.map(|(paths, more)| Incident::LeftByKilled { paths, more })
}

/// What of `after` a command made or changed; of what lies in a folder that is among
/// them only the folder. What is `held`, or lies in it, was not a command's to change,
/// unless it has, or had, a second name. The command began at `since_ns`.
fn changed(
    before: &BTreeMap<Vec<u8>, Stamp>,
    after: &BTreeMap<Vec<u8>, Stamp>,
    held: &[Vec<u8>],
    since_ns: i128,
) -> Vec<Vec<u8>> {
    let mut changed: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (path, stamp) in after {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let inside_changed = slashes.into_iter().any(|(at, _)| changed.contains(&path[..at]));
        let is_as_before = before.get(path) == Some(stamp) && !stamp.is_unclear(since_ns);
        if inside_changed || is_as_before {
            continue;
        }
        let is_held = |outer: &Vec<u8>| path == outer || is_inside(path, outer);
        let had_one_name = before.get(path).is_none_or(Stamp::has_one_name);
        if !(stamp.has_one_name() && had_one_name && held.iter().any(is_held)) {
            changed.insert(path.clone());
        }
    }
    changed.into_iter().collect()
}

/// So many as a person reads, those that need them first, and how many more there are.
fn name_some(mut incidents: Vec<Incident>) -> Vec<Incident> {
    incidents.sort_by_key(|incident| !matches!(incident, Incident::NotQuarantined { .. }));
    let unnamed = incidents.len().saturating_sub(PUT_ASIDE_NAMED_MAX);
    let more_failed = incidents.iter().skip(PUT_ASIDE_NAMED_MAX);
    let failed = more_failed.filter(|it| matches!(it, Incident::NotQuarantined { .. })).count();
    if unnamed > 0 {
        incidents.truncate(PUT_ASIDE_NAMED_MAX);
        incidents.push(Incident::MorePutAside { count: unnamed - failed, failed });
    }
    incidents
}

/// Renames what stands at `path` beneath `root`; what `kept` has of it is put back.
fn put_aside(root: &OwnedFd, path: &[u8], kept: Option<&Kept>) -> Incident {
    match rename(root, path) {
        Ok((folder, moved_to)) => {
            let name = moved_to.rsplit(|byte| *byte == b'/').next().unwrap_or(&moved_to);
            let disarmed = disarm::disarm(&folder, name);
            let (path_text, moved_to) = (readable(path), readable(&moved_to));
            if let Err(error) = disarmed {
                return Incident::NotQuarantined { path: moved_to, error: error.to_string() };
            }
            if kept.is_some_and(|kept| kept.put_back(&folder, path)) {
                return Incident::PutBack { path: path_text, moved_to };
            }
            if reftable::mend(&folder, name, path) {
                return Incident::TablesElsewhere { path: path_text, moved_to };
            }
            Incident::Quarantined { path: path_text, moved_to }
        }
        Err(error) => Incident::NotQuarantined { path: readable(path), error: error.to_string() },
    }
}

/// Renames within the one folder that was found, which is returned with the new path.
fn rename(root: &OwnedFd, path: &[u8]) -> io::Result<(OwnedFd, Vec<u8>)> {
    let (folder, old) = beneath::parent(root, path)?;
    let kind = beneath::stat(&folder, old).map(|stat| FileType::from_raw_mode(stat.st_mode))?;
    let is_reference =
        path.split(|byte| *byte == b'/').any(|part| matches!(part, b"refs" | b"replace"));
    let new = &new_name(old, kind, is_reference)?;
    let moved_to = [&path[..path.len() - old.len()], new].concat();
    let rename = || rustix::fs::renameat_with(&folder, old, &folder, new, RenameFlags::NOREPLACE);
    match rename() {
        // A folder that its owner, the command, closed to changes.
        Err(Errno::ACCESS) if beneath::open_up(&folder).is_ok() => rename()?,
        renamed => renamed?,
    }
    Ok((folder, moved_to))
}

fn readable(bytes: &[u8]) -> ProjectPath {
    ProjectPath::new(&String::from_utf8_lossy(bytes)).unwrap_or_else(|_| ProjectPath::root())
}

fn is_inside(path: &[u8], outer: &[u8]) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// A name beside the old one that neither git nor kode looks for. References would still
/// be ones, and replaced objects be known by the begin of their names, but for the point
/// (git-check-ref-format(1)).
fn new_name(old: &[u8], kind: FileType, is_reference: bool) -> io::Result<Vec<u8>> {
    let number = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
    let is_file = matches!(kind, FileType::RegularFile | FileType::Directory);
    let is_content = is_file && !is_reference;
    let point: &[u8] = if is_content || old.starts_with(b".") { b"" } else { b"." };
    let mark = format!("{QUARANTINE}{number:08x}");
    Ok([point, old, mark.as_bytes()].concat())
}

#[cfg(test)]
mod tests;
