//! `--sandbox` and what goes with it: commands in a Docker container.

use clap::{Args, ValueEnum};
use kode_base::ExitStatus;
use kode_config::ContainerReach;
use kode_sandbox::{Backend, DockerNetwork, DockerSettings, SandboxSettings};

use crate::failure::Failure;

/// The container of a run or an interactive session.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContainerArguments {
    /// Run commands in a Docker container instead of kode's native sandbox
    #[arg(long = "sandbox", id = "container", conflicts_with = "no_sandbox")]
    pub(crate) wanted: bool,
    #[command(flatten)]
    pub(crate) options: ContainerOptions,
}

/// What the container is like.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ContainerOptions {
    /// Image of the container [default: alpine:latest, or a trusted Dockerfile.kode]
    #[arg(long = "sandbox-image", id = "sandbox_image", value_name = "IMAGE")]
    #[arg(requires = "container", value_parser = image)]
    image: Option<String>,
    /// Let the build of Dockerfile.kode use Docker's network
    #[arg(long = "sandbox-build-network", id = "sandbox_build_network", requires = "container")]
    build_network: bool,
    /// What the container can reach: nothing, or open hosts over kode's proxy [default: as configured, or none]
    #[arg(long = "sandbox-network", id = "sandbox_network", value_name = "NETWORK")]
    #[arg(requires = "container", value_enum)]
    network: Option<ContainerNetwork>,
    /// The project can't be written in the container
    #[arg(long = "sandbox-readonly", id = "sandbox_readonly", requires = "container")]
    read_only: bool,
    /// Memory of all processes in the container, such as 512m or 4g
    #[arg(long = "sandbox-memory", id = "sandbox_memory", value_name = "SIZE")]
    #[arg(requires = "container", value_parser = bytes)]
    memory_bytes: Option<u64>,
    /// Processors that the container may use, such as 1.5
    #[arg(long = "sandbox-cpus", id = "sandbox_cpus", value_name = "N")]
    #[arg(requires = "container", value_parser = thousandths)]
    cpu_thousandths: Option<u64>,
    /// Numeric user, and group, in the container [default: the project's owner]
    #[arg(long = "sandbox-user", id = "sandbox_user", value_name = "UID[:GID]")]
    #[arg(requires = "container", value_parser = user)]
    user: Option<(u32, u32)>,
}

/// What a container can reach. Docker's other networks lead around the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ContainerNetwork {
    /// Nothing
    None,
    /// Open hosts, over kode's proxy alone
    Bridge,
}

impl ContainerArguments {
    /// Chooses the container, if it is wanted.
    ///
    /// # Errors
    /// As [`ContainerOptions::choose`].
    pub(crate) fn choose(
        &self,
        configured: ContainerReach,
        settings: &mut SandboxSettings,
    ) -> Result<(), Failure> {
        if self.wanted { self.options.choose(configured, settings) } else { Ok(()) }
    }
}

impl ContainerOptions {
    /// Chooses the container; what `configured` says of its network holds where
    /// no flag does.
    ///
    /// # Errors
    /// When the flag opens what managed policy keeps closed.
    pub(crate) fn choose(
        &self,
        configured: ContainerReach,
        settings: &mut SandboxSettings,
    ) -> Result<(), Failure> {
        let network = self.reached(configured)?;
        settings.backend = Backend::Docker;
        settings.read_only |= self.read_only;
        settings.memory_bytes_max = self.memory_bytes.or(settings.memory_bytes_max);
        settings.docker = DockerSettings {
            image: self.image.clone(),
            build_network: self.build_network,
            network,
            cpu_thousandths: self.cpu_thousandths,
            user: self.user,
            ..settings.docker.clone()
        };
        Ok(())
    }

    fn reached(&self, configured: ContainerReach) -> Result<DockerNetwork, Failure> {
        match (self.network, configured) {
            (Some(ContainerNetwork::Bridge), ContainerReach::Forbidden) => {
                let message = "managed policy lets containers reach nothing \
                               (`sandbox.docker.network` is \"none\"); leave out --sandbox-network";
                Err(Failure::new(ExitStatus::Usage, message))
            }
            (Some(ContainerNetwork::Bridge), _) | (None, ContainerReach::Bridge) => {
                Ok(DockerNetwork::Bridge)
            }
            (Some(ContainerNetwork::None), _) | (None, _) => Ok(DockerNetwork::None),
        }
    }
}

