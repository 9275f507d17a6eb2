//! Kinds of files that hold code: told by name, `#!` line and first bytes, from a table
//! (`data/code_kinds.toml`). It says what a file is, never whether it is harmless.

use std::collections::HashMap;
use std::sync::LazyLock;

use kode_base::ProjectPath;
use kode_syntax::Language;
use serde::Deserialize;

use crate::{coverage, lower, page, tables};

/// What the scan does with the files of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Rules read it; a file of it that could not be read is broken, too large or cut short.
    #[serde(skip)]
    Rules,
    /// No rule reads it.
    Unread,
    /// It is a program already built, which nothing reads.
    Compiled,
    /// Nothing reads it here, but a person is shown its every change before it is made.
    Seen,
}

/// What kind of code a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeKind {
    /// Its name, such as `Ruby` or `shell script`.
    pub name: &'static str,
    /// What the scan does with it.
    pub reading: Reading,
}

/// A script whose interpreter is in no kind.
const SCRIPT: CodeKind = CodeKind { name: "script", reading: Reading::Unread };
/// A page with parts that a server runs.
const SERVER_PAGE: CodeKind = CodeKind { name: "server-side page", reading: Reading::Unread };
/// A page whose scripts are read.
const PAGE: CodeKind = CodeKind { name: "page", reading: Reading::Rules };

/// Which code a file holds; `None` for prose, data, styles and pictures.
#[must_use]
pub fn code_kind(path: &ProjectPath, content: &[u8]) -> Option<CodeKind> {
    if page::is_page(path) {
        let on_a_server = coverage::server_side(path, content).is_some();
        return if on_a_server {
            Some(SERVER_PAGE)
        } else {
            page::is_code(path, content).then_some(PAGE)
        };
    }
    match coverage::language(path, content).filter(|language| lower::supports(*language)) {
        Some(language) => Some(CodeKind { name: language.name(), reading: Reading::Rules }),
        None => without_rules(path, content),
    }
}

/// The kind of a file that no grammar with rules fits.
pub(crate) fn without_rules(path: &ProjectPath, content: &[u8]) -> Option<CodeKind> {
    let table = TABLE.as_ref()?;
    table
        .by_name(path)
        .or_else(|| table.by_extension.get(coverage::extension(path).as_str()).copied())
        .or_else(|| table.by_start(content))
        .or_else(|| table.by_interpreter(&coverage::interpreter(content)?))
        .or_else(|| Language::of(path).map(of_language))
}

fn of_language(language: Language) -> CodeKind {
    CodeKind { name: language.name(), reading: Reading::Unread }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    name: &'a str,
    reading: Reading,
    #[serde(borrow)]
    extensions: Vec<&'a str>,
    names: Vec<&'a str>,
    interpreters: Vec<&'a str>,
    #[serde(default)]
    starts: Vec<&'a str>,
    #[cfg_attr(not(test), expect(dead_code, reason = "samples that the tests run"))]
    detects: Vec<&'a str>,
    #[cfg_attr(not(test), expect(dead_code, reason = "samples that the tests run"))]
    ignores: Vec<&'a str>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    kind: Vec<Entry<'a>>,
}

/// The table, by what a file is told by.
struct Table {
    by_extension: HashMap<&'static str, CodeKind>,
    names: Vec<(&'static str, CodeKind)>,
    interpreters: Vec<(&'static str, CodeKind)>,
    starts: Vec<(Vec<u8>, CodeKind)>,
}

static TABLE: LazyLock<Option<Table>> = LazyLock::new(|| entries().ok().map(Table::of));

fn entries() -> Result<Vec<Entry<'static>>, tables::Error> {
    let file: File<'static> = tables::read(include_str!("../data/code_kinds.toml"))?;
    Ok(file.kind)
}

impl Table {
    fn of(entries: Vec<Entry<'static>>) -> Self {
        let mut table = Self {
            by_extension: HashMap::new(),
            names: Vec::new(),
            interpreters: Vec::new(),
            starts: Vec::new(),
        };
        for entry in entries {
            let kind = CodeKind { name: entry.name, reading: entry.reading };
            table.by_extension.extend(entry.extensions.iter().map(|end| (*end, kind)));
            table.names.extend(entry.names.iter().map(|name| (*name, kind)));
            table.interpreters.extend(entry.interpreters.iter().map(|name| (*name, kind)));
            table.starts.extend(entry.starts.iter().map(|start| (bytes(start), kind)));
        }
        table
    }

