//! The project's `Dockerfile.kode`, for a container without a named image.

use kode_config::Dockerfile;
use kode_sandbox::{Backend, ProjectRoot, SandboxSettings};

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
