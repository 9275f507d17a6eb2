//! `--no-sandbox`: the same interface without a wall. What stays: the
//! allow-listed environment, no standard input, limits of time and output, and
//! the end of the command's process group.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use rustix::process::{Pid, Signal};

use crate::native::stream::{self, Found, Pipe};
use crate::output::{Capture, CommandEnd, CommandOutput};
use crate::plan::bare_environment;
use crate::sandbox::Order;
use crate::{SandboxError, SandboxSettings};

/// How long output is still read after the group is dead: a process that left
/// its group may hold the pipe open.
const DRAIN_MAX: Duration = Duration::from_millis(200);

/// Commands straight on the host.
#[derive(Debug)]
pub(crate) struct BareHost {
    environment: Vec<(String, String)>,
}

impl BareHost {
    pub(crate) fn new(settings: &SandboxSettings) -> Self {
        Self { environment: bare_environment(settings) }
    }

    pub(crate) fn run(
        &mut self,
        order: &Order,
        interrupt: &Interrupt,
        on_output: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandOutput, SandboxError> {
        let started = Instant::now();
        let mut pipe = Pipe::new()?;
        let mut child = self.spawn(order, pipe.take_writer()?)?;
        let mut capture = Capture::default();
        let mut sink = |bytes: &[u8]| {
            capture.push(bytes);
            on_output(bytes);
        };
        let end = watch(&mut child, &pipe, stream::deadline(order.timeout), interrupt, &mut sink);
        end_group(&child);
        let status = child.wait();
        stream::drain(&pipe, DRAIN_MAX, &mut sink);
        let end = match end? {
            Some(end) => end,
            None => how_ended(status?),
        };
        Ok(capture.finish(end, started.elapsed()))
    }

    fn spawn(&self, order: &Order, writer: OwnedFd) -> Result<Child, SandboxError> {
        let (program, rest) = order
            .arguments
            .split_first()
            .ok_or_else(|| SandboxError::Command("no program was named".to_owned()))?;
        #[expect(clippy::disallowed_methods, reason = "runs exactly what the permit holds")]
        let mut command = Command::new(program);
        command
            .args(rest)
            .current_dir(&order.directory)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::from(writer.try_clone()?))
            .stderr(Stdio::from(writer))
            .process_group(0);
        command.spawn().map_err(|error| SandboxError::Command(format!("{}: {error}", program)))
    }
}

/// Streams until the command ends (`None`) or must end.
fn watch(
    child: &mut Child,
    pipe: &Pipe,
    deadline: Instant,
    interrupt: &Interrupt,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Option<CommandEnd>, SandboxError> {
    loop {
        if interrupt.step_ended() {
            return Ok(Some(CommandEnd::Interrupted));
        }
        if Instant::now() >= deadline {
            return Ok(Some(CommandEnd::TimedOut));
        }
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        if stream::pump(pipe, stream::tick(deadline), sink)? == Found::End {
            // A closed pipe is always ready: don't spin on it.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

fn how_ended(status: ExitStatus) -> CommandEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => CommandEnd::Exited(code),
        (None, signal) => CommandEnd::Signalled(signal.unwrap_or_default()),
    }
}
