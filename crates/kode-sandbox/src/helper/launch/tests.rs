//! What a command is given, and what is told where it can't be started.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// What a shell's script writes that is started here, in `directory`, with `input`.
fn written(script: &str, directory: &str, input: &str) -> (String, i32) {
    let null = File::options().write(true).open("/dev/null").unwrap();
    let (stdin, mut to_stdin) = io::pipe().unwrap();
    let (mut from_stdout, stdout) = io::pipe().unwrap();
    to_stdin.write_all(input.as_bytes()).unwrap();
    drop(to_stdin);
    let environment = [("NAME".to_owned(), "a value".to_owned())];
    let streams = [stdin.as_fd(), stdout.as_fd(), null.as_fd()];
    let arguments = texts(&["a name", "-c", script]);
    let process =
        start(Path::new("/bin/bash"), &arguments, directory, &environment, streams).unwrap();
    drop(stdout);
    let mut text = String::new();
    from_stdout.read_to_string(&mut text).unwrap();
    let ended = rustix::process::waitpid(Some(process), WaitOptions::empty()).unwrap().unwrap().1;
    (text, ended.exit_status().unwrap_or(-1))
}

#[test]
fn a_command_gets_its_name_folder_environment_and_streams() {
    let script = "read -r line; echo \"$0 $PWD $NAME $line ${HOME-nothing}\"; exit 7";
    let expected = "a name /usr a value words nothing\n".to_owned();
    assert_eq!(written(script, "/usr", "words\n"), (expected, 7));
}

#[test]
fn a_command_leads_its_group_and_has_no_signal_ignored_or_blocked() {
    let script = "read -r -a stat < /proc/self/stat; [ ${stat[0]} = ${stat[4]} ] && echo leads; \
                  while read -r name value; do case $name in SigBlk:) echo $value;; \
                  SigIgn:) echo $((0x$value & 0x1000));; esac; done < /proc/self/status";
    assert_eq!(written(script, "/", "").0, "leads\n0000000000000000\n0\n");
}

#[test]
fn nothing_else_stays_open_in_a_command() {
    let before = written("echo /proc/self/fd/*", "/", "").0;
    let opened = File::open("/").unwrap();
    assert_eq!(written("echo /proc/self/fd/*", "/", "").0, before);
    drop(opened);
}

#[test]
fn what_can_not_be_started_is_told_and_leaves_no_process() {
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    let streams = [null.as_fd(), null.as_fd(), null.as_fd()];
    let failed = |program: &str, directory: &str| {
        let outcome = start(Path::new(program), &texts(&["x"]), directory, &[], streams);
        outcome.unwrap_err().raw_os_error()
    };
    assert_eq!(failed("/proc/none/program", "/"), Some(libc::ENOENT));
    assert_eq!(failed("/bin/true", "/proc/none"), Some(libc::ENOENT));
    assert_eq!(failed("/etc/passwd", "/"), Some(libc::EACCES));
    assert!(start(Path::new("/bin/true"), &texts(&["a\0b"]), "/", &[], streams).is_err());
}
