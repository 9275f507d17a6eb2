//! `docs/configuration.md` and `docs/kode.schema.json` against the types.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kode_base::{RiskClass, Verdict};
use kode_config::{Sources, load, schema};
use serde_json::Value;

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn page() -> String {
    std::fs::read_to_string(documents().join("configuration.md")).unwrap()
}

/// Set to write the published schema anew.
const UPDATE: &str = "KODE_UPDATE_SCHEMA";

#[test]
fn the_published_schema_is_the_types_schema() {
    let path = documents().join("kode.schema.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == generated, "{}: run the tests with {UPDATE}=1", path.display());
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn check(place: &str, node: &Value) {
        for (name, property) in
            node.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let described = property.get("description").and_then(Value::as_str);
            assert!(described.is_some_and(|text| text.len() > 10), "{place}.{name}");
        }
    }
    let schema = schema();
    check("file", &schema);
    let definitions = schema["$defs"].as_object().unwrap();
    definitions.iter().for_each(|(name, node)| check(name, node));
}

/// The keys of a file, with dots, down to lists and plain values.
fn keys(node: &Value, root: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let options = property.get("anyOf").and_then(Value::as_array);
        let target =
            options.into_iter().flatten().chain([property]).find_map(|option| {
                root.pointer(option.get("$ref")?.as_str()?.trim_start_matches('#'))
            });
        let key = format!("{prefix}{name}");
        match target {
            Some(target) if target.get("properties").is_some() && name != "classes" => {
                keys(target, root, &format!("{key}."), found);
            }
            _ => drop(found.insert(key)),
        }
    }
}

/// First cells of the table under a heading whose first column is `column`.
fn documented(column: &str) -> BTreeSet<String> {
    let page = page();
    let header = format!("| {column} |");
    let table = page.lines().skip_while(|line| !line.starts_with(&header)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn the_documented_keys_are_the_keys_there_are() {
    let schema = schema();
    let mut found = BTreeSet::new();
    keys(&schema, &schema, "", &mut found);
    assert_eq!(documented("key"), found);
}

#[test]
fn the_documented_classes_and_defaults_are_the_gates() {
    let page = page();
    for class in RiskClass::ALL {
        let default: Verdict = kode_gate::default_action(class);
        assert!(page.contains(&format!("| `{class}` | {default} |")), "{class}");
    }
    assert_eq!(documented("class").len(), RiskClass::ALL.len());
}

#[test]
fn the_documented_example_and_limits_are_read() {
    let page = page();
    let example = page.split("```jsonc").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources {
        kode_home: folder.path().join("home"),
        project_root: folder.path().to_owned(),
        ..Sources::default()
    };
    load(&sources).unwrap();
    std::fs::write(sources.kode_home.join("config.json"), example).unwrap();
    let settings = load(&sources).unwrap();
    assert_eq!(settings.model.as_deref(), Some("qwen3-coder"));
    assert_eq!(settings.policy.layers[0].rules.len(), 1);
    assert!(settings.notices.is_empty());
    let defaults = [kode_config::DEFAULT_MAX_ITERATIONS, kode_config::DEFAULT_MAX_GATE_ROUNDS]
        .map(|limit| format!("| {limit} |"));
    assert!(defaults.iter().all(|cell| page.contains(cell)));
}
