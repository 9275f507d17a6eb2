//! Settings among the shown parts of toolchains: programs keep tokens and passwords in
//! them. Commands find others there that say nothing. Each is one known place; no folder is
//! looked through for them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Step;

/// Where toolchains are below home, as the list of them says, and the places in each; a
/// star is any one folder.
const PARTS: &[(&str, &[&str])] = &[
    (".nvm", &["versions/node/*/etc/npmrc"]),
    (".volta", &["tools/image/node/*/etc/npmrc"]),
    (
        ".asdf",
        &[
            "installs/nodejs/*/etc/npmrc",
            "installs/nodejs/*/.npm/etc/npmrc",
            "plugins/*/.git/config",
        ],
    ),
    (".local/share/mise", &["installs/node/*/etc/npmrc", "plugins/*/.git/config"]),
    (".pyenv", &["versions/*/pip.conf", "versions/*/.netrc", "plugins/*/.git/config"]),
    (".rbenv", &["versions/*/etc/gemrc", "plugins/*/.git/config"]),
    (".gem", &["ruby/*/credentials"]),
    (".sdkman", &["candidates/maven/*/conf/settings.xml", "candidates/gradle/*/init.d"]),
    (".m2", &["repository/settings.xml", "repository/settings-security.xml"]),
    (".m2/wrapper", &["dists/*/*/conf/settings.xml", "dists/*/*/*/conf/settings.xml"]),
    (".gradle", &["wrapper/dists/*/*/*/init.d", "wrapper/dists/*/*/*/gradle.properties"]),
    (
        ".local",
        &[
            "share/pipx/venvs/*/pipx_metadata.json",
            "share/pipx/venvs/*/pip.conf",
            "share/uv/tools/*/uv-receipt.toml",
        ],
    ),
    ("miniconda3", CONDA),
    ("miniforge3", CONDA),
    ("anaconda3", CONDA),
];

const CONDA: &[&str] = &[
    "conda-meta/history",
    "conda-meta/state",
    "envs/*/.condarc",
    "envs/*/condarc.d",
    "envs/*/conda-meta/history",
    "envs/*/conda-meta/state",
    "envs/*/etc/conda/activate.d/env_vars.sh",
    "envs/*/etc/npmrc",
    "envs/*/pip.conf",
];

/// Of the system's, shown as they are on every distribution.
const OF_THE_SYSTEM: &[&str] = &["/etc/maven/settings.xml"];

/// The same for all toolchains together.
const PLACES_MAX: usize = 500;

/// What a folder of settings may hold besides.
const README: &str = "readme.txt";

/// Where the settings stand that say nothing, by the ends of names: all others are empty.
const NOTHING: &[(&str, &str, &str)] = &[
    (".xml", "/etc/kode-settings/settings.xml", "<settings/>\n"),
    (".json", "/etc/kode-settings/settings.json", "{}\n"),
    ("/state", "/etc/kode-settings/settings.json", "{}\n"),
    ("", "/etc/kode-settings/empty", ""),
];

/// Those of the toolchain that is found at `base`, and by this name below home.
pub(super) fn of(default: &str, base: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let all = PARTS.iter().filter(|(of, _)| *of == default && !default.is_empty());
    for pattern in all.flat_map(|(_, patterns)| *patterns) {
        find(base.to_owned(), pattern.split('/').collect::<Vec<_>>().as_slice(), &mut found);
    }
    found
}

/// Those of the system.
pub(super) fn of_the_system() -> Vec<PathBuf> {
    let places = OF_THE_SYSTEM.iter().map(PathBuf::from);
    places.filter(|place| fs::symlink_metadata(place).is_ok_and(|it| it.is_file())).collect()
}

fn find(place: PathBuf, rest: &[&str], found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = rest.split_first() else {
        return found.extend((found.len() < PLACES_MAX).then_some(place));
    };
    if *part == "*" {
        let entries = fs::read_dir(&place).into_iter().flatten().flatten();
        // Another name of a version (`current`) leads to what is found by its own.
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
        return folders.for_each(|folder| find(folder.path(), rest, found));
    }
    let next = place.join(part);
    if fs::symlink_metadata(&next).is_ok_and(|it| !it.is_symlink()) {
        find(next, rest, found);
    }
}

/// Lays settings that say nothing over these.
pub(super) fn cover(places: &[PathBuf]) -> Vec<Step> {
    let (mut made, mut steps) = (Vec::new(), Vec::new());
    for place in places {
        let Some(path) = place.to_str().map(str::to_owned) else { continue };
        if place.is_dir() {
            let entries = fs::read_dir(place).into_iter().flatten().flatten();
            if entries.into_iter().any(|entry| entry.file_name() != README) {
                steps.push(Step::Tmpfs { path, bytes_max: 4096, mode: 0o555 });
            }
            continue;
        }
        let Some((_, from, content)) = NOTHING.iter().find(|(end, _, _)| path.ends_with(end))
        else {
            continue;
        };
        if !made.contains(from) {
            made.push(*from);
            steps.push(Step::File { path: (*from).to_owned(), content: (*content).to_owned() });
        }
        steps.push(Step::Cover { from: (*from).to_owned(), over: path });
    }
    steps
}
