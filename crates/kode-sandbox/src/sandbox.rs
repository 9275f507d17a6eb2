//! One session's sandbox: a permit goes in, what the command did comes out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kode_base::{Interrupt, ProjectPath, ShellCommand, WebFetch};
use kode_gate::Permit;

use crate::bare::BareHost;
use crate::credentials::{Exposure, Seen};
use crate::docker::{self, Docker};
use crate::incident::Incident;
use crate::layers::{self, Layer};
use crate::native::{self, Native};
use crate::network::{Network, Reached};
use crate::output::{CommandEnd, CommandOutput};
use crate::{
    Backend, Connection, OpenHosts, Page, ProjectRoot, Refusal, SandboxError, SandboxSettings,
    Witness,
};

/// `execve` takes no single argument longer than this (`MAX_ARG_STRLEN`).
const COMMAND_BYTES_MAX: usize = 128 * 1024 - 1;

/// One session's sandbox. Dropping it ends every process it started.
///
/// Commands of one session share the private home and temporary folders; no
/// process outlives the command that started it. One command runs at a time.
#[derive(Debug)]
pub struct Sandbox {
    wall: Mutex<Wall>,
    name: &'static str,
    root: String,
    network: Network,
    /// The next command's credentials were looked for already.
    looked: AtomicBool,
    settings: SandboxSettings,
}

/// How a command on the caller's own streams ended.
#[derive(Debug)]
pub struct InteractiveEnd {
    /// How it ended.
    pub end: CommandEnd,
    /// What the sandbox had to do about it.
    pub incidents: Vec<Incident>,
    /// Every connection it tried, carried or refused, where hosts were open.
    pub connections: Vec<Connection>,
    /// As of [`CommandOutput::masked`].
    pub masked: Vec<ProjectPath>,
}

impl InteractiveEnd {
    fn offline((end, incidents): (CommandEnd, Vec<Incident>)) -> Self {
        Self { end, incidents, connections: Vec::new(), masked: Vec::new() }
    }

    fn reaching((end, incidents): (CommandEnd, Vec<Incident>), reached: Reached) -> Self {
        let Reached { connections, masked, named } = reached;
        let masked = Reached::told(masked, named, &end);
        Self { end, incidents, connections, masked }
    }
}

#[derive(Debug)]
enum Wall {
    Native(Box<Native>),
    Docker(Box<Docker>),
    BareHost(BareHost),
}

/// A sandbox that is being built, see [`Sandbox::begin`].
#[derive(Debug)]
pub struct StartingSandbox {
    wall: StartingWall,
    root: ProjectRoot,
    settings: SandboxSettings,
    seen: Arc<Seen>,
    flushed: Option<std::fs::File>,
}

#[derive(Debug)]
enum StartingWall {
    Native(Box<native::Starting>),
    Docker(Box<docker::Starting>),
    BareHost(BareHost),
}

impl StartingSandbox {
    /// Has every connection of its commands kept by `witness` before it leaves.
    pub fn seen_by(&mut self, witness: Witness) {
        self.settings.witness = Some(witness);
    }

    /// Asks for `file` to be flushed to the disk behind this program's end. Whether it
    /// will be says [`Sandbox::is_flushed_behind`].
    pub fn flush_behind(&mut self, file: std::fs::File) {
        self.flushed = Some(file);
    }

