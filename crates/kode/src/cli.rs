//! The command line: every command, flag and help text.

mod container;

use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use kode_base::exit::EXIT_CODES_HELP;

pub(crate) use container::{ContainerArguments, ContainerOptions};

/// A coding agent whose changes are allowed to ship. Without a command it opens
/// the interactive session.
#[derive(Debug, Parser)]
#[command(name = "kode", version, after_help = EXIT_CODES_HELP, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) session: InteractiveArguments,
}

/// `kode` alone.
#[derive(Debug, Args)]
pub(crate) struct InteractiveArguments {
    /// Model name, such as gpt-5 or qwen3-coder
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Wire protocol; guessed from the base URL and model when not given
    #[arg(long, value_enum)]
    pub(crate) provider: Option<Provider>,
    /// What stands before /chat/completions or /v1/messages, such as http://localhost:11434/v1
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Answer from a script (docs/scripted-model.md) instead of a model
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "provider", "base_url"])]
    pub(crate) script: Option<PathBuf>,
    /// Places the task is about although their content runs later, such as .github/** or Makefile
    #[arg(long, value_name = "GLOB")]
    pub(crate) may_change: Vec<String>,
    /// Touched code that may stay though the scan can't read it, such as *.rs or scripts/** (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(crate) accept_unscanned: Vec<String>,
    /// Do not read AGENTS.md
    #[arg(long)]
    pub(crate) no_agents: bool,
    /// Run commands on the bare host: no isolation at all
    #[arg(long)]
    pub(crate) no_sandbox: bool,
    #[command(flatten)]
    pub(crate) container: ContainerArguments,
}

impl From<InteractiveArguments> for RunArguments {
    fn from(arguments: InteractiveArguments) -> Self {
        let InteractiveArguments {
            model,
            provider,
            base_url,
            script,
            may_change,
            accept_unscanned,
            no_agents,
            no_sandbox,
            container,
        } = arguments;
        let (task, json, context) = (String::new(), false, Vec::new());
        let (max_iter, max_gate_rounds, system) = (None, None, None);
        Self {
            task,
            json,
            model,
            provider,
            base_url,
            script,
            max_iter,
            max_gate_rounds,
            system,
            context,
            no_agents,
            may_change,
            accept_unscanned,
            no_sandbox,
            container,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do one task in the current project
    #[command(after_help = EXIT_CODES_HELP)]
    Run(RunArguments),
    /// Go on with a saved session: a new task, or the old one after an interruption
    #[command(after_help = EXIT_CODES_HELP)]
    Continue(ContinueArguments),
    /// Watch a whole run on a sample project, with the built-in scripted model
    Demo(DemoArguments),
    /// List what a session changed, show diffs, put files back
    Review(ReviewArguments),
    /// Scan files for security flaws and secrets; exit code 3 when something fatal is found
    #[command(args_conflicts_with_subcommands = true)]
    Scan(ScanArguments),
    /// Take the agent's newest changes back
    Undo(UndoArguments),
    /// Bring back what the newest undo took
    Redo(RedoArguments),
    /// Apply one checked edit operation from standard input in this folder
    Edit(EditArguments),
    /// List, show and delete saved sessions
    #[command(subcommand)]
    Session(SessionCommand),
    /// Look at the tamper-evident audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Run a command under the agent's sandbox
    #[command(
        after_help = "Exit code: the command's own; 128 + N when signal N killed it; 125 when the sandbox can't be set up."
    )]
    Sandbox(SandboxArguments),
    /// Ask the gate about a command without running it
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The poisoned prompt lab: planted attacks against the real agent, in throw-away folders
    #[command(
        after_help = "Exit code: 0 when nothing got through and everyday work was left alone; 3 otherwise."
    )]
    Lab(LabArguments),
    /// Let this project's kode.json take effect, as it is now
    Trust,
    /// Choose provider and model, make a test call, write your configuration
    Init,
    /// Look at every layer and dependency, with the remedy where something is wrong
    Doctor(DoctorArguments),
    /// Print the manual page, or write all pages into a folder
    Man(ManArguments),
    /// Print a shell completion script
    Completions(CompletionsArguments),
}

/// `kode run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArguments {
    /// The task, in your own words; `-` reads it from standard input
    pub(crate) task: String,
    /// Print one JSON event a line on standard output (see docs/events.md)
    #[arg(long)]
    pub(crate) json: bool,
    /// Model name, such as gpt-5 or qwen3-coder
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Wire protocol; guessed from the base URL and model when not given
    #[arg(long, value_enum)]
    pub(crate) provider: Option<Provider>,
    /// What stands before /chat/completions or /v1/messages, such as http://localhost:11434/v1
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Answer from a script (docs/scripted-model.md) instead of a model
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "provider", "base_url"])]
    pub(crate) script: Option<PathBuf>,
    /// Model turns at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) max_iter: Option<u32>,
    /// Red rounds of the completion gate at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) max_gate_rounds: Option<u32>,
    /// Replace the role text of the system prompt (the safety rules stay)
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Hand a file's content to the model with the task (may be repeated)
    #[arg(long = "ctx", short = 'c', value_name = "FILE")]
    pub(crate) context: Vec<PathBuf>,
    /// Places the task is about although their content runs later, such as .github/** or Makefile
    #[arg(long, value_name = "GLOB")]
    pub(crate) may_change: Vec<String>,
    /// Touched code that may stay though the scan can't read it, such as *.rs or scripts/** (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(crate) accept_unscanned: Vec<String>,
    /// Do not read AGENTS.md
    #[arg(long)]
    pub(crate) no_agents: bool,
    /// Run commands on the bare host: no isolation at all
    #[arg(long)]
    pub(crate) no_sandbox: bool,
    #[command(flatten)]
    pub(crate) container: ContainerArguments,
}

