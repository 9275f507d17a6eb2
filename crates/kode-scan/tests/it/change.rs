//! What counts as introduced, and what can't hide it.

use kode_base::ProjectPath;
use kode_scan::{ScanFile, ScanOptions, ScanReport, scan, scan_with};

const BAD: &str = "const { Pool } = require('pg');\nconst pool = new Pool();\nfunction get(req, res) {\n  const id = req.query.id;\n  pool.query('SELECT * FROM t WHERE id = ' + id);\n}\n";
const GOOD: &str = "const { Pool } = require('pg');\nconst pool = new Pool();\nfunction get(req, res) {\n  const id = Number(req.query.id);\n  pool.query('SELECT * FROM t WHERE id = ' + id);\n}\n";

fn report(content: &str, base: Option<&str>) -> ScanReport {
    let path = ProjectPath::new("src/app.js").unwrap();
    scan(&[ScanFile { path: &path, content: content.as_bytes(), base: base.map(str::as_bytes) }])
}

#[test]
fn a_new_file_introduces_everything_in_it() {
    let report = report(BAD, None);
    assert_eq!(report.introduced.len(), 1);
    assert_eq!(report.introduced[0].rule, "sql-injection");
    assert_eq!(report.introduced[0].span.start_line, 5);
    assert!(report.introduced[0].flow.len() >= 2);
}

#[test]
fn an_untouched_flaw_is_older() {
    let longer = format!("{BAD}\nmodule.exports = get;\n");
    let report = report(&longer, Some(BAD));
    assert_eq!((report.introduced.len(), report.older.len()), (0, 1));
}

#[test]
fn taking_a_cast_away_introduces_the_flaw_of_an_old_line() {
    assert_eq!(report(GOOD, None).introduced, []);
    assert_eq!(report(BAD, Some(GOOD)).introduced.len(), 1);
}

#[test]
fn a_change_within_the_flow_introduces_it() {
    let renamed = BAD.replace("const id = req", "const wanted = req").replace("+ id", "+ wanted");
    assert_eq!(report(&renamed, Some(BAD)).introduced.len(), 1);
}

#[test]
fn comments_and_layout_hide_nothing() {
    let noisy = BAD.replace("pool.query(", "pool /* safe */\n    .query( // bound\n      ");
    assert_eq!(report(&noisy, Some(GOOD)).introduced.len(), 1);
}

#[test]
fn a_flow_through_two_files_is_followed() {
    let handler = ProjectPath::new("src/handler.js").unwrap();
    let store = ProjectPath::new("src/store.js").unwrap();
    let handler_text = "const store = require('./store');\nexports.get = (req, res) => store.find(req.query.id);\n";
    let store_text = "const { Pool } = require('pg');\nconst pool = new Pool();\nfunction find(id) { return pool.query(`SELECT * FROM t WHERE id = ${id}`); }\nmodule.exports = { find };\n";
    let report = scan(&[
        ScanFile { path: &handler, content: handler_text.as_bytes(), base: None },
        ScanFile { path: &store, content: store_text.as_bytes(), base: None },
    ]);
    assert_eq!(report.introduced.len(), 1, "{:?}", report.introduced);
    assert_eq!(report.introduced[0].path, store);
    assert_eq!(report.introduced[0].flow[0].path, handler);
}

#[test]
fn fingerprints_survive_moved_lines() {
    let moved = format!("// one more line\n{BAD}");
    assert_eq!(
        report(BAD, None).introduced[0].fingerprint,
        report(&moved, None).introduced[0].fingerprint
    );
}

fn suppressed(comment: &str, in_base: bool, today: &str) -> ScanReport {
    let text = BAD.replace("  pool.query", &format!("  // {comment}\n  pool.query"));
    let path = ProjectPath::new("src/app.js").unwrap();
    let base = in_base.then_some(text.as_bytes());
    let options =
        ScanOptions { today: Some(today), accept_new_suppressions: false, around: &[], named: &[] };
    scan_with(&[ScanFile { path: &path, content: text.as_bytes(), base }], options)
}

#[test]
fn a_suppression_counts_only_when_it_was_there_before() {
    let comment = "kode-ignore[sql-injection] until=2027-01-31 -- the table is read-only";
    let before = suppressed(comment, true, "2026-11-22");
    assert_eq!((before.suppressed.len(), before.introduced.len()), (1, 0));
    let new = suppressed(comment, false, "2026-11-22");
    assert_eq!(new.suppressed.len(), 0);
    assert!(new.introduced.iter().any(|finding| finding.rule == "sql-injection"));
    let expired = suppressed(comment, true, "2027-02-01");
    assert_eq!(expired.suppressed.len(), 0);
}

#[test]
fn a_suppression_needs_a_reason_a_day_and_a_known_rule() {
    for comment in [
        "kode-ignore[sql-injection] until=2027-01-31",
        "kode-ignore[sql-injection] -- because",
        "kode-ignore[sqli] until=2027-01-31 -- because",
    ] {
        let report = suppressed(comment, true, "2026-11-22");
        assert_eq!(report.suppressed.len(), 0, "{comment}");
        assert!(report.introduced.iter().any(|f| f.rule == "useless-suppression"), "{comment}");
    }
}

