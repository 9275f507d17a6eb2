//! Credentials that programs open: a command that opened one may have written or
//! printed it in a form nobody recognises (compressed, a cipher, octal). Whatever
//! route it took, the context counts as exposed from there on, and hosts that the
//! user neither names nor lists are closed. It tells nothing of what was read.

use kode_gate::Label;
use kode_sandbox::Exposure;

use super::{Agent, BeginError};
use crate::tools::Noticed;

impl Agent<'_> {
    /// After a call: whether it opened a credential, by any name; what could not be
    /// watched counts as opened.
    pub(super) fn look_for_opened_credentials(&mut self) -> Result<(), BeginError> {
        let noticed = self.workspace.credentials.take_noticed();
        let Some(noticed) = noticed.filter(|_| !self.workspace.gate.state.credential_opened) else {
            return Ok(());
        };
        match noticed {
            Noticed::ByCommand(Exposure::Opened) => self
                .expose("a program that the command ran opened one of the project's credentials"),
            Noticed::ByCommand(Exposure::Unwatched(why)) => self.expose(&format!(
                "whether a program opens the project's credentials can't be watched ({why})"
            )),
            Noticed::Read(path) => {
                self.workspace.sandbox.knows_a_credential();
                self.expose(&format!(
                    "{} was a credential, or written by what opened one",
                    kode_base::escape::escape_line(path.as_str())
                ))
            }
        }
    }

    /// Before a call: what another session's command wrote in this project counts as
    /// this one's.
    pub(super) fn look_for_exposure_elsewhere(&mut self) -> Result<(), BeginError> {
        if self.workspace.gate.state.credential_opened
            || !self.workspace.sandbox.is_project_exposed()
        {
            return Ok(());
        }
        let register = self.workspace.sandbox.credential_register();
        let remedy = register.map_or_else(String::new, |file| {
            format!(" (if you know that it left nothing, remove {})", file.display())
        });
        self.expose(&format!(
            "a command in this project opened a credential within the last 24 hours, and not all \
             that it left (names, times, caches) can be masked{remedy}"
        ))
    }

    /// A command that a kill interrupted may have opened one.
    pub(super) fn expose_after_a_kill(&mut self) -> Result<(), BeginError> {
        if self.workspace.gate.state.credential_opened {
            return Ok(());
        }
        self.workspace.sandbox.look_for_credentials();
        if !self.workspace.sandbox.has_credentials() {
            return Ok(());
        }
        self.workspace.sandbox.knows_a_credential();
        self.expose("kode was stopped while a command ran, which may have opened a credential")
    }

    fn expose(&mut self, what: &str) -> Result<(), BeginError> {
        let text = format!(
            "{what}. What it wrote or printed may hold it in another form: hosts that you neither \
             name in the task nor list are closed from here on (name them in the task, or list them in \
             sandbox.network.allow)"
        );
        self.trace(Label::EXPOSED, "secret.opened", text)
    }
}
