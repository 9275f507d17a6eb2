//! What a program was started with, wiped from a forked copy of it: arguments
//! and environment stand in its memory, and may hold keys.

use std::io;
use std::ops::Range;
use std::sync::OnceLock;

/// Arguments and environment, for whom the loader told where they stand.
static START: OnceLock<[Range<usize>; 2]> = OnceLock::new();

/// Keeps where arguments and environment stand: the memory the program was started
/// with.
pub(crate) fn remember(places: [Range<usize>; 2]) {
    let _ = START.set(places);
}

/// Overwrites the arguments with `name` and the environment with nothing.
pub(super) fn wipe(name: &str) -> io::Result<()> {
    for range in places()? {
        // SAFETY: the loader or the kernel names these as the strings this program was started
        // with: mapped, writable memory of its stack. No thread but this one
        // runs, and nothing here reads arguments or environment afterwards.
        unsafe { std::ptr::write_bytes(range.start as *mut u8, 0, range.len()) };
    }
    super::kernel::set_process_name(name)
}

fn places() -> io::Result<[Range<usize>; 2]> {
    if let Some(places) = START.get() {
        return Ok(places.clone());
    }
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    ranges(&stat).ok_or_else(|| io::Error::other("/proc/self/stat is odd"))
}

/// Where arguments and environment stand: fields 48 to 51 of proc(5).
fn ranges(stat: &str) -> Option<[Range<usize>; 2]> {
    // The name, in brackets, may itself hold brackets and blanks.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace().skip(45).map(str::parse::<usize>);
    let mut range = || {
        let (start, end) = (fields.next()?.ok()?, fields.next()?.ok()?);
        (0 < start && start <= end).then_some(start..end)
    };
    Some([range()?, range()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_those_the_program_was_started_with() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let [arguments, environment] = ranges(&stat).unwrap();
        let read = |range: Range<usize>| {
            // SAFETY: as above, and only read.
            unsafe { std::slice::from_raw_parts(range.start as *const u8, range.len()) }
        };
        assert_eq!(read(arguments), std::fs::read("/proc/self/cmdline").unwrap());
        assert_eq!(read(environment), std::fs::read("/proc/self/environ").unwrap());
        assert!(ranges("1 (a) b) S 0").is_none());
    }
}
