//! Commands that run the project's own code by purpose: builds, tests, linters,
//! git with its hooks. In the sandbox that is ordinary; what is not the
//! project's own, or has no sandbox, is a question.

use kode_base::RiskClass;

use super::code::Language;
use super::dispatch::Invocation;
use super::environment::{Meaning, flag_runs, meaning};
use super::table::Spec;
use crate::evaluate::{Evaluator, Field, Stream, Text};
use crate::paths::Zone;

/// Files that say what a build runs.
const DESCRIPTIONS: [&str; 19] = [
    "package.json",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "build.xml",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Rakefile",
    "Gemfile",
    "setup.py",
    "justfile",
    "Taskfile.yml",
    "CMakeLists.txt",
    "composer.json",
    "tox.ini",
    "noxfile.py",
    "build.rs",
    "conftest.py",
];

/// Flags that name the folder or description a build runs from.
const PLACES: [&str; 28] = [
    "-C",
    "--directory",
    "--working-dir",
    "--prefix",
    "--dir",
    "--cwd",
    "--manifest-path",
    "--project-dir",
    "--project-directory",
    "--rootdir",
    "--rootDir",
    "--basedir",
    "-f",
    "--file",
    "-S",
    "-p",
    "--project",
    "-R",
    "-g",
    "-s",
    "-gs",
    "--gradle-user-home",
    "--include-build",
    "-Dmaven.ext.class.path",
    "-Dmaven.repo.local",
    "--rakelibdir",
    "--config-file",
    "--root",
];
/// Builds whose description names commands, wherever they are started.
const DESCRIBED: [&str; 18] = [
    "make", "gmake", "bmake", "nmake", "npm", "pnpm", "yarn", "bun", "cargo", "go", "gradle",
    "mvn", "ant", "rake", "just", "task", "tox", "pytest",
];
/// Flags that name a program's settings, rules or extensions.
const SETTINGS: [&str; 9] = [
    "-c",
    "--config",
    "--rulesdir",
    "--plugin",
    "--parser",
    "--require",
    "-r",
    "--formatter",
    "--resolve-plugins-relative-to",
];
/// Flags that name code a test runner, linter or bundler loads.
const LOADS: [&str; 46] = [
    "--globalSetup",
    "--globalTeardown",
    "--setupFiles",
    "--setupFilesAfterEach",
    "--setupFilesAfterEnv",
    "--testEnvironment",
    "--testRunner",
    "--testSequencer",
    "--runner",
    "--transform",
    "--resolver",
    "--reporters",
    "--reporter",
    "--snapshotSerializers",
    "--preset",
    "--presets",
    "--plugins",
    "--custom-syntax",
    "--customSyntax",
    "--environment",
    "--import",
    "--loader",
    "--experimental-loader",
    "--bootstrap",
    "--autoload-file",
    "--settings",
    "--rcfile",
    "--test-adapter-path",
    "--processor",
    "--file",
    "--preload",
    "--test-reporter",
    "--ui",
    "--import-map",
    "--format",
    "--config-path",
    "--settings-file",
    "--settings-path",
    "--append-config",
    "--cov-config",
    "--sysroot",
    "--extern",
    "--native-file",
    "-overlay",
    "-modfile",
    "-DCMAKE_TOOLCHAIN_FILE",
];
/// Programs whose `-B`, `-specs` and `-wrapper` name other programs.
const COMPILERS: [&str; 13] = [
    "gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "gfortran", "rustc", "rustdoc", "nvcc",
    "ld", "javac",
];

/// Tools that fetch an operand that is an address.
const READERS_OF_ADDRESSES: [&str; 9] = [
    "ffmpeg",
    "ffprobe",
    "convert",
    "magick",
    "mogrify",
    "montage",
    "helm template",
    "helm show",
    "kubectl kustomize",
];

