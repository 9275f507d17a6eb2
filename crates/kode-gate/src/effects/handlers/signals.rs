//! Signals: ending one's own processes is ordinary; everything that runs, or
//! what the machine itself needs, is not.

use kode_base::RiskClass;

use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Stream};

/// Programs without which the machine, its network or a login ends.
const SERVICES: [&str; 18] = [
    "systemd",
    "init",
    "launchd",
    "sshd",
    "ssh",
    "dbus-daemon",
    "dockerd",
    "containerd",
    "NetworkManager",
    "systemd-logind",
    "systemd-journald",
    "rsyslogd",
    "auditd",
    "cron",
    "crond",
    "Xorg",
    "gnome-shell",
    "login",
];

/// Patterns that match every name.
const EVERY: [&str; 7] = [".*", ".", "", "^", "$", "*", "."];

impl Evaluator<'_> {
    /// `kill`: `-1` as target is every process; `pkill -u root`, `pkill .` and
    /// `killall systemd` take the machine down as well.
    pub(super) fn kill(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let texts: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
        let every = match texts.as_slice() {
            _ if call.name == "killall5" => true,
            ["-1"] | ["0"] => true,
            [_, rest @ ..] => rest.iter().any(|text| matches!(*text, "-1" | "1")),
            [] => false,
        };
        if texts.iter().any(|text| text.contains("kode")) && call.name != "kill" {
            self.raise(RiskClass::SystemWrite, "signals kode itself");
        }
        let listing = matches!(texts.first(), Some(&("-l" | "-L" | "--list")));
        if every || call.name != "kill" && names_many(call) {
            self.raise(RiskClass::SystemWrite, "signals every process, or what the machine needs");
        } else if !listing {
            self.raise(RiskClass::LocalWrite, "signals processes of the sandbox");
        }
        None
    }
}

/// Whether a name given to `pkill` or `killall` is a service of the machine,
/// everything, or all that a user runs.
fn names_many(call: &Invocation<'_>) -> bool {
    const OWNERS: [&str; 8] = ["-u", "-U", "-g", "-G", "-s", "-t", "--euid", "--user"];
    let owner = |text: &str| {
        OWNERS.contains(&text) || text.starts_with("--euid=") || text.starts_with("--user=")
    };
    let names = |text: &str| {
        EVERY.contains(&text)
            || SERVICES.contains(&text.trim_start_matches('^').trim_end_matches('$'))
    };
    call.words.iter().any(|word| {
        let text = word.text.known.as_str();
        !word.text.open && (owner(text) || !text.starts_with('-') && names(text))
    })
}
