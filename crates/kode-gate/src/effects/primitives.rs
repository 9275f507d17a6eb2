//! The effects commands are made of: reading, writing, deleting, talking to
//! hosts, running other commands and scripts.

use kode_base::RiskClass;

use crate::approval::TrustScope;
use crate::assess::is_meant_path;
use crate::assessment::QuestionKind;
use crate::evaluate::{Evaluator, Field, Stream, Taint, Text};
use crate::paths::{
    Place, Zone, holds_kodes_own, holds_project, holds_secrets, holds_settings, is_public,
    is_sensitive, is_tree_pattern, looks_secret, normalise, place,
};
use crate::patterns::{Aim, could_be_kodes_own, could_be_secret};

impl Evaluator<'_> {
    /// Where a word leads as a path. Of an open word the known beginning
    /// counts; without any the place is unknown.
    pub(crate) fn place_of(&self, text: &Text) -> Place {
        if text.open && text.known.is_empty() {
            return Place { zone: Zone::Unknown, path: String::new() };
        }
        let named = place(&text.known, self.state.directory.as_deref(), self.session);
        for (link, target) in self.links.iter().rev() {
            let below = named.path.strip_prefix(link.as_str());
            if let Some(rest) = below.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                return place(&format!("{target}{rest}"), Some("/"), self.session);
            }
        }
        named
    }

    /// Reads a file or, when `recursive`, a tree; what it yields.
    pub(crate) fn read_path(&mut self, text: &Text, recursive: bool) -> Stream {
        let place = self.place_of(text);
        match place.zone {
            Zone::Network => return self.connection(&place.path),
            Zone::Device => {
                self.raise(RiskClass::SystemWrite, &format!("reads the device {}", place.path));
            }
            Zone::Home => self.found.outside.push(place.path.clone()),
            _ => {}
        }
        let mut taint = Taint::FILE;
        if matches!(place.path.as_str(), "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/full")
        {
            taint |= Taint::ENDLESS;
        }
        if self.may_be_secret(text, &place, recursive) {
            self.found.reads_secret = true;
            taint |= Taint::SECRET;
            self.found
                .ask(QuestionKind::Secret, &format!("{} looks like a credential", place.path));
        } else if self.session.bare_host {
            self.ask_outside(&place);
        }
        let known = self.files.get(&place.path).filter(|_| !text.open);
        known.cloned().unwrap_or(Stream::unknown(taint))
    }

    fn may_be_secret(&self, text: &Text, place: &Place, recursive: bool) -> bool {
        if text.open && (text.taint.has(Taint::TREE) || ends_like_secret(&text.after)) {
            return true;
        }
        if matches!(place.zone, Zone::Null | Zone::Unknown) {
            return false;
        }
        // `/proc/$pid/…` may be any process's environment or memory.
        if text.open && text.known == "/proc/" {
            return true;
        }
        let all = recursive || text.open && text.known.ends_with('/');
        looks_secret(&place.path)
            || is_memory(&place.path)
            || all && holds_secrets(&place.path, self.session)
            || could_be_secret(&place.path, self.session)
            || self.state.dotglob && self.could_be_hidden_secret(&place.path)
    }

    /// With `dotglob`, `*` also stands for `.env`.
    fn could_be_hidden_secret(&self, path: &str) -> bool {
        let Some((folder, last)) = path.rsplit_once('/') else { return false };
        last.starts_with(['*', '?', '['])
            && could_be_secret(&format!("{folder}/.{last}"), self.session)
    }

    /// Without a sandbox nothing but a person stands between a command and the
    /// user's files.
    fn ask_outside(&mut self, place: &Place) {
        let outside = matches!(place.zone, Zone::Home | Zone::System | Zone::Tree | Zone::Unknown);
        if outside && !is_public(&place.path) && !self.files.contains_key(&place.path) {
            let shown =
                if place.path.is_empty() { "a path known only when it runs" } else { &place.path };
            let text = format!("without a sandbox, {shown} outside the project would be read");
            self.found.ask(QuestionKind::Guard, &text);
        }
    }

    /// Refuses or asks when a pattern could stand for kode's own files.
    fn judge_pattern(&mut self, path: &str) {
        match could_be_kodes_own(path, self.session) {
            Some(Aim::Meant) => self.refuse_kode(path),
            Some(aim) if aim == Aim::Likely || self.session.bare_host => {
                let text = format!("{path} could stand for kode's own policy or sessions");
                self.found.ask(QuestionKind::SensitivePlace, &text);
            }
            _ => {}
        }
    }

    /// Looks at names or attributes only.
    pub(crate) fn look_at(&mut self, text: &Text) {
        let place = self.place_of(text);
        if place.zone == Zone::Network {
            self.connection(&place.path);
        }
        if place.zone == Zone::Home {
            self.found.outside.push(place.path);
        }
    }

    /// Creates or changes a file or folder.
    pub(crate) fn write_path(&mut self, text: &Text, verb: &str) {
        let place = self.place_of(text);
        let path = place.path.clone();
        self.judge_pattern(&path);
        match place.zone {
            Zone::Null => {}
            Zone::ProjectRoot | Zone::Temporary => {
                self.raise(RiskClass::LocalWrite, &format!("would {verb} {path}"));
                let sample = path.ends_with(".sample");
                if path.contains("/.git/hooks/") && !sample && verb != "change the mode of" {
                    let text = format!("git runs {path} by itself");
                    self.found.ask(QuestionKind::SensitivePlace, &text);
                }
            }
            Zone::Project => {
                self.raise(RiskClass::LocalWrite, &format!("would {verb} {path}"));
                let into = verb == "unpack into" && is_sensitive(&format!("{path}/file"));
                let asks = (is_sensitive(&path) || into) && !is_meant_path(&path, self.session);
                if asks && verb != "change the mode of" {
                    let text =
                        format!("{path} is a place whose content runs later, outside the sandbox");
                    self.found.ask(QuestionKind::SensitivePlace, &text);
                }
            }
            _ if is_memory(&path) => {
                let text = format!("would {verb} {path}, the memory of a running program");
                self.found.refuse("raw_device", RiskClass::Blocked, &text);
            }
            Zone::Home | Zone::System | Zone::Tree => self.write_outside(&path, verb),
            Zone::Device => self.write_device(&path, verb),
            Zone::Network => {
                self.connection(&path);
            }
            Zone::Kode => self.refuse_kode(&path),
            Zone::Unknown => {
                let text = format!("would {verb} a path that is known only when it runs");
                self.raise(RiskClass::SystemWrite, &text);
            }
        }
    }

    /// Asks before settings that hold credentials are overwritten. A copy of an
    /// example onto them is how they come to be.
    pub(crate) fn ask_about_settings(&mut self, text: &Text) {
        let path = self.place_of(text).path;
        if !text.open && holds_settings(&path) && !is_meant_path(&path, self.session) {
            let text = format!("would change {path}, which holds credentials");
            self.found.ask(QuestionKind::Secret, &text);
        }
    }

    fn write_outside(&mut self, path: &str, verb: &str) {
        self.raise(RiskClass::SystemWrite, &format!("would {verb} {path}, outside the project"));
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        let unit = self.found.current();
        self.found.scope(unit, RiskClass::SystemWrite, TrustScope::Folder(folder.to_owned()));
        self.found.outside.push(path.to_owned());
    }

    fn write_device(&mut self, path: &str, verb: &str) {
        if is_raw_device(path) {
            let text = format!("would {verb} the raw device {path}");
            self.found.refuse("raw_device", RiskClass::Blocked, &text);
        }
        self.raise(RiskClass::SystemWrite, &format!("would {verb} the device {path}"));
    }

    /// Refuses what would change kode's own policy, audit log or sessions.
    pub(crate) fn refuse_kode(&mut self, path: &str) {
        let text = format!("{path} holds kode's own policy, audit log or sessions");
        self.found.refuse("kode_files", RiskClass::Blocked, &text);
    }

    /// Removes a path.
    pub(crate) fn delete_path(&mut self, field: &Field, recursive: bool) {
        let place = self.place_of(&field.text);
        let path = place.path.clone();
        self.judge_pattern(&path);
        // `shred -u /etc/*` needs no recursion to lose the machine.
        if recursive || field.glob && place.zone == Zone::Tree {
            self.refuse_tree(field);
        }
        if field.text.open && field.text.taint.has(Taint::ALL) {
            let text = "would delete every file that was found in a system tree or home";
            self.found.refuse("recursive_delete", RiskClass::Destructive, text);
        }
        match place.zone {
            Zone::Kode => self.refuse_kode(&path),
            Zone::Null => {}
            Zone::Device => self.write_device(&path, "delete"),
            Zone::Unknown => {
                self.raise(RiskClass::SystemWrite, "what it deletes is known only when it runs");
            }
            Zone::Temporary if recursive && matches!(path.as_str(), "/tmp" | "/var/tmp") => {
                self.raise(RiskClass::Destructive, "would delete everybody's temporary files");
            }
            Zone::Temporary => self.raise(RiskClass::LocalWrite, &format!("would delete {path}")),
            Zone::ProjectRoot if recursive => {
                self.raise(RiskClass::Destructive, "would delete the whole project");
            }
            Zone::ProjectRoot => {
                self.raise(RiskClass::LocalWrite, "would delete the project folder")
            }
            Zone::Project if holds_settings(&path) && !is_meant_path(&path, self.session) => {
                self.raise(RiskClass::LocalWrite, &format!("would delete {path}"));
                self.ask_about_settings(&field.text);
            }
            Zone::Project if recursive && self.is_wide(field, &path) => {
                self.raise(
                    RiskClass::Destructive,
                    &format!("would delete {path} with all it holds"),
                );
            }
            Zone::Project => self.raise(RiskClass::LocalWrite, &format!("would delete {path}")),
            Zone::System if is_scratch(&path) && !holds_project(&path, self.session) => {
                self.write_outside(&path, "delete");
            }
            _ if recursive => {
                let text = format!("would delete {path} with all it holds, outside the project");
                self.raise(RiskClass::Destructive, &text);
            }
            _ => self.write_outside(&path, "delete"),
        }
    }

    /// Everything at the project's top, or its history.
    pub(crate) fn is_wide(&self, field: &Field, path: &str) -> bool {
        let root = self.session.project_root.trim_end_matches('/');
        let rest = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/');
        let everything = field.glob && matches!(rest, "*" | ".*" | "?*" | ".??*" | ".[!.]*" | "**");
        let history = rest == ".git" || rest.ends_with("/.git");
        everything || history || rest.starts_with(".git/") && field.glob
    }

    /// Refuses the recursive delete of a system tree, a home or the root.
    pub(crate) fn refuse_tree(&mut self, field: &Field) {
        let place = self.place_of(&field.text);
        let whole_home = place
            .path
            .strip_prefix("/home/")
            .is_some_and(|rest| !rest.trim_end_matches("/*").contains('/'));
        let holds = holds_kodes_own(&place.path, self.session);
        let matches = field.glob && is_tree_pattern(&place.path);
        let tree = place.zone == Zone::Tree || whole_home && place.zone == Zone::Home || holds;
        let devices =
            place.zone == Zone::Device && matches!(place.path.as_str(), "/dev" | "/dev/*");
        let tree = tree || matches || devices;
        if tree && !field.text.open {
            let text = format!("would delete {} and all it holds", place.path);
            self.found.refuse("recursive_delete", RiskClass::Destructive, &text);
        }
    }

    /// Writes what a pattern stands for: files of its known folder.
    pub(crate) fn write_pattern(&mut self, field: &Field) {
        let mut text = field.text.clone();
        if field.glob
            && let Some(at) = text.known.find(['*', '?', '['])
        {
            self.judge_pattern(&self.place_of(&field.text).path);
            text.known.truncate(at);
            if text.known.is_empty() {
                text.known.push('.');
            }
        }
        self.write_path(&text, "write");
    }

    /// Changes mode, owner or times.
    pub(crate) fn change_mode(&mut self, field: &Field, recursive: bool) {
        let place = self.place_of(&field.text);
        if recursive && place.zone == Zone::Tree {
            let text = format!("would change the mode or owner of all of {}", place.path);
            self.raise(RiskClass::Destructive, &text);
        }
        self.write_path(&field.text, "change the mode of");
    }

    /// Talks to a host: a name, URL or `user@host:path`.
    pub(crate) fn egress(&mut self, address: &Text) {
        let host = host_of(address);
        let shown = host.as_deref().unwrap_or("a host that is known only when it runs");
        self.raise(RiskClass::NetworkEgress, &format!("talks to {shown}"));
        if let Some(host) = &host {
            let unit = self.found.current();
            self.found.scope(unit, RiskClass::NetworkEgress, TrustScope::Host(host.clone()));
        }
        self.found.hosts.push(host);
    }

    /// Judges another command, started by the one being judged.
    pub(crate) fn run_argv(&mut self, fields: Vec<Field>, stdin: Stream) -> Stream {
        let parent = self.found.judged();
        let argv = fields
            .iter()
            .map(|field| match field.as_exact() {
                Some(text) => crate::assessment::KnownWord::Exact(text.to_owned()),
                None => crate::assessment::KnownWord::Prefix(field.text.known.clone()),
            })
            .collect();
        self.found.open_unit(argv, parent);
        let output = if self.enter() {
            let output = self.run_program(fields, stdin);
            self.leave();
            output
        } else {
            Stream::unknown(Taint::FILE)
        };
        self.found.resume(parent);
        output
    }

    /// Judges text handed to a shell. What is not known of it, or came from
    /// elsewhere, can't be allowed silently.
    pub(crate) fn shell_text(&mut self, script: &Text, stdin: Stream) -> Stream {
        self.refuse_foreign_code(script.taint, "a shell");
        if script.open {
            self.raise(RiskClass::CodeExecution, "what the shell runs is known only when it runs");
        }
        let judged = self.found.judged();
        let (output, _) = self.text_script(&script.known.clone(), stdin);
        self.found.resume(judged);
        output
    }

    /// Remote or decoded text must not reach an interpreter.
    pub(crate) fn refuse_foreign_code(&mut self, taint: Taint, interpreter: &str) {
        if taint.has(Taint::REMOTE) {
            let text = format!("what came over the network goes into {interpreter}");
            self.found.refuse("remote_code", RiskClass::CodeExecution, &text);
        }
        if taint.has(Taint::DECODED) {
            let text = format!("decoded text goes into {interpreter}");
            self.found.refuse("decoded_code", RiskClass::CodeExecution, &text);
        }
    }
}

