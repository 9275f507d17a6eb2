#[cfg(target_arch = "x86_64")]
mod profile;

use super::program::{
    ALLOW, AND, Instruction, JUMP, JUMP_ANY_BIT, JUMP_AT_LEAST, JUMP_EQUAL, KILL, LOAD, RETURN,
    fail_with,
};
use super::rules::{self, Beside};

const HERE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
const I386: u32 = 0x4000_0003;

/// Interprets the program as the kernel does; panics where the kernel would
/// refuse to load it.
fn answer(architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    answer_of(&rules::filter(Beside::Namespaces), architecture, number, arguments)
}

fn answer_of(program: &[Instruction], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_le_bytes());
    data.extend(architecture.to_le_bytes());
    data.extend([0; 8]);
    for argument in arguments {
        data.extend(argument.to_le_bytes());
    }
    let (mut at, mut word) = (0_usize, 0_u32);
    loop {
        let instruction = program[at];
        at += 1;
        let jump = |taken: bool| {
            usize::from(if taken { instruction.if_true } else { instruction.if_false })
        };
        let value = instruction.value;
        match instruction.code {
            LOAD => {
                let from = value as usize;
                word = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            }
            AND => word &= value,
            JUMP => at += value as usize,
            JUMP_EQUAL => at += jump(word == value),
            JUMP_AT_LEAST => at += jump(word >= value),
            JUMP_ANY_BIT => at += jump(word & value != 0),
            RETURN => return value,
            code => panic!("unknown opcode {code:#x}"),
        }
    }
}

/// What this machine's filter does with one call.
#[cfg(target_arch = "x86_64")]
fn answer_here(call: libc::c_long, arguments: [u64; 6]) -> u32 {
    answer(HERE, u32::try_from(call).unwrap(), arguments)
}

fn here(call: libc::c_long, arguments: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    answer(HERE, u32::try_from(call).unwrap(), all)
}

const REFUSED: u32 = fail_with(libc::EPERM);
const ABSENT: u32 = fail_with(libc::ENOSYS);
const NO_FAMILY: u32 = fail_with(libc::EAFNOSUPPORT);

#[test]
fn ordinary_calls_are_allowed() {
    for call in [libc::SYS_read, libc::SYS_write, libc::SYS_mmap, libc::SYS_execve, libc::SYS_futex]
    {
        assert_eq!(here(call, &[0o6777, 0o6777, 0o6777, 0o6777]), ALLOW);
    }
}

/// Neighbours that always end alike share their code, and nobody else does.
#[test]
fn each_number_ends_as_its_own_rule_says() {
    for beside in [Beside::Namespaces, Beside::LandlockAlone] {
        let (filter, rules) = (rules::filter(beside), rules::refusals(beside));
        for number in (0..1024).chain([u32::MAX >> 2]) {
            let rule = rules.iter().find(|rule| rule.number == number);
            let expected = match rule {
                None => ALLOW,
                Some(rule) if rule.groups.is_empty() => fail_with(rule.error),
                // Its arguments count.
                Some(_) => continue,
            };
            assert_eq!(answer_of(&filter, HERE, number, [0; 6]), expected, "{number}");
        }
    }
}

