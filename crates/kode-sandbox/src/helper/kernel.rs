//! System calls that have no safe interface, each behind a small function.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;

/// Attributes of a mount to set (`struct mount_attr`, linux/mount.h).
#[repr(C)]
#[derive(Debug, Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

pub(super) const READ_ONLY: u64 = 0x1;
pub(super) const NO_SET_ID: u64 = 0x2;
pub(super) const NO_DEVICES: u64 = 0x4;
const MAP_IDS: u64 = 0x0010_0000;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Forks into new user, mount, pid, ipc, host-name and cgroup namespaces; that of
/// the network takes longer and is made later, see [`super::network`]. `None` in the
/// child.
pub(super) fn clone_into_namespaces() -> io::Result<Option<Pid>> {
    let namespaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    fork_with(namespaces)
}

/// What a parked process needs: the ends of a pipe.
struct Parking {
    gate: i32,
    opener: i32,
}

/// Stack of a process that shares this one's memory and calls a few functions: 16 KiB
/// in units that are aligned as a stack must be.
const SHARING_STACK: usize = 1024;

/// What such a process does: handed what it was started with, it never returns.
pub(super) type Sharing = extern "C" fn(*mut libc::c_void) -> libc::c_int;

/// Starts a process that shares this one's memory, so that none of it is copied.
/// `life` must never return, touch nothing of the memory but its stack and what
/// `argument` points at, which must be there for good, and leave the C library's error
/// number alone, which is shared too.
pub(super) fn start_sharing(
    life: Sharing,
    argument: *mut libc::c_void,
    flags: libc::c_int,
) -> io::Result<Pid> {
    let stack = vec![0_u128; SHARING_STACK].leak();
    // SAFETY: the stack is there for good; `life` keeps to what is said above.
    unsafe { clone_sharing(life, argument, stack, flags) }
}

/// The same for a process that this one waits for until it has ended or has become
/// another program. What `argument` points at must be there as long.
pub(super) fn start_borrowing(life: Sharing, argument: *mut libc::c_void) -> io::Result<Pid> {
    let mut stack = vec![0_u128; SHARING_STACK];
    // SAFETY: the stack is there until the call returns, which is when it is no longer
    // used; `life` keeps to what is said above.
    unsafe { clone_sharing(life, argument, &mut stack, libc::CLONE_VFORK) }
}

/// # Safety
/// The stack must be there as long as the process uses it.
unsafe fn clone_sharing(
    life: Sharing,
    argument: *mut libc::c_void,
    stack: &mut [u128],
    flags: libc::c_int,
) -> io::Result<Pid> {
    let top = stack.as_mut_ptr_range().end.cast();
    let flags = flags | libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: the stack grows down from the end of an aligned block.
    let process = check(libc::c_long::from(unsafe { libc::clone(life, top, flags, argument) }))?;
    let process = Pid::from_raw(i32::try_from(process).map_err(io::Error::other)?);
    process.ok_or_else(|| io::Error::other("no process id"))
}

/// Starts a process in a user namespace of its own that does nothing until every
/// other end of `opener` is closed, and ends then. It shares this process's
/// memory, so that none of it is copied.
pub(super) fn park_in_user_namespace(gate: &OwnedFd, opener: &OwnedFd) -> io::Result<Pid> {
    extern "C" fn wait(parking: *mut libc::c_void) -> libc::c_int {
        // SAFETY: `parking` is the leaked value below. The descriptors are open in
        // this process's own table and nothing else in it uses them.
        let Parking { gate, opener } = unsafe { &*parking.cast::<Parking>() };
        // SAFETY: as above. rustix makes the calls itself, so the parent's errno,
        // which is shared, stays as it is.
        unsafe { rustix::io::close(*opener) };
        // SAFETY: as above.
        let gate = unsafe { BorrowedFd::borrow_raw(*gate) };
        let _ = rustix::io::read(gate, &mut [0_u8; 1]);
        leave(0)
    }
    // Both are needed until the process has ended, which nobody waits for.
    let parking = Parking { gate: gate.as_raw_fd(), opener: opener.as_raw_fd() };
    let parking = std::ptr::from_mut(Box::leak(Box::new(parking)));
    start_sharing(wait, parking.cast(), libc::CLONE_NEWUSER)
}

