//! What lies inside of git's and kode's own folders. Git makes no links there, but
//! follows those it finds: through `COMMIT_EDITMSG`, `logs/HEAD` or `refs/heads` it
//! would write to wherever they lead, and behind a link for `modules` nobody would look
//! for configuration. A repository inside of a git folder is none of git's doing either;
//! a link elsewhere may make it one to work in. And folders that everybody may write to
//! let others plant hooks.
//!
//! One walk does all of it, before a command and after it. What is judged by its content
//! is judged anew unless the very same file stood at the same path before and was judged
//! under the same rules, so nothing that was prepared elsewhere comes in by a rename.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::check::Budget;
use super::doubles::{Doubles, Shared};
use super::modes::Loose;
use super::names::{self, Check, Meaning, Place};
use super::sensitive::{HEAD_STAMP, Stamp, entries};
use super::tree::{Folder, RepositoryParts, join};
use super::{beneath, format, modes};

/// Folders looked through in all, their entries, and their depth.
const FOLDERS_MAX: usize = 50_000;
const ENTRIES_MAX: usize = 1_000_000;
const DEPTH_MAX: usize = 64;

/// Longer lists of packed names are not compared with what they said before.
const PACKED_BYTES_MAX: u64 = 1024 * 1024;

/// Links, pipes and repositories that git did not make: path, inode, and for files when
/// they changed.
pub(super) type Odd = HashSet<(Vec<u8>, u64, i128)>;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What git and kode obey.
    pub(super) sensitive: BTreeMap<Vec<u8>, Stamp>,
    pub(super) odd: Odd,
    /// Files that are read when they changed, and folders that are then looked into.
    checked: HashMap<Vec<u8>, Stamp>,
    /// Lines of packed names for which git shows other objects, with their file.
    replaced: HashSet<(Vec<u8>, String)>,
    /// Names that git doesn't make.
    strange: HashSet<Vec<u8>>,
    /// Configuration that says how long the names of objects are.
    pub(super) formats: HashSet<Vec<u8>>,
}

impl Found {
    /// Takes nothing for judged that may have changed since then.
    pub(super) fn doubt(&mut self, since_ns: i128) {
        self.checked.retain(|_, stamp| !modes::may_be_since(stamp.changed_ns(), since_ns));
    }

    /// The same of what lists of packed names said that are not judged.
    pub(super) fn doubt_replaced(&mut self) {
        let Self { replaced, checked, .. } = self;
        replaced.retain(|(path, _)| checked.contains_key(path));
    }
}

/// A look into such folders.
#[derive(Debug)]
pub(super) struct Look<'a> {
    /// What was there before the command; `None` while that is being found out.
    before: Option<&'a Found>,
    /// What changed since then may be the command's,
    since_ns: i128,
    /// or since then another's that runs.
    doubt_ns: i128,
    /// What it could not change.
    held: &'a [Vec<u8>],
    /// Whether folders of objects are looked into though nothing touched them.
    thorough: bool,
    /// Those that are, because files in them have second names.
    doubled: Option<&'a BTreeSet<Vec<u8>>>,
    folders_left: usize,
    entries_left: usize,
    budget: Budget,
    pub(super) found: Found,
    /// Paths of what is odd now and was not before, or says what it must not; what lies
    /// deeper comes first.
    pub(super) new: Vec<Vec<u8>>,
    /// Names that git doesn't make and that were not there before.
    pub(super) strange: Vec<Vec<u8>>,
    /// Files that an index which the command wrote has git overlook.
    pub(super) overlooked: Vec<Vec<u8>>,
    /// What everybody may write to since the command.
    pub(super) loose: Vec<Loose>,
    pub(super) sockets: Vec<Vec<u8>>,
    /// Files with second names: that the command changed, or of a thorough look the
    /// folders of objects that have some.
    pub(super) doubles: Doubles,
    pub(super) with_doubles: BTreeSet<Vec<u8>>,
    /// The names of files that have several, of a look before a command.
    pub(super) shared: Shared,
    pub(super) complete: bool,
}

