//! Which file of the project an import names.

use kode_base::ProjectPath;
use kode_syntax::Language;

/// Languages whose imports name files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    EcmaScript,
    Python,
}

impl Family {
    pub(crate) const fn of(language: Language) -> Option<Self> {
        match language {
            Language::JavaScript | Language::TypeScript | Language::Tsx => Some(Self::EcmaScript),
            Language::Python => Some(Self::Python),
            _ => None,
        }
    }
}

/// What an import names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// A file of the project.
    File(ProjectPath),
    /// Nothing of the project.
    Outside,
    /// Several files fit, or settings kode does not read decide.
    Unclear,
}

impl Resolution {
    /// Whether it names `file`, or may.
    pub(crate) fn may_be(&self, file: &ProjectPath) -> bool {
        match self {
            Self::File(named) => named == file,
            Self::Outside => false,
            Self::Unclear => true,
        }
    }
}

/// The file that `module`, as written in `from`, names.
pub(crate) fn resolve(
    family: Family,
    from: &ProjectPath,
    module: &str,
    files: &[ProjectPath],
) -> Resolution {
    match family {
        Family::EcmaScript => resolve_ecmascript(from, module, files),
        Family::Python => resolve_python(from, module, files),
    }
}

fn folder_of(path: &ProjectPath) -> String {
    match path.as_str().rsplit_once('/') {
        Some((folder, _)) => folder.to_owned(),
        None => ".".to_owned(),
    }
}

fn resolve_ecmascript(from: &ProjectPath, module: &str, files: &[ProjectPath]) -> Resolution {
    if !module.starts_with('.') {
        // `@/a`, `~/a`, `#a` and `src/a` depend on settings; a package has no such path.
        let alias = module.starts_with(['@', '~', '#']) && module.contains('/')
            || files.iter().any(|file| file.as_str().starts_with(&format!("{module}.")));
        let scoped_package = module.starts_with('@') && !module.starts_with("@/");
        return if alias && !scoped_package { Resolution::Unclear } else { Resolution::Outside };
    }
    let Ok(target) = ProjectPath::new(&format!("{}/{module}", folder_of(from))) else {
        return Resolution::Outside;
    };
    let target = target.as_str();
    // TypeScript writes the extension its output will have.
    let bare = [".js", ".jsx", ".mjs", ".cjs"].iter().find_map(|end| target.strip_suffix(end));
    let fits = |file: &&ProjectPath| {
        let file = file.as_str();
        file == target
            || [Some(target), bare].into_iter().flatten().any(|stem| {
                file.strip_prefix(stem).is_some_and(|rest| {
                    let rest = rest.strip_prefix("/index").unwrap_or(rest);
                    matches!(
                        rest,
                        ".js"
                            | ".jsx"
                            | ".mjs"
                            | ".cjs"
                            | ".ts"
                            | ".tsx"
                            | ".mts"
                            | ".cts"
                            | ".d.ts"
                    )
                })
            })
    };
    the_one(files.iter().filter(fits))
}

fn resolve_python(from: &ProjectPath, module: &str, files: &[ProjectPath]) -> Resolution {
    let dots = module.bytes().take_while(|&byte| byte == b'.').count();
    let tail = module[dots..].replace('.', "/");
    if dots > 0 {
        let mut folder = folder_of(from);
        for _ in 1..dots {
            folder.push_str("/..");
        }
        let Ok(target) = ProjectPath::new(&format!("{folder}/{tail}")) else {
            return Resolution::Outside;
        };
        return the_one(files.iter().filter(|file| is_module(file.as_str(), target.as_str())));
    }
    if tail.is_empty() {
        return Resolution::Outside;
    }
    // An absolute module may stand below any source folder.
    the_one(files.iter().filter(|file| {
        let path = file.as_str();
        is_module(path, &tail)
            || path.match_indices('/').any(|(at, _)| is_module(&path[at + 1..], &tail))
    }))
}

fn is_module(path: &str, module: &str) -> bool {
    let module = if module == "." { "" } else { module };
    match path.strip_prefix(module) {
        Some(".py" | ".pyi" | "/__init__.py" | "/__init__.pyi") => true,
        Some("__init__.py") => module.is_empty(),
        _ => false,
    }
}

fn the_one<'a>(mut fitting: impl Iterator<Item = &'a ProjectPath>) -> Resolution {
    match (fitting.next(), fitting.next()) {
        (None, _) => Resolution::Outside,
        (Some(file), None) => Resolution::File(file.clone()),
        _ => Resolution::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<ProjectPath> {
        names.iter().map(|name| ProjectPath::new(name).unwrap()).collect()
    }

    fn named(family: Family, from: &str, module: &str, files: &[&str]) -> Option<String> {
        match resolve(family, &ProjectPath::new(from).unwrap(), module, &paths(files)) {
            Resolution::File(file) => Some(file.as_str().to_owned()),
            Resolution::Outside => None,
            Resolution::Unclear => Some("?".to_owned()),
        }
    }

    #[test]
    fn ecmascript_paths_are_relative_and_may_leave_out_their_ending() {
        let files = ["src/a.ts", "src/b/index.js", "lib/c.tsx"];
        let at = |module| named(Family::EcmaScript, "src/main.ts", module, &files);
        assert_eq!(at("./a").as_deref(), Some("src/a.ts"));
        assert_eq!(at("./a.js").as_deref(), Some("src/a.ts"));
        assert_eq!(at("./b").as_deref(), Some("src/b/index.js"));
        assert_eq!(at("../lib/c").as_deref(), Some("lib/c.tsx"));
        assert_eq!(at("react"), None);
        assert_eq!(at("@scope/pkg"), None);
        assert_eq!(at("@/a").as_deref(), Some("?"));
    }

    #[test]
    fn python_modules_are_absolute_or_relative() {
        let files = ["src/pkg/__init__.py", "src/pkg/a.py", "src/pkg/sub/b.py"];
        let at = |from, module| named(Family::Python, from, module, &files);
        assert_eq!(at("tests/t.py", "pkg.a").as_deref(), Some("src/pkg/a.py"));
        assert_eq!(at("tests/t.py", "pkg").as_deref(), Some("src/pkg/__init__.py"));
        assert_eq!(at("src/pkg/sub/b.py", "..a").as_deref(), Some("src/pkg/a.py"));
        assert_eq!(at("src/pkg/a.py", ".").as_deref(), Some("src/pkg/__init__.py"));
        assert_eq!(at("src/pkg/a.py", "os.path"), None);
    }
}
