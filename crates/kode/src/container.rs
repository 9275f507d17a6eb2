//! The project's `Dockerfile.kode`, for a container without a named image; and
//! the one container that all tasks of an interactive session share.

use std::sync::{Arc, Mutex, PoisonError};

use kode_config::Dockerfile;
use kode_sandbox::{Backend, ProjectRoot, Sandbox, SandboxError, SandboxSettings};

use crate::failure::Failure;
use crate::places::Places;

/// Takes it where a person trusted it; else says that it has no effect.
pub(crate) fn take_dockerfile(
    places: &Places,
    root: &ProjectRoot,
    settings: &mut SandboxSettings,
) -> Result<Option<String>, Failure> {
    if settings.backend != Backend::Docker || settings.docker.image.is_some() {
        return Ok(None);
    }
    let Some(dockerfile) = Dockerfile::read(root.path())? else { return Ok(None) };
    settings.docker.dockerfile = dockerfile.trusted(&places.kode_home)?;
    let ignored = settings.docker.dockerfile.is_none();
    Ok(ignored.then(|| dockerfile.ignored()))
}

/// A session's container, from its first task to its end. Native sandboxes cost
/// nothing to start and are not kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptContainer(Arc<Mutex<Option<Arc<Sandbox>>>>);

impl KeptContainer {
    /// The container of the task before, where it still is what a new one would
    /// be; else a new sandbox.
    pub(crate) fn start(
        &self,
        root: &ProjectRoot,
        settings: SandboxSettings,
    ) -> Result<Arc<Sandbox>, SandboxError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sandbox) = kept.take().filter(|sandbox| sandbox.serves_on(root, &settings)) {
            *kept = Some(Arc::clone(&sandbox));
            return Ok(sandbox);
        }
        let is_container = settings.backend == Backend::Docker;
        let sandbox = Arc::new(Sandbox::start(root, settings)?);
        *kept = is_container.then(|| Arc::clone(&sandbox));
        Ok(sandbox)
    }

    /// Ends the container, once no task uses it.
    pub(crate) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
