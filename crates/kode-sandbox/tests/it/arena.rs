//! What escape attempts are judged by: canaries, listeners and a victim outside
//! the sandbox, all in a temporary folder or on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::Place;

/// Files of the home that hold the secret.
const SECRETS: &[&str] = &[
    ".ssh/id_ed25519",
    ".aws/credentials",
    ".netrc",
    ".npmrc",
    ".config/gh/hosts.yml",
    ".docker/config.json",
    ".cargo/credentials.toml",
    ".bash_history",
    ".kode/config.json",
    ".gitconfig.private",
    "sibling/secret.txt",
];

/// The breach of an attempt that only printed so.
const SAYS_SO: &str = "says so itself";

pub(crate) struct Arena {
    pub(crate) place: Place,
    secret: String,
    survivor: String,
    abstract_name: String,
    blob: String,
    shared_memory: PathBuf,
    segment_key: i32,
    segment: i32,
    victim: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    daemon: UnixListener,
    log: UnixDatagram,
    hidden: UnixListener,
    _inherited: OwnedFd,
    before: BTreeMap<PathBuf, String>,
    git_before: BTreeMap<PathBuf, String>,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let id = format!("{:08x}", getrandom::u32().unwrap());
        let secret = format!("canary-secret-{id}");
        lay_out(&place, &secret);
        let outside = place.path().join("outside");
        let abstract_name = format!("kode-canary-{id}");
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let hidden = UnixListener::bind_addr(&address).unwrap();
        let daemon = UnixListener::bind(outside.join("docker.sock")).unwrap();
        let log = UnixDatagram::bind(outside.join("log.sock")).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for listener in [&hidden, &daemon] {
            listener.set_nonblocking(true).unwrap();
        }
        log.set_nonblocking(true).unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let shared_memory = PathBuf::from(format!("/dev/shm/kode-canary-{id}"));
        fs::write(&shared_memory, &secret).unwrap();
        let inherited: OwnedFd = fs::File::open(place.home().join(SECRETS[0])).unwrap().into();
        rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).unwrap();
        let segment_key = i32::from_str_radix(&id[..7], 16).unwrap() | 1;
        let blob = git(&place.home().join("sibling"), &["rev-parse", "HEAD:secret.txt"]);
        let mut arena = Self {
            victim: victim(&place, &secret),
            segment: segment(segment_key, &secret),
            place,
            secret,
            survivor: format!("kode-survivor-{id}"),
            abstract_name,
            blob,
            shared_memory,
            segment_key,
            tcp,
            udp,
            daemon,
            log,
            hidden,
            _inherited: inherited,
            before: BTreeMap::new(),
            git_before: BTreeMap::new(),
        };
        arena.remember();
        arena
    }

    /// Fills in what an attempt needs to know.
    pub(crate) fn fill(&self, text: &str) -> String {
        let outside = self.place.path().join("outside");
        let values = [
            ("home", self.place.home().display().to_string()),
            ("outside", outside.display().to_string()),
            ("secret", self.secret.clone()),
            ("survivor", self.survivor.clone()),
            ("abstract", self.abstract_name.clone()),
            ("blob", self.blob.clone()),
            ("segment", self.segment_key.to_string()),
            ("victim", self.victim.id().to_string()),
            ("tcp", self.tcp.local_addr().unwrap().port().to_string()),
            ("udp", self.udp.local_addr().unwrap().port().to_string()),
        ];
        let fill = |text: String, (name, value): &(&str, String)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        };
        values.iter().fold(text.to_owned(), fill)
    }

    /// Every trace an attempt left, and a clean arena again.
    pub(crate) fn breaches(&mut self, output: &str) -> Vec<String> {
        let mut breaches = Vec::new();
        // Names of files are no secret, the canary itself is.
        // At the start of a line: shells print the text of commands that died.
        if output.lines().any(|line| line.starts_with("ESCAPED")) {
            breaches.push(SAYS_SO.to_owned());
        }
        if output.contains(&self.secret) {
            breaches.push("read the secret".to_owned());
        }
        if self.project_holds_secret() {
            breaches.push("took the secret into the project".to_owned());
        }
        let changed = differences(&self.before, &self.outside_state());
        breaches.extend(changed.into_iter().map(|path| format!("changed {path}")));
        let forged = differences(&self.git_before, &git_state(&self.place.project()));
        breaches.extend(forged.into_iter().map(|path| format!("forged {path}")));
        breaches.extend(set_id_files(&self.place.project()));
        breaches.extend(self.heard());
        breaches.extend(self.victim_harmed());
        breaches.extend(end_survivors(&self.survivor));
        // Words alone leave nothing to clean up.
        if breaches.iter().any(|breach| breach != SAYS_SO) {
            self.restore();
        }
        breaches
    }

    fn remember(&mut self) {
        self.before = self.outside_state();
        self.git_before = git_state(&self.place.project());
    }

    fn restore(&mut self) {
        lay_out(&self.place, &self.secret);
        self.remember();
    }

    /// Everything in the arena but the project, and the host's shared memory.
    fn outside_state(&self) -> BTreeMap<PathBuf, String> {
        let mut state = BTreeMap::new();
        let project = self.place.project();
        walk(self.place.path(), &mut |path| {
            // A container's private folder, and who runs here, are kode's own to say.
            let own = ["run", "running-sandboxes"];
            let own = own.map(|name| self.place.home().join(".kode").join(name));
            if path.starts_with(&project) || own.iter().any(|own| path.starts_with(own)) {
                return;
            }
            // Reading the sibling with git touches nothing but its folder.
            state.insert(path.to_owned(), fingerprint(path));
        });
        state.insert(self.shared_memory.clone(), fingerprint(&self.shared_memory));
        state
    }

    fn project_holds_secret(&self) -> bool {
        let mut holds = false;
        walk(&self.place.project(), &mut |path| {
            let regular = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
            if regular && fs::read(path).is_ok_and(|bytes| contains(&bytes, &self.secret)) {
                holds = true;
                let _ = fs::remove_file(path);
            }
        });
        holds
    }

    fn heard(&self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut buffer = [0; 100];
        let mut note = |name: &str, yes: bool| {
            if yes {
                heard.push(format!("reached the {name}"));
            }
        };
        note("local server", self.tcp.accept().is_ok());
        note("local datagram server", self.udp.recv(&mut buffer).is_ok());
        note("daemon", self.daemon.accept().is_ok());
        note("abstract socket", self.hidden.accept().is_ok());
        note("log socket", self.log.recv(&mut buffer).is_ok());
        heard
    }

    fn victim_harmed(&mut self) -> Vec<String> {
        let mut harm = Vec::new();
        let signalled = self.place.path().join("signalled");
        if signalled.exists() {
            harm.push("signalled the victim".to_owned());
            fs::remove_file(signalled).unwrap();
        }
        if self.victim.try_wait().unwrap().is_some() {
            harm.push("killed the victim".to_owned());
            self.victim = victim(&self.place, &self.secret);
        }
        harm
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = fs::remove_file(&self.shared_memory);
        // SAFETY: removes the segment made in `segment`, by its own id.
        unsafe { libc::shmctl(self.segment, libc::IPC_RMID, std::ptr::null_mut()) };
        let _ = end_survivors(&self.survivor);
    }
}

