//! Credentials committed to any kind of file. A secret is never shown whole.

mod arguments;
mod assigned;
mod beginning;
mod codes;
mod command;
mod compared;
mod connection;
mod entropy;
mod generic;
mod key_object;
mod keywords;
mod manifest;
mod placeholder;
mod places;
mod programs;
mod public;
mod rules;
mod sample;
mod services;
mod shape;
mod shown;
mod structure;
mod table;

use kode_base::{ProjectPath, Severity};
pub(crate) use structure::base64;

use crate::raw::RawFinding;
use crate::{Category, coverage, encoding};
use places::{Places, Search};

/// Files larger than this are searched only up to it; `code` reports them.
const BYTES_MAX: usize = 32 << 20;

/// A credential found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretHit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) rule: String,
    pub(crate) title: String,
}

/// Keys of providers with a form of their own.
pub(crate) fn provider_keys(text: &[u8]) -> Vec<SecretHit> {
    rules::find(text, Places::of_rules(text).among(Search::Rules))
}

/// Finds credentials in one file and its path. `place` is the path as seen from what a
/// person named; it tells tests and documentation.
pub(crate) fn inspect(
    file: usize,
    path: &ProjectPath,
    place: &ProjectPath,
    content: &[u8],
) -> Vec<RawFinding> {
    let mut found = in_content(file, place, content);
    // Samples, nearly all: only what has a provider's own form is as grave as elsewhere.
    let is_prose = is_documentation(place);
    for it in &mut found {
        let is_shown = || is_prose || shown::is_shown(place, content, (it.start, it.end));
        if sample::is_sample(place, content, it)
            || is_made_for_show(&it.rule) && is_prose
            || is_told_by_its_name(&it.rule) && is_shown()
        {
            it.severity = Severity::Warning;
        }
    }
    let name = path.as_str().as_bytes();
    for hit in provider_keys(name) {
        let mut finding = finding(file, name, &hit);
        // It has no place in the content: the file's beginning stands for it.
        (finding.start, finding.end) = (0, 0);
        finding.message = format!("In the file's path: {}", finding.message);
        found.push(finding);
    }
    found
}

/// Prose in a folder of documentation.
fn is_documentation(path: &ProjectPath) -> bool {
    const FOLDERS: [&str; 9] = [
        "doc",
        "docs",
        "documentation",
        "manual",
        "manuals",
        "guide",
        "guides",
        "tutorial",
        "tutorials",
    ];
    const PROSE: [&str; 10] =
        ["md", "mdx", "rst", "adoc", "txt", "html", "htm", "xhtml", "xml", "texi"];
    let in_folder =
        path.components().any(|part| FOLDERS.contains(&part.to_ascii_lowercase().as_str()));
    in_folder && PROSE.contains(&coverage::extension(path).as_str())
}

/// What programs make anew for every manual and test.
fn is_made_for_show(rule: &str) -> bool {
    ["secret.private-key", "secret.json-web-token"].contains(&rule)
}

/// Rules that go by names around a value, not by its own form.
fn is_told_by_its_name(rule: &str) -> bool {
    [
        "secret.generic-key",
        "secret.generic-password",
        "secret.connection-credential",
        "secret.command-password",
        "secret.argument-credential",
    ]
    .contains(&rule)
}

/// Finds credentials in the content, UTF-16 or not.
fn in_content(file: usize, path: &ProjectPath, content: &[u8]) -> Vec<RawFinding> {
    let content = &content[..content.len().min(BYTES_MAX)];
    let Some((halved, mark)) = encoding::halved_utf16(content) else {
        return find(path, content).into_iter().map(|hit| finding(file, content, &hit)).collect();
    };
    let doubled = |hit: SecretHit| {
        let mut found = finding(file, &halved, &hit);
        (found.start, found.end) = (mark + 2 * hit.start, mark + 2 * hit.end);
        found
    };
    find(path, &halved).into_iter().map(doubled).collect()
}

/// Provider patterns first, then what programs connect with, then services, then secret-named assignments; a
/// place is reported once, by the most specific.
pub(crate) fn find(path: &ProjectPath, content: &[u8]) -> Vec<SecretHit> {
    // One NUL makes no text binary, and code is text whatever stands in it.
    let is_text = !content.contains(&0)
        || coverage::language(path, content).is_some()
        || !encoding::is_binary(content);
    if !is_text || is_generated(path) {
        return provider_keys(content);
    }
    let places = Places::of(content);
    let mut hits = rules::find(content, places.among(Search::Rules));
    let (in_tests, in_docs) = (generic::is_test_path(path), generic::is_manual(path));
    // Tests and manuals show examples.
    if !in_tests && !in_docs {
        add_apart(&mut hits, connection::find(path, content, places.among(Search::Connection)));
        add_apart(&mut hits, command::find(content, places.among(Search::Command)));
        add_apart(&mut hits, arguments::find(content, places.among(Search::Arguments)));
    }
    if in_docs && !in_tests {
        // Nobody makes up an example of this kind.
        let mut commands = command::find(content, places.among(Search::Command));
        commands.retain(|hit| is_made_by_chance(&content[hit.start..hit.end]));
        add_apart(&mut hits, commands);
    }
    if !in_tests && !in_docs {
        add_apart(&mut hits, key_object::find(content));
    }
    add_apart(&mut hits, services::find(content, places.among(Search::Services)));
    if !in_tests {
        add_apart(&mut hits, manifest::find(path, content));
    }
    let names = places.among(Search::Generic);
    add_apart(&mut hits, generic::find(path, content, names, (in_tests, in_docs)));
    add_apart(&mut hits, table::find(path, content));
    hits.sort_by_key(|hit| hit.start);
    hits
}

/// Letters of both cases and digits, more varied than words are.
fn is_made_by_chance(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    value.len() >= 16
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && entropy::bits_per_byte(value) >= 3.6
}

fn add_apart(hits: &mut Vec<SecretHit>, more: Vec<SecretHit>) {
    for hit in more {
        if !hits.iter().any(|known| known.start < hit.end && hit.start < known.end) {
            hits.push(hit);
        }
    }
}

/// Lock files, checksums and minified bundles are full of random-looking text
/// that is no credential; provider patterns still run on them.
fn is_generated(path: &ProjectPath) -> bool {
    const NAMES: [&str; 12] = [
        "package-lock.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "npm-shrinkwrap.json",
        "go.sum",
        "go.mod",
        "Cargo.lock",
        "poetry.lock",
        "Pipfile.lock",
        "composer.lock",
        "Gemfile.lock",
        "uv.lock",
    ];
    let name = path.file_name();
    NAMES.contains(&name)
        || [".min.js", ".min.css", ".map", ".svg", ".lock", ".snap"]
            .iter()
            .any(|end| name.ends_with(end))
}

pub(crate) fn finding(file: usize, content: &[u8], hit: &SecretHit) -> RawFinding {
    let value = &content[hit.start..hit.end];
    RawFinding {
        rule: format!("secret.{}", hit.rule),
        cwe: Category::Secret.cwe(),
        severity: Severity::Fatal,
        file,
        start: hit.start,
        end: hit.end,
        message: format!(
            "A credential stands in the source: it looks like {} ({}).",
            hit.title,
            masked(value)
        ),
        remedy: Category::Secret.remedy().to_owned(),
        flow: Vec::new(),
        identity: crate::raw::squeezed(value),
    }
}

/// At most the first four characters and the length.
fn masked(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let length = text.chars().count();
    let shown: String = text.chars().take(if length >= 12 { 4 } else { 0 }).collect();
    format!("`{shown}…`, {length} characters")
}

#[cfg(test)]
mod tests;
