//! One open session: its journal, events, base snapshot and changes. Holding
//! it holds the lock.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use kode_audit::Digest;
use kode_audit::private::{private_folder, sync_folder};
use kode_base::{Event, ProjectPath, Untrusted};
use kode_sandbox::{ProjectFiles, ProjectRoot};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::announced::Announcement;
use crate::authored::{Authored, Written};
use crate::base::Base;
use crate::blobs::Blobs;
use crate::capture::capture;
use crate::changes::{Change, ChangeLine, Circumstance, History, Origin, StepId, step_lines};
use crate::compare::{Comparison, since_last};
use crate::error::at;
use crate::held::Held;
use crate::ledger::{Ledger, read_lines};
use crate::meta::{MetaLine, now};
use crate::pack::PackId;
use crate::running::Running;
use crate::tree::{Tree, content};
use crate::{SessionError, lock};

/// One session's folder: append-only journal, events, base snapshot, changes.
#[derive(Debug)]
pub struct Session {
    id: String,
    folder: PathBuf,
    kode_home: PathBuf,
    meta: Ledger,
    journal: Ledger,
    events: Ledger,
    pub(crate) changes: Ledger,
    pub(crate) blobs: Blobs,
    pub(crate) tree: Option<Tree>,
    next_step: StepId,
    /// What an edit tool was about to write when last heard of.
    pub(crate) announced: Option<Announcement>,
    /// What was recorded since a person's edits were last noted.
    pub(crate) last_changes: Vec<Change>,
    /// Whose the changes are that the next comparison finds.
    pub(crate) origin: Origin,
    /// The agent, in its present turn.
    pub(crate) agent: Origin,
    /// Ignored files that the agent's run began to follow since the last comparison.
    pub(crate) followed: BTreeSet<ProjectPath>,
    /// Held changes that wait for a person.
    pub(crate) pending: Vec<Held>,
    pub(crate) next_held: u64,
    pub(crate) circumstance: Circumstance,
    /// A command that began, and what it changed is not recorded yet.
    pub(crate) running: Option<Running>,
    pub(crate) authored: Authored,
    /// What the agent wrote, once that was asked for.
    pub(crate) written: Option<Written>,
    /// Processes of commands may outlive them.
    pub(crate) has_outliving_processes: bool,
    /// The turn that is being rejected as a whole.
    pub(crate) rejected_turn: Option<StepId>,
    /// Rejected changes that were found again and told.
    pub(crate) told_again: BTreeSet<(StepId, ProjectPath)>,
    /// Whether anything was ever rejected.
    pub(crate) has_rejects: bool,
    notices: Vec<String>,
    /// Resumed, and nothing was added since.
    pub(crate) is_resumed: bool,
    /// Released, in this order, when the session goes.
    _packs_in_use: File,
    _lock: File,
}

impl Session {
    /// Locks and opens the session in `folder`; torn lines are set aside.
    pub(crate) fn open(kode_home: &Path, folder: &Path, id: &str) -> Result<Self, SessionError> {
        let lock = lock::acquire(&folder.join("lock"), id)?;
        let blobs = Blobs::of_session(kode_home, folder)?;
        let packs_in_use = blobs.hold()?;
        let ledger = |name: &str| Ledger::open(&folder.join(name));
        let mut session = Self {
            id: id.to_owned(),
            folder: folder.to_owned(),
            kode_home: kode_home.to_owned(),
            meta: ledger("meta.jsonl")?,
            journal: ledger("journal.jsonl")?,
            events: ledger("events.jsonl")?,
            changes: ledger("changes.jsonl")?,
            blobs,
            tree: None,
            next_step: StepId(1),
            announced: None,
            last_changes: Vec::new(),
            origin: Origin::Agent { turn: 0 },
            agent: Origin::Agent { turn: 0 },
            followed: BTreeSet::new(),
            pending: Vec::new(),
            next_held: 1,
            circumstance: Circumstance::default(),
            running: None,
            authored: Authored::default(),
            written: None,
            has_outliving_processes: false,
            rejected_turn: None,
            told_again: BTreeSet::new(),
            has_rejects: false,
            notices: Vec::new(),
            is_resumed: false,
            _packs_in_use: packs_in_use,
            _lock: lock,
        };
        sync_folder(folder).map_err(at(folder))?;
        session.note_torn_lines();
        session.load_tree()?;
        Ok(session)
    }

