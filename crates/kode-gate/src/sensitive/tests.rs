use super::*;

fn judged(path: &str, before: Option<&str>, after: Option<&str>) -> Option<String> {
    let path = ProjectPath::new(path).unwrap();
    sensitive_change(FileChange {
        path: &path,
        before: before.map(str::as_bytes),
        after: after.map(str::as_bytes),
        is_link: false,
    })
}

#[test]
fn the_tables_examples_hold() {
    let table = TABLE.as_ref().unwrap();
    for places in [&table.files, &table.watched, &table.generated, &table.packaged] {
        for path in &places.sensitive {
            assert!(places.hold(&slashed(path)), "{path}");
        }
        for path in &places.ordinary {
            assert!(!places.hold(&slashed(path)), "{path}");
        }
    }
}

#[test]
fn an_installation_writes_packages_and_nothing_that_runs_wherever_it_stands() {
    for (path, expected) in [
        ("node_modules/left-pad/.travis.yml", true),
        ("web/node_modules/@types/node/package.json", true),
        ("node_modules/a/node_modules/b/.github/workflows/ci.yml", true),
        ("vendored/site-packages/six/setup.py", true),
        ("node_modules/.bin/eslint", true),
        (".venv/bin/pip", true),
        // The project's own.
        (".travis.yml", false),
        ("package.json", false),
        ("vendor/Makefile", false),
        ("node_modules/.travis.yml", false),
        // Run or read wherever it stands.
        ("node_modules/a/.git/hooks/pre-commit", false),
        ("node_modules/a/.husky/pre-commit", false),
        ("node_modules/a/.git", false),
        ("node_modules/a/.gitattributes", false),
        ("node_modules/a/HEAD", false),
        ("node_modules/a/.envrc", false),
        ("node_modules/a/AGENTS.md", false),
        ("node_modules/a/.claude/settings.json", false),
        ("node_modules/a/.bashrc", false),
        ("lib/site-packages/evil.pth", false),
        ("lib/site-packages/a/sitecustomize.py", false),
        ("site-packages/a/kode.json", false),
        ("vendor/x/.npmrc", false),
    ] {
        let place = ProjectPath::new(path).unwrap();
        assert_eq!(is_installed_place(&place), expected, "{path}");
    }
}

