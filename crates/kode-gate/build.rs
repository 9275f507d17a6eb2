//! Lays the tables of commands and of flags out for the program: one text each,
//! and the places of its entries sorted by name, so that starting up costs nothing.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Names with the places of their entries, in the text all files make together.
type Places<'t> = BTreeMap<&'t str, (usize, usize)>;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    lay_out("commands", "toml", commands)?;
    lay_out("flags", "txt", flags)
}

/// Writes `NAME.txt` and `NAME.rs` from the files of `data/NAME`.
fn lay_out(name: &str, ending: &str, find: fn(&str) -> Places<'_>) -> io::Result<()> {
    let folder = PathBuf::from("data").join(name);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|file| file.map(|file| file.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files.sort();
    let text: String = files.iter().map(fs::read_to_string).collect::<Result<_, _>>()?;
    let mut index = String::from("[\n");
    for (name, (start, end)) in find(&text) {
        let at = name.as_ptr() as usize - text.as_ptr() as usize;
        index.push_str(&format!("[{at}, {}, {start}, {end}],\n", at + name.len()));
    }
    index.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    write(&Path::new(&out).join(format!("{name}.txt")), &text)?;
    write(&Path::new(&out).join(format!("{name}.rs")), &index)
}

#[expect(clippy::disallowed_methods, reason = "a build script writes to its own folder only")]
fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

/// An entry begins with a line of its own such as `["grep|egrep"]` and goes to the
/// next one.
fn commands(text: &str) -> Places<'_> {
    let header = |line: &str| line.starts_with("[\"");
    let mut places = Places::new();
    let mut names: Option<&str> = None;
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n').chain(["[\"\"]"]) {
        if header(line) {
            for name in names.into_iter().flat_map(|names| names.split('|')) {
                places.insert(name, (start, at));
            }
            names = line.trim_end().strip_prefix("[\"").and_then(|line| line.strip_suffix("\"]"));
            start = at + line.len();
        }
        at += line.len();
    }
    places
}

/// An entry is `name|name: flags` with the lines behind it that begin with a blank.
fn flags(text: &str) -> Places<'_> {
    let mut places = Places::new();
    let mut at = 0;
    while at < text.len() {
        let mut end = at;
        loop {
            end += text[end..].find('\n').map_or(text.len() - end, |line| line + 1);
            if !text[end..].starts_with(' ') {
                break;
            }
        }
        let entry = &text[at..end];
        if let Some((names, _)) = entry.split_once(':').filter(|_| !entry.starts_with('#')) {
            for name in names.split('|') {
                places.entry(name).or_insert((at + names.len() + 1, end));
            }
        }
        at = end;
    }
    places
}
