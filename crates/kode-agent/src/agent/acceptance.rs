//! Code that the scan could not read, at the completion gate: what the model can mend
//! goes back to it; for the rest a person is asked, once all else is green.

use std::collections::BTreeSet;

use kode_base::ProjectPath;
use kode_gate::{AcceptedBy, DenialKind, UnscannedFile};

use super::{Agent, BeginError};
use crate::completion::Inspection;
use crate::journal::JournalEntry;
use crate::unread::UnreadFile;

/// So many files are named in one sentence.
const NAMED_MAX: usize = 8;

/// What the gate remembers of such files.
#[derive(Debug, Default)]
pub(super) struct Acceptance {
    /// Files and hashes that a person accepted in this session.
    by_person: BTreeSet<(ProjectPath, String)>,
    /// Files and hashes that the model was told to mend.
    told: BTreeSet<(ProjectPath, String)>,
}

impl Acceptance {
    /// A person accepted these bytes of the file.
    pub(super) fn remember(&mut self, path: ProjectPath, digest: String) {
        self.by_person.insert((path, digest));
    }

    fn has(&self, file: &UnscannedFile) -> bool {
        self.by_person.contains(&key(file))
    }

    fn was_told(&self, unread: &UnreadFile) -> bool {
        self.told.contains(&key(&unread.file))
    }
}

fn key(file: &UnscannedFile) -> (ProjectPath, String) {
    (file.path.clone(), file.digest.clone())
}

/// What is to be done about the files that nobody accepted yet.
pub(super) enum Waiting {
    /// Nothing: it is green, or something else is the model's to mend first.
    ForTheModel,
    /// A person said yes.
    Accepted,
    /// Nobody accepts them, and no further round would change that.
    Unaccepted,
}

impl Agent<'_> {
    /// Takes in what a person accepted before and what lists and session trust accept.
    pub(super) fn take_known_acceptances(
        &mut self,
        inspection: &mut Inspection,
    ) -> Result<(), BeginError> {
        let (gate, acceptance) = (&self.workspace.gate, &self.acceptance);
        inspection.accept(|unread| match acceptance.has(&unread.file) {
            true => Some(AcceptedBy::Person),
            false => gate.accepted_in_advance(&unread.file),
        });
        Ok(())
    }

    /// Writes down what lists and session trust accept, before it counts.
    pub(super) fn record_acceptances(&mut self, inspection: &Inspection) -> Result<(), BeginError> {
        let in_advance = inspection.accepted.iter().filter(|(_, by)| *by != AcceptedBy::Person);
        let in_advance: Vec<(UnscannedFile, AcceptedBy)> =
            in_advance.map(|(unread, by)| (unread.file.clone(), by.clone())).collect();
        if !in_advance.is_empty() {
            self.workspace.gate.record_accepted(&in_advance)?;
        }
        Ok(())
    }

    /// A person accepted these bytes, for the whole session.
    pub(super) fn remember_accepted(
        &mut self,
        path: ProjectPath,
        digest: String,
    ) -> Result<(), BeginError> {
        let entry = JournalEntry::Accepted { path: path.clone(), digest: digest.clone() };
        self.session.append(&entry)?;
        self.acceptance.remember(path, digest);
        Ok(())
    }

    /// Asks a person, where only that is left. `is_last`: the model gets no further round.
    pub(super) fn ask_for_acceptance(
        &mut self,
        inspection: &mut Inspection,
        is_last: bool,
    ) -> Result<Waiting, BeginError> {
        if !inspection.waits_for_acceptance_alone() {
            return Ok(Waiting::ForTheModel);
        }
        let can_ask = self.workspace.gate.can_ask_about_unscanned();
        let mut mendable = inspection.unread.iter().filter(|unread| unread.mend.is_some());
        // With nobody to ask, the model's own rounds are all there is.
        let has_more = |unread: &UnreadFile| !can_ask || !self.acceptance.was_told(unread);
        if !is_last && mendable.any(has_more) {
            let told = inspection.unread.iter().map(|unread| key(&unread.file));
            self.acceptance.told.extend(told);
            return Ok(Waiting::ForTheModel);
        }
        let files: Vec<UnscannedFile> =
            inspection.unread.iter().map(|unread| unread.file.clone()).collect();
        if let Err(kind) = self.workspace.gate.ask_about_unscanned(&files) {
            self.notice(unaccepted(&files, kind));
            return Ok(Waiting::Unaccepted);
        }
        for file in files {
            let (path, digest) = key(&file);
            self.remember_accepted(path, digest)?;
        }
        self.take_known_acceptances(inspection)?;
        Ok(Waiting::Accepted)
    }
}

/// What a person reads when a run ends for this: files, why, and what helps.
fn unaccepted(files: &[UnscannedFile], kind: DenialKind) -> String {
    let named: Vec<String> = files
        .iter()
        .take(NAMED_MAX)
        .map(|file| {
            let place = file.elsewhere.map(|place| format!(" in {place}")).unwrap_or_default();
            format!("{}{place} ({})", file.path, file.why)
        })
        .collect();
    let more = match files.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = format!("{}{more}", named.join(", "));
    let why = match kind {
        DenialKind::Person => {
            return format!("the gate stays red: you did not accept {named}");
        }
        DenialKind::Policy => {
            return format!(
                "the gate stays red: {named} could not be scanned, and the configuration \
                 (`scan.unscanned`) lets nobody accept that"
            );
        }
        DenialKind::NoTerminal => "no terminal is there to ask a person",
        DenialKind::Failure | DenialKind::Refused => "nobody could be asked",
    };
    format!(
        "the gate stays red: {named} could not be scanned, and {why}. Look at them (`kode \
         review`); then `kode continue` at a terminal asks you, --accept-unscanned GLOB accepts \
         them for one run, `scan.accept_unscanned` in your own config.json for all"
    )
}
