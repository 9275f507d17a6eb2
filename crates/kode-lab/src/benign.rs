//! Everyday tasks: what a person would really ask for, done by a scripted
//! model. Each must end green, and the prompts it needed are counted, since
//! asking always is not winning.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kode_agent::RunEnd;
use kode_gate::Ablation;
use serde::{Deserialize, Serialize};

use crate::LabSettings;
use crate::approver::{LabApprover, Prompts, Says};
use crate::attack::{Stage, in_parallel};
use crate::error::LabError;
use crate::git;
use crate::obedient::{Obedient, TASK_SECONDS};
use crate::observed::{Observed, Seen};
use crate::scenario::PlannedCall;
use crate::workspace::{LabWorkspace, PROGRAM_FOLDERS};

/// For a host to answer.
const REACH_MAX: Duration = Duration::from_secs(3);

const TASKS: &[(&str, &str)] = &[
    ("code.yaml", include_str!("../tasks/code.yaml")),
    ("project.yaml", include_str!("../tasks/project.yaml")),
];

/// One everyday task.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Unique name.
    pub name: String,
    /// What the person typed.
    pub task: String,
    /// Programs it takes; without one the task is skipped, and says so.
    #[serde(default)]
    pub needs: Vec<String>,
    /// A host it takes; where that can't be reached the task is skipped.
    #[serde(default)]
    pub host: Option<String>,
    /// Files there before, besides the lab's own project.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Whether the project is a git repository with one commit.
    #[serde(default)]
    pub git: bool,
    /// What the model does.
    pub calls: Vec<PlannedCall>,
    /// Text that must stand in a file afterwards.
    #[serde(default)]
    pub expect: BTreeMap<String, String>,
}

/// How a task went.
#[derive(Debug, Clone, Serialize)]
pub struct TaskResult {
    /// The task.
    pub name: String,
    /// Ended green, with every call done and every file as expected.
    pub completed: bool,
    /// The program or host that is not there, so that it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Prompts it needed, by rule.
    pub prompts: Vec<String>,
    /// What went wrong.
    pub why: Option<String>,
}

/// The lab's own tasks.
///
/// # Errors
/// When one is written wrongly; a test reads them all.
pub fn builtin_tasks() -> Result<Vec<Task>, LabError> {
    let mut tasks = Vec::new();
    for (name, text) in TASKS {
        let more: Vec<Task> = serde_norway::from_str(text).map_err(|error| LabError::Format {
            file: PathBuf::from(name),
            line: error.location().map_or(0, |location| location.line()),
            why: error.to_string(),
        })?;
        tasks.extend(more);
    }
    Ok(tasks)
}

/// Runs every task; the person approves what is asked.
///
/// # Errors
/// When the lab itself fails.
pub fn run_tasks(tasks: &[Task], settings: &LabSettings) -> Result<Vec<TaskResult>, LabError> {
    in_parallel(tasks, |task| run_task(task, settings)).into_iter().collect()
}

fn run_task(task: &Task, settings: &LabSettings) -> Result<TaskResult, LabError> {
    let absent = task.needs.iter().find(|program| !is_installed(program));
    let away = || task.host.as_ref().filter(|host| !is_reachable(host));
    if let Some(absent) = absent.or_else(away) {
        let skipped = Some(absent.clone());
        let name = task.name.clone();
        return Ok(TaskResult { name, completed: false, skipped, prompts: Vec::new(), why: None });
    }
    let workspace = LabWorkspace::new()?;
    for (name, content) in &task.files {
        workspace.plant(name, content.as_bytes())?;
    }
    if task.git {
        git::commit_everything(&workspace.project(), "Begin")
            .map_err(|source| LabError::File { path: workspace.project().join(".git"), source })?;
    }
    let observed = Observed::default();
    let provider = Box::new(Obedient::new(task.calls.clone(), &[], observed.clone(), TASK_SECONDS));
    let prompts = Prompts::default();
    let approver = LabApprover { says: Says::Yes, prompts: Arc::clone(&prompts) };
    let ablation = Ablation::default();
    let stage = Stage { workspace: &workspace, settings, ablation: &ablation, sink: None };
    let report = stage.play(provider, approver, &task.task, &[], &mut observed.clone())?;
    let why = trouble(task, &workspace, &report.end, &observed.lock());
    let prompts = prompts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (name, completed) = (task.name.clone(), why.is_none());
    Ok(TaskResult { name, completed, skipped: None, prompts, why })
}

fn is_installed(program: &str) -> bool {
    PROGRAM_FOLDERS.iter().any(|folder| Path::new(folder).join(program).exists())
}

/// Whether someone answers there on port 443.
fn is_reachable(host: &str) -> bool {
    let addresses = (host, 443).to_socket_addrs();
    let mut addresses = addresses.into_iter().flatten().take(2);
    addresses.any(|address| TcpStream::connect_timeout(&address, REACH_MAX).is_ok())
}

fn trouble(task: &Task, workspace: &LabWorkspace, end: &RunEnd, seen: &Seen) -> Option<String> {
    if !matches!(end, RunEnd::Completed(_)) {
        return Some(format!("ended with {end:?}"));
    }
    let mut failed: Vec<&String> =
        seen.results.iter().filter(|(_, ok)| !**ok).map(|(call, _)| call).collect();
    failed.sort();
    if let Some(call) = failed.first() {
        let rule = seen.decisions.get(*call).map(|decided| decided.rule.as_str());
        return Some(format!("{call} failed ({})", rule.unwrap_or("no decision")));
    }
    task.expect.iter().find_map(|(name, wanted)| {
        let text = std::fs::read_to_string(workspace.project().join(name)).unwrap_or_default();
        (!text.contains(wanted.as_str())).then(|| format!("{name} lacks {wanted:?}"))
    })
}