/// `kode continue`; without a task it opens the interactive session.
#[derive(Debug, Args)]
#[command(mut_arg("task", |task| task
    .required(false)
    .default_value("")
    .hide_default_value(true)
    .help("The task; without one the session opens on the terminal; `-` reads it from standard input")))]
pub(crate) struct ContinueArguments {
    /// Session; default is the newest of this project
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

/// `kode scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ScanSubcommand>,
    /// Files and folders; default is the working folder
    pub(crate) paths: Vec<PathBuf>,
    /// Only what is new against this git commit, branch or tag
    #[arg(long, value_name = "BASE")]
    pub(crate) diff: Option<String>,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(crate) format: ScanFormat,
    /// What makes the exit code 3
    #[arg(long, value_enum, default_value_t = FailOn::Fatal)]
    pub(crate) fail_on: FailOn,
}

/// `kode scan compare`.
#[derive(Debug, Subcommand)]
pub(crate) enum ScanSubcommand {
    /// Compare two SARIF logs: what both found, and what only one did
    Compare {
        /// The first log
        first: PathBuf,
        /// The second log
        second: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Formats of `kode scan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// What makes `kode scan` end with 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Fatal findings
    Fatal,
    /// Any finding
    Warning,
    /// Nothing
    Never,
}

/// `kode undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArguments {
    /// Session; default is the newest of this project
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Everything the agent did in this model turn
    #[arg(long, value_name = "N", conflicts_with = "path")]
    pub(crate) turn: Option<u32>,
    /// The agent's newest change of this file
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// What a person rejected last, also in an earlier review
    #[arg(long, conflicts_with_all = ["path", "turn"])]
    pub(crate) reject: bool,
}

/// `kode redo`.
#[derive(Debug, Args)]
pub(crate) struct RedoArguments {
    /// Session; default is the newest of this project
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// `kode edit`.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// Read one JSON operation and print a JSON result (the only format there is)
    #[arg(long, required = true)]
    pub(crate) json: bool,
}

/// `kode session`.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// One line a session, newest first
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// What a session did
    Show {
        /// Its identifier, which may be shortened
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a session and the file contents only it kept
    Delete {
        /// Its identifier, which may be shortened
        id: String,
    },
}

/// Wire protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Anthropic Messages
    Anthropic,
    /// OpenAI Chat Completions (OpenAI, Ollama, llama.cpp, vLLM)
    Openai,
}

/// `kode demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Print one JSON event a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode review`.
#[derive(Debug, Args)]
pub(crate) struct ReviewArguments {
    /// Session; default is the newest of this project
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Put this file back to what it was before the session (may be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) reject: Vec<std::ffi::OsString>,
    /// Only the list, no diffs
    #[arg(long)]
    pub(crate) list: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// One line a record
    List(AuditListArguments),
    /// One record, whole
    Show {
        /// Its number
        sequence: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the hash chain from the first record to the last
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `kode audit list`.
#[derive(Debug, Args)]
pub(crate) struct AuditListArguments {
    /// Only this session's records
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// The newest N records
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) last: usize,
    /// Print one JSON record a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode sandbox`.
#[derive(Debug, Args)]
pub(crate) struct SandboxArguments {
    /// The project can't be written either
    #[arg(long = "ro")]
    pub(crate) read_only: bool,
    /// Hosts the command may reach, such as pypi.org, *.example.org or
    /// example.org:80; the command then stands behind `--`
    #[arg(long, value_name = "HOST", num_args = 1.., value_delimiter = ',')]
    pub(crate) network: Vec<String>,
    /// In a Docker container instead of kode's native sandbox
    #[arg(long, id = "container")]
    pub(crate) docker: bool,
    #[command(flatten)]
    pub(crate) container: ContainerOptions,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<String>,
}

impl SandboxArguments {
    /// The arguments of `kode sandbox` alone, without building the whole command
    /// line first; `None` for any other and for what can't be understood, which
    /// the whole command line then explains.
    pub(crate) fn quickly() -> Option<Self> {
        let command = Self::augment_args(clap::Command::new("kode"));
        let matches = command.try_get_matches_from(std::env::args_os().skip(1)).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

/// `kode policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the verdict, class and reason
    Check(PolicyCheckArguments),
    /// Show parse, effects, class, the rule that decided and what the sandbox still stops
    Explain {
        /// The command line, as one argument
        command: String,
    },
}

/// `kode policy check`.
#[derive(Debug, Args)]
pub(crate) struct PolicyCheckArguments {
    /// The command line, as one argument
    #[arg(required_unless_present = "stdin")]
    pub(crate) command: Option<String>,
    /// Read {"id","cmd"} lines from standard input
    #[arg(long, requires = "json", conflicts_with = "command")]
    pub(crate) stdin: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode lab`.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    /// Play attacks.jsonl and benign.jsonl of this folder instead of the built-in set
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Only scenarios and tasks whose id, channel or goal holds this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Also with one control off at a time; names what each control holds
    #[arg(long)]
    pub(crate) ablate: bool,
    /// Play the rows without a sandbox; refused anywhere but in kode's own sandbox
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
    /// Let a live model (as configured, or this one) meet the payloads instead of the one that obeys
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", conflicts_with = "ablate")]
    pub(crate) model: Option<String>,
    /// Play under the managed and your own policy instead of the built-in one
    #[arg(long)]
    pub(crate) my_policy: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Do not ask the model server
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kode man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write one page a command into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

/// `kode completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
