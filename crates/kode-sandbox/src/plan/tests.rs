#![allow(clippy::disallowed_methods, reason = "tests lay out homes and projects")]

use std::path::PathBuf;

use super::*;
use crate::Host;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.at("home/project/.git/hooks")).unwrap();
        fs::write(place.at("home/project/.git/config"), "").unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn plan(&self, variables: &[(&str, &str)]) -> Plan {
        let host = Host {
            home: self.at("home"),
            kode_home: self.at("home/.kode"),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Host::default()
        };
        let root =
            ProjectRoot::find(&self.at("home/project"), &host.home, &host.kode_home).unwrap();
        let settings = SandboxSettings { host, ..SandboxSettings::default() };
        plan(
            &root,
            &settings,
            Beginning::new(&settings, identity().unwrap()),
            Ownership::Mapped,
            Shape::Session,
            &InProject::default(),
        )
        .unwrap()
    }
}

#[test]
fn a_plan_begins_with_what_needs_nothing_of_the_project() {
    let settings = SandboxSettings::default();
    let beginning = Beginning::new(&settings, identity().unwrap());
    let steps = beginning.steps.clone();
    assert!(!steps.is_empty());
    let place = Place::new();
    let host = Host { home: place.at("home"), ..Host::default() };
    let project = place.at("home/project");
    let root = ProjectRoot::find(&project, &host.home, &place.at("home/.kode")).unwrap();
    let (found, shape) = (InProject::default(), Shape::Session);
    let plan = plan(&root, &settings, beginning, Ownership::Mapped, shape, &found).unwrap();
    assert_eq!(plan.steps[..steps.len()], steps);
    assert!(plan.steps.len() > steps.len());
}

#[test]
fn lists_of_the_kernels_are_read_to_their_end_and_no_further_than_allowed() {
    let place = Place::new();
    let long = "0123456789".repeat(5000);
    fs::write(place.at("list"), &long).unwrap();
    let path = place.at("list");
    assert_eq!(kernel_list(path.to_str().unwrap(), 1 << 20).unwrap(), long);
    assert_eq!(kernel_list(path.to_str().unwrap(), 3).unwrap(), "012");
}

fn binds(plan: &Plan) -> Vec<(&str, Access)> {
    let bind = |step: &'_ Step| matches!(step, Step::Bind(_));
    let binds = plan.steps.iter().filter(|step| bind(step));
    binds
        .filter_map(|step| match step {
            Step::Bind(bind) => Some((bind.target.as_str(), bind.access)),
            _ => None,
        })
        .collect()
}

#[test]
fn nothing_private_of_the_system_is_shown() {
    let plan = Place::new().plan(&[]);
    for (target, _) in binds(&plan) {
        for private in ["shadow", "gshadow", "sudoers", "/etc/ssh", "/root/.ssh", "/run", "/sys"] {
            assert!(!target.contains(private), "{target}");
        }
        assert_ne!(target, "/etc");
    }
}

#[test]
fn the_project_is_writable_and_gits_code_is_not() {
    let place = Place::new();
    let plan = place.plan(&[]);
    let access = |name: &str| {
        let path = place.at(&format!("home/project{name}"));
        let found = binds(&plan).into_iter().rev().find(|(target, _)| Path::new(target) == path);
        found.map(|(_, access)| access)
    };
    assert_eq!(access(""), Some(Access::ReadWrite));
    assert_eq!(access("/.git"), Some(Access::ReadWrite));
    assert_eq!(access("/.git/hooks"), Some(Access::ReadOnly));
    assert_eq!(access("/.git/config"), Some(Access::ReadOnly));
}

