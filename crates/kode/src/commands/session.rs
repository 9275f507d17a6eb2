//! `kode session`: list, show and delete saved sessions.

use kode_base::ExitStatus;
use kode_base::escape::escape_line;
use kode_base::escape_for_terminal;
use kode_session::{SessionStore, SessionSummary};

use crate::cli::SessionCommand;
use crate::failure::Failure;
use crate::places::Places;
use crate::render::{Style, touched_line};

/// Reads or deletes sessions.
pub(crate) fn run(command: &SessionCommand) -> Result<ExitStatus, Failure> {
    let store = SessionStore::open(&Places::from_environment()?.kode_home)?;
    match command {
        SessionCommand::List { json } => list(&store, *json),
        SessionCommand::Show { id, json } => show(&store, id, *json),
        SessionCommand::Delete { id } => delete(&store, id),
    }
}

fn list(store: &SessionStore, json: bool) -> Result<ExitStatus, Failure> {
    let sessions = store.list()?;
    if json {
        for session in &sessions {
            say!("{}", serde_json::to_string(session).map_err(std::io::Error::from)?);
        }
    } else if sessions.is_empty() {
        say!("no sessions yet");
    } else {
        for session in &sessions {
            say!("{}", one_line(session));
        }
    }
    Ok(ExitStatus::Success)
}

fn one_line(session: &SessionSummary) -> String {
    let ended = match session.ended {
        Some(code) => format!("exit {code}"),
        None => "open".to_owned(),
    };
    let task: String = escape_line(&escape_for_terminal(&session.task)).chars().take(60).collect();
    let project = escape_line(&session.project);
    format!("{}  {}  {ended:8}  {project}  {task}", session.id, session.started)
}

fn show(store: &SessionStore, id: &str, json: bool) -> Result<ExitStatus, Failure> {
    let detail = store.show(id)?;
    if json {
        say!("{}", serde_json::to_string(&detail).map_err(std::io::Error::from)?);
        return Ok(ExitStatus::Success);
    }
    say!("{}", one_line(&detail.summary));
    if let Some(pid) = detail.open_in {
        say!("open in process {pid}");
    }
    say!("{} journal entries, {} steps that changed files", detail.journal_entries, detail.steps);
    let style = Style::detect(std::io::IsTerminal::is_terminal(&std::io::stdout()));
    for file in &detail.files {
        say!("  {}", touched_line(file, style));
    }
    Ok(ExitStatus::Success)
}

fn delete(store: &SessionStore, id: &str) -> Result<ExitStatus, Failure> {
    let detail = store.show(id)?;
    store.delete(&detail.summary.id)?;
    say!("deleted session {}", detail.summary.id);
    Ok(ExitStatus::Success)
}