impl<'a> Look<'a> {
    /// What stands there before a command.
    pub(super) fn before() -> Self {
        Self {
            before: None,
            since_ns: i128::MAX,
            doubt_ns: i128::MAX,
            held: &[],
            thorough: false,
            doubled: None,
            folders_left: FOLDERS_MAX,
            entries_left: ENTRIES_MAX,
            budget: Budget::new(),
            found: Found::default(),
            new: Vec::new(),
            strange: Vec::new(),
            overlooked: Vec::new(),
            loose: Vec::new(),
            sockets: Vec::new(),
            doubles: Doubles::default(),
            with_doubles: BTreeSet::new(),
            shared: Shared::default(),
            complete: true,
        }
    }

    /// Sockets and all else that lies anywhere there.
    pub(super) fn thorough() -> Self {
        Self { thorough: true, ..Self::before() }
    }

    /// What a command made or changed since the first of the times; others may have since
    /// the second. What was `held` it could not change.
    pub(super) fn after(
        before: &'a Found,
        doubled: Option<&'a BTreeSet<Vec<u8>>>,
        (since_ns, doubt_ns): (i128, i128),
        held: &'a [Vec<u8>],
    ) -> Self {
        Self { before: Some(before), doubled, since_ns, doubt_ns, held, ..Self::before() }
    }

    /// Leaves out what lies in something that goes as a whole, and names that go anyway.
    pub(super) fn leave_out(&mut self, whole: &[Vec<u8>]) {
        let goes = |path: &Vec<u8>| {
            let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            ends.chain([path.len()])
                .any(|at| whole.binary_search_by(|it| (**it).cmp(&path[..at])).is_ok())
        };
        self.new.retain(|path| !goes(path));
        let Self { new, strange, .. } = self;
        strange.retain(|path| !goes(path) && !new.contains(path));
    }

    /// Looks at what matters in a folder of the project, which is `open` and at `path`.
    /// Of a folder that was no repository before, the `HEAD` stands for all: without it
    /// nothing is read.
    pub(super) fn project_folder(&mut self, open: &OwnedFd, path: &[u8], folder: &Folder) {
        let is_git = |name: &Vec<u8>| name.eq_ignore_ascii_case(b".git");
        // kode's own files count where a project can begin.
        let begins = path.is_empty() || folder.names.iter().any(is_git);
        for name in &folder.names {
            let (is_git, at) = (is_git(name), join(path, name));
            if begins || is_git {
                self.obeyed((open, name), &at);
            }
            let place = if is_git { Place::Git } else { Place::Kode };
            self.enter((open, name), &at, place, 0);
        }
        let heads: Vec<_> = folder.heads.iter().map(|head| join(path, head)).collect();
        let was_one = |before: &Found| heads.iter().any(|it| before.sensitive.contains_key(it));
        if !heads.is_empty() && self.before.is_none_or(was_one) {
            self.folder(open, path, Place::Bare, 0);
        }
        self.found.sensitive.extend(heads.into_iter().map(|head| (head, HEAD_STAMP)));
    }

    /// Looks through the folder `name` of `parent`, which is at `path`.
    pub(super) fn enter(
        &mut self,
        (parent, name): (&OwnedFd, &[u8]),
        path: &[u8],
        place: Place,
        depth: usize,
    ) {
        if self.folders_left == 0 || depth > DEPTH_MAX {
            self.complete = false;
            return;
        }
        self.folders_left -= 1;
        match beneath::enter(parent, name, self.before.is_some()) {
            Ok(Some(folder)) => self.folder(&folder, path, place, depth),
            Ok(None) => {}
            Err(_) => self.complete = false,
        }
    }

    /// Looks through `folder`, which is at `path`.
    pub(super) fn folder(&mut self, folder: &OwnedFd, path: &[u8], place: Place, depth: usize) {
        let Ok(stat) = rustix::fs::fstat(folder) else {
            self.complete = false;
            return;
        };
        self.note_loose(path, &stat, (folder, b"."));
        let entries = entries(folder);
        let mut parts = RepositoryParts::default();
        entries.iter().for_each(|(name, kind)| parts.take(name, *kind));
        let place = match place {
            Place::Module if parts.has_head() => Place::Git,
            Place::Module => Place::Modules,
            place => place,
        };
        for (name, _) in &entries {
            self.entry((folder, name), &join(path, name), place, depth);
        }
        if !matches!(place, Place::Git | Place::Bare) {
            // There git writes no references.
            let heads_only = matches!(place, Place::Modules | Place::Kode);
            let making_one = if heads_only { parts.heads() } else { parts.making_one() };
            for part in making_one {
                self.note_odd(join(path, &part), stat.st_ino, 0);
            }
        }
    }

