//! Any bytes as a source file of each language the scan lowers.

#![no_main]

use kode_base::ProjectPath;
use kode_scan::{ScanFile, scan};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] = ["a.js", "a.tsx", "a.py", "A.java", "a.go", "a.html"];

fuzz_target!(|input: &[u8]| {
    let Some((which, content)) = input.split_first() else { return };
    let name = NAMES[usize::from(*which) % NAMES.len()];
    let Ok(path) = ProjectPath::new(name) else { return };
    scan(&[ScanFile { path: &path, content, base: None }]);
});
