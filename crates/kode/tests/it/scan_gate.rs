//! Each class of flaw, in each language that can express it, keeps a task open
//! until it is mended; what only hides it does not help.

use serde_json::json;

use crate::workspace::{Run, Workspace};

/// Path, flawed text, mended text, rule.
type Case = (&'static str, &'static str, &'static str, &'static str);

const JAVASCRIPT: [Case; 7] = [
    (
        "a.js",
        "const app = require('express')();\nconst { Pool } = require('pg');\nconst pool = new Pool();\napp.get('/', (req, res) => pool.query(\"SELECT * FROM t WHERE n = '\" + req.query.n + \"'\"));\n",
        "const app = require('express')();\nconst { Pool } = require('pg');\nconst pool = new Pool();\napp.get('/', (req, res) => pool.query('SELECT * FROM t WHERE n = $1', [req.query.n]));\n",
        "sql-injection",
    ),
    (
        "b.js",
        "const app = require('express')();\napp.get('/', (req, res) => res.send('<p>' + req.query.q + '</p>'));\n",
        "const app = require('express')();\napp.get('/', (req, res) => res.json({ q: req.query.q }));\n",
        "cross-site-scripting",
    ),
    (
        "c.js",
        "const { exec } = require('child_process');\nconst app = require('express')();\napp.get('/', (req, res) => exec('ping ' + req.query.host));\n",
        "const { execFile } = require('child_process');\nconst app = require('express')();\napp.get('/', (req, res) => execFile('ping', [req.query.host]));\n",
        "command-injection",
    ),
    (
        "d.js",
        "const fs = require('fs');\nconst app = require('express')();\napp.get('/', (req, res) => fs.readFileSync('/srv/' + req.query.f));\n",
        "const fs = require('fs');\nconst path = require('path');\nconst app = require('express')();\napp.get('/', (req, res) => fs.readFileSync('/srv/' + path.basename(req.query.f)));\n",
        "path-traversal",
    ),
    (
        "e.js",
        "const app = require('express')();\napp.get('/', (req, res) => res.redirect(req.query.next));\n",
        "const app = require('express')();\napp.get('/', (req, res) => res.redirect('/home'));\n",
        "open-redirect",
    ),
    (
        "f.ts",
        "const apiKey: string = 'k3Jd82hTqPz71LmVb9Xw';\nexport default apiKey;\n",
        "const apiKey: string = process.env.API_KEY ?? '';\nexport default apiKey;\n",
        "secret.generic-key",
    ),
    (
        "g.jsx",
        "export const A = () => <button onClick={() => alert('hi')}>x</button>;\n",
        "export const A = ({ show }) => <button onClick={() => show('hi')}>x</button>;\n",
        "blocking-dialog",
    ),
];

const PYTHON: [Case; 6] = [
    (
        "a.py",
        "from flask import request\nimport sqlite3\n\ndef find():\n    db = sqlite3.connect('a.db')\n    return db.execute(\"SELECT * FROM t WHERE n = '\" + request.args.get('n') + \"'\")\n",
        "from flask import request\nimport sqlite3\n\ndef find():\n    db = sqlite3.connect('a.db')\n    return db.execute('SELECT * FROM t WHERE n = ?', (request.args.get('n'),))\n",
        "sql-injection",
    ),
    (
        "b.py",
        "from flask import Flask, request\napp = Flask(__name__)\n\n@app.route('/')\ndef index():\n    return '<p>' + request.args.get('q') + '</p>'\n",
        "from flask import Flask, request\nfrom markupsafe import escape\napp = Flask(__name__)\n\n@app.route('/')\ndef index():\n    return '<p>' + escape(request.args.get('q')) + '</p>'\n",
        "cross-site-scripting",
    ),
    (
        "c.py",
        "import os\nfrom flask import request\n\ndef ping():\n    os.system('ping ' + request.args['host'])\n",
        "import subprocess\nfrom flask import request\n\ndef ping():\n    subprocess.run(['ping', request.args['host']], check=True)\n",
        "command-injection",
    ),
    (
        "d.py",
        "from flask import request\n\ndef read():\n    return open('/srv/' + request.args['f']).read()\n",
        "import os\nfrom flask import request\n\ndef read():\n    return open('/srv/' + os.path.basename(request.args['f'])).read()\n",
        "path-traversal",
    ),
    (
        "e.py",
        "from flask import redirect, request\n\ndef go():\n    return redirect(request.args['next'])\n",
        "from flask import redirect, request\n\ndef go():\n    return redirect('/home')\n",
        "open-redirect",
    ),
    (
        "f.py",
        "SECRET_KEY = 'k3Jd82hTqPz71LmVb9Xw'\n",
        "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n",
        "secret.generic-key",
    ),
];

