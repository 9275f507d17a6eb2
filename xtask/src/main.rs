//! Repository chores. `cargo xtask tidy` checks what the compiler and clippy
//! can't: the crate graph, sizes, names, headers, links. It changes nothing.

mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments != ["tidy"] {
        anyhow::bail!("usage: cargo xtask tidy");
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().unwrap_or(manifest);
    let report = tidy::run(root)?;
    write_report(&report)?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_report(report: &tidy::Report) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    for warning in &report.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for error in &report.errors {
        writeln!(out, "error: {error}")?;
    }
    writeln!(
        out,
        "tidy: {} files, {} errors, {} warnings",
        report.files,
        report.errors.len(),
        report.warnings.len()
    )
}
