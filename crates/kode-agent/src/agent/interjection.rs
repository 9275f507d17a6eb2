//! What a person says and does while the agent works: heard between two steps,
//! never in the middle of one.

use kode_base::escape::escape_line;
use kode_base::{Event, ProjectPath, Untrusted};
use kode_gate::Label;
use kode_model::Message;

use super::{Agent, BeginError, Interjection, StepDesk};
use crate::context::wrap_and_inspect;

impl Agent<'_> {
    /// Lets the person's changes be made, and the model hear of them.
    pub(super) fn hear_person(&mut self) -> Result<(), BeginError> {
        let desk = StepDesk {
            session: &mut self.session,
            files: &self.workspace.files,
            gate: &mut self.workspace.gate,
        };
        for interjection in self.observer.between_steps(desk) {
            match interjection {
                Interjection::Note(text) => self.push_note(&text)?,
                Interjection::Message { text, data } => self.hear(&text, &data)?,
            }
        }
        for text in std::mem::take(&mut self.untold) {
            self.push_note(&text)?;
        }
        Ok(())
    }

    /// The person's own words, and what came with them as data.
    pub(super) fn hear(
        &mut self,
        text: &str,
        data: &[(String, Untrusted<String>)],
    ) -> Result<(), BeginError> {
        self.workspace.gate.user_said(text);
        self.push(Message::User { text: text.to_owned() })?;
        self.emit(&Event::UserMessage { text: text.to_owned() });
        for (name, text) in data {
            let (content, hidden) = wrap_and_inspect(name, text, &self.redactor)?;
            self.join(Label::DATA)?;
            self.report_hidden(&escape_line(name), &hidden)?;
            self.divergence.took_in(&escape_line(name), content.as_str(), &hidden);
            self.push(Message::Data { content })?;
        }
        Ok(())
    }

    /// Tells the person, and with the next turn the model, when a change that was
    /// rejected stands in the project again.
    pub(super) fn tell_of_rejected(&mut self, touched: &[ProjectPath]) -> Result<(), BeginError> {
        for again in self.session.done_again(touched)? {
            let place = format!("{} line {}", again.path, again.line);
            self.notice(format!("the agent made a change again that you rejected: {place}"));
            self.untold.push(format!(
                "You made a change again that the user had rejected: {place}. Take it back, or \
                 say why it is needed and ask."
            ));
        }
        Ok(())
    }
}
