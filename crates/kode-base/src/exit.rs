//! The exit codes of every kode command (design §4), in one place.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done and green.
    Success = 0,
    /// Something went wrong.
    Error = 1,
    /// The command line or a configuration file was wrong.
    Usage = 2,
    /// A gate is red: completion gate, scan, design, lab, audit verify.
    GateRed = 3,
    /// No green finish and something needed was denied; an edit refused.
    Denied = 4,
    /// Budget or iteration limit reached.
    Limit = 5,
    /// The model provider failed.
    Provider = 6,
    /// The sandbox can't be set up.
    SandboxUnavailable = 7,
    /// Set-up failure of `kode sandbox`, apart from the command's own codes.
    SandboxSetup = 125,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl ExitStatus {
    /// The number given to the operating system.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// The table shown by `--help`.
pub const EXIT_CODES_HELP: &str = "\
Exit codes:
  0    done and green
  1    error
  2    usage
  3    a gate is red (completion gate, scan, audit verify)
  4    no green finish and something needed was denied; an edit refused
  5    budget or iteration limit
  6    provider failure
  7    sandbox unavailable (125 from `kode sandbox`)
  130  interrupted";
