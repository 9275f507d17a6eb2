//! Which image a container is made of: the one that was named, else one built
//! from the project's trusted `Dockerfile.kode`, else `alpine:latest`. A build
//! gets no files and, unless the user says so, no network: not in its steps, not
//! for what it is made from.

use std::io::Write;
use std::process::Stdio;

use sha2::{Digest, Sha256};

use super::DEFAULT_IMAGE;
use super::engine::{Engine, complaint};
use crate::{DockerSettings, SandboxError};

/// What built images are called; the hash of the file follows.
const BUILT: &str = "kode-dockerfile";

/// The image, built where it must be.
pub(super) fn choose(engine: &Engine, chosen: &DockerSettings) -> Result<String, SandboxError> {
    match (&chosen.image, &chosen.dockerfile) {
        (Some(image), _) => Ok(image.clone()),
        (None, Some(dockerfile)) => built(engine, dockerfile, chosen.build_network),
        (None, None) => Ok(DEFAULT_IMAGE.to_owned()),
    }
}

fn built(engine: &Engine, dockerfile: &str, network: bool) -> Result<String, SandboxError> {
    let hash = Sha256::digest(dockerfile.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let image = format!("{BUILT}:{hash}");
    if engine.ask(&["image", "inspect", "--format", "{{.Id}}", &image]).is_ok() {
        return Ok(image);
    }
    if !network {
        refuse_what_fetches(engine, dockerfile)?;
    }
    build(engine, dockerfile, &image, network)?;
    Ok(image)
}

/// `docker build -` reads the file alone: there is no folder to copy from.
fn build(
    engine: &Engine,
    dockerfile: &str,
    image: &str,
    network: bool,
) -> Result<(), SandboxError> {
    let reach = if network { "default" } else { "none" };
    let mut command = engine.command(&["build", "--network", reach, "--tag", image, "-"]);
    if !network {
        // The newer builder fetches parts of itself.
        command.env("DOCKER_BUILDKIT", "0");
    }
    let (printed, writer) = std::io::pipe()?;
    command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The writing ends are the child's alone, or the reading would not end.
    drop(command);
    let text = dockerfile.to_owned();
    let input = child.stdin.take();
    let feeder = std::thread::spawn(move || {
        // A build that fails early does not read on.
        input.map(|mut input| input.write_all(text.as_bytes()))
    });
    let tail = tail(printed)?;
    let status = child.wait()?;
    let _ = feeder.join();
    if status.success() {
        return Ok(());
    }
    Err(match complaint(&tail, image) {
        SandboxError::Unavailable { cause, .. } => SandboxError::unavailable(
            format!("Dockerfile.kode can't be built: {cause}"),
            "it is built without files and, unless you pass --sandbox-build-network, without \
             network; or name an image with --sandbox-image",
        ),
        error => error,
    })
}

/// The end of what is printed, however much it is.
fn tail(mut printed: impl std::io::Read) -> std::io::Result<String> {
    const BYTES_MAX: usize = 2000;
    let (mut kept, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let count = printed.read(&mut block)?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend_from_slice(&block[..count]);
        let excess = kept.len().saturating_sub(BYTES_MAX);
        kept.drain(..excess);
    }
}

/// Docker itself fetches missing images and `ADD`'s addresses, whatever network
/// the build's steps have.
fn refuse_what_fetches(engine: &Engine, dockerfile: &str) -> Result<(), SandboxError> {
    let needs = needs(dockerfile).map_err(|line| {
        SandboxError::unavailable(
            format!("Dockerfile.kode would fetch something: {line}"),
            "leave that out, or pass --sandbox-build-network",
        )
    })?;
    for image in needs {
        let asked = engine.ask(&["image", "inspect", "--format", "{{.Id}}", &image]);
        asked.map_err(|error| match error {
            SandboxError::Unavailable { cause, .. } => SandboxError::unavailable(
                format!("Dockerfile.kode needs the image {image}: {cause}"),
                format!("fetch it with `docker pull {image}`, or pass --sandbox-build-network"),
            ),
            error => error,
        })?;
    }
    Ok(())
}

/// Images that a build is made from; the line that names something else to
/// fetch, or can't be understood.
fn needs(dockerfile: &str) -> Result<Vec<String>, String> {
    let (mut images, mut stages): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in dockerfile.lines().map(str::trim) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some(first) = words.first() else { continue };
        let refused = || Err(line.chars().take(200).collect());
        // Another escape character, or another builder, reads another file.
        let lower = line.to_ascii_lowercase().replace(char::is_whitespace, "");
        if lower.starts_with("#escape=") || lower.starts_with("#syntax=") {
            return refused();
        }
        // A line that goes on may hide the word that counts on the next one.
        let continues = line.ends_with('\\');
        match first.to_ascii_uppercase().as_str() {
            "FROM" => {
                let mut rest = words[1..].iter().filter(|word| !word.starts_with("--"));
                let Some(image) = rest.next().filter(|_| !continues) else { return refused() };
                if image.contains('$') || image.starts_with('-') {
                    return refused();
                }
                if *image != "scratch" && !stages.contains(&image.to_ascii_lowercase()) {
                    images.push((*image).to_owned());
                }
                if rest.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
                    stages.extend(rest.next().map(|name| name.to_ascii_lowercase()));
                }
            }
            "ADD" | "ONBUILD" => return refused(),
            "COPY" if continues => return refused(),
            "COPY" => {
                let from = words.iter().find_map(|word| word.strip_prefix("--from="));
                let Some(from) = from else { continue };
                let is_stage = stages.contains(&from.to_ascii_lowercase());
                if !is_stage && !from.bytes().all(|byte| byte.is_ascii_digit()) {
                    return refused();
                }
            }
            _ => {}
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn the_images_of_all_stages_are_needed_and_stages_are_not() {
        let file = "# a comment\nFROM --platform=linux/amd64 debian:12 AS Base\nRUN apt-get \\\n  \
                    update\nfrom base\nFROM scratch\nCOPY --from=base /a /b\nCOPY --from=0 /a /b\n\
                    FROM alpine\n";
        assert_eq!(needs(file).unwrap(), ["debian:12", "alpine"]);
    }

    #[test]
    fn what_docker_would_fetch_by_itself_is_refused() {
        for line in [
            "ADD https://example.org/x /x",
            "add git@example.org:a/b /x",
            "FROM $BASE",
            "FROM \\\n  debian",
            "COPY --from=nginx /etc /x",
            "COPY \\\n --from=nginx /etc /x",
            "# syntax=docker/dockerfile:1",
            "#escape=`",
            "ONBUILD ADD x y",
            "FROM",
        ] {
            assert!(needs(line).is_err(), "{line}");
        }
    }
}
