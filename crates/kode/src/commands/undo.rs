//! `kode undo` and `kode redo`: takes the agent's steps back and brings them
//! back again, without git. Needs a terminal, so that no agent can do it.

use kode_base::ExitStatus;
use kode_base::ProjectPath;
use kode_session::{Restored, UndoTarget};

use super::reviewing::Reviewing;
use super::terminal::require_terminal;
use crate::cli::{RedoArguments, UndoArguments};
use crate::failure::Failure;

/// Takes back.
pub(crate) fn undo(arguments: &UndoArguments) -> Result<ExitStatus, Failure> {
    require_terminal("undo")?;
    let mut reviewing = Reviewing::open(arguments.id.as_deref())?;
    reviewing.tell();
    let target = match (&arguments.turn, &arguments.path) {
        (Some(turn), _) => UndoTarget::Turn(*turn),
        (None, Some(path)) => UndoTarget::Path(reviewing.path(path)?),
        (None, None) if arguments.reject => UndoTarget::NewestReject,
        (None, None) => UndoTarget::Last,
    };
    let mut gate = reviewing.gate()?;
    let restored = reviewing.session.undo(&target, &reviewing.files, &mut gate)?;
    for why in &restored.not_done {
        tell!("{}", kode_base::escape::escape_line(why));
    }
    Ok(say("took back", &restored))
}

/// Brings back what the newest undo took.
pub(crate) fn redo(arguments: &RedoArguments) -> Result<ExitStatus, Failure> {
    require_terminal("redo")?;
    let mut reviewing = Reviewing::open(arguments.id.as_deref())?;
    reviewing.tell();
    let mut gate = reviewing.gate()?;
    let restored = reviewing.session.redo(&reviewing.files, &mut gate)?;
    Ok(say("brought back", &restored))
}

fn say(what: &str, restored: &Restored) -> ExitStatus {
    for path in &restored.paths {
        let path: &ProjectPath = path;
        say!("{what} {path}");
    }
    ExitStatus::Success
}
