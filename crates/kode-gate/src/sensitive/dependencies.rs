//! Where a manifest takes its dependencies from: a name and version of the registry
//! is everyday work, an address, a repository or another registry is a new place.
//! What a version, tag or revision says does not matter here.

use std::collections::BTreeSet;

use serde_json::Value;

/// Tables inside tables that are looked into.
const DEPTH_MAX: usize = 12;
/// Keys of a dependency's own table that name where it comes from.
const PLACES: [&str; 9] =
    ["git", "url", "registry", "registry-index", "archive", "hg", "svn", "source", "tarball"];
/// What begins like this is a registry's or the project's own.
const OWN: [&str; 7] = ["npm:", "workspace:", "file:", "link:", "portal:", "catalog:", "jsr:"];

/// A dependency that comes from a place it did not come from before, of the tables
/// with these names wherever they stand.
pub(super) fn new_source(before: &Value, after: &Value, names: &[String]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let (mut known, mut found) = (BTreeSet::new(), BTreeSet::new());
    look(before, names, &mut known, DEPTH_MAX);
    look(after, names, &mut found, DEPTH_MAX);
    found.difference(&known).next().cloned()
}

fn look(value: &Value, names: &[String], found: &mut BTreeSet<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let Value::Object(entries) = value else { return };
    for (name, inner) in entries {
        if names.contains(name) {
            take(inner, found, depth);
        } else {
            look(inner, names, found, depth);
        }
    }
}

/// Every place named in a table or list of dependencies.
fn take(value: &Value, found: &mut BTreeSet<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::String(text) => found.extend(place_in(text)),
        Value::Array(items) => items.iter().for_each(|item| take(item, found, depth)),
        Value::Object(entries) => {
            for (name, inner) in entries {
                match inner {
                    Value::String(place) if PLACES.contains(&name.as_str()) => {
                        found.insert(without_revision(place));
                    }
                    // A version, or what is said of one.
                    Value::String(_) if is_detail(name) => {}
                    _ => take(inner, found, depth),
                }
            }
        }
        _ => {}
    }
}

fn is_detail(name: &str) -> bool {
    matches!(
        name,
        "version"
            | "path"
            | "package"
            | "rev"
            | "tag"
            | "branch"
            | "python"
            | "markers"
            | "subdirectory"
            | "subdir"
            | "features"
            | "optional"
            | "extras"
            | "platform"
    )
}

/// The place in what a version may be: `^1.2`, `user/repository`,
/// `git+https://host/x#v1`, `x @ https://host/x.whl`.
fn place_in(text: &str) -> Option<String> {
    let text = text.split_once(" @ ").map_or(text, |(_, place)| place).trim();
    let own = OWN.iter().any(|each| text.starts_with(each));
    // The rest of a requirement may be a condition: `x; os_name == "a/b"`.
    let place = text.split([';', ' ']).next().unwrap_or(text);
    (!own && place.contains('/')).then(|| without_revision(place))
}

fn without_revision(place: &str) -> String {
    let place = place.split('#').next().unwrap_or(place);
    place.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> Option<String> {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let names = ["dependencies", "devDependencies", "dev-dependencies"].map(str::to_owned);
        new_source(&read(before), &read(after), &names)
    }

    #[test]
    fn what_comes_from_elsewhere_is_new() {
        for place in [
            r#""https://host.example/x.tgz""#,
            r#""git+https://host.example/x.git#v1""#,
            r#""someone/fork""#,
            r#""github:someone/fork#main""#,
            r#""git@host.example:a/b.git""#,
            r#"{"git": "https://host.example/x", "rev": "1"}"#,
            r#"{"version": "1", "registry": "other"}"#,
        ] {
            let after =
                format!(r#"{{"target": {{"cfg(unix)": {{"dependencies": {{"x": {place}}}}}}}}}"#);
            assert!(change("{}", &after).is_some(), "{place}");
            assert_eq!(change(&after, &after), None, "{place}");
        }
        let listed = r#"{"project": {"dependencies": ["a>=1", "x @ https://host.example/x.whl"]}}"#;
        assert!(change("{}", listed).is_some());
    }

    #[test]
    fn names_and_versions_are_everyday_work() {
        for after in [
            r#"{"dependencies": {"a": "^1.2.3", "b": "~2 || >=3", "c": "latest", "d": "*"}}"#,
            r#"{"dependencies": {"a": "npm:b@1", "b": "workspace:*", "c": "file:../c", "d": "catalog:x"}}"#,
            r#"{"dependencies": {"@scope/a": "1.0.0"}, "homepage": "https://x.example"}"#,
            r#"{"dependencies": {"serde": {"version": "1", "features": ["derive"], "path": "../s"}}}"#,
            r#"{"project": {"dependencies": ["httpx>=0.2; python_version < '3.9'", "a[b]~=1.0"]}}"#,
        ] {
            assert_eq!(change("{}", after), None, "{after}");
        }
        let at = |tag: &str| {
            format!(
                r#"{{"dependencies": {{"x": {{"git": "https://h.example/x", "tag": "{tag}"}}}}}}"#
            )
        };
        assert_eq!(change(&at("v1"), &at("v2")), None, "another version of the same place");
    }
}
