//! Starting a sandbox: the strongest wall this system allows, and a weaker one
//! only down to what the user accepts. Each is told apart in reports.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::bubblewrap::{self, Arguments};
use super::keeper::Keeper;
use super::partial::PrivateFolder;
use super::process::HelperProcess;
use super::space::Space;
use super::{GROUP_AFTER, Group, Native, Standing, beside, interactive, partial, remedy};
use crate::guard::Guard;
use crate::helper::{self, ID_MAP_STEP};
use crate::incident::Incident;
use crate::output::CommandEnd;
use crate::plan::{Beginning, Ownership, Plan, Shape, Wall, identity, plan, required_identity};
use crate::sandbox::Order;
use crate::wire::{Reply, SelfTest};
use crate::{ProjectRoot, SandboxError, SandboxSettings};

/// Setting up must be done in this time; it takes milliseconds.
const SETUP_MAX: Duration = Duration::from_secs(20);

/// The weakest wall that holds commands unless the user accepts a weaker one.
const WEAKEST: Wall = Wall::Bubblewrap;

/// A sandbox whose helper is at work on it.
#[derive(Debug)]
pub(crate) struct Starting {
    native: Native,
    plan: Plan,
    root: ProjectRoot,
    settings: SandboxSettings,
    ownership: Ownership,
    /// What bubblewrap complained of.
    complaints: Option<File>,
}

/// A sandbox that stands, and the descriptor its proxy accepts on.
type Stood = (Native, Option<OwnedFd>);

/// How a command ended, and what had to be done about it.
type Ended = (CommandEnd, Vec<Incident>);

/// Why none stands, and whether a weaker wall may be tried instead.
struct Failed {
    error: SandboxError,
    weaker: bool,
}

impl From<SandboxError> for Failed {
    fn from(error: SandboxError) -> Self {
        Self { error, weaker: false }
    }
}

impl Starting {
    /// Starts the helper and gives it its plan; returns while it works.
    pub(crate) fn begin(
        root: &ProjectRoot,
        settings: &SandboxSettings,
    ) -> Result<Self, SandboxError> {
        match settings.strongest {
            Wall::Full => Self::begin_as(root, settings, Ownership::Mapped, Shape::Session, &[]),
            wall => Self::begin_weaker(root, settings, wall, None),
        }
    }

    pub(super) fn begin_as(
        root: &ProjectRoot,
        settings: &SandboxSettings,
        ownership: Ownership,
        shape: Shape<'_>,
        inherited: &[OwnedFd],
    ) -> Result<Self, SandboxError> {
        if ownership == Ownership::Owner && is_roots(root) {
            return Err(SandboxError::unavailable("the project belongs to root", remedy::MAPPED));
        }
        // The helper, or the first process itself, works while kode plans.
        let mut helper = helper_for(root, settings, ownership, shape)?;
        let beginning = Beginning::new(settings, helper.identity().clone());
        helper.send_ahead(&beginning.steps);
        let mut guard = Guard::new(root, &settings.host.kode_home, !settings.one_command)?;
        let found = guard.in_project();
        let plan = plan(root, settings, beginning, ownership, shape, &found)?;
        Self::around(helper, (plan, guard), root, settings, inherited, None)
            .map(|starting| Self { ownership, ..starting })
    }

    /// The same with less than the full wall, for an ordinary user's session.
    fn begin_weaker(
        root: &ProjectRoot,
        settings: &SandboxSettings,
        wall: Wall,
        because: Option<String>,
    ) -> Result<Self, SandboxError> {
        let identity = identity()?;
        if identity.started_as_root {
            let cause = "less than the full sandbox does not hold root";
            return Err(SandboxError::unavailable(cause, remedy::NOT_AS_ROOT));
        }
        let (ownership, shape) = (Ownership::Mapped, Shape::Session);
        let mut guard = Guard::new(root, &settings.host.kode_home, !settings.one_command)?;
        let found = guard.in_project();
        let beginning = Beginning::new(settings, identity.clone());
        let mut plan = plan(root, settings, beginning, ownership, shape, &found)?;
        let (mut complaints, mut private) = (None, None);
        let helper = if wall == Wall::Partial {
            private = Some(partial::adapt(&mut plan, settings)?);
            HelperProcess::launch(&settings.host.helper, identity, wall)?
        } else {
            if !bubblewrap::is_usable() {
                let cause = format!("{} is not there, or not only root's", bubblewrap::PROGRAM);
                return Err(SandboxError::unavailable(cause, remedy::BUBBLEWRAP));
            }
            let mut arguments = Arguments::of(&plan, &settings.host.helper)?;
            complaints = Some(arguments.keep_complaints()?);
            HelperProcess::launch_in_bubblewrap(arguments, identity)?
        };
        let mut starting = Self::around(helper, (plan, guard), root, settings, &[], private)?;
        starting.native.standing = Standing { wall, because };
        starting.complaints = complaints;
        Ok(starting)
    }