fn lay_out(place: &Place, secret: &str) {
    let home = place.home();
    let outside = place.path().join("outside");
    for stale in ["planted", "planted/x"] {
        let _ = fs::remove_file(outside.join(stale));
        let _ = fs::remove_dir_all(outside.join(stale));
    }
    fs::create_dir_all(outside.join("folder")).unwrap();
    fs::write(outside.join("folder/kept"), "unchanged\n").unwrap();
    let _ = fs::remove_file(outside.join("file"));
    fs::write(outside.join("file"), "unchanged\n").unwrap();
    fs::write(outside.join("secret.txt"), secret).unwrap();
    for file in SECRETS {
        let file = home.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, secret).unwrap();
    }
    for name in [".ssh/authorized_keys", ".bashrc", ".profile", ".config/autostart/x.desktop"] {
        let _ = fs::remove_file(home.join(name));
    }
    fs::create_dir_all(home.join(".cargo/bin")).unwrap();
    let _ = fs::remove_file(home.join(".cargo/bin/planted"));
    repository(&home.join("sibling"));
    let project = place.project();
    let _ = fs::remove_dir_all(&project);
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("readme"), "a project\n").unwrap();
    repository(&project);
}

/// A repository with one commit of everything, made on the bare host: the
/// folder holds nothing hostile yet.
fn repository(folder: &Path) {
    if folder.join(".git").is_dir() {
        return;
    }
    git(folder, &["init", "-q"]);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", "first"]);
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=x", "-c", "user.email=x@example.invalid"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A process with the secret in its environment, its memory and an open file.
fn victim(place: &Place, secret: &str) -> Child {
    let program = "
        $SIG{USR1} = sub { open my $f, '>>', '../signalled'; print $f 'x' };
        open my $kept, '<', 'secret.txt'; my $memory = <$kept>; seek $kept, 0, 0;
        $| = 1; print \"ready\\n\"; sleep 1 while 1;";
    let mut child = Command::new("perl")
        .args(["-e", program])
        .current_dir(place.path().join("outside"))
        .env("CANARY", secret)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// A System V segment that holds the secret.
fn segment(key: i32, secret: &str) -> i32 {
    // SAFETY: plain calls; the mapping is 4096 bytes and the secret shorter.
    unsafe {
        let id = libc::shmget(key, 4096, libc::IPC_CREAT | 0o600);
        assert!(id >= 0);
        let at = libc::shmat(id, std::ptr::null(), 0);
        assert!(!at.is_null());
        std::ptr::copy_nonoverlapping(secret.as_ptr(), at.cast(), secret.len());
        libc::shmdt(at);
        id
    }
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        visit(&path);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, visit);
        }
    }
}

