//! What the interface is told and what it asks for: plain data, both ways. It
//! knows no agent, session or gate; the binary translates.

use std::ops::Range;

use kode_base::{Event, Finding, ProjectPath, Reason, TouchedFile, Untrusted};

/// Something the interface learns.
#[derive(Debug)]
pub enum Input {
    /// Something happened in a run.
    Event(Box<Event>),
    /// What happened in the session before, oldest first.
    Past(Vec<Event>),
    /// The oldest queued message joined the conversation.
    Taken,
    /// Every file the session touched, in place of what was known.
    Files(Vec<FileEntry>),
    /// Files that were rejected in whole and can be brought back, in place of what was
    /// known; comes before [`Input::Files`].
    Rejected(Vec<FileEntry>),
    /// Both sides of a file, as asked for with [`Command::Load`].
    Contents {
        /// The file.
        path: ProjectPath,
        /// Its sides, or a sentence why they can't be shown.
        contents: Result<FileContents, String>,
    },
    /// A person must decide.
    Question(Box<Question>),
    /// The question was withdrawn: nobody waits for an answer any more.
    QuestionOver(u64),
    /// Touched files that changed on the disk since a question stands: their rows are
    /// older. The next list knows them.
    Newer(Vec<ProjectPath>),
    /// The agent's turns that can be rejected as a whole, the newest first.
    Turns(Vec<TurnEntry>),
    /// What became of a change that a person asked for, or why nothing did.
    Done(Result<Done, String>),
    /// No run is going on any more.
    RunEnded,
    /// Another session is open now; empty for one that has not begun.
    Opened(String),
    /// This model answers from now on.
    Model(String),
    /// The project's files, as asked for with [`Command::ListFiles`].
    ProjectFiles(Vec<ProjectPath>),
    /// What a scan found that the session introduced.
    Scanned {
        /// Findings, the gravest first.
        findings: Vec<Finding>,
        /// How many files were scanned.
        files: usize,
        /// Touched files no rule covers.
        unscanned: usize,
    },
    /// A sentence of kode's own.
    Notice(String),
    /// Leave, cleanly.
    Quit,
}

/// One row of the sidebar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Path, kind of change and counts.
    pub file: TouchedFile,
    /// Whether it can be put back, be it never to return.
    pub restorable: bool,
    /// Names the state that is shown, such as the hash of the content.
    pub state: String,
    /// A command changed it, not only edit tools.
    pub by_command: bool,
    /// The name it had, where it was renamed.
    pub renamed: Option<ProjectPath>,
    /// A person marked this state as reviewed.
    pub reviewed: bool,
    /// The line, from 1, where a rejected change stands again.
    pub again: Option<usize>,
}

impl FileEntry {
    /// An entry that says nothing but what the file is.
    pub fn new(file: TouchedFile, restorable: bool, state: String) -> Self {
        let (by_command, renamed, reviewed, again) = (false, None, false, None);
        Self { file, restorable, state, by_command, renamed, reviewed, again }
    }
}

/// One turn of the agent's that changed files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnEntry {
    /// Names it across the runs of a session.
    pub id: u64,
    /// Its number in its run, from 1.
    pub number: u32,
    /// The time of day when it first changed something.
    pub time: String,
    /// What it changed, by the names of then.
    pub paths: Vec<ProjectPath>,
}

/// Both sides of a touched file.
#[derive(Debug)]
pub struct FileContents {
    /// Names exactly this pair of sides; handed back with a rejected hunk.
    pub version: String,
    /// What is not the agent's; `None` for no file.
    pub before: Option<Untrusted<Vec<u8>>>,
    /// What stands on the disk; `None` for no file.
    pub after: Option<Untrusted<Vec<u8>>>,
    /// Where they differ, in order.
    pub hunks: Vec<Hunk>,
    /// A sentence about what is shown, such as that the file on the disk is newer.
    pub note: Option<String>,
    /// Where a person edited the agent's own lines.
    pub met: Option<Box<Met>>,
}

/// Lines that the agent changed and a person edited since: they count as the
/// person's and are in no hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// File and lines, for people.
    pub place: String,
    /// The lines before the agent, the agent's, and the person's.
    pub parts: [Untrusted<String>; 3],
}

