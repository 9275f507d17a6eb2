//! Files that were built of others that are scanned beside them (`table.min.js` of
//! `table.js`), and builds of one source (`dist/esm/table.mjs` and `dist/cjs/table.js`): what
//! the source, or the first build, has is reported there, and of the copy only warned.

use std::collections::{BTreeMap, HashMap};

use kode_base::Severity;

use crate::ScanFile;
use crate::raw::RawFinding;

/// How the names of built files end, and those of their sources.
const BUILT: [(&str, &str); 3] = [(".min.js", ".js"), (".min.mjs", ".mjs"), (".min.cjs", ".cjs")];

/// Makes warnings of what a built file has of its source. A copy with more findings of a
/// rule than its source is no copy of it.
pub(crate) fn soften(findings: &mut [RawFinding], files: &[ScanFile<'_>]) {
    let is_built = |finding: &RawFinding| source_name(files[finding.file].path.as_str()).is_some();
    if !findings.iter().any(is_built) {
        return;
    }
    let paths: HashMap<&str, usize> =
        files.iter().enumerate().map(|(at, file)| (file.path.as_str(), at)).collect();
    let mut counts: HashMap<(usize, String), usize> = HashMap::new();
    for finding in findings.iter().filter(|finding| is_grave(finding)) {
        *counts.entry((finding.file, finding.rule.clone())).or_default() += 1;
    }
    let count = |file: usize, rule: &str| counts.get(&(file, rule.to_owned())).copied();
    for finding in findings.iter_mut().filter(|finding| is_grave(finding)) {
        let name = source_name(files[finding.file].path.as_str());
        let Some(source) = name.and_then(|name| paths.get(name.as_str()).copied()) else {
            continue;
        };
        if count(source, &finding.rule) >= count(finding.file, &finding.rule) {
            finding.severity = Severity::Warning;
            let path = &files[source].path;
            finding.message = format!("Built of `{path}`, which has it too. {}", finding.message);
        }
    }
}

/// Folders that builds are put into.
const BUILDS: [&str; 3] = ["dist", "build", "output"];
/// Parts of paths that only tell builds of one source apart.
const KINDS: [&str; 15] = [
    "esm",
    "cjs",
    "umd",
    "amd",
    "iife",
    "es",
    "es5",
    "es6",
    "es2015",
    "es2020",
    "commonjs",
    "development",
    "production",
    "prod",
    "min",
];
/// Digits and capitals that a bundler puts behind the name of a piece.
const HASH_LENGTH: usize = 8;

/// Makes warnings of what one build has of another. What the task changed in only one of
/// them is no copy, and neither is a build with more findings of a rule.
pub(crate) fn soften_builds(findings: &mut [RawFinding], files: &[ScanFile<'_>]) {
    let mut builds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut before = None;
    for finding in findings.iter().filter(|finding| is_grave(finding)) {
        if before.replace(finding.file) == Some(finding.file) {
            continue;
        }
        if let Some(source) = source_of_build(files[finding.file].path.as_str()) {
            builds.entry(source).or_default().push(finding.file);
        }
    }
    builds.retain(|_, files| files.len() > 1);
    for (source, built) in builds {
        // Pieces that only their hashes tell apart may be of different sources.
        let is_exact = !source.contains('*');
        for (at, copy) in built.iter().enumerate().skip(1) {
            let of_copy = tally(findings, *copy, is_exact);
            let first = built[..at].iter().find(|first| {
                let is_alike = files[**first].base.is_some() == files[*copy].base.is_some();
                let of_first = tally(findings, **first, is_exact);
                is_alike && of_copy.iter().all(|(key, count)| of_first.get(key) >= Some(count))
            });
            let Some(first) = first.copied() else { continue };
            let path = files[first].path;
            let of_it = |finding: &&mut RawFinding| finding.file == *copy && is_grave(finding);
            let message = |text: &str| format!("Built as `{path}`, which has it too. {text}");
            for finding in findings.iter_mut().filter(of_it) {
                finding.severity = Severity::Warning;
                finding.message = message(&finding.message);
            }
        }
    }
}

/// How many findings of which rule a file has; of pieces, what the findings are as well.
fn tally(findings: &[RawFinding], file: usize, is_exact: bool) -> HashMap<(String, String), usize> {
    let mut counts = HashMap::new();
    let of_it = |finding: &&RawFinding| {
        let is_softened = finding.message.starts_with("Built as ");
        finding.file == file && (is_grave(finding) || is_softened)
    };
    for finding in findings.iter().filter(of_it) {
        let identity = if is_exact { String::new() } else { finding.identity.clone() };
        *counts.entry((finding.rule.clone(), identity)).or_default() += 1;
    }
    counts
}

/// The path of a built script without what tells it from other builds of its source.
fn source_of_build(path: &str) -> Option<String> {
    let stem = [".js", ".mjs", ".cjs"].iter().find_map(|end| path.strip_suffix(end))?;
    let (folders, name) = stem.rsplit_once('/')?;
    if !folders.split('/').any(|folder| BUILDS.contains(&folder)) {
        return None;
    }
    let folders = folders.split('/').filter(|folder| !KINDS.contains(folder));
    let words = name.split('.').filter(|word| !KINDS.contains(word)).map(|word| {
        match word.rsplit_once('-') {
            Some((word, hash)) if is_hash(hash) => format!("{word}-*"),
            _ => word.to_owned(),
        }
    });
    let name = words.collect::<Vec<_>>().join(".");
    Some(folders.chain([name.as_str()]).collect::<Vec<_>>().join("/"))
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_LENGTH && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_grave(finding: &RawFinding) -> bool {
    finding.severity == Severity::Fatal
}

fn source_name(path: &str) -> Option<String> {
    let (built, source) = BUILT.iter().find(|(built, _)| path.ends_with(built))?;
    Some(format!("{}{source}", path.strip_suffix(built)?))
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;
    use crate::scan;

    const BAD: &str = "const app = require('express')();\napp.get('/', (req, res) => {\n  res.send('<p>' + req.query.a);\n});\n";
    const WORSE: &str = "const app = require('express')();\napp.get('/', (req, res) => {\n  res.send('<p>' + req.query.a);\n  res.send('<b>' + req.query.b);\n});\n";

    /// How many findings are fatal in files of these paths, contents and former contents.
    fn fatal(given: &[(&str, &str, Option<&str>)]) -> usize {
        let paths: Vec<_> =
            given.iter().map(|(path, ..)| ProjectPath::new(path).unwrap()).collect();
        let files: Vec<_> = given
            .iter()
            .zip(&paths)
            .map(|((_, text, base), path)| ScanFile {
                path,
                content: text.as_bytes(),
                base: base.map(str::as_bytes),
            })
            .collect();
        scan(&files).introduced.iter().filter(|one| one.severity == Severity::Fatal).count()
    }

    #[test]
    fn builds_of_one_source_are_told_by_their_paths() {
        let same = |one: &str, other: &str| {
            assert_eq!(source_of_build(one), source_of_build(other), "{one} {other}");
            assert!(source_of_build(one).is_some(), "{one}");
        };
        same("p/dist/esm/server/a.js", "p/dist/server/a.js");
        same("dist/development/index.mjs", "dist/production/index.js");
        same("dist/a.umd.js", "dist/a.esm.min.mjs");
        same("dist/chunk-2ZBLYC7V.js", "dist/chunk-6KYCQHYJ.mjs");
        for other in ["src/a.js", "a.js", "esm/a.js", "dist/a.ts", "lib/esm/a.js"] {
            assert_eq!(source_of_build(other), None, "{other}");
        }
        for (one, other) in
            [("dist/a/i.js", "dist/b/i.js"), ("dist/node/i.js", "dist/browser/i.js")]
        {
            assert_ne!(source_of_build(one), source_of_build(other));
        }
    }

    #[test]
    fn what_two_builds_have_is_fatal_once() {
        assert_eq!(fatal(&[("dist/cjs/a.js", BAD, None), ("dist/esm/a.mjs", BAD, None)]), 1);
        assert_eq!(
            fatal(&[("dist/a-2ZBLYC7V.js", BAD, None), ("dist/a-6KYCQHYJ.js", BAD, None)]),
            1
        );
    }

    #[test]
    fn a_build_with_more_in_it_is_no_copy() {
        assert_eq!(fatal(&[("dist/cjs/a.js", BAD, None), ("dist/esm/a.js", WORSE, None)]), 3);
        let other = BAD.replace("query.a", "query.c");
        assert_eq!(
            fatal(&[("dist/a-2ZBLYC7V.js", BAD, None), ("dist/a-6KYCQHYJ.js", &other, None)]),
            2
        );
    }

    #[test]
    fn a_copy_of_what_was_there_before_is_fatal() {
        assert_eq!(fatal(&[("dist/cjs/a.js", BAD, Some(BAD)), ("dist/esm/a.js", BAD, None)]), 1);
    }
}
