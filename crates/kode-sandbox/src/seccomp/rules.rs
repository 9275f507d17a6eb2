//! Which system calls a command does without.

use libc::c_long;

use super::program::{Instruction, When, fail_with, prologue, rule, search};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "x86_64")]
const X32_BIT: Option<u32> = Some(0x4000_0000);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(target_arch = "aarch64")]
const X32_BIT: Option<u32> = None;

/// Calls newer than the libc crate's tables (same numbers everywhere).
const SYS_OPEN_TREE_ATTR: c_long = 467;

/// Refused outright: no build, test or tool of a project needs them, each is
/// a way to the kernel, to other processes or to the host.
const REFUSED: &[c_long] = &[
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_fanotify_init,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // The kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_nfsservctl,
    // Keyrings.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// Refused outright, on x86-64 only.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_lookup_dcookie,
];
#[cfg(target_arch = "aarch64")]
const REFUSED_HERE: &[c_long] = &[libc::SYS_lookup_dcookie];

/// Said not to exist, so that programs take their older way: `clone3` and
/// `openat2` hide their flags behind a pointer, `io_uring` goes around filters.
const ABSENT: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Every namespace flag that `clone` takes (linux/sched.h).
const NAMESPACES: u32 = 0x7e02_0000;
/// The same for `unshare`, which takes the time namespace's too.
const NAMESPACES_AND_TIME: u32 = NAMESPACES | 0x80;

/// S_ISUID | S_ISGID.
const SET_ID: u32 = 0o6000;
/// O_CREAT, and the bit of O_TMPFILE that is not O_DIRECTORY.
const CREATES: u32 = 0o100 | 0o20_000_000;

/// Requests to `ioctl` that are refused, by mask and value. Whatever size of argument a
/// file system's own has: only its kind and number count (asm-generic/ioctl.h).
const REFUSED_REQUESTS: &[(u32, u32)] = &[
    // Typing into a terminal: TIOCSTI and TIOCLINUX.
    (u32::MAX, 0x5412),
    (u32::MAX, 0x541c),
    // Subvolumes and snapshots, which need no right and look like other file systems:
    // those of btrfs (SNAP_CREATE, SUBVOL_CREATE, their second versions; linux/btrfs.h),
    (0xffff, 0x9401),
    (0xffff, 0x940e),
    (0xffff, 0x9417),
    (0xffff, 0x9418),
    // and everything of bcachefs, where versions number them differently.
    (0xff00, 0xbc00),
    // Keys of encrypted folders, and who has which (linux/fscrypt.h): without its key a
    // folder's names can't be told, and giving it back changes no time.
    (0xffff, 0x6613),
    (0xffff, 0x6617),
    (0xffff, 0x6618),
    (0xffff, 0x6619),
    // Files that nobody can write to any more (linux/fsverity.h).
    (0xffff, 0x6685),
    // What two files hold, exchanged, and no time changes: ext4's (EXT4_IOC_MOVE_EXT),
    // XFS's (SWAPEXT, EXCHANGE_RANGE, COMMIT_RANGE), and everything of F2FS.
    (0xffff, 0x660f),
    (0xffff, 0x586d),
    (0xffff, 0x5881),
    (0xffff, 0x5883),
    (0xff00, 0xf500),
    // Attributes (FS_IOC_SETFLAGS): a folder that folds case finds `.git` by names that
    // nobody takes for it, with letters that count for nothing.
    (0xffff, 0x6602),
];

/// What `fcntl` does without (linux/fcntl.h). Who holds a lease on a file, or a delegation,
/// makes everybody else wait to open it, and whoever won't wait finds nothing.
const REFUSED_CONTROLS: &[u32] = &[F_SETLEASE, F_NOTIFY, F_SETDELEG];
const F_SETLEASE: u32 = 1024;
const F_NOTIFY: u32 = 1026;
const F_SETDELEG: u32 = 1040;