    /// Waits until it stands and a command can run in it.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub fn finish(self) -> Result<Sandbox, SandboxError> {
        let wall = match self.wall {
            StartingWall::Native(starting) => Wall::Native(Box::new(starting.finish()?)),
            StartingWall::Docker(starting) => Wall::Docker(Box::new(starting.finish()?)),
            StartingWall::BareHost(bare) => Wall::BareHost(bare),
        };
        Ok(Sandbox::around(wall, &self.root, self.settings, self.seen))
    }

    /// Waits until it stands and runs the permit's command in it, as
    /// [`Sandbox::run_interactive`] does. `warn` is told before it runs what
    /// [`Sandbox::warning`] tells.
    ///
    /// # Errors
    /// As [`Sandbox::start`] and [`Sandbox::run_interactive`].
    pub fn run_interactive(
        self,
        permit: Permit<ShellCommand>,
        warn: &mut dyn FnMut(&str),
    ) -> Result<(Sandbox, InteractiveEnd), SandboxError> {
        let hosts = !permit.hosts().is_empty() || !self.settings.open_hosts.is_empty();
        let starting = match self.wall {
            StartingWall::Native(starting) if !hosts => starting,
            wall => {
                let sandbox = Self { wall, ..self }.finish()?;
                sandbox.warning().iter().for_each(|warning| warn(warning));
                let ended = sandbox.run_interactive(permit)?;
                return Ok((sandbox, ended));
            }
        };
        let order = interactive_order(self.root.text(), &permit.redeem())?;
        let mut told = |standing: &native::Standing| {
            layers::weaker(standing).iter().for_each(|warning| warn(warning));
        };
        let (native, ended) = starting.run_interactive(&order, self.flushed.as_ref(), &mut told)?;
        let wall = Wall::Native(Box::new(native));
        let sandbox = Sandbox::around(wall, &self.root, self.settings, self.seen);
        Ok((sandbox, InteractiveEnd::offline(ended)))
    }
}

/// One command, as a wall runs it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) arguments: Vec<String>,
    /// Absolute.
    pub(crate) directory: String,
    pub(crate) timeout: std::time::Duration,
}

impl Sandbox {
    fn around(wall: Wall, root: &ProjectRoot, settings: SandboxSettings, seen: Arc<Seen>) -> Self {
        let name = match &wall {
            Wall::Native(native) => match native.standing().wall {
                crate::Wall::Full => "native",
                crate::Wall::Bubblewrap => "bubblewrap",
                crate::Wall::Partial => "partial",
            },
            Wall::Docker(_) => "docker",
            Wall::BareHost(_) => "none",
        };
        Self {
            wall: Mutex::new(wall),
            name,
            root: root.text().to_owned(),
            network: Network::new(root, &settings, seen),
            looked: AtomicBool::new(false),
            settings,
        }
    }

    /// Builds the sandbox and checks that a command runs in it.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] with the remedy when any layer fails:
    /// nothing runs then, least of all without the sandbox.
    pub fn start(root: &ProjectRoot, settings: SandboxSettings) -> Result<Self, SandboxError> {
        Self::begin(root, settings)?.finish()
    }

    /// Begins to build the sandbox and returns while that goes on, so that the
    /// caller can do something else until [`StartingSandbox::finish`].
    ///
    /// # Errors
    /// As [`Self::start`], for what shows at once.
    pub fn begin(
        root: &ProjectRoot,
        settings: SandboxSettings,
    ) -> Result<StartingSandbox, SandboxError> {
        if !settings.one_command {
            docker::sweep_mounts();
        }
        let seen = Arc::new(Seen::of(root, &settings));
        let wall = match settings.backend {
            Backend::Native => {
                StartingWall::Native(Box::new(native::Starting::begin(root, &settings)?))
            }
            Backend::Docker => {
                StartingWall::Docker(Box::new(docker::Starting::begin(root, &settings, &seen)?))
            }
            Backend::BareHost => StartingWall::BareHost(BareHost::new(&settings)),
        };
        Ok(StartingSandbox { wall, root: root.clone(), settings, seen, flushed: None })
    }

    /// Lets every process of the sandbox begin to end; dropping it waits until
    /// all are gone. Nothing runs in it any more.
    pub fn begin_end(&self) {
        match &mut *self.wall() {
            Wall::Native(native) => native.begin_end(),
            Wall::Docker(docker) => docker.native().begin_end(),
            Wall::BareHost(_) => {}
        }
    }

    /// Whether what was asked to be flushed behind this program's end will be.
    pub fn is_flushed_behind(&self) -> bool {
        matches!(&*self.wall(), Wall::Native(native) if native.is_flushed_behind())
    }

    /// Has every connection of later commands kept by `witness` before it leaves.
    pub fn seen_by(&self, witness: Witness) {
        self.network.seen_by(witness);
    }

    /// Who keeps the connections of its commands.
    pub fn witness(&self) -> Option<Witness> {
        self.network.witness()
    }

