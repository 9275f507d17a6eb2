//! Running a turn's tool calls, one after the other.

use std::time::Instant;

use kode_audit::Record;
use kode_base::escape::escape_line;
use kode_base::{Event, Untrusted};
use kode_gate::{Decision, Label};
use kode_model::{Message, ToolCall};

use super::turn::TurnEnd;
use super::{Agent, BeginError, after_command};
use crate::context::{Hidden, Leak, summary, wrap_with_own_words};
use crate::journal::JournalEntry;
use crate::outcome::RunEnd;
use crate::tools::{Finish, ToolOutcome, ToolRequest, parse};

/// First part of a tool's output that events carry, in characters.
const EVENT_OUTPUT_CHARACTERS_MAX: usize = 2000;

impl Agent<'_> {
    /// `leaks` names the calls that would carry out what must stay.
    pub(super) fn run_calls(
        &mut self,
        calls: &[ToolCall],
        leaks: &[(String, Leak)],
    ) -> Result<TurnEnd, BeginError> {
        let root = self.workspace.root.path().to_string_lossy().into_owned();
        let mut finish: Option<(&ToolCall, Finish)> = None;
        for call in calls {
            self.emit(&Event::ToolCall {
                call: call.id.clone(),
                tool: call.name.clone(),
                arguments: call.arguments.clone(),
            });
            if self.workspace.interrupt.step_ended() {
                self.answer(
                    call,
                    ToolOutcome::failed("interrupted by the user; it did not run"),
                    0,
                )?;
                continue;
            }
            if let Some((_, leak)) = leaks.iter().find(|(id, _)| *id == call.id) {
                self.block_leak(call, *leak)?;
                continue;
            }
            if self.repetition.is_circle(call) {
                let why = "this same call was made three times with the same result; it did not \
                           run again. Do something else, or finish.";
                self.answer(call, ToolOutcome::failed(why), 0)?;
                continue;
            }
            match parse(&call.name, &call.arguments, &root) {
                Ok(ToolRequest::Finish(request)) => finish = Some((call, request)),
                Ok(request) => self.run_call(call, request)?,
                Err(why) => self.answer(call, ToolOutcome::failed(why), 0)?,
            }
        }
        self.after_calls(finish)
    }

    /// The call does not run; the audit log says so.
    fn block_leak(&mut self, call: &ToolCall, leak: Leak) -> Result<(), BeginError> {
        #[expect(clippy::disallowed_methods, reason = "escaped before it is recorded")]
        let tool = escape_line(call.name.expose());
        let text = format!("a call of {tool} was blocked: {leak}");
        let name = "secret.blocked".to_owned();
        self.workspace.gate.record(&Record::Notice { name, text: text.clone() })?;
        self.notice(text.clone());
        self.progress.refusals += 1;
        self.progress.unreplaced_denial = Some(text);
        let why =
            format!("blocked: {leak}. It did not run. Do not try to carry it out another way.");
        self.answer(call, ToolOutcome::failed(why), 0)
    }

    fn after_calls(&mut self, finish: Option<(&ToolCall, Finish)>) -> Result<TurnEnd, BeginError> {
        if self.workspace.interrupt.run_ended() {
            return Ok(TurnEnd::Ended(RunEnd::Interrupted));
        }
        if self.workspace.interrupt.step_ended() {
            self.workspace.interrupt.clear_step();
            self.notice("step interrupted; press Ctrl-C again to end the run");
        }
        let Some((call, request)) = finish else { return Ok(TurnEnd::Continue) };
        self.progress.summary = Untrusted::from(request.summary);
        match request.blocked {
            Some(what) => {
                self.answer(call, ToolOutcome::failed("the task ends blocked"), 0)?;
                let what = kode_base::escape::escape_line(&what);
                Ok(TurnEnd::Ended(RunEnd::Denied { why: format!("the model is blocked: {what}") }))
            }
            None => self.close(Some(call)),
        }
    }

    fn run_call(&mut self, call: &ToolCall, request: ToolRequest) -> Result<(), BeginError> {
        self.look_for_exposure_elsewhere()?;
        let by_command = matches!(request, ToolRequest::Shell(_));
        let (id, tool) = (call.id.clone(), call.name.clone());
        let entry = JournalEntry::CallStarted { call: id, tool };
        match by_command {
            // Of a command the record of changes says that it begins, right before it does.
            true => self.session.append_lazily(&entry)?,
            false => self.session.append(&entry)?,
        }
        let started = Instant::now();
        let mut outcome = request.run(&mut self.workspace, &mut self.session);
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // At once: what is found later is not the call's.
        let holding = match outcome.effect {
            true => Some(self.look_after(call, &outcome)?),
            false => None,
        };
        self.session.nothing_runs();
        self.look_for_opened_credentials()?;
        self.count(&outcome);
        if let Some(decision) = outcome.decision.clone() {
            self.emit(&decision_event(call, decision));
        }
        for notice in std::mem::take(&mut outcome.notices) {
            self.notice(notice);
        }
        if let Some(holding) = holding {
            self.tell_of_held(call, &mut outcome, &holding)?;
        }
        if outcome.effect && by_command {
            self.tell_of_harm(&mut outcome);
        }
        self.repetition.note(call, &outcome.text);
        let effect = outcome.effect;
        self.answer(call, outcome, elapsed_ms)?;
        if effect { self.show_touched(by_command) } else { Ok(()) }
    }

    /// What a command did to files passes the guard of the edit tools afterwards.
    fn tell_of_harm(&mut self, outcome: &mut ToolOutcome) {
        let Some(harm) = after_command::harm(&self.session, &self.fresh) else { return };
        outcome.say(&harm.for_the_model());
        self.notice(harm.for_the_person());
    }

    fn count(&mut self, outcome: &ToolOutcome) {
        match &outcome.decision {
            Some(decision) if !decision.permitted => {
                self.progress.refusals += 1;
                self.progress.unreplaced_denial = Some(decision.reason.text.clone());
            }
            _ if outcome.effect => {
                self.progress.unreplaced_denial = None;
            }
            _ => {}
        }
    }

    /// Hands a call's result to the model, wrapped, and to the observer.
    pub(super) fn answer(
        &mut self,
        call: &ToolCall,
        outcome: ToolOutcome,
        elapsed_ms: u64,
    ) -> Result<(), BeginError> {
        self.join(if outcome.is_secret() { Label::SECRET } else { Label::DATA })?;
        if outcome.is_secret() {
            #[expect(clippy::disallowed_methods, reason = "kept to be searched for, not shown")]
            self.redactor.learn(outcome.text.expose());
        }
        let (returned, own) = outcome.parts();
        let mut cut = false;
        let [text, returned, own] = [outcome.text, returned, own].map(|part| {
            part.map(|part| {
                let (part, secret) = self.redactor.cut(&part);
                cut |= secret;
                part
            })
        });
        #[expect(clippy::disallowed_methods, reason = "the tool's name heads its own result")]
        let (content, hidden) =
            wrap_with_own_words(call.name.expose(), &returned, &own, &self.redactor)?;
        #[expect(clippy::disallowed_methods, reason = "escaped before it is shown or recorded")]
        let source = escape_line(call.name.expose());
        if cut {
            self.secret_was_cut(&source)?;
        }
        self.report_hidden(&source, &hidden)?;
        #[expect(clippy::disallowed_methods, reason = "hashed for the audit log")]
        self.divergence.took_in(&source, text.expose(), &hidden);
        self.push(Message::Tool { call: call.id.clone(), content })?;
        let output = text.map(|text| text.chars().take(EVENT_OUTPUT_CHARACTERS_MAX).collect());
        self.emit(&Event::ToolResult {
            call: call.id.clone(),
            tool: call.name.clone(),
            ok: outcome.ok,
            exit_code: outcome.exit_code,
            duration_ms: elapsed_ms,
            output,
        });
        Ok(())
    }

    /// Hidden content is told to the person and the audit log as well.
    pub(super) fn report_hidden(
        &mut self,
        source: &str,
        hidden: &[Hidden],
    ) -> Result<(), BeginError> {
        let Some(kinds) = summary(hidden) else { return Ok(()) };
        let excerpts: Vec<&str> = hidden.iter().map(|each| each.excerpt.as_str()).take(4).collect();
        let text = format!("hidden content in what {source} returned, made visible: {kinds}");
        let record = Record::Notice {
            name: "content.hidden".to_owned(),
            text: format!("{text}: {}", excerpts.join(" | ")),
        };
        self.workspace.gate.record(&record)?;
        self.notice(text);
        Ok(())
    }

    fn show_touched(&mut self, by_command: bool) -> Result<(), BeginError> {
        let comparison = self.session.compare(&self.workspace.files)?;
        let comparison = self.follow_hidden(comparison)?;
        self.update_findings(&comparison)?;
        self.workspace.touched = comparison.files.iter().map(|file| file.path.clone()).collect();
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.extend(comparison.since_last);
        for (path, _) in &fresh {
            // In byte order of path; a step can touch thousands.
            if let Ok(at) = comparison.files.binary_search_by(|file| file.path.cmp(path)) {
                self.emit(&Event::FileTouched { file: comparison.files[at].clone() });
            }
        }
        let touched: Vec<_> = fresh.into_iter().map(|(path, _)| path).collect();
        if by_command {
            self.look_for_secrets(touched.iter().chain(&comparison.ignored_new))?;
        }
        self.note_unnamed(&touched);
        self.tell_of_rejected(&touched)
    }
}

pub(super) fn decision_event(call: &ToolCall, decision: Decision) -> Event {
    Event::Decision {
        call: call.id.clone(),
        verdict: decision.verdict,
        class: decision.reason.class,
        permitted: decision.permitted,
        answered_by: decision.answered_by,
        reason: decision.reason,
        audit: decision.audit,
    }
}