impl Met {
    /// What the parts are.
    pub const LABELS: [&str; 3] = ["before", "the agent wrote", "you made of it"];
}

/// A region of lines that differs; counted from 0, the end not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Lines of the side before.
    pub before: Range<usize>,
    /// Lines of the side after.
    pub after: Range<usize>,
}

/// An approval request.
#[derive(Debug, Clone)]
pub struct Question {
    /// Handed back with the answer.
    pub id: u64,
    /// Class, rule, layer and reason.
    pub reason: Reason,
    /// What stands before the subject, such as `Run: `.
    pub label: &'static str,
    /// The exact bytes that would run.
    pub subject: Untrusted<String>,
    /// The model's own words.
    pub why: Option<Untrusted<String>>,
    /// Parse, effects and what the sandbox still stops.
    pub context: Untrusted<String>,
    /// Hosts that approving opens.
    pub opens: Vec<String>,
    /// The words of the gravest command in the request: a folded request shows
    /// where they stand.
    pub focus: Vec<String>,
    /// What trusting would cover; `None` where it is not offered.
    pub trust: Option<Untrusted<String>>,
    /// Why trust that was given before does not answer it.
    pub lapsed: Option<String>,
    /// Whether approving takes the typed word.
    pub type_approve: bool,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// This action, once.
    Approve,
    /// No.
    Deny,
    /// This action, and what trusting covers.
    TrustSession,
}

/// Something a person wants changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Take the agent's changes of this file back.
    RejectFile(ProjectPath),
    /// Take one hunk back.
    RejectHunk {
        /// The file.
        path: ProjectPath,
        /// Which hunk, from 0.
        hunk: usize,
        /// The sides it was shown for.
        version: String,
    },
    /// Take back what the agent did in one turn.
    RejectTurn {
        /// As [`TurnEntry::id`] has it.
        turn: u64,
        /// As [`TurnEntry::number`] has it.
        number: u32,
    },
    /// Take every file back.
    RejectRun,
    /// Bring back what the newest reject of this file took.
    UndoReject(ProjectPath),
    /// Bring back what the newest reject took, also one of an earlier session of
    /// this screen.
    UndoNewestReject,
    /// Take the agent's newest step back.
    Undo,
    /// Bring back what the newest undo took.
    Redo,
}

/// A change that was made, as far as it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What was asked for.
    pub change: Change,
    /// The files that were written.
    pub paths: Vec<ProjectPath>,
    /// What could not be done, or what else the person should know: a sentence each.
    pub not_done: Vec<String>,
}

/// A message for the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMessage {
    /// What the person typed; pastes are named in it.
    pub text: String,
    /// What was pasted: not the person's own words.
    pub pasted: Vec<(String, Untrusted<String>)>,
    /// Project files named with `@`.
    pub files: Vec<ProjectPath>,
}

/// Something the interface asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Work on this.
    Send(UserMessage),
    /// End the step; a second time the run.
    Interrupt,
    /// Answer a question.
    Answer {
        /// The question.
        question: u64,
        /// What the person decided.
        answer: Answer,
    },
    /// Both sides of this file are wanted.
    Load(ProjectPath),
    /// Change files.
    Change(Change),
    /// Don't do the changes of this file that wait for the agent.
    Cancel(ProjectPath),
    /// Look at the disk: a person may have edited files.
    Refresh,
    /// The project's files are wanted, for completion.
    ListFiles,
    /// Remember whether this state of the file was reviewed.
    Mark {
        /// The file.
        path: ProjectPath,
        /// As [`FileEntry::state`] names it.
        state: String,
        /// Whether it was.
        reviewed: bool,
    },
    /// Stop, as shells want it, until the person goes on.
    Suspend,
    /// Open the file in the person's editor; the terminal is theirs meanwhile.
    Edit(ProjectPath),
    /// Scan what the session changed.
    Scan,
    /// Shorten the conversation.
    Compact,
    /// Let another model answer.
    Model(String),
    /// List the project's sessions.
    Sessions,
    /// Go on with another session; none for a new one.
    Open(Option<String>),
    /// Leave.
    Quit,
}
