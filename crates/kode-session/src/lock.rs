//! One kode a session. The kernel's lock tells whether its holder lives; the
//! process number in the file only says who it is.

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use kode_audit::private::{open_to_read, open_to_write};

use crate::SessionError;
use crate::error::at;

/// Children of a killed kode may hold its lock for a moment longer.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// Takes the lock for as long as the file stays open, or says who has it.
pub(crate) fn acquire(path: &Path, session: &str) -> Result<File, SessionError> {
    let file = open_to_write(path).map_err(at(path))?;
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                let holder = read_number(&file).unwrap_or_default();
                return Err(SessionError::Busy(session.to_owned(), holder));
            }
        }
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all_at(number.as_bytes(), 0)).map_err(at(path))?;
    Ok(file)
}

/// The living process that holds the lock, if one does.
pub(crate) fn holder(path: &Path) -> Option<u32> {
    let file = open_to_read(path).ok()??;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_number(&file),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read_number(mut file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    let _ = &mut file;
    text.trim().parse().ok()
}
