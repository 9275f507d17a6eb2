//! Files that a program loads as code though their names are none of code's:
//! `require('./steps.data')`, `<script src="app.txt">`, `exec(open('steps.txt').read())`.
//! Told by the names that code files load; a text that then is no code stays what it was.

use kode_syntax::Language;

use crate::{ScanFile, coverage, page};

/// Among more files nobody looks.
const FILES_MAX: usize = 512;
/// Files that may be meant.
const CANDIDATES_MAX: usize = 64;
/// Bytes before a name in which something says that it is loaded.
const BEFORE_BYTES: usize = 80;
/// Shorter names are in every file.
const NAME_BYTES_MIN: usize = 4;

/// What loads a file, before its name on the same line.
const LOADS: [&[u8]; 14] = [
    b"require(",
    b"import(",
    b"import ",
    b" from ",
    b"importScripts(",
    b"new Worker(",
    b"fork(",
    b"exec(",
    b"eval(",
    b"execfile(",
    b"run_path(",
    b"runfile(",
    b"<script",
    b"spec_from_file_location(",
];

/// Names that hold data, styles, pictures or prose whoever loads them.
const DATA: [&str; 34] = [
    "json", "json5", "jsonc", "css", "scss", "sass", "less", "styl", "svg", "png", "jpg", "jpeg",
    "gif", "webp", "avif", "ico", "woff", "woff2", "ttf", "md", "mdx", "yml", "yaml", "toml",
    "xml", "csv", "graphql", "gql", "wasm", "node", "lock", "map", "proto", "pdf",
];

/// The languages of files that others load as code, by their numbers.
pub(crate) fn loaded_languages(files: &[ScanFile<'_>]) -> Vec<(usize, Language)> {
    if files.len() > FILES_MAX {
        return Vec::new();
    }
    let candidates = files.iter().enumerate().filter(|(_, file)| may_be_code(file));
    let candidates: Vec<(usize, &str)> = candidates
        .map(|(at, file)| (at, file.path.file_name()))
        .filter(|(_, name)| name.len() >= NAME_BYTES_MIN)
        .take(CANDIDATES_MAX)
        .collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let loaders: Vec<(Language, &[u8])> =
        files.iter().filter_map(|file| Some((loader_language(file)?, file.content))).collect();
    let language_of = |name: &str| {
        loaders.iter().find(|(_, text)| loads(text, name.as_bytes())).map(|(language, _)| *language)
    };
    candidates.into_iter().filter_map(|(at, name)| Some((at, language_of(name)?))).collect()
}

fn may_be_code(file: &ScanFile<'_>) -> bool {
    let extension = coverage::extension(file.path);
    !extension.is_empty()
        && !DATA.contains(&extension.as_str())
        && !page::is_page(file.path)
        && coverage::language(file.path, file.content).is_none()
        && coverage::without_rules(file.path, file.content).is_none()
}

/// The language of what a file loads.
fn loader_language(file: &ScanFile<'_>) -> Option<Language> {
    if page::is_page(file.path) {
        return Some(Language::JavaScript);
    }
    match coverage::language(file.path, file.content)? {
        Language::Python => Some(Language::Python),
        Language::JavaScript | Language::TypeScript | Language::Tsx => Some(Language::JavaScript),
        _ => None,
    }
}

/// Whether a text loads a file of this name.
fn loads(text: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find_iter(text, name).any(|at| {
        let is_whole = at > 0 && matches!(text[at - 1], b'/' | b'"' | b'\'' | b'`' | b'=');
        let before = &text[at.saturating_sub(BEFORE_BYTES)..at];
        let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        is_whole && LOADS.iter().any(|mark| memchr::memmem::find(line, mark).is_some())
    })
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;

    fn languages(files: &[(&str, &str)]) -> Vec<(usize, Language)> {
        let paths: Vec<ProjectPath> =
            files.iter().map(|(path, _)| ProjectPath::new(path).unwrap()).collect();
        let files: Vec<ScanFile<'_>> = paths
            .iter()
            .zip(files)
            .map(|(path, (_, text))| ScanFile { path, content: text.as_bytes(), base: None })
            .collect();
        loaded_languages(&files)
    }

    #[test]
    fn what_code_loads_is_code_and_what_it_reads_is_not() {
        let loaded = [
            ("a.js", "require('./steps.data')"),
            ("a.html", "<script src=\"app/steps.data\"></script>"),
            ("a.mjs", "import { run } from './steps.data';"),
        ];
        for loader in loaded {
            let found = languages(&[loader, ("steps.data", "x")]);
            assert_eq!(found, [(1, Language::JavaScript)], "{loader:?}");
        }
        let python = ("a.py", "exec(open('steps.data').read())");
        assert_eq!(languages(&[python, ("steps.data", "x")]), [(1, Language::Python)]);
        for reader in [
            ("a.js", "fs.readFileSync('./steps.data')"),
            ("a.py", "text = open('steps.data').read()"),
            ("a.js", "require('./othersteps.data')"),
        ] {
            assert!(languages(&[reader, ("steps.data", "x")]).is_empty(), "{reader:?}");
        }
        assert!(languages(&[("a.js", "require('./x.json')"), ("x.json", "1")]).is_empty());
    }
}
