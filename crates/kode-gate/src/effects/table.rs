//! The tables of known commands. Each entry is parsed when its command is
//! first seen, so that starting up costs nothing.

use std::collections::HashMap;
use std::sync::OnceLock;

use kode_base::RiskClass;
use serde::Deserialize;

use super::flags;
use super::index::{Index, Place};
use crate::evaluate::glob_matches;

/// The entries of `data/commands`.
const PLACES: &[Place] = &include!(concat!(env!("OUT_DIR"), "/commands.rs"));
static TABLE: Index =
    Index { text: include_str!(concat!(env!("OUT_DIR"), "/commands.txt")), places: PLACES };

/// What was parsed so far; `None` for an entry that can't be read.
static SPECS: [OnceLock<Option<Box<Spec>>>; PLACES.len()] =
    [const { OnceLock::new() }; PLACES.len()];

/// An entry as written; every list is a string of flags or roles separated by
/// blanks. `data/commands/README.md` explains the keys.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Entry {
    class: Option<RiskClass>,
    why: Option<String>,
    style: Style,
    flags: String,
    values: String,
    optional: String,
    reads: String,
    writes: String,
    executes: String,
    hosts: String,
    local_write: String,
    code_execution: String,
    network_egress: String,
    system_write: String,
    install: String,
    destructive: String,
    recursive: String,
    guard: String,
    guarded: bool,
    operands: String,
    handler: String,
    output: String,
    subcommands: bool,
    any_flags: bool,
    listed: bool,
    builds: bool,
    digits: bool,
    stop_at_operand: bool,
    allow: Vec<String>,
    prompt: Vec<String>,
    deny: Vec<String>,
}

impl Entry {
    /// Reads one entry's lines: `key = "text"`, `key = true`. The files are
    /// TOML, and a test holds this against a real parser; reading only these
    /// two forms takes a hundredth of its time at every start. `None` for
    /// anything else, so that a mistake makes a command unknown, never allowed.
    fn read(text: &str) -> Option<Self> {
        let mut entry = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once(" = ")?;
            if matches!(key, "allow" | "prompt" | "deny") {
                continue;
            }
            if value == "true" || value == "false" {
                *entry.switch(key)? = value == "true";
                continue;
            }
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            match key {
                "class" => entry.class = Some(value.parse().ok()?),
                "why" => entry.why = Some(value.to_owned()),
                "style" => entry.style = Style::read(value)?,
                _ => value.clone_into(entry.list(key)?),
            }
        }
        Some(entry)
    }

    fn switch(&mut self, key: &str) -> Option<&mut bool> {
        Some(match key {
            "subcommands" => &mut self.subcommands,
            "any_flags" => &mut self.any_flags,
            "listed" => &mut self.listed,
            "builds" => &mut self.builds,
            "digits" => &mut self.digits,
            "stop_at_operand" => &mut self.stop_at_operand,
            "guarded" => &mut self.guarded,
            _ => return None,
        })
    }

    fn list(&mut self, key: &str) -> Option<&mut String> {
        Some(match key {
            "flags" => &mut self.flags,
            "values" => &mut self.values,
            "optional" => &mut self.optional,
            "reads" => &mut self.reads,
            "writes" => &mut self.writes,
            "executes" => &mut self.executes,
            "hosts" => &mut self.hosts,
            "local_write" => &mut self.local_write,
            "code_execution" => &mut self.code_execution,
            "network_egress" => &mut self.network_egress,
            "system_write" => &mut self.system_write,
            "install" => &mut self.install,
            "destructive" => &mut self.destructive,
            "recursive" => &mut self.recursive,
            "guard" => &mut self.guard,
            "operands" => &mut self.operands,
            "handler" => &mut self.handler,
            "output" => &mut self.output,
            _ => return None,
        })
    }
}

/// How a command's flags are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// `-abc`, `--long`, `--long=value`, abbreviations.
    #[default]
    Gnu,
    /// `-name` is one flag.
    Single,
}

impl Style {
    fn read(name: &str) -> Option<Self> {
        match name {
            "gnu" => Some(Self::Gnu),
            "single" => Some(Self::Single),
            _ => None,
        }
    }
}

/// What a flag's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    Opaque,
    Optional,
    Read,
    Write,
    Execute,
    Host,
}

