//! The same decisions for a container: what of the project is mounted where,
//! what stays read-only, which variables commands see. How Docker is told is
//! not its business.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{
    Access, Bind, Limits, Step, cannot_look, canonical_bind, environment, git_settings, limits,
    network, repository,
};
use crate::container_plan::{MappedMounts, Place};
use crate::guard::Guard;
use crate::{DockerNetwork, ProjectRoot, SandboxError, SandboxSettings};

/// Where the project is, inside.
pub(crate) const WORKSPACE: &str = "/workspace";
/// The private home folder, inside.
pub(crate) const HOME: &str = "/home/kode";
/// Where kode's own private folder of the container is, inside.
pub(crate) const FOLDER: &str = "/kode";

/// Private folders in memory, beside the home: one where nothing can be
/// executed, and the one that programs are told to use.
const TEMPORARY: &[&str] = &["/tmp", TEMPORARY_WITH_PROGRAMS];

/// Where temporary programs can be executed: tests of documentation, scripts in
/// `mktemp` folders and native parts of libraries are.
pub(crate) const TEMPORARY_WITH_PROGRAMS: &str = "/var/tmp";

/// What else programs write to; Docker makes these.
const WRITABLE: &[&str] = &["/dev"];

/// A part of the host's file system, mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerMount {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) read_only: bool,
}

/// What commands of one container find.
#[derive(Debug)]
pub(crate) struct ContainerView {
    /// Parents first.
    pub(crate) mounts: Vec<ContainerMount>,
    /// Folders in memory beside the home.
    pub(crate) temporary: &'static [&'static str],
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) writable: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) places: Vec<Place>,
    /// What is mounted of the project, in the order of the mounts.
    binds: Vec<Bind>,
}

impl ContainerView {
    /// Decides about one container.
    ///
    /// # Errors
    /// When the project can't be looked at.
    pub(crate) fn new(
        root: &ProjectRoot,
        settings: &SandboxSettings,
    ) -> Result<Self, SandboxError> {
        let access = if settings.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let project = canonical_bind(root.path(), root.text(), access, None)
            .ok_or_else(|| cannot_look(root.path(), &std::io::Error::last_os_error()))?;
        let found = Guard::new(root, &settings.host.kode_home, false)?.in_project();
        let protections = repository::protections(
            root,
            settings.read_only,
            None,
            (&found.fixed, &found.read_only),
        )?;
        let (mut mounts, mut places, mut binds) = (Vec::new(), Vec::new(), Vec::new());
        for step in std::iter::once(project).chain(protections) {
            let Step::Bind(bind) = step else { continue };
            let target = inside(root, &bind.target);
            let read_only = bind.access == Access::ReadOnly;
            places.push(Place {
                path: target.clone(),
                device_and_inode: bind.device_and_inode,
                writable: !read_only,
            });
            mounts.push(ContainerMount { source: bind.source.clone(), target, read_only });
            binds.push(bind);
        }
        let mut writable: Vec<String> =
            [HOME].iter().chain(TEMPORARY).chain(WRITABLE).map(|&path| path.to_owned()).collect();
        if !settings.read_only {
            writable.push(WORKSPACE.to_owned());
        }
        let mut environment = environment::in_container(settings, HOME);
        if settings.docker.network == DockerNetwork::Bridge {
            // Java does not know TMPDIR, and has native parts of its libraries
            // executed from where it thinks temporary files are. Where it is told
            // nothing else it is not told this: it says a line about it each time.
            let java = format!("-Djava.io.tmpdir={TEMPORARY_WITH_PROGRAMS}");
            environment.push((network::JAVA_VARIABLE.to_owned(), java));
            network::set_variables(&mut environment);
        }
        let git = git_settings::of(Path::new(&settings.host.home), Some(root));
        Ok(Self {
            mounts,
            temporary: TEMPORARY,
            environment,
            files: git.without_programs().files(HOME),
            writable,
            limits: limits(settings),
            places,
            binds,
        })
    }

    /// Has Docker mount the project from id-mapped mounts in `folder`, where it
    /// belongs to `user`. Call it before anything else is mounted. Whoever starts
    /// the container makes what is returned.
    pub(crate) fn map(
        &mut self,
        root: &ProjectRoot,
        folder: &Path,
        (owner, user): ((u32, u32), (u32, u32)),
    ) -> MappedMounts {
        let folder = folder.to_string_lossy().into_owned();
        let mut mapped: Vec<Bind> = Vec::new();
        for (mount, bind) in self.mounts.iter_mut().zip(&self.binds) {
            // The project is the first; a worktree's repository is outside of it.
            let below = mapped.first().and_then(|_| bind.source.strip_prefix(root.text()));
            if let Some(below) = below.filter(|below| below.starts_with('/')) {
                mount.source = format!("{folder}/0{below}");
                continue;
            }
            mount.source = format!("{folder}/{}", mapped.len());
            mapped.push(Bind {
                target: mount.source.clone(),
                // What can't be written Docker mounts so.
                access: Access::ReadWrite,
                owner: Some(owner),
                in_project: true,
                ..bind.clone()
            });
        }
        MappedMounts { folder, binds: mapped, user }
    }

    /// Lays the host's file `mask` over one of the project's.
    ///
    /// # Errors
    /// When the mask can't be looked at.
    pub(crate) fn cover(
        &mut self,
        root: &ProjectRoot,
        path: &str,
        mask: &Path,
    ) -> std::io::Result<()> {
        let found = std::fs::symlink_metadata(mask)?;
        let target = inside(root, path);
        self.places.push(Place {
            path: target.clone(),
            device_and_inode: (found.dev(), found.ino()),
            writable: false,
        });
        let source = mask.to_string_lossy().into_owned();
        self.mounts.push(ContainerMount { source, target, read_only: true });
        Ok(())
    }

    /// Folders in memory.
    pub(crate) fn in_memory(&self) -> Vec<String> {
        let folders = self.temporary.iter().chain([&HOME, &"/dev/shm"]);
        folders.map(|&path| path.to_owned()).collect()
    }
}

/// A path of the project as it is called inside; any other stays itself.
pub(crate) fn inside(root: &ProjectRoot, path: &str) -> String {
    match path.strip_prefix(root.text()) {
        Some("") => WORKSPACE.to_owned(),
        Some(below) if below.starts_with('/') => format!("{WORKSPACE}{below}"),
        _ => path.to_owned(),
    }
}
