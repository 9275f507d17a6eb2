//! A container's private folder: kode's static program, the socket that the
//! supervisor connects to, and what is laid over secrets. Nobody else of the
//! host can reach it, since the folder above it is the user's alone.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::accounts;
use crate::container_plan::SUPERVISOR_NAME;
use crate::native::HELPER_PROGRAM;
use crate::network::pkcs12;
use crate::plan::{CERTIFICATES_NAME, FOLDER, JAVA_CERTIFICATES_NAME};

/// Begins the name of every such folder; the process id follows.
const PREFIX: &str = "container-";
/// The same for the mounts from which a container's project is mounted. They
/// are root's, and far from everything that kode or a person removes with what
/// is in it.
const MOUNTS_PREFIX: &str = "kode-mounts-";
const MOUNTS_PLACE: &str = "/run";
/// Who there is, in the container.
pub(super) const PASSWD: &str = "passwd";
pub(super) const GROUP: &str = "group";
/// The socket's name.
pub(super) const SOCKET_NAME: &str = "control.sock";
/// Entries of a folder that are looked through.
const ENTRIES_MAX: usize = 4096;
/// A file that nobody can read.
pub(super) const MASK_NAME: &str = "mask";
/// A file with nothing in it.
const EMPTY_NAME: &str = "empty";
/// Trusted certificates, with the fetcher's of the present command.
const CERTIFICATES_FOLDER_NAME: &str = "certificates";
/// The system-call filter, for Docker.
const PROFILE_NAME: &str = "seccomp.json";
/// Copies of `--ctx` files.
const CONTEXT_NAME: &str = "context";

/// What the container's processes are held to besides; made from the rules of
/// the native filter.
const PROFILE: &str = include_str!("../../data/seccomp.json");

/// The folder and the socket in it.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    pub(super) path: PathBuf,
    pub(super) listener: UnixListener,
}

/// What a container and its folder are called after.
#[derive(Debug)]
pub(super) struct Identifier(String);

impl Identifier {
    /// A new one, of this process.
    pub(super) fn new() -> io::Result<Self> {
        let random = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self(format!("{}-{random:016x}", std::process::id())))
    }

    /// What the container is called.
    pub(super) fn container(&self) -> String {
        container_name(&self.0)
    }

    /// Where the private folder is.
    pub(super) fn folder(&self, runtime: &Path) -> PathBuf {
        runtime.join(format!("{PREFIX}{}", self.0))
    }

    /// Where root's project is mounted for Docker while the container starts.
    pub(super) fn mounts(&self) -> PathBuf {
        Path::new(MOUNTS_PLACE).join(format!("{MOUNTS_PREFIX}{}", self.0))
    }
}

impl PrivateFolder {
    /// Makes it where [`Identifier::folder`] says; whoever was told of that
    /// place removes it.
    pub(super) fn make(
        runtime: &Path,
        identifier: &Identifier,
        (user, group): (u32, u32),
    ) -> io::Result<Self> {
        let path = identifier.folder(runtime);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(runtime)?;
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let listener = fill(&path)?;
        place(&path.join(PASSWD), accounts::passwd(user, group).as_bytes(), 0o444)?;
        place(&path.join(GROUP), accounts::group(group).as_bytes(), 0o444)?;
        Ok(Self { path, listener })
    }

    /// The system-call filter for Docker's command.
    pub(super) fn profile(&self) -> PathBuf {
        self.path.join(PROFILE_NAME)
    }

    /// The file that is laid over secrets.
    pub(super) fn mask(&self) -> PathBuf {
        self.path.join(MASK_NAME)
    }

    /// An empty file that everybody can read.
    pub(super) fn empty(&self) -> PathBuf {
        self.path.join(EMPTY_NAME)
    }

    /// One of the two lists of who there is.
    pub(super) fn accounts(&self, list: &str) -> PathBuf {
        self.path.join(list)
    }

    /// The list of trusted certificates itself.
    pub(super) fn certificate_list(&self) -> PathBuf {
        self.certificates().join(CERTIFICATES_NAME)
    }

    /// The folder with the list of trusted certificates.
    pub(super) fn certificates(&self) -> PathBuf {
        self.path.join(CERTIFICATES_FOLDER_NAME)
    }

    /// Copies a file so that commands can read it, by one of
    /// [`context_names`].
    ///
    /// # Errors
    /// When it is no ordinary file, such as a socket, or larger than 64 MiB.
    pub(super) fn take_in(&self, file: &Path, name: &str) -> io::Result<()> {
        const BYTES_MAX: u64 = 64 * 1024 * 1024;
        let folder = self.path.join(CONTEXT_NAME);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let source = fs::File::from(rustix::fs::open(file, flags, Mode::empty())?);
        let metadata = source.metadata()?;
        if !metadata.is_file() || metadata.len() > BYTES_MAX {
            return Err(io::Error::other("only ordinary files up to 64 MiB can be handed over"));
        }
        if !folder.is_dir() {
            fs::DirBuilder::new().mode(0o755).create(&folder)?;
            open_to_all(&folder, 0o755)?;
        }
        copy_into(source.take(BYTES_MAX), &folder.join(name))
    }
}

