//! `kode sandbox` starts its sandbox's first process before `main`: what the standard
//! library does first takes a tenth of a millisecond, and that process needs none of it.
//! Anything unusual is left to `main`, which starts one as well as ever.

use std::ffi::{CStr, c_char, c_int};
use std::ops::Range;

use super::process::launch_early;
use crate::helper;

/// What the C library calls before `main`: with the number of arguments, the
/// arguments and the environment (an entry of `.init_array`, as glibc calls it).
pub type BeforeMain = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

/// Has the C library call [`before_main`] at the start of the program this stands in,
/// where that is glibc, which tells it the arguments.
#[macro_export]
macro_rules! start_helper_before_main {
    () => {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        #[allow(unsafe_code, reason = "glibc calls it with what it asks for")]
        #[used]
        #[unsafe(link_section = ".init_array")]
        static BEFORE_MAIN: $crate::BeforeMain = $crate::before_main;
    };
}

/// Starts a first process where the program's first argument is `sandbox`.
///
/// # Safety
/// `arguments` and `environment` must be what the C library hands to entries of
/// `.init_array`: null-terminated lists of strings, alive as long as the process.
pub unsafe extern "C" fn before_main(
    _count: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) {
    // SAFETY: as this function's own.
    let first = unsafe { strings(arguments) }.nth(1);
    if first.is_none_or(|first| first.to_bytes() != b"sandbox") || !has_standard_streams() {
        return;
    }
    // SAFETY: as this function's own.
    let places = unsafe { [extent(strings(arguments)), extent(strings(environment))] };
    if let [Some(arguments), Some(environment)] = places {
        helper::remember_start([arguments, environment]);
        launch_early();
    }
}

/// A null-terminated list of strings.
///
/// # Safety
/// It must be one, alive as long as the process.
unsafe fn strings(list: *const *const c_char) -> impl Iterator<Item = &'static CStr> {
    let mut next = list;
    std::iter::from_fn(move || {
        // SAFETY: not past the null that ends the list, since that stops here.
        let string = unsafe { *next };
        if string.is_null() {
            return None;
        }
        // SAFETY: as above; the list has at least its null behind this entry.
        next = unsafe { next.add(1) };
        // SAFETY: entries of the list are strings.
        Some(unsafe { CStr::from_ptr(string) })
    })
}

/// The memory that strings take which stand one behind the other; `None` where
/// they don't.
fn extent(strings: impl Iterator<Item = &'static CStr>) -> Option<Range<usize>> {
    let mut whole: Option<Range<usize>> = None;
    for string in strings {
        let start = string.as_ptr() as usize;
        let end = start + string.to_bytes_with_nul().len();
        whole = match whole {
            None => Some(start..end),
            Some(before) if before.end == start => Some(before.start..end),
            Some(_) => return None,
        };
    }
    Some(whole.unwrap_or(0..0))
}

/// Where one is closed the standard library opens `/dev/null` for it, and what is
/// opened before would take its number.
fn has_standard_streams() -> bool {
    (0..3).all(|number| {
        // SAFETY: only asks whether the number is open.
        let stream = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        rustix::io::fcntl_getfd(stream).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_apart_have_no_extent() {
        let block: &'static [u8] = b"one\0two\0other\0";
        let at = |from: usize| CStr::from_bytes_until_nul(&block[from..]).unwrap();
        let start = block.as_ptr() as usize;
        assert_eq!(extent([at(0), at(4)].into_iter()), Some(start..start + 8));
        assert_eq!(extent([at(0), at(8)].into_iter()), None);
        assert_eq!(extent([].into_iter()), Some(0..0));
    }
}
