//! What had to be done about a command, in words for a person.

use std::fmt;

use kode_base::ProjectPath;

/// Something a command tried that the sandbox undid or could not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// A file that git or kode itself would obey appeared or changed; it was
    /// renamed.
    Quarantined {
        /// Where it appeared.
        path: ProjectPath,
        /// Where it is now.
        moved_to: ProjectPath,
    },
    /// A protected file changed so that the command could have changed it too,
    /// though it may have been a person. It was renamed, and what stood there
    /// before the command is back.
    PutBack {
        /// The file.
        path: ProjectPath,
        /// Where the change is now.
        moved_to: ProjectPath,
    },
    /// A repository's list of tables of references named some elsewhere, which git would read
    /// and then remove. It was renamed, and one without them is in its place.
    TablesElsewhere {
        /// The list.
        path: ProjectPath,
        /// Where the one with all of them is now.
        moved_to: ProjectPath,
    },
    /// A protected file was gone after the command, which could have removed it; what stood
    /// there before is back.
    Restored {
        /// The file.
        path: ProjectPath,
    },
    /// One of the first kind could not be renamed: don't run git there before looking.
    NotQuarantined {
        /// Where it appeared.
        path: ProjectPath,
        /// What the system said.
        error: String,
    },
    /// The same in the repository of a project that is a linked worktree.
    InRepository {
        /// Absolute.
        folder: String,
        /// What happened; its paths are below the folder.
        incident: Box<Incident>,
    },
    /// More files that git or kode would obey than are named one by one.
    MorePutAside {
        /// How many were renamed.
        count: usize,
        /// How many could not be.
        failed: usize,
    },
    /// Files that git runs, because its configuration names them, appeared or changed.
    GitRuns {
        /// The setting.
        key: String,
        /// Some of the files.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// The command changed files and the index so that git doesn't look at them.
    Overlooked {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// Names appeared in git's folders that git doesn't make; they were left there.
    StrangeInGit {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// Git on the host obeyed, or wrote to, these while the command ran; they may be gone.
    Appeared {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// The command changed files of which another name (a hard link) lies outside of the
    /// project, where they changed as well.
    SecondNames {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// The command replaced or removed files of which another name lies outside, where they
    /// may have changed before.
    SecondNamesGone {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// kode was killed while an earlier command ran, and these, which git would obey,
    /// appeared or changed since.
    LeftByKilled {
        /// Some of them.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// Not all could be looked at: too many folders or files, or one was exchanged.
    Unchecked,
    /// Another file system is mounted in the project: commands may have written there, and
    /// nobody looked for forged files.
    NotLookedInto {
        /// Where.
        path: ProjectPath,
    },
    /// A file got set-id bits, or bits that let everybody write; they were
    /// taken away again.
    PermissionsTightened {
        /// The file.
        path: ProjectPath,
        /// The bits that went.
        bits: u32,
    },
    /// A program with capabilities of its own was changed or named anew; they, and
    /// its set-id bits, were taken away.
    CapabilitiesTaken {
        /// The program.
        path: ProjectPath,
    },
    /// The same, but the bits could not be taken away.
    PermissionsLeft {
        /// The file.
        path: ProjectPath,
        /// The bits that are still there.
        bits: u32,
        /// What the system said.
        error: String,
    },
    /// More files of these two kinds than are named one by one.
    MorePermissions {
        /// How many.
        count: usize,
    },
    /// The project's file system ran so full that everything was killed.
    LowSpace {
        /// Bytes that must stay free.
        free_bytes_min: u64,
    },
    /// The same of files that there is room for.
    FewFiles {
        /// So many must stay free.
        free_files_min: u64,
    },
    /// The program could not be started; nothing ran.
    NotStarted {
        /// The system's number of the error.
        code: i32,
    },
    /// The command ended the container it ran in, and everything with it.
    ContainerEnded,
    /// The processes together went over the memory limit and were killed.
    MemoryLimit {
        /// The limit in bytes.
        bytes_max: u64,
    },
}

impl fmt::Display for Incident {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quarantined { path, moved_to } => write!(
                formatter,
                "the command made or changed {path}, which git or kode would obey; it is now \
                 {moved_to}; to keep it, look at it (a HEAD: at its whole folder) and rename it back, and each \
                 HEAD.kode-quarantine in it to HEAD"
            ),
            Self::PutBack { path, moved_to } => write!(
                formatter,
                "{path}, which git or kode obeys, was replaced while the command ran, by you or by \
                 it; it is as it was before, and the change is now {moved_to}; if it is yours, \
                 look at it and rename it back"
            ),
            Self::Restored { path } => write!(
                formatter,
                "{path}, which git or kode obeys, was removed while the command ran, by you or by \
                 it; it is back as it was before"
            ),
            Self::NotQuarantined { path, error } => write!(
                formatter,
                "the command made or changed {path}, which git or kode would obey, and it can't \
                 be renamed ({error}); don't run git there before looking"
            ),
            Self::InRepository { folder, incident } => {
                write!(formatter, "in {}: {incident}", kode_base::escape::escape_line(folder))
            }
            Self::MorePutAside { count, failed } => write!(
                formatter,
                "and {count} more such files were renamed, {failed} could not be; they are beside \
                 their places, with `.kode-quarantine-` in their names"
            ),
            Self::LeftByKilled { paths, more } => write!(
                formatter,
                "kode was killed while an earlier command ran here, and nobody looked at what it left: {}, \
                 which git would obey, appeared or changed since; look at it before you run git",
                list(paths, *more)
            ),
            Self::GitRuns { key, paths, more } => {
                write!(
                    formatter,
                    "the command made or changed {}, which git runs on this machine \
                     ({}); look at it before you run git",
                    list(paths, *more),
                    kode_base::escape::escape_line(key)
                )
            }
            other => other.say_of_other_things(formatter),
        }
    }
}

impl Incident {
    /// The rest of the texts: bits, limits, and what was not looked at.
    fn say_of_other_things(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchecked => {
                formatter.write_str("not all of the project could be looked at for forged files: it has too many, or something exchanged folders meanwhile")
            }
            Self::TablesElsewhere { path, moved_to } => write!(
                formatter,
                "the command had {path} name tables elsewhere, which git would read and then \
                 remove; it is now {moved_to}, and a list without them is in its place"
            ),
            Self::StrangeInGit { paths, more } => write!(
                formatter,
                "the command made {} among git's own files, where git makes nothing of that name; \
                 look at it before you run git",
                list(paths, *more)
            ),
            Self::Overlooked { paths, more } => write!(
                formatter,
                "the command changed {}, which the index has git overlook (assume-unchanged or \
                 skip-worktree): `git status` and `git diff` don't show it",
                list(paths, *more)
            ),
            Self::Appeared { paths, more } => write!(
                formatter,
                "{} appeared while the command ran, which git on this machine obeys or writes \
                 through (it is killed for a link there or commondir): what git did here meanwhile, in your \
                 prompt or editor too, it may have done for the command",
                list(paths, *more)
            ),
            Self::SecondNames { paths, more } => write!(
                formatter,
                "the command changed {}, which have other names (hard links) outside of what kode \
                 looks at, as in a package manager's store or the repository that this one is a \
                 clone of; they changed there as well",
                list(paths, *more)
            ),
            Self::SecondNamesGone { paths, more } => write!(
                formatter,
                "the command replaced or removed {}, which had other names (hard links) outside of what \
                 kode looks at, as in a package manager's store; whether it changed them there first can't be told",
                list(paths, *more)
            ),
            Self::NotLookedInto { path } => write!(
                formatter,
                "{path} is another file system, where commands may write and kode does not look \
                 for forged files; don't run git there before looking"
            ),
            Self::PermissionsTightened { path, bits } => write!(
                formatter,
                "the command left {path} with mode bits {bits:04o}, which let others on this \
                 machine act; they are gone now"
            ),
            Self::CapabilitiesTaken { path } => write!(
                formatter,
                "the command changed {path}, a program with capabilities of its own; they are \
                 gone now (setcap gives them back)"
            ),
            Self::PermissionsLeft { path, bits, error } => write!(
                formatter,
                "the command left {path} with mode bits {bits:04o}, which let others on this \
                 machine act, and they can't be taken away ({error})"
            ),
            Self::MorePermissions { count } => {
                write!(formatter, "and {count} more files with such mode bits")
            }
            other => other.say_of_limits(formatter),
        }
    }

    fn say_of_limits(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LowSpace { free_bytes_min } => write!(
                formatter,
                "the command's processes were killed: the project's disk has less than \
                 {free_bytes_min} bytes free; make room before going on"
            ),
            Self::FewFiles { free_files_min } => write!(
                formatter,
                "the command's processes were killed: the project's disk has room for less than \
                 {free_files_min} more files; make room before going on"
            ),
            Self::NotStarted { code } => write!(
                formatter,
                "the program can't be started: {}",
                std::io::Error::from_raw_os_error(*code)
            ),
            Self::ContainerEnded => formatter.write_str(
                "the command ended its container; the next one runs in a new one, where temporary \
                 files and home are empty again",
            ),
            Self::MemoryLimit { bytes_max } => write!(
                formatter,
                "the command's processes went over the memory limit of {bytes_max} bytes and \
                 were killed"
            ),
            Self::Quarantined { .. }
            | Self::PutBack { .. }
            | Self::TablesElsewhere { .. }
            | Self::Restored { .. }
            | Self::NotQuarantined { .. }
            | Self::InRepository { .. }
            | Self::MorePutAside { .. }
            | Self::GitRuns { .. }
            | Self::StrangeInGit { .. }
            | Self::Overlooked { .. }
            | Self::Appeared { .. }
            | Self::SecondNamesGone { .. }
            | Self::SecondNames { .. }
            | Self::LeftByKilled { .. }
            | Self::Unchecked
            | Self::NotLookedInto { .. }
            | Self::PermissionsTightened { .. }
            | Self::CapabilitiesTaken { .. }
            | Self::PermissionsLeft { .. }
            | Self::MorePermissions { .. } => fmt::Display::fmt(self, formatter),
        }
    }
}

/// Their names, and how many more there are.
fn list(paths: &[ProjectPath], more: usize) -> String {
    let mut names: Vec<String> = paths.iter().map(ToString::to_string).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
