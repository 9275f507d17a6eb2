//! What every crate's manifest says: the workspace's lints and licence, and
//! never a public registry.

use anyhow::Context as _;
use toml::Table;

use super::Report;

/// Checks one `Cargo.toml`.
pub(crate) fn check(place: &str, text: &str, report: &mut Report) -> anyhow::Result<()> {
    let manifest: Table = text.parse().with_context(|| format!("reading {place}"))?;
    let Some(package) = manifest.get("package") else { return Ok(()) };
    // Fuzz targets and peers stand outside: they may need what the product
    // must not link.
    if manifest.contains_key("workspace") {
        return Ok(());
    }
    let inherits = |table: Option<&toml::Value>| {
        let table = table.and_then(|table| table.get("workspace"));
        table.and_then(toml::Value::as_bool) == Some(true)
    };
    // The one crate with unsafe code, and its program, have tables of their own.
    let own_table = place.starts_with("crates/kode-sandbox/") && manifest.contains_key("lints");
    if !own_table && !inherits(manifest.get("lints")) {
        report.error(place, "add `[lints]` with `workspace = true`");
    }
    for key in ["license", "edition", "rust-version", "publish"] {
        if !inherits(package.get(key)) {
            report.error(place, format!("`{key}.workspace = true` is missing"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_leaves_the_workspaces_lints_fails() {
        let mut report = Report::default();
        let text = "[package]\nname = \"a\"\nlicense.workspace = true\nedition.workspace = true\n\
                    rust-version.workspace = true\npublish.workspace = true\n";
        check("crates/a/Cargo.toml", text, &mut report).unwrap();
        assert_eq!(report.errors, ["crates/a/Cargo.toml: add `[lints]` with `workspace = true`"]);
        let mut report = Report::default();
        check("a", &format!("{text}[lints]\nworkspace = true\n"), &mut report).unwrap();
        assert!(report.is_clean());
        check("a", "[package]\nname = \"a\"\nlicense = \"GPL-3.0\"\n", &mut report).unwrap();
        assert_eq!(report.errors.len(), 5);
    }
}
