//! Starting a container: the keeper asks Docker for it, the supervisor inside
//! connects, checks what it finds and says that it is ready. Whatever fails on
//! the way, the keeper removes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::arguments::{self, User};
use super::engine::{Engine, complaint};
use super::folder::{self, Identifier, PrivateFolder, SOCKET_NAME};
use super::secrets::Secrets;
use super::{Docker, image, user};
use crate::container_plan::{
    KEEPER_NAME, KeeperPlan, KeeperReply, MappedMounts, Place, SupervisorPlan,
};
use crate::credentials::Seen;
use crate::helper::release_mapped_mounts;
use crate::native::{self, Contained, Native};
use crate::plan::{Additions, ContainerView};
use crate::wire::{self, Reply, SelfTest};
use crate::{DockerNetwork, HelperImage, ProjectRoot, SandboxError, SandboxSettings};

/// A container must stand in this time; it takes half a second.
const START_MAX: Duration = Duration::from_secs(60);

/// The supervisor's step that fails for a user who may not write the project.
const UNWRITABLE: &str = "writing /workspace";

/// Where sessions keep what is theirs alone, below `$KODE_HOME`.
const RUNTIME: &str = "run";

/// A container that Docker is starting.
#[derive(Debug)]
pub(crate) struct Starting {
    contained: Contained,
    folder: PrivateFolder,
    plan: SupervisorPlan,
    user: User,
    image: String,
    secrets: Secrets,
    seen: Arc<Seen>,
    places: Vec<Place>,
    root: ProjectRoot,
    settings: SandboxSettings,
}

impl Starting {
    /// Has the keeper start a container; returns while that goes on.
    pub(crate) fn begin(
        root: &ProjectRoot,
        settings: &SandboxSettings,
        seen: &Arc<Seen>,
    ) -> Result<Self, SandboxError> {
        let engine = Engine::find(&settings.host, root)?;
        let runtime = settings.host.kode_home.join(RUNTIME);
        sweep(&engine, &runtime);
        let image = image::choose(&engine, &settings.docker)?;
        let user = user(root, settings)?;
        let secrets = Secrets::of(root, settings, seen)?;
        let mut view = ContainerView::new(root, settings)?;
        let places = view.places.clone();
        let identifier = Identifier::new()?;
        // From here on the keeper cleans up, whatever happens to this process.
        let contained = keeper(&identifier.container(), &identifier.folder(&runtime))?;
        let folder = PrivateFolder::make(&runtime, &identifier, (user.user, user.group))?;
        if settings.docker.network == DockerNetwork::Bridge {
            folder::trust(&folder.path, &Additions::new(settings, "").certificates())?;
        }
        let mapped = user
            .stands_for
            .map(|owner| view.map(root, &identifier.mounts(), (owner, (user.user, user.group))));
        secrets.cover(root, &mut view, &folder)?;
        hand_over(&settings.docker.context_files, &folder)?;
        let names = (identifier.container(), image);
        let named = (names.0.as_str(), names.1.as_str());
        let create = arguments::run(&view, &settings.docker, named, user, &folder)?;
        order(&contained, &engine, create, mapped)?;
        let plan = SupervisorPlan {
            in_memory: view.in_memory(),
            environment: view.environment,
            files: view.files,
            writable: view.writable,
            limits: view.limits,
            places: view.places,
        };
        let (root, settings, seen) = (root.clone(), settings.clone(), Arc::clone(seen));
        let image = names.1;
        Ok(Self { contained, folder, plan, user, image, secrets, seen, places, root, settings })
    }

    /// Waits until commands can run in it.
    pub(crate) fn finish(self) -> Result<Docker, SandboxError> {
        let Self {
            mut contained,
            folder,
            plan,
            user,
            image,
            secrets,
            seen,
            places,
            root,
            settings,
        } = self;
        let supervisor = accept(&contained, &folder, &image)?;
        is_ours(&supervisor, user)?;
        // Nobody else is to connect, and commands are to find nothing.
        let _ = rustix::fs::unlink(folder.path.join(SOCKET_NAME));
        supervisor.set_read_timeout(Some(START_MAX))?;
        wire::send(&supervisor, &plan, &[])?;
        let test = ready(&supervisor)?;
        contained.connect(supervisor);
        let memory = plan.limits.memory_bytes_max;
        let native = Native::contained(contained, test, &root, &settings, memory)?;
        Ok(Docker { native, root, settings, secrets, seen, folder: folder.path, places })
    }
}

/// Takes away mounts of root's projects that such sessions left in the half second
/// of a start. Cheap enough for the start of any sandbox, with Docker or without.
pub(crate) fn sweep_mounts() {
    if rustix::process::geteuid().is_root() {
        for mounts in folder::mounts_left() {
            release_mapped_mounts(&mounts);
        }
    }
}

/// Removes what sessions left whose process and keeper were both killed.
fn sweep(engine: &Engine, runtime: &Path) {
    sweep_mounts();
    for (name, path) in folder::containers_left(runtime) {
        // Where Docker does not answer now, the start says why.
        let _ = engine.ask(&["rm", "--force", "--volumes", &name]);
        folder::remove(&path);
    }
}

