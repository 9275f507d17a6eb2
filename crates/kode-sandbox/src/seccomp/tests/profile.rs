//! Docker's form of the filter, `data/seccomp.json`: written from the same rules
//! (`KODE_REGENERATE=1 cargo nextest run -p kode-sandbox profile`), and held to
//! decide as they do. On x86-64 the names of all calls are known; other
//! machines leave out those they don't have.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::program::{ALLOW, When, fail_with};
use super::super::rules;
use super::answer_here;

/// Values of families and protocols that kernels may come to know; they refuse
/// higher ones themselves (`AF_MAX` is 46, `MAX_LINKS` 32).
const VALUES: u32 = 64;

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/seccomp.json");

macro_rules! calls {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), libc::$name)),*] };
}

const NAMES: &[(&str, libc::c_long)] = calls![
    SYS__sysctl,
    SYS_acct,
    SYS_add_key,
    SYS_adjtimex,
    SYS_bpf,
    SYS_chmod,
    SYS_chroot,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_clone,
    SYS_clone3,
    SYS_creat,
    SYS_delete_module,
    SYS_fanotify_init,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fcntl,
    SYS_finit_module,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_fspick,
    SYS_init_module,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    SYS_ioctl,
    SYS_ioperm,
    SYS_ioprio_set,
    SYS_iopl,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_migrate_pages,
    SYS_mkdir,
    SYS_mkdirat,
    SYS_mknod,
    SYS_mknodat,
    SYS_modify_ldt,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_move_pages,
    SYS_name_to_handle_at,
    SYS_nfsservctl,
    SYS_open,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_openat,
    SYS_openat2,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_pivot_root,
    SYS_prlimit64,
    SYS_process_madvise,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_reboot,
    SYS_request_key,
    SYS_sched_setaffinity,
    SYS_sched_setattr,
    SYS_sched_setparam,
    SYS_sched_setscheduler,
    SYS_setdomainname,
    SYS_sethostname,
    SYS_setns,
    SYS_setpriority,
    SYS_settimeofday,
    SYS_socket,
    SYS_socketpair,
    SYS_swapoff,
    SYS_swapon,
    SYS_sysfs,
    SYS_syslog,
    SYS_umount2,
    SYS_unshare,
    SYS_uselib,
    SYS_userfaultfd,
    SYS_ustat,
    SYS_vhangup,
];

fn name(number: u32) -> &'static str {
    // Newer than the libc crate's tables.
    if number == 467 {
        return "open_tree_attr";
    }
    let known = NAMES.iter().find(|(_, call)| *call == libc::c_long::from(number));
    known.map(|(name, _)| name.trim_start_matches("SYS_")).expect("every call has a name")
}

/// The whole profile: what is not refused is allowed, as in the native filter.
fn profile() -> Value {
    let mut by_rule: BTreeMap<String, (Vec<&str>, i32, Value)> = BTreeMap::new();
    for refusal in rules::refusals(rules::Beside::Namespaces) {
        let mut conditions = vec![json!([])];
        if !refusal.groups.is_empty() {
            conditions = refusal.groups.iter().flat_map(|group| alternatives(group)).collect();
        }
        for condition in conditions {
            let key = format!("{:03} {condition}", refusal.error);
            let entry = by_rule.entry(key).or_insert((Vec::new(), refusal.error, condition));
            entry.0.push(name(refusal.number));
        }
    }
    let syscalls: Vec<Value> = by_rule
        .into_values()
        .map(|(names, error, args)| {
            json!({"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": args})
        })
        .collect();
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []}
        ],
        "syscalls": syscalls,
    })
}