#[test]
fn of_package_json_only_what_runs_matters() {
    let base = r#"{"version": "1.0.0", "scripts": {"test": "vitest"}, "dependencies": {}}"#;
    let newer = base.replace("1.0.0", "1.1.0").replace("{}", r#"{"zod": "^3"}"#);
    assert_eq!(judged("package.json", Some(base), Some(&newer)), None);
    let hooked = base.replace("vitest\"", "vitest\", \"postinstall\": \"node x.js\"");
    assert!(judged("web/package.json", Some(base), Some(&hooked)).unwrap().contains("`scripts`"));
    assert!(judged("package.json", Some(base), Some("{broken")).is_some());
    assert!(judged("package.json", None, Some(base)).is_some());
    assert_eq!(judged("package.json", None, Some(r#"{"name": "x"}"#)), None);
}

#[test]
fn of_pyproject_only_the_build_matters() {
    let base =
        "[project]\nname = \"x\"\ndependencies = []\n[build-system]\nrequires = [\"hatchling\"]\n";
    let dependency = base.replace("[]", "[\"httpx\"]");
    assert_eq!(judged("pyproject.toml", Some(base), Some(&dependency)), None);
    let backend = base.replace("hatchling\"", "hatchling\", \"evil\"");
    assert!(judged("pyproject.toml", Some(base), Some(&backend)).is_some());
    let hook = format!("{base}[tool.hatch.build.hooks.custom]\npath = \"x.py\"\n");
    assert!(judged("pyproject.toml", Some(base), Some(&hook)).is_some());
}

#[test]
fn who_asks_for_money_is_no_source() {
    let lock = |more: &str| {
        format!(
            "{{\"packages\": {{\"node_modules/a\": {{\n\"resolved\": \
             \"https://registry.npmjs.org/a/-/a-1.0.0.tgz\"{more}}}}}}}"
        )
    };
    for remark in [
        ",\n\"funding\": {\"type\": \"opencollective\", \"url\": \"https://opencollective.com/a\"}",
        ",\n\"funding\": \"https://github.com/sponsors/a\"",
        ",\n\"funding\": [{\"url\": \"https://a.example\"}]",
    ] {
        assert_eq!(judged("package-lock.json", None, Some(&lock(remark))), None, "{remark}");
        // Elsewhere it may be anything.
        assert!(judged("yarn.lock", None, Some(&lock(remark))).is_some(), "{remark}");
    }
    let foreign = ",\n\"funding\": \"x\", \"a\": {\"resolved\": \"https://evil.example/a.tgz\"}";
    assert!(judged("package-lock.json", None, Some(&lock(foreign))).is_some());
    let nested = "{\"funding\": {\"resolved\": \"https://evil.example/a.tgz\"}}";
    assert!(judged("package-lock.json", None, Some(nested)).is_some());
}

#[test]
fn of_lock_files_only_new_sources_matter() {
    let npm =
        "\"resolved\": \"https://registry.npmjs.org/a/-/a-1.0.0.tgz\",\n\"integrity\": \"x\"\n";
    let newer = npm.replace("1.0.0", "1.0.1");
    assert_eq!(judged("package-lock.json", Some(npm), Some(&newer)), None);
    for foreign in [
        npm.replace("registry.npmjs.org", "registry.npmjs.org.evil.example"),
        npm.replace("https://registry.npmjs.org/a", "git+ssh://git@host.example/a"),
        npm.replace("https://registry.npmjs.org/a", "http://registry.npmjs.org/a"),
        npm.replace("https://registry.npmjs.org/a/-/a-1.0.0.tgz", "file:../evil"),
    ] {
        assert!(judged("package-lock.json", Some(npm), Some(&foreign)).is_some(), "{foreign}");
    }
    let cargo = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    assert_eq!(judged("Cargo.lock", None, Some(cargo)), None);
    let git = "source = \"git+https://github.com/someone/fork?rev=1#1\"\n";
    assert!(judged("Cargo.lock", Some(cargo), Some(git)).is_some());
    assert!(
        judged("requirements.txt", Some("a==1\n"), Some("--index-url http://x.example\na==1\n"))
            .is_some()
    );
    assert_eq!(judged("requirements.txt", Some("a==1\n"), Some("a==2\nb==1\n")), None);
}

#[test]
fn a_link_in_the_place_of_such_a_folder_matters() {
    for path in [".github", "web/.husky", "node_modules/.bin", ".vscode", "node_modules"] {
        let path = ProjectPath::new(path).unwrap();
        let change =
            FileChange { path: &path, before: None, after: Some(b"elsewhere"), is_link: true };
        assert!(sensitive_change(change).is_some(), "{path}");
        assert!(sensitive_change(FileChange { is_link: false, ..change }).is_none(), "{path}");
    }
}

#[test]
fn of_build_files_dependencies_and_versions_are_everyday_work() {
    let pom =
        "<project>\n  <version>1.0</version>\n  <dependencies>\n  </dependencies>\n</project>\n";
    let newer = pom.replace("1.0", "1.1").replace(
        "<dependencies>\n",
        "<dependencies>\n<dependency>\n<groupId>a.b</groupId>\n<artifactId>c</artifactId>\n</dependency>\n",
    );
    assert_eq!(judged("pom.xml", Some(pom), Some(&newer)), None);
    let runs = pom.replace(
        "</project>",
        "<plugin>\n<artifactId>exec-maven-plugin</artifactId>\n</plugin></project>",
    );
    assert!(judged("a/pom.xml", Some(pom), Some(&runs)).is_some());
    let gradle = "dependencies {\n    implementation 'a:b:1.0'\n}\n";
    assert_eq!(judged("build.gradle", Some(gradle), Some(&gradle.replace("1.0", "2.0"))), None);
    let runs = format!("{gradle}'id'.execute()\n");
    assert!(
        judged("app/build.gradle", Some(gradle), Some(&runs)).unwrap().contains("'id'.execute()")
    );
    let gems = "source 'https://rubygems.org'\ngem 'rails', '~> 7.1'\n";
    assert_eq!(judged("Gemfile", None, Some(gems)), None);
    for line in ["gem 'x', git: 'https://host.example/x'", "system('id')", "gem 'a'; system('id')"]
    {
        assert!(
            judged("Gemfile", Some(gems), Some(&format!("{gems}{line}\n"))).is_some(),
            "{line}"
        );
    }
    // Another end of line hides nothing.
    assert!(judged("Gemfile", Some(gems), Some(&format!("{gems}# x\rsystem('id')\n"))).is_some());
    assert!(
        judged("Gemfile", Some(gems), None).is_none()
            == judged("Gemfile", None, Some(gems)).is_none()
    );
}

#[test]
fn of_ini_files_what_loads_code_matters() {
    let ini = "[pytest]\nmarkers =\n    slow: takes long\n";
    assert_eq!(judged("pytest.ini", Some(ini), Some(&format!("{ini}    fast: quick\n"))), None);
    assert!(judged("pytest.ini", Some(ini), Some(&format!("{ini}addopts = -p x\n"))).is_some());
    let cfg = "[metadata]\nname = a\n[flake8]\nmax-line-length = 99\n";
    assert_eq!(judged("setup.cfg", Some(cfg), Some(&cfg.replace("99", "100"))), None);
    for added in
        ["[tool:pytest]\naddopts = -p x\n", "[options]\ncmdclass = x\n", "[build_ext]\na = b\n"]
    {
        assert!(
            judged("setup.cfg", Some(cfg), Some(&format!("{cfg}{added}"))).is_some(),
            "{added}"
        );
    }
}

#[test]
fn ignored_places_are_watched_unless_a_tool_makes_them_or_they_are_other_peoples() {
    let watched = |path: &str| is_watched_place(&ProjectPath::new(path).unwrap());
    for path in [
        ".vscode/tasks.json",
        ".husky/_/pre-commit",
        ".claude/settings.local.json",
        "CLAUDE.local.md",
        "docker-compose.override.yml",
        ".devcontainer/devcontainer.json",
        "sub/.vscode/tasks.json",
        ".idea/runConfigurations/a.xml",
        "conftest.py",
        "node_modules/.bin/tsc",
        ".venv/bin/python",
    ] {
        assert!(watched(path), "{path}");
    }
    for path in [
        "Makefile",
        "build/Makefile",
        "node_modules/x/.github/workflows/ci.yml",
        ".idea/workspace.xml",
        "vendor/x/Dockerfile",
        "target/x/build.rs",
        "data/a.csv",
        ".venv/lib/x/conftest.py",
    ] {
        assert!(!watched(path), "{path}");
    }
}

#[test]
fn dependencies_from_new_places_matter() {
    let base = r#"{"name": "x", "dependencies": {"zod": "^3"}}"#;
    let fork = base.replace("^3", "git+https://host.example/zod.git");
    assert!(judged("package.json", Some(base), Some(&fork)).unwrap().contains("host.example"));
    assert_eq!(judged("package.json", Some(base), Some(&base.replace("^3", "^4"))), None);
    let cargo = "[package]\nname = \"x\"\n[dependencies]\nserde = \"1\"\n";
    let fork = format!("{cargo}x = {{ git = \"https://host.example/x\" }}\n");
    assert!(judged("Cargo.toml", Some(cargo), Some(&fork)).is_some());
    let module = "module x\n\ngo 1.22\n";
    let needs = format!("{module}\nrequire github.com/spf13/cobra v1.8.0\n");
    assert_eq!(judged("go.mod", Some(module), Some(&needs)), None);
    let replaced = format!("{needs}\nreplace github.com/spf13/cobra => host.example/x v1.0.0\n");
    assert!(judged("go.mod", Some(&needs), Some(&replaced)).is_some());
}
