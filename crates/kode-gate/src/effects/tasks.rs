//! Build tools with words that do more than build: run the program, fetch
//! dependencies, publish; and flags whose values matter.

use kode_base::RiskClass;

use super::dispatch::Invocation;
use super::environment::flag_runs;
use crate::evaluate::{Evaluator, Field, Text};
use crate::paths::Zone;

/// Tool, word (a final `*` for every word that begins so), class, why.
const WORDS: [(&str, &str, RiskClass, &str); 75] = {
    use RiskClass::{CodeExecution as Code, Install, NetworkEgress as Network};
    const RUNS: &str = "runs the program it builds";
    const FETCHES: &str = "fetches dependencies";
    const SENDS: &str = "talks to a registry";
    [
        ("dotnet", "run", Code, RUNS),
        ("dotnet", "fsi", Code, RUNS),
        ("dotnet", "script", Code, RUNS),
        ("dotnet", "exec", Code, RUNS),
        ("dotnet", "watch", Code, RUNS),
        ("dotnet", "add", Install, FETCHES),
        ("dotnet", "restore", Install, FETCHES),
        ("dotnet", "tool", Install, FETCHES),
        ("dotnet", "workload", Install, FETCHES),
        ("dotnet", "ef database*", Network, "talks to the database"),
        ("dotnet", "ef dbcontext scaffold", Network, "talks to the database"),
        ("dotnet", "user-secrets", Code, "handles credentials"),
        ("dotnet", "nuget", Network, SENDS),
        ("mvn", "exec:*", Code, RUNS),
        ("mvn", "spring-boot:run", Code, RUNS),
        ("mvn", "deploy*", Network, SENDS),
        ("mvn", "release:*", Network, SENDS),
        ("mvnw", "exec:*", Code, RUNS),
        ("mvnw", "release:*", Network, SENDS),
        ("mvnw", "deploy*", Network, SENDS),
        ("gradle", "run", Code, RUNS),
        ("gradle", "publish*", Network, SENDS),
        ("gradlew", "run", Code, RUNS),
        ("gradlew", "bootRun", Code, RUNS),
        ("gradlew", "publish*", Network, SENDS),
        ("sbt", "run*", Code, RUNS),
        ("sbt", "console", Code, RUNS),
        ("sbt", "publish*", Network, SENDS),
        ("lein", "run", Code, RUNS),
        ("lein", "repl", Code, RUNS),
        ("lein", "deploy", Network, SENDS),
        ("mix", "run", Code, RUNS),
        ("mix", "eval", Code, RUNS),
        ("mix", "deps.get", Install, FETCHES),
        ("mix", "deps.update", Install, FETCHES),
        ("mix", "archive.install", Install, FETCHES),
        ("mix", "local.*", Install, FETCHES),
        ("mix", "hex.*", Network, SENDS),
        ("dart", "run", Code, RUNS),
        ("dart", "pub", Install, FETCHES),
        ("flutter", "run", Code, RUNS),
        ("flutter", "pub", Install, FETCHES),
        ("zig", "run", Code, RUNS),
        ("zig", "build run", Code, RUNS),
        ("nimble", "run", Code, RUNS),
        ("nimble", "install", Install, FETCHES),
        ("nimble", "publish", Network, SENDS),
        ("spago", "run", Code, RUNS),
        ("spago", "install", Install, FETCHES),
        ("hatch", "run", Code, RUNS),
        ("hatch", "shell", Code, RUNS),
        ("hatch", "publish", Network, SENDS),
        ("bun pm", "trust", Code, "runs the install scripts of packages"),
        ("nim", "r", Code, RUNS),
        ("crystal", "run", Code, RUNS),
        ("crystal", "eval", Code, RUNS),
        ("v", "run", Code, RUNS),
        ("gleam", "run", Code, RUNS),
        ("gleam", "add", Install, FETCHES),
        ("dune", "exec", Code, RUNS),
        ("dune", "utop", Code, RUNS),
        ("bazel", "run", Code, RUNS),
        ("rebar3", "shell", Code, RUNS),
        ("elm", "install", Install, FETCHES),
        ("elm", "repl", Code, RUNS),
        ("lake", "exe", Code, RUNS),
        ("lerna", "exec", Code, RUNS),
        ("lerna", "publish", Network, SENDS),
        ("nx", "exec", Code, RUNS),
        ("hardhat", "run", Code, RUNS),
        ("truffle", "exec", Code, RUNS),
        ("tox", "exec", Code, RUNS),
        ("ninja", "install", RiskClass::SystemWrite, "installs outside the project"),
        ("meson", "install", RiskClass::SystemWrite, "installs outside the project"),
        ("pre-commit", "autoupdate", Network, SENDS),
    ]
};

/// Programs that run the files they are given.
const FILE_RUNNERS: [&str; 16] = [
    "pytest", "py.test", "mocha", "jest", "vitest", "ava", "tap", "tape", "jasmine", "rspec",
    "phpunit", "pest", "bats", "busted", "dotnet", "msbuild",
];