impl Evaluator<'_> {
    /// Judges a build by what it runs beyond the project's own code.
    pub(crate) fn look_at_build(&mut self, spec: &Spec, invocation: &Invocation<'_>) {
        let name = invocation.name;
        let versioned = name == "git" || name.starts_with("git ") || spec.handler == "vcs";
        if self.session.bare_host && (spec.builds || versioned || name == "go install") {
            let text =
                format!("without a sandbox, `{name}` runs the project's own code with your rights");
            self.raise(RiskClass::CodeExecution, &text);
        }
        if !spec.builds {
            return;
        }
        self.look_for_own_builds(invocation);
        self.look_at_tasks(invocation);
        if READERS_OF_ADDRESSES.contains(&name) {
            for word in invocation.words.iter().filter(|word| word.text.known.contains("://")) {
                self.egress(&word.text);
            }
        }
        if !versioned {
            self.look_for_foreign_build(invocation);
            self.look_for_settings(invocation);
        }
        let agent = |word: &&Field| {
            let agents = ["-javaagent:", "-agentpath:", "-agentlib:"];
            agents.iter().any(|agent| word.text.known.contains(agent))
        };
        if let Some(word) = invocation.words.iter().find(agent) {
            let text = format!("{} loads code into the tool", word.text.known);
            self.raise(RiskClass::CodeExecution, &text);
        }
        let compiles = COMPILERS.contains(&name) || matches!(name, "cargo rustc" | "cargo rustdoc");
        if compiles || name.ends_with("-gcc") || name.ends_with("-g++") {
            self.look_for_compiler_programs(invocation);
        }
    }

    /// `make -C /tmp/x`: what runs was never part of the project.
    pub(crate) fn look_for_foreign_build(&mut self, invocation: &Invocation<'_>) {
        // `cd /tmp/x && make` is the same; compiling alone runs nothing.
        let directory = self.state.directory.clone().unwrap_or_default();
        let there = self.place_of(&Text::exact(&directory)).zone == Zone::Temporary;
        if there && DESCRIBED.contains(&invocation.name.split(' ').next().unwrap_or_default()) {
            let text = format!("`{}` runs what is in {directory}", invocation.name);
            self.raise(RiskClass::CodeExecution, &text);
        }
        let installs = matches!(invocation.name, "cmake" | "meson" | "ninja");
        for (flag, value) in valued(invocation.words, &PLACES) {
            let output = installs
                && (flag == "--prefix" || flag == "-C" && invocation.name != "cmake")
                || invocation.name == "tar";
            let stdin = value.as_exact() == Some("-") && matches!(flag, "-f" | "--file");
            let zone = self.place_of(&value.text).zone;
            if stdin || value.stream.is_some() || zone == Zone::Temporary && !output {
                let text = format!("`{}` runs what is not the project's", invocation.name);
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// Paths within a value: `--cov-report=html:/etc`, `-o cache_dir=/etc`,
    /// `--emit=link=/etc/x`, `-MF/etc/x`.
    pub(crate) fn look_for_nested_paths(&mut self, name: &str, words: &[Field]) {
        for word in words {
            let text = word.text.known.as_str();
            // In a build folder `cmake ..` is how it is started.
            if text == ".." && name != "cmake" {
                self.look_for_outside_paths(&[Field::exact("../.")]);
            }
            let nested = text.rsplit_once(['=', ':', ']']).map(|(_, path)| path);
            let output = ["-MF", "-MJ", "-o"].iter().find_map(|flag| text.strip_prefix(flag));
            let path = output.or(nested).filter(|path| {
                path.starts_with('/') && !path.starts_with("//") && !text.contains([' ', '\n'])
            });
            if let Some(path) = path {
                self.look_for_outside_paths(&[Field::exact(path)]);
            }
        }
    }

    /// Settings that are programs, and not by a name that settings have.
    fn look_for_settings(&mut self, invocation: &Invocation<'_>) {
        const CODE: [&str; 7] = [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py"];
        const SETTINGS_NAMES: [&str; 5] = ["config", "conf", "rc", "setup", "setting"];
        for (flag, value) in valued(invocation.words, &LOADS) {
            self.ask_if_foreign(flag, &value.text, invocation.name);
        }
        for (flag, value) in valued(invocation.words, &SETTINGS) {
            // `--config '{"globalSetup": "/tmp/x"}'`: settings written out.
            let written = value.text.known.contains(['{', '=']);
            let is_part = |each: char| each.is_alphanumeric() || "._/~-".contains(each);
            for path in value.text.known.split(|each| !is_part(each)).filter(|_| written) {
                self.ask_if_foreign(flag, &Text::exact(path), invocation.name);
            }
            let file = value.text.known.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let code = CODE.iter().any(|ending| file.ends_with(ending));
            let expected = SETTINGS_NAMES.iter().any(|part| file.contains(part))
                || invocation.name.rsplit(' ').any(|tool| file.contains(tool));
            let foreign = self.place_of(&value.text).zone == Zone::Temporary;
            let folder = flag == "--rulesdir";
            if folder || foreign || code && !expected {
                let text = format!("{flag} makes `{}` run {}", invocation.name, value.text.known);
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// Code from a temporary folder is not the project's.
    fn ask_if_foreign(&mut self, flag: &str, path: &Text, name: &str) {
        if self.place_of(path).zone == Zone::Temporary {
            let text = format!("{flag} makes `{name}` run {}", path.known);
            self.raise(RiskClass::CodeExecution, &text);
        }
    }

    /// `gcc -B.`, `rustc -C linker=./x`: the compiler starts other programs.
    fn look_for_compiler_programs(&mut self, invocation: &Invocation<'_>) {
        // `@FILE` holds more flags.
        let foreign = |word: &&Field| {
            let file = word.text.known.strip_prefix('@');
            file.is_some_and(|file| self.place_of(&Text::exact(file)).zone == Zone::Temporary)
        };
        let runs = |word: &&Field| flag_runs(&word.text.known) || foreign(word);
        if let Some(word) = invocation.words.iter().find(runs) {
            let text = format!("{} makes the compiler run another program", word.text.known);
            self.raise(RiskClass::CodeExecution, &text);
        }
    }

    /// `make CC=./w`: variables on the command line are those of its recipes.
    pub(crate) fn look_for_recipe_variables(&mut self, operands: &[Field]) {
        for operand in operands {
            let Some((name, value)) = operand.text.known.split_once('=') else { continue };
            let name = name.trim_end_matches([':', '+', '?']);
            if meaning(name, value) != Meaning::Plain {
                let text = Text { known: value.to_owned(), ..operand.text.clone() };
                self.judge_value(name, &text);
            }
        }
    }

    /// A build whose own description this command has just written runs what
    /// was written, not the project's code.
    fn look_for_own_builds(&mut self, invocation: &Invocation<'_>) {
        let written =
            self.files.iter().any(|(path, content)| describes_build(path) && content.present);
        let named = invocation.words.iter().any(|word| {
            let text = word.text.known.rsplit(['=', '@']).next().unwrap_or_default();
            let place = self.place_of(&Text::exact(text));
            // A patch or message is text, whatever it says.
            let text = matches!(invocation.name, "git apply" | "git am" | "git commit");
            !text && place.zone == Zone::Temporary && self.files.contains_key(&place.path)
        });
        if written || named {
            self.raise(RiskClass::CodeExecution, "runs what this very command wrote");
            let named = |word: &Field| self.files.get(&self.place_of(&word.text).path).cloned();
            let described = self.files.iter().filter(|(path, _)| describes_build(path));
            let mut sources: Vec<Stream> = described.map(|(_, content)| content.clone()).collect();
            sources.extend(invocation.words.iter().filter_map(named));
            for source in sources {
                self.refusals_only(|walk| walk.code(Language::Other, &source.text));
            }
            self.look_into_described();
        }
    }
}

impl Evaluator<'_> {
    /// What a build would run of a description that this command wrote: recipes,
    /// and the texts of a manifest's scripts.
    fn look_into_described(&mut self) {
        let described = self.files.iter().filter(|(path, _)| describes_build(path));
        let described: Vec<(String, Stream)> =
            described.map(|(path, content)| (path.clone(), content.clone())).take(4).collect();
        for (path, content) in described {
            let known = content.text.known;
            let scripts: Vec<String> = if path.ends_with("akefile") {
                let recipes = known.lines().filter_map(|line| line.strip_prefix('\t'));
                recipes.map(|line| line.trim_start_matches(['@', '-', '+']).to_owned()).collect()
            } else if path.ends_with(".json") {
                super::code::strings(&known)
            } else {
                Vec::new()
            };
            for script in scripts.into_iter().filter(|text| text.contains(' ')).take(16) {
                self.refusals_only(|walk| {
                    walk.shell_text(&Text::exact(&script), Stream::default());
                });
            }
        }
    }
}

/// Whether the file at `path` says what a build runs.
pub(crate) fn describes_build(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    DESCRIPTIONS.contains(&name)
}

/// The values of `flags` among `words`: `-C x`, `-Cx`, `--dir x`, `--dir=x`.
fn valued(words: &[Field], flags: &[&'static str]) -> Vec<(&'static str, Field)> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let text = word.text.known.as_str();
        for flag in flags {
            let Some(rest) = text.strip_prefix(flag) else { continue };
            let attached = match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if flag.len() == 2 => Some(rest).filter(|rest| !rest.is_empty()),
                None if rest.is_empty() => None,
                None => continue,
            };
            match attached {
                Some(value) => {
                    let text = Text { known: value.to_owned(), ..word.text.clone() };
                    found.push((*flag, Field { text, ..word.clone() }));
                }
                None => found.extend(words.get(at + 1).map(|next| (*flag, next.clone()))),
            }
        }
    }
    found
}
