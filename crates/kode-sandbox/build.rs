//! Builds the helper program alone, small and static, so that the binary can
//! carry it. cargo has no stable way to say that one crate contains another's
//! program, so this asks cargo itself, with a target folder of its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files whose change makes another helper.
const SOURCES: &[&str] = &[
    "helper-program",
    "src/container_plan.rs",
    "src/family.rs",
    "src/helper",
    "src/landlock_wall.rs",
    "src/plan/types.rs",
    "src/seccomp",
    "src/wire.rs",
    "../../Cargo.lock",
];

const PROGRAM: &str = "kode-sandbox-helper";

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let folder = PathBuf::from(variable("OUT_DIR"));
    // Without a static C library the dynamic one does; the start takes longer.
    if !build(&folder, "-Ctarget-feature=+crt-static") && !build(&folder, "") {
        println!("cargo::error=the sandbox's helper program can't be built");
    }
}

/// Builds it with these flags for the compiler into `folder`.
fn build(folder: &Path, flags: &str) -> bool {
    let target_folder = folder.join("target");
    let target = variable("TARGET");
    #[expect(clippy::disallowed_methods, reason = "a build script runs the build")]
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--release", "--target", &target])
        .arg("--manifest-path")
        .arg(Path::new(&variable("CARGO_MANIFEST_DIR")).join("helper-program/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("CARGO_PROFILE_RELEASE_LTO", "thin")
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    if !cargo.status().is_ok_and(|status| status.success()) {
        return false;
    }
    let built = target_folder.join(&target).join("release").join(PROGRAM);
    #[expect(clippy::disallowed_methods, reason = "a build script writes into its OUT_DIR")]
    let copied = std::fs::copy(built, folder.join(PROGRAM));
    copied.is_ok()
}

#[expect(clippy::expect_used, reason = "cargo sets these for every build script")]
fn variable(name: &str) -> String {
    env::var(name).expect("cargo sets it")
}
