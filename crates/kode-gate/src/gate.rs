//! The gate: judge, ask, record, and only then mint.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use kode_audit::{AuditError, AuditLog, DecisionRecord, Outcome, Record};
use kode_base::{
    Action, AnsweredBy, AuditSequence, FileWrite, Reason, RiskClass, Untrusted, Verdict,
};

use crate::ablation::Control;
use crate::approval::{Answer, ApprovalRequest, Approver, Lapse, RUN, TrustScope};
use crate::denied::{self, DeniedEffects};
use crate::judge::{Judgement, SessionState, judge, judge_sensitive};
use crate::memory::{GateMemory, Remembered};
use crate::{Label, NonInteractive, Permit, Policy, subject};

/// Approvals of one class that may come by one key within [`REFLEX_WINDOW`].
const REFLEX_APPROVALS_MAX: usize = 3;
/// How far back approvals count as a reflex.
const REFLEX_WINDOW: Duration = Duration::from_secs(60);

/// Why an action did not get its permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialKind {
    /// Nothing could have allowed it.
    Refused,
    /// The policy said no.
    Policy,
    /// A person said no.
    Person,
    /// It would have been asked, and nobody was there.
    NoTerminal,
    /// Judge, prompt or audit log failed.
    Failure,
}

/// What was decided; for events and the model.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What the policy said.
    pub verdict: Verdict,
    /// Class, rule, layer, sentence.
    pub reason: Reason,
    /// Whether it was permitted.
    pub permitted: bool,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// Its audit record; 0 when even that failed.
    pub audit: AuditSequence,
    /// Hosts that the action wants and a person's answer opens.
    pub hosts: Vec<String>,
    /// Whether they are open for it: only a person's answer does that.
    pub opened: bool,
    /// Whether it reads a credential.
    pub reads_secret: bool,
}

/// A no, with its reason.
#[derive(Debug, Clone)]
pub struct Denial {
    /// Why.
    pub kind: DenialKind,
    /// The decision behind it.
    pub decision: Decision,
}

/// An answer on its way into the log.
struct Answered {
    permitted: bool,
    answered_by: AnsweredBy,
    kind: DenialKind,
    opened: Vec<String>,
}

/// Judges, asks, records and mints for one session.
pub struct Gate {
    pub(crate) policy: Policy,
    pub(crate) audit: AuditLog,
    pub(crate) approver: Box<dyn Approver>,
    pub(crate) trusted: Vec<TrustScope>,
    lapsed: Vec<(TrustScope, Lapse)>,
    sandboxed: bool,
    unnamed: Vec<String>,
    approvals: VecDeque<(Instant, RiskClass)>,
    denied: DeniedEffects,
    memory: GateMemory,
    /// What the judge knows of the session; the agent keeps it current.
    pub state: SessionState,
}

impl Gate {
    /// A gate over `policy`. `sandboxed` says whether a sandbox holds commands,
    /// which sets the default of `non_interactive` and `state.bare_host`.
    pub fn new(
        policy: Policy,
        audit: AuditLog,
        approver: Box<dyn Approver>,
        sandboxed: bool,
        mut state: SessionState,
    ) -> Self {
        state.bare_host = !sandboxed;
        Self {
            policy,
            audit,
            approver,
            trusted: Vec::new(),
            lapsed: Vec::new(),
            sandboxed,
            unnamed: Vec::new(),
            approvals: VecDeque::new(),
            denied: DeniedEffects::default(),
            memory: GateMemory::default(),
            state,
        }
    }

    /// Goes on where the gate that had `memory` before ended: its session trust
    /// holds, and text that came into the context is still there.
    #[must_use]
    pub fn remembering(mut self, memory: GateMemory) -> Self {
        let known = memory.load();
        (self.trusted, self.lapsed) = (known.trusted, known.lapsed);
        self.approvals = known.approvals;
        self.denied = known.denied;
        self.state.untrusted_in_context |= known.untrusted_in_context;
        self.state.secret_in_context |= known.secret_in_context;
        self.state.credential_opened |= known.credential_opened;
        self.state.sensitive_changed |= known.sensitive_changed;
        self.memory = memory;
        self
    }

    fn remember(&self) {
        self.memory.store(Remembered {
            trusted: self.trusted.clone(),
            lapsed: self.lapsed.clone(),
            approvals: self.approvals.clone(),
            denied: self.denied.clone(),
            untrusted_in_context: self.state.untrusted_in_context,
            secret_in_context: self.state.secret_in_context,
            credential_opened: self.state.credential_opened,
            sensitive_changed: self.state.sensitive_changed,
        });
    }