/// Runs `work` while no signal reaches this thread, or what it starts.
pub(super) fn with_signals_blocked<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: fills in a set of signals that lives in this frame.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: reads the set just filled in, and fills in the one before.
    let code =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code));
    }
    let worked = work();
    // SAFETY: the call above filled it in.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    worked
}

/// How many threads this process has.
pub(super) fn count_threads() -> io::Result<u64> {
    // Each is a folder, and folders link back to the one above.
    let links = rustix::fs::stat("/proc/self/task")?.st_nlink;
    #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
    Ok(u64::from(links).saturating_sub(2))
}

/// Makes descriptor `number` another name of `descriptor`, open across execve.
pub(super) fn place_descriptor(descriptor: &impl AsFd, number: i32) -> io::Result<()> {
    // SAFETY: in a copy that was just forked nothing owns the numbers 0 to 2,
    // the only ones asked for.
    let placed = unsafe { libc::dup2(descriptor.as_fd().as_raw_fd(), number) };
    check(libc::c_long::from(placed)).map(|_| ())
}

/// This kernel's version of Landlock, 0 for none.
pub(super) fn landlock_version() -> i32 {
    // SAFETY: with a null pointer, no size and the flag for the version (1)
    // nothing is read or made (landlock_create_ruleset(2)).
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0, 0, 1) };
    i32::try_from(version).unwrap_or_default().max(0)
}

/// What process lists call this process.
pub(super) fn set_process_name(name: &str) -> io::Result<()> {
    let name = std::ffi::CString::new(name)?;
    Ok(rustix::thread::set_name(&name)?)
}

fn fork_with(flags: libc::c_int) -> io::Result<Option<Pid>> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with a null stack this is fork: the child
    // gets a copy of everything. The helper has a single thread, so no lock is
    // held by a thread that does not exist in the child.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    Ok(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?))
}

/// Tries to make one more user namespace; the self-test expects a refusal.
pub(super) fn unshare_user_namespace() -> io::Result<()> {
    // SAFETY: takes an integer; no memory or descriptor is involved.
    check(libc::c_long::from(unsafe { libc::unshare(libc::CLONE_NEWUSER) }))?;
    Ok(())
}

/// Ends this process at once: a forked child runs nobody's exit handlers.
pub(super) fn leave(code: i32) -> ! {
    // SAFETY: `_exit` takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// Sets attributes on the mount behind `tree`, and on those below it.
pub(super) fn set_attributes(tree: impl AsFd, set: u64, recursive: bool) -> io::Result<()> {
    mount_setattr(tree, &MountAttributes { set, ..MountAttributes::default() }, recursive)
}

/// Gives a detached mount the id map of a user namespace.
pub(super) fn map_ids(tree: impl AsFd, user_namespace: impl AsFd, set: u64) -> io::Result<()> {
    let user_namespace = u64::try_from(user_namespace.as_fd().as_raw_fd());
    let attributes = MountAttributes {
        set: set | MAP_IDS,
        user_namespace: user_namespace.map_err(io::Error::other)?,
        ..MountAttributes::default()
    };
    mount_setattr(tree, &attributes, false)
}

fn mount_setattr(tree: impl AsFd, attributes: &MountAttributes, recursive: bool) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a valid empty C string and `attributes` a structure
    // of exactly the size given, both alive during the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const *attributes,
            size_of::<MountAttributes>(),
        )
    })?;
    Ok(())
}

/// Closes every descriptor from `first` on.
pub(super) fn close_descriptors_from(first: u32) -> io::Result<()> {
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: the helper calls this where it owns nothing it still uses in this
    // range, so no open handle is invalidated behind its owner's back.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })?;
    Ok(())
}

/// Closes every descriptor but the standard streams and those `kept`.
pub(super) fn close_all_but_streams_and(mut kept: [RawFd; 3]) -> io::Result<()> {
    kept.sort_unstable();
    let mut first = 3;
    for number in kept {
        let number = u32::try_from(number).map_err(io::Error::other)?;
        if first < number {
            close_range(first, number - 1)?;
        }
        first = number + 1;
    }
    close_range(first, u32::MAX)
}

