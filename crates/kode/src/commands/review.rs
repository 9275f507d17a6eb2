//! `kode review`: what a session changed; puts files back. On a terminal it
//! opens the review screen, anywhere else it prints.

use std::io::IsTerminal;

use kode_base::escape::escape_block;
use kode_base::{ExitStatus, ProjectPath, escape_for_terminal};
use kode_session::review::{FileDiff, Review, ReviewFile};
use kode_session::{SessionError, SessionStore};
use serde_json::{Value, json};

use super::review_screen;
use super::reviewing::{Reviewing, wishes_left};
use crate::cli::ReviewArguments;
use crate::failure::Failure;
use crate::places::Places;
use crate::render::{Style, renamed_line, touched_line};

/// Lists, shows or rejects. Only looking takes no lock, so it also works while
/// the run is going on; only after a kill in the middle of a command it looks first.
pub(crate) fn run(arguments: &ReviewArguments) -> Result<ExitStatus, Failure> {
    let wants_text = arguments.json || arguments.list || !arguments.reject.is_empty();
    if !wants_text && review_screen::is_possible() {
        return review_screen::run(Reviewing::open(arguments.id.as_deref())?);
    }
    if !arguments.reject.is_empty() {
        reject(arguments)?;
    }
    let places = Places::from_environment()?;
    let root = places.project_root()?;
    let store = SessionStore::open(&places.kode_home)?;
    let id = chosen(&store, arguments.id.as_deref(), &root.path().to_string_lossy())?;
    if let Some(text) = wishes_left(&store, &id) {
        tell!("kode: {}", escape_block(&text));
    }
    show(arguments, &mut after_a_kill(&store, &id)?, &id)?;
    Ok(ExitStatus::Success)
}

/// The session's record, with what a command changed that a kill interrupted.
fn after_a_kill(store: &SessionStore, id: &str) -> Result<Review, Failure> {
    let review = store.review(id)?;
    if !review.has_unfinished_command() || store.show(id)?.open_in.is_some() {
        return Ok(review);
    }
    Reviewing::open(Some(id))?.tell();
    Ok(store.review(id)?)
}

fn reject(arguments: &ReviewArguments) -> Result<(), Failure> {
    let mut reviewing = Reviewing::open(arguments.id.as_deref())?;
    reviewing.tell();
    let mut gate = reviewing.gate()?;
    reviewing.session.note_persons_edits(&reviewing.files)?;
    let names: Result<Vec<ProjectPath>, Failure> =
        arguments.reject.iter().map(|text| reviewing.name(text)).collect();
    let Reviewing { session, files, .. } = &mut reviewing;
    let restored = session.reject_each(&names?, files, &mut gate).map_err(|wrong| {
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        let failure = Failure::error(wrong.join("\n"));
        match arguments.reject.len() {
            1 => failure,
            _ => failure.hint("nothing was rejected: all that are named are, or none"),
        }
    })?;
    for text in &restored.not_done {
        tell!("kode: {}", escape_block(text));
    }
    Ok(())
}

/// The named session, or the newest of this project; never another project's.
fn chosen(store: &SessionStore, id: Option<&str>, root: &str) -> Result<String, Failure> {
    let sessions = store.list()?;
    let mut own = sessions.iter().filter(|session| session.project == root);
    let found = match id {
        Some(id) => own.find(|session| session.id.starts_with(id)),
        None => own.next(),
    };
    found.map(|session| session.id.clone()).ok_or_else(|| {
        Failure::error("no such session of this project")
            .hint("`kode session list` shows them all; start kode in the session's project")
    })
}

/// Shows the session's own record: what it left behind, whatever happened to
/// the files since.
fn show(arguments: &ReviewArguments, review: &mut Review, id: &str) -> Result<(), Failure> {
    let style = Style::detect(std::io::stdout().is_terminal());
    let mut documents = Vec::new();
    let files = review.report().files;
    for file in &files {
        let diff = review.diff(&file.file.path);
        if arguments.json {
            documents.push(document(file, diff)?);
            continue;
        }
        say!("{}", reviewed_line(file, style));
        match diff {
            Ok(diff) if !arguments.list && !file.file.binary => {
                say_part!("{}", coloured(&escape_for_terminal(&diff.unified), style));
            }
            Ok(_) => {}
            Err(error) => say!("  no diff: {error}"),
        }
    }
    if arguments.json {
        say!("{}", json!({"session": id, "files": documents}));
    } else if files.is_empty() {
        say!("session {id} touched no file");
    }
    Ok(())
}

/// One file for programs; one that has no diff says why and does not hide the others.
fn document(file: &ReviewFile, diff: Result<FileDiff, SessionError>) -> Result<Value, Failure> {
    let mut told = serde_json::to_value(file).map_err(|error| Failure::error(error.to_string()))?;
    if let Some(told) = told.as_object_mut() {
        if file.renamed_from.is_some() {
            told.insert("change".to_owned(), json!("renamed"));
        }
        name(told, "path", Some(&file.file.path));
        name(told, "renamed_from", file.renamed_from.as_ref());
    }
    Ok(match diff {
        Ok(diff) => json!({"file": told, "diff": diff.unified}),
        Err(error) => json!({"file": told, "diff": null, "error": error.to_string()}),
    })
}

/// A name that is not UTF-8 is told escaped, and its bytes beside it in hexadecimal.
fn name(told: &mut serde_json::Map<String, Value>, key: &str, path: Option<&ProjectPath>) {
    let Some(path) = path.filter(|path| !path.is_utf8()) else { return };
    let bytes: String = path.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    told.insert(key.to_owned(), json!(path.to_string()));
    told.insert(format!("{key}_bytes"), json!(bytes));
}

/// `M path +1 -1`, of a renamed file `R old → new +1 -1`; whose it is, where it is not
/// the agent's.
fn reviewed_line(file: &ReviewFile, style: Style) -> String {
    let line = match &file.renamed_from {
        Some(old) => renamed_line(old, &file.file, style),
        None => touched_line(&file.file, style),
    };
    if file.persons { format!("{line} (yours alone)") } else { line }
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
