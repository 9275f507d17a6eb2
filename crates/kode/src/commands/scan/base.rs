//! The files as they were at a git reference, for `--diff`, and the ignore rules of
//! then: what is new can't hide itself. git runs inside the
//! sandbox, read-only and offline: a repository's git configuration is code.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kode_audit::AuditLog;
use kode_base::{ExitStatus, Interrupt, ProjectPath, ShellCommand, Untrusted};
use kode_gate::{Gate, NoTerminal, Policy};
use kode_sandbox::{CommandEnd, IgnoreRules, Sandbox, is_ignore_file};

use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::sandbox_settings;

/// Paths asked for in one command, to stay below the longest argument.
const PATHS_PER_COMMAND: usize = 500;
/// All contents together.
const BYTES_MAX: usize = 512 * 1024 * 1024;

/// A commit that is compared with: its files, and the ignore rules it has.
pub(super) struct Base {
    git: Git,
    commit: String,
    reference: String,
    /// The working folder below the repository's.
    prefix: ProjectPath,
    /// The files it has below the working folder.
    names: BTreeSet<String>,
    /// Its ignore rules: one that came later hides nothing from the comparison.
    pub(super) rules: IgnoreRules,
}

impl Base {
    /// Finds the commit that `reference` names.
    pub(super) fn open(places: &Places, reference: &str) -> Result<Self, Failure> {
        let mut git = Git::open(places)?;
        let commit = git.commit(reference)?;
        let prefix = places.directory_below(&git.root);
        let names = git.names(&commit, &prefix)?;
        let reference = reference.to_owned();
        let rules = IgnoreRules::default();
        let mut base = Self { git, commit, reference, prefix, names, rules };
        let ignoring = base.names.iter().filter_map(|name| ProjectPath::new(name).ok());
        let ignoring: Vec<ProjectPath> =
            ignoring.filter(|path| is_ignore_file(path.file_name())).collect();
        let texts = base.contents(ignoring.iter())?;
        base.rules = IgnoreRules::of_files(texts.iter().map(|(path, text)| (path, &text[..])));
        Ok(base)
    }

    /// Whether the commit has a file, or any file in a folder.
    pub(super) fn holds(&self, path: &ProjectPath) -> bool {
        let folder = format!("{path}/");
        let next = self.names.range(folder.clone()..).next();
        self.names.contains(path.as_str()) || next.is_some_and(|name| name.starts_with(&folder))
    }

    /// The contents of those of `paths` that were there.
    pub(super) fn contents<'p>(
        &mut self,
        paths: impl Iterator<Item = &'p ProjectPath>,
    ) -> Result<HashMap<ProjectPath, Vec<u8>>, Failure> {
        let paths: Vec<&ProjectPath> = paths.collect();
        let mut contents = HashMap::new();
        for batch in paths.chunks(PATHS_PER_COMMAND) {
            let names: Vec<String> =
                batch.iter().map(|path| in_repository(&self.prefix, path)).collect();
            let output = self.git.read_blobs(&self.commit, &names)?;
            let mut rest = output.as_slice();
            for path in batch {
                let (content, after) = next_blob(rest).ok_or_else(|| {
                    let reference = &self.reference;
                    Failure::error(format!("git did not answer for {path} at {reference}"))
                })?;
                contents.extend(content.map(|content| ((*path).clone(), content)));
                rest = after;
            }
        }
        Ok(contents)
    }
}

fn in_repository(prefix: &ProjectPath, path: &ProjectPath) -> String {
    if prefix.is_root() {
        path.as_str().to_owned()
    } else {
        format!("{}/{}", prefix.as_str(), path.as_str())
    }
}

/// One answer of `git cat-file --batch`: `<id> blob <size>\n<bytes>\n`, or
/// `<name> missing\n`.
fn next_blob(output: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let end = output.iter().position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(&output[..end]).ok()?;
    let rest = &output[end + 1..];
    if header.ends_with(" missing") {
        return Some((None, rest));
    }
    let size: usize = header.rsplit(' ').next()?.parse().ok()?;
    let content = rest.get(..size)?.to_vec();
    Some((Some(content), rest.get(size + 1..)?))
}

