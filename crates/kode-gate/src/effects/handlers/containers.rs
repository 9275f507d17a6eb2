//! Commands that run inside a container: what they delete there is the
//! container's, unless a folder of the machine is mounted in it.

use kode_base::RiskClass;

use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream};

/// A folder of the machine as the container sees it.
struct Mount {
    outside: String,
    inside: String,
}

impl Evaluator<'_> {
    /// `docker run IMAGE COMMAND`, `docker exec CONTAINER COMMAND`.
    pub(super) fn container_command(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let mounts = mounts(call);
        for mount in &mounts {
            let text = format!("gives the container {}", mount.outside);
            self.raise(RiskClass::SystemWrite, &text);
        }
        let command = call.arguments.operands.get(1..).unwrap_or_default();
        if command.is_empty() {
            return None;
        }
        let seen: Vec<Field> = command.iter().map(|word| as_outside(word, &mounts)).collect();
        let reaches = seen
            .iter()
            .zip(command)
            .any(|(outside, inside)| outside.text.known != inside.text.known);
        let before = self.found.refusal.is_some();
        self.refusals_only(|walk| {
            walk.run_argv(seen, call.stdin.clone());
        });
        // A container's own files and devices are its own to lose.
        let own = self.found.refusal.as_ref().is_some_and(|refusal| {
            matches!(refusal.name, "recursive_delete" | "raw_device" | "make_filesystem")
        });
        if own && !before && !reaches {
            self.found.refusal = None;
        }
        None
    }
}

/// `-v OUTSIDE:INSIDE`, `--mount type=bind,source=OUTSIDE,target=INSIDE`.
fn mounts(call: &Invocation<'_>) -> Vec<Mount> {
    let mut found = Vec::new();
    for (flag, value) in &call.arguments.flags {
        let Some(value) = value.as_ref().map(|value| value.text.known.as_str()) else { continue };
        match flag.as_str() {
            "-v" | "--volume" => {
                let mut parts = value.splitn(3, ':');
                if let (Some(outside), Some(inside)) = (parts.next(), parts.next()) {
                    found.push(mount(outside, inside));
                }
            }
            "--mount" => {
                let part = |names: [&str; 3]| {
                    let mut pairs = value.split(',').filter_map(|pair| pair.split_once('='));
                    pairs.find(|(name, _)| names.contains(name)).map(|(_, path)| path)
                };
                let outside = part(["source", "src", "source"]);
                if let (Some(outside), Some(inside)) =
                    (outside, part(["target", "dst", "destination"]))
                {
                    found.push(mount(outside, inside));
                }
            }
            _ => {}
        }
    }
    found.retain(|each| each.outside.starts_with(['/', '~', '.']) && each.inside.len() > 1);
    found
}

fn mount(outside: &str, inside: &str) -> Mount {
    Mount { outside: outside.to_owned(), inside: inside.trim_end_matches('/').to_owned() }
}

/// A word of the command with the mounted folders' outside names.
fn as_outside(word: &Field, mounts: &[Mount]) -> Field {
    let mut word = word.clone();
    for mount in mounts {
        let outside = mount.outside.trim_end_matches('/');
        word.text.known = replaced(&word.text.known, &mount.inside, outside);
    }
    word
}

/// `text` with the folder `inside` called `outside`, wherever a path begins so.
/// The root is called by its whole name where nothing follows.
fn replaced(text: &str, inside: &str, outside: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(inside) {
        let after = &rest[at + inside.len()..];
        result.push_str(&rest[..at]);
        let whole = !after.starts_with('/');
        result.push_str(if outside.is_empty() && whole { "/" } else { outside });
        rest = after;
    }
    result + rest
}
