use super::*;

fn graph(edges: &[(&str, &[&str])]) -> Graph {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let members = edges.iter().map(|(name, _)| *name).filter(|name| name.starts_with("kode"));
    Graph {
        members: members.map(str::to_owned).collect(),
        edges: edges.iter().map(|(name, named)| ((*name).to_owned(), set(named))).collect(),
    }
}

fn errors(edges: &[(&str, &[&str])]) -> Vec<String> {
    let allowed = Allowed::parse(include_str!("../../../data/crates.toml")).unwrap();
    let mut report = Report::default();
    check(&graph(edges), &allowed, &mut report);
    report.errors
}

#[test]
fn an_edge_that_is_allowed_passes() {
    let edges: [(&str, &[&str]); 2] = [("kode-base", &["serde"]), ("kode-audit", &["kode-base"])];
    assert!(errors(&edges).is_empty());
}

#[test]
fn an_edge_upwards_fails() {
    let found = errors(&[("kode-base", &[]), ("kode-gate", &["kode-model"]), ("kode-model", &[])]);
    assert!(found.contains(&"kode-gate: must not depend on kode-model".to_owned()), "{found:?}");
}

#[test]
fn a_crate_nobody_listed_fails() {
    assert!(errors(&[("kode-new", &[])])[0].contains("is not in xtask/data/crates.toml"));
}

#[test]
fn a_package_kept_for_one_crate_fails_elsewhere() {
    let found = errors(&[("kode-agent", &["reqwest", "landlock", "tree-sitter-bash"])]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(errors(&[("kode-sandbox", &["landlock"]), ("kode-model", &["reqwest"])]).is_empty());
}

#[test]
fn a_package_reached_through_others_fails() {
    let found = errors(&[("kode-scan", &["a"]), ("a", &["b"]), ("b", &["tokio"]), ("tokio", &[])]);
    assert_eq!(found, ["kode-scan: must not reach tokio, and does through b"]);
}

#[test]
fn what_only_tests_use_does_not_count() {
    let text = r#"{
        "packages": [{"id": "1", "name": "kode-base"}, {"id": "2", "name": "tokio"}],
        "workspace_members": ["1"],
        "resolve": {"nodes": [
            {"id": "1", "deps": [{"pkg": "2", "dep_kinds": [{"kind": "dev"}]}]},
            {"id": "2", "deps": []}
        ]}
    }"#;
    let graph = Graph::from_metadata(serde_json::from_str(text).unwrap());
    assert_eq!(graph.named_by("kode-base").count(), 0);
}

#[test]
fn the_map_names_every_crate_and_no_other() {
    let graph = graph(&[("kode-base", &[]), ("kode-gate", &[])]);
    let mut report = Report::default();
    let map = "| `kode-base` | words | - |\n| `kode-gone` | x | - |";
    check_map(&graph, map, &mut report);
    assert_eq!(report.errors.len(), 2, "{:?}", report.errors);
    let mut report = Report::default();
    check_map(&graph, "| `kode-base` | a |\n| `kode-gate` | b |", &mut report);
    assert!(report.is_clean());
}