/// What an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Nothing that matters.
    Text,
    /// A file that is read.
    Read,
    /// A path whose names or attributes are looked at.
    Look,
    /// A file or folder that is written or created.
    Write,
    /// A file that is read and written or replaced.
    Change,
    /// A file that is removed.
    Delete,
    /// A path whose mode or owner changes.
    Mode,
    /// A host, URL or remote address.
    Host,
    /// A program file that is run.
    Script,
    /// The rest is a command with its arguments.
    Command,
    /// The rest, joined, is a shell script.
    Shell,
}

/// A command kode knows.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) class: RiskClass,
    pub(crate) why: Option<String>,
    pub(crate) style: Style,
    pub(crate) flags: HashMap<String, Value>,
    /// Beginnings of flags, written with a final `*`.
    pub(crate) prefixes: Vec<(String, Value)>,
    pub(crate) raises: HashMap<String, RiskClass>,
    pub(crate) recursive: Vec<String>,
    /// Flags that lose work; every call when `guarded`.
    pub(crate) guard: Vec<String>,
    pub(crate) guarded: bool,
    pub(crate) operands: Vec<Operand>,
    /// Which operand repeats.
    pub(crate) repeated: Option<usize>,
    pub(crate) handler: String,
    pub(crate) output: String,
    pub(crate) subcommands: bool,
    pub(crate) any_flags: bool,
    /// Its flags are those `data/flags` lists for its name.
    pub(crate) listed: bool,
    /// Runs the project's own code by purpose; paths outside are a question.
    pub(crate) builds: bool,
    pub(crate) digits: bool,
    pub(crate) stop_at_operand: bool,
    /// Whether an unknown flag could do more than read.
    pub(crate) has_grave_flags: bool,
}

/// The entry of `name` (`ls`, `git status`), if kode knows it. An entry that
/// can't be read counts as unknown.
pub(crate) fn lookup(name: &str) -> Option<&'static Spec> {
    let number = TABLE.find(name)?;
    let read = || {
        let mut spec = Spec::from(Entry::read(TABLE.entry(number)?)?);
        if spec.listed {
            spec.take_listed(name);
        }
        Some(Box::new(spec))
    };
    SPECS.get(number)?.get_or_init(read).as_deref()
}

impl Spec {
    /// Adds the flags listed for `name`; what the entry itself says stands.
    fn take_listed(&mut self, name: &str) {
        for flag in flags::known(name) {
            let bare = flag.name.trim_end_matches('*');
            let own = self.flags.contains_key(flag.name)
                || self.prefixes.iter().any(|(start, _)| start == bare);
            if own {
                continue;
            }
            if bare == flag.name {
                self.flags.insert(bare.to_owned(), flag.value);
            } else {
                self.prefixes.push((bare.to_owned(), flag.value));
            }
            if flag.runs || flag.value == Value::Execute {
                self.raises.insert(bare.to_owned(), RiskClass::CodeExecution);
            }
        }
        self.has_grave_flags |= self.raises.values().any(|class| *class > RiskClass::Safe);
        // The longest beginning decides.
        self.prefixes.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
    }
}

/// Whether `name` has an entry.
pub(crate) fn knows(name: &str) -> bool {
    TABLE.find(name).is_some()
}

/// Known command names that a shell pattern matches, in no particular order.
pub(crate) fn matching(pattern: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = TABLE
        .names()
        .chain(super::interpreters::names())
        .filter(|name| !name.contains(' ') && glob_matches(pattern, name))
        .collect();
    let runs = |name: &str| {
        super::interpreters::shell(name).is_none() && super::interpreters::language(name).is_none()
    };
    names.sort_by_key(|name| (*name != "rm", runs(name), name.len(), *name));
    names
}

