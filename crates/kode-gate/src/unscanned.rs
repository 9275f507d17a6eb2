//! Touched files that hold code which the scan could not read: who may accept them.
//! The user's or managed lists do so in advance, a person when asked, each file by the
//! hash of its bytes. The model never answers here, and no project file accepts.

use kode_audit::{AuditError, DecisionRecord, Record};
use kode_base::{AnsweredBy, Layer, ProjectPath, Reason, RiskClass, Untrusted, Verdict};

use crate::approval::{Answer, ApprovalRequest, TrustScope};
use crate::evaluate::glob_matches;
use crate::gate::{DenialKind, Gate};
use crate::patterns;

/// The rule of what a list accepts.
const LISTED: &str = "scan.accept_unscanned";
/// The rule of what a person is asked about.
const ASKED: &str = "question.unscanned";
/// The rule of what a layer forbids to accept.
const FORBIDDEN: &str = "scan.unscanned";

/// One such file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnscannedFile {
    /// The file.
    pub path: ProjectPath,
    /// Where these bytes stand, if not in the project's folder: `a new commit`.
    pub elsewhere: Option<&'static str>,
    /// What kind of code it is, such as `Ruby`.
    pub kind: String,
    /// Why it could not be scanned; part of a sentence.
    pub why: String,
    /// Only this very file can be accepted, not its kind: others of the kind can be
    /// scanned, or it is a program already built.
    pub singly: bool,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

/// Files that a configuration layer accepts in advance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedGlob {
    /// Managed or user.
    pub layer: Layer,
    /// A glob of project paths; without a `/`, of file names in any folder.
    pub glob: String,
}

/// What the layers say about files that could not be scanned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnscannedPolicy {
    /// Accepted in advance.
    pub accepted: Vec<AcceptedGlob>,
    /// The highest layer that lets nobody else accept: then only its own list and those
    /// of the layers above it hold, and nobody is asked.
    pub forbidden_by: Option<Layer>,
}

impl UnscannedPolicy {
    fn accepting(&self, file: &UnscannedFile) -> Option<&AcceptedGlob> {
        let holds = |layer: Layer| self.forbidden_by.is_none_or(|forbidding| layer <= forbidding);
        self.accepted.iter().find(|each| holds(each.layer) && covers(&each.glob, file))
    }
}

/// A glob that names nothing (`*`, `**`) accepts no file that only counts singly.
fn covers(glob: &str, file: &UnscannedFile) -> bool {
    let glob = glob.trim_start_matches("./");
    let names_something = glob.contains(char::is_alphanumeric);
    let fits = patterns::covers(glob, file.path.as_str())
        || !glob.contains('/') && glob_matches(glob, file.path.file_name());
    fits && (names_something || !file.singly)
}

/// Who accepted a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptedBy {
    /// A list of this layer, by this glob.
    List(AcceptedGlob),
    /// A person who trusted its kind for the session.
    SessionTrust,
    /// A person, for these bytes.
    Person,
}

impl Gate {
    /// Who accepts the file without being asked now.
    pub fn accepted_in_advance(&self, file: &UnscannedFile) -> Option<AcceptedBy> {
        let policy = &self.policy.unscanned;
        let listed = policy.accepting(file).map(|listed| AcceptedBy::List(listed.clone()));
        let listed = listed.or_else(|| self.meant_to_change(file));
        let trusts = |scope: &TrustScope| match scope {
            TrustScope::UnscannedKinds(kinds) => kinds.contains(&file.kind),
            TrustScope::Class(_) | TrustScope::Host(_) | TrustScope::Folder(_) => false,
        };
        let trusted = !file.singly && self.trusted.iter().any(trusts);
        let by_trust =
            (trusted && policy.forbidden_by.is_none()).then_some(AcceptedBy::SessionTrust);
        listed.or(by_trust)
    }

    /// `--may-change` lets the agent write places unasked whose content runs later: who
    /// says so accepts what stands there then.
    fn meant_to_change(&self, file: &UnscannedFile) -> Option<AcceptedBy> {
        let forbidden = self.policy.unscanned.forbidden_by == Some(Layer::Managed);
        let globs = self.state.may_change.iter().filter(|_| !file.singly && !forbidden);
        let mut covering = globs
            .filter(|glob| patterns::covers(glob.trim_start_matches("./"), file.path.as_str()));
        let glob = covering.next()?.clone();
        Some(AcceptedBy::List(AcceptedGlob { layer: Layer::User, glob }))
    }

    /// Whether a person is there who may accept.
    pub fn can_ask_about_unscanned(&self) -> bool {
        self.policy.unscanned.forbidden_by.is_none() && self.approver.is_interactive()
    }

