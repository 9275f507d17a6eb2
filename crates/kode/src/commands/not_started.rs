//! What a person is told when their program could not be started in the sandbox, as a
//! shell would tell them.

use std::path::{Path, PathBuf};

use kode_base::escape::escape_line;

/// `execve`'s errors by number: no such file, no program, no permission.
const NOT_FOUND: i32 = 2;
const NOT_A_PROGRAM: i32 = 8;
const NOT_ALLOWED: i32 = 13;

/// What only a shell makes sense of.
const SHELL_LETTERS: &[char] = &[' ', '&', '|', ';', '<', '>', '$', '`'];

/// One line about `program`, which the system refused with error `code`; `path` is the
/// caller's search path.
pub(super) fn told(program: &str, code: i32, path: &str) -> String {
    let what = match code {
        NOT_FOUND => "not found inside the sandbox".to_owned(),
        NOT_ALLOWED if Path::new(program).is_dir() => "is a folder".to_owned(),
        NOT_ALLOWED => "permission denied; it is not executable".to_owned(),
        NOT_A_PROGRAM => "not a program; a script begins with a line such as #!/bin/sh".to_owned(),
        code => std::io::Error::from_raw_os_error(code).to_string(),
    };
    let hint = if code == NOT_FOUND { hint(program, path) } else { None };
    format!("{}: {what}{}", escape_line(program), hint.unwrap_or_default())
}

fn hint(program: &str, path: &str) -> Option<String> {
    if program.contains(SHELL_LETTERS) && !Path::new(program).exists() {
        let line = escape_line(program);
        return Some(format!("; a line for the shell is run by `kode sandbox -- sh -c '{line}'`"));
    }
    if program.contains('/') {
        let names_another = std::fs::metadata(program).is_ok_and(|found| found.is_file());
        return names_another
            .then(|| "; it is either hidden there, or what its first line names is".to_owned());
    }
    let outside = on(path, program)?;
    Some(format!("; {} is hidden there (docs/sandbox.md)", escape_line(&outside.to_string_lossy())))
}

/// Where a program stands outside.
fn on(path: &str, program: &str) -> Option<PathBuf> {
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    folders.map(|folder| Path::new(folder).join(program)).find(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said_as_a_shell_says_it() {
        assert_eq!(told("nosuch", NOT_FOUND, "/usr/bin"), "nosuch: not found inside the sandbox");
        assert!(
            told("sh", NOT_FOUND, "x:/nowhere:/bin")
                .ends_with("; /bin/sh is hidden there (docs/sandbox.md)")
        );
        assert!(told("a && b", NOT_FOUND, "").contains("`kode sandbox -- sh -c 'a && b'`"));
        assert!(told("./no/such", NOT_FOUND, "").ends_with("not found inside the sandbox"));
        assert!(told("/etc/passwd", NOT_FOUND, "").contains("first line"));
        assert_eq!(told("/etc", NOT_ALLOWED, ""), "/etc: is a folder");
        assert!(told("/etc/passwd", NOT_ALLOWED, "").contains("not executable"));
        assert!(told("x", NOT_A_PROGRAM, "").contains("#!/bin/sh"));
        assert!(told("x", 7, "").contains("too long"));
    }
}
