//! Which language a file is in, and its grammar.

use kode_base::ProjectPath;

/// A language with a grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java.
    Java,
    /// C#.
    CSharp,
    /// PHP.
    Php,
    /// Ruby.
    Ruby,
    /// C.
    C,
    /// C++.
    Cpp,
}

impl Language {
    /// The language of `path` by its extension; `None` where no grammar fits.
    pub fn of(path: &ProjectPath) -> Option<Self> {
        Self::from_extension(path.extension()?)
    }

    /// The language an extension (without the dot, in any case) stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "js" | "mjs" | "cjs" | "jsx" | "es6" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "py" | "pyi" | "pyw" | "wsgi" => Self::Python,
            "go" => Self::Go,
            "rs" => Self::Rust,
            "java" => Self::Java,
            "cs" => Self::CSharp,
            "php" | "phtml" => Self::Php,
            "rb" | "rake" | "gemspec" => Self::Ruby,
            "c" | "h" => Self::C,
            "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" => Self::Cpp,
            _ => return None,
        })
    }

    /// Like [`Language::of`], but a `.h` file that reads as C++ is C++.
    pub fn detect(path: &ProjectPath, source: &[u8]) -> Option<Self> {
        let language = Self::of(path)?;
        let header = language == Self::C
            && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("h"));
        Some(if header && reads_as_cpp(source) { Self::Cpp } else { language })
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Tsx => "TSX",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::Rust => "Rust",
            Self::Java => "Java",
            Self::CSharp => "C#",
            Self::Php => "PHP",
            Self::Ruby => "Ruby",
            Self::C => "C",
            Self::Cpp => "C++",
        }
    }

    /// The grammar, where its `lang-*` feature is on.
    pub fn grammar(self) -> Option<tree_sitter::Language> {
        match self {
            #[cfg(feature = "lang-javascript")]
            Self::JavaScript => Some(tree_sitter_javascript::LANGUAGE.into()),
            #[cfg(feature = "lang-typescript")]
            Self::TypeScript => Some(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()),
            #[cfg(feature = "lang-typescript")]
            Self::Tsx => Some(tree_sitter_typescript::LANGUAGE_TSX.into()),
            #[cfg(feature = "lang-python")]
            Self::Python => Some(tree_sitter_python::LANGUAGE.into()),
            #[cfg(feature = "lang-go")]
            Self::Go => Some(tree_sitter_go::LANGUAGE.into()),
            #[cfg(feature = "lang-rust")]
            Self::Rust => Some(tree_sitter_rust::LANGUAGE.into()),
            #[cfg(feature = "lang-java")]
            Self::Java => Some(tree_sitter_java::LANGUAGE.into()),
            #[cfg(feature = "lang-csharp")]
            Self::CSharp => Some(tree_sitter_c_sharp::LANGUAGE.into()),
            #[cfg(feature = "lang-php")]
            Self::Php => Some(tree_sitter_php::LANGUAGE_PHP.into()),
            #[cfg(feature = "lang-ruby")]
            Self::Ruby => Some(tree_sitter_ruby::LANGUAGE.into()),
            #[cfg(feature = "lang-c")]
            Self::C => Some(tree_sitter_c::LANGUAGE.into()),
            #[cfg(feature = "lang-cpp")]
            Self::Cpp => Some(tree_sitter_cpp::LANGUAGE.into()),
            #[allow(unreachable_patterns, reason = "reached when a lang-* feature is off")]
            _ => None,
        }
    }
}

/// Whether a line of a header begins like C++ and unlike C.
fn reads_as_cpp(source: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 7] =
        [b"class ", b"namespace ", b"template", b"public:", b"private:", b"using ", b"constexpr "];
    source.split(|&byte| byte == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        OPENINGS.iter().any(|opening| line.starts_with(opening))
    })
}
