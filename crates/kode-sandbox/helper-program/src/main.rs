//! The sandbox's helper as a program of its own. kode carries it inside and
//! executes it from sealed memory, so it is small: the modules are the very
//! files of kode-sandbox, and nothing else of kode is in it.

#![allow(dead_code, unused_imports, reason = "the files also hold kode's side of the talk")]

#[path = "../../src/container_plan.rs"]
mod container_plan;
#[path = "../../src/family.rs"]
mod family;
#[path = "../../src/helper/mod.rs"]
mod helper;
#[path = "../../src/landlock_wall.rs"]
mod landlock_wall;
// What a plan is; how one is made is kode's business.
#[path = "../../src/plan/types.rs"]
mod plan;
#[path = "../../src/seccomp/mod.rs"]
mod seccomp;
#[path = "../../src/wire.rs"]
mod wire;

fn main() -> std::process::ExitCode {
    match helper::run_helper_if_requested() {
        Some(code) => std::process::ExitCode::from(code),
        None => std::process::ExitCode::from(2),
    }
}
