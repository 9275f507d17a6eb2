//! For `kode doctor`: whether `--sandbox` would work. Starts nothing.

use super::DEFAULT_IMAGE;
use super::engine::Engine;
use crate::{Layer, LayerState, ProjectRoot, SandboxError, SandboxSettings};

/// One line on Docker. Without it nothing is wrong: the native sandbox needs
/// none.
pub fn diagnose_docker(root: &ProjectRoot, settings: &SandboxSettings) -> Layer {
    let name = "container (--sandbox)";
    match look(root, settings) {
        Ok(detail) => Layer { name, state: LayerState::Holds, detail, remedy: None },
        Err(error) => {
            let (detail, remedy) = match error {
                SandboxError::Unavailable { cause, remedy } => (cause, Some(remedy)),
                error => (error.to_string(), None),
            };
            Layer { name, state: LayerState::Weaker, detail, remedy }
        }
    }
}

fn look(root: &ProjectRoot, settings: &SandboxSettings) -> Result<String, SandboxError> {
    let engine = Engine::find(&settings.host, root)?;
    let version = engine.ask(&["version", "--format", "{{.Server.Version}}"])?;
    let image = settings.docker.image.as_deref().unwrap_or(DEFAULT_IMAGE);
    let there = engine.ask(&["image", "inspect", "--format", "{{.Id}}", image]).is_ok();
    let image = match there {
        true => format!("the image {image} is here"),
        false => format!("`docker pull {image}`, or --sandbox-image, gives it an image"),
    };
    // What the server prints is shown on one line, escaped by the caller.
    Ok(format!("Docker {version} answers; {image}"))
}
