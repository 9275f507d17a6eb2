//! kode inside a container: with Docker's own profile there is no sandbox, so
//! it refuses and says what to do; with what it says, there is one. Needs the
//! image that `scripts/setup-tests.sh` imports.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::workspace::{Workspace, shell_script};

const IMAGE: &str = "kode-test-base";

fn has_image() -> bool {
    let asked = Command::new("docker").args(["image", "inspect", IMAGE]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// Runs kode in a container, offline, on the workspace's project.
fn in_container(workspace: &Workspace, options: &[&str], arguments: &[&str]) -> Output {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_kode"));
    std::fs::write(workspace.beside("script.yaml"), shell_script("echo it ran")).unwrap();
    Command::new("docker")
        .args(["run", "--rm", "--network", "none"])
        .args(options)
        .arg("--volume")
        .arg(format!("{}:/usr/bin/kode:ro", program.display()))
        .arg("--volume")
        .arg(format!("{}:/work:rw", workspace.beside("").display()))
        .args(["--workdir", "/work/project", "--env", "HOME=/work/user", IMAGE, "kode"])
        .args(arguments)
        .output()
        .unwrap()
}

const RUN: &[&str] = &["run", "--json", "--script", "/work/script.yaml", "try it"];

#[test]
fn with_dockers_own_profile_kode_refuses_and_names_the_remedy() {
    if !has_image() {
        return kode_testkit::skip_or_fail("no Docker with the image kode-test-base");
    }
    let workspace = Workspace::new();
    for user in ["0:0", "65534:65534"] {
        let options = ["--user", user, "--env", "KODE_HOME=/tmp/kode-home"];
        let run = in_container(&workspace, &options, RUN);
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(7), "{user}: {run:?}");
        assert!(said.contains("--security-opt seccomp=unconfined"), "{user}: {said}");
        assert!(!String::from_utf8_lossy(&run.stdout).contains("it ran"), "{run:?}");
        let sandbox = in_container(&workspace, &options, &["sandbox", "--", "true"]);
        assert_eq!(sandbox.status.code(), Some(125), "{user}: {sandbox:?}");
        // The helper may have failed before kode asks it for anything.
        let said = String::from_utf8_lossy(&sandbox.stderr);
        assert!(said.contains("--security-opt seccomp=unconfined"), "{user}: {said}");
        let doctor = in_container(&workspace, &options, &["doctor", "--offline"]);
        let report = String::from_utf8_lossy(&doctor.stdout);
        assert!(report.contains("--security-opt seccomp=unconfined"), "{user}: {report}");
    }
}

#[test]
fn with_the_remedy_a_container_has_a_sandbox() {
    if !has_image() {
        return kode_testkit::skip_or_fail("no Docker with the image kode-test-base");
    }
    let workspace = Workspace::new();
    let folder = workspace.beside("");
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(&folder).status().unwrap();
    assert!(owned.success());
    let options = [
        "--user",
        "65534:65534",
        "--env",
        "KODE_HOME=/tmp/kode-home",
        "--security-opt",
        "seccomp=unconfined",
        "--security-opt",
        "systempaths=unconfined",
    ];
    let sandbox = in_container(&workspace, &options, &["sandbox", "--", "echo", "it runs"]);
    assert_eq!(String::from_utf8_lossy(&sandbox.stdout), "it runs\n", "{sandbox:?}");
    assert_eq!(sandbox.status.code(), Some(0), "{sandbox:?}");
}
