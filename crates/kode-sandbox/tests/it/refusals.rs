//! Where a layer can't be had, nothing runs and the remedy is named.

use std::process::{Command, Stdio};

use kode_sandbox::{Backend, Sandbox};

use crate::support::Place;

const DRIVER: &str = "refusals::the_driver_in_a_crippled_place";

/// Tries to start a sandbox and says how that went. Started by the tests below.
#[test]
#[ignore = "started by the other tests of this file"]
fn the_driver_in_a_crippled_place() {
    let place = Place::new();
    match Sandbox::start(&place.root(), place.settings(Backend::Native)) {
        Ok(sandbox) => println!("\nUP {}", place.run(&sandbox, "id -u").text),
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
    assert_eq!(start_after("true"), "UP 1000");
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
