//! Checks every key and every fixed word of a file against the schema before
//! it is read into types: unknown ones are errors with the nearest name, and a
//! key written twice is an error, since only one of the two would count.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged as _;
use serde_json::Value as Schema;

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyError {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Checks `value` against `schema`, whose definitions are under `$defs`.
pub(crate) fn check(value: &Value<'_>, schema: &Schema) -> Result<(), KeyError> {
    check_node(value, schema, schema)
}

fn check_node(value: &Value<'_>, node: &Schema, root: &Schema) -> Result<(), KeyError> {
    let node = resolve(node, root);
    // Serde would also read a struct from a list, past the check of its keys.
    let wants_object = node.get("properties").is_some();
    match value {
        Value::Array(_) if wants_object => {
            let message = "this must be an object: keys and values in braces".to_owned();
            Err(KeyError { offset: value.range().start, message })
        }
        Value::Object(object) => check_object(object, node, root),
        Value::Array(array) => {
            let Some(items) = node.get("items") else { return Ok(()) };
            array.elements.iter().try_for_each(|element| check_node(element, items, root))
        }
        Value::StringLit(text) => {
            let words = fixed_words(node);
            if words.is_empty() || words.contains(&text.value.as_ref()) {
                return Ok(());
            }
            let message = unknown("value", &text.value, &words);
            Err(KeyError { offset: value.range().start, message })
        }
        _ => Ok(()),
    }
}

fn check_object(object: &Object<'_>, node: &Schema, root: &Schema) -> Result<(), KeyError> {
    let Some(properties) = node.get("properties").and_then(Schema::as_object) else {
        return Ok(());
    };
    for (index, property) in object.properties.iter().enumerate() {
        let name = property.name.as_str();
        let offset = property.range.start;
        let earlier = &object.properties[..index];
        if earlier.iter().any(|other| other.name.as_str() == name) {
            let message = format!("the key `{name}` stands here twice; keep one of the two");
            return Err(KeyError { offset, message });
        }
        let Some(child) = properties.get(name) else {
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            return Err(KeyError { offset, message: unknown("key", name, &names) });
        };
        check_node(&property.value, child, root)?;
    }
    Ok(())
}

/// Follows `$ref` and the one alternative of an optional value that is not
/// null. The schema is our own, so the chain is short.
fn resolve<'a>(node: &'a Schema, root: &'a Schema) -> &'a Schema {
    if let Some(pointer) = node.get("$ref").and_then(Schema::as_str) {
        let target = root.pointer(pointer.trim_start_matches('#'));
        return target.map_or(node, |target| resolve(target, root));
    }
    let alternatives = node.get("anyOf").and_then(Schema::as_array);
    let not_null = alternatives
        .into_iter()
        .flatten()
        .find(|option| option.get("type").and_then(Schema::as_str) != Some("null"));
    not_null.map_or(node, |option| resolve(option, root))
}

/// The words a value is limited to; none when it is free.
fn fixed_words(node: &Schema) -> Vec<&str> {
    let listed = node.get("enum").and_then(Schema::as_array);
    let described = node.get("oneOf").and_then(Schema::as_array);
    let constants = described.into_iter().flatten().filter_map(|option| option.get("const"));
    listed.into_iter().flatten().chain(constants).filter_map(Schema::as_str).collect()
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{name}`; known are {}", known.join(", ")),
    }
}

/// The known name most like `name`, if one is at all alike.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Damerau-Levenshtein is quadratic, and no real key is this long.
    if name.len() > 64 {
        return None;
    }
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name.to_lowercase(), candidate);
    let best = known.iter().copied().min_by_key(|candidate| distance(candidate))?;
    (distance(best) <= 1 + best.len() / 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        let known = ["model", "base_url", "max_iterations"];
        assert_eq!(nearest("modle", &known), Some("model"));
        assert_eq!(nearest("baseUrl", &known), Some("base_url"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest(&"m".repeat(10_000), &known), None);
    }
}
