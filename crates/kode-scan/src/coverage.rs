//! Which files are code, and which code no rule reads. A file that may run is
//! either analysed or named in the report; only prose and data are passed over.

use kode_base::ProjectPath;
use kode_syntax::Language;

use crate::code_kind::{self, Reading};

/// How the reason begins where a file is code that no rule reads; with any other
/// reason it is code that could have been read, and was not.
pub const NO_RULES: &str = "no security rules for ";

/// What makes a page a program of a server that no rule reads. `<%` is read in EJS.
const SERVER_SIDE: [&[u8]; 4] = [b"<?php", b"<?=", b"{!!", b"<%"];

/// The extension in lower case; of a file named `.py` it is `py`.
pub(crate) fn extension(path: &ProjectPath) -> String {
    // Windows ignores dots and spaces at the end of a name.
    let name = path.file_name().trim_end_matches(['.', ' ']);
    name.rsplit_once('.').map(|(_, last)| last.to_ascii_lowercase()).unwrap_or_default()
}

/// The language by extension, or by the interpreter in the first line.
pub(crate) fn language(path: &ProjectPath, content: &[u8]) -> Option<Language> {
    if let Some(language) = Language::from_extension(&extension(path)) {
        return Some(language);
    }
    let interpreter = interpreter(content)?;
    if interpreter.contains("python") || interpreter.contains("pypy") {
        return Some(Language::Python);
    }
    if interpreter.contains("ts-node") || interpreter.contains("tsx") {
        return Some(Language::TypeScript);
    }
    let runs_javascript = ["node", "deno", "bun"].iter().any(|name| interpreter.contains(name));
    runs_javascript.then_some(Language::JavaScript)
}

/// Whether a file of this name is analysed.
pub fn has_rules(path: &ProjectPath) -> bool {
    Language::from_extension(&extension(path)).is_some_and(crate::lower::supports)
        || crate::page::is_page(path)
        || is_mapper(path)
}

/// Whether a file is by its name a mapper's, whose statements are read.
fn is_mapper(path: &ProjectPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    ["mapper.xml", "dao.xml"].iter().any(|end| name.ends_with(end))
}

/// The `#!` line without its mark.
pub(crate) fn interpreter(content: &[u8]) -> Option<String> {
    let line = content.split(|byte| *byte == b'\n').next()?;
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    Some(line.strip_prefix("#!").filter(|rest| !rest.starts_with('['))?.to_owned())
}

/// Why a file that no grammar fits is code all the same; `None` for prose and data.
pub(crate) fn without_rules(path: &ProjectPath, content: &[u8]) -> Option<String> {
    let kind = code_kind::without_rules(path, content)?;
    Some(match kind.reading {
        Reading::Compiled => format!("{NO_RULES}a {}", kind.name),
        Reading::Seen => format!("{NO_RULES}a {}'s scripts yet", kind.name),
        Reading::Rules | Reading::Unread => format!("{NO_RULES}{} yet", described(kind.name, path)),
    })
}

/// The kind and what of the name shows it: `Ruby (.rb)`.
fn described(kind: &str, path: &ProjectPath) -> String {
    match extension(path) {
        extension if extension.is_empty() => kind.to_owned(),
        extension => format!("{kind} (.{extension})"),
    }
}

/// Why a page is not analysed whole: parts of it run on a server.
pub(crate) fn server_side(path: &ProjectPath, page: &[u8]) -> Option<String> {
    let is_read = |mark: &&&[u8]| crate::template::is_template(path) && **mark == b"<%";
    let has = |mark: &&[u8]| memchr::memmem::find(page, mark).is_some();
    SERVER_SIDE
        .iter()
        .filter(|mark| !is_read(mark))
        .any(has)
        .then(|| "no security rules for the server-side parts of a page yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, content: &str) -> bool {
        without_rules(&ProjectPath::new(name).unwrap(), content.as_bytes()).is_some()
    }

    #[test]
    fn code_without_rules_is_named_and_prose_and_data_are_not() {
        for name in [
            "a.erb",
            "a.jsp",
            "a.aspx",
            "a.sql",
            "a.gradle",
            "a.ipynb",
            "a.ps1",
            "a.kt",
            "a.swift",
            "a.hs",
            "a.R",
            "a.mm",
            "Dockerfile",
            "Dockerfile.prod",
            "web.dockerfile",
            "Makefile",
            "x/GNUmakefile",
            "Jenkinsfile",
        ] {
            assert!(listed(name, "x"), "{name}");
        }
        for name in [
            "a.md",
            "a.txt",
            "a.json",
            "a.yaml",
            "a.toml",
            "a.csv",
            "a.lock",
            "a.png",
            "LICENSE",
            ".gitignore",
            "a.css",
            "docs/makefiles.md",
            "README",
        ] {
            assert!(!listed(name, "x"), "{name}");
        }
        assert!(listed("run", "#!/bin/sh\ntrue\n") && !listed("run", "# a title\n"));
    }

    #[test]
    fn the_language_is_known_in_any_case_and_by_the_interpreter() {
        let of =
            |name: &str, text: &str| language(&ProjectPath::new(name).unwrap(), text.as_bytes());
        assert_eq!(of("g.JS", ""), Some(Language::JavaScript));
        assert_eq!(of("a/G.Py", ""), Some(Language::Python));
        assert_eq!(of(".py", ""), Some(Language::Python));
        assert_eq!(of("tool", "#!/usr/bin/env node\n"), Some(Language::JavaScript));
        assert_eq!(of("notes.txt", "node and python\n"), None);
    }

    #[test]
    fn only_pages_with_server_code_are_named() {
        let read = |name: &str, page: &[u8]| server_side(&ProjectPath::new(name).unwrap(), page);
        assert!(read("a.html", b"<p><?php echo $x ?></p>").is_some());
        assert!(read("a.html", b"<p><%= x %></p>").is_some());
        assert!(read("a.ejs", b"<p><%= x %></p>").is_none());
        assert!(read("a.html", b"<p>{{ name|safe }}</p><script>a < b</script>").is_none());
    }
}
