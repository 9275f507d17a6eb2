//! `kode review` on a terminal: the sidebar and the diffs, with rejects.

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use kode_base::ExitStatus;
use kode_tui::{App, Change, Command, Inputs, Mode, Theme};

use super::desk::Desk;
use super::reviewing::Reviewing;
use crate::failure::Failure;
use crate::places::Places;

/// Something for the desk.
enum Request {
    Load(kode_base::ProjectPath),
    Change(Change),
}

/// Whether a person sits at a terminal that can show more than lines.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !dumb && stdin().is_terminal() && stdout().is_terminal()
}

/// Colours, unless `NO_COLOR` is set.
pub(super) fn theme() -> Theme {
    Theme { colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
}

/// Shows the session's changes until the person leaves.
pub(super) fn run(mut reviewing: Reviewing) -> Result<ExitStatus, Failure> {
    // What a person edited since is theirs from here on.
    if let Err(error) = reviewing.session.note_persons_edits(&reviewing.files)
        && !matches!(error, kode_session::SessionError::NoBase)
    {
        return Err(error.into());
    }
    let session = reviewing.session.id().to_owned();
    drop(reviewing);
    let (inputs, wakes) = kode_tui::channel();
    let places = Places::from_environment()?;
    let desk = Desk { places, session: session.clone(), inputs: inputs.clone() };
    leave_on_signals(&inputs)?;
    let (requests, waiting) = channel();
    thread::Builder::new().name("desk".to_owned()).spawn(move || work(&desk, &waiting))?;
    let app = App::new(Mode::Review, theme()).with_session(&session);
    kode_tui::run(app, &inputs, &wakes, |command| {
        let request = match command {
            Command::Load(path) => Request::Load(path),
            Command::Change(change) => Request::Change(change),
            _ => return,
        };
        // The desk lives as long as the process.
        let _ = requests.send(request);
    })?;
    Ok(ExitStatus::Success)
}

fn work(desk: &Desk, waiting: &Receiver<Request>) {
    desk.send_files();
    while let Ok(request) = waiting.recv() {
        let mut requests = vec![request];
        requests.extend(waiting.try_iter());
        // Only the newest file is looked at.
        let newest = requests.iter().rposition(|request| matches!(request, Request::Load(_)));
        for (at, request) in requests.into_iter().enumerate() {
            match request {
                Request::Load(path) if Some(at) == newest => desk.send_contents(path),
                Request::Load(_) => {}
                Request::Change(change) => drop(desk.apply(&change)),
            }
        }
    }
}

/// The terminal hangs up, or someone ends kode: leave cleanly.
pub(super) fn leave_on_signals(inputs: &Inputs) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let inputs = inputs.clone();
    let wait = move || signals.forever().for_each(|_| inputs.send(kode_tui::Input::Quit));
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