    /// A name with a `/` is compared with the end of the path, any other with its last part.
    fn by_name(&self, path: &ProjectPath) -> Option<CodeKind> {
        let whole = path.as_str().to_ascii_lowercase();
        let last = whole.rsplit('/').next().unwrap_or_default();
        let fits = |pattern: &str| match pattern.contains('/') {
            true => {
                let below = |at: usize| at == 0 || whole.as_bytes()[at - 1] == b'/';
                let starts = whole.char_indices().map(|(at, _)| at).filter(|at| below(*at));
                starts.into_iter().any(|at| matches(pattern, &whole[at..]))
            }
            false => matches(pattern, last),
        };
        self.names.iter().find(|(pattern, _)| fits(pattern)).map(|(_, kind)| *kind)
    }

    fn by_start(&self, content: &[u8]) -> Option<CodeKind> {
        let begins = |(start, _): &&(Vec<u8>, CodeKind)| content.starts_with(start);
        let known = self.starts.iter().find(begins).map(|(_, kind)| *kind);
        known.or_else(|| is_windows_program(content).then(|| self.by_extension["exe"]))
    }

    fn by_interpreter(&self, line: &str) -> Option<CodeKind> {
        let words = line.split_ascii_whitespace().map(|word| {
            let program = word.rsplit('/').next().unwrap_or_default();
            program.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.')
        });
        let mut programs = words.filter(|word| !matches!(*word, "env" | "-S" | "busybox"));
        let known = programs.find_map(|word| {
            self.interpreters.iter().find(|(name, _)| *name == word.to_ascii_lowercase())
        });
        Some(known.map_or(SCRIPT, |(_, kind)| *kind))
    }
}

/// `MZ`, and `PE` where its header says.
fn is_windows_program(content: &[u8]) -> bool {
    let Some(place) = content.get(0x3c..0x40).filter(|_| content.starts_with(b"MZ")) else {
        return false;
    };
    let at = place.iter().rev().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    content.get(at..).is_some_and(|rest| rest.starts_with(b"PE\0\0"))
}

/// Whether a name is one with stars for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| matches(tail, &rest[at..]))
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, content: &[u8]) -> Option<CodeKind> {
        code_kind(&ProjectPath::new(name).unwrap(), content)
    }

    #[test]
    fn every_kind_has_its_own_names_and_not_those_that_look_like_it() {
        for entry in entries().unwrap() {
            let name = |path: &str| kind(path, b"x").map(|kind| kind.name);
            assert!(!entry.detects.is_empty() && !entry.ignores.is_empty(), "{}", entry.name);
            for path in &entry.detects {
                assert_eq!(name(path), Some(entry.name), "{path}");
            }
            for path in &entry.ignores {
                assert_ne!(name(path), Some(entry.name), "{path}");
            }
            for end in &entry.extensions {
                assert_eq!(name(&format!("a.{end}")), Some(entry.name), "{end} is in two kinds");
            }
        }
    }

    #[test]
    fn scripts_are_told_by_their_interpreter_and_programs_by_their_first_bytes() {
        let name = |content: &[u8]| kind("run", content).map(|kind| kind.name);
        assert_eq!(name(b"#!/bin/sh\ntrue\n"), Some("shell script"));
        assert_eq!(name(b"#!/usr/bin/env -S bash -e\n"), Some("shell script"));
        assert_eq!(name(b"#!/usr/bin/perl5.36 -w\n"), Some("Perl, Lua or Tcl"));
        assert_eq!(name(b"#!/opt/thing\n"), Some("script"));
        assert_eq!(name(b"\x7fELF\x02\x01"), Some("compiled program"));
        let windows = [b"MZ".as_slice(), &[0; 58], &[64, 0, 0, 0], b"PE\0\0"].concat();
        assert_eq!(name(&windows), Some("compiled program"));
        assert_eq!(name(b"MZ is a country's code\n"), None);
        assert_eq!(name(b"# a title\n"), None);
    }

    #[test]
    fn code_with_rules_says_so_and_prose_data_and_styles_are_none() {
        for name in ["a.py", "a.TS", "a.go", "a.java", "a.html", "a.vue", "a.ejs"] {
            assert_eq!(kind(name, b"x").map(|kind| kind.reading), Some(Reading::Rules), "{name}");
        }
        let page = kind("a.html", b"<p><?php echo $x ?></p>");
        assert_eq!(page.map(|kind| kind.reading), Some(Reading::Unread));
        for name in
            ["a.md", "a.json", "a.yml", "a.txt", "a.css", "a.scss", "a.png", "a.svg", "a.lock"]
        {
            assert_eq!(kind(name, b"x"), None, "{name}");
        }
        let workflow = kind(".github/workflows/ci.yml", b"jobs:\n");
        assert_eq!(workflow.map(|kind| kind.reading), Some(Reading::Seen));
    }
}