/// Plug-ins of pytest that are named with `-p` every day.
const PLUGINS: [&str; 16] = [
    "no:",
    "xdist",
    "pytest_",
    "cov",
    "randomly",
    "asyncio",
    "anyio",
    "hypothesis",
    "timeout",
    "mock",
    "django",
    "forked",
    "rerunfailures",
    "sugar",
    "faulthandler",
    "doctest",
];

impl Evaluator<'_> {
    /// Judges the words and values of a build tool.
    pub(super) fn look_at_tasks(&mut self, invocation: &Invocation<'_>) {
        let name = invocation.name;
        let operands: Vec<&str> =
            invocation.arguments.operands.iter().map_while(Field::as_exact).take(3).collect();
        for (tool, word, class, why) in WORDS {
            let matches = |text: &str| match word.strip_suffix('*') {
                Some(start) => text.starts_with(start),
                None => text == word,
            };
            let all = matches!(tool, "mvn" | "mvnw" | "gradle" | "gradlew" | "sbt");
            let any = || invocation.words.iter().filter_map(Field::as_exact).any(matches);
            if tool != name {
                continue;
            }
            let count = word.split(' ').count().min(operands.len());
            if all && any() || count > 0 && matches(&operands[..count].join(" ")) {
                self.raise(class, why);
            }
        }
        if matches!(name, "pytest" | "py.test") {
            self.look_at_pytest(invocation);
        }
        if FILE_RUNNERS.contains(&name) {
            self.look_for_foreign_files(invocation);
        }
        if matches!(name, "convert" | "magick" | "mogrify" | "montage" | "identify" | "composite") {
            self.look_at_image_names(invocation);
        }
        if matches!(name, "dotnet" | "msbuild") {
            self.look_at_properties(invocation);
        }
        if matches!(name, "go generate" | "go test") {
            self.look_for_foreign_files(invocation);
        }
        if name.starts_with("go ") {
            self.look_at_go_flags(invocation);
        }
    }

    /// `pytest -p MODULE` loads a module; `-o addopts=…` is flags again.
    fn look_at_pytest(&mut self, invocation: &Invocation<'_>) {
        for (flag, value) in &invocation.arguments.flags {
            let Some(value) = value else { continue };
            let text = value.text.known.as_str();
            let loads = flag == "-p" && !PLUGINS.iter().any(|known| text.starts_with(known));
            let options = matches!(flag.as_str(), "-o" | "--override-ini")
                && ["addopts=", "pythonpath=", "required_plugins="]
                    .iter()
                    .any(|key| text.starts_with(key) && text.len() > key.len());
            if loads || options {
                let text = format!("{flag} {text} makes pytest load code");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// `pytest /tmp/x`: tests that are not the project's.
    fn look_for_foreign_files(&mut self, invocation: &Invocation<'_>) {
        for operand in &invocation.arguments.operands {
            let path = operand.text.known.split("::").next().unwrap_or_default();
            if self.place_of(&Text::exact(path)).zone == Zone::Temporary {
                let text = format!("runs {path}, which is not the project's");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// ImageMagick reads scripts, pipes, addresses and other files by prefixes of
    /// a name: `msl:x`, `|program`, `https://…`, `label:@file`.
    fn look_at_image_names(&mut self, invocation: &Invocation<'_>) {
        const STARTS: [&str; 9] =
            ["msl:", "mvg:", "ephemeral:", "|", "url:", "http:", "https:", "ftp:", "pango:"];
        for word in invocation.words {
            let text = word.text.known.to_ascii_lowercase();
            if STARTS.iter().any(|start| text.starts_with(start)) || text.contains(":@") {
                let text = format!("{} is more to the program than a picture", word.text.known);
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// `dotnet build -p:PreBuildEvent=…`: a property that is run, or names
    /// files with more targets.
    fn look_at_properties(&mut self, invocation: &Invocation<'_>) {
        const PARTS: [&str; 7] =
            ["Event", "Targets", "Props", "Import", "ToolExe", "ToolPath", "Extensions"];
        for word in invocation.words {
            let text = word.text.known.as_str();
            let property = ["-p:", "/p:", "-property:", "/property:", "--property:"]
                .iter()
                .find_map(|start| text.strip_prefix(start));
            let name = property.and_then(|pair| pair.split('=').next()).unwrap_or_default();
            if PARTS.iter().any(|part| name.contains(part)) {
                let text = format!("the property {name} makes the build run something else");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }

    /// `go build -ldflags '-extld=./x'`: flags within a flag's value.
    fn look_at_go_flags(&mut self, invocation: &Invocation<'_>) {
        const NESTED: [&str; 4] = ["-ldflags", "-gcflags", "-gccgoflags", "-asmflags"];
        for (flag, value) in &invocation.arguments.flags {
            let Some(value) = value.as_ref().filter(|_| NESTED.contains(&flag.as_str())) else {
                continue;
            };
            let runs = |word: &str| {
                flag_runs(word.trim_matches(['\'', '"']))
                    || word.contains("-extld") && !word.contains("-extldflags")
            };
            if value.text.known.split_whitespace().any(runs) {
                let text = format!("{flag} makes the compiler run another program");
                self.raise(RiskClass::CodeExecution, &text);
            }
        }
    }
}
