//! Where a layer can't be had: nothing runs and the remedy is named, or, for
//! Landlock, the other walls hold and the report says so.

use std::process::{Command, Output, Stdio};

use kode_sandbox::{Backend, Sandbox};

use crate::support::Place;

const DRIVER: &str = "refusals::the_driver_in_a_crippled_place";

/// Tries to start a sandbox and says how that went. Started by the tests below.
#[test]
#[ignore = "started by the other tests of this file"]
fn the_driver_in_a_crippled_place() {
    let place = Place::new();
    match Sandbox::start(&place.root(), place.settings(Backend::Native)) {
        Ok(sandbox) => {
            let layers = sandbox.layers();
            let landlock = layers.iter().find(|layer| layer.name == "Landlock").unwrap();
            println!("\nUP {} {landlock:?}", place.run(&sandbox, "id -u").text.trim());
        }
        Err(error) => println!("\nREFUSED {error}"),
    }
}

/// Runs the driver in user and mount namespaces of its own, after `cripple`.
fn start_after(cripple: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    let script =
        format!("{cripple} && exec {} --ignored --exact {DRIVER} --nocapture", tests.display());
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().find(|line| line.starts_with("UP") || line.starts_with("REFUSED"));
    answer.unwrap_or_else(|| panic!("{output:?}")).to_owned()
}

#[test]
fn root_of_a_user_namespace_is_an_ordinary_user_and_not_root_inside() {
    assert!(start_after("true").starts_with("UP 1000 "));
}

#[test]
fn without_user_namespaces_nothing_runs() {
    let answer = start_after("echo 0 > /proc/sys/user/max_user_namespaces");
    assert!(answer.starts_with("REFUSED"), "{answer}");
    assert!(answer.contains("user.max_user_namespaces"), "{answer}");
}

#[test]
fn with_a_masked_proc_as_in_containers_nothing_runs() {
    let answer = start_after("mount --bind /dev/null /proc/cpuinfo");
    assert!(answer.starts_with("REFUSED"), "{answer}");
    assert!(answer.contains("systempaths=unconfined"), "{answer}");
}

/// Runs one of these tests below a system-call filter of the caller's, as a
/// container's profile or an old kernel would have it. `refused` are lines of
/// `(number, argument bits that must be set, error)`.
fn below_a_filter(refused: &str, test: &str) -> Output {
    let program = format!(
        "
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = [(0x20, 0, 0, 0)]
for number, bits, error in [{refused}]:
    if bits:
        code += [(0x15, 0, 4, number), (0x20, 0, 0, 16), (0x45, 0, 1, bits),
                 (6, 0, 0, 0x50000 | error), (0x20, 0, 0, 0)]
    else:
        code += [(0x15, 0, 1, number), (6, 0, 0, 0x50000 | error)]
code.append((6, 0, 0, 0x7fff0000))
space = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in code))
header = struct.pack('HxxxxxxQ', len(code), ctypes.addressof(space))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, header) == 0
os.execv(sys.argv[1], sys.argv[1:])
"
    );
    Command::new("/usr/bin/python3")
        .args(["-ISc", &program])
        .arg(std::env::current_exe().unwrap())
        .args(["--include-ignored", "--exact", test, "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn where_a_profile_forbids_user_namespaces_nothing_runs() {
    // `clone` and `unshare` with CLONE_NEWUSER, and `clone3`, as Docker's own.
    let refused = "(56, 0x10000000, 1), (272, 0x10000000, 1), (435, 0, 38)";
    let output = below_a_filter(refused, DRIVER);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\nREFUSED"), "{output:?}");
    assert!(text.contains("--security-opt seccomp=unconfined"), "{text}");
}

/// `landlock_create_ruleset` does not exist.
const NO_LANDLOCK: &str = "(444, 0, 38)";

#[test]
fn without_landlock_the_report_says_so() {
    let output = below_a_filter(NO_LANDLOCK, DRIVER);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("UP ") && text.contains("Missing"), "{output:?}");
    assert!(text.contains("namespaces and the system-call filter hold"), "{text}");
}

#[test]
fn without_landlock_the_other_walls_hold() {
    let output = below_a_filter(NO_LANDLOCK, "escapes::no_attempt_leaves_the_sandbox");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(" 1 passed"), "{text}");
}
