//! Scans files and folders and prints what it finds: for measuring the scan
//! by itself. `cargo run --release -p kode-scan --example scan_paths -- PATH…`
//! With `--secrets` the files have no endings, so that only credentials are sought;
//! with `--each` every path is scanned by itself, under a line that names it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use kode_base::ProjectPath;
use kode_scan::{ScanFile, scan};

fn main() {
    let mut found = Vec::new();
    let (mut only_secrets, mut each) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--secrets" => only_secrets = true,
            "--each" => each = true,
            path if each => {
                println!("== {path}");
                let mut own = Vec::new();
                collect(Path::new(path), &mut own);
                show(&own, only_secrets);
            }
            path => collect(Path::new(path), &mut found),
        }
    }
    if !each {
        show(&found, only_secrets);
    }
}

/// Scans files together and prints what was found.
fn show(found: &[PathBuf], only_secrets: bool) {
    let contents: Vec<(ProjectPath, Vec<u8>)> = found
        .iter()
        .filter_map(|path| {
            let name = path.to_string_lossy();
            let name = if only_secrets { name.replace('.', "_").into() } else { name };
            Some((ProjectPath::new(name.trim_start_matches('/')).ok()?, std::fs::read(path).ok()?))
        })
        .collect();
    let lines: usize =
        contents.iter().map(|(_, text)| text.iter().filter(|byte| **byte == b'\n').count()).sum();
    let files: Vec<ScanFile<'_>> =
        contents.iter().map(|(path, content)| ScanFile { path, content, base: None }).collect();
    let started = Instant::now();
    let report = scan(&files);
    let took = started.elapsed();
    for finding in &report.introduced {
        println!(
            "{}:{}:{} {:?} {} {}",
            finding.path,
            finding.span.start_line,
            finding.span.start_column,
            finding.severity,
            finding.rule,
            finding.message
        );
        for step in &finding.flow {
            println!("    {}:{} {}", step.path, step.span.start_line, step.text);
        }
    }
    for (path, why) in &report.unscanned {
        println!("unscanned {path}: {why}");
    }
    eprintln!(
        "{} files, {lines} lines, {} findings, {} unscanned, {took:?}",
        files.len(),
        report.introduced.len(),
        report.unscanned.len()
    );
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_symlink() {
        return;
    }
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        let mut inner: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        inner.sort();
        inner.iter().for_each(|path| collect(path, found));
    } else {
        found.push(path.to_owned());
    }
}