#[test]
fn toolchains_are_shown_by_named_parts_only() {
    let place = Place::new();
    for folder in ["home/.cargo/bin", "home/.cargo/registry/src", "home/open/bin"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    fs::write(place.at("home/.cargo/credentials.toml"), "canary").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(place.at("home/open/bin"), open).unwrap();
    let (open, home) = (place.at("home/open/bin"), place.at("home"));
    let project = place.at("home/project");
    let path = format!("{}:{}:{}:/usr/bin", open.display(), home.display(), project.display());
    let plan = place.plan(&[("PATH", &path)]);
    let shown: Vec<&str> = binds(&plan)
        .into_iter()
        .map(|(target, _)| target)
        .filter(|target| Path::new(target).starts_with(&home))
        .filter(|target| !Path::new(target).starts_with(&project))
        .collect();
    let expected = [place.at("home/.cargo/bin"), place.at("home/.cargo/registry/src")];
    assert_eq!(shown, expected.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>());
    let search = plan.environment.iter().find(|(name, _)| name == "PATH").unwrap();
    assert_eq!(search.1, "/usr/bin:/usr/local/bin:/bin");
}

#[test]
fn only_listed_variables_are_passed_on() {
    let plan = Place::new().plan(&[
        ("OPENAI_API_KEY", "canary"),
        ("LD_PRELOAD", "/tmp/x.so"),
        ("BASH_ENV", "/tmp/x"),
        ("LANG", "C.UTF-8"),
        ("CARGO_HOME", "relative"),
    ]);
    let names: Vec<&str> = plan.environment.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"LANG"));
    for name in ["OPENAI_API_KEY", "LD_PRELOAD", "BASH_ENV", "CARGO_HOME"] {
        assert!(!names.contains(&name), "{name}");
    }
}

#[test]
fn a_gitfile_that_is_not_pointed_back_at_shows_nothing() {
    let place = Place::new();
    fs::create_dir_all(place.at("home/victim/.git/worktrees/x")).unwrap();
    fs::write(place.at("home/victim/.git/worktrees/x/gitdir"), "/elsewhere/.git\n").unwrap();
    fs::write(place.at("home/victim/.git/worktrees/x/commondir"), "../..\n").unwrap();
    fs::remove_dir_all(place.at("home/project/.git")).unwrap();
    let forged = format!("gitdir: {}\n", place.at("home/victim/.git/worktrees/x").display());
    fs::write(place.at("home/project/.git"), forged).unwrap();
    let plan = place.plan(&[]);
    assert!(!binds(&plan).iter().any(|(target, _)| target.contains("victim")));
}

#[test]
fn a_variable_of_a_toolchain_shows_no_folder_without_its_program() {
    let place = Place::new();
    for (variable, program) in [("JAVA_HOME", "java"), ("GOROOT", "go")] {
        let folder = place.at(variable);
        fs::create_dir_all(folder.join("bin")).unwrap();
        let shown = || {
            let plan = place.plan(&[(variable, folder.to_str().unwrap())]);
            binds(&plan).iter().any(|(target, _)| Path::new(target) == folder)
        };
        assert!(!shown(), "{variable}");
        fs::write(folder.join("bin").join(program), "").unwrap();
        assert!(shown(), "{variable}");
    }
}

