//! The part of the new root that is the same for every project: system
//! programs, the few files of `/etc` that programs need, devices, and private
//! home and temporary folders. Never shadow, ssh or sudoers.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Access, Identity, Step, bind, canonical_bind};

const MEBIBYTE: u64 = 1024 * 1024;

/// Size of each private folder in memory; never more than this part of the
/// memory limit, so that full folders leave room for processes.
const FOLDER_PART_OF_MEMORY: u64 = 8;
const HOME_BYTES_MAX: u64 = 2048 * MEBIBYTE;
const TEMPORARY_BYTES_MAX: u64 = 4096 * MEBIBYTE;
const SHARED_MEMORY_BYTES_MAX: u64 = 1024 * MEBIBYTE;

/// System folders shown read-only; where the host has a link, so has the
/// inside.
const SYSTEM_FOLDERS: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/// What programs need of `/etc` to find libraries, certificates, names, time
/// zones and alternatives. Nothing here is private on any distribution.
const CONFIGURATION: &[&str] = &[
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/maven",
    "/etc/ImageMagick-6",
    "/etc/ImageMagick-7",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/protocols",
    "/etc/python3",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
];

/// Small files of `/etc` whose content is copied in, which costs less than a mount: only
/// what everybody may read. Not `/etc/profile`, which would take toolchains off `PATH`
/// that a login shell outside finds again in the hidden home; nothing that can hold
/// keys (`/etc/npmrc`, `/etc/chromium.d/apikeys`) or that programs outside are run by.
const COPIED: &[&str] = &[
    "/etc/chromium.d/default-flags",
    "/etc/chromium.d/dev-shm",
    "/etc/chromium.d/extensions",
    "/etc/debian_version",
    "/etc/groff/man.local",
    "/etc/groff/mdoc.local",
    "/etc/host.conf",
    "/etc/inputrc",
    "/etc/locale.alias",
    "/etc/lsb-release",
    "/etc/magic",
    "/etc/manpath.config",
    "/etc/nginx/mime.types",
    "/etc/papersize",
];

/// No copied file is larger.
const COPIED_BYTES_MAX: u64 = 64 * 1024;

/// The folder of PHP's versions, and what of each is shown: not the settings of servers,
/// which may hold their passwords.
const PHP: &str = "/etc/php";
const PHP_PARTS: &[&str] = &["cli", "mods-available"];

const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

const DEVICE_LINKS: &[(&str, &str)] = &[
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Private, writable folders besides home.
const TEMPORARY_FOLDERS: &[&str] = &["/tmp", "/var/tmp"];

/// The steps, outer folders first.
pub(super) fn steps(identity: &Identity, home: &str, memory_bytes_max: u64) -> Vec<Step> {
    let tmpfs = |path: &str, bytes_max: u64, mode: u32| Step::Tmpfs {
        path: path.to_owned(),
        bytes_max: bytes_max.min(memory_bytes_max / FOLDER_PART_OF_MEMORY),
        mode,
    };
    let mut steps = Vec::new();
    for folder in SYSTEM_FOLDERS {
        steps.extend(shown(folder));
    }
    for path in CONFIGURATION {
        steps.extend(shown(path));
    }
    steps.extend(COPIED.iter().filter_map(|path| copied(Path::new(path))));
    steps.extend(php());
    steps.extend(written_configuration(identity, home));
    steps.push(Step::Folder { path: "/dev/pts".to_owned(), mode: 0o755 });
    for device in DEVICES {
        let path = format!("/dev/{device}");
        steps.extend(canonical_bind(Path::new(&path), &path, Access::Device, None));
    }
    for (path, target) in DEVICE_LINKS {
        steps.push(Step::Link { path: (*path).to_owned(), target: (*target).to_owned() });
    }
    steps.push(Step::Terminals);
    steps.push(tmpfs("/dev/shm", SHARED_MEMORY_BYTES_MAX, 0o1777));
    for folder in TEMPORARY_FOLDERS {
        steps.push(tmpfs(folder, TEMPORARY_BYTES_MAX, 0o1777));
    }
    steps.push(tmpfs(home, HOME_BYTES_MAX, 0o700));
    steps
}

/// Folders of [`steps`] that stay writable.
pub(super) fn writable_folders(home: &str) -> Vec<String> {
    let mut folders: Vec<String> = TEMPORARY_FOLDERS.iter().map(|&path| path.to_owned()).collect();
    folders.push("/dev".to_owned());
    folders.push(home.to_owned());
    folders
}

/// A host path as it is: a link stays a link.
fn shown(path: &str) -> Option<Step> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_symlink() {
        // `/etc`, `/usr` and the like are no links themselves, or the helper
        // refuses the step.
        return canonical_bind(Path::new(path), path, Access::ReadOnly, None);
    }
    let target = fs::canonicalize(path).ok()?;
    if target.starts_with("/usr") {
        let link = fs::read_link(path).ok()?;
        return Some(Step::Link { path: path.to_owned(), target: link.to_str()?.to_owned() });
    }
    bind(&target, path, Access::ReadOnly, None)
}

/// A copy of an ordinary file that everybody may read.
fn copied(path: &Path) -> Option<Step> {
    let metadata = fs::metadata(path).ok()?;
    let is_public = metadata.is_file() && metadata.mode() & 0o004 != 0;
    if !is_public || metadata.len() > COPIED_BYTES_MAX {
        return None;
    }
    let content = fs::read_to_string(path).ok()?;
    Some(Step::File { path: path.to_str()?.to_owned(), content })
}

fn php() -> Vec<Step> {
    let versions = fs::read_dir(PHP).into_iter().flatten().flatten();
    let names = versions.filter_map(|version| version.file_name().into_string().ok());
    let parts =
        names.flat_map(|name| PHP_PARTS.iter().map(move |part| format!("{PHP}/{name}/{part}")));
    parts.filter_map(|path| shown(&path)).collect()
}

fn written_configuration(identity: &Identity, home: &str) -> Vec<Step> {
    let Identity { inside_user: user, inside_group: group, name, .. } = identity;
    let file = |path: &str, content: String| Step::File { path: path.to_owned(), content };
    let passwd = format!(
        "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n\
         {name}:x:{user}:{group}:{name}:{home}:/bin/bash\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    );
    let groups = format!("root:x:0:\n{name}:x:{group}:\nnogroup:x:65534:\n");
    vec![
        file("/etc/passwd", passwd),
        file("/etc/group", groups),
        file("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 kode\n::1 localhost\n".to_owned()),
        file("/etc/hostname", "kode\n".to_owned()),
        file("/etc/resolv.conf", "# no network in here\n".to_owned()),
        file(
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"
                .to_owned(),
        ),
        file("/etc/shells", "/bin/sh\n/bin/bash\n".to_owned()),
        file("/etc/machine-id", "00000000000000000000000000000000\n".to_owned()),
    ]
}