/// Copies of `--ctx` files.
fn hand_over(files: &[PathBuf], folder: &PrivateFolder) -> Result<(), SandboxError> {
    for (file, name) in files.iter().zip(folder::context_names(files)) {
        let taken = folder.take_in(file, &name);
        taken.map_err(|error| {
            SandboxError::Command(format!("{} can't be handed over: {error}", file.display()))
        })?;
    }
    Ok(())
}

/// Starts a keeper for the container `name` and its folder, which it does not
/// make but remove.
fn keeper(name: &str, folder: &Path) -> Result<Contained, SandboxError> {
    let (ours, theirs) = UnixStream::pair()?;
    let start = |image: HelperImage, socket: UnixStream| {
        #[expect(clippy::disallowed_methods, reason = "starts kode's own keeper")]
        let mut command = Command::new(native::helper_path(&image)?);
        command
            .arg0(KEEPER_NAME)
            .arg(name)
            .arg(folder)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(socket)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn()
    };
    let child = start(HelperImage::Embedded, theirs.try_clone()?)
        // Some systems execute nothing from memory (`vm.memfd_noexec`).
        .or_else(|_: io::Error| start(HelperImage::CurrentProgram, theirs))?;
    Ok(Contained::new(ours, child))
}

/// Gives the keeper its orders.
fn order(
    contained: &Contained,
    engine: &Engine,
    create: Vec<String>,
    mapped: Option<MappedMounts>,
) -> Result<(), SandboxError> {
    let lifeline = contained.lifeline().ok_or_else(|| lost("it was given up"))?;
    let plan = KeeperPlan {
        program: engine.program.to_string_lossy().into_owned(),
        environment: engine.environment.clone(),
        create,
        mapped,
    };
    Ok(wire::send(lifeline, &plan, &[])?)
}

/// Waits for the supervisor, or for the keeper's word why none comes.
fn accept(
    contained: &Contained,
    folder: &PrivateFolder,
    image: &str,
) -> Result<UnixStream, SandboxError> {
    let until = Instant::now() + START_MAX;
    let lifeline = contained.lifeline().ok_or_else(|| lost("it was given up"))?;
    let mut started = false;
    while Instant::now() < until {
        let mut sources = vec![PollFd::from_borrowed_fd(folder.listener.as_fd(), PollFlags::IN)];
        if !started {
            sources.push(PollFd::new(lifeline, PollFlags::IN));
        }
        let tick = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        let _ = rustix::event::poll(&mut sources, Some(&tick));
        let spoke = sources.get(1).is_some_and(|source| !source.revents().is_empty());
        match folder.listener.accept() {
            Ok((supervisor, _)) => {
                supervisor.set_nonblocking(false)?;
                return Ok(supervisor);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if spoke {
            match wire::receive::<KeeperReply>(lifeline)? {
                Some((KeeperReply::Started, _)) => started = true,
                Some((KeeperReply::Failed(printed), _)) => return Err(complaint(&printed, image)),
                Some((KeeperReply::NotMapped(said), _)) => return Err(not_mapped(&said)),
                None => return Err(lost("its keeper ended")),
            }
        }
    }
    Err(lost("nothing of kode's came up in it"))
}

/// Only the container's processes and this user's own may be the supervisor.
fn is_ours(supervisor: &UnixStream, user: User) -> Result<(), SandboxError> {
    let peer = rustix::net::sockopt::socket_peercred(supervisor).map_err(io::Error::from)?;
    let peer = peer.uid.as_raw();
    if peer == user.user || peer == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(SandboxError::unavailable(
        format!("Docker runs user {} of the container as user {peer} of this machine", user.user),
        "with rootless Docker pass --sandbox-user 0:0; with `userns-remap` use the native sandbox",
    ))
}

fn ready(supervisor: &UnixStream) -> Result<SelfTest, SandboxError> {
    match wire::receive::<Reply>(supervisor)? {
        Some((Reply::Ready(test), _)) => Ok(test),
        Some((Reply::SetupFailed { step, error, .. }, _)) if step == UNWRITABLE => {
            Err(SandboxError::unavailable(
                format!("the container's user can't write the project: {error}"),
                "pass --sandbox-user with the project's owner, or --sandbox-readonly; with \
                 rootless Docker --sandbox-user 0:0",
            ))
        }
        Some((Reply::SetupFailed { step, error, .. }, _)) => Err(lost(&format!("{step}: {error}"))),
        _ => Err(lost("its supervisor ended")),
    }
}

fn not_mapped(cause: &str) -> SandboxError {
    SandboxError::unavailable(
        format!("the project is root's, and can't be shown to an ordinary user: {cause}"),
        "give the project to an ordinary user (`chown -R`), or have commands be root in the \
         container with --sandbox-user 0:0",
    )
}

fn lost(cause: &str) -> SandboxError {
    SandboxError::unavailable(
        format!("the container is not what was asked for: {cause}"),
        "the daemon must run on this machine and see its files (not in another container, virtual \
         machine or user's namespace); or leave --sandbox out: kode's native sandbox needs no \
         Docker",
    )
}
