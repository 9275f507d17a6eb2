//! What the agent's shell can't do, judged from a whole run. The sandbox
//! crate's own suite goes much further.

use std::net::TcpListener;

use crate::workspace::{Workspace, shell_script};

fn run(workspace: &Workspace, command: &str, variables: &[(&str, &str)]) -> String {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, shell_script(command)).unwrap();
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow", "classes": {"destructive": "allow", "system_write": "allow"}}}"#);
    let mut kode = workspace.kode(&["run", "--json", "--script", path.to_str().unwrap(), "try it"]);
    kode.envs(variables.iter().copied());
    crate::workspace::Run::of(kode.output().unwrap()).outputs()
}

#[test]
fn the_environment_inside_holds_no_key() {
    let workspace = Workspace::new();
    let keys = [
        ("KODE_API_KEY", "canary-kode-0a1b2c3d"),
        ("OPENAI_API_KEY", "canary-openai-0a1b2c3d"),
        ("GITHUB_TOKEN", "canary-github-0a1b2c3d"),
        ("MY_OWN_THING", "canary-other-0a1b2c3d"),
    ];
    let output =
        run(&workspace, "env; cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n'", &keys);
    assert!(output.contains("PATH="), "{output}");
    assert!(!output.contains("canary-"), "{output}");
}

#[test]
fn the_home_folder_is_hidden() {
    let workspace = Workspace::new();
    let ssh = workspace.user_home().join(".ssh");
    std::fs::create_dir_all(&ssh).unwrap();
    std::fs::write(ssh.join("id_test"), "canary-ssh-0a1b2c3d").unwrap();
    let path = ssh.join("id_test");
    let output =
        run(&workspace, &format!("cat {} ~/.ssh/id_test; ls -la ~/.ssh", path.display()), &[]);
    assert!(!output.contains("canary-ssh"), "{output}");
}

#[test]
fn nothing_outside_the_project_can_be_written() {
    let workspace = Workspace::new();
    let outside = workspace.beside("outside.txt");
    std::fs::write(&outside, "before").unwrap();
    run(&workspace, &format!("echo changed > {}; echo new > ../new.txt", outside.display()), &[]);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "before");
    assert!(!workspace.beside("new.txt").exists());
}

#[test]
fn a_tcp_connection_out_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let workspace = Workspace::new();
    let output = run(
        &workspace,
        &format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo canary-connected; true"),
        &[],
    );
    assert!(!output.contains("canary-connected"), "{output}");
    assert!(listener.accept().is_err(), "nobody connected");
}

#[test]
fn foreign_processes_are_not_seen() {
    let mut victim = std::process::Command::new("sleep").arg("98765").spawn().unwrap();
    let workspace = Workspace::new();
    let output = run(&workspace, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '", &[]);
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(!output.contains("98765"), "{output}");
}
