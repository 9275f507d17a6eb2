//! Gathers what there is to check and collects what is wrong, all of it rather
//! than the first.

mod blank;
mod files;
mod functions;
mod graph;
mod links;
mod manifests;
mod source;

use std::path::Path;

use anyhow::Context as _;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Files looked at.
    pub(crate) files: usize,
    /// What must be mended.
    pub(crate) errors: Vec<String>,
    /// What should be looked at.
    pub(crate) warnings: Vec<String>,
}

impl Report {
    pub(crate) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    fn error(&mut self, place: &str, what: impl AsRef<str>) {
        self.errors.push(format!("{place}: {}", what.as_ref()));
    }

    fn warn(&mut self, place: &str, what: impl AsRef<str>) {
        self.warnings.push(format!("{place}: {}", what.as_ref()));
    }
}

/// Checks the repository at `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<Report> {
    let mut report = Report::default();
    for path in files::listed(root)? {
        let place = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        files::check_name(&place, &mut report);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("rs" | "md" | "toml")) {
            continue;
        }
        report.files += 1;
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {place}"))?;
        match extension {
            Some("rs") => source::check(&place, &text, &mut report),
            Some("md") => links::check(root, &path, &place, &text, &mut report),
            _ if place.ends_with("Cargo.toml") => manifests::check(&place, &text, &mut report)?,
            _ => {}
        }
    }
    let allowed = graph::Allowed::parse(include_str!("../data/crates.toml"))?;
    let graph = graph::Graph::of_workspace(root)?;
    graph::check(&graph, &allowed, &mut report);
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    graph::check_map(&graph, &map, &mut report);
    report.warnings.sort();
    report.errors.sort();
    Ok(report)
}