/// git in a read-only sandbox of the project.
struct Git {
    sandbox: Sandbox,
    gate: Gate,
    root: kode_sandbox::ProjectRoot,
}

impl Git {
    fn open(places: &Places) -> Result<Self, Failure> {
        let root = places.project_root()?;
        kode_config::prepare_home(&places.kode_home)?;
        let mut settings = sandbox_settings(places, false, &[]);
        settings.read_only = true;
        let sandbox = Sandbox::start(&root, settings)?;
        let audit = AuditLog::open(&places.audit_folder(), "")?;
        let approver = Box::new(NoTerminal);
        let gate = Gate::new(Policy::default(), audit, approver, true, Default::default());
        Ok(Self { sandbox, gate, root })
    }

    fn commit(&mut self, reference: &str) -> Result<String, Failure> {
        let wrong = || {
            Failure::new(ExitStatus::Usage, format!("--diff {reference}: no such commit here"))
                .hint("name a branch, a tag or a commit of this repository")
        };
        if reference.starts_with('-') || reference.contains(['\0', '\n', ':']) {
            return Err(wrong());
        }
        let name = quoted(&format!("{reference}^{{commit}}"));
        let output = self.run(format!("git rev-parse --verify --quiet --end-of-options {name}"));
        let output = output.map_err(|failure| failure.unwrap_or_else(wrong))?;
        let commit = String::from_utf8(output).unwrap_or_default().trim().to_owned();
        let whole = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if whole { Ok(commit) } else { Err(wrong()) }
    }

    /// The files of a commit below a folder, from there.
    fn names(&mut self, commit: &str, below: &ProjectPath) -> Result<BTreeSet<String>, Failure> {
        let within = match below.is_root() {
            true => String::new(),
            false => format!(" -- {}", quoted(below.as_str())),
        };
        let command = format!("git ls-tree -r -z --full-tree --name-only {commit}{within}");
        let output = self.run(command);
        let output = output
            .map_err(|failure| failure.unwrap_or_else(|| Failure::error("git ls-tree failed")))?;
        let names = output.split(|byte| *byte == 0).filter_map(|name| {
            let name = std::str::from_utf8(name).ok()?;
            let name = match below.is_root() {
                true => name,
                false => name.strip_prefix(below.as_str())?.strip_prefix('/')?,
            };
            Some(name.to_owned())
        });
        Ok(names.collect())
    }

    fn read_blobs(&mut self, commit: &str, names: &[String]) -> Result<Vec<u8>, Failure> {
        let lines: Vec<String> =
            names.iter().map(|name| quoted(&format!("{commit}:{name}"))).collect();
        if names.iter().any(|name| name.contains('\n')) {
            return Err(Failure::error("a file name with a line break can't be compared"));
        }
        let command = format!("printf '%s\\n' {} | git cat-file --batch", lines.join(" "));
        self.run(command)
            .map_err(|failure| failure.unwrap_or_else(|| Failure::error("git cat-file failed")))
    }

    /// Standard output; `Err(None)` when the command failed by itself.
    fn run(&mut self, command: String) -> Result<Vec<u8>, Option<Failure>> {
        let action = ShellCommand {
            command: Untrusted::from(format!("{{ {command}; }} 2>/dev/null")),
            description: None,
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(120),
        };
        let (permit, _) = self
            .gate
            .authorize_person(action)
            .map_err(|denial| Some(Failure::error(denial.decision.reason.text)))?;
        let mut output = Vec::new();
        let mut collect = |bytes: &[u8]| {
            if output.len() + bytes.len() <= BYTES_MAX {
                output.extend_from_slice(bytes);
            }
        };
        let ran = self.sandbox.run(permit, &Interrupt::new(), &mut collect);
        match ran.map_err(|error| Some(Failure::from(error)))?.end {
            CommandEnd::Exited(0) => Ok(output),
            _ => Err(None),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart_by_their_sizes() {
        let output = b"abc blob 5\na\nb\nc\nc0ffee:gone.txt missing\n";
        let (first, rest) = next_blob(output).unwrap();
        assert_eq!(first.unwrap(), b"a\nb\nc");
        let (second, rest) = next_blob(rest).unwrap();
        assert!(second.is_none() && rest.is_empty());
        assert!(next_blob(b"abc blob 50\nshort").is_none());
    }
}
