//! Files whose content runs later: start-up files of shells, crontabs, units,
//! hooks. What this very command writes there is judged as if it ran now, as
//! far as it must be refused; that it is written at all is a question anyway.

use kode_base::RiskClass;

use crate::evaluate::{Evaluator, Stream, Taint, Text};

/// Lines of one file that are looked at.
const LINES_MAX: usize = 64;

/// How the content of a file becomes commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// The whole is a shell script.
    Script,
    /// Five fields of time, perhaps a user, then a command.
    Crontab,
    /// `Key=command` in lines.
    Unit,
}

impl Evaluator<'_> {
    /// Keeps what was written to `path`, and judges it where it runs later.
    pub(crate) fn keep_file(&mut self, path: String, content: Stream) {
        if runs(&path).is_some() && content.text.taint.has(Taint::REMOTE) {
            let text = format!("what came over the network goes into {path}, which runs later");
            self.found.refuse("remote_code", RiskClass::CodeExecution, &text);
        }
        match runs(&path) {
            Some(Runs::Crontab) => self.judge_crontab(&content),
            Some(Runs::Unit) => self.judge_unit(&content),
            Some(Runs::Script) => self.judge_script(&content),
            None => self.judge_planted(&path, &content),
        }
        self.files.insert(path, content);
    }

    /// What `sed -i` puts into a file that runs later: the lines of `a`, `i` and
    /// `c`, and what `s` puts in.
    pub(crate) fn judge_inserted(&mut self, path: &str, script: &str) {
        if runs(path).is_none() {
            return;
        }
        for line in script.lines().take(LINES_MAX) {
            let Some(inserted) = inserted(line) else { continue };
            let content = Stream::literal(Text::exact(&inserted));
            match runs(path) {
                Some(Runs::Crontab) => self.judge_crontab(&content),
                Some(Runs::Unit) => self.judge_unit(&content),
                _ => self.judge_script(&content),
            }
        }
    }

    /// Settings of the machine or of a user that hold a reverse shell run it
    /// sooner or later, whatever their language is.
    fn judge_planted(&mut self, path: &str, content: &Stream) {
        let settings = path.starts_with("/etc/") || path.contains("/.config/");
        if settings && super::code::connects_shell_words(&content.text.known) {
            let text = format!("would put a shell connected to a network address into {path}");
            self.found.refuse("reverse_shell", RiskClass::CodeExecution, &text);
        }
    }

    fn judge_script(&mut self, content: &Stream) {
        for text in std::iter::once(&content.text.known).chain(&content.later) {
            self.judge_later(text, content);
        }
    }

    /// Lines of a crontab; a system's own names a user before the command.
    pub(crate) fn judge_crontab(&mut self, content: &Stream) {
        let texts = std::iter::once(&content.text.known).chain(&content.later);
        let lines: Vec<&str> = texts.flat_map(|text| text.lines()).take(LINES_MAX).collect();
        for line in lines {
            let fields = if line.trim_start().starts_with('@') { 1 } else { 5 };
            for skipped in [fields, fields + 1] {
                let command: Vec<&str> = line.split_whitespace().skip(skipped).collect();
                self.judge_later(&command.join(" "), content);
            }
        }
    }

    fn judge_unit(&mut self, content: &Stream) {
        let texts = std::iter::once(&content.text.known).chain(&content.later);
        let lines: Vec<&str> = texts.flat_map(|text| text.lines()).take(LINES_MAX).collect();
        for line in lines {
            if let Some((key, command)) = line.split_once('=')
                && key.trim().starts_with("Exec")
            {
                let command = command.trim_start_matches(['-', '@', '+', '!', ':', ' ']);
                self.judge_later(command, content);
            }
        }
    }

    fn judge_later(&mut self, script: &str, content: &Stream) {
        if script.is_empty() || self.found.refusal.is_some() {
            return;
        }
        let script = Text { known: script.to_owned(), ..content.text.clone() };
        self.refusals_only(|walk| {
            walk.shell_text(&script, Stream::default());
        });
    }
}

/// The text that one line of a sed script puts in.
fn inserted(line: &str) -> Option<String> {
    let address = |each: char| each.is_ascii_digit() || matches!(each, '$' | ',' | ' ' | '!');
    let mut rest = line.trim_start_matches(address);
    if let Some(pattern) = rest.strip_prefix('/') {
        rest = pattern.split_once('/')?.1.trim_start_matches(address);
    }
    let command = rest.chars().next()?;
    rest = &rest[command.len_utf8()..];
    match command {
        'a' | 'i' | 'c' => Some(rest.trim_start_matches(['\\', ' ']).to_owned()),
        's' => {
            let separator = rest.chars().next()?;
            rest.split(separator).nth(2).map(str::to_owned)
        }
        _ => None,
    }
}

/// What the machine does with the content of `path` later.
fn runs(path: &str) -> Option<Runs> {
    const SHELL_FILES: [&str; 18] = [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".zlogin",
        ".kshrc",
        ".envrc",
        ".xprofile",
        ".xinitrc",
        ".xsession",
        "rc.local",
        "bash.bashrc",
        "profile",
    ];
    const SHELL_FOLDERS: [&str; 10] = [
        "/etc/update-motd.d/",
        "/.git/hooks/",
        "/.husky/",
        "/.githooks/",
        "/etc/profile.d/",
        "/etc/init.d/",
        "/etc/cron.hourly/",
        "/etc/cron.daily/",
        "/etc/cron.weekly/",
        "/etc/cron.monthly/",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let profile = name != "profile" || path == "/etc/profile";
    if SHELL_FILES.contains(&name) && profile || SHELL_FOLDERS.iter().any(|at| path.contains(at)) {
        return Some(Runs::Script);
    }
    if path.starts_with("/etc/cron.d/")
        || path.starts_with("/var/spool/cron/")
        || matches!(path, "/etc/crontab" | "/etc/anacrontab")
    {
        return Some(Runs::Crontab);
    }
    let unit = path.contains("/systemd/") || path.contains("/autostart/");
    (unit && name.contains('.')).then_some(Runs::Unit)
}