    /// Whether it can serve the session's next task as it is: a container that
    /// was started with the same settings, answers, and shows what stands in the
    /// project now. Everything else is started anew for each task.
    pub fn serves_on(&self, root: &ProjectRoot, settings: &SandboxSettings) -> bool {
        let is_same = self.root == root.text() && self.settings == *settings;
        match &mut *self.wall() {
            Wall::Docker(docker) => is_same && docker.serves_on(),
            Wall::Native(_) | Wall::BareHost(_) => false,
        }
    }

    /// What it was started with.
    pub fn settings(&self) -> &SandboxSettings {
        &self.settings
    }

    /// `native`, `bubblewrap` or `partial` where less is allowed, `docker`, or
    /// `none` on the bare host.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What a person must know at the start: that less than the full wall
    /// stands, and why.
    pub fn warning(&self) -> Option<String> {
        match &*self.wall() {
            Wall::Native(native) => layers::weaker(native.standing()),
            Wall::Docker(_) | Wall::BareHost(_) => None,
        }
    }

    /// What holds this sandbox, layer by layer; nothing on the bare host.
    pub fn layers(&self) -> Vec<Layer> {
        match &mut *self.wall() {
            Wall::Native(native) => {
                let group = native.control_group();
                layers::of(native.standing(), native.self_test(), group)
            }
            Wall::Docker(docker) => layers::of_container(docker.native().self_test()),
            Wall::BareHost(_) => Vec::new(),
        }
    }

    /// Takes in which files of the project are credentials now, so that they stay
    /// masked under any name a command gives them. Every command is preceded by
    /// it; who watches for files being opened calls it before, since it opens
    /// some.
    pub fn look_for_credentials(&self) {
        self.take_in_credentials();
        self.looked.store(true, Ordering::Relaxed);
    }

    fn take_in_credentials(&self) {
        match &mut *self.wall() {
            Wall::Native(native) => self.network.look(Some(native)),
            Wall::Docker(docker) => self.network.look(Some(docker.native())),
            Wall::BareHost(_) => self.network.look(None),
        }
    }

    /// Whether a file with an ordinary name was seen as a credential under another,
    /// in this session or before.
    pub fn remembers_as_credential(&self, path: &ProjectPath) -> bool {
        self.network.seen().remembers(path)
    }

    /// Begins to notice when one of the credentials that the last look took in is
    /// opened; right before a command.
    pub fn watch_credentials(&self) {
        self.network.seen().watch_begins();
    }

    /// Whether that happened, right after it. What the command wrote counts as a
    /// credential from then on.
    pub fn opened_credentials(&self) -> Option<Exposure> {
        if self.network.seen().watch_pauses() {
            // One that appeared meanwhile was not watched, and may have been opened.
            self.take_in_credentials();
        }
        let wall = self.wall();
        let private = match &*wall {
            Wall::Native(native) => native.private_folders(),
            Wall::Docker(_) | Wall::BareHost(_) => Vec::new(),
        };
        let places: Vec<_> = private.into_iter().map(|(_, place)| place).collect();
        self.network.seen().watch_ends(&places)
    }

    /// Whether the last look found credentials that are worth watching.
    pub fn has_credentials(&self) -> bool {
        self.network.seen().watches()
    }

    /// Whether a command of any session in this project opened a credential within the
    /// last 24 hours: not all that it left can be masked.
    pub fn is_project_exposed(&self) -> bool {
        self.network.seen().is_exposed()
    }

    /// The session came to know a credential otherwise than by a command: what it has
    /// commands write counts as if they had opened one.
    pub fn knows_a_credential(&self) {
        self.network.seen().is_exposed_from_now_on();
    }

    /// What a person removes to have kode forget which files of the project it saw as
    /// credentials; `None` where nothing is kept.
    pub fn credential_register(&self) -> Option<&std::path::Path> {
        self.network.seen().register_file()
    }

