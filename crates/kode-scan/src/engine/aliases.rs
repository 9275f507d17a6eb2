//! Other names of modules that a project's settings give: `paths` and `baseUrl` of
//! `tsconfig.json`, `imports` and the name in `package.json`, the module of `go.mod`.
//! It reads only settings among the scanned files, and of those only what is plain.

use serde_json::Value as Json;

use super::folder_of;
use super::modules::normal;
use crate::ScanFile;

/// Settings that are read; larger ones and further ones are passed over.
const SETTINGS_MAX: usize = 200;
const SETTINGS_BYTES_MAX: usize = 64 << 10;
/// Settings that extend others are followed so far.
const EXTENDS_MAX: usize = 4;

/// What the settings among the scanned files say of modules' names.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    patterns: Vec<Pattern>,
    /// Names of Go's modules, and their folders.
    modules: Vec<(String, String)>,
}

/// A name, perhaps with one `*`, and the paths it stands for.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    /// The folder below which it holds; a package's name holds everywhere.
    folder: Option<String>,
    name: String,
    targets: Vec<String>,
}

impl Aliases {
    /// What the settings among the files say.
    pub(crate) fn of(files: &[ScanFile<'_>]) -> Self {
        let (mut patterns, mut modules) = (Vec::new(), Vec::new());
        let settings = files.iter().filter(|file| is_settings(file.path.file_name()));
        let small = settings.filter(|file| file.content.len() <= SETTINGS_BYTES_MAX);
        for file in small.take(SETTINGS_MAX) {
            let path = file.path.as_str();
            if file.path.file_name() == "go.mod" {
                modules.extend(go_module(path, file.content));
                continue;
            }
            let Some(json) = parsed(file.content) else { continue };
            match file.path.file_name() {
                "package.json" => package(path, &json, &mut patterns),
                _ => compiler(path, &json, files, &mut patterns),
            }
        }
        // The nearest settings first; of their names the longest.
        patterns.sort_by_key(|pattern| {
            let depth = pattern.folder.as_deref().map_or(0, |folder| folder.len() + 1);
            (std::cmp::Reverse(depth), std::cmp::Reverse(pattern.name.len()))
        });
        modules.sort_by_key(|(name, _): &(String, String)| std::cmp::Reverse(name.len()));
        Self { patterns, modules }
    }

    /// The folder of the package that a Go import path means, where its module is known.
    pub(super) fn go_folder(&self, path: &str) -> Option<String> {
        self.modules.iter().find_map(|(name, folder)| {
            let rest = path.strip_prefix(name.as_str())?;
            let is_within = rest.is_empty() || rest.starts_with('/');
            is_within.then(|| normal(&format!("{folder}{rest}")))
        })
    }

    /// The paths that a module's name may stand for in a file at `path`, likely ones
    /// first.
    pub(super) fn targets(&self, path: &str, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for pattern in &self.patterns {
            let holds = pattern.folder.as_deref().is_none_or(|folder| {
                folder.is_empty()
                    || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
            });
            if let Some(star) = fitting(&pattern.name, name).filter(|_| holds) {
                found.extend(pattern.targets.iter().map(|target| target.replacen('*', star, 1)));
            }
        }
        found
    }
}

fn is_settings(name: &str) -> bool {
    matches!(name, "package.json" | "go.mod")
        || name.ends_with(".json") && (name.starts_with("tsconfig") || name.starts_with("jsconfig"))
}

/// The name in `module example.com/shop`, and the folder it is for.
fn go_module(path: &str, content: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(content).ok()?;
    let name = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let name = name.split("//").next().unwrap_or(name).trim().trim_matches('"');
    Some((name.to_owned(), folder_of(path).to_owned()))
}

/// What the `*` of a pattern stands for in a name; empty without one.
fn fitting<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == name).then_some(""),
    }
}

/// `compilerOptions.paths` and `baseUrl`, its own or those it extends.
fn compiler(path: &str, json: &Json, files: &[ScanFile<'_>], patterns: &mut Vec<Pattern>) {
    let folder = folder_of(path).to_owned();
    let (mut at, mut json) = (path.to_owned(), json.clone());
    for _ in 0..EXTENDS_MAX {
        let options = &json["compilerOptions"];
        let base = options["baseUrl"].as_str();
        let root = normal(&format!("{}/{}", folder_of(&at), base.unwrap_or(".")));
        for (name, targets) in options["paths"].as_object().into_iter().flatten() {
            let targets = targets.as_array().into_iter().flatten().filter_map(Json::as_str);
            let targets = targets.map(|target| normal(&format!("{root}/{target}"))).collect();
            patterns.push(Pattern { folder: Some(folder.clone()), name: name.clone(), targets });
        }
        if base.is_some() {
            let targets = vec![normal(&format!("{root}/*"))];
            patterns.push(Pattern { folder: Some(folder.clone()), name: "*".to_owned(), targets });
        }
        let Some(wider) = json["extends"].as_str().filter(|wider| wider.starts_with('.')) else {
            return;
        };
        let wider = normal(&format!("{}/{wider}", folder_of(&at)));
        let named = |file: &&ScanFile<'_>| {
            file.path.as_str() == wider || file.path.as_str().strip_suffix(".json") == Some(&wider)
        };
        let Some(next) = files.iter().find(named).and_then(|file| parsed(file.content)) else {
            return;
        };
        (at, json) = (wider, next);
    }
}