    fn entry(
        &mut self,
        (folder, name): (&OwnedFd, &[u8]),
        path: &[u8],
        place: Place,
        depth: usize,
    ) {
        if self.entries_left == 0 {
            self.complete = false;
            return;
        }
        self.entries_left -= 1;
        let stat = match beneath::stat(folder, name) {
            Ok(stat) => stat,
            Err(error) => {
                self.complete &= error == Errno::NOENT;
                return;
            }
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        match names::meaning(place, name) {
            Meaning::Obeyed => {
                self.found.sensitive.insert(path.to_vec(), Stamp::of(&stat));
                self.note_format((folder, name), path);
            }
            Meaning::Checked(Check::Index) if kind == FileType::RegularFile => {
                self.check_index((folder, name), path, &stat);
            }
            Meaning::Checked(check) if kind == FileType::RegularFile => {
                self.check(check, (folder, name), path, &stat);
            }
            Meaning::Unknown => self.note_strange(path),
            Meaning::Checked(_) | Meaning::Ordinary => {}
        }
        let is_git = name.eq_ignore_ascii_case(b".git");
        match kind {
            FileType::Directory => self.inner_folder((folder, name), path, place, &stat, depth),
            FileType::RegularFile if is_git => {
                self.note_odd(path.to_vec(), stat.st_ino, modes::changed_ns(&stat));
            }
            FileType::RegularFile => {
                self.note_loose(path, &stat, (folder, name));
                self.note_double(path, &stat, place);
            }
            // They lead nowhere, and git's own programs make some.
            FileType::Socket => self.sockets.push(path.to_vec()),
            _ if place == Place::Kode => {}
            _ => self.note_odd(path.to_vec(), stat.st_ino, modes::changed_ns(&stat)),
        }
    }

    fn inner_folder(
        &mut self,
        (folder, name): (&OwnedFd, &[u8]),
        path: &[u8],
        place: Place,
        stat: &Stat,
        depth: usize,
    ) {
        let inner = names::inner(place, name);
        // Objects by the begin of their names: what nobody touched has none but them.
        if inner != Place::Fan || !self.is_as_before(path, Stamp::with_times(stat)) {
            self.enter((folder, name), path, inner, depth + 1);
        }
        let may_be_one =
            matches!(place, Place::Git | Place::Bare | Place::Objects) && names::is_hash(name);
        if name.eq_ignore_ascii_case(b".git") {
            let configured_ns = configured_ns(folder, name);
            self.note_odd(path.to_vec(), stat.st_ino, configured_ns);
        } else if place == Place::Fan || may_be_one {
            // Nobody looks there unless something touched the folder around it.
            self.note_odd(path.to_vec(), stat.st_ino, 0);
        }
    }

    fn obeyed(&mut self, (folder, name): (&OwnedFd, &[u8]), path: &[u8]) {
        if let Ok(stat) = beneath::stat(folder, name) {
            self.found.sensitive.insert(path.to_vec(), Stamp::of(&stat));
        }
    }

    /// Reads a file that is not the one that stood there before the command.
    fn check(&mut self, check: Check, (folder, name): (&OwnedFd, &[u8]), path: &[u8], stat: &Stat) {
        // A file that it names may have become a link meanwhile.
        let is_known = self.is_as_before(path, Stamp::of(stat)) && check != Check::Conflicts;
        if check == Check::PackedNames {
            self.packed_names((folder, name), path, is_known);
        } else if self.before.is_some() && !is_known && self.budget.is_bad(check, folder, name) {
            self.new.push(path.to_vec());
        }
    }

    /// The same of an index, which is judged anew as well where what says how it is read
    /// is another one than before.
    fn check_index(&mut self, (folder, name): (&OwnedFd, &[u8]), path: &[u8], stat: &Stat) {
        let is_known = self.is_as_before(path, Stamp::of(stat));
        let Some(found) = self.before else { return };
        let before = format::Before { found, held: self.held, since_ns: self.since_ns };
        let outer = &path[..path.len().saturating_sub(name.len() + 1)];
        let (format, is_said_as_before) = format::of(&mut self.budget, (folder, outer), before);
        if is_known && is_said_as_before {
            return;
        }
        let Some(overlooked) = self.budget.index(folder, name, format) else {
            return self.new.push(path.to_vec());
        };
        let beside = outer.strip_suffix(b".git").map(|it| it.strip_suffix(b"/").unwrap_or(it));
        let paths = beside.map(|beside| overlooked.iter().map(|path| join(beside, path)));
        self.overlooked.extend(paths.into_iter().flatten());
    }

    /// Takes note of what says how an index is read, before a command.
    fn note_format(&mut self, (folder, name): (&OwnedFd, &[u8]), path: &[u8]) {
        let is_before = self.before.is_none() && !self.thorough;
        if is_before && format::is_said(&mut self.budget, folder, name) {
            self.found.formats.insert(path.to_vec());
        }
    }

    fn packed_names(&mut self, (folder, name): (&OwnedFd, &[u8]), path: &[u8], is_known: bool) {
        let Some(before) = self.before else {
            let lines = self.budget.replaced(folder, name, Some(PACKED_BYTES_MAX));
            let lines = lines.unwrap_or_default().into_iter();
            self.found.replaced.extend(lines.map(|line| (path.to_vec(), line)));
            return;
        };
        if is_known {
            return;
        }
        let lines = self.budget.replaced(folder, name, None);
        let is_new = |line| !before.replaced.contains(&(path.to_vec(), line));
        if lines.is_none_or(|lines| lines.into_iter().any(is_new)) {
            self.new.push(path.to_vec());
        }
    }

    /// Whether what is at `path` was judged before the command; notes that it is now.
    fn is_as_before(&mut self, path: &[u8], stamp: Stamp) -> bool {
        self.found.checked.insert(path.to_vec(), stamp);
        let Some(before) = self.before else { return !self.thorough };
        let is_doubled = self.doubled.is_some_and(|doubled| doubled.contains(path));
        let is_same = before.checked.get(path) == Some(&stamp);
        is_same && !is_doubled && !modes::is_unclear(stamp.changed_ns(), self.since_ns)
    }

    fn note_odd(&mut self, path: Vec<u8>, inode: u64, changed_ns: i128) {
        let odd = (path, inode, changed_ns);
        if self.before.is_some_and(|before| !before.odd.contains(&odd)) {
            self.new.push(odd.0.clone());
        }
        self.found.odd.insert(odd);
    }

    fn note_strange(&mut self, path: &[u8]) {
        if self.before.is_some_and(|before| !before.strange.contains(path)) {
            self.strange.push(path.to_vec());
        }
        self.found.strange.insert(path.to_vec());
    }

    fn note_loose(&mut self, path: &[u8], stat: &Stat, place: (&OwnedFd, &[u8])) {
        if self.before.is_some() && modes::is_since(stat, self.doubt_ns) {
            self.loose.extend(Loose::of(path, stat, Some(place)));
        }
    }

    fn note_double(&mut self, path: &[u8], stat: &Stat, place: Place) {
        if self.before.is_none() {
            self.shared.note(path, stat);
        }
        if self.before.is_some() && modes::is_since(stat, self.since_ns) {
            self.doubles.take(path, stat);
        } else if self.thorough && place == Place::Fan && stat.st_nlink > 1 {
            let folder = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
            self.with_doubles.insert(path[..folder].to_vec());
        }
    }
}

/// When the configuration of the git folder `name` changed.
fn configured_ns(folder: &OwnedFd, name: &[u8]) -> i128 {
    let inner = beneath::enter(folder, name, false).ok().flatten();
    let stat = inner.and_then(|inner| beneath::stat(&inner, b"config").ok());
    stat.map_or(0, |stat| modes::changed_ns(&stat))
}
