//! The commands that are about whole sessions: list them, go on with another,
//! let another model answer, scan what was changed.

use kode_base::{Severity, escape_for_terminal};
use kode_sandbox::ProjectFiles;
use kode_scan::{ScanFile, ScanOptions, scan_with};
use kode_session::SessionStore;
use kode_tui::Input;

use super::worker::Worker;
use crate::commands::run::prepare;
use crate::failure::Failure;

/// Sessions listed.
const SESSIONS_MAX: usize = 12;
/// Characters of a task shown.
const TASK_CHARACTERS_MAX: usize = 60;
/// Larger files are not scanned.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

impl Worker {
    pub(super) fn list_sessions(&self) -> Result<(), Failure> {
        let root = self.shared.places.project_root()?;
        let project = root.path().to_string_lossy().into_owned();
        let open = self.shared.session();
        let mut lines = vec!["sessions of this project, newest first:".to_owned()];
        let all = SessionStore::open(&self.shared.places.kode_home)?.list()?;
        for session in all.into_iter().filter(|each| each.project == project).take(SESSIONS_MAX) {
            let is_open = open.as_deref() == Some(session.id.as_str());
            let task: String = escape_for_terminal(&session.task)
                .replace('\n', " ")
                .chars()
                .take(TASK_CHARACTERS_MAX)
                .collect();
            let mark = if is_open { "▸" } else { " " };
            let started = session.started.get(..16).unwrap_or_default().replace('T', " ");
            lines.push(format!("{mark} {}  {started}  {task}", session.id));
        }
        match lines.len() {
            1 => lines = vec!["no session yet: the first message begins one".to_owned()],
            _ => lines.push("/session ID goes on with one; /new begins another".to_owned()),
        }
        self.shared.inputs.send(Input::Notice(lines.join("\n")));
        Ok(())
    }

    /// Goes on with a session, or lets the next message begin one. Trust was
    /// given for another conversation and does not come along.
    pub(super) fn open(&mut self, session: Option<String>) -> Result<(), Failure> {
        let found = match session {
            None => None,
            Some(id) => {
                let root = self.shared.places.project_root()?;
                let store = SessionStore::open(&self.shared.places.kode_home)?;
                Some(store.resume(Some(&id), root.path())?.id().to_owned())
            }
        };
        self.memory = kode_gate::GateMemory::default();
        // Another session gets a container of its own.
        self.container.end();
        self.untold.clear();
        self.shared.set_session(found.clone());
        self.shared.inputs.send(Input::Opened(found.unwrap_or_default()));
        if let Some(desk) = self.shared.desk() {
            desk.send_past();
            desk.send_files();
            // Then with what changed since.
            desk.refresh(true);
            desk.tell_wishes_left();
        }
        Ok(())
    }

    /// Lets another model answer, if it can be connected to.
    pub(super) fn choose_model(&mut self, name: String) -> Result<(), Failure> {
        if self.arguments.script.is_some() {
            return Err(Failure::error("the answers come from a script in this session"));
        }
        let mut arguments = self.arguments.clone();
        arguments.model = Some(name.clone());
        prepare(&arguments, &self.shared.places)?;
        self.arguments = arguments;
        self.shared.inputs.send(Input::Model(name));
        Ok(())
    }

    /// Scans what the session changed, as it is on the disk now.
    #[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
    pub(super) fn scan(&self) -> Result<(), Failure> {
        let Some(session) = self.shared.session() else {
            return Err(Failure::error("nothing was changed in this session yet")
                .hint("`kode scan` scans the whole project"));
        };
        let files = ProjectFiles::open(&self.shared.places.project_root()?)?;
        let mut review = SessionStore::open(&self.shared.places.kode_home)?.review(&session)?;
        let mut sides = Vec::new();
        for file in review.files() {
            if let Ok(now) = files.snapshot_read(&file.path, FILE_BYTES_MAX) {
                let before = review.sides(&file.path).ok().and_then(|(before, _)| before);
                sides.push((file.path, before, now));
            }
        }
        let targets: Vec<ScanFile<'_>> = sides
            .iter()
            .map(|(path, before, now)| ScanFile {
                path,
                content: now.expose(),
                base: before.as_ref().map(|before| before.expose().as_slice()),
            })
            .collect();
        let today = kode_agent::today();
        let options = ScanOptions {
            today: Some(&today),
            accept_new_suppressions: true,
            around: &[],
            named: &[],
        };
        let mut found = scan_with(&targets, options);
        found.introduced.sort_by_key(|finding| finding.severity != Severity::Fatal);
        let (findings, unscanned) = (found.introduced, found.unscanned.len());
        self.shared.inputs.send(Input::Scanned { findings, files: targets.len(), unscanned });
        Ok(())
    }
}