/// `imports`, and the package's own name with what it shows.
fn package(path: &str, json: &Json, patterns: &mut Vec<Pattern>) {
    let folder = folder_of(path);
    let below = |target: &str| normal(&format!("{folder}/{target}"));
    for (name, target) in json["imports"].as_object().into_iter().flatten() {
        let targets = texts(target).into_iter().map(below).collect();
        patterns.push(Pattern { folder: Some(folder.to_owned()), name: name.clone(), targets });
    }
    let Some(own) = json["name"].as_str() else { return };
    let entries = ["source", "main", "module", "types"].into_iter();
    let mut whole: Vec<String> = entries.filter_map(|key| json[key].as_str()).map(below).collect();
    for (name, target) in json["exports"].as_object().into_iter().flatten() {
        let targets: Vec<String> = texts(target).into_iter().map(below).collect();
        match name.strip_prefix("./") {
            Some(part) => {
                let name = format!("{own}/{part}");
                patterns.push(Pattern { folder: None, name, targets });
            }
            None => whole.extend(targets),
        }
    }
    // What is built stands where the sources are not.
    let sources: Vec<String> = whole.iter().map(|path| path.replacen("dist/", "src/", 1)).collect();
    whole.extend(sources);
    whole.extend(["src/index", "index", "src/main", "lib/index"].map(below));
    patterns.push(Pattern { folder: None, name: own.to_owned(), targets: whole });
    let parts = ["src/*", "*"].map(below).to_vec();
    patterns.push(Pattern { folder: None, name: format!("{own}/*"), targets: parts });
}

/// The texts in a target: it may depend on conditions.
fn texts(target: &Json) -> Vec<&str> {
    match target {
        Json::String(text) => vec![text],
        Json::Object(conditions) => conditions.values().filter_map(Json::as_str).collect(),
        Json::Array(choices) => choices.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// JSON, also with comments and commas at the end as compilers allow them.
fn parsed(content: &[u8]) -> Option<Json> {
    if let Ok(json) = serde_json::from_slice(content) {
        return Some(json);
    }
    serde_json::from_slice(&plain(content)).ok()
}

/// The text without comments, and without commas before a closing bracket.
fn plain(content: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::with_capacity(content.len());
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = content.get(at) {
        let rest = &content[at..];
        let comment = match (in_string, rest) {
            (false, [b'/', b'/', ..]) => memchr::memchr(b'\n', rest).or(Some(rest.len())),
            (false, [b'/', b'*', ..]) => {
                memchr::memmem::find(rest, b"*/").map(|end| end + 2).or(Some(rest.len()))
            }
            _ => None,
        };
        if let Some(length) = comment {
            at += length;
            continue;
        }
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                text.push(byte);
                at += 1;
            }
            b'}' | b']' if !in_string => {
                while text.last().is_some_and(u8::is_ascii_whitespace) {
                    text.pop();
                }
                text.pop_if(|last| *last == b',');
            }
            _ => {}
        }
        text.extend(content.get(at));
        at += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;

    fn aliases(files: &[(&str, &str)]) -> Aliases {
        let paths: Vec<ProjectPath> =
            files.iter().map(|(path, _)| ProjectPath::new(path).unwrap()).collect();
        let files: Vec<ScanFile<'_>> = paths
            .iter()
            .zip(files)
            .map(|(path, (_, text))| ScanFile { path, content: text.as_bytes(), base: None })
            .collect();
        Aliases::of(&files)
    }

    #[test]
    fn a_compilers_paths_hold_below_its_settings() {
        let text = r#"{ // ours
          "compilerOptions": { "baseUrl": "./src", "paths": { "@x/*": ["lib/*"], }, } }"#;
        let aliases = aliases(&[("web/tsconfig.json", text)]);
        assert_eq!(aliases.targets("web/src/a.ts", "@x/run")[0], "web/src/lib/run");
        assert_eq!(aliases.targets("web/src/a.ts", "data/users"), ["web/src/data/users"]);
        assert!(aliases.targets("other/a.ts", "@x/run").is_empty());
    }

    #[test]
    fn settings_extend_others() {
        let wider = r#"{"compilerOptions": {"paths": {"@db": ["./src/db.ts"]}}}"#;
        let aliases = aliases(&[
            ("app/tsconfig.json", r#"{"extends": "../tsconfig.base"}"#),
            ("tsconfig.base.json", wider),
        ]);
        assert!(aliases.targets("app/a.ts", "@db").contains(&"src/db.ts".to_owned()));
    }

    #[test]
    fn a_package_has_a_name_and_names_of_its_own() {
        let text = r##"{"name": "@acme/shell", "main": "dist/index.js",
          "imports": {"#lib/*": {"node": "./lib/*.js"}}}"##;
        let aliases = aliases(&[("packages/shell/package.json", text)]);
        let named = aliases.targets("packages/web/a.ts", "@acme/shell");
        assert!(named.contains(&"packages/shell/src/index.js".to_owned()), "{named:?}");
        let own = aliases.targets("packages/shell/a.js", "#lib/run");
        assert_eq!(own[0], "packages/shell/lib/run.js");
    }

    #[test]
    fn a_go_module_has_its_packages_below_its_folder() {
        let aliases = aliases(&[("backend/go.mod", "module shop // ours\n\ngo 1.22\n")]);
        assert_eq!(aliases.go_folder("shop/store").as_deref(), Some("backend/store"));
        assert_eq!(aliases.go_folder("shop").as_deref(), Some("backend"));
        assert_eq!(aliases.go_folder("shopping/store"), None);
    }

    #[test]
    fn strings_keep_what_looks_like_a_comment() {
        assert_eq!(
            plain(br#"{"a": "//x, }", /* y */ "b": [1,],}"#),
            br#"{"a": "//x, }",  "b": [1]}"#
        );
    }
}