const JAVA: [Case; 6] = [
    (
        "A.java",
        "class A extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    db.createStatement().executeQuery(\"SELECT * FROM t WHERE n = '\" + r.getParameter(\"n\") + \"'\");\n  }\n  private Connection db;\n}\n",
        "class A extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    PreparedStatement p = db.prepareStatement(\"SELECT * FROM t WHERE n = ?\");\n    p.setString(1, r.getParameter(\"n\"));\n    p.executeQuery();\n  }\n  private Connection db;\n}\n",
        "sql-injection",
    ),
    (
        "B.java",
        "class B extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    s.getWriter().println(\"<p>\" + r.getParameter(\"q\") + \"</p>\");\n  }\n}\n",
        "class B extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    s.getWriter().println(\"<p>\" + HtmlUtils.htmlEscape(r.getParameter(\"q\")) + \"</p>\");\n  }\n}\n",
        "cross-site-scripting",
    ),
    (
        "C.java",
        "class C extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    Runtime.getRuntime().exec(\"ping \" + r.getParameter(\"host\"));\n  }\n}\n",
        "class C extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    new ProcessBuilder(\"ping\", r.getParameter(\"host\")).start();\n  }\n}\n",
        "command-injection",
    ),
    (
        "D.java",
        "class D extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    new FileInputStream(\"/srv/\" + r.getParameter(\"f\"));\n  }\n}\n",
        "class D extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    new FileInputStream(\"/srv/\" + FilenameUtils.getName(r.getParameter(\"f\")));\n  }\n}\n",
        "path-traversal",
    ),
    (
        "E.java",
        "class E extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    s.sendRedirect(r.getParameter(\"next\"));\n  }\n}\n",
        "class E extends HttpServlet {\n  void doGet(HttpServletRequest r, HttpServletResponse s) throws Exception {\n    s.sendRedirect(\"/home\");\n  }\n}\n",
        "open-redirect",
    ),
    (
        "F.java",
        "class F {\n  private static final String API_TOKEN = \"k3Jd82hTqPz71LmVb9Xw\";\n}\n",
        "class F {\n  private static final String API_TOKEN = System.getenv(\"API_TOKEN\");\n}\n",
        "secret.generic-key",
    ),
];

