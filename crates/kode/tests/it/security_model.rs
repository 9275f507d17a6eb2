//! `docs/security-model.md` names a test for every attack vector, and each of
//! them is there.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_attack_vector_has_the_test_it_names() {
    let page = include_str!("../../../../docs/security-model.md");
    let mut paths = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut paths);
    let code: String = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    let mut count = 0;
    for row in rows {
        let name = row.trim_end_matches("` |").rsplit('`').next().unwrap();
        let test = code.split("#[test]").skip(1).any(|part| {
            part.split("fn ").nth(1).is_some_and(|rest| rest.starts_with(&format!("{name}(")))
        });
        assert!(test, "there is no test {name}");
        count += 1;
    }
    assert!(count >= 40, "only {count} rows were found");
}