    fn around(
        mut helper: HelperProcess,
        (mut plan, mut guard): (Plan, Guard),
        root: &ProjectRoot,
        settings: &SandboxSettings,
        inherited: &[OwnedFd],
        private: Option<PrivateFolder>,
    ) -> Result<Self, SandboxError> {
        helper.started()?;
        let inherited: Vec<_> = inherited.iter().map(AsFd::as_fd).collect();
        match helper.hand_over(&mut plan, &inherited) {
            // It failed before the plan came, and left word why.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            sent => sent.map_err(|error| no_helper(&error.into()))?,
        }
        let mut native = Native {
            helper: Keeper::Helper(helper),
            guard: None,
            space: Space::new(root, settings.free_bytes_min)?,
            group: Group::From(Instant::now() + GROUP_AFTER, plan.limits.clone()),
            memory_kills_before: 0,
            low_space: None,
            memory_bytes_max: plan.limits.memory_bytes_max,
            over_memory: false,
            held: Vec::new(),
            in_command: false,
            is_brief: settings.one_command,
            is_deserted: false,
            is_flushed_behind: false,
            asked_ahead: false,
            not_started: None,
            self_test: SelfTest::default(),
            heritage: None,
            standing: Standing::default(),
            _private: private,
        };
        // Where nothing can be written there is nothing to look after.
        if !settings.read_only {
            guard.protects(plan.protected_in_project().map(str::to_owned).collect());
            guard.hides(&plan.folders_in_memory().map(str::to_owned).collect::<Vec<_>>());
            native.guard = Some(guard);
        }
        let (root, settings, ownership) = (root.clone(), settings.clone(), Ownership::Mapped);
        Ok(Self { native, plan, root, settings, ownership, complaints: None })
    }

    /// Waits until the sandbox stands; where it can't, tries what is weaker and
    /// accepted.
    pub(crate) fn finish(self) -> Result<Native, SandboxError> {
        let (root, settings) = (self.root.clone(), self.settings.clone());
        let mut wall = self.native.standing.wall;
        let failed = match self.finish_this() {
            Ok((native, _)) => return Ok(native),
            Err(failed) if !failed.weaker => return Err(failed.error),
            Err(failed) => failed.error,
        };
        while let Some(next) = weaker(wall, settings.weakest) {
            wall = next;
            let because = Some(failed.to_string());
            let stood = Self::begin_weaker(&root, &settings, wall, because)
                .map_err(Failed::from)
                .and_then(Self::finish_this);
            if let Ok((native, _)) = stood {
                return Ok(native);
            }
        }
        Err(failed)
    }

    /// Waits until the sandbox stands and runs `order` in it on this process's
    /// own standard streams. Where nothing speaks against it the order is there
    /// before the sandbox is. `flushed` is flushed behind this program's end, as
    /// [`Native::is_flushed_behind`] says then.
    pub(crate) fn run_interactive(
        mut self,
        order: &Order,
        flushed: Option<&File>,
        told: &mut dyn FnMut(&Standing),
    ) -> Result<(Native, Ended), SandboxError> {
        if interactive::at_terminal() || self.native.standing.wall != Wall::Full {
            return self.finish_and_run(order, told);
        }
        let mut signals = interactive::passed_on()?;
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let Ok(ahead) = self.native.ask_ahead(order, streams) else {
            // The helper failed already, and left word why.
            return self.finish_and_run(order, told);
        };
        let mut native = self.finish()?;
        if !native.asked_ahead {
            drop((ahead, signals));
            told(&native.standing);
            let ended = native.run_interactive(order)?;
            return Ok((native, ended));
        }
        if native.is_brief {
            // Its command runs now. Where this fails the end takes longer.
            let started = helper::clear_up_afterwards(flushed);
            native.is_flushed_behind = started.is_ok() && flushed.is_some();
        }
        let ended = native.run_ahead(ahead, &mut signals)?;
        Ok((native, ended))
    }

