//! Commands whose arguments are a small language of their own. Each handler
//! runs after the entry's flags and operands were applied.

mod containers;
mod disks;
mod fetching;
mod files;
mod find;
mod git;
mod inspect;
mod network;
mod parallel;
mod programs;
mod rename;
mod scripts;
mod signals;
mod sql;

pub(super) use find::last_name;

use super::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream};

/// Runs the handler an entry names. An unknown name is a mistake in the
/// tables, found by a test.
pub(crate) fn run(
    walk: &mut Evaluator<'_>,
    handler: &str,
    call: &Invocation<'_>,
) -> Option<Stream> {
    match handler {
        "find" => walk.find(call),
        "fd" => walk.fd(call),
        "git_rm" => walk.git_rm(call),
        "git_clean" => walk.git_clean(call),
        "settings" => walk.settings(call),
        "listing" => walk.listing(call),
        "su" => walk.su(call),
        "xargs" => walk.xargs(call),
        "parallel" => walk.parallel(call),
        "dd" => walk.dd(call),
        "tar" => walk.tar(call),
        "copy" => walk.copy(call),
        "fifo" => walk.fifo(call),
        "chmod" => walk.chmod(call),
        "sed" => walk.sed(call),
        "awk" => walk.awk(call),
        "sqlite" => walk.sqlite(call),
        "git" => walk.git(call),
        "git_config" => walk.git_config(call),
        "git_checkout" => walk.git_checkout(call),
        "git_shows" => walk.git_shows(call),
        "git_files" => walk.git_files(call),
        "git_branch" => walk.git_branch(call),
        "curl" => walk.curl(call),
        "wget" => walk.wget(call),
        "netcat" => walk.netcat(call),
        "telnetd" => walk.telnetd(call),
        "behind_shell" => walk.behind_shell(call),
        "ztcp" => walk.ztcp(call),
        "socat" => walk.socat(call),
        "ssh" => walk.ssh(call),
        "transfer" => walk.transfer(call),
        "env" => walk.env(call),
        "download" => walk.download(call),
        "separator_flags" => walk.flags_of_go_test(call),
        "terminal" => walk.terminal(call),
        "manifest" => walk.manifest(call),
        "archive" => walk.archive(call),
        "device_tool" => walk.device_tool(call),
        "each_line" => walk.each_line(call),
        "cluster_command" => walk.cluster_command(call),
        "runner" => walk.runner(call),
        "kill" => walk.kill(call),
        "kode" => walk.kode(call),
        "openssl" => walk.openssl(call),
        "separator" => walk.after_separator(call),
        "inspect" => walk.inspect(call),
        "grep" => walk.grep(call),
        "filter" => walk.filter(call),
        "nicety" => walk.nicety(call),
        "located" => walk.located(call),
        "hyperfine" => walk.hyperfine(call),
        "taskset" => walk.taskset(call),
        "client" => walk.send(call),
        "tasks" => walk.tasks(call),
        "pager" => walk.pager(call),
        "completion" => walk.completion(call),
        "debugger" => walk.debugger(call),
        "fetching_tool" => walk.fetching_tool(call),
        "build" | "" => None,
        _ => run_tool(walk, handler, call),
    }
}

/// Handlers of tools that build, pack, edit or contain.
fn run_tool(walk: &mut Evaluator<'_>, handler: &str, call: &Invocation<'_>) -> Option<Stream> {
    match handler {
        // What is made there is made where its words say.
        "elsewhere" => {
            // `${TMPDIR:-/tmp/}NAME`, where TMPDIR has no slash at its end.
            let kept = |word: &&Field| !word.text.known.starts_with("/tmp");
            let words: Vec<Field> = call.words.iter().filter(kept).cloned().collect();
            walk.look_for_outside_paths(&words);
            walk.look_for_nested_paths(call.name, &words);
            None
        }
        "rename" => walk.rename(call),
        "apart" => {
            walk.started_apart(call);
            None
        }
        "git_remote" => walk.git_remote(call),
        "rimraf" => {
            for path in &call.arguments.operands {
                walk.delete_path(path, true);
            }
            None
        }
        "deferred" => walk.deferred(call),
        "editor" => walk.editor(call),
        "docker" => walk.docker(call),
        "docker_run" => walk.container_command(call),
        "make" => walk.make(call),
        "measured" => walk.measured(call),
        "cmake" => walk.cmake(call),
        "go_install" => walk.go_install(call),
        "go_mod" => walk.go_mod(call),
        "npm_script" => walk.npm_script(call),
        "services" => walk.services(call),
        "system_packages" => walk.system_packages(call),
        "disks" => walk.disks(call),
        "toolchain" => walk.toolchain(call),
        "tex" => walk.tex(call),
        "vcs" => walk.vcs(call),
        _ => {
            walk.raise(
                kode_base::RiskClass::CodeExecution,
                "kode's table names an unknown handler",
            );
            None
        }
    }
}
