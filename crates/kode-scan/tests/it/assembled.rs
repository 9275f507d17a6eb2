//! Keys of providers that stand nowhere whole: put together, decoded or turned around.

use kode_base::ProjectPath;
use kode_scan::{ScanFile, scan};

/// Whether a key is found in a file of one statement.
fn finds_key(path: &str, text: &str) -> bool {
    let path = ProjectPath::new(path).unwrap();
    let file = ScanFile { path: &path, content: text.as_bytes(), base: None };
    scan(&[file]).introduced.iter().any(|finding| finding.rule == "secret.aws-access-key")
}

const KEYS: [(&str, &str); 24] = [
    ("a.js", "const a = 'AKIA' + 'Q3EGRRT5WJ7NPLKM';"),
    ("a.js", "const a = ['AKIA', 'Q3EGRRT5WJ7N', 'PLKM'].join('');"),
    ("a.js", "const a = `AKIA${'Q3EGRRT5WJ7N'}PLKM`;"),
    ("a.js", "const rest = 'Q3EGRRT5WJ7NPLKM'; const a = 'AKIA'.concat(rest);"),
    ("a.js", "let a = 'AKIA'; a += 'Q3EGRRT5WJ7N'; a += 'PLKM';"),
    ("a.js", "const a = atob('QUtJQVEzRUdSUlQ1V0o3TlBMS00=');"),
    ("a.js", "const a = Buffer.from('QUtJQVEzRUdSUlQ1V0o3TlBMS00=', 'base64').toString();"),
    ("a.js", "const a = 'MKLPN7JW5TRRGE3QAIKA'.split('').reverse().join('');"),
    ("a.py", "a = ''.join(['AKIA', 'Q3EGRRT5WJ7N', 'PLKM'])"),
    ("a.py", "x = 'Q3EGRRT5WJ7NPLKM'\na = f'AKIA{x}'"),
    ("a.py", "a = 'AKIA{}'.format('Q3EGRRT5WJ7NPLKM')"),
    ("a.py", "a = 'AKIA%s' % 'Q3EGRRT5WJ7NPLKM'"),
    ("a.py", "a = ('AKIA'\n     'Q3EGRRT5WJ7NPLKM')"),
    ("a.py", "import base64\na = base64.b64decode('QUtJQVEzRUdSUlQ1V0o3TlBMS00=').decode()"),
    ("a.py", "a = bytes.fromhex('414b49415133454752525435574a374e504c4b4d').decode()"),
    ("a.py", "a = ''.join(reversed('MKLPN7JW5TRRGE3QAIKA'))"),
    ("A.java", "class A { String a = String.format(\"AKIA%s\", \"Q3EGRRT5WJ7NPLKM\"); }"),
    ("A.java", "class A { String a = String.join(\"\", \"AKIA\", \"Q3EGRRT5WJ7NPLKM\"); }"),
    (
        "A.java",
        "class A { String a() { StringBuilder s = new StringBuilder(\"AKIA\"); s.append(\"Q3EGRRT5WJ7N\").append(\"PLKM\"); return s.toString(); } }",
    ),
    (
        "A.java",
        "class A { String a = new String(java.util.Base64.getDecoder().decode(\"QUtJQVEzRUdSUlQ1V0o3TlBMS00=\")); }",
    ),
    ("a.go", "package a\nimport \"fmt\"\nvar a = fmt.Sprintf(\"AKIA%s\", \"Q3EGRRT5WJ7NPLKM\")"),
    (
        "a.go",
        "package a\nimport \"strings\"\nvar a = strings.Join([]string{\"AKIA\", \"Q3EGRRT5WJ7NPLKM\"}, \"\")",
    ),
    (
        "a.go",
        "package a\nimport \"encoding/base64\"\nvar a, _ = base64.StdEncoding.DecodeString(\"QUtJQVEzRUdSUlQ1V0o3TlBMS00=\")",
    ),
    (
        "a.go",
        "package a\nimport \"strings\"\nfunc a() string { var s strings.Builder; s.WriteString(\"AKIA\"); s.WriteString(\"Q3EGRRT5WJ7NPLKM\"); return s.String() }",
    ),
];

const NO_KEYS: [(&str, &str); 6] = [
    ("a.js", "const a = 'AKIA' + process.env.REST;"),
    ("a.js", "const a = ['AKIA', id, 'PLKM'].join('');"),
    ("a.js", "const a = atob('aGVsbG8gd29ybGQsIGhlbGxvIGFnYWlu');"),
    ("a.py", "a = 'AKIA{}'.format(rest)"),
    ("A.java", "class A { String a = String.format(\"AKIA%s\", rest); }"),
    ("a.go", "package a\nimport \"strings\"\nvar a = strings.Join([]string{\"AKIA\", rest}, \"\")"),
];

#[test]
fn keys_in_pieces_are_found_however_they_are_put_together() {
    for (path, text) in KEYS {
        assert!(finds_key(path, text), "{text}");
    }
    for (path, text) in NO_KEYS {
        assert!(!finds_key(path, text), "{text}");
    }
}