    /// Writes down who accepted what without being asked now.
    ///
    /// # Errors
    /// When the records can't be written; then nothing is accepted.
    pub fn record_accepted(
        &mut self,
        files: &[(UnscannedFile, AcceptedBy)],
    ) -> Result<(), AuditError> {
        let records: Vec<Record> = files
            .iter()
            .map(|(file, by)| match by {
                AcceptedBy::List(AcceptedGlob { layer, glob }) => {
                    let text = format!("{glob} is on the list of files accepted unscanned");
                    let reason = reason(LISTED, *layer, text);
                    record(file, true, Verdict::Allow, AnsweredBy::Policy, reason)
                }
                AcceptedBy::SessionTrust => {
                    let text = format!("{} was accepted for this session", file.kind);
                    let reason = reason(ASKED, Layer::BuiltIn, text);
                    record(file, true, Verdict::Prompt, AnsweredBy::SessionTrust, reason)
                }
                AcceptedBy::Person => {
                    let reason = reason(ASKED, Layer::BuiltIn, why(file));
                    record(file, true, Verdict::Prompt, AnsweredBy::Person, reason)
                }
            })
            .collect();
        self.audit.append_all(&records).map(drop)
    }

    /// Asks a person whether the files may stay as they are. Whatever the answer, there
    /// is a record of each file with its hash before this returns.
    ///
    /// # Errors
    /// Who or what said no; nothing is accepted then.
    pub fn ask_about_unscanned(&mut self, files: &[UnscannedFile]) -> Result<(), DenialKind> {
        let answer = self.answer_about(files);
        let verdict = match answer {
            Err(DenialKind::Policy) => Verdict::Deny,
            _ => Verdict::Prompt,
        };
        let forbidding = self.policy.unscanned.forbidden_by;
        let answered_by = match answer {
            Ok(()) | Err(DenialKind::Person) => AnsweredBy::Person,
            Err(DenialKind::Policy) => AnsweredBy::Policy,
            Err(DenialKind::NoTerminal) => AnsweredBy::NonInteractive,
            Err(DenialKind::Failure | DenialKind::Refused) => AnsweredBy::Failure,
        };
        let reason = |file: &UnscannedFile| match forbidding {
            Some(layer) => reason(FORBIDDEN, layer, why(file)),
            None => reason(ASKED, Layer::BuiltIn, why(file)),
        };
        let records: Vec<Record> = files
            .iter()
            .map(|file| record(file, answer.is_ok(), verdict, answered_by, reason(file)))
            .collect();
        match self.audit.append_all(&records) {
            Ok(_) => answer,
            Err(_) => answer.and(Err(DenialKind::Failure)),
        }
    }

    fn answer_about(&mut self, files: &[UnscannedFile]) -> Result<(), DenialKind> {
        if self.policy.unscanned.forbidden_by.is_some() {
            return Err(DenialKind::Policy);
        }
        if !self.approver.is_interactive() {
            return Err(DenialKind::NoTerminal);
        }
        let request = self.unscanned_request(files);
        match self.approver.ask(&request) {
            Ok(Answer::Deny) => Err(DenialKind::Person),
            Ok(answer) => {
                let trust = request.trust.filter(|_| answer == Answer::TrustSession);
                self.approved(request.reason.class, trust);
                Ok(())
            }
            Err(_) => Err(DenialKind::Failure),
        }
    }

    fn unscanned_request(&mut self, files: &[UnscannedFile]) -> ApprovalRequest {
        let listed: String = files.iter().map(|file| format!("\n{}", line(file))).collect();
        let digests: String =
            files.iter().map(|file| format!("\n{}  sha256 {}", file.path, file.digest)).collect();
        let mut kinds: Vec<String> =
            files.iter().filter(|file| !file.singly).map(|file| file.kind.clone()).collect();
        kinds.sort();
        kinds.dedup();
        let all_by_kind = files.iter().all(|file| !file.singly);
        let class = RiskClass::CodeExecution;
        ApprovalRequest {
            label: "Accept: ",
            lapsed: None,
            reason: reason(ASKED, Layer::BuiltIn, "they hold code that was not scanned".to_owned()),
            subject: Untrusted::from(format!("{} as they are, unscanned:{listed}", counted(files))),
            why: Some(Untrusted::from(
                "the scan could not read them, so nobody has looked for flaws in them yet",
            )),
            context: format!(
                "A accepts exactly these bytes; changed, they are asked about again. D leaves the \
                 run red. `kode review` shows what is in them.{digests}"
            ),
            focus: Vec::new(),
            opens: Vec::new(),
            trust: all_by_kind.then_some(TrustScope::UnscannedKinds(kinds)),
            type_approve: self.is_reflex(class),
        }
    }
}

fn counted(files: &[UnscannedFile]) -> String {
    match files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

fn line(file: &UnscannedFile) -> String {
    let place = file.elsewhere.map(|place| format!(" (in {place})")).unwrap_or_default();
    format!("{}{place}: {}", file.path, file.why)
}

fn why(file: &UnscannedFile) -> String {
    format!("{} holds code that was not scanned: {}", file.path, file.why)
}

fn reason(rule: &str, layer: Layer, text: String) -> Reason {
    Reason { class: RiskClass::CodeExecution, rule: rule.to_owned(), layer, text }
}

fn record(
    file: &UnscannedFile,
    permitted: bool,
    verdict: Verdict,
    answered_by: AnsweredBy,
    reason: Reason,
) -> Record {
    let place = file.elsewhere.map(|place| format!(" in {place}")).unwrap_or_default();
    Record::Decision(DecisionRecord {
        action: "accept".to_owned(),
        subject: format!("accept {}{place} unscanned", file.path),
        digest: file.digest.clone(),
        verdict,
        permitted,
        answered_by,
        reason,
        opened: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
