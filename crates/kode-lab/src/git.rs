//! A small git repository written by hand: objects, one branch, no hook. The
//! lab runs no git on the host, and the sandbox lets no command make a
//! repository, so the lab writes one (SHA-256 object format, stored zlib
//! blocks).

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const CONFIG: &str = "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = false\n\
                      [extensions]\n\tobjectformat = sha256\n[user]\n\tname = Lab\n\
                      \temail = lab@example.invalid\n";

/// Makes `project` a repository whose one commit holds its files and carries
/// `message`.
pub(crate) fn commit_everything(project: &Path, message: &str) -> io::Result<()> {
    let git = project.join(".git");
    // The last two as git makes them; a sandbox would.
    for folder in ["objects", "refs/heads", "info", "hooks"] {
        make_folder(&git.join(folder))?;
    }
    put(&git.join("HEAD"), b"ref: refs/heads/main\n")?;
    put(&git.join("config"), CONFIG.as_bytes())?;
    let mut index = Vec::new();
    let tree = tree(&git, project, "", &mut index)?;
    put(&git.join("index"), &index_file(index))?;
    let who = "Lab <lab@example.invalid> 1780000000 +0000";
    let text = format!("tree {}\nauthor {who}\ncommitter {who}\n\n{message}\n", hex(&tree));
    let commit = object(&git, "commit", text.as_bytes())?;
    put(&git.join("refs/heads/main"), format!("{}\n", hex(&commit)).as_bytes())
}

/// Path and blob of every file, for the index.
type Indexed = Vec<(String, [u8; 32])>;

fn tree(git: &Path, folder: &Path, below: &str, index: &mut Indexed) -> io::Result<[u8; 32]> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let kind = entry.file_type()?;
        if name == ".git" || name == ".env" {
            continue;
        }
        if kind.is_dir() {
            entries.push((
                format!("{name}/"),
                "40000",
                tree(git, &entry.path(), &format!("{below}{name}/"), index)?,
            ));
        } else if kind.is_file() {
            let id = object(git, "blob", &std::fs::read(entry.path())?)?;
            index.push((format!("{below}{name}"), id));
            entries.push((name, "100644", id));
        }
    }
    // git sorts a folder as if its name ended in a slash.
    entries.sort();
    let mut bytes = Vec::new();
    for (name, mode, id) in entries {
        bytes.extend_from_slice(format!("{mode} {}\0", name.trim_end_matches('/')).as_bytes());
        bytes.extend_from_slice(&id);
    }
    object(git, "tree", &bytes)
}

fn object(git: &Path, kind: &str, content: &[u8]) -> io::Result<[u8; 32]> {
    let mut bytes = format!("{kind} {}\0", content.len()).into_bytes();
    bytes.extend_from_slice(content);
    let id: [u8; 32] = Sha256::digest(&bytes).into();
    let name = hex(&id);
    let folder = git.join("objects").join(&name[..2]);
    make_folder(&folder)?;
    put(&folder.join(&name[2..]), &stored_zlib(&bytes))?;
    Ok(id)
}

/// An index of version 2 without file times, so that git looks at each file.
fn index_file(mut entries: Indexed) -> Vec<u8> {
    entries.sort();
    let mut bytes = b"DIRC\0\0\0\x02".to_vec();
    bytes.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (path, id) in entries {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 24]);
        bytes.extend_from_slice(&0o100_644_u32.to_be_bytes());
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(&id);
        let length = u16::try_from(path.len().min(0xfff)).unwrap_or(0xfff);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(path.as_bytes());
        // One to eight NUL bytes, up to a multiple of eight.
        let padding = 8 - (bytes.len() - start) % 8;
        bytes.resize(bytes.len() + padding, 0);
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4).
fn stored_zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    stream.extend_from_slice(&(high << 16 | low).to_be_bytes());
    stream
}

fn hex(id: &[u8; 32]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(clippy::disallowed_methods, reason = "the lab's own throw-away folder")]
fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[expect(clippy::disallowed_methods, reason = "the lab's own throw-away folder")]
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}