    /// Decides about `action`; the audit record is durable before the permit
    /// exists.
    ///
    /// # Errors
    /// A [`Denial`] with the reason; nothing may run then.
    pub fn authorize<A>(&mut self, action: A) -> Result<(Permit<A>, Decision), Denial>
    where
        A: Clone + Into<Action>,
    {
        let general: Action = action.clone().into();
        let judgement = judge(&general, &self.policy, &self.state);
        let (permitted, answered_by, kind) = self.answer(&general, &judgement);
        // Lists, defaults and trust answer the class question and no more.
        let opened = match answered_by {
            AnsweredBy::Person if permitted => judgement.opens.clone(),
            _ => Vec::new(),
        };
        let answer = Answered { permitted, answered_by, kind, opened };
        self.conclude(action, &general, judgement, answer)
    }

    /// Decides about a change of a sensitive place. `why` says what about it
    /// matters; the person is shown `diff`, the exact change.
    ///
    /// # Errors
    /// A [`Denial`] with the reason; nothing may be written then.
    pub fn authorize_sensitive(
        &mut self,
        write: FileWrite,
        why: &str,
        diff: Untrusted<String>,
    ) -> Result<(Permit<FileWrite>, Decision), Denial> {
        let judgement = judge_sensitive(&write, why, &self.policy, &self.state);
        let general: Action = write.clone().into();
        let (permitted, answered_by, kind) = self.answer_showing(&general, &judgement, Some(diff));
        let answer = Answered { permitted, answered_by, kind, opened: Vec::new() };
        self.conclude(write, &general, judgement, answer)
    }

    /// Decides about an action a person typed or pressed (`kode sandbox`,
    /// `review --reject`): not judged, but recorded.
    ///
    /// # Errors
    /// When the audit record can't be written.
    pub fn authorize_person<A>(&mut self, action: A) -> Result<(Permit<A>, Decision), Denial>
    where
        A: Clone + Into<Action>,
    {
        self.authorize_person_with_hosts(action, Vec::new())
    }

    /// The same, with `hosts` open for the action because the person named them
    /// too (`kode sandbox --network`).
    ///
    /// # Errors
    /// When the audit record can't be written.
    pub fn authorize_person_with_hosts<A>(
        &mut self,
        action: A,
        hosts: Vec<String>,
    ) -> Result<(Permit<A>, Decision), Denial>
    where
        A: Clone + Into<Action>,
    {
        let general: Action = action.clone().into();
        let judgement = judge(&general, &self.policy, &self.state);
        let answer = Answered {
            permitted: true,
            answered_by: AnsweredBy::Person,
            kind: DenialKind::Failure,
            opened: hosts,
        };
        self.conclude(action, &general, judgement, answer)
    }

    /// The same for several actions, with one flush of the log: every record is
    /// durable before the first permit exists.
    ///
    /// # Errors
    /// When the audit records can't be written; then there is no permit at all.
    pub fn authorize_person_for_all<A>(
        &mut self,
        actions: Vec<A>,
    ) -> Result<Vec<(Permit<A>, Decision)>, Denial>
    where
        A: Clone + Into<Action>,
    {
        let mut concluded = Vec::with_capacity(actions.len());
        let mut records = Vec::with_capacity(actions.len());
        for action in &actions {
            let general: Action = action.clone().into();
            let judgement = judge(&general, &self.policy, &self.state);
            let answer = Answered {
                permitted: true,
                answered_by: AnsweredBy::Person,
                kind: DenialKind::Failure,
                opened: Vec::new(),
            };
            records.push(decision_record(&general, &judgement, &answer));
            concluded.push((judgement, answer));
        }
        let first = self.audit.append_all(&records).ok();
        let mut permits = Vec::with_capacity(actions.len());
        for (index, (action, (judgement, answer))) in (0..).zip(actions.into_iter().zip(concluded))
        {
            let sequence = first.map(|first| AuditSequence(first.0 + index));
            permits.push(self.conclude_recorded(action, judgement, answer, sequence)?);
        }
        Ok(permits)
    }

    /// Decides about a command that trusted configuration names (`checks`): not
    /// judged, but recorded as the policy's own.
    ///
    /// # Errors
    /// When the audit record can't be written.
    pub fn authorize_configured<A>(&mut self, action: A) -> Result<(Permit<A>, Decision), Denial>
    where
        A: Clone + Into<Action>,
    {
        let general: Action = action.clone().into();
        let judgement = judge(&general, &self.policy, &self.state);
        let answer = Answered {
            permitted: true,
            answered_by: AnsweredBy::Policy,
            kind: DenialKind::Failure,
            opened: Vec::new(),
        };
        self.conclude(action, &general, judgement, answer)
    }