const GO: [Case; 6] = [
    (
        "a.go",
        "package a\n\nimport (\n\t\"database/sql\"\n\t\"net/http\"\n)\n\nvar db *sql.DB\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tdb.Query(\"SELECT * FROM t WHERE n = '\" + r.FormValue(\"n\") + \"'\")\n}\n",
        "package a\n\nimport (\n\t\"database/sql\"\n\t\"net/http\"\n)\n\nvar db *sql.DB\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tdb.Query(\"SELECT * FROM t WHERE n = $1\", r.FormValue(\"n\"))\n}\n",
        "sql-injection",
    ),
    (
        "b.go",
        "package b\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tfmt.Fprintf(w, \"<p>%s</p>\", r.FormValue(\"q\"))\n}\n",
        "package b\n\nimport (\n\t\"fmt\"\n\t\"html\"\n\t\"net/http\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tfmt.Fprintf(w, \"<p>%s</p>\", html.EscapeString(r.FormValue(\"q\")))\n}\n",
        "cross-site-scripting",
    ),
    (
        "c.go",
        "package c\n\nimport (\n\t\"net/http\"\n\t\"os/exec\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\texec.Command(\"sh\", \"-c\", \"ping \"+r.FormValue(\"host\")).Run()\n}\n",
        "package c\n\nimport (\n\t\"net/http\"\n\t\"os/exec\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\texec.Command(\"ping\", r.FormValue(\"host\")).Run()\n}\n",
        "command-injection",
    ),
    (
        "d.go",
        "package d\n\nimport (\n\t\"net/http\"\n\t\"os\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tos.ReadFile(\"/srv/\" + r.FormValue(\"f\"))\n}\n",
        "package d\n\nimport (\n\t\"net/http\"\n\t\"os\"\n\t\"path/filepath\"\n)\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\tos.ReadFile(\"/srv/\" + filepath.Base(r.FormValue(\"f\")))\n}\n",
        "path-traversal",
    ),
    (
        "e.go",
        "package e\n\nimport \"net/http\"\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\thttp.Redirect(w, r, r.FormValue(\"next\"), 302)\n}\n",
        "package e\n\nimport \"net/http\"\n\nfunc h(w http.ResponseWriter, r *http.Request) {\n\thttp.Redirect(w, r, \"/home\", 302)\n}\n",
        "open-redirect",
    ),
    (
        "f.go",
        "package f\n\nconst apiToken = \"k3Jd82hTqPz71LmVb9Xw\"\n",
        "package f\n\nimport \"os\"\n\nvar apiToken = os.Getenv(\"API_TOKEN\")\n",
        "secret.generic-key",
    ),
];

/// One turn that writes a file.
fn write(path: &str, text: &str) -> serde_json::Value {
    json!({"calls": [{"tool": "write_file", "args": {"path": path, "content": text}}]})
}

fn shell(command: &str) -> serde_json::Value {
    json!({"calls": [{"tool": "shell", "args": {"command": command}}]})
}

fn finish() -> serde_json::Value {
    json!({"calls": [{"tool": "finish", "args": {"summary": "done"}}]})
}

/// Runs turns, then insists on finishing.
fn insist(workspace: &Workspace, mut turns: Vec<serde_json::Value>) -> Run {
    let mut again = finish();
    again["label"] = json!("again");
    again["goto"] = json!("again");
    turns.push(again);
    // JSON is YAML.
    let script = json!({"turns": turns}).to_string();
    workspace.run_script(&script, &["--max-gate-rounds", "3"])
}

/// Flawed: red, twice; mended: green.
fn red_until_mended((path, bad, good, rule): Case) {
    let workspace = Workspace::new();
    let turns = vec![write(path, bad), finish(), finish(), write(path, good)];
    let run = insist(&workspace, turns).expect(0);
    let colours: Vec<&serde_json::Value> =
        run.of_type("gate").into_iter().map(|gate| &gate["colour"]).collect();
    assert_eq!(colours, ["red", "red", "green"], "{path}");
    assert_eq!(run.of_type("gate")[0]["findings"][0]["rule"], rule, "{path}");
    let kinds: Vec<&str> = run.events.iter().filter_map(|event| event["type"].as_str()).collect();
    let first = |kind: &str| kinds.iter().position(|found| *found == kind).unwrap();
    assert!(first("findings") < first("gate"), "{path}: told before the model asks to finish");
    let last = run.of_type("findings").pop().unwrap();
    assert_eq!(last["findings"], json!([]), "{path}: and taken back once it is mended");
}

#[test]
fn every_class_in_javascript_is_red_until_it_is_mended() {
    JAVASCRIPT.into_iter().for_each(red_until_mended);
}

#[test]
fn every_class_in_python_is_red_until_it_is_mended() {
    PYTHON.into_iter().for_each(red_until_mended);
}

#[test]
fn every_class_in_java_is_red_until_it_is_mended() {
    JAVA.into_iter().for_each(red_until_mended);
}

#[test]
fn every_class_in_go_is_red_until_it_is_mended() {
    GO.into_iter().for_each(red_until_mended);
}