const FAMILY_UNIX: u32 = 1;
const FAMILY_INET: u32 = 2;
const FAMILY_INET6: u32 = 10;
const FAMILY_NETLINK: u32 = 16;
/// The socket's type without its flags.
const TYPE_MASK: u32 = 0xf;
const TYPE_RAW: u32 = 3;
const NETLINK_ROUTE: &[u32] = &[0];

/// What one call is refused for: with this error, when every condition of any
/// one group holds; no groups at all means always.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) number: u32,
    pub(super) groups: Vec<Vec<When>>,
    pub(super) error: i32,
}

/// Refused besides where no namespaces stand: what is shared between processes
/// of one user, and news of files elsewhere.
const REFUSED_ALONE: &[c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_pidfd_open,
    libc::SYS_inotify_init1,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
];

/// Calls whose first argument names a process; 0 is the caller itself. None but their
/// own in a sandbox without namespaces, and never process 1 of one with them.
const OF_ITSELF_ALONE: &[c_long] = &[
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
];

/// Process 1 of a namespace, which serves kode and watches the others.
const FIRST_PROCESS: u32 = 1;
/// What `setpriority` and `ioprio_set` name besides processes and groups: all of a
/// user's processes, process 1 among them (linux/resource.h, linux/ioprio.h).
const PRIORITY_OF_USER: u32 = 2;
const IO_PRIORITY_OF_USER: u32 = 3;

/// What stands beside the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Namespaces of the sandbox's own.
    Namespaces,
    /// Nothing but Landlock.
    LandlockAlone,
}

/// The whole filter.
pub(super) fn filter(beside: Beside) -> Vec<Instruction> {
    let rules = refusals(beside).into_iter().map(|refusal| {
        let groups: Vec<&[When]> = refusal.groups.iter().map(Vec::as_slice).collect();
        rule(refusal.number, &groups, fail_with(refusal.error))
    });
    let mut whole = prologue(ARCHITECTURE, X32_BIT);
    whole.extend(search(rules.collect()));
    whole
}

/// Every call that is refused, and when. Docker's profile says the same.
pub(super) fn refusals(beside: Beside) -> Vec<Refusal> {
    let refused = libc::EPERM;
    let mut rules = Vec::new();
    for call in REFUSED.iter().chain(REFUSED_HERE) {
        add(&mut rules, *call, &[], refused);
    }
    for call in ABSENT {
        add(&mut rules, *call, &[], libc::ENOSYS);
    }
    add(&mut rules, libc::SYS_clone, &[&[When::AnyBit(0, NAMESPACES)]], refused);
    add(&mut rules, libc::SYS_unshare, &[&[When::AnyBit(0, NAMESPACES_AND_TIME)]], refused);
    let requests =
        REFUSED_REQUESTS.iter().map(|(mask, value)| [When::MaskedEqual(1, *mask, *value)]);
    let requests: Vec<_> = requests.collect();
    let requests: Vec<&[When]> = requests.iter().map(|group| &group[..]).collect();
    add(&mut rules, libc::SYS_ioctl, &requests, refused);
    let controls = REFUSED_CONTROLS.iter().map(|it| [When::MaskedEqual(1, u32::MAX, *it)]);
    let controls: Vec<_> = controls.collect();
    let controls: Vec<&[When]> = controls.iter().map(|group| &group[..]).collect();
    add(&mut rules, libc::SYS_fcntl, &controls, refused);
    for (call, mode) in mode_calls() {
        add(&mut rules, call, &[&[When::AnyBit(mode, SET_ID)]], refused);
    }
    for (call, flags) in open_calls() {
        let creates_set_id = [When::AnyBit(flags, CREATES), When::AnyBit(flags + 1, SET_ID)];
        add(&mut rules, call, &[&creates_set_id], refused);
    }
    match beside {
        Beside::Namespaces => {
            sockets(&mut rules);
            spare_the_first_process(&mut rules);
        }
        Beside::LandlockAlone => alone(&mut rules),
    }
    rules
}