    fn finish_and_run(
        self,
        order: &Order,
        told: &mut dyn FnMut(&Standing),
    ) -> Result<(Native, Ended), SandboxError> {
        let mut native = self.finish()?;
        told(&native.standing);
        let ended = native.run_interactive(order)?;
        Ok((native, ended))
    }

    /// Waits for a networked sandbox, which is as its session's or not at all,
    /// and returns the descriptor its proxy accepts on.
    pub(super) fn finish_with_door(self) -> Result<Stood, SandboxError> {
        self.finish_this().map_err(|failed| failed.error)
    }

    fn finish_this(self) -> Result<Stood, Failed> {
        let Self { mut native, plan, root, settings, ownership, complaints } = self;
        let received = native.receive_within(SETUP_MAX).map_err(|error| no_helper(&error))?;
        let (reply, handed) = received.unzip();
        match reply.or_else(|| native.helper.failure()) {
            Some(Reply::Ready(test)) => {
                native.self_test = test;
                native.helper.reap();
                if native.standing.wall != Wall::Full {
                    return Ok((native, None));
                }
                let handed = handed.unwrap_or_default();
                let (heritage, door) = beside::Heritage::take(&plan, ownership, handed);
                native.heritage = Some(heritage);
                Ok((native, door))
            }
            Some(Reply::SetupFailed { step, error, code }) => {
                let no_id_maps = step.starts_with(ID_MAP_STEP);
                let weaker = remedy::is_forbidden(code, &plan);
                let error = remedy::unavailable(&step, &error, code, &plan);
                // A networked sandbox is owned as its session's.
                if !no_id_maps || ownership == Ownership::Owner || plan.proxy_port.is_some() {
                    return Err(Failed { error, weaker });
                }
                drop(native);
                let owner = Ownership::Owner;
                let again = Self::begin_as(&root, &settings, owner, Shape::Session, &[]);
                again.map_err(Failed::from).and_then(Self::finish_this).map_err(|_| error.into())
            }
            other => {
                // Only when it has ended is all of it said.
                native.helper.end();
                let said = complaints.as_ref().map(bubblewrap::complaint).unwrap_or_default();
                let cause = format!("its first process did not come up ({other:?}) {said}");
                let error = SandboxError::unavailable(cause.trim_end(), remedy::START_DIRECTLY);
                Err(Failed { error, weaker: complaints.is_some() })
            }
        }
    }
}

/// The next weaker wall, as far as the user accepts one.
fn weaker(wall: Wall, weakest: Option<Wall>) -> Option<Wall> {
    let next = match wall {
        Wall::Full => Wall::Bubblewrap,
        Wall::Bubblewrap => Wall::Partial,
        Wall::Partial => return None,
    };
    (next <= weakest.unwrap_or(WEAKEST)).then_some(next)
}

/// A helper that runs already where its identity will do, else a new one.
fn helper_for(
    root: &ProjectRoot,
    settings: &SandboxSettings,
    ownership: Ownership,
    shape: Shape<'_>,
) -> Result<HelperProcess, SandboxError> {
    let image = &settings.host.helper;
    let early = HelperProcess::early(image);
    let chosen = match &early {
        Some(early) => early.identity().clone(),
        None => identity()?,
    };
    match (required_identity(root, &chosen, ownership, shape)?, early) {
        (None, Some(early)) => Ok(early),
        (None, None) => HelperProcess::launch(image, chosen, Wall::Full),
        (Some(required), _) => HelperProcess::launch(image, required, Wall::Full),
    }
}

fn no_helper(error: &SandboxError) -> SandboxError {
    SandboxError::unavailable(
        format!("the helper does not answer: {error}"),
        remedy::START_DIRECTLY,
    )
}

fn is_roots(root: &ProjectRoot) -> bool {
    std::fs::metadata(root.path()).is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_weaker_than_accepted_is_tried() {
        assert_eq!(weaker(Wall::Full, None), Some(Wall::Bubblewrap));
        assert_eq!(weaker(Wall::Bubblewrap, None), None);
        assert_eq!(weaker(Wall::Full, Some(Wall::Full)), None);
        assert_eq!(weaker(Wall::Bubblewrap, Some(Wall::Partial)), Some(Wall::Partial));
        assert_eq!(weaker(Wall::Partial, Some(Wall::Partial)), None);
    }
}