/// What only hides a flaw leaves every gate red.
fn stays_red(workspace: &Workspace, turns: Vec<serde_json::Value>) {
    let run = insist(workspace, turns).expect(3);
    let gates = run.of_type("gate");
    assert!(gates.iter().all(|gate| gate["colour"] == "red"), "{gates:?}");
}

fn flawed() -> serde_json::Value {
    write(PYTHON[0].0, PYTHON[0].1)
}

#[test]
fn a_comment_a_rename_and_a_suppression_of_its_own_do_not_help() {
    let commented = PYTHON[0].1.replace("    return", "    # checked above\n    return");
    stays_red(&Workspace::new(), vec![flawed(), write("a.py", &commented)]);
    stays_red(&Workspace::new(), vec![flawed(), shell("mv a.py b.py")]);
    let suppressed = PYTHON[0].1.replace(
        "    return",
        "    # kode-ignore[sql-injection] until=2999-01-01 -- safe\n    return",
    );
    stays_red(&Workspace::new(), vec![flawed(), write("a.py", &suppressed)]);
}

#[test]
fn a_split_into_two_files_does_not_help() {
    let text = "import sqlite3\n\ndef find(name):\n    db = sqlite3.connect('a.db')\n    return db.execute(\"SELECT * FROM t WHERE n = '\" + name + \"'\")\n";
    let caller = "from flask import request\nfrom store import find\n\ndef index():\n    return find(request.args.get('n'))\n";
    stays_red(&Workspace::new(), vec![write("store.py", text), write("web.py", caller)]);
}

#[test]
fn a_name_that_the_project_ignores_does_not_help() {
    for command in [
        "mkdir build && mv a.py build/a.py",
        "mkdir build && mv a.py build/a",
        "mkdir build && sed 's/find/other/' a.py > build/a.txt && rm a.py",
    ] {
        let workspace = Workspace::new();
        workspace.write(".gitignore", "build/\n");
        stays_red(&workspace, vec![flawed(), shell(command)]);
    }
}

#[test]
fn code_written_at_once_where_the_project_ignores_it_is_scanned() {
    let workspace = Workspace::new();
    workspace.write(".gitignore", "build/\n");
    let text = PYTHON[2].1.replace('\n', "\\n").replace('\'', "\\047");
    stays_red(&workspace, vec![shell(&format!("mkdir build && printf '{text}' > build/run.py"))]);
}

#[test]
fn a_name_or_a_folder_that_scans_like_to_pass_over_does_not_help() {
    for path in [
        "node_modules/own/a.py",
        "vendor/a.py",
        "dist/a.py",
        "test/test_a.py",
        ".tool/a.py",
        "a.pyw",
        "a.wsgi",
        "a.PY",
    ] {
        stays_red(&Workspace::new(), vec![write(path, PYTHON[0].1)]);
    }
    let script = format!("#!/usr/bin/env python3\n{}", PYTHON[0].1);
    stays_red(&Workspace::new(), vec![write("a", &script)]);
    let hidden = "a.py -diff linguist-generated linguist-vendored\n";
    stays_red(&Workspace::new(), vec![write(".gitattributes", hidden), flawed()]);
    stays_red(&Workspace::new(), vec![write(".gitignore", "*\n"), flawed()]);
    stays_red(
        &Workspace::new(),
        vec![flawed(), shell("mkdir x && mv a.py x/b.py && ln -s x/b.py a.py")],
    );
}

#[test]
fn a_form_that_no_rule_reads_does_not_help() {
    for name in ["a.py", "a.pyw", "a.html", "a.es6"] {
        let command =
            format!("printf 'run = print; run(1); run(2); run(3)' | sed 's/./&\\x00/g' > {name}");
        stays_red(&Workspace::new(), vec![shell(&command)]);
    }
    let long = "head -c 2200000 /dev/zero | tr '\\0' '#' > a.pyw";
    stays_red(&Workspace::new(), vec![shell(long)]);
}