    fn note_torn_lines(&mut self) {
        let files = [
            ("meta.jsonl", &self.meta),
            ("journal.jsonl", &self.journal),
            ("events.jsonl", &self.events),
            ("changes.jsonl", &self.changes),
        ];
        let torn =
            files.iter().filter(|(_, ledger)| ledger.torn_bytes() > 0).map(|(name, ledger)| {
                let bytes = ledger.torn_bytes();
                format!("an unfinished line of {bytes} bytes in {name} was moved to {name}.torn")
            });
        self.notices = torn.collect();
    }

    fn load_tree(&mut self) -> Result<(), SessionError> {
        let Some(base) = Base::load(&self.base_path())? else { return Ok(()) };
        let history = self.history()?;
        self.blobs.use_packs(&base.header.packs)?;
        self.blobs.use_packs(&history.packs)?;
        self.next_step = history.next_id();
        self.announced = history.announced.clone();
        self.running = history.running;
        self.pending = history.held.clone();
        self.next_held = history.next_held;
        self.has_rejects = history.steps.iter().any(|step| step.origin == Origin::Reject);
        self.authored = Authored::of(&history, base.header.commands);
        self.tree = Some(Tree::new(base, history));
        Ok(())
    }

    /// The identifier, a UUID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sentences a person should see: what opening had to set aside, what the
    /// base snapshot could not keep.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Appends one journal entry (any serialisable step of the agent) and makes
    /// it durable before returning.
    ///
    /// # Errors
    /// When it could not be made durable; its effect must not happen then.
    pub fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), SessionError> {
        if std::mem::take(&mut self.is_resumed) {
            // Only now: a session that is merely reviewed has ended as it had.
            self.note(&MetaLine::Resumed { time: now() })?;
        }
        self.journal.append(entry)
    }

    /// Appends a journal entry that says nothing the record of changes does not say: it
    /// outlives kode, and may be lost in a power cut.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn append_lazily<T: Serialize>(&mut self, entry: &T) -> Result<(), SessionError> {
        if self.is_resumed {
            return self.append(entry);
        }
        self.journal.append_lazily(entry)
    }

    /// Reads the journal back, oldest first.
    ///
    /// # Errors
    /// When the file can't be read or an entry is not a `T`.
    pub fn journal<T: DeserializeOwned>(&self) -> Result<Vec<T>, SessionError> {
        read_lines(&self.folder.join("journal.jsonl"))
    }

    /// Keeps an event for later display; it may be lost in a power cut.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep_event(&mut self, event: &Event) -> Result<(), SessionError> {
        self.events.append_lazily(event)
    }

    /// The events that were kept, oldest first.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn events(&self) -> Result<Vec<Event>, SessionError> {
        read_lines(&self.folder.join("events.jsonl"))
    }

    /// Takes the base snapshot if there is none yet: contents kept, durable on
    /// return. Must precede the first effect.
    ///
    /// # Errors
    /// When the project can't be read or the snapshot not be made durable;
    /// nothing may change the project then.
    pub fn ensure_base(
        &mut self,
        root: &ProjectRoot,
        files: &ProjectFiles,
    ) -> Result<(), SessionError> {
        if self.tree.is_some() {
            return Ok(());
        }
        let cache_path = self.cache_path(root)?;
        // A cache that can't be read only costs time.
        let cache = Base::load(&cache_path).ok().flatten().unwrap_or_default();
        let base = Base::take(files, &mut self.blobs, &cache)?;
        base.save(&self.base_path())?;
        if base.files != cache.files {
            base.save(&cache_path)?;
        }
        self.note_limits(&base);
        self.tree = Some(Tree::new(base, self.history()?));
        Ok(())
    }

    fn note_limits(&mut self, base: &Base) {
        let unkept = base.files.iter().filter(|(_, state)| !state.kept).count();
        if unkept > 0 {
            self.notices.push(format!(
                "{unkept} files of the project are too large or no ordinary files: \
                 changes to them are seen but can't be taken back"
            ));
        }
        if !base.header.complete {
            self.notices.push(
                "not all of the project could be looked at (a folder without permission, or too \
                 many files): changes there are not seen"
                    .to_owned(),
            );
        }
    }

    /// Tells that an edit tool is about to write `path`: from now on it is
    /// compared even where the project's ignore files name it. Must precede
    /// the write.
    ///
    /// # Errors
    /// When the file can't be read or the note not be made durable.
    pub fn mark_edited(
        &mut self,
        path: &ProjectPath,
        files: &ProjectFiles,
    ) -> Result<(), SessionError> {
        let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
        if tree.marked.contains_key(path) || tree.base.file(path).is_some() {
            return Ok(());
        }
        let mut base = None;
        if !tree.now.contains_key(path)
            && let Some(entry) = files.snapshot_entry(path)?
        {
            base = capture(files, &self.blobs, &entry)?;
            self.blobs.flush()?;
        }
        let through_link = files.is_behind_link(path)?;
        let line = ChangeLine::Marked { path: path.clone(), base: base.clone(), through_link };
        self.changes.append(&line)?;
        tree.marked.insert(path.clone(), base);
        if through_link {
            tree.aliases.insert(path.clone());
        }
        Ok(())
    }

    /// Takes a file that the project ignores into the comparison from now on: all of it
    /// is new, unless something stood there before the agent's newest step. What that held
    /// nobody kept: the file counts as changed, and can't be taken back.
    ///
    /// # Errors
    /// When there is no base or the note can't be made durable.
    pub fn follow(&mut self, path: &ProjectPath) -> Result<(), SessionError> {
        let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
        if tree.marked.contains_key(path) || tree.base.file(path).is_some() {
            return Ok(());
        }
        let base = tree.uncompared_before(path);
        let (marked, through_link) = (base.clone(), false);
        let line = ChangeLine::Marked { path: path.clone(), base: marked, through_link };
        self.changes.append(&line)?;
        tree.marked.insert(path.clone(), base);
        self.followed.insert(path.clone());
        Ok(())
    }

    /// Compares the project with the base: the touched files now, and a hash
    /// of the whole compared tree. New contents are kept, and the changes
    /// since the last comparison recorded.
    ///
    /// # Errors
    /// When the project can't be read or the record not be made durable.
    pub fn compare(&mut self, files: &ProjectFiles) -> Result<Comparison, SessionError> {
        let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
        let mut look = tree.look(files, &mut self.blobs)?;
        let touched = tree.touched(&self.blobs);
        let booked = self.book(std::mem::take(&mut look.changes));
        let tree = self.tree()?;
        let since_last = since_last(booked.agents());
        let mut comparison = Comparison {
            files: Vec::new(),
            persons: Vec::new(),
            hash: look.hash,
            ignored_changed: look.ignored_changed,
            ignored_new: std::mem::take(&mut look.ignored_new),
            ignored_counted: tree.base.header.ignored_counted,
            since_last,
            complete: look.complete,
        };
        self.record_changes(look.pack, booked, self.ending())?;
        if !look.complete {
            self.doubt_authors()?;
        }
        (comparison.files, comparison.persons) =
            touched.into_iter().partition(|file| self.authored.holds(&file.path));
        Ok(comparison)
    }

    /// What changed since the last comparison, contents kept and durable, not
    /// yet part of the record.
    pub(crate) fn look_without_record(
        &mut self,
        files: &ProjectFiles,
    ) -> Result<(Vec<Change>, Option<PackId>), SessionError> {
        let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
        let look = tree.look(files, &mut self.blobs)?;
        Ok((look.changes, look.pack))
    }

    /// Content before what was recorded since [`Session::note_persons_edits`];
    /// `None` when the file was not there, or did not change.
    ///
    /// # Errors
    /// When it was not kept, or is damaged.
    pub fn content_before(
        &self,
        path: &ProjectPath,
    ) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
        let change = self.last_changes.iter().find(|change| change.path == *path);
        content(path, change.and_then(|change| change.before.as_ref()), &self.blobs)
    }

    /// Records what changed since the last comparison as a person's doing. Called
    /// before each step of the agent, it keeps the two apart: a reject then
    /// leaves the person's edits alone.
    ///
    /// # Errors
    /// As [`Session::compare`].
    pub fn note_persons_edits(&mut self, files: &ProjectFiles) -> Result<(), SessionError> {
        let agent = std::mem::replace(&mut self.origin, Origin::Person);
        let compared = self.compare(files);
        self.origin = agent;
        self.last_changes.clear();
        if let Some(tree) = self.tree.as_mut() {
            tree.uncompared_earlier = std::mem::take(&mut tree.uncompared);
        }
        compared.map(drop)
    }

    pub(crate) fn record_step(
        &mut self,
        origin: Origin,
        changes: &[Change],
    ) -> Result<StepId, SessionError> {
        self.record_step_of(origin, self.circumstance_of(origin), changes)
    }

    pub(crate) fn circumstance_of(&self, origin: Origin) -> Circumstance {
        match origin {
            Origin::Agent { .. } => self.circumstance,
            Origin::Reject => {
                Circumstance { turn_from: self.rejected_turn, ..Circumstance::default() }
            }
            _ => Circumstance::default(),
        }
    }

    pub(crate) fn record_step_of(
        &mut self,
        origin: Origin,
        circumstance: Circumstance,
        changes: &[Change],
    ) -> Result<StepId, SessionError> {
        let id = self.next_step;
        if !changes.is_empty() {
            self.has_rejects |= origin == Origin::Reject;
            self.changes.append_all(&step_lines(id, origin, circumstance, changes))?;
            self.next_step = StepId(id.0 + 1);
            self.note_authored(origin, changes);
        }
        Ok(id)
    }

    pub(crate) fn next_step(&self) -> StepId {
        self.next_step
    }

    /// Steps up to this one are recorded.
    pub(crate) fn recorded_up_to(&mut self, next: StepId) {
        self.next_step = next;
    }

    pub(crate) fn history(&self) -> Result<History, SessionError> {
        History::load(&self.folder.join("changes.jsonl"))
    }

    pub(crate) fn tree(&self) -> Result<&Tree, SessionError> {
        self.tree.as_ref().ok_or(SessionError::NoBase)
    }

    /// Base content (a link's is its text); `None` when the file was not there.
    ///
    /// # Errors
    /// When it was not kept, or is damaged.
    pub fn base_content(
        &self,
        path: &ProjectPath,
    ) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
        content(path, self.tree()?.base_of(path), &self.blobs)
    }

    /// Content at the last comparison; `None` when the file was not there.
    ///
    /// # Errors
    /// When it was not kept, or is damaged.
    pub fn last_content(
        &self,
        path: &ProjectPath,
    ) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
        content(path, self.tree()?.now_of(path), &self.blobs)
    }

    /// Records how the run ended. The session can be resumed all the same.
    ///
    /// # Errors
    /// When it can't be made durable.
    pub fn finish(&mut self, exit_code: u8) -> Result<(), SessionError> {
        self.meta.append(&MetaLine::Ended { exit_code, time: now() })
    }

    /// Appends a line about the session itself.
    pub(crate) fn note(&mut self, line: &MetaLine) -> Result<(), SessionError> {
        self.meta.append(line)
    }

    fn base_path(&self) -> PathBuf {
        self.folder.join("base.jsonl")
    }

    /// Whether a person was shown this very content of a file in an earlier
    /// run; from now on they were. Remembered beside the sessions, outside the
    /// project.
    ///
    /// # Errors
    /// When the note can't be read or written.
    pub fn was_seen(
        &self,
        root: &ProjectRoot,
        path: &ProjectPath,
        digest: &[u8; 32],
    ) -> Result<bool, SessionError> {
        let place = self.cache_path(root)?.with_extension("seen.jsonl");
        let line = (path.as_str().to_owned(), Digest(*digest).to_string());
        let known: Vec<(String, String)> = read_lines(&place)?;
        let last = known.iter().rev().find(|(seen, _)| *seen == line.0);
        if last == Some(&line) {
            return Ok(true);
        }
        Ledger::open(&place)?.append(&line)?;
        Ok(false)
    }

    /// Where the newest snapshot of this project is cached.
    fn cache_path(&self, root: &ProjectRoot) -> Result<PathBuf, SessionError> {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = self.kode_home.join("cache");
        private_folder(&folder).map_err(at(&folder))?;
        let name = Digest::of(root.path().as_os_str().as_bytes());
        Ok(folder.join(format!("{name}.jsonl")))
    }
}