#[test]
fn files_that_can_not_be_analysed_are_named() {
    let utf16: Vec<u8> = "\u{feff}x = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, &[u8]); 5] = [
        ("a.rs", b"fn main() {}"),
        ("a.py", &utf16),
        ("b.js", &b" ".repeat((2 << 20) + 1)),
        ("c.js", b"%%% ((( {{{ not ))) code at all ]]] <<< >>> ;;; === !!! ??? @@@"),
        ("page.html", b"<p><?php echo $_GET['name']; ?></p>"),
    ];
    for (name, content) in cases {
        let path = ProjectPath::new(name).unwrap();
        let report = scan(&[ScanFile { path: &path, content, base: None }]);
        assert_eq!(report.unscanned.len(), 1, "{name}");
    }
}

#[test]
fn stray_bytes_and_the_case_of_an_extension_turn_nothing_off() {
    let found = |name: &str, content: &[u8]| {
        let path = ProjectPath::new(name).unwrap();
        let report = scan(&[ScanFile { path: &path, content, base: None }]);
        (report.introduced.len(), report.unscanned.len())
    };
    assert_eq!(found("g.JS", BAD.as_bytes()), (1, 0));
    assert_eq!(found("g.Cjs", GOOD.as_bytes()), (0, 0));
    for stray in [&b"\0"[..], b"\xe9", b"\xff"] {
        let bad = [b"// caf", stray, b"\n", BAD.as_bytes(), stray].concat();
        let good = [b"// caf", stray, b"\n", GOOD.as_bytes()].concat();
        assert_eq!(found("app.js", &bad), (1, 0), "{stray:?}");
        assert_eq!(found("app.js", &good), (0, 0), "{stray:?}");
    }
    let page = format!("<html><script>{}</script>", "document.write(location.hash)");
    assert_eq!(found("A.HTML", page.as_bytes()).0, 1);
    assert_eq!(found("A.Vue", page.replace("location.hash", "'x'").as_bytes()), (0, 0));
}

/// A key in two halves, since this file is scanned too.
const HALVES: (&str, &str) = ("AKIAWHP2", "E6FUJFONXAW3");

#[test]
fn a_key_put_together_from_literals_is_found_once() {
    let (a, b) = HALVES;
    let found = |name: &str, text: &str| {
        let path = ProjectPath::new(name).unwrap();
        let report = scan(&[ScanFile { path: &path, content: text.as_bytes(), base: None }]);
        report.introduced.iter().filter(|finding| finding.rule.starts_with("secret.")).count()
    };
    for (name, text) in [
        ("a.js", format!("const k = '{a}' + '{b}';\n")),
        ("a.js", format!("const k = ['{a}', '{b}'].join('');\n")),
        ("a.js", format!("const h = '{a}';\nuse(`${{h}}{b}`);\n")),
        ("a.js", format!("const k = '{a}'.concat('{b}');\nuse(k + k);\n")),
        ("a.py", format!("k = ('{a}'\n     '{b}')\n")),
        ("a.py", format!("def f():\n    return '{a}' + '{b}'\nf()\nf()\n")),
        ("A.java", format!("class A {{ String k = \"{a}\" + \"{b}\"; }}\n")),
        ("a.go", format!("package a\nvar k = \"{a}\" + \"{b}\"\n")),
        ("a.js", format!("use('{a}{b}' + '');\n")),
    ] {
        assert_eq!(found(name, &text), 1, "{name}: {text}");
    }
    for (name, text) in [
        ("a.js", format!("const k = ['{a}', '{b}'].join('-');\n")),
        ("a.js", format!("const k = '{a}' + name + '{b}';\n")),
        ("a.py", "k = 'AKIAIOSFODNN7' + 'EXAMPLE'\n".to_owned()),
    ] {
        assert_eq!(found(name, &text), 0, "{name}: {text}");
    }
}

#[test]
fn a_file_of_another_language_beside_it_is_no_module() {
    let path = |name: &str| ProjectPath::new(name).unwrap();
    let (python, store, handler) = (path("src/store.py"), path("src/store.js"), path("src/h.js"));
    let store_text = "const { Pool } = require('pg');\nconst pool = new Pool();\nexports.find = (id) => pool.query(`SELECT * FROM t WHERE id = ${id}`);\n";
    let handler_text = "const store = require('./store');\nexports.get = (req, res) => store.find(req.query.id);\n";
    let file = |path, text: &'static str| ScanFile { path, content: text.as_bytes(), base: None };
    let report = scan(&[
        file(&python, "def find(id):\n    return id\n"),
        file(&handler, handler_text),
        file(&store, store_text),
    ]);
    assert_eq!(report.introduced.len(), 1, "{:?}", report.introduced);
}

#[test]
fn a_suppression_is_for_the_statement_as_it_was() {
    let base = "const { Pool } = require('pg');\nconst pool = new Pool();\n\
         exports.get = (req, res) =>\n\
         // kode-ignore[sql-injection] until=2030-01-01 -- the report only\n\
         pool.query('SELECT * FROM t ORDER BY ' +\n  req.query.order +\n  ' LIMIT ' +\n  Number(req.query.limit));\n";
    let path = ProjectPath::new("a.js").unwrap();
    let options = ScanOptions {
        today: Some("2026-01-01"),
        accept_new_suppressions: false,
        around: &[],
        named: &[],
    };
    let suppressed = |content: &str| {
        let (content, base) = (content.as_bytes(), Some(base.as_bytes()));
        scan_with(&[ScanFile { path: &path, content, base }], options).suppressed.len()
    };
    assert_eq!(suppressed(base), 1);
    let changed = base.replace("Number(req.query.limit)", "req.query.limit");
    assert_eq!(suppressed(&changed), 0, "a later line of the statement changed");
    let without = base.replace("  ' LIMIT ' +\n", "");
    assert_eq!(suppressed(&without), 0, "a part of the statement went away");
}
