//! Answers to the helper's call as the `kode` binary does, so that this crate's
//! own tests can use a real sandbox. Does nothing else.

fn main() -> std::process::ExitCode {
    match kode_sandbox::run_helper_if_requested() {
        Some(code) => std::process::ExitCode::from(code),
        None => std::process::ExitCode::from(2),
    }
}
