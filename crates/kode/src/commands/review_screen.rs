//! `kode review` on a terminal: the sidebar and the diffs, with rejects.

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use kode_base::ExitStatus;
use kode_tui::{App, Background, Command, Input, Inputs, Mode, Theme};

use super::desk::Desk;
use super::editor::edit;
use super::reviewing::Reviewing;
use crate::failure::Failure;
use crate::places::Places;

/// Whether a person sits at a terminal that can show more than lines.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !dumb && stdin().is_terminal() && stdout().is_terminal()
}

/// Colours, unless `NO_COLOR` is set; tints where the background is known.
pub(super) fn theme() -> Theme {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let has_256 = variable("TERM").contains("256color") || !variable("COLORTERM").is_empty();
    let background = match has_256 {
        true => background(&variable("COLORFGBG")),
        false => Background::Unknown,
    };
    Theme { colour: variable("NO_COLOR").is_empty(), background }
}

/// What terminals tell in `COLORFGBG`: the numbers of their own colours, the
/// background's last. 7 and 15 are the light ones.
fn background(colours: &str) -> Background {
    match colours.rsplit(';').next().and_then(|last| last.parse::<u8>().ok()) {
        Some(7 | 15) => Background::Light,
        Some(0..=6 | 8) => Background::Dark,
        _ => Background::Unknown,
    }
}

/// Shows the session's changes until the person leaves.
pub(super) fn run(mut reviewing: Reviewing) -> Result<ExitStatus, Failure> {
    // What a person edited since is theirs from here on.
    if let Err(error) = reviewing.session.note_persons_edits(&reviewing.files)
        && !matches!(error, kode_session::SessionError::NoBase)
    {
        return Err(error.into());
    }
    let (session, notice) = (reviewing.session.id().to_owned(), reviewing.notice.take());
    drop(reviewing);
    let (inputs, wakes) = kode_tui::channel();
    notice.into_iter().for_each(|text| inputs.send(Input::Notice(text)));
    let places = Places::from_environment()?;
    let desk = Desk { places, session: session.clone(), inputs: inputs.clone() };
    leave_on_signals(&inputs)?;
    let (requests, waiting) = channel();
    let at_desk = desk.clone();
    thread::Builder::new().name("desk".to_owned()).spawn(move || work(&at_desk, &waiting))?;
    let app = App::new(Mode::Review, theme()).with_session(&session);
    kode_tui::run(app, &inputs, &wakes, |command| {
        if let Command::Edit(path) = &command {
            if let Err(failure) = edit(&desk.places, path) {
                inputs.send(Input::Done(Err(failure.into_parts().0)));
            }
            let _ = requests.send(Command::Refresh);
            return;
        }
        // The desk lives as long as the process.
        let _ = requests.send(command);
    })?;
    Ok(ExitStatus::Success)
}

fn work(desk: &Desk, waiting: &Receiver<Command>) {
    desk.send_files();
    desk.send_findings();
    desk.tell_wishes_left();
    while let Ok(request) = waiting.recv() {
        let mut requests = vec![request];
        requests.extend(waiting.try_iter());
        // Only the newest file is looked at.
        let newest = requests.iter().rposition(|request| matches!(request, Command::Load(_)));
        for (at, request) in requests.into_iter().enumerate() {
            match request {
                Command::Load(path) if Some(at) == newest => desk.send_contents(path, true),
                Command::Change(change) => drop(desk.apply(&change)),
                Command::Refresh => desk.refresh(true),
                Command::Mark { path, state, reviewed } => desk.mark(&path, &state, reviewed),
                _ => {}
            }
        }
    }
}

/// The terminal hangs up, or someone ends kode: leave cleanly. Where the loop does not
/// follow, a second `SIGQUIT` or `SIGABRT` ends kode as it would any program, with the
/// terminal given back.
pub(super) fn leave_on_signals(inputs: &Inputs) -> std::io::Result<()> {
    use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let known = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT];
    let mut signals = signal_hook::iterator::Signals::new(known)?;
    let inputs = inputs.clone();
    let mut insisted = false;
    let wait = move || {
        for signal in signals.forever() {
            inputs.send(kode_tui::Input::Quit);
            if matches!(signal, SIGQUIT | SIGABRT) && std::mem::replace(&mut insisted, true) {
                kode_tui::restore_terminal();
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
