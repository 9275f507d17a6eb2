//! `kode scan`: the security scan by itself, in CI or a git hook. It reads;
//! it changes nothing and needs no session.

mod base;
mod targets;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::Path;

use kode_base::escape::escape_block;
use kode_base::{ExitStatus, ProjectPath, Severity};
use kode_scan::{
    ScanFile, ScanOptions, ScanReport, compare, has_rules, report, scan_with, surroundings,
};

use crate::cli::{FailOn, ScanArguments, ScanFormat, ScanSubcommand};
use crate::failure::Failure;
use crate::places::Places;
use targets::Target;

/// Larger SARIF files are refused.
const SARIF_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Scans or compares.
pub(crate) fn run(arguments: &ScanArguments) -> Result<ExitStatus, Failure> {
    match &arguments.command {
        Some(ScanSubcommand::Compare { first, second, json }) => compare_logs(first, second, *json),
        None => scan(arguments),
    }
}

fn scan(arguments: &ScanArguments) -> Result<ExitStatus, Failure> {
    let places = Places::from_environment()?;
    let mut base = match &arguments.diff {
        Some(reference) => Some(base::Base::open(&places, reference)?),
        None => None,
    };
    let targets::Collected { mut targets, named } =
        targets::collect(&places, &arguments.paths, base.as_ref())?;
    let bases = match &mut base {
        Some(base) => Some(base.contents(targets.iter().map(|target| &target.path))?),
        None => None,
    };
    let mut unchanged = Vec::new();
    if let Some(bases) = &bases {
        let is_new = |target: &Target| bases.get(&target.path) != Some(&target.content);
        (targets, unchanged) = targets.into_iter().partition(is_new);
    }
    say_how_many(targets.len(), arguments.format);
    let files = scan_files(&targets, bases.as_ref());
    let today = kode_agent::today();
    // Beside a base only what the base already had is silenced.
    let accept_new_suppressions = bases.is_none();
    let around = around(&files, &unchanged);
    let options = ScanOptions {
        today: Some(&today),
        accept_new_suppressions,
        around: &around,
        named: &named,
    };
    let found = scan_with(&files, options);
    match arguments.format {
        ScanFormat::Text => say_part!("{}", report::text(&found, &[&files[..], &around].concat())),
        ScanFormat::Json => say!("{}", report::json(&found)),
        ScanFormat::Sarif => say!("{}", report::sarif(&found)),
    }
    Ok(status(&found, arguments.fail_on))
}

fn scan_files<'a>(
    targets: &'a [Target],
    bases: Option<&'a HashMap<ProjectPath, Vec<u8>>>,
) -> Vec<ScanFile<'a>> {
    targets
        .iter()
        .map(|target| ScanFile {
            path: &target.path,
            content: &target.content,
            base: bases.and_then(|bases| bases.get(&target.path)).map(Vec::as_slice),
        })
        .collect()
}

/// What goes with changed files and is as the base has it.
fn around<'a>(files: &[ScanFile<'_>], unchanged: &'a [Target]) -> Vec<ScanFile<'a>> {
    let changed: Vec<_> = files.iter().map(|file| (file.path, file.content)).collect();
    let code = unchanged.iter().filter(|target| has_rules(&target.path));
    let others: Vec<_> = code.map(|target| (&target.path, target.content.as_slice())).collect();
    let near = surroundings(&changed, &others).into_iter().map(|at| others[at]);
    near.map(|(path, content)| ScanFile { path, content, base: Some(content) }).collect()
}

fn status(found: &ScanReport, fail_on: FailOn) -> ExitStatus {
    let least = match fail_on {
        FailOn::Fatal => Severity::Fatal,
        FailOn::Warning => Severity::Warning,
        FailOn::Never => return ExitStatus::Success,
    };
    let red = found.introduced.iter().any(|finding| finding.severity >= least);
    if red { ExitStatus::GateRed } else { ExitStatus::Success }
}

fn say_how_many(files: usize, format: ScanFormat) {
    if format == ScanFormat::Text && files > 200 && std::io::stderr().is_terminal() {
        tell!("scanning {files} files …");
    }
}

fn compare_logs(first: &Path, second: &Path, json: bool) -> Result<ExitStatus, Failure> {
    let (first, second) = (read_log(first)?, read_log(second)?);
    let comparison = compare::compare(&first, &second)
        .map_err(|error| Failure::new(ExitStatus::Usage, error.to_string()))?;
    if json {
        say!("{}", serde_json::to_string(&comparison).map_err(std::io::Error::from)?);
    } else {
        say_part!("{}", escape_block(&comparison.text()));
    }
    Ok(ExitStatus::Success)
}

fn read_log(path: &Path) -> Result<String, Failure> {
    crate::files::read_text(path, SARIF_BYTES_MAX)
}
