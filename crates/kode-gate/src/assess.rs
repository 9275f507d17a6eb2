//! Turns an action into an assessment: what it would do, before policy.

use kode_base::{
    Action, FileWrite, ProjectPath, RiskClass, ShellCommand, Untrusted, WebFetch, WriteMode,
};

use crate::ablation::without_ablated;
use crate::approval::TrustScope;
use crate::assessment::{Assessment, Question, QuestionKind, Refusal, Unit};
use crate::departures::{listed, named, secret_and_egress, secret_in_address};
use crate::evaluate::Evaluator;
use crate::foreign_code;
use crate::judge::SessionState;
use crate::paths::{self, Zone, is_sensitive, place};
use crate::patterns;
use crate::reachable;

/// Hosts and paths noted of one action.
const UNNAMED_MAX: usize = 20;

/// A shorter file name in the user's words could be an ordinary word.
const NAME_LENGTH_MIN: usize = 5;

/// Assesses `action` for a session. Pure.
pub(crate) fn assess(action: &Action, state: &SessionState) -> Assessment {
    let mut assessment = match action {
        Action::Shell(command) => shell(command, state),
        Action::Read(read) => looking("reads", &read.path, true, state),
        Action::List(list) => looking("lists", &list.path, false, state),
        Action::Search(search) => looking("searches", &search.path, true, state),
        Action::Write(write) => writing(write, state),
        Action::Fetch(fetch) => fetching(fetch, state),
    };
    without_ablated(&mut assessment, &state.ablation);
    assessment
}

#[expect(clippy::disallowed_methods, reason = "the gate is what looks inside commands")]
fn shell(command: &ShellCommand, state: &SessionState) -> Assessment {
    let text = command.command.expose();
    command_line(text, &command.directory, state)
}

/// Assesses a command line that would run in `directory`.
pub(crate) fn command_line(
    text: &str,
    directory: &ProjectPath,
    state: &SessionState,
) -> Assessment {
    let start = absolute(directory, state);
    let mut walk = Evaluator::new(state, start);
    walk.command_line(text);
    if text.chars().any(hides_text) {
        let sentence = "characters that can't be seen change how the command reads";
        walk.found.ask(QuestionKind::Guard, sentence);
    }
    let found = walk.found;
    let mut assessment = Assessment {
        refusal: found.refusal,
        denial: None,
        units: found.units,
        questions: found.questions,
        command: Some(text.to_owned()),
        at_root: directory.is_root(),
        parts: found.parts,
        unnamed: Vec::new(),
        explanation: found.effects.join("\n"),
        opens: Vec::new(),
        reads_secret: found.reads_secret,
    };
    assessment.opens = reachable::hosts(&assessment.units, &found.hosts, &state.git_remotes);
    let mut hosts = found.hosts;
    hosts.extend(reachable::unjudged(&assessment.opens, &hosts, &state.git_remotes));
    // The repository's remotes are the user's own, but no place for a secret.
    let mut for_secrets = hosts.clone();
    for_secrets.extend(reachable::unjudged(&assessment.opens, &hosts, &[]));
    if state.bare_host && for_secrets.is_empty() && assessment.reaches_out() {
        for_secrets.push(None);
    }
    secret_and_egress(&mut assessment, &for_secrets, found.reads_secret, state);
    provenance(&mut assessment, &hosts, &found.outside, state);
    let writes = assessment.units.iter().any(|unit| unit.class != RiskClass::Safe);
    if writes {
        foreign_code(&mut assessment, "a file", text, "", state);
    }
    assessment
}