    /// Judges without asking, recording or minting; for `kode policy` and tests.
    pub fn preview(&self, action: &Action) -> Judgement {
        judge(action, &self.policy, &self.state)
    }

    /// Tells that text nobody vouched for, or secret text, is now in the
    /// model's context. It stays there, so the flags never go back; session
    /// trust given before lapses.
    pub fn context_became(&mut self, untrusted: bool, secret: bool) {
        let untrusted_now = untrusted && !self.state.untrusted_in_context;
        let secret_now = secret && !self.state.secret_in_context;
        match (untrusted_now, secret_now) {
            (_, true) => self.lapse(Lapse::Secret),
            (true, false) => self.lapse(Lapse::Untrusted),
            (false, false) => {}
        }
        self.state.untrusted_in_context |= untrusted;
        self.state.secret_in_context |= secret;
        self.remember();
    }

    fn lapse(&mut self, why: Lapse) {
        self.lapsed.retain(|(scope, _)| !self.trusted.contains(scope));
        self.lapsed.extend(self.trusted.drain(..).map(|scope| (scope, why)));
    }

    /// What permitted actions touched that the user never named, since the last
    /// time this was asked.
    pub fn take_unnamed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unnamed)
    }

    /// Joins a label into the context's: for what a resumed session or the
    /// task above a nested one had in context.
    pub fn context_joined(&mut self, label: Label) {
        if label.is_exposed() && !self.state.credential_opened {
            self.lapse(Lapse::Credential);
            self.state.credential_opened = true;
        }
        self.context_became(label.is_untrusted(), label.is_secret());
    }

    /// Tells that a sensitive place changed: allowlist entries lapse for the
    /// rest of the session.
    pub fn sensitive_place_changed(&mut self) {
        self.state.sensitive_changed = true;
        self.remember();
    }

    /// Adds what the user typed, for "never named" questions.
    pub fn user_said(&mut self, words: &str) {
        self.state.user_words.push('\n');
        self.state.user_words.push_str(words);
    }

    /// Writes a record that is no decision, such as a session's start.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn record(&mut self, record: &Record) -> Result<AuditSequence, AuditError> {
        self.audit.append(record)
    }

    /// Records how a permitted action ended.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn record_outcome(&mut self, outcome: Outcome) -> Result<AuditSequence, AuditError> {
        self.audit.append(&Record::Outcome(outcome))
    }

    /// The same as the last thing that the program does, where somebody else flushes the
    /// log behind its end.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn record_last_outcome(&mut self, outcome: Outcome) -> Result<AuditSequence, AuditError> {
        self.audit.append_unflushed(&Record::Outcome(outcome))
    }

    fn answer(&mut self, action: &Action, judgement: &Judgement) -> (bool, AnsweredBy, DenialKind) {
        self.answer_showing(action, judgement, None)
    }

    /// `shown` replaces what a prompt says would happen.
    fn answer_showing(
        &mut self,
        action: &Action,
        judgement: &Judgement,
        shown: Option<Untrusted<String>>,
    ) -> (bool, AnsweredBy, DenialKind) {
        match judgement.verdict {
            Verdict::Allow => (true, AnsweredBy::Policy, DenialKind::Policy),
            Verdict::Deny => (false, AnsweredBy::Policy, DenialKind::Policy),
            Verdict::Refuse => (false, AnsweredBy::Policy, DenialKind::Refused),
            Verdict::Prompt => self.ask(action, judgement, shown),
        }
    }

    fn ask(
        &mut self,
        action: &Action,
        judgement: &Judgement,
        shown: Option<Untrusted<String>>,
    ) -> (bool, AnsweredBy, DenialKind) {
        let trusted = judgement.trust.as_ref().is_some_and(|scope| self.trusted.contains(scope));
        let effects = denied::effects(&subject::digest(action), judgement);
        if judgement.class_question && trusted && !self.denied.hold(&effects) {
            return (true, AnsweredBy::SessionTrust, DenialKind::Policy);
        }
        if self.rides_on_an_approval(judgement.reason.class) {
            return (true, AnsweredBy::SessionTrust, DenialKind::Policy);
        }
        if !self.approver.is_interactive() {
            let default = if self.sandboxed { NonInteractive::Allow } else { NonInteractive::Deny };
            let answer = self.policy.non_interactive.unwrap_or(default);
            let yes = judgement.class_question && answer == NonInteractive::Allow;
            return (yes, AnsweredBy::NonInteractive, DenialKind::NoTerminal);
        }
        let mut request = self.request(action, judgement);
        request.subject = shown.unwrap_or(request.subject);
        match self.approver.ask(&request) {
            Ok(Answer::Deny) => {
                self.denied.add(effects);
                self.remember();
                (false, AnsweredBy::Person, DenialKind::Person)
            }
            Ok(answer) => {
                self.denied.lift(&effects);
                let trust = judgement.trust.clone().filter(|_| answer == Answer::TrustSession);
                self.approved(judgement.reason.class, trust);
                (true, AnsweredBy::Person, DenialKind::Person)
            }
            Err(_) => (false, AnsweredBy::Failure, DenialKind::Failure),
        }
    }

    /// Whether the lab turned off that approvals are for one action, and something
    /// of this class was approved.
    fn rides_on_an_approval(&self, class: RiskClass) -> bool {
        !self.state.ablation.keeps(Control::ApprovalBinding)
            && self.approvals.iter().any(|(_, approved)| *approved == class)
    }

    fn request(&mut self, action: &Action, judgement: &Judgement) -> ApprovalRequest {
        let is_for_this =
            |(scope, _): &&(TrustScope, Lapse)| judgement.trust.as_ref() == Some(scope);
        ApprovalRequest {
            label: RUN,
            type_approve: self.is_reflex(judgement.reason.class),
            lapsed: self.lapsed.iter().find(is_for_this).map(|(_, why)| *why),
            reason: judgement.reason.clone(),
            subject: subject::shown(action),
            why: subject::why(action),
            context: judgement.context.clone(),
            focus: judgement.focus.clone(),
            opens: judgement.opens.clone(),
            trust: judgement.trust.clone(),
        }
    }

    /// Whether so many approvals of the class came of late that one key may be a reflex.
    pub(crate) fn is_reflex(&mut self, class: RiskClass) -> bool {
        let now = Instant::now();
        if self.state.ablation.keeps(Control::ApprovalBinding) {
            self.approvals.retain(|(when, _)| now.duration_since(*when) < REFLEX_WINDOW);
        }
        let recent = self.approvals.iter().filter(|(_, approved)| *approved == class).count();
        recent >= REFLEX_APPROVALS_MAX
    }

    /// A person said yes to something of this class, and `trust` it for the session.
    pub(crate) fn approved(&mut self, class: RiskClass, trust: Option<TrustScope>) {
        if let Some(trust) = trust {
            self.lapsed.retain(|(scope, _)| *scope != trust);
            self.trusted.push(trust);
        }
        self.approvals.push_back((Instant::now(), class));
        self.remember();
    }

    fn conclude<A>(
        &mut self,
        action: A,
        general: &Action,
        judgement: Judgement,
        answer: Answered,
    ) -> Result<(Permit<A>, Decision), Denial> {
        let record = decision_record(general, &judgement, &answer);
        let appended = self.audit.append(&record).ok();
        self.conclude_recorded(action, judgement, answer, appended)
    }

    /// `recorded`: the number of the decision's durable record, if there is one.
    fn conclude_recorded<A>(
        &mut self,
        action: A,
        judgement: Judgement,
        answer: Answered,
        recorded: Option<AuditSequence>,
    ) -> Result<(Permit<A>, Decision), Denial> {
        let Answered { permitted, answered_by, kind, opened } = answer;
        let audit = recorded.unwrap_or(AuditSequence(0));
        if permitted {
            self.unnamed.extend(judgement.unnamed);
        }
        let verdict = judgement.verdict;
        let hosts = if opened.is_empty() { judgement.opens } else { opened.clone() };
        let decision = Decision {
            verdict,
            reason: judgement.reason,
            permitted,
            answered_by,
            audit,
            hosts,
            opened: !opened.is_empty(),
            reads_secret: judgement.reads_secret,
        };
        match (permitted, recorded) {
            (true, Some(sequence)) => Ok((Permit::mint(action, sequence, opened), decision)),
            (true, None) => Err(Denial { kind: DenialKind::Failure, decision }),
            (false, _) => Err(Denial { kind, decision }),
        }
    }
}

fn decision_record(action: &Action, judgement: &Judgement, answer: &Answered) -> Record {
    Record::Decision(DecisionRecord {
        action: subject::kind(action).to_owned(),
        subject: subject::logged(action),
        digest: subject::digest(action),
        verdict: judgement.verdict,
        permitted: answer.permitted,
        answered_by: answer.answered_by,
        reason: judgement.reason.clone(),
        opened: answer.opened.clone(),
    })
}

#[cfg(test)]
mod tests;