/// Where commands in a container find the copies of these files, in their order:
/// by their own names, with a number before those that come again.
pub fn context_places(files: &[PathBuf]) -> Vec<String> {
    context_names(files).into_iter().map(|name| format!("{FOLDER}/{CONTEXT_NAME}/{name}")).collect()
}

pub(super) fn context_names(files: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let own = file.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
        let own = own.replace(|c: char| c.is_control() || c == '/', "_");
        // The kernel takes names of 255 bytes.
        let end = own.floor_char_boundary(200);
        let own = own[..end].to_owned();
        let taken = names.contains(&own);
        names.push(if taken { format!("{}-{own}", number + 1) } else { own });
    }
    names
}

/// Puts a list of certificates where commands find it. The files stay the same
/// ones: they are mounted over the image's own list, too. No command runs now.
#[expect(clippy::disallowed_methods, reason = "kode's own folder, outside every project")]
pub(super) fn trust(folder: &Path, certificates: &str) -> io::Result<()> {
    let folder = folder.join(CERTIFICATES_FOLDER_NAME);
    let java = pkcs12(certificates);
    let lists = [(CERTIFICATES_NAME, certificates.as_bytes()), (JAVA_CERTIFICATES_NAME, &java)];
    for (name, content) in lists {
        let path = folder.join(name);
        match fs::OpenOptions::new().write(true).truncate(true).open(&path) {
            Ok(mut file) => io::Write::write_all(&mut file, content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // An ordinary user must be able to write it again.
                place(&path, content, 0o644)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn fill(path: &Path) -> io::Result<UnixListener> {
    place(&path.join(SUPERVISOR_NAME), HELPER_PROGRAM, 0o555)?;
    place(&path.join(PROFILE_NAME), PROFILE.as_bytes(), 0o444)?;
    place(&path.join(MASK_NAME), b"", 0o000)?;
    place(&path.join(EMPTY_NAME), b"", 0o444)?;
    let certificates = path.join(CERTIFICATES_FOLDER_NAME);
    fs::DirBuilder::new().mode(0o755).create(&certificates)?;
    open_to_all(&certificates, 0o755)?;
    trust(path, "")?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder: OwnedFd = rustix::fs::open(path, flags, Mode::empty())?;
    // A socket's name may have 107 bytes at most; this one always fits.
    let short = format!("/proc/self/fd/{}/{SOCKET_NAME}", folder.as_raw_fd());
    let listener = UnixListener::bind(&short)?;
    listener.set_nonblocking(true)?;
    open_to_all(&path.join(SOCKET_NAME), 0o666)?;
    open_to_all(path, 0o755)?;
    Ok(listener)
}

#[expect(clippy::disallowed_methods, reason = "kode's own folder, outside every project")]
fn place(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    use io::Write;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[expect(clippy::disallowed_methods, reason = "kode's own folder, outside every project")]
fn copy_into(mut source: impl io::Read, target: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    io::copy(&mut source, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

#[expect(clippy::disallowed_methods, reason = "kode's own folder, outside every project")]
fn open_to_all(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[expect(clippy::disallowed_methods, reason = "kode's own folder, outside every project")]
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
}

/// Containers that sessions left whose process and keeper were both killed:
/// their names, and their folders.
pub(super) fn containers_left(runtime: &Path) -> Vec<(String, PathBuf)> {
    let name = |(identifier, path): (String, PathBuf)| (container_name(&identifier), path);
    stale(runtime, PREFIX).into_iter().map(name).collect()
}

/// Folders with mounts of projects that such sessions left.
pub(super) fn mounts_left() -> Vec<PathBuf> {
    stale(Path::new(MOUNTS_PLACE), MOUNTS_PREFIX).into_iter().map(|(_, path)| path).collect()
}

/// What this user's processes that are gone left in `place`, by identifier.
fn stale(place: &Path, prefix: &str) -> Vec<(String, PathBuf)> {
    let own = rustix::process::geteuid().as_raw();
    let identified = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let identifier = name.strip_prefix(prefix)?.to_owned();
        let process: u32 = identifier.split('-').next()?.parse().ok()?;
        let is_own = entry.metadata().ok().filter(|found| found.is_dir())?.uid() == own;
        let alive = Path::new(&format!("/proc/{process}")).exists();
        (is_own && !alive).then(|| (identifier, entry.path()))
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.take(ENTRIES_MAX).filter_map(identified).collect()
}

/// What a container is called.
fn container_name(identifier: &str) -> String {
    format!("kode-{identifier}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_keep_apart() {
        let files = ["/a/x.md", "/b/x.md", "y", "/c/x.md"].map(PathBuf::from);
        let inside = |name: &str| format!("/kode/context/{name}");
        let expected = ["x.md", "2-x.md", "y", "4-x.md"].map(inside);
        assert_eq!(context_places(&files), expected);
    }

    #[test]
    fn only_ordinary_files_are_taken_in() {
        let home = tempfile::tempdir().unwrap();
        let folder =
            PrivateFolder::make(&home.path().join("run"), &Identifier::new().unwrap(), (1, 1))
                .unwrap();
        let socket = home.path().join("a.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(folder.take_in(&socket, "a").is_err());
        assert!(folder.take_in(Path::new("/dev/zero"), "b").is_err());
        assert!(folder.take_in(home.path(), "c").is_err());
        folder.take_in(Path::new("/proc/version"), "d").unwrap();
        assert!(folder.path.join("context/d").is_file());
    }
}