fn add(rules: &mut Vec<Refusal>, call: c_long, groups: &[&[When]], error: i32) {
    // Numbers are small and positive.
    let number = u32::try_from(call).unwrap_or(u32::MAX);
    let groups = groups.iter().map(|group| group.to_vec()).collect();
    rules.push(Refusal { number, groups, error });
}

/// Nothing keeps one's sockets apart from the host's, so there are none.
fn alone(rules: &mut Vec<Refusal>) {
    add(rules, libc::SYS_socket, &[], libc::EAFNOSUPPORT);
    let not_unix = [When::NotOneOf(0, &[FAMILY_UNIX])];
    add(rules, libc::SYS_socketpair, &[&not_unix], libc::EAFNOSUPPORT);
    for call in REFUSED_ALONE {
        add(rules, *call, &[], libc::EPERM);
    }
    for call in OF_ITSELF_ALONE {
        add(rules, *call, &[&[When::NotOneOf(0, &[0])]], libc::EPERM);
    }
    // Of a process, a group or a user: only one's own, written as 0.
    for call in [libc::SYS_setpriority, libc::SYS_ioprio_set] {
        add(rules, call, &[&[When::NotOneOf(1, &[0])]], libc::EPERM);
    }
}

/// Commands are the same user as process 1, which would let them change its limits.
fn spare_the_first_process(rules: &mut Vec<Refusal>) {
    for call in OF_ITSELF_ALONE {
        add(rules, *call, &[&[When::MaskedEqual(0, u32::MAX, FIRST_PROCESS)]], libc::EPERM);
    }
    let of_user = [PRIORITY_OF_USER, IO_PRIORITY_OF_USER];
    for (call, of_user) in [libc::SYS_setpriority, libc::SYS_ioprio_set].into_iter().zip(of_user) {
        let of_first: &[When] = &[When::MaskedEqual(1, u32::MAX, FIRST_PROCESS)];
        let of_user: &[When] = &[When::MaskedEqual(0, u32::MAX, of_user)];
        add(rules, call, &[of_first, of_user], libc::EPERM);
    }
}

fn sockets(rules: &mut Vec<Refusal>) {
    let raw = |family: u32| {
        [When::MaskedEqual(0, u32::MAX, family), When::MaskedEqual(1, TYPE_MASK, TYPE_RAW)]
    };
    let other_netlink =
        [When::MaskedEqual(0, u32::MAX, FAMILY_NETLINK), When::NotOneOf(2, NETLINK_ROUTE)];
    let other_family =
        [When::NotOneOf(0, &[FAMILY_UNIX, FAMILY_INET, FAMILY_INET6, FAMILY_NETLINK])];
    let groups: &[&[When]] =
        &[&other_family, &raw(FAMILY_INET), &raw(FAMILY_INET6), &other_netlink];
    add(rules, libc::SYS_socket, groups, libc::EAFNOSUPPORT);
    let not_unix = [When::NotOneOf(0, &[FAMILY_UNIX])];
    add(rules, libc::SYS_socketpair, &[&not_unix], libc::EAFNOSUPPORT);
}

/// Calls that set permission bits, and which argument holds them.
fn mode_calls() -> Vec<(c_long, usize)> {
    let mut calls = vec![
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (libc::SYS_fchmodat2, 2),
        (libc::SYS_mknodat, 2),
        (libc::SYS_mkdirat, 2),
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        (libc::SYS_chmod, 1),
        (libc::SYS_mknod, 1),
        (libc::SYS_mkdir, 1),
        (libc::SYS_creat, 1),
    ]);
    calls
}

/// Calls that may create a file, and which argument holds the flags; the mode
/// comes next and means nothing unless they create.
fn open_calls() -> Vec<(c_long, usize)> {
    let mut calls = vec![(libc::SYS_openat, 2)];
    #[cfg(target_arch = "x86_64")]
    calls.push((libc::SYS_open, 1));
    calls
}
