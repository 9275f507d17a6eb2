//! Broken input: cut anywhere, nested deeply, repeated: no panic, no silence.

use kode_base::ProjectPath;
use kode_scan::{ScanFile, ScanReport, scan};

fn scanned(name: &str, text: &str) -> ScanReport {
    let path = ProjectPath::new(name).unwrap();
    scan(&[ScanFile { path: &path, content: text.as_bytes(), base: None }])
}

#[test]
fn a_file_cut_anywhere_is_scanned_without_a_panic() {
    for (file, text) in crate::fixtures::files() {
        let name = file.rsplit('/').next().unwrap();
        for part in 1..8 {
            let cut = text.len() * part / 8;
            let cut = (cut..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
            scanned(name, &text[..cut]);
        }
    }
}

#[test]
fn deep_nesting_is_reported_and_long_chains_are_not_deep() {
    let deep = format!("x = {}1{}\n", "(".repeat(3000), ")".repeat(3000));
    assert_eq!(scanned("a.py", &deep).unscanned.len(), 1);
    let long = format!("const x = {}'z';\n", "'a' + ".repeat(5000));
    assert_eq!(scanned("a.js", &long).unscanned, []);
}

#[test]
fn of_endless_findings_the_first_are_shown_and_the_rest_is_said() {
    let calls = "alert('x');\n";
    for (name, text) in [("a.js", calls), ("a.html", "<script>alert(1)</script>\n")] {
        let report = scanned(name, &text.repeat(5_000));
        assert_eq!(report.introduced.len(), 1_000);
        assert!(report.unscanned[0].1.contains("1000"), "{:?}", report.unscanned);
        assert_eq!(scanned(name, &text.repeat(900)).unscanned, []);
    }
}

#[test]
fn a_format_with_an_unknown_verb_is_no_crash() {
    let text = "package a\nimport \"fmt\"\nfunc f(x string) string { return fmt.Sprintf(\"%\"+x+\" %é %\", x) }\n";
    assert_eq!(scanned("a.go", text).unscanned, []);
}