/// A group as rules of libseccomp's: it has no "any bit" and no "none of", and
/// takes one condition an argument.
fn alternatives(group: &[When]) -> Vec<Value> {
    let mut found: Vec<Vec<Value>> = vec![Vec::new()];
    for when in group {
        let choices = choices(*when);
        found = found
            .iter()
            .flat_map(|before| {
                choices
                    .iter()
                    .map(move |choice| [before.as_slice(), std::slice::from_ref(choice)].concat())
            })
            .collect();
    }
    found.into_iter().map(Value::Array).collect()
}

fn choices(when: When) -> Vec<Value> {
    match when {
        When::AnyBit(argument, bits) => {
            let single = (0..32).map(|bit| 1_u32 << bit).filter(|bit| bits & bit != 0);
            single.map(|bit| masked(argument, bit, bit)).collect()
        }
        When::MaskedEqual(argument, mask, value) => vec![masked(argument, mask, value)],
        When::NotOneOf(argument, values) => {
            let others = (0..VALUES).filter(|value| !values.contains(value));
            others.map(|value| masked(argument, u32::MAX, value)).collect()
        }
    }
}

/// Only the low half counts, which is what the kernel reads.
fn masked(argument: usize, mask: u32, value: u32) -> Value {
    json!({"index": argument, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"})
}

/// One rule a line, so that a change can be read.
fn text(profile: &Value) -> String {
    let lines: Vec<String> =
        profile["syscalls"].as_array().unwrap().iter().map(|rule| format!("    {rule}")).collect();
    format!(
        "{{\n  \"defaultAction\": {},\n  \"archMap\": {},\n  \"syscalls\": [\n{}\n  ]\n}}\n",
        profile["defaultAction"],
        profile["archMap"],
        lines.join(",\n")
    )
}

#[test]
fn dockers_profile_is_the_native_filter() {
    let text = text(&profile());
    if std::env::var_os("KODE_REGENERATE").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a person asked for the file")]
        std::fs::write(PLACE, &text).unwrap();
    }
    let there = std::fs::read_to_string(PLACE).unwrap();
    assert_eq!(there, text, "run with KODE_REGENERATE=1");
}

/// What the profile in force does with one call.
fn docker_answer(profile: &Value, call: &str, arguments: [u64; 6]) -> u32 {
    let rules = profile["syscalls"].as_array().unwrap();
    let holds = |condition: &Value| {
        assert_eq!(condition["op"], "SCMP_CMP_MASKED_EQ");
        let number = |key: &str| condition[key].as_u64().unwrap();
        let argument = arguments[usize::try_from(number("index")).unwrap()];
        argument & number("value") == number("valueTwo")
    };
    let fits = |rule: &&Value| {
        let names = rule["names"].as_array().unwrap();
        let all = rule["args"].as_array().unwrap().iter().all(holds);
        names.iter().any(|name| name == call) && all
    };
    let error = rules.iter().find(fits).map(|rule| rule["errnoRet"].as_i64().unwrap());
    error.map_or(ALLOW, |error| fail_with(i32::try_from(error).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Over values of all sizes, small ones as often as flags.
    #[test]
    fn dockers_profile_decides_as_the_native_filter(
        which in 0..NAMES.len(),
        small in prop::array::uniform6(0_u64..u64::from(VALUES)),
        bits in prop::array::uniform6(0_u32..32),
        high in any::<u32>(),
        kinds in prop::array::uniform6(0_u8..3),
    ) {
        let profile: Value = serde_json::from_str(include_str!("../../../data/seccomp.json")).unwrap();
        let (call, number) = NAMES[which];
        let call = call.trim_start_matches("SYS_");
        let sockets = call.starts_with("socket");
        let mut arguments = small;
        for ((argument, kind), bit) in arguments.iter_mut().zip(kinds).zip(bits) {
            // Beyond the values listed, the kernel itself refuses a family.
            if kind == 1 && !sockets {
                *argument |= 1 << bit;
            }
            if kind == 2 {
                *argument |= u64::from(high) << 32;
            }
        }
        prop_assert_eq!(docker_answer(&profile, call, arguments), answer_here(number, arguments));
    }
}
