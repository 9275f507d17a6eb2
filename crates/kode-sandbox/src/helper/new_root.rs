//! Builds the root that commands see, out of a plan's steps, on a tmpfs, and
//! moves into it. The host's tree is detached before anything runs.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};

use super::grafts::{Grafts, is_grafted};
use super::{StepError, at, kernel, privileges};
use crate::plan::{Access, Bind, Step};

/// The new root is a tmpfs mounted over the first of these; what it covers is
/// uncovered again when it has become the root.
const SCRATCH: &[&str] = &["/tmp", "/mnt", "/usr"];

/// In the new root while it is built: a tmpfs with the host's tree and the
/// layers of caches, detached as a whole at the end.
const HIDDEN: &str = "/kode-hidden";
const HOST: &str = "/kode-hidden/host";

/// Parts of `/proc` that speak to the kernel, and files there that tell of it.
const PROC_READ_ONLY: &[&str] = &["sys", "irq", "bus", "fs"];
const PROC_HIDDEN: &[&str] =
    &["kcore", "keys", "key-users", "kmsg", "sysrq-trigger", "timer_list", "latency_stats"];

/// How a part of a tree of mounts is copied.
const COPIED: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_SYMLINK_NOFOLLOW);

/// An empty file that nobody can read, for laying over others.
const MASK: &str = "/run/kode-mask";

/// A new root that is being filled.
pub(super) struct Builder {
    root: OwnedFd,
    host: OwnedFd,
    hidden: OwnedFd,
    caches_read_only: Cell<usize>,
    inherited: Vec<OwnedFd>,
    kept: RefCell<Vec<OwnedFd>>,
    /// Nothing that a command could have written stands in the new root yet, so
    /// no link among it leads astray.
    untouched: Cell<bool>,
}

/// What came of building.
pub(super) struct Built {
    /// Caches that could not be layered.
    pub(super) caches_read_only: usize,
    /// Folders for networked sandboxes, in the plan's order.
    pub(super) kept: Vec<OwnedFd>,
}

impl Builder {
    /// Moves into an empty root and gives it a `/proc`. Runs as process 1, with
    /// all capabilities of the new user namespace.
    pub(super) fn begin() -> Result<Self, StepError> {
        enter_new_root()?;
        let builder = Self {
            root: open_root("/")?,
            host: open_root(HOST)?,
            hidden: open_root(HIDDEN)?,
            caches_read_only: Cell::new(0),
            inherited: Vec::new(),
            kept: RefCell::default(),
            untouched: Cell::new(true),
        };
        builder.proc()?;
        Ok(builder)
    }

    /// Folders of an earlier sandbox, which came with the plan.
    pub(super) fn take_over(&mut self, inherited: Vec<OwnedFd>) {
        self.inherited = inherited;
    }

    /// Carries out a part of the plan: its steps from the one with the number `first` on.
    pub(super) fn carry_out(
        &self,
        steps: &[Step],
        first: usize,
        grafts: &mut Grafts<'_>,
    ) -> Result<(), StepError> {
        for (number, step) in (first..).zip(steps) {
            let graft = is_grafted(step).then(|| grafts.take(number)).transpose()?;
            self.step(number, step, graft)?;
        }
        Ok(())
    }

    /// Lets go of the host's tree, once the plan is carried out.
    pub(super) fn finish(self) -> Result<Built, StepError> {
        let Self { root, caches_read_only, kept, .. } = self;
        rustix::mount::unmount(HIDDEN, UnmountFlags::DETACH).map_err(at("detaching the host"))?;
        rustix::fs::rmdir(HIDDEN).map_err(at("detaching the host"))?;
        kernel::set_attributes(&root, kernel::READ_ONLY, false).map_err(at("read-only root"))?;
        Ok(Built { caches_read_only: caches_read_only.get(), kept: kept.into_inner() })
    }
}

fn open_root(path: &str) -> Result<OwnedFd, StepError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(at(format!("opening {path}")))
}

fn enter_new_root() -> Result<(), StepError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).map_err(at("private mounts"))?;
    let scratch = SCRATCH.iter().find(|path| std::path::Path::new(path).is_dir());
    let scratch = scratch.copied().unwrap_or("/");
    let tmpfs = |place: &str, options: &std::ffi::CStr| {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("tmpfs", place, "tmpfs", flags, options).map_err(at("new root"))
    };
    let folder =
        |place: &str| rustix::fs::mkdir(place, Mode::from_raw_mode(0o755)).map_err(at("new root"));
    let (hidden, host) = (format!("{scratch}{HIDDEN}"), format!("{scratch}{HOST}"));
    tmpfs(scratch, c"mode=0755,size=16m")?;
    folder(&hidden)?;
    tmpfs(&hidden, c"mode=0755,size=1g")?;
    folder(&host)?;
    rustix::process::pivot_root(scratch, &host).map_err(at("pivot_root"))?;
    rustix::process::chdir("/").map_err(at("pivot_root"))
}