#[test]
fn no_link_that_a_command_may_have_made_shows_a_folder() {
    let place = Place::new();
    let make = |name: &str| fs::create_dir_all(place.at(name)).unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(place.at(to), place.at(at)).unwrap();
    let shows = |plan: &Plan, name: &str| {
        let target = place.at(name);
        plan.steps
            .iter()
            .any(|step| matches!(step, Step::Bind(bind) if Path::new(&bind.target) == target))
    };
    for name in
        ["home/.ssh", "home/project/.venv", "home/other/.venv", "home/documents", "home/dots/py"]
    {
        make(name);
    }
    // The project by another name, and a toolchain of which a part lies in it.
    link("home/project", "home/also");
    link("home/.ssh", "home/project/.venv/bin");
    make("home/project/pyenv");
    link("home/.ssh", "home/project/pyenv/versions");
    link("home/project/pyenv", "home/.pyenv");
    // Other projects' environments lead nowhere else, and keep working.
    link("home/.ssh", "home/other/.venv/bin");
    link("home/documents", "home/other/.venv/sbin");
    make("home/good/bin");
    link("home/good/bin", "home/other/bin");
    // A person's own: a folder of another disk, by another name.
    make("home/disk/rust-toolchains");
    make("home/.rustup");
    link("home/disk/rust-toolchains", "home/.rustup/toolchains");
    make("home/.nvm");
    link("home/.ssh", "home/.nvm/versions");
    let folders =
        ["home/also/.venv/bin", "home/other/.venv/bin", "home/other/.venv/sbin", "home/other/bin"];
    let path = folders.map(|name| place.at(name).to_str().unwrap().to_owned()).join(":");
    let go = place.at("home/also/.go");
    make("home/project/.go");
    link("home/.ssh", "home/project/.go/bin");
    let plan = place.plan(&[("PATH", &path), ("GOPATH", go.to_str().unwrap())]);
    for name in [
        "home/also/.venv/bin",
        "home/.pyenv/versions",
        "home/other/.venv/bin",
        "home/other/.venv/sbin",
        "home/also/.go/bin",
        "home/.nvm/versions",
    ] {
        assert!(!shows(&plan, name), "{name}");
    }
    for name in ["home/other/bin", "home/.rustup/toolchains"] {
        assert!(shows(&plan, name), "{name}");
    }
}

#[test]
fn gits_folders_that_are_missing_are_made_and_held() {
    let place = Place::new();
    fs::remove_dir(place.at("home/project/.git/hooks")).unwrap();
    let plan = place.plan(&[]);
    for name in ["hooks", "info"] {
        let folder = place.at("home/project/.git").join(name);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{name}");
        assert!(binds(&plan).contains(&(folder.to_str().unwrap(), Access::ReadOnly)), "{name}");
    }
}

#[test]
fn settings_among_the_shown_parts_of_toolchains_say_nothing_inside() {
    let place = Place::new();
    let files = [
        ".nvm/versions/node/v20/etc/npmrc",
        ".pyenv/versions/3.12/pip.conf",
        ".m2/wrapper/dists/maven/0a/conf/settings.xml",
        "miniconda3/envs/x/conda-meta/state",
        ".local/share/pipx/venvs/x/pipx_metadata.json",
    ];
    let folders = [".gradle/wrapper/dists/g/0a/g/init.d", "miniconda3/envs/x/condarc.d"];
    let write = |name: &str| {
        let path = place.at("home").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "token").unwrap();
    };
    files.iter().for_each(|name| write(name));
    folders.iter().for_each(|name| write(&format!("{name}/a")));
    write(".gradle/wrapper/dists/g/0b/g/init.d/readme.txt");
    std::os::unix::fs::symlink("v20", place.at("home/.nvm/versions/node/current")).unwrap();
    let plan = place.plan(&[]);
    let at = |name: &str| place.at("home").join(name).to_str().unwrap().to_owned();
    let shown = plan
        .steps
        .iter()
        .position(|step| matches!(step, Step::Bind(bind) if bind.target == at(".nvm/versions")));
    for name in files {
        let over_it = |step: &Step| matches!(step, Step::Cover { over, .. } if *over == at(name));
        let place = plan.steps.iter().position(over_it).unwrap_or_else(|| panic!("{name}"));
        assert!(place > shown.unwrap());
        let Step::Cover { from, .. } = &plan.steps[place] else { panic!() };
        let is_made = |step: &Step| matches!(step, Step::File { path, .. } if path == from);
        assert!(plan.steps[..place].iter().any(is_made));
    }
    for name in folders {
        let over_it = |step: &Step| matches!(step, Step::Tmpfs { path, mode: 0o555, .. } if *path == at(name));
        assert!(plan.steps.iter().any(over_it), "{name}");
    }
    let covers = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Cover { over, .. } if over.starts_with(&at(""))));
    assert_eq!(covers.count(), files.len());
}
