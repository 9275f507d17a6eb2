//! What a task left in git besides the working tree: new commits, their
//! messages, stashes, the index. A flaw that is committed and then removed from
//! the tree still ships.
//!
//! git runs in a read-only native sandbox of its own, whatever holds the
//! agent's commands: a repository's git configuration is code.

mod answer;

use std::time::Duration;

use kode_base::{Interrupt, ProjectPath, ShellCommand, Untrusted};
use kode_sandbox::{Backend, CommandEnd, Sandbox};
use serde::{Deserialize, Serialize};

use crate::tools::Workspace;
pub(crate) use answer::GitContent;

/// All new contents together; more can't be inspected.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest run of git.
const SECONDS_MAX: u64 = 60;

/// The references and the current commit as they were before the task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GitBase {
    /// Commits that references and HEAD named, newest first.
    tips: Vec<String>,
    /// The commit HEAD named, if it named one.
    head: Option<String>,
    /// Whether git could read the repository at all.
    readable: bool,
}

/// Plain tools, no replaced objects, nothing written.
const PREPARE: &str = "export PATH=/usr/local/bin:/usr/bin:/bin GIT_OPTIONAL_LOCKS=0 \
    GIT_NO_REPLACE_OBJECTS=1 GIT_CONFIG_NOSYSTEM=1; set -o pipefail; \
    git rev-parse --git-dir >/dev/null 2>&1 || exit 3; ";

/// At most so many tips, to stay below the longest argument. Of stashes only the newest
/// has a reference; the others are in its log.
const BASE: &str = "git for-each-ref --count=2000 --sort=-committerdate \
    --format='%(objectname)' 2>/dev/null \
    && { git rev-list -g -n 500 refs/stash 2>/dev/null || true; } && echo HEAD \
    && { git rev-parse --verify --quiet HEAD || true; }";

/// Reads the base; nothing there is no error.
pub(crate) fn read_base(workspace: &mut Workspace) -> Result<GitBase, String> {
    if !has_repository(workspace) {
        return Ok(GitBase::default());
    }
    let Some(output) = run(workspace, BASE)? else { return Ok(GitBase::default()) };
    let text = String::from_utf8_lossy(&output);
    let (tips, head) = text.split_once("HEAD\n").unwrap_or((&text, ""));
    let mut tips: Vec<String> =
        tips.lines().filter(|id| is_object(id)).map(str::to_owned).collect();
    let head = head.lines().next().filter(|id| is_object(id)).map(str::to_owned);
    tips.extend(head.clone());
    Ok(GitBase { tips, head, readable: true })
}

/// Every content that is new in commits, stashes, tags and the index since `base`,
/// under every path it has there.
///
/// # Errors
/// When git can't tell; the gate stays red then.
pub(crate) fn new_contents(
    workspace: &mut Workspace,
    base: &GitBase,
) -> Result<Vec<GitContent>, String> {
    if !has_repository(workspace) {
        return if base.readable { Err(GONE.to_owned()) } else { Ok(Vec::new()) };
    }
    match run(workspace, &contents_command(base))? {
        Some(output) => answer::parse(&output),
        None if base.readable => Err(GONE.to_owned()),
        None => Ok(Vec::new()),
    }
}

const GONE: &str = "git can't read the repository any more, so new commits could not be inspected";

/// What references name that is no commit: a tag's message, a blob (called as the
/// reference is), the files of a tree. `git rev-list` and `git log` pass these over.
const NAMED_BY_REFERENCES: &str = "git for-each-ref --count=2000 --format='%(objecttype) %(objectname) %(refname)' \
    | while read -r kind id name; do \
        case $kind in commit) continue ;; esac; \
        case $known in *\" $id \"*) continue ;; esac; \
        printf '%s \\n' \"$id\"; \
        peeled=$(git rev-parse --verify --quiet \"$id^{}\") || exit 1; \
        case $(git cat-file -t \"$peeled\") in \
          blob) printf '%s %s\\n' \"$peeled\" \"$name\" ;; \
          tree) git -c core.quotePath=false ls-tree -r \"$peeled\" \
            | sed -n 's/^[0-7]* blob \\([0-9a-f]*\\)\\t/\\1 /p' ;; \
        esac; \
      done";

/// Raw lines of `git log` and `git diff-index` name each new blob under each of
/// its paths; the loop turns them into requests for their contents.
fn contents_command(base: &GitBase) -> String {
    let tips = base.tips.join(" ");
    let head = match &base.head {
        Some(head) => head.clone(),
        None => "$(git hash-object -t tree /dev/null)".to_owned(),
    };
    let raw = "--raw --no-abbrev --no-renames --no-ext-diff --no-textconv";
    format!(
        "stashed=$(git rev-list -g -n 500 refs/stash 2>/dev/null) || true; known=' {tips} '; \
         {{ {{ git rev-list --all $stashed --not {tips} \
         && git -c log.showRoot=true -c core.quotePath=false log --all $stashed {raw} -m --format= --not {tips} \
         && git -c core.quotePath=false diff-index --cached {raw} {head}; }} 2>/dev/null \
         | while IFS=$' \\t' read -r first mode old new status path; do \
             case $first in :*) ;; ?*) printf '%s \\n' \"$first\"; continue ;; *) continue ;; esac; \
             case $mode in 160000|000000) continue ;; esac; \
             case $new in *[!0]*) printf '%s %s\\n' \"$new\" \"$path\" ;; esac; \
           done && {NAMED_BY_REFERENCES} 2>/dev/null; }} | sort -u | git cat-file --batch='%(objecttype) %(objectsize) %(rest)' 2>/dev/null"
    )
}

fn has_repository(workspace: &Workspace) -> bool {
    std::fs::symlink_metadata(workspace.root.path().join(".git")).is_ok()
}

/// Standard output of a git command; `None` when there is no readable
/// repository.
fn run(workspace: &mut Workspace, command: &str) -> Result<Option<Vec<u8>>, String> {
    let mut settings = workspace.sandbox.settings().clone();
    settings.backend = Backend::Native;
    settings.read_only = true;
    settings.open_hosts.clear();
    let sandbox = Sandbox::start(&workspace.root, settings).map_err(|error| error.to_string())?;
    let action = ShellCommand {
        command: Untrusted::from(format!("{PREPARE}{command}")),
        description: None,
        directory: ProjectPath::root(),
        timeout: Duration::from_secs(SECONDS_MAX),
    };
    let authorized = workspace.gate.authorize_configured(action);
    let (permit, _) = authorized.map_err(|denial| denial.decision.reason.text)?;
    let (mut output, mut total) = (Vec::new(), 0usize);
    let mut collect = |bytes: &[u8]| {
        total = total.saturating_add(bytes.len());
        if total <= BYTES_MAX {
            output.extend_from_slice(bytes);
        }
    };
    let ran = sandbox.run(permit, &Interrupt::new(), &mut collect);
    let end = ran.map_err(|error| error.to_string())?.end;
    if total > BYTES_MAX {
        return Err("more than 64 MiB is new in git; it could not be inspected".to_owned());
    }
    match end {
        CommandEnd::Exited(0) => Ok(Some(output)),
        CommandEnd::Exited(3) => Ok(None),
        end => Err(format!("git failed ({end:?}), so new commits could not be inspected")),
    }
}

fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
