//! A saved session opened to look at it or to put files back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use kode_audit::AuditLog;
use kode_base::escape::escape_block;
use kode_base::raw_name::text_of;
use kode_base::{ExitStatus, ProjectPath};
use kode_config::FlagOverrides;
use kode_gate::{Gate, NoTerminal};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use kode_session::review::Review;
use kode_session::{Holding, Session, SessionStore};

use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::{session_state, settings};

/// Held changes told by name.
const HELD_TOLD_MAX: usize = 24;

/// The session, its project and its store.
pub(super) struct Reviewing {
    places: Places,
    root: ProjectRoot,
    pub(super) files: ProjectFiles,
    pub(super) session: Session,
    /// What a person should hear of how the session was found.
    pub(super) notice: Option<String>,
}

/// What a person had asked for and a killed kode did not do, in a sentence; it is told
/// once. What can't be read costs no more than that.
pub(crate) fn wishes_left(store: &SessionStore, session: &str) -> Option<String> {
    let left = store.take_wishes_left(session).unwrap_or_default();
    let text = "kode ended before it could do what you had asked for, so do it again";
    (!left.is_empty()).then(|| format!("{text}:\n{}", left.join("\n")))
}

impl Reviewing {
    /// Opens the session `id`, or the newest of the working folder's project.
    pub(super) fn open(id: Option<&str>) -> Result<Self, Failure> {
        let places = Places::from_environment()?;
        let root = places.project_root()?;
        let files = ProjectFiles::open(&root)?;
        let session = SessionStore::open(&places.kode_home)?.resume(id, root.path())?;
        let mut reviewing = Self { places, root, files, session, notice: None };
        if reviewing.session.has_unfinished_command() {
            reviewing.meet_unfinished_command()?;
        }
        Ok(reviewing)
    }

    /// kode was killed while a command ran: what that changed is the agent's, and held
    /// where it must be, before a person does anything with it.
    fn meet_unfinished_command(&mut self) -> Result<(), Failure> {
        let mut gate = self.gate()?;
        let Holding { held, stuck, .. } =
            self.session.meet_unfinished_command(&self.files, &mut gate)?;
        let held = held.iter().map(|held| {
            format!("{} was put back and waits: `kode continue` asks about it", held.path)
        });
        let stuck = stuck.iter().map(|(held, why)| format!("{} stands: {why}", held.path));
        let told: Vec<String> = held.chain(stuck).take(HELD_TOLD_MAX).collect();
        let what = "kode was killed while a command ran, which changed places whose content runs \
                    later";
        self.notice = (!told.is_empty()).then(|| format!("{what}:\n{}", told.join("\n")));
        Ok(())
    }

    /// Says on standard error what a person should hear.
    pub(super) fn tell(&self) {
        if let Some(text) = &self.notice {
            tell!("kode: {}", escape_block(text));
        }
    }

    /// A gate that records what a person does.
    pub(super) fn gate(&self) -> Result<Gate, Failure> {
        let settings = settings(&self.places, self.root.path(), FlagOverrides::default())?;
        let audit = AuditLog::open(&self.places.audit_folder(), self.session.id())?;
        let state = session_state(&self.places, self.root.path(), &settings);
        Ok(Gate::new(settings.policy, audit, Box::new(NoTerminal), true, state))
    }

    /// The same for a name that may be no UTF-8; as it is printed (`a\\xff.js`, `a\\u{a0}b`) it
    /// will do as well, where no file has that very name.
    pub(super) fn name(&self, name: &OsStr) -> Result<ProjectPath, Failure> {
        let path = self.path(&text_of(name.as_bytes()))?;
        if self.files.snapshot_entry(&path)?.is_some() {
            return Ok(path);
        }
        let touched = self.review()?.files();
        if touched.iter().any(|file| file.path == path) {
            return Ok(path);
        }
        let mut printed = touched.into_iter().map(|file| file.path);
        let found = printed.find(|other| other.to_string() == path.as_str());
        Ok(found.unwrap_or(path))
    }

    fn review(&self) -> Result<Review, Failure> {
        Ok(SessionStore::open(&self.places.kode_home)?.review(self.session.id())?)
    }

    /// A path argument, relative to the project root or absolute below it.
    pub(super) fn path(&self, text: &str) -> Result<ProjectPath, Failure> {
        ProjectPath::below(&self.root.path().to_string_lossy(), text)
            .map_err(|error| Failure::new(ExitStatus::Usage, format!("{text}: {error}")))
    }
}