/// Closes every descriptor but these, which become the first ones, in their order.
/// Where that works it leaves the C library's error number alone.
pub(super) fn keep_only(kept: [Option<RawFd>; 2]) -> io::Result<()> {
    let mut first = 0;
    for number in kept.into_iter().flatten() {
        // SAFETY: whoever calls this uses nothing but what it keeps.
        check(libc::c_long::from(unsafe { libc::dup2(number, first) }))?;
        first += 1;
    }
    close_descriptors_from(first.unsigned_abs())
}

/// Set by the supervisor of a container, once it has seen that it is one.
static IN_CONTAINER: AtomicBool = AtomicBool::new(false);

/// Says that this process serves a container below the container's own first
/// process.
pub(super) fn serve_container() {
    IN_CONTAINER.store(true, Ordering::Relaxed);
}

/// Kills every process of this pid namespace but the caller, and the first of
/// a container.
pub(super) fn kill_all_others() {
    // `kill(-1)` is only harmless in a process namespace of one's own.
    if std::process::id() != 1 && !IN_CONTAINER.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: no memory is involved; it can reach only processes inside, since
    // the caller is process 1 of the namespace it was cloned into, or has
    // checked that it serves a container.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Has processes whose parent died become children of this one.
pub(super) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: takes integers; no memory or descriptor is involved.
    check(libc::c_long::from(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }))?;
    Ok(())
}

/// The signals that a terminal or a person ends programs with do nothing.
pub(super) fn ignore_end_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE] {
        // SAFETY: sets a disposition without a handler, so no code of ours runs
        // in a signal's context.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Writing to a pipe that nobody reads is an error, not the end of this process.
pub(super) fn ignore_broken_pipes() {
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// No signal is blocked, and a broken pipe ends whoever writes to it, as programs expect
/// it. For a process that is about to become one.
pub(super) fn default_signals() {
    // SAFETY: sets a disposition without a handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let mut none = MaybeUninit::uninit();
    // SAFETY: fills in a set of signals that lives in this frame.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: reads the set just filled in.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
}

/// Has process 1 of a container end when it is asked to, which the kernel keeps
/// from a first process without a handler.
pub(super) fn end_on_request() -> io::Result<()> {
    extern "C" fn end(signal: libc::c_int) {
        leave(128 + signal);
    }
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: the handler only calls `_exit`, which is async-signal-safe.
        let before = unsafe { libc::signal(signal, end as *const () as libc::sighandler_t) };
        if before == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Sends a signal to a process group of this namespace.
pub(super) fn signal_group(leader: Pid, signal: i32) {
    // SAFETY: no memory is involved; the group is the running command's.
    unsafe { libc::kill(-leader.as_raw_nonzero().get(), signal) };
}

/// Starts a session of its own with standard input as its terminal; for the
/// moment between fork and exec.
pub(super) fn take_terminal() -> io::Result<()> {
    // SAFETY: setsid takes nothing and is async-signal-safe.
    check(libc::c_long::from(unsafe { libc::setsid() }))?;
    // SAFETY: TIOCSCTTY takes an integer, and descriptor 0 is open.
    check(libc::c_long::from(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) }))?;
    Ok(())
}

pub(super) fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the pointer and length describe `name`.
    check(libc::c_long::from(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }))?;
    Ok(())
}

/// Brings the namespace's own loopback interface up, so that local servers
/// work.
pub(super) fn bring_loopback_up() -> rustix::io::Result<()> {
    const SET_FLAGS: rustix::ioctl::Opcode = libc::SIOCSIFFLAGS as rustix::ioctl::Opcode;
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    // SAFETY: an all-zero `ifreq` is a valid value of this plain C structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads an `ifreq`, which `request` is.
    unsafe { rustix::ioctl::ioctl(&socket, rustix::ioctl::Setter::<SET_FLAGS, _>::new(request)) }
}

/// Writes a whole small file in one call, as the kernel's own files want it.
pub(super) fn write_file(path: &str, content: &[u8]) -> io::Result<()> {
    write_whole(&rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?, content)
}

/// The same for a file that is open.
pub(super) fn write_whole(file: &OwnedFd, content: &[u8]) -> io::Result<()> {
    let written = rustix::io::write(file, content)?;
    if written == content.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}
