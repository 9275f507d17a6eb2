//! Which program is executed as the helper: the one kode carries inside, from
//! sealed memory. Nothing that happens on disk, or from inside the sandbox
//! through `/proc/PID/exe` (the way of CVE-2019-5736), changes what runs.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};

use crate::settings::HelperImage;

/// The helper program alone, see `build.rs`: small and static, so that it
/// starts in a fraction of the time the whole binary takes.
pub(crate) const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kode-sandbox-helper"));

/// Sealed once in a process and kept.
static SEALED: OnceLock<OwnedFd> = OnceLock::new();

/// Where to find what to execute.
pub(crate) fn path(image: &HelperImage) -> io::Result<PathBuf> {
    let program = match image {
        HelperImage::Program(path) => return Ok(path.clone()),
        HelperImage::CurrentProgram => return Ok(PathBuf::from("/proc/self/exe")),
        HelperImage::Embedded => match SEALED.get() {
            Some(program) => program,
            None => {
                let program = sealed()?;
                SEALED.get_or_init(|| program)
            }
        },
    };
    Ok(PathBuf::from(format!("/proc/self/fd/{}", program.as_raw_fd())))
}

/// The program to be read from its beginning, for who copies it.
pub(super) fn data(image: &HelperImage) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path(image)?, flags, Mode::empty())?)
}

/// The program in memory that nobody can change any more.
fn sealed() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = match rustix::fs::memfd_create(c"kode-sandbox-helper", flags | MemfdFlags::EXEC) {
        // Kernels before 6.3 know no such flag; every memory file is executable.
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(c"kode-sandbox-helper", flags)?,
        memory => memory?,
    };
    let mut file = std::fs::File::from(memory);
    file.write_all(PROGRAM)?;
    let memory = OwnedFd::from(file);
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&memory, seals)?;
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_in_memory_is_whole_and_can_not_be_changed() {
        let memory = sealed().unwrap();
        assert_eq!(rustix::fs::fstat(&memory).unwrap().st_size, PROGRAM.len() as i64);
        assert!(PROGRAM.starts_with(b"\x7fELF"));
        assert!(rustix::io::pwrite(&memory, b"x", 0).is_err());
        assert!(rustix::fs::ftruncate(&memory, 0).is_err());
        let again = format!("/proc/self/fd/{}", memory.as_raw_fd());
        let opened = std::fs::File::options().write(true).open(again);
        assert!(opened.is_err() || opened.unwrap().write_all(b"x").is_err());
    }
}
