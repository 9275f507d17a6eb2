//! The crate graph against `data/crates.toml`: who may name whom, which
//! packages only one crate may name, what must not be reached at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::Report;

/// What `data/crates.toml` allows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    /// Workspace crate to the workspace crates it may name.
    crates: BTreeMap<String, BTreeSet<String>>,
    /// Package (a last `*` is any rest) to the workspace crates that may name it.
    only: BTreeMap<String, BTreeSet<String>>,
    /// Workspace crate to packages it must not reach.
    never: BTreeMap<String, BTreeSet<String>>,
}

impl Allowed {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context("data/crates.toml")
    }
}

/// Packages by name, with what is built into them (normal dependencies).
#[derive(Debug, Default)]
pub(crate) struct Graph {
    members: BTreeSet<String>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Graph {
    /// Asks cargo about the workspace at `root`.
    #[expect(clippy::disallowed_methods, reason = "a developer's tool asks its own cargo")]
    pub(crate) fn of_workspace(root: &Path) -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = std::process::Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
            .current_dir(root)
            .output()
            .context("running cargo metadata")?;
        if !output.status.success() {
            anyhow::bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata's answer")?;
        Ok(Self::from_metadata(metadata))
    }

    fn from_metadata(metadata: Metadata) -> Self {
        let names: BTreeMap<String, String> =
            metadata.packages.into_iter().map(|package| (package.id, package.name)).collect();
        let name = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
        let mut graph = Self {
            members: metadata.workspace_members.iter().map(name).collect(),
            edges: BTreeMap::new(),
        };
        for node in &metadata.resolve.nodes {
            let built_in = |dependency: &&Dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
            };
            let named = node.deps.iter().filter(built_in).map(|dependency| name(&dependency.pkg));
            // Two versions of a package count as one.
            graph.edges.entry(name(&node.id)).or_default().extend(named);
        }
        graph
    }

    fn named_by(&self, package: &str) -> impl Iterator<Item = &String> {
        self.edges.get(package).into_iter().flatten()
    }

    /// Every package reached from `start`, with the one that names it.
    fn reached(&self, start: &str) -> BTreeMap<&str, &str> {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        let Some((start, _)) = self.edges.get_key_value(start) else { return found };
        let mut waiting = vec![start.as_str()];
        while let Some(package) = waiting.pop() {
            for next in self.named_by(package) {
                if !found.contains_key(next.as_str()) {
                    found.insert(next, package);
                    waiting.push(next);
                }
            }
        }
        found
    }
}

/// Compares the graph with what is allowed.
pub(crate) fn check(graph: &Graph, allowed: &Allowed, report: &mut Report) {
    for member in &graph.members {
        check_member(graph, allowed, member, report);
        for (package, crates) in &allowed.only {
            let named = graph.named_by(member).find(|name| matches(package, name));
            if let Some(named) = named
                && !crates.contains(member)
            {
                let who: Vec<&str> = crates.iter().map(String::as_str).collect();
                report.error(member, format!("only {} may name {named}", who.join(", ")));
            }
        }
    }
    for (start, forbidden) in &allowed.never {
        let reached = graph.reached(start);
        for package in forbidden {
            if let Some(through) = reached.get(package.as_str()) {
                report
                    .error(start, format!("must not reach {package}, and does through {through}"));
            }
        }
    }
}

/// Every crate has its row in the table of `ARCHITECTURE.md`, and no row is
/// left of a crate that is gone.
pub(crate) fn check_map(graph: &Graph, map: &str, report: &mut Report) {
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let rows: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    for member in graph.members.iter().filter(|member| !rows.contains(member.as_str())) {
        report.error("ARCHITECTURE.md", format!("the table of crates lacks `{member}`"));
    }
    let gone = |row: &&&str| row.starts_with("kode") && !graph.members.contains(**row);
    for row in rows.iter().filter(gone) {
        report.error("ARCHITECTURE.md", format!("there is no crate `{row}`"));
    }
}

fn check_member(graph: &Graph, allowed: &Allowed, member: &str, report: &mut Report) {
    let Some(may) = allowed.crates.get(member) else {
        report.error(member, "is not in xtask/data/crates.toml: say what it may depend on");
        return;
    };
    for named in graph.named_by(member).filter(|name| graph.members.contains(*name)) {
        if !may.contains(named) {
            report.error(member, format!("must not depend on {named}"));
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests;
