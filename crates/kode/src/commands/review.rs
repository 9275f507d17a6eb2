//! `kode review`: what a session changed; puts files back.

use std::io::IsTerminal;

use kode_audit::AuditLog;
use kode_base::{ExitStatus, ProjectPath, escape_for_terminal};
use kode_config::FlagOverrides;
use kode_gate::{Gate, NoTerminal};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use kode_session::review::Review;
use kode_session::{Session, SessionStore};
use serde_json::json;

use crate::cli::ReviewArguments;
use crate::failure::Failure;
use crate::places::Places;
use crate::render::{Style, touched_line};
use crate::wiring::{session_state, settings};

/// Lists, shows or rejects.
pub(crate) fn run(arguments: &ReviewArguments) -> Result<ExitStatus, Failure> {
    let places = Places::from_environment()?;
    let root = places.project_root()?;
    let files = ProjectFiles::open(&root)?;
    let store = SessionStore::open(&places.kode_home)?;
    let mut session = store.resume(arguments.id.as_deref(), root.path())?;
    if !arguments.reject.is_empty() {
        reject(arguments, &places, &root, &files, &mut session)?;
    }
    let id = session.id().to_owned();
    show(arguments, &mut store.review(&id)?, &id)?;
    Ok(ExitStatus::Success)
}

fn reject(
    arguments: &ReviewArguments,
    places: &Places,
    root: &ProjectRoot,
    files: &ProjectFiles,
    session: &mut Session,
) -> Result<(), Failure> {
    let settings = settings(places, root, FlagOverrides::default())?;
    let audit = AuditLog::open(&places.audit_folder(), session.id())?;
    let state = session_state(places, root, &settings);
    let mut gate = Gate::new(settings.policy, audit, Box::new(NoTerminal), true, state);
    let root_text = root.path().to_string_lossy();
    for text in &arguments.reject {
        let path = ProjectPath::below(&root_text, text).map_err(|error| {
            Failure::new(ExitStatus::Usage, format!("--reject {text}: {error}"))
        })?;
        session.reject(&path, files, &mut gate)?;
    }
    Ok(())
}

/// Shows the session's own record: what it left behind, whatever happened to
/// the files since.
#[expect(clippy::print_stdout, reason = "the command's answer")]
fn show(arguments: &ReviewArguments, review: &mut Review, id: &str) -> Result<(), Failure> {
    let style = Style::detect(std::io::stdout().is_terminal());
    let mut documents = Vec::new();
    let files = review.files();
    for file in &files {
        let diff = review.diff(&file.path);
        if arguments.json {
            documents.push(json!({"file": file, "diff": diff?.unified}));
            continue;
        }
        println!("{}", touched_line(file, style));
        match diff {
            Ok(diff) if !arguments.list && !file.binary => {
                print!("{}", coloured(&escape_for_terminal(&diff.unified), style));
            }
            Ok(_) => {}
            Err(error) => println!("  no diff: {error}"),
        }
    }
    if arguments.json {
        println!("{}", json!({"session": id, "files": documents}));
    } else if files.is_empty() {
        println!("session {id} touched no file");
    }
    Ok(())
}

fn coloured(diff: &str, style: Style) -> String {
    let mut text = String::new();
    for line in diff.lines() {
        let line = match line.as_bytes().first() {
            Some(b'+') => style.green(line),
            Some(b'-') => style.red(line),
            Some(b'@') => style.cyan(line),
            _ => line.to_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}
