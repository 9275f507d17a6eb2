//! The guard in hindsight: what a change that is made already (by a command, a
//! formatter, a checkout) did that an edit tool would have been refused for.

use kode_base::ProjectPath;

use crate::MAX_FILE_BYTES;
use crate::guard::{Change, Trees, syntax_harm};
use crate::loss::{lost_definitions, lost_lines};

/// What happened to the file at `path`, as phrases that follow its name ("no
/// longer parses …"); empty when an edit tool could have done the same. A side
/// beyond [`MAX_FILE_BYTES`] is not looked at.
pub fn harm_done(path: &ProjectPath, before: Option<&[u8]>, after: &[u8]) -> Vec<String> {
    let length = before.map_or(0, <[u8]>::len).max(after.len());
    if length > MAX_FILE_BYTES || before == Some(after) {
        return Vec::new();
    }
    let change = Change { path, before, after, written: "" };
    let trees = Trees::of(&change).ok().flatten();
    let trees = trees.as_ref();
    let broken = syntax_harm(&change, trees).map(|line| format!("no longer parses (line {line})"));
    let shrunk =
        lost_lines(&change).map(|(was, is)| format!("shrank from {was} to {is} non-blank lines"));
    let lost = lost_definitions(&change, trees).map(|names| format!("lost definitions: {names}"));
    // A file that shrank has lost definitions as well; one phrase says it.
    [broken, shrunk.or(lost)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harm(before: &str, after: &str) -> Vec<String> {
        let path = ProjectPath::new("a.py").unwrap();
        harm_done(&path, Some(before.as_bytes()), after.as_bytes())
    }

    #[test]
    fn a_broken_tree_a_gutted_file_and_a_lost_function_are_told() {
        let before = "def a():\n    return 1\n\n\ndef b():\n    return 2\n";
        assert_eq!(harm(before, &before.replace("1", "3")), [""; 0]);
        assert!(harm(before, "def a(:\n    return 1\n")[0].contains("line 1"));
        let long: String = (0..40).map(|n| format!("x{n} = {n}\n")).collect();
        assert!(harm(&long, "x1 = 1\n")[0].contains("from 40 to 1"));
        assert!(harm(before, "def a():\n    return 1\n")[0].contains("b"));
        let many: String = (0..12).map(|n| format!("def f{n}():\n    return {n}\n\n\n")).collect();
        assert_eq!(harm(&many, &many[..200]), ["lost definitions: f10, f11, f8, f9"]);
        assert_eq!(harm(&many, &many[23..]), ["lost definitions: f0"]);
    }

    #[test]
    fn a_renamed_function_and_a_new_sound_file_are_fine() {
        assert_eq!(harm("def a():\n    return 1\n", "def b():\n    return 1\n"), [""; 0]);
        let path = ProjectPath::new("a.py").unwrap();
        assert_eq!(harm_done(&path, None, b"x = 1\n"), [""; 0]);
        assert_eq!(harm_done(&path, None, b"def (:\n").len(), 1);
    }
}