/// Characters that turn or overwrite what stands beside them, or spell text that
/// no one sees: controls of direction, of a terminal's cursor, and tags. Marks of
/// no width stay: they stand in prose.
fn hides_text(character: char) -> bool {
    matches!(character,
        '\u{8}' | '\u{1b}' | '\u{7f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn absolute(directory: &ProjectPath, state: &SessionState) -> String {
    let root = state.project_root.trim_end_matches('/');
    if directory.is_root() { root.to_owned() } else { format!("{root}/{}", directory.as_str()) }
}

/// With untrusted text around, hosts and outside paths that the user never
/// named need a person.
fn provenance(
    assessment: &mut Assessment,
    hosts: &[Option<String>],
    outside: &[String],
    state: &SessionState,
) {
    let mut note = |text: String| {
        if assessment.unnamed.len() < UNNAMED_MAX {
            assessment.unnamed.push(kode_base::escape::escape_line(&text));
        }
    };
    for host in hosts {
        match host.as_deref() {
            Some(host) if named(host, state) => {}
            Some(host) => note(format!("host {host}")),
            None => note("a host known only when it runs".to_owned()),
        }
    }
    for path in outside.iter().filter(|path| !path_named(path, state)) {
        note(format!("path {path}"));
    }
    if !state.untrusted_in_context {
        return;
    }
    let unnamed_host = hosts
        .iter()
        .find(|host| !host.as_ref().is_some_and(|host| named(host, state) || listed(host, state)));
    let unnamed_path = outside.iter().find(|path| !path_named(path, state));
    let text = match (unnamed_host, unnamed_path) {
        (Some(host), _) => {
            let host = host.as_deref().unwrap_or("a host known only when it runs");
            format!("untrusted text is in the context, and you never named {host}")
        }
        (None, Some(path)) => {
            format!("untrusted text is in the context, and you never named {path}")
        }
        (None, None) => return,
    };
    let text = kode_base::escape::escape_line(&text);
    assessment.questions.push(Question { kind: QuestionKind::Provenance, text });
}

/// Whether the user named the path or a folder above it, `~` for the home.
fn path_named(path: &str, state: &SessionState) -> bool {
    let home = state.home.as_str();
    let short = path.strip_prefix(home).filter(|_| !home.is_empty()).map(|rest| format!("~{rest}"));
    [Some(path.to_owned()), short].into_iter().flatten().any(|spelling| {
        let mut folders = Some(spelling.as_str());
        while let Some(folder) = folders.filter(|folder| folder.len() > 1) {
            if names_exactly(&state.user_words, folder) {
                return true;
            }
            folders = folder.rsplit_once('/').map(|(above, _)| above);
        }
        false
    })
}

/// Whether `words` hold `path` as a whole: naming a file in a folder does not
/// name the folder.
fn names_exactly(words: &str, path: &str) -> bool {
    occurrences(words, path).next().is_some()
}

fn occurrences<'w>(words: &'w str, path: &'w str) -> impl Iterator<Item = usize> + 'w {
    let is_part = |character: char| character.is_alphanumeric() || "_-/".contains(character);
    let whole = move |at: usize| {
        let before = words[..at].chars().next_back();
        let rest = &words[at + path.len()..];
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let mut after = rest.chars();
        let ends = match after.next() {
            Some('.') => !after.next().is_some_and(is_part),
            next => !next.is_some_and(is_part),
        };
        ends && !before.is_some_and(|before| is_part(before) || before == '~')
    };
    words.match_indices(path).map(|(at, _)| at).filter(move |at| whole(*at))
}

/// Whether the words name it, and not to say that it must stay.
fn names_to_change(words: &str, path: &str) -> bool {
    const STAYS: [&str; 8] =
        ["don't", "do not", "never", "without", "not ", "except", "leave", "avoid"];
    occurrences(words, path).any(|at| {
        let sentence = words[..at].rsplit(['.', ';', '\n']).next().unwrap_or_default();
        let sentence = sentence.to_lowercase();
        !STAYS.iter().any(|word| sentence.contains(word))
    })
}

/// Whether the person said that the task is about this file: listed it, or
/// named it in their own words.
#[must_use]
pub fn is_meant(path: &ProjectPath, state: &SessionState) -> bool {
    let text = path.as_str();
    let listed = |pattern: &String| patterns::covers(pattern.trim_start_matches("./"), text);
    let name = path.file_name();
    state.may_change.iter().any(listed)
        || names_to_change(&state.user_words, text)
        || name.len() >= NAME_LENGTH_MIN && names_to_change(&state.user_words, name)
}

/// The same for an absolute path.
pub(crate) fn is_meant_path(path: &str, state: &SessionState) -> bool {
    let root = state.project_root.trim_end_matches('/');
    let below = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    below.and_then(|below| ProjectPath::new(below).ok()).is_some_and(|path| is_meant(&path, state))
}

fn unit(class: RiskClass, why: String, trust: Option<TrustScope>) -> Unit {
    Unit::of_class(class, why, trust)
}

/// Whether a file of the project looks like a credential: an environment file,
/// a private key, a token store. Reading one with `read_file` asks a person;
/// whatever reads many files at once leaves such a file out. Judged by name
/// alone (`data/secrets.toml`), so a file that does not exist can look secret;
/// examples made to be shared, such as `.env.example` and `*.pub`, don't.
#[must_use]
pub fn looks_secret(path: &ProjectPath) -> bool {
    paths::looks_secret(&format!("/{}", path.as_str()))
}

fn looking(verb: &str, path: &ProjectPath, contents: bool, state: &SessionState) -> Assessment {
    let mut assessment = Assessment {
        units: vec![unit(RiskClass::Safe, format!("{verb} {path}"), None)],
        ..Assessment::default()
    };
    let full = absolute(path, state);
    if contents && (looks_secret(path) || paths::looks_secret(&full)) {
        assessment.reads_secret = true;
        let text = format!("{path} looks like a credential");
        assessment.questions.push(Question { kind: QuestionKind::Secret, text });
    }
    assessment
}

/// Assesses the change of a sensitive place: always a question, but for a file
/// the person meant.
pub(crate) fn sensitive_write(write: &FileWrite, why: &str, state: &SessionState) -> Assessment {
    let mut assessment = writing(write, state);
    assessment.questions.retain(|question| question.kind != QuestionKind::SensitivePlace);
    if !is_meant(&write.path, state) {
        let text = kode_base::escape::escape_line(why);
        assessment.questions.push(Question { kind: QuestionKind::SensitivePlace, text });
    }
    without_ablated(&mut assessment, &state.ablation);
    assessment
}

/// A page is read by kode itself, so it is judged like a command that names the
/// host.
fn fetching(fetch: &WebFetch, state: &SessionState) -> Assessment {
    let host = fetch.host.as_str();
    let class = RiskClass::NetworkEgress;
    let why = kode_base::escape::escape_line(&format!("reads a page of {host}"));
    let hosts = [Some(host.to_owned())];
    let mut assessment = Assessment {
        units: vec![unit(class, why, Some(TrustScope::Host(host.to_owned())))],
        opens: reachable::hosts(&[], &hosts, &[]),
        ..Assessment::default()
    };
    secret_in_address(&mut assessment, fetch, state);
    provenance(&mut assessment, &hosts, &[], state);
    assessment
}

fn writing(write: &FileWrite, state: &SessionState) -> Assessment {
    let path = &write.path;
    let why = format!("would change {path}");
    let mut assessment = Assessment {
        units: vec![unit(
            RiskClass::LocalWrite,
            why,
            Some(TrustScope::Class(RiskClass::LocalWrite)),
        )],
        ..Assessment::default()
    };
    let full = absolute(path, state);
    if place(&full, None, state).zone == Zone::Kode {
        let text = format!("{path} holds kode's own policy, audit log or sessions");
        let class = RiskClass::Blocked;
        assessment.refusal = Some(Refusal { name: "kode_files", class, text });
    }
    if is_sensitive(&full) && !is_meant(path, state) {
        let text = format!("{path} is a place whose content runs later, outside the sandbox");
        assessment.questions.push(Question { kind: QuestionKind::SensitivePlace, text });
    }
    if paths::holds_settings(&full) && !is_meant(path, state) {
        let text = format!("would change {path}, which holds credentials");
        assessment.questions.push(Question { kind: QuestionKind::Secret, text });
    }
    if let WriteMode::Content(content) = &write.mode {
        let before = state.known_files.get(path.as_str()).map_or("", String::as_str);
        foreign_code(&mut assessment, path.as_str(), &lossy(content), before, state);
    }
    assessment
}

#[expect(clippy::disallowed_methods, reason = "the gate is what looks inside writes")]
fn lossy(content: &Untrusted<Vec<u8>>) -> String {
    String::from_utf8_lossy(content.expose()).into_owned()
}

/// With untrusted text around, code from a host that the user never named and
/// the file did not load from `before` needs a person.
fn foreign_code(
    assessment: &mut Assessment,
    file: &str,
    text: &str,
    before: &str,
    state: &SessionState,
) {
    if !state.untrusted_in_context {
        return;
    }
    let unnamed = foreign_code::hosts(text).into_iter().find(|host| {
        !before.to_ascii_lowercase().contains(host.as_str())
            && !named(host, state)
            && !listed(host, state)
    });
    if let Some(host) = unnamed {
        let text = format!(
            "untrusted text is in the context, and {file} would load code from {host}, which you \
             never named"
        );
        assessment.questions.push(Question { kind: QuestionKind::Provenance, text });
    }
}

#[cfg(test)]
mod tests;
