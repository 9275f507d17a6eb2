//! After a command that opened a credential: what it wrote becomes a credential as far
//! as it can be masked, and since no mask lies on names, times, links and what tools
//! keep, every session in the project counts as exposed for a day.

use std::path::{Path, PathBuf};

use super::register::Line;
use super::{COPIES_MAX, Exposure, Seen, Stamp, State, copies, now_s};

/// Bytes of files that are compared before a session's first command.
const COMPARED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Not every command of many writes a line.
const NOTED_EVERY_S: u64 = 60;

impl Seen {
    /// Right after a command, before anything else looks at the files: what was noticed.
    /// False when there is no need to look which credentials appeared meanwhile.
    pub(crate) fn watch_pauses(&self) -> bool {
        let mut state = self.state();
        // With hosts open it could read none: whoever did was not the command.
        state.noticed = state.watch.end().filter(|_| state.is_offline);
        (state.is_after, state.has_appeared) = (state.is_offline, false);
        state.is_offline
    }

    /// Then. What the command wrote is known from now on if it opened a credential.
    ///
    /// `private` are the session's own folders, in which that holds for this session.
    pub(crate) fn watch_ends(&self, private: &[PathBuf]) -> Option<Exposure> {
        let mut state = self.state();
        (state.is_watched, state.is_after) = (false, false);
        let appeared = state.has_appeared.then_some(Exposure::Opened);
        let unseen = state.watch.failure().filter(|_| state.is_offline);
        let exposure = state.noticed.take().or(appeared).or(unseen);
        state.is_exposed |= exposure.is_some();
        let mut kept = Ok(());
        if exposure.is_some() {
            kept = self.keep_copies(&mut state);
            for folder in private {
                keep_private(&mut state, folder);
            }
        }
        if state.is_exposed && state.is_offline {
            kept = kept.and(self.note_exposed(&mut state));
        }
        // Only now, when others can know what it wrote.
        state.running = None;
        match kept {
            Ok(()) => exposure,
            Err(why) => {
                state.lost = Some(why.clone());
                Some(Exposure::Unwatched(why))
            }
        }
    }

    /// The session came to know a credential otherwise than by a command.
    pub(crate) fn is_exposed_from_now_on(&self) {
        let mut state = self.state();
        state.is_exposed = true;
        if let Err(why) = self.note_exposed(&mut state) {
            state.lost = Some(why);
        }
    }

    /// Files in one of the session's private folders that may hold a credential.
    pub(crate) fn copies_in(&self, folder: &Path) -> Vec<PathBuf> {
        let state = self.state();
        if state.private.is_empty() {
            return Vec::new();
        }
        copies::files(folder, &mut |stamp| state.private.contains(&stamp.identity))
    }

    /// What holds what a credential held is one; who it is tells of it from now on.
    ///
    /// # Errors
    /// When that can't be kept.
    pub(crate) fn keep_match(&self, path: &Path, stamp: &Stamp) -> Result<(), String> {
        let mut state = self.state();
        self.keep_copy(&mut state, path, stamp)
    }

    fn keep_copy(&self, state: &mut State, path: &Path, stamp: &Stamp) -> Result<(), String> {
        let counts = self.refresh(state)?.has_counted(path, stamp);
        self.keep(state, path, stamp, counts)?;
        // Read anew, for the next look to find it by its inode.
        state.read_bytes = 0;
        Ok(())
    }

    /// Before a session's first command: what a person copied since the last one is
    /// watched, too. Nothing is compared where no credential was seen before.
    pub(crate) fn look_for_copies(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_compared, true) || self.register.size() == 0 {
            return;
        }
        let Ok(known) = self.refresh(&mut state).cloned() else { return };
        let mut bytes_left = COMPARED_BYTES_MAX;
        for (path, stamp) in copies::of_sizes(&self.root, &known.contents) {
            bytes_left = bytes_left.saturating_sub(stamp.size);
            if bytes_left == 0 {
                return;
            }
            if known.knows(&stamp.identity) || !known.has(&path, &stamp) {
                continue;
            }
            if let Err(why) = self.keep_copy(&mut state, &path, &stamp) {
                state.lost = Some(why);
            }
        }
    }

    /// What a command wrote that had opened a credential.
    fn keep_copies(&self, state: &mut State) -> Result<(), String> {
        let mut copies = copies::since(&self.root, state.watched_since_ns);
        for (path, stamp) in &copies.masked {
            self.keep(state, path, stamp, true)?;
            state.watch.add(path.clone(), stamp);
        }
        let known = self.refresh(state)?;
        copies.open.retain(|(_, stamp)| !known.knows(&stamp.identity));
        let room = COPIES_MAX.saturating_sub(known.copies.len());
        for (path, stamp) in copies.open.into_iter().take(room) {
            self.note(state, Line::Copy(stamp.identity))?;
            state.watch.add(path, &stamp);
        }
        Ok(())
    }

    /// Every session in the project counts as exposed from now on, for a day.
    pub(super) fn note_exposed(&self, state: &mut State) -> Result<(), String> {
        let last_s = self.refresh(state)?.exposed_at_s;
        let now_s = now_s();
        if last_s > 0 && now_s.saturating_sub(last_s) < NOTED_EVERY_S {
            return Ok(());
        }
        self.note(state, Line::Exposed(now_s))
    }
}

/// What it left in a private folder: masked where hosts are open, but for tools' caches,
/// which are watched. More than can be masked keeps hosts shut.
fn keep_private(state: &mut State, folder: &Path) {
    let copies = copies::in_private(folder, state.watched_since_ns);
    if !copies.complete {
        let why = "a command that opened a credential left more files in the session's private \
                   folders (home, /tmp, /dev/shm) than can be masked; start another session";
        state.private_lost = Some(why.to_owned());
    }
    for (path, stamp) in copies.masked {
        state.private.insert(stamp.identity);
        state.watch.add(path, &stamp);
    }
    for (path, stamp) in copies.open {
        state.watch.add(path, &stamp);
    }
}