#[test]
fn foreign_architectures_are_killed() {
    for number in [0, 1, 102, 358, 0x4000_0000] {
        assert_eq!(answer(I386, number, [0; 6]), KILL);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_x32_calls_do_not_exist() {
    for number in [0, 2, 59, 101, 165, 520] {
        assert_eq!(answer(HERE, 0x4000_0000 | number, [0; 6]), ABSENT);
    }
    assert_eq!(answer(HERE, u32::MAX, [0; 6]), ABSENT);
}

#[test]
fn new_namespaces_are_refused_and_threads_are_not() {
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_THREAD;
    assert_eq!(here(libc::SYS_clone, &[thread as u64]), ALLOW);
    assert_eq!(here(libc::SYS_clone, &[libc::SIGCHLD as u64]), ALLOW);
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        assert_eq!(here(libc::SYS_clone, &[flag as u32 as u64]), REFUSED);
        assert_eq!(here(libc::SYS_clone, &[flag as u32 as u64 | 0xff_0000_0000]), REFUSED);
        assert_eq!(here(libc::SYS_unshare, &[flag as u32 as u64]), REFUSED);
    }
    assert_eq!(here(libc::SYS_unshare, &[0x80]), REFUSED);
    assert_eq!(here(libc::SYS_unshare, &[libc::CLONE_FILES as u64]), ALLOW);
    assert_eq!(here(libc::SYS_clone3, &[]), ABSENT);
    assert_eq!(here(libc::SYS_setns, &[]), REFUSED);
}

#[test]
fn set_id_bits_are_refused_wherever_a_mode_is_given() {
    for bits in [0o4755, 0o2755, 0o6000] {
        assert_eq!(here(libc::SYS_fchmod, &[3, bits]), REFUSED);
        assert_eq!(here(libc::SYS_fchmodat, &[3, 0, bits]), REFUSED);
        assert_eq!(here(libc::SYS_fchmodat2, &[3, 0, bits, 0]), REFUSED);
        assert_eq!(here(libc::SYS_mkdirat, &[3, 0, bits]), REFUSED);
        assert_eq!(here(libc::SYS_mknodat, &[3, 0, bits]), REFUSED);
        assert_eq!(here(libc::SYS_openat, &[3, 0, libc::O_CREAT as u64, bits]), REFUSED);
        assert_eq!(here(libc::SYS_openat, &[3, 0, libc::O_TMPFILE as u64, bits]), REFUSED);
    }
    assert_eq!(here(libc::SYS_fchmodat, &[3, 0, 0o1755]), ALLOW);
    // Without a creating flag the mode is whatever was in the register.
    assert_eq!(here(libc::SYS_openat, &[3, 0, libc::O_DIRECTORY as u64, 0o4755]), ALLOW);
    assert_eq!(here(libc::SYS_openat2, &[]), ABSENT);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn set_id_bits_are_refused_in_the_older_calls_too() {
    assert_eq!(here(libc::SYS_chmod, &[0, 0o4755]), REFUSED);
    assert_eq!(here(libc::SYS_creat, &[0, 0o4755]), REFUSED);
    assert_eq!(here(libc::SYS_mkdir, &[0, 0o2755]), REFUSED);
    assert_eq!(here(libc::SYS_mknod, &[0, 0o4755]), REFUSED);
    assert_eq!(here(libc::SYS_open, &[0, libc::O_CREAT as u64, 0o4755]), REFUSED);
    assert_eq!(here(libc::SYS_open, &[0, 0, 0o4755]), ALLOW);
}

#[test]
fn typing_into_a_terminal_is_refused_whatever_the_high_bits() {
    for request in [0x5412_u64, 0x541c, 0xdead_beef_0000_5412] {
        assert_eq!(here(libc::SYS_ioctl, &[0, request]), REFUSED);
    }
    assert_eq!(here(libc::SYS_ioctl, &[0, 0x5413]), ALLOW);
}

#[test]
fn nobody_makes_a_subvolume_or_a_snapshot_and_copies_of_files_are_cheap() {
    let made = [0x5000_9401_u64, 0x5000_940e, 0x5000_9417, 0x5000_9418, 0x4020_bc10, 0xc0de_bc1d];
    for request in made {
        assert_eq!(here(libc::SYS_ioctl, &[0, request]), REFUSED, "{request:#x}");
        assert_eq!(here(libc::SYS_ioctl, &[0, request | 0xdead_0000_0000]), REFUSED);
    }
    // FICLONE, FICLONERANGE, FIDEDUPERANGE, and what tells of a subvolume.
    for request in [0x4004_9409_u64, 0x4020_940d, 0xc018_9436, 0x8008_9419] {
        assert_eq!(here(libc::SYS_ioctl, &[0, request]), ALLOW, "{request:#x}");
    }
}

#[test]
fn nobody_hides_names_or_changes_what_a_file_holds_without_a_trace() {
    // With the sizes that programs give: keys and policies, verity, extents, attributes.
    let hide = [0x800c_6613_u64, 0xc050_6617, 0xc040_6618, 0xc040_6619, 0x4080_6685];
    let exchange = [0xc028_660f_u64, 0xc0c0_586d, 0x4028_5881, 0x4058_5883, 0xc020_f509];
    let attributes = [0x4008_6602_u64, 0x4004_6602];
    for request in hide.into_iter().chain(exchange).chain(attributes) {
        assert_eq!(here(libc::SYS_ioctl, &[0, request]), REFUSED, "{request:#x}");
        assert_eq!(here(libc::SYS_ioctl, &[0, request | 0xdead_0000_0000]), REFUSED);
    }
    // Attributes are read, and the map of a file's extents; room is kept.
    for request in [0x8008_6601_u64, 0xc020_660b, 0x801c_581f, 0x4030_5828] {
        assert_eq!(here(libc::SYS_ioctl, &[0, request]), ALLOW, "{request:#x}");
    }
}

#[test]
fn nobody_takes_a_lease_on_a_file_and_locks_are_ordinary() {
    for control in [1024_u64, 1026, 1040, 0xdead_0000_0400] {
        assert_eq!(here(libc::SYS_fcntl, &[3, control, 1]), REFUSED, "{control}");
    }
    // Flags, locks of both kinds, the size of a pipe, seals.
    for control in [0_u64, 1, 2, 3, 4, 6, 7, 37, 38, 1025, 1030, 1031, 1033] {
        assert_eq!(here(libc::SYS_fcntl, &[3, control, 1]), ALLOW, "{control}");
    }
}

#[test]
fn only_local_and_internet_sockets_exist() {
    let socket = |family: i32, kind: i32, protocol: i32| {
        here(libc::SYS_socket, &[family as u64, kind as u64, protocol as u64])
    };
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    assert_eq!(socket(libc::AF_UNIX, libc::SOCK_STREAM | flags, 0), ALLOW);
    assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM | flags, 0), ALLOW);
    assert_eq!(socket(libc::AF_INET6, libc::SOCK_DGRAM, 0), ALLOW);
    assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, 0), ALLOW);
    assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, 12), NO_FAMILY);
    assert_eq!(socket(libc::AF_INET, libc::SOCK_RAW | flags, 1), NO_FAMILY);
    assert_eq!(socket(libc::AF_INET6, libc::SOCK_RAW, 58), NO_FAMILY);
    for family in [libc::AF_PACKET, libc::AF_VSOCK, libc::AF_ALG, libc::AF_BLUETOOTH, libc::AF_KEY]
    {
        assert_eq!(socket(family, libc::SOCK_DGRAM, 0), NO_FAMILY);
    }
    assert_eq!(here(libc::SYS_socketpair, &[libc::AF_UNIX as u64, 1]), ALLOW);
    assert_eq!(here(libc::SYS_socketpair, &[30, 1]), NO_FAMILY);
}