impl Builder {
    fn step(&self, number: usize, step: &Step, graft: Option<OwnedFd>) -> Result<(), StepError> {
        match step {
            Step::Folder { path, mode } => {
                self.make(path, FileType::Directory).map_err(at(format!("making {path}")))?;
                self.open(path).map_err(at(format!("making {path}")))?;
                self.chmod(path, *mode)
            }
            Step::File { path, content } => self.file(path, content.as_bytes()),
            Step::Bytes { path, hexadecimal } => match from_hexadecimal(hexadecimal) {
                Some(content) => self.file(path, &content),
                None => Err(at(format!("writing {path}"))(io::ErrorKind::InvalidData)),
            },
            Step::Link { path, target } => self.link(path, target),
            Step::Tmpfs { path, bytes_max, mode } => self.tmpfs(path, *bytes_max, *mode),
            Step::Bind(bind) => self.bind(number, bind, graft),
            Step::Terminals => self.terminals(),
            Step::Keep { path } => self.keep(path),
            Step::Inherit { path, number } => self.inherit(path, *number),
            Step::Cover { from, over } => self.cover(from, over),
            Step::Mask { path, inode } => self.mask(path, *inode),
        }
    }

    /// Copies a folder's mount, and those below, for another sandbox of the
    /// session.
    fn keep(&self, path: &str) -> Result<(), StepError> {
        let step = || format!("keeping {path}");
        let source = self.open(path).map_err(at(step()))?;
        let flags = COPIED | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::AT_EMPTY_PATH;
        let tree = rustix::mount::open_tree(&source, "", flags).map_err(at(step()))?;
        self.kept.borrow_mut().push(tree);
        Ok(())
    }

    fn inherit(&self, path: &str, number: usize) -> Result<(), StepError> {
        let step = || format!("taking over {path}");
        let missing = || at(step())(io::Error::from(io::ErrorKind::NotFound));
        let tree = self.inherited.get(number).ok_or_else(missing)?;
        self.untouched.set(false);
        self.place(tree, path, FileType::Directory).map_err(at(step()))
    }