/// Files of the project that the task does not touch, with what it writes or runs.
fn stays_red_beside(old: &[(&str, &str)], turns: Vec<serde_json::Value>) {
    let workspace = Workspace::new();
    old.iter().for_each(|(path, text)| workspace.write(path, text));
    stays_red(&workspace, turns);
}

const RUNS: (&str, &str) = ("sh.py", "import os\n\ndef run(command):\n    os.system(command)\n");
const ASKS: &str = "from flask import request\nfrom sh import run\n\ndef ping():\n    run('ping ' + request.args['h'])\n";

#[test]
fn a_flow_through_a_file_that_nobody_touched_does_not_help() {
    stays_red_beside(&[RUNS], vec![write("web.py", ASKS)]);
    let careful = "import subprocess\n\ndef run(command):\n    subprocess.run(['ping', command])\n";
    stays_red_beside(&[("sh.py", careful), ("web.py", ASKS)], vec![write("sh.py", RUNS.1)]);
    let clean = "exports.clean = (s) => s.replace(/[^a-z0-9]/g, '');\n";
    let page = "const { exec } = require('child_process');\nconst { clean } = require('./clean');\n\
                const app = require('express')();\n\
                app.get('/', (req, res) => exec('ping ' + clean(req.query.h)));\n";
    let weakened = write("clean.js", "exports.clean = (s) => s;\n");
    stays_red_beside(&[("clean.js", clean), ("page.js", page)], vec![weakened]);
}

#[test]
fn what_was_there_before_beside_a_touched_file_keeps_no_task_open() {
    let workspace = Workspace::new();
    workspace.write(RUNS.0, RUNS.1);
    workspace.write("web.py", ASKS);
    let turns = vec![write("note.py", "from web import ping\n\ndef again():\n    ping()\n")];
    let run = insist(&workspace, turns).expect(0);
    assert_eq!(run.of_type("gate")[0]["colour"], "green");
}

#[test]
fn a_commit_that_needs_an_untouched_file_does_not_help() {
    let commit = "git add -A && git commit -qm x && echo 'x = 1' > web.py";
    stays_red_beside(&[RUNS], vec![write("web.py", ASKS), shell(commit)]);
    let both = vec![write(RUNS.0, RUNS.1), write("web.py", ASKS), shell(commit)];
    stays_red_beside(&[], both);
}

#[test]
fn ends_of_lines_encodings_and_links_that_only_compilers_know_do_not_help() {
    let hidden = "d = request.args['d'] # note\\r    os.system('ls ' + d)\\n";
    let python = format!(
        "printf \"import os\\nfrom flask import request\\ndef v():\\n    {hidden}\" > web.py"
    );
    stays_red(&Workspace::new(), vec![shell(&python)]);
    let cookie = "# coding: utf-7\n# +AAo-import os+AAo-def v(): os.system(input())\n";
    stays_red(&Workspace::new(), vec![write("web.py", cookie)]);
    let java = "import javax.servlet.http.*;\nclass A extends HttpServlet {\n  public void doGet(\
                HttpServletRequest q, HttpServletResponse r) throws Exception {\n    // note \
                \\u000a Runtime.getRuntime().exec(\"ls \" + q.getParameter(\"d\"));\n  }\n}\n";
    stays_red(&Workspace::new(), vec![write("A.java", java)]);
    let linked = vec![write("notes.txt", PYTHON[2].1), shell("ln -s notes.txt web.py")];
    stays_red(&Workspace::new(), linked);
}

#[test]
fn an_old_flaw_in_a_file_that_is_moved_keeps_no_task_open() {
    let workspace = Workspace::new();
    workspace.write("a.py", PYTHON[2].1);
    let run = insist(&workspace, vec![shell("mkdir x && mv a.py x/b.py")]).expect(0);
    assert_eq!(run.of_type("gate")[0]["colour"], "green");
}

#[test]
fn a_move_that_makes_code_of_a_text_brings_all_of_it() {
    let workspace = Workspace::new();
    workspace.write("notes.txt", PYTHON[2].1);
    stays_red(&workspace, vec![shell("mv notes.txt b.py")]);
}