impl From<Entry> for Spec {
    fn from(entry: Entry) -> Self {
        let mut flags = HashMap::new();
        let mut prefixes = Vec::new();
        let values = [
            (&entry.flags, Value::None),
            (&entry.local_write, Value::None),
            (&entry.code_execution, Value::None),
            (&entry.network_egress, Value::None),
            (&entry.system_write, Value::None),
            (&entry.install, Value::None),
            (&entry.destructive, Value::None),
            (&entry.recursive, Value::None),
            (&entry.guard, Value::None),
            (&entry.values, Value::Opaque),
            (&entry.optional, Value::Optional),
            (&entry.reads, Value::Read),
            (&entry.writes, Value::Write),
            (&entry.executes, Value::Execute),
            (&entry.hosts, Value::Host),
        ];
        for (list, value) in values {
            for flag in spelled(list, entry.style) {
                match flag.strip_suffix('*') {
                    Some(start) => prefixes.push((start.to_owned(), value)),
                    None => {
                        flags.insert(flag, value);
                    }
                }
            }
        }
        let mut raises = HashMap::new();
        let classes = [
            (&entry.local_write, RiskClass::LocalWrite),
            (&entry.code_execution, RiskClass::CodeExecution),
            (&entry.executes, RiskClass::CodeExecution),
            (&entry.install, RiskClass::Install),
            (&entry.network_egress, RiskClass::NetworkEgress),
            (&entry.system_write, RiskClass::SystemWrite),
            (&entry.destructive, RiskClass::Destructive),
        ];
        for (list, class) in classes {
            let named = spelled(list, entry.style).into_iter();
            raises.extend(named.map(|flag| (flag.trim_end_matches('*').to_owned(), class)));
        }
        let (operands, repeated) = roles(&entry.operands);
        Self {
            class: entry.class.unwrap_or(RiskClass::Safe),
            why: entry.why,
            style: entry.style,
            has_grave_flags: !entry.writes.is_empty()
                || raises.values().any(|class| *class > RiskClass::Safe),
            flags,
            prefixes,
            raises,
            recursive: spelled(&entry.recursive, entry.style),
            guard: spelled(&entry.guard, entry.style),
            guarded: entry.guarded,
            operands,
            repeated,
            handler: entry.handler,
            output: entry.output,
            subcommands: entry.subcommands,
            any_flags: entry.any_flags,
            listed: entry.listed,
            builds: entry.builds,
            digits: entry.digits,
            stop_at_operand: entry.stop_at_operand,
        }
    }
}

/// The flags of a list: in GNU style `-abc` is three flags.
fn spelled(list: &str, style: Style) -> Vec<String> {
    let mut flags = Vec::new();
    for word in list.split_whitespace() {
        let cluster = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        match cluster {
            Some(letters) if style == Style::Gnu && !letters.ends_with('*') => {
                flags.extend(letters.chars().map(|letter| format!("-{letter}")));
            }
            _ => flags.push(word.to_owned()),
        }
    }
    flags
}

fn roles(list: &str) -> (Vec<Operand>, Option<usize>) {
    let mut operands = Vec::new();
    let mut repeated = None;
    for word in list.split_whitespace() {
        if word.ends_with('*') {
            repeated = Some(operands.len());
        }
        operands.push(match word.trim_end_matches('*') {
            "read" => Operand::Read,
            "look" => Operand::Look,
            "write" => Operand::Write,
            "change" => Operand::Change,
            "delete" => Operand::Delete,
            "mode" => Operand::Mode,
            "host" => Operand::Host,
            "script" => Operand::Script,
            "command" => Operand::Command,
            "shell" => Operand::Shell,
            _ => Operand::Text,
        });
    }
    (operands, repeated)
}

/// The table as a TOML parser reads it.
#[cfg(test)]
fn parsed() -> HashMap<String, Entry> {
    toml::from_str(TABLE.text).unwrap()
}

/// Every example of every entry with the verdict it promises.
#[cfg(test)]
pub(crate) fn every_example() -> Vec<(String, String, kode_base::Verdict)> {
    use kode_base::Verdict;
    let mut all = Vec::new();
    for (name, entry) in parsed() {
        let lists = [
            (entry.allow, Verdict::Allow),
            (entry.prompt, Verdict::Prompt),
            (entry.deny, Verdict::Deny),
        ];
        for (list, verdict) in lists {
            let first = name.split('|').next().unwrap_or(&name).to_owned();
            all.extend(list.into_iter().map(|command| (first.clone(), command, verdict)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_read_and_stands_under_one_name_alone() {
        let mut seen = std::collections::HashSet::new();
        for name in parsed().keys().flat_map(|names| names.split('|')) {
            assert!(lookup(name).is_some(), "{name}");
            assert!(seen.insert(name.to_owned()), "{name} is there twice");
        }
        assert_eq!(seen.len(), PLACES.len());
    }

    #[test]
    fn the_quick_reader_reads_what_a_toml_parser_reads() {
        for number in 0..PLACES.len() {
            let text = TABLE.entry(number).unwrap();
            let mut whole: Entry = toml::from_str(text).unwrap();
            whole.allow.clear();
            whole.prompt.clear();
            whole.deny.clear();
            assert_eq!(Entry::read(text), Some(whole), "{text}");
        }
    }
}
