//! What is fatal and what warns: a proven flow or an exact hit blocks, a risky
//! API with a value of unknown origin is only named.

use kode_base::{ProjectPath, Severity};
use kode_scan::{ScanFile, ScanReport, report, scan};

fn scanned(name: &str, text: &str) -> ScanReport {
    let path = ProjectPath::new(name).unwrap();
    scan(&[ScanFile { path: &path, content: text.as_bytes(), base: None }])
}

fn severities(name: &str, text: &str) -> Vec<Severity> {
    scanned(name, text).introduced.iter().map(|finding| finding.severity).collect()
}

const UNKNOWN: &str =
    "export function find(db, name) { return db.query(`SELECT * FROM t WHERE n = '${name}'`); }\n";

#[test]
fn a_parameter_of_unknown_origin_in_a_query_warns_and_input_in_it_is_fatal() {
    assert_eq!(severities("a.js", UNKNOWN), [Severity::Warning]);
    let called = format!("{UNKNOWN}app.get('/', (req, res) => find(db, req.query.name));\n");
    assert_eq!(severities("a.js", &called), [Severity::Fatal]);
}

#[test]
fn shell_lines_markup_and_templates_of_unknown_origin_warn() {
    for (name, text) in [
        ("a.py", "import os\ndef pack(name):\n    os.system('tar cf x.tar ' + name)\n"),
        ("a.js", "export const run = (dir) => require('child_process').exec(`ls ${dir}`);\n"),
        ("a.js", "export function show(e, t) { e.innerHTML = '<b>' + t + '</b>'; }\n"),
        ("a.html", "<p>{{ bio|safe }}</p>\n"),
        ("a.ejs", "<p><%- bio %></p>\n"),
    ] {
        assert_eq!(severities(name, text), [Severity::Warning], "{text}");
    }
}

#[test]
fn casts_bound_values_lists_and_whole_commands_do_not_warn() {
    for (name, text) in [
        (
            "a.js",
            "export const f = (db, id) => db.query('SELECT * FROM t WHERE id = ' + Number(id));\n",
        ),
        ("a.js", "export const f = (db, id) => db.query('SELECT * FROM t WHERE id = ?', [id]);\n"),
        (
            "a.js",
            "const C = ['a'];\nexport function f(db, c) { if (!C.includes(c)) throw 1; return db.query(`SELECT * FROM t ORDER BY ${c}`); }\n",
        ),
        ("a.py", "import subprocess\ndef f(args):\n    subprocess.run(['ls', args])\n"),
        ("a.py", "def f(cur, n):\n    cur.execute('SELECT * FROM t LIMIT %d' % int(n))\n"),
        ("a.html", "<p>{{ bio }}</p>\n"),
    ] {
        assert_eq!(severities(name, text), [], "{text}");
    }
}

#[test]
fn warnings_are_named_apart_in_text_and_sarif() {
    let report = scanned("a.js", UNKNOWN);
    let path = ProjectPath::new("a.js").unwrap();
    let file = ScanFile { path: &path, content: UNKNOWN.as_bytes(), base: None };
    let text = report::text(&report, &[file]);
    assert!(text.contains("warning[sql-injection, CWE-89]"), "{text}");
    assert!(text.contains("0 fatal, 1 warning"), "{text}");
    let sarif: serde_json::Value = serde_json::from_str(&report::sarif(&report)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "warning");
}