    /// Hides a file's content. A file that is gone by now needs no mask.
    fn mask(&self, path: &str, inode: Option<u64>) -> Result<(), StepError> {
        self.make(MASK, FileType::RegularFile).map_err(at(format!("masking {path}")))?;
        self.chmod(MASK, 0)?;
        match self.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && inode.is_none() => Ok(()),
            Err(error) => Err(at(format!("masking {path}"))(error)),
            Ok(found) => {
                let stat = rustix::fs::fstat(&found).map_err(at(format!("masking {path}")))?;
                if inode.is_some_and(|inode| inode != stat.st_ino) {
                    let moved = io::Error::other("another file stands there by now");
                    return Err(at(format!("masking {path}"))(moved));
                }
                self.cover_place(MASK, path, &found)
            }
        }
    }

    /// Opens a place in the new root; links on the way are an error.
    fn open(&self, path: &str) -> io::Result<OwnedFd> {
        open_inside(&self.root, path)
    }

    /// Mounts `tree` at `path`, which is made with its parents where it is missing.
    fn place(&self, tree: impl AsFd, path: &str, kind: FileType) -> io::Result<()> {
        self.make(path, kind)?;
        self.mount_at(tree, path)
    }

    /// Mounts `tree` on what stands at `path`.
    fn mount_at(&self, tree: impl AsFd, path: &str) -> io::Result<()> {
        if self.untouched.get() {
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            return Ok(rustix::mount::move_mount(tree, "", &self.root, below(path), flags)?);
        }
        Ok(move_onto(tree, self.open(path)?)?)
    }

    /// Everything made so far is the plan's own; a link among it that leads
    /// astray is refused when the place is opened.
    fn make(&self, path: &str, kind: FileType) -> io::Result<()> {
        self.with_parents(path, || self.make_last(path, kind))
    }

    /// Makes what stands at `path`, and first its parents where they are missing.
    fn with_parents<T>(&self, path: &str, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match make() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made,
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.make(parent, FileType::Directory)?;
        make()
    }

    fn make_last(&self, path: &str, kind: FileType) -> io::Result<()> {
        let place = below(path);
        let made = if kind == FileType::Directory {
            rustix::fs::mkdirat(&self.root, place, Mode::from_raw_mode(0o755))
        } else {
            let mode = Mode::from_raw_mode(0o644);
            rustix::fs::mknodat(&self.root, place, FileType::RegularFile, mode, 0)
        };
        match made {
            // Read-only: it stands there already, on a mount of an earlier step.
            Ok(()) | Err(rustix::io::Errno::EXIST | rustix::io::Errno::ROFS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn chmod(&self, path: &str, mode: u32) -> Result<(), StepError> {
        rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(at(format!("making {path}")))
    }

    fn file(&self, path: &str, content: &[u8]) -> Result<(), StepError> {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let create = || Ok(rustix::fs::openat(&self.root, below(path), flags, mode)?);
        self.with_parents(path, create)
            .and_then(|file| kernel::write_whole(&file, content))
            .map_err(at(format!("writing {path}")))
    }

    fn link(&self, path: &str, target: &str) -> Result<(), StepError> {
        let link = || Ok(rustix::fs::symlinkat(target, &self.root, below(path))?);
        self.with_parents(path, link).map_err(at(format!("linking {path}")))
    }

    fn tmpfs(&self, path: &str, bytes_max: u64, mode: u32) -> Result<(), StepError> {
        let options = [
            ("mode", format!("{mode:o}")),
            ("size", bytes_max.to_string()),
            ("nr_inodes", "1000000".to_owned()),
        ];
        self.mount_new("tmpfs", &options, path, MountAttrFlags::MOUNT_ATTR_NODEV)
    }

    fn terminals(&self) -> Result<(), StepError> {
        let options = [("mode", "620".to_owned()), ("ptmxmode", "666".to_owned())];
        let attributes = MountAttrFlags::MOUNT_ATTR_NOEXEC;
        self.mount_new("devpts", &options, "/dev/pts", attributes)
    }

    fn mount_new(
        &self,
        kind: &str,
        options: &[(&str, String)],
        path: &str,
        attributes: MountAttrFlags,
    ) -> Result<(), StepError> {
        let step = || format!("mounting {kind} on {path}");
        let filesystem =
            rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(at(step()))?;
        for (key, value) in options {
            rustix::mount::fsconfig_set_string(&filesystem, *key, value.as_str())
                .map_err(at(step()))?;
        }
        rustix::mount::fsconfig_create(&filesystem).map_err(at(step()))?;
        let attributes = attributes | MountAttrFlags::MOUNT_ATTR_NOSUID;
        let mount = rustix::mount::fsmount(&filesystem, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
            .map_err(at(step()))?;
        self.place(&mount, path, FileType::Directory).map_err(at(step()))
    }

    fn bind(&self, number: usize, bind: &Bind, graft: Option<OwnedFd>) -> Result<(), StepError> {
        let step = || format!("showing {}", bind.target);
        let (tree, kind) = match graft {
            Some(tree) => {
                let kind = same_place(&tree, bind)?;
                (tree, kind)
            }
            None => match self.host_tree(bind) {
                // Out of this user's reach, so out of the commands' too.
                Err(failed) if bind.is_spare() && failed.is_no_access() => return Ok(()),
                found => found?,
            },
        };
        if bind.access == Access::ReadWrite || bind.layered || bind.in_project {
            self.untouched.set(false);
        }
        if !bind.in_project {
            self.make(&bind.target, kind).map_err(at(step()))?;
        }
        // Where the kernel can't layer, the cache stays read-only.
        if bind.layered {
            match self.layer(&tree, &bind.target, number) {
                Ok(()) => return Ok(()),
                Err(_) => self.caches_read_only.set(self.caches_read_only.get() + 1),
            }
        }
        self.mount_at(&tree, &bind.target).map_err(at(step()))
    }

    /// Lays a discardable layer in memory over `tree`. Both layers live on the
    /// hidden tmpfs, which nothing inside can name.
    fn layer(&self, tree: &OwnedFd, target: &str, number: usize) -> io::Result<()> {
        let folder = |name: &str| -> io::Result<String> {
            let path = format!("{name}-{number}");
            rustix::fs::mkdirat(&self.hidden, &path, Mode::from_raw_mode(0o755))?;
            Ok(format!("{HIDDEN}/{path}"))
        };
        let (lower, upper, work) = (folder("lower")?, folder("upper")?, folder("work")?);
        self.mount_at(tree, &lower)?;
        let filesystem = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, path) in [("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)] {
            rustix::mount::fsconfig_set_string(&filesystem, key, path.as_str())?;
        }
        rustix::mount::fsconfig_set_flag(&filesystem, "userxattr")?;
        rustix::mount::fsconfig_create(&filesystem)?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let mount = rustix::mount::fsmount(&filesystem, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
        self.mount_at(&mount, target)
    }

    /// A copy of a part of the host's mounts, from this mount namespace.
    fn host_tree(&self, bind: &Bind) -> Result<(OwnedFd, FileType), StepError> {
        let step = || format!("showing {}", bind.source);
        let flags = COPIED | OpenTreeFlags::AT_RECURSIVE;
        let tree =
            rustix::mount::open_tree(&self.host, below(&bind.source), flags).map_err(at(step()))?;
        // Wherever a link on the way led.
        let kind = same_place(&tree, bind)?;
        let attributes = match bind.access {
            Access::ReadOnly => kernel::READ_ONLY | kernel::NO_SET_ID | kernel::NO_DEVICES,
            Access::ReadWrite => kernel::NO_SET_ID | kernel::NO_DEVICES,
            Access::Device => kernel::NO_SET_ID,
        };
        kernel::set_attributes(&tree, attributes, true).map_err(at(step()))?;
        Ok((tree, kind))
    }

    /// A fresh `/proc` of the own pid namespace, with what speaks to the
    /// kernel read-only or hidden.
    fn proc(&self) -> Result<(), StepError> {
        let attributes = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        self.mount_new("proc", &[], "/proc", attributes)?;
        privileges::forbid_user_namespaces()?;
        for name in PROC_READ_ONLY {
            let path = format!("proc/{name}");
            self.cover_in_proc(&self.root, &path, &path)?;
        }
        for name in PROC_HIDDEN {
            self.cover_in_proc(&self.host, "dev/null", &format!("proc/{name}"))?;
        }
        Ok(())
    }

    /// Lays a read-only copy of `source` over a part of the fresh `/proc`, where the
    /// kernel has it.
    fn cover_in_proc(&self, from: &OwnedFd, source: &str, over: &str) -> Result<(), StepError> {
        let step = || format!("covering /{over}");
        // Looked for first: to let go of a copy that found no place costs a grace period.
        match rustix::fs::statat(&self.root, over, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            found => found.map_err(at(step()))?,
        };
        let tree = rustix::mount::open_tree(from, source, COPIED).map_err(at(step()))?;
        kernel::set_attributes(&tree, kernel::READ_ONLY, false).map_err(at(step()))?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(&tree, "", &self.root, over, flags).map_err(at(step()))
    }

    /// Lays a read-only copy of one inside place over another, where it exists.
    fn cover(&self, from: &str, over: &str) -> Result<(), StepError> {
        let Ok(target) = self.open(over) else { return Ok(()) };
        self.cover_place(from, over, &target)
    }

    fn cover_place(&self, from: &str, over: &str, target: &OwnedFd) -> Result<(), StepError> {
        let step = || format!("covering {over}");
        let source = self.open(from).map_err(at(step()))?;
        let flags = COPIED | OpenTreeFlags::AT_EMPTY_PATH;
        let tree = rustix::mount::open_tree(source, "", flags).map_err(at(step()))?;
        kernel::set_attributes(&tree, kernel::READ_ONLY, false).map_err(at(step()))?;
        move_onto(&tree, target).map_err(at(step()))
    }
}

/// An absolute path as it is seen from an open root.
fn below(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn open_inside(root: &OwnedFd, path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    Ok(rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)?)
}

fn move_onto(tree: impl AsFd, target: impl AsFd) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", target, "", flags)
}

/// Opens what stands at `path` as it is.
pub(super) fn look(path: &str) -> Result<OwnedFd, StepError> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(at(format!("showing {path}")))
}

/// Whether a mount of its own stands at `path`.
pub(super) fn is_mount(path: &str) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = rustix::fs::statx(CWD, path, flags, StatxFlags::TYPE);
    // Kernels before 5.8 can't say; then none is known to stand.
    found.is_ok_and(|found| {
        found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT)
            && found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
    })
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// What was opened must be what kode looked at when it planned. Returns its kind.
pub(super) fn same_place(tree: &OwnedFd, bind: &Bind) -> Result<FileType, StepError> {
    let stat = rustix::fs::fstat(tree).map_err(at(format!("opening {}", bind.source)))?;
    if (stat.st_dev, stat.st_ino) == bind.device_and_inode {
        return Ok(FileType::from_raw_mode(stat.st_mode));
    }
    let changed = io::Error::other("something else stands there now");
    Err(at(format!("opening {}", bind.source))(changed))
}
