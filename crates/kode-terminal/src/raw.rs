//! The terminal's mode while a question stands, and its way back: on return,
//! on a panic (also one that aborts), on a signal.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Marks pastes (xterm, "bracketed paste").
const PASTE_MARKS_ON: &[u8] = b"\x1b[?2004h";
const PASTE_MARKS_OFF: &[u8] = b"\x1b[?2004l";

struct Saved {
    terminal: File,
    modes: Termios,
    paste_marks: bool,
}

/// How the terminal was before the question that stands now.
static SAVED: Mutex<Option<Saved>> = Mutex::new(None);

/// Puts the terminal back as it was before the question that stands now, if
/// one does. Meant for signal-handling threads and panic hooks; a second call
/// does nothing.
pub fn restore_terminal() {
    if let Some(saved) = saved().take() {
        give_back(saved);
    }
}

/// Restores the terminal on a panic in any thread, even where a panic aborts
/// and no destructor runs; then the hook set before goes on. Once a process.
pub(crate) fn restore_on_panic() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |information| {
            // The panicking thread may hold the lock itself: don't wait for it.
            if let Ok(mut saved) = SAVED.try_lock()
                && let Some(saved) = saved.take()
            {
                give_back(saved);
            }
            before(information);
        }));
    });
}

/// Keys come one by one, unechoed, Ctrl-C among them, until this is dropped.
pub(crate) struct RawMode(());

impl RawMode {
    /// Saves the terminal's modes and switches them; what was typed ahead is
    /// thrown away.
    pub(crate) fn enter(terminal: &File, paste_marks: bool) -> io::Result<Self> {
        let mut slot = saved();
        if slot.is_some() {
            return Err(io::Error::other("another question stands on this terminal"));
        }
        let modes = tcgetattr(terminal)?;
        let mut raw = modes.clone();
        raw.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        let copy = terminal.try_clone()?;
        *slot = Some(Saved { terminal: copy, modes, paste_marks });
        drop(slot);
        // From here on, dropping the guard restores.
        let guard = Self(());
        tcsetattr(terminal, OptionalActions::Flush, &raw)?;
        if paste_marks {
            let mut writer = terminal;
            writer.write_all(PASTE_MARKS_ON)?;
        }
        Ok(guard)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore_terminal();
    }
}

fn saved() -> MutexGuard<'static, Option<Saved>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing can be done about a terminal that refuses: it is gone.
fn give_back(saved: Saved) {
    if saved.paste_marks {
        let _ = (&saved.terminal).write_all(PASTE_MARKS_OFF);
    }
    // What arrived meanwhile was meant for the question, not for the shell.
    let _ = tcsetattr(&saved.terminal, OptionalActions::Flush, &saved.modes);
}