    fn have_looked(&self, open: &OpenHosts) {
        if !self.looked.load(Ordering::Relaxed) && !matches!(&*self.wall(), Wall::BareHost(_)) {
            self.look_for_credentials();
        }
        self.looked.store(false, Ordering::Relaxed);
        let is_closed =
            self.name == "docker" && self.settings.docker.network == crate::DockerNetwork::None;
        let offline = open.is_empty() || is_closed;
        self.network.seen().command_begins(offline);
    }

    /// Runs the permit's exact bytes with `bash -c`, standard input empty.
    /// Output streams to `on_output` and is kept within bounds. At the time
    /// limit, or within 50 ms of an interrupt, everything is killed.
    ///
    /// # Errors
    /// When the command can't be started or the sandbox is gone.
    pub fn run(
        &self,
        permit: Permit<ShellCommand>,
        interrupt: &Interrupt,
        on_output: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandOutput, SandboxError> {
        let (open, approved) = (self.open_hosts(permit.hosts()), !permit.hosts().is_empty());
        let intent = permit.intent();
        let order = order(&self.root, &permit.redeem())?;
        self.have_looked(&open);
        let _ends = Ends(self.network.seen());
        match &mut *self.wall() {
            Wall::Native(native) if open.is_empty() => native.run(&order, interrupt, on_output),
            Wall::Native(native) => {
                let run = |beside: &mut Native| beside.run(&order, interrupt, on_output);
                let (mut output, reached) =
                    self.network.with_hosts(native, &self.settings, (intent, open), run)?;
                let Reached { connections, masked, named } = reached;
                output.connections = connections;
                output.masked = Reached::told(masked, named, &output.end);
                Ok(output)
            }
            Wall::Docker(docker) if docker.stays_offline(&open, approved)? => {
                docker.run(&order, interrupt, on_output)
            }
            Wall::Docker(docker) => {
                let run = |docker: &mut Docker| docker.run(&order, interrupt, on_output);
                let (mut output, reached) =
                    self.network.in_container(docker, &self.settings, (intent, open), run)?;
                let Reached { connections, masked, named } = reached;
                output.connections = connections;
                output.masked = Reached::told(masked, named, &output.end);
                Ok(output)
            }
            Wall::BareHost(bare) => bare.run(&order, interrupt, on_output),
        }
    }

    /// Runs the permit's command on this process's own standard streams: over
    /// a terminal of the sandbox's own when standard input and output are one,
    /// else over pipes. Signals that reach this process are passed on. Only a
    /// person asks for this (`kode sandbox`); there is no time limit.
    ///
    /// # Errors
    /// When the command can't be started, or there is no native sandbox.
    pub fn run_interactive(
        &self,
        permit: Permit<ShellCommand>,
    ) -> Result<InteractiveEnd, SandboxError> {
        let (open, approved) = (self.open_hosts(permit.hosts()), !permit.hosts().is_empty());
        let intent = permit.intent();
        let order = interactive_order(&self.root, &permit.redeem())?;
        self.have_looked(&open);
        let _ends = Ends(self.network.seen());
        match &mut *self.wall() {
            Wall::Native(native) if open.is_empty() => {
                native.run_interactive(&order).map(InteractiveEnd::offline)
            }
            Wall::Native(native) => {
                let run = |beside: &mut Native| beside.run_interactive(&order);
                let (ended, reached) =
                    self.network.with_hosts(native, &self.settings, (intent, open), run)?;
                Ok(InteractiveEnd::reaching(ended, reached))
            }
            Wall::Docker(docker) if docker.stays_offline(&open, approved)? => {
                docker.run_interactive(&order).map(InteractiveEnd::offline)
            }
            Wall::Docker(docker) => {
                let run = |docker: &mut Docker| docker.run_interactive(&order);
                let (ended, reached) =
                    self.network.in_container(docker, &self.settings, (intent, open), run)?;
                Ok(InteractiveEnd::reaching(ended, reached))
            }
            Wall::BareHost(_) => {
                Err(SandboxError::Command("an interactive command needs the sandbox".to_owned()))
            }
        }
    }

    /// Reads the permit's page, by kode itself, if its host is open: to this
    /// permit by a person's answer, or to every command. A redirect is told and
    /// not followed.
    pub fn fetch(
        &self,
        permit: Permit<WebFetch>,
        interrupt: &Interrupt,
    ) -> (Result<Page, Refusal>, Vec<Connection>) {
        let open = self.open_hosts(permit.hosts());
        let intent = permit.intent();
        self.network.read_page(intent, &open, &permit.redeem(), interrupt)
    }

    /// Ends every process still alive in the sandbox, before the completion
    /// gate takes its snapshot.
    ///
    /// # Errors
    /// When the sandbox does not confirm it.
    pub fn end_processes(&self) -> Result<(), SandboxError> {
        match &mut *self.wall() {
            Wall::Native(native) => native.end_processes(),
            Wall::Docker(docker) => docker.native().end_processes(),
            // Each command's process group ended with the command.
            Wall::BareHost(_) => Ok(()),
        }
    }

    /// What this command may reach: what is always open, and what its permit
    /// opens.
    fn open_hosts(&self, approved: &[String]) -> OpenHosts {
        OpenHosts::parse_lenient(&self.settings.open_hosts).and(OpenHosts::parse_lenient(approved))
    }

    fn wall(&self) -> MutexGuard<'_, Wall> {
        // A panic in a caller's `on_output` leaves the wall itself intact.
        self.wall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a command, however it comes.
struct Ends<'a>(&'a Seen);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.command_ends();
    }
}

