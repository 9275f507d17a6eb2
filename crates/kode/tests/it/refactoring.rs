//! A refactoring of a real package (colorama 0.4.6 from PyPI, with its own
//! tests) by the edit tools in `kode run`: extract a function, rename a class
//! across files, change a signature. It compiles and its tests are green.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::Workspace;

/// Where `scripts/setup-tests.sh` unpacks it.
fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/colorama-0.4.6/colorama")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

const TESTS: &str = "/usr/bin/python3 -m unittest discover -s colorama/tests -t . -p '*_test.py'";

/// What the model does: every structural tool has its part.
const SCRIPT: &str = r##"
turns:
  - calls:
      - tool: ast_rename
        args: {path: colorama/ansitowin32.py, line: 16, column: 7, new_name: ConvertingStream}
  - calls:
      - tool: ast_insert
        args:
          path: colorama/ansi.py
          symbol: code_to_chars
          where: before
          code: |
            def control_sequence(parameters, final):
                '''The escape sequence that ends with the letter `final`.'''
                return CSI + parameters + final
      - tool: ast_rewrite
        args:
          pattern: CSI + str($N) + $F
          template: control_sequence(str($N), $F)
          lang: python
          paths: [colorama]
          max_files: 1
  - calls:
      - tool: ast_replace
        args:
          path: colorama/initialise.py
          symbol: wrap_stream
          definition: |
            def wrap_stream(stream, wrap, convert=None, strip=None, autoreset=False):
                if wrap:
                    wrapper = AnsiToWin32(stream,
                        convert=convert, strip=strip, autoreset=autoreset)
                    if wrapper.should_wrap():
                        stream = wrapper.stream
                return stream
      - tool: ast_rewrite
        args:
          pattern: wrap_stream($S, $C, $T, $A, $W)
          template: wrap_stream($S, $W, $C, $T, $A)
          lang: python
          paths: [colorama]
  - calls:
      - tool: apply_patch
        args:
          patch: |
            *** Begin Patch
            *** Update File: colorama/ansi.py
            @@ class AnsiCursor(object):
                 def POS(self, x=1, y=1):
            -        return control_sequence(str(y), ';') + str(x) + 'H'
            +        return control_sequence('%d;%d' % (y, x), 'H')
            *** Add File: colorama/tests/sequence_test.py
            +from unittest import TestCase, main
            +
            +from ..ansi import Cursor, control_sequence
            +
            +
            +class SequenceTest(TestCase):
            +
            +    def testSequenceEndsWithItsLetter(self):
            +        self.assertEqual(control_sequence('3', 'A'), Cursor.UP(3))
            +        self.assertEqual(control_sequence('2;1', 'H'), Cursor.POS(1, 2))
            +
            +
            +if __name__ == '__main__':
            +    main()
            *** End Patch
  - calls:
      - tool: shell
        args: {command: "/usr/bin/python3 -m compileall -q colorama && /usr/bin/python3 -m unittest discover -s colorama/tests -t . -p '*_test.py'", description: compile and test}
  - calls:
      - tool: finish
        args: {summary: refactored}
"##;

#[test]
fn a_real_package_is_refactored_and_its_tests_stay_green() {
    let source = package();
    assert!(source.is_dir(), "{} is missing: run scripts/setup-tests.sh", source.display());
    let workspace = Workspace::new();
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    copy(&source, &workspace.project().join("colorama"));

    let run = workspace.run_script(SCRIPT, &[]).expect(0);
    let results = run.of_type("tool_result");
    assert!(results.iter().all(|result| result["ok"] == true), "{results:#?}");
    assert!(run.outputs().contains("Ran 53 tests"), "{}", run.outputs());

    let tests = Command::new("bash").args(["-c", TESTS]).current_dir(workspace.project()).output();
    let tests = tests.unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stderr));
    for (file, holds, lacks) in [
        ("colorama/ansitowin32.py", "class ConvertingStream(object)", "StreamWrapper"),
        ("colorama/tests/isatty_test.py", "import ConvertingStream, AnsiToWin32", "StreamWrapper("),
        ("colorama/ansi.py", "return control_sequence(str(code), 'm')", "+ str(n) +"),
        ("colorama/initialise.py", "wrap_stream(orig_stderr, wrap, convert,", "autoreset, wrap)"),
    ] {
        let text = workspace.read(file);
        assert!(text.contains(holds) && !text.contains(lacks), "{file}:\n{text}");
    }
    // A class of that spelling, in a test's own name, is another name.
    assert!(workspace.read("colorama/tests/ansitowin32_test.py").contains("StreamWrapperTest"));
}