/// Whether a path with this known ending looks like a credential, wherever it
/// begins: `$FOLDER/.env`, `$NAME.pem`.
fn ends_like_secret(after: &str) -> bool {
    let folder = if after.starts_with('/') { "/folder" } else { "/folder/name" };
    !after.is_empty() && looks_secret(&normalise(&format!("{folder}{after}"), "/"))
}

/// The memory of a process, through `/proc`.
fn is_memory(path: &str) -> bool {
    let process = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/'));
    process.is_some_and(|(_, rest)| rest == "mem" || rest.ends_with("/mem"))
}

/// What lies in the machine's temporary folders, which are outside only
/// without a sandbox.
fn is_scratch(path: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|folder| path.starts_with(folder))
}

/// Disks, partitions and memory, by the names Linux, BSD and macOS give them.
fn is_raw_device(path: &str) -> bool {
    let name = if path == "/dev" { "" } else { path.strip_prefix("/dev/").unwrap_or(path) };
    const STARTS: [&str; 28] = [
        "sg", "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "dm-", "md", "loop",
        "mapper/", "mem", "kmem", "port", "block/", "sr", "ram", "zram", "nbd", "root", "mtd",
        "ubi", "pmem", "ada", "da0", "nvd",
    ];
    name.is_empty() || name.starts_with('*') || STARTS.iter().any(|start| name.starts_with(start))
}

/// The host of a URL, `user@host:path` or bare name.
fn host_of(address: &Text) -> Option<String> {
    let text = address.known.as_str();
    let after = text.split_once("://").map_or(text, |(_, rest)| rest);
    let complete = !address.open || after.contains(['/', ':', '?']) && !after.starts_with('/');
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = if host.starts_with('[') {
        host.split(']').next().unwrap_or_default().trim_start_matches('[')
    } else {
        host.split(':').next().unwrap_or_default()
    };
    (complete && !host.is_empty()).then(|| host.to_ascii_lowercase())
}