/// What a shell would do with a line of [`command_line`]'s, without the shell.
fn interactive_order(root: &str, command: &ShellCommand) -> Result<Order, SandboxError> {
    let mut order = order(root, command)?;
    if let Some(arguments) = order.arguments.last().and_then(|line| arguments_of(line)) {
        order.arguments = arguments;
    }
    Ok(order)
}

#[expect(clippy::disallowed_methods, reason = "the exact bytes of the permit are what runs")]
fn order(root: &str, command: &ShellCommand) -> Result<Order, SandboxError> {
    let text = command.command.expose();
    if text.len() > COMMAND_BYTES_MAX {
        return Err(SandboxError::Command(format!(
            "it is {} bytes long, the system takes {COMMAND_BYTES_MAX}; write a script file and \
             run that",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(SandboxError::Command("it contains a NUL byte".to_owned()));
    }
    let directory = match command.directory.is_root() {
        true => root.to_owned(),
        false => format!("{root}/{}", command.directory.as_str()),
    };
    Ok(Order {
        arguments: vec!["/bin/bash".to_owned(), "-c".to_owned(), text.clone()],
        directory,
        timeout: command.timeout,
    })
}

/// One line for `bash -c` that executes `arguments` exactly as they are, in
/// place of the shell.
pub fn command_line(arguments: &[String]) -> String {
    let quoted: Vec<String> =
        arguments.iter().map(|argument| format!("'{}'", argument.replace('\'', "'\\''"))).collect();
    format!("exec -- {}", quoted.join(" "))
}

/// The arguments of a line that [`command_line`] made; `None` for any other.
fn arguments_of(line: &str) -> Option<Vec<String>> {
    let quoted = line.strip_prefix("exec -- '")?.strip_suffix('\'')?;
    let arguments: Vec<String> =
        quoted.split("' '").map(|argument| argument.replace("'\\''", "'")).collect();
    (command_line(&arguments) == line).then_some(arguments)
}

#[cfg(test)]
mod tests {
    use super::{arguments_of, command_line};

    #[test]
    fn only_lines_made_from_arguments_are_taken_apart() {
        for arguments in [vec!["a"], vec!["echo", "it's", "", "$x"], vec!["a", "' '", "'"]] {
            let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
            if let Some(back) = arguments_of(&command_line(&arguments)) {
                assert_eq!(back, arguments);
            }
        }
        assert_eq!(arguments_of("exec -- 'a' 'b'"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(arguments_of("exec -- 'a'; 'b'"), None);
        assert_eq!(arguments_of("echo 'a'"), None);
    }

    #[test]
    fn arguments_are_quoted_for_the_shell() {
        let arguments = ["echo", "it's", "$(x) `y` \"z\"", ""].map(str::to_owned);
        assert_eq!(command_line(&arguments), r#"exec -- 'echo' 'it'\''s' '$(x) `y` "z"' ''"#);
    }
}