/// Kind, mode, owner, times of change and content.
fn fingerprint(path: &Path) -> String {
    let Ok(found) = fs::symlink_metadata(path) else { return "gone".to_owned() };
    let mut content = Vec::new();
    if found.is_file() {
        let _ = fs::File::open(path).map(|file| file.take(4096).read_to_end(&mut content));
    }
    let times = if found.is_dir() { (0, 0) } else { (found.mtime(), found.ctime_nsec()) };
    format!("{:o} {} {times:?} {content:?}", found.mode(), found.uid())
}

/// What git or kode would obey in the project, by its own reckoning here.
fn git_state(project: &Path) -> BTreeMap<PathBuf, String> {
    let mut state = BTreeMap::new();
    walk(project, &mut |path| {
        let name = path.file_name().unwrap().to_string_lossy().to_lowercase();
        let hook = path.parent().is_some_and(|parent| parent.ends_with("hooks"))
            && path.components().any(|part| part.as_os_str() == ".git");
        let in_git = path.components().any(|part| part.as_os_str() == ".git");
        let obeyed = ["config", "config.worktree", "commondir", "attributes"];
        let sensitive = name == ".git"
            || name == "kode.json"
            || name == ".kode"
            || (hook && !name.ends_with(".sample"))
            || (in_git && obeyed.contains(&name.as_str()));
        if sensitive {
            let found = fs::symlink_metadata(path).unwrap();
            let content =
                if found.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
            state.insert(path.to_owned(), format!("{:?} {content:?}", found.file_type()));
        }
    });
    state
}

fn set_id_files(project: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(project, &mut |path| {
        let Ok(entry) = fs::symlink_metadata(path) else { return };
        if entry.mode() & 0o6000 != 0 {
            found.push(format!("set-id file {}", path.display()));
        }
        if !entry.is_symlink() && entry.mode() & 0o002 != 0 {
            found.push(format!("world-writable {}", path.display()));
        }
    });
    found
}

fn differences(
    before: &BTreeMap<PathBuf, String>,
    after: &BTreeMap<PathBuf, String>,
) -> Vec<String> {
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    paths.filter(differs).map(|path| path.display().to_string()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Finds processes that carry the marker in their arguments, and ends exactly
/// those.
fn end_survivors(marker: &str) -> Vec<String> {
    let mut survivors = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if contains(&line, marker) && id != std::process::id().cast_signed() {
            survivors.push(format!("process {id} survived"));
            if let Some(pid) = rustix::process::Pid::from_raw(id) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
    survivors
}