#[test]
fn what_reaches_the_kernel_or_others_is_refused() {
    for call in [
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_pidfd_getfd,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
    ] {
        assert_eq!(here(call, &[]), REFUSED);
    }
    assert_eq!(here(libc::SYS_io_uring_setup, &[]), ABSENT);
}

/// Numbers between and beyond the rules' are found to have none.
#[test]
fn every_number_without_a_rule_is_allowed() {
    let refused = (0..600).filter(|number| here(*number, &[]) != ALLOW).count();
    assert!((60..100).contains(&refused), "{refused}");
    assert_eq!(here(599, &[]), ALLOW);
}

#[test]
fn beside_landlock_alone_there_are_no_sockets_and_nothing_shared() {
    let program = rules::filter(Beside::LandlockAlone);
    let alone = |call: libc::c_long, arguments: &[u64]| {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        answer_of(&program, HERE, u32::try_from(call).unwrap(), all)
    };
    for family in [1, 2, 10, 16, 40] {
        assert_eq!(alone(libc::SYS_socket, &[family, 1, 0]), NO_FAMILY);
    }
    assert_eq!(alone(libc::SYS_socketpair, &[1, 1, 0]), ALLOW);
    for call in [libc::SYS_shmget, libc::SYS_mq_open, libc::SYS_inotify_init1, libc::SYS_ptrace] {
        assert_eq!(alone(call, &[]), REFUSED);
    }
    assert_eq!(alone(libc::SYS_prlimit64, &[0]), ALLOW);
    assert_eq!(alone(libc::SYS_prlimit64, &[4321]), REFUSED);
    assert_eq!(alone(libc::SYS_clone, &[0x1000_0000]), REFUSED);
}

#[test]
fn process_1_keeps_its_limits_and_priorities() {
    let of_process = [
        libc::SYS_prlimit64,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setattr,
    ];
    for call in of_process {
        for (process, answer) in [(0, ALLOW), (2, ALLOW), (1, REFUSED), (0xffff_0000_0001, REFUSED)]
        {
            assert_eq!(here(call, &[process]), answer, "{call} {process}");
        }
    }
    let which = [(libc::SYS_setpriority, [0, 1, 2]), (libc::SYS_ioprio_set, [1, 2, 3])];
    for (call, [process, group, user]) in which {
        for of in [process, group] {
            assert_eq!(here(call, &[of, 0, 5]), ALLOW);
            assert_eq!(here(call, &[of, 17, 5]), ALLOW);
            assert_eq!(here(call, &[of, 1, 5]), REFUSED);
        }
        assert_eq!(here(call, &[user, 0, 5]), REFUSED);
        assert_eq!(here(call, &[user, 1000, 5]), REFUSED);
    }
}
