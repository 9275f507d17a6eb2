//! What setting an environment variable does to programs started later.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::evaluate::glob_matches as glob;

/// What a variable means to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Data.
    Plain,
    /// Where programs or libraries are searched.
    Searched,
    /// Where code is loaded from that a project keeps in its own folders.
    Loads,
    /// A file that is written when the value is a path.
    Writes,
    /// A host that programs talk to.
    Reaches,
    /// Flags of the tool of this name.
    FlagsOf(&'static str),
    /// Its value is run, or loaded as code.
    Runs,
}

#[derive(Deserialize)]
struct Table {
    runs: Vec<String>,
    programs: Vec<String>,
    flags: Vec<String>,
    searched: Vec<String>,
    loads: Vec<String>,
    writes: Vec<String>,
    reaches: Vec<String>,
    flags_of: HashMap<String, String>,
    ordinary_folders: Vec<String>,
}

static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/environment.toml")).ok());

/// What giving `name` this `value` means. Without its table every variable
/// runs its value.
pub(crate) fn meaning(name: &str, value: &str) -> Meaning {
    let Some(table) = TABLE.as_ref() else { return Meaning::Runs };
    let listed = |list: &[String]| list.iter().any(|each| glob(each, name));
    let first = value.split_whitespace().next().unwrap_or_default();
    let unknown_program = listed(&table.programs) && !is_tool(first);
    let runs_by_flag = listed(&table.flags) && value.split_whitespace().any(flag_runs);
    let edits = name.ends_with("EDITOR") || name == "VISUAL";
    let shows =
        (name.ends_with("PAGER") || edits) && only_shows(value) || edits && is_editor(value);
    // The start-up file of interactive shells, and everywhere else `test` or
    // `production`.
    let stage = name == "ENV" && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // What `less` starts with: flags, but no command of its own and no key file.
    let pages = name == "LESS" && !value.contains(['+', '!', 'k', '\n']);
    if shows || stage || pages {
        Meaning::Plain
    } else if listed(&table.runs) || unknown_program || runs_by_flag {
        Meaning::Runs
    } else if let Some(tool) = table.flags_of.get(name) {
        Meaning::FlagsOf(tool)
    } else if listed(&table.reaches) && value.contains(':') && !is_local_socket(value) {
        Meaning::Reaches
    } else if listed(&table.searched) {
        Meaning::Searched
    } else if listed(&table.loads) {
        Meaning::Loads
    } else if listed(&table.writes) {
        Meaning::Writes
    } else {
        Meaning::Plain
    }
}

/// A known tool, also with a version or for another machine: `gcc-12`,
/// `llvm-ar`, `aarch64-linux-gnu-g++`.
fn is_tool(program: &str) -> bool {
    let plain = program
        .trim_end_matches(|last: char| last.is_ascii_digit() || last == '.')
        .trim_end_matches('-');
    let names = [program, plain, plain.rsplit('-').next().unwrap_or(plain)];
    !program.contains('/') && names.into_iter().any(super::table::knows)
        || super::table::knows(program)
}

fn is_local_socket(address: &str) -> bool {
    ["unix:", "npipe:", "file:", "/"].iter().any(|start| address.starts_with(start))
}

/// An editor by its bare name, as `export EDITOR=vim` names one.
fn is_editor(program: &str) -> bool {
    const EDITORS: [&str; 20] = [
        "vim",
        "vi",
        "nvim",
        "nano",
        "emacs",
        "emacsclient",
        "micro",
        "hx",
        "helix",
        "joe",
        "pico",
        "gedit",
        "kate",
        "kak",
        "code",
        "code --wait",
        "code -w",
        "subl -w",
        "subl --wait",
        "zed --wait",
    ];
    EDITORS.contains(&program.strip_prefix("/usr/bin/").unwrap_or(program))
}

/// A pager or editor that only shows, or does nothing: `cat`, `less -R`, `true`.
pub(crate) fn only_shows(program: &str) -> bool {
    const PROGRAMS: [&str; 6] = ["cat", "less", "more", "most", "true", ":"];
    let plain = |each: char| each.is_ascii_alphanumeric() || " -:".contains(each);
    let mut words = program.split_whitespace();
    program.chars().all(plain)
        && words.next().is_some_and(|first| PROGRAMS.contains(&first))
        && words.all(|word| word.starts_with('-') && !word.contains(['o', 'O', 'k']))
}

/// Whether `NODE_OPTIONS` holds only flags that load and start nothing.
pub(crate) fn only_tunes(name: &str, value: &str) -> bool {
    const TUNES: [&str; 16] = [
        "--max-old-space-size",
        "--max_old_space_size",
        "--max-semi-space-size",
        "--experimental-vm-modules",
        "--experimental-strip-types",
        "--experimental-json-modules",
        "--no-experimental-strip-types",
        "--no-experimental-fetch",
        "--no-warnings",
        "--no-deprecation",
        "--enable-source-maps",
        "--trace-warnings",
        "--trace-deprecation",
        "--openssl-legacy-provider",
        "--unhandled-rejections",
        "--stack-trace-limit",
    ];
    let tunes = |word: &str| TUNES.contains(&word.split('=').next().unwrap_or(word));
    name == "NODE_OPTIONS" && value.split_whitespace().all(tunes)
}

/// Whether a search path holds only folders where programs are expected.
pub(crate) fn is_ordinary_path(value: &str) -> bool {
    let Some(table) = TABLE.as_ref() else { return false };
    // An empty folder is the working directory.
    value.split(':').all(|folder| {
        table.ordinary_folders.iter().any(|each| glob(each, folder.trim_end_matches('/')))
    })
}

/// Whether a compiler's or runtime's flag names a program it starts or a
/// library it loads: `-toolexec=x`, `-Clinker=./x`, `-B.`, `-fplugin=x`.
pub(crate) fn flag_runs(flag: &str) -> bool {
    const STARTS: [&str; 13] = [
        "-exec",
        "-toolexec",
        "-vettool",
        "-B",
        "-specs",
        "-wrapper",
        "-fplugin",
        "-load",
        "-javaagent",
        "-agentpath",
        "-agentlib",
        "-J-javaagent",
        "-J-agent",
    ];
    let linker = flag.split_once("linker=").map(|(_, program)| program);
    let foreign_linker = linker.is_some_and(|program| !super::table::knows(program));
    let loader = flag.split_once("-fuse-ld=").is_some_and(|(_, program)| program.contains('/'));
    STARTS.iter().any(|start| flag.starts_with(start))
        || foreign_linker
        || loader
        || flag.contains("codegen-backend=")
}