/// An image's name: never something that Docker would take for an option.
fn image(text: &str) -> Result<String, String> {
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let known = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '/' | ':' | '@')
    };
    let is_name = begins && text.len() <= 512 && text.chars().all(known);
    is_name.then(|| text.to_owned()).ok_or_else(|| "not the name of an image".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    /// Docker refuses less.
    const BYTES_MIN: u64 = 6 * 1024 * 1024;
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches('b');
    let (number, unit) = match number.chars().last() {
        Some('k') => (number.trim_end_matches('k'), 1 << 10),
        Some('m') => (number.trim_end_matches('m'), 1 << 20),
        Some('g') => (number.trim_end_matches('g'), 1 << 30),
        _ => (number, 1),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.ok_or("a number with k, m or g behind it, such as 512m or 4g")?;
    if bytes < BYTES_MIN {
        return Err("a container needs 6 MiB at least".to_owned());
    }
    Ok(bytes)
}

fn thousandths(text: &str) -> Result<u64, String> {
    const MAX: u64 = 4096 * 1000;
    let wrong = || "a number of processors, such as 2 or 1.5".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > 4 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    let all = whole * 1000 + part;
    if (1..=MAX).contains(&all) { Ok(all) } else { Err(wrong()) }
}

/// Numbers only: what a name means is the image's business, and whose files the
/// project's are is not.
fn user(text: &str) -> Result<(u32, u32), String> {
    let wrong = |_| "numbers, such as 1000 or 1000:1000".to_owned();
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    Ok((user.parse().map_err(wrong)?, group.parse().map_err(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_parts_of_processors_are_read_exactly() {
        assert_eq!(bytes("512m"), Ok(512 << 20));
        assert_eq!(bytes("2GB"), Ok(2 << 30));
        assert_eq!(bytes("1073741824"), Ok(1 << 30));
        for wrong in ["", "m", "-1g", "1.5g", "1k", "99999999999999999999g"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(thousandths("2"), Ok(2000));
        assert_eq!(thousandths("1.5"), Ok(1500));
        assert_eq!(thousandths("0.05"), Ok(50));
        for wrong in ["", "0", ".5", "1.", "-1", "1e3", "0.0001", "99999"] {
            assert!(thousandths(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_says_what_a_container_reaches_then_the_users_file_and_policy_closes_it() {
        let reached = |flag, configured| {
            let options = ContainerOptions { network: flag, ..ContainerOptions::default() };
            options.reached(configured).ok()
        };
        let (none, bridge) = (Some(ContainerNetwork::None), Some(ContainerNetwork::Bridge));
        for (flag, configured, network) in [
            (None, ContainerReach::Nothing, Some(DockerNetwork::None)),
            (None, ContainerReach::Bridge, Some(DockerNetwork::Bridge)),
            (none, ContainerReach::Bridge, Some(DockerNetwork::None)),
            (bridge, ContainerReach::Nothing, Some(DockerNetwork::Bridge)),
            (bridge, ContainerReach::Forbidden, None),
            (None, ContainerReach::Forbidden, Some(DockerNetwork::None)),
        ] {
            assert_eq!(reached(flag, configured), network, "{flag:?} {configured:?}");
        }
    }

    #[test]
    fn an_image_is_never_an_option_and_a_user_never_a_name() {
        assert!(image("ghcr.io/a/b:1.2@sha256:00").is_ok());
        for wrong in ["", "--privileged", "a b", "a\nb", "$(x)"] {
            assert!(image(wrong).is_err(), "{wrong}");
        }
        assert_eq!(user("1000"), Ok((1000, 1000)));
        assert_eq!(user("0:5"), Ok((0, 5)));
        for wrong in ["", "root", "1:", "1:x", "-1"] {
            assert!(user(wrong).is_err(), "{wrong}");
        }
    }
}
