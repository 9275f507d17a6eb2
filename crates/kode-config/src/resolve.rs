//! All layers into one [`Settings`]. Managed first, then the user's file,
//! environment and flags, then the project's; no layer loosens the one above.

use std::path::Path;

use kode_base::escape::escape_line;
use kode_base::{Layer, Secret};
use kode_gate::{Policy, UnscannedPolicy};

use crate::environment::{self, Environment};
use crate::file::{AcceptedWall, ConfigFile, ContainerNetwork, Provider};
use crate::flags::Flags;
use crate::hosts::Hosts;
use crate::policy::{layer_policy, strictest};
use crate::project::{self, ProjectFile};
use crate::settings::{ContainerReach, DEFAULT_MAX_GATE_ROUNDS, DEFAULT_MAX_ITERATIONS, Keys};
use crate::trust::{self, TrustState};
use crate::unscanned::unscanned_policy;
use crate::values::{ApiKey, BaseUrl, ExactCommand, GateRounds, Iterations, ModelName};
use crate::{ConfigError, ProviderKind, Settings, Sources};
use crate::{home, parse, prepare_home, read};

/// Root owns the managed policy.
const ROOT: u32 = 0;

/// Reads every layer. Creates `$KODE_HOME` when it is missing.
///
/// # Errors
/// The first thing that is wrong: an unreadable or unsafe file, a syntax error,
/// an unknown key, a bad value.
pub fn load(sources: &Sources) -> Result<Settings, ConfigError> {
    load_with_owner(sources, ROOT)
}

pub(crate) fn load_with_owner(sources: &Sources, owner: u32) -> Result<Settings, ConfigError> {
    let environment = environment::read(&sources.environment)?;
    let managed = match read::managed(&sources.managed, owner)? {
        Some(bytes) => parse::parse(&sources.managed, &bytes)?,
        None => ConfigFile::default(),
    };
    prepare_home(&sources.kode_home)?;
    let user_path = sources.kode_home.join("config.json");
    let user = match home::user_config(&user_path)? {
        Some(bytes) => parse::parse(&user_path, &bytes)?,
        None => ConfigFile::default(),
    };
    let flags = Flags::check(&sources.flags)?;
    let project = Project::read(sources)?;
    Layers { managed, user, environment, flags, project }.resolve(sources)
}

/// The project's file after trust was looked up.
struct Project {
    file: ConfigFile,
    present: bool,
    trusted: bool,
    notices: Vec<String>,
}

impl Project {
    fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let Some(read) = project::read(&sources.project_root)? else {
            return Ok(Self {
                file: ConfigFile::default(),
                present: false,
                trusted: false,
                notices: Vec::new(),
            });
        };
        let file = parse::parse(&read.path, &read.bytes)?;
        let state = trust::state(&sources.kode_home, &read)?;
        if state == TrustState::Trusted {
            return Ok(Self { file, present: true, trusted: true, notices: Vec::new() });
        }
        let (file, ignored) = project::restrict(file);
        let notices = untrusted_notices(&read, state, &ignored);
        Ok(Self { file, present: true, trusted: false, notices })
    }
}

fn untrusted_notices(read: &ProjectFile, state: TrustState, ignored: &[String]) -> Vec<String> {
    let path = escape_line(&read.path.to_string_lossy());
    let changed = (state == TrustState::Changed)
        .then(|| format!("{path} has changed since it was trusted, which ended the trust"));
    let ignored = ignored.iter().map(|key| {
        format!(
            "{path}: `{}` is ignored because the file is not trusted; read it, then run \
             `kode trust`",
            escape_line(key)
        )
    });
    changed.into_iter().chain(ignored).collect()
}

struct Layers {
    managed: ConfigFile,
    user: ConfigFile,
    environment: Environment,
    flags: Flags,
    project: Project,
}

impl Layers {
    fn resolve(mut self, sources: &Sources) -> Result<Settings, ConfigError> {
        let mut notices = std::mem::take(&mut self.environment.notices);
        notices.append(&mut self.project.notices);
        let no_sandbox = self.no_sandbox(sources, &mut notices)?;
        let accepted_wall = self.accepted_wall(&mut notices);
        let container_network = self.container_network(&mut notices);
        let limits = self.limits(&mut notices);
        let model = self.model(&mut notices);
        let provider = self.provider(&mut notices);
        let base_url = self.base_url(&mut notices);
        let keys = self.keys(sources, &mut notices);
        let network = self.network(&mut notices);
        let unscanned = unscanned_policy(
            &mut self.managed,
            &mut self.user,
            std::mem::take(&mut self.flags.accept_unscanned),
            &mut self.project.file,
            &mut notices,
        );
        let mut settings = Settings {
            checks: self.checks(),
            project_trusted: self.project.trusted,
            policy: self.policy(unscanned),
            model,
            provider,
            base_url,
            api_key: None,
            max_iterations: limits.iterations,
            max_gate_rounds: limits.gate_rounds,
            no_sandbox,
            accepted_wall,
            container_network,
            network_allow: network.allow,
            listed_hosts: network.listed,
            notices,
            keys,
        };
        let key = settings.api_key_for(provider.unwrap_or(ProviderKind::OpenAi));
        settings.api_key = key.map(|key| Secret::new(key.reveal().to_owned()));
        Ok(settings)
    }

    fn no_sandbox(
        &self,
        sources: &Sources,
        notices: &mut Vec<String>,
    ) -> Result<bool, ConfigError> {
        if self.managed.no_sandbox == Some(true) {
            notices.push(only_user(&sources.managed, "no_sandbox"));
        }
        if self.project.file.no_sandbox.is_some() {
            notices.push(only_user(Path::new(project::FILE_NAME), "no_sandbox"));
        }
        let asked = self.flags.no_sandbox || self.user.no_sandbox == Some(true);
        if asked && self.managed.no_sandbox == Some(false) {
            let message = "managed policy forbids the bare host (`no_sandbox` is false); leave \
                           out --no-sandbox and `no_sandbox`";
            return Err(ConfigError::whole(&sources.managed, message));
        }
        Ok(asked)
    }

    /// The user's choice, unless managed policy asks for a stronger wall.
    fn accepted_wall(&self, notices: &mut Vec<String>) -> Option<AcceptedWall> {
        let accept = |file: &ConfigFile| file.sandbox.as_ref().and_then(|sandbox| sandbox.accept);
        if accept(&self.project.file).is_some() {
            notices.push(only_user(Path::new(project::FILE_NAME), "sandbox.accept"));
        }
        match (accept(&self.managed), accept(&self.user)) {
            (Some(managed), Some(user)) => Some(managed.min(user)),
            // Policy alone can only tighten what holds without it.
            (Some(managed), None) => Some(managed.min(AcceptedWall::Bubblewrap)),
            (None, user) => user,
        }
    }

    /// The user's choice, which managed policy can take away.
    fn container_network(&self, notices: &mut Vec<String>) -> ContainerReach {
        const KEY: &str = "sandbox.docker.network";
        let network = |file: &ConfigFile| {
            let docker = file.sandbox.as_ref().and_then(|sandbox| sandbox.docker.as_ref());
            docker.and_then(|docker| docker.network)
        };
        if network(&self.project.file).is_some() {
            notices.push(only_user(Path::new(project::FILE_NAME), KEY));
        }
        match (network(&self.managed), network(&self.user)) {
            (Some(ContainerNetwork::None), _) => ContainerReach::Forbidden,
            (_, Some(ContainerNetwork::Bridge)) => ContainerReach::Bridge,
            (_, Some(ContainerNetwork::None) | None) => ContainerReach::Nothing,
        }
    }

    fn limits(&self, notices: &mut Vec<String>) -> Limits {
        let user = (
            self.flags.max_iterations.or(self.environment.max_iterations),
            self.flags.max_gate_rounds.or(self.environment.max_gate_rounds),
        );
        let iterations = |file: &ConfigFile| file.max_iterations.map(Iterations::count);
        let rounds = |file: &ConfigFile| file.max_gate_rounds.map(GateRounds::count);
        let mut limit = |key, managed, user, project, default| {
            let trusted = self.project.trusted;
            let (value, cut) = lowest(managed, user, project, trusted, default);
            if cut {
                notices.push(format!("`{key}` is {value}: a lower layer can't raise it"));
            }
            value
        };
        Limits {
            iterations: limit(
                "max_iterations",
                iterations(&self.managed),
                user.0.or(iterations(&self.user)),
                iterations(&self.project.file),
                DEFAULT_MAX_ITERATIONS,
            ),
            gate_rounds: limit(
                "max_gate_rounds",
                rounds(&self.managed),
                user.1.or(rounds(&self.user)),
                rounds(&self.project.file),
                DEFAULT_MAX_GATE_ROUNDS,
            ),
        }
    }

    fn model(&mut self, notices: &mut Vec<String>) -> Option<String> {
        let name = |file: &mut ConfigFile| file.model.take().map(ModelName::into_string);
        let flag = self.flags.model.take();
        let user = flag.or(self.environment.model.take()).or(name(&mut self.user));
        pinned("model", name(&mut self.managed), user, name(&mut self.project.file), notices)
    }

    fn provider(&self, notices: &mut Vec<String>) -> Option<ProviderKind> {
        let kind = |provider: Option<Provider>| provider.map(ProviderKind::from);
        let user =
            self.flags.provider.or(kind(self.environment.provider)).or(kind(self.user.provider));
        let managed = kind(self.managed.provider);
        pinned("provider", managed, user, kind(self.project.file.provider), notices)
    }

    fn base_url(&mut self, notices: &mut Vec<String>) -> Option<String> {
        let url = |file: &mut ConfigFile| file.base_url.take().map(BaseUrl::into_string);
        let flag = self.flags.base_url.take();
        let user = flag.or(self.environment.base_url.take()).or(url(&mut self.user));
        pinned("base_url", url(&mut self.managed), user, url(&mut self.project.file), notices)
    }

    fn keys(&mut self, sources: &Sources, notices: &mut Vec<String>) -> Keys {
        if self.managed.api_key.is_some() {
            notices.push(only_user(&sources.managed, "api_key"));
        }
        if self.project.file.api_key.is_some() {
            notices.push(only_user(Path::new(project::FILE_NAME), "api_key"));
        }
        let mut keys = std::mem::take(&mut self.environment.keys);
        keys.file = self.user.api_key.take().map(ApiKey::into_secret);
        keys
    }

    fn network(&mut self, notices: &mut Vec<String>) -> Hosts {
        let list = |file: &mut ConfigFile| {
            let network = file.sandbox.take().and_then(|sandbox| sandbox.network);
            network.and_then(|network| network.allow)
        };
        let managed = list(&mut self.managed);
        let user = list(&mut self.user).unwrap_or_default();
        let project = list(&mut self.project.file).unwrap_or_default();
        Hosts::join(managed, user, project, notices)
    }

    fn checks(&mut self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for file in [&mut self.managed, &mut self.user, &mut self.project.file] {
            for check in file.checks.take().into_iter().flatten() {
                let check = ExactCommand::into_string(check);
                if !all.contains(&check) {
                    all.push(check);
                }
            }
        }
        all
    }

    fn policy(self, unscanned: UnscannedPolicy) -> Policy {
        let Self { managed, user, environment, project, flags: _ } = self;
        let answer = |file: &ConfigFile| {
            file.dangerous.as_ref().and_then(|dangerous| dangerous.non_interactive)
        };
        let non_interactive = strictest([
            answer(&managed),
            answer(&user),
            environment.non_interactive,
            answer(&project.file),
        ]);
        let project_trusted = project.trusted && project.present;
        let layers = [
            (Layer::Managed, true, managed),
            (Layer::User, true, user),
            (Layer::Project, project_trusted, project.file),
        ];
        let layers = layers.into_iter().filter_map(|(layer, trusted, file)| {
            file.dangerous.map(|dangerous| layer_policy(layer, trusted, dangerous))
        });
        Policy { layers: layers.collect(), non_interactive, unscanned }
    }
}

impl From<Provider> for ProviderKind {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::OpenAi => Self::OpenAi,
            Provider::Anthropic => Self::Anthropic,
            Provider::Scripted => Self::Scripted,
        }
    }
}

struct Limits {
    iterations: u32,
    gate_rounds: u32,
}

/// A limit that only sinks from layer to layer, and whether a layer asked for
/// more than it got. A trusted project may raise what nobody set; an untrusted
/// one not even that.
fn lowest(
    managed: Option<u32>,
    user: Option<u32>,
    project: Option<u32>,
    trusted: bool,
    default: u32,
) -> (u32, bool) {
    let explicit = managed.into_iter().chain(user).min();
    let ceiling = explicit.or((!trusted).then_some(default));
    let value = ceiling.into_iter().chain(project).min().unwrap_or(default);
    let above = |asked: Option<u32>, limit: Option<u32>| {
        asked.zip(limit).is_some_and(|(asked, limit)| asked > limit)
    };
    (value, above(user, managed) || above(project, ceiling))
}

/// What managed policy says stands; else the user's word; else the project's.
fn pinned<T: PartialEq>(
    key: &str,
    managed: Option<T>,
    user: Option<T>,
    project: Option<T>,
    notices: &mut Vec<String>,
) -> Option<T> {
    let below = user.or(project);
    if managed.is_some() && below.is_some() && below != managed {
        notices.push(format!("`{key}` is fixed by managed policy; your value is ignored"));
    }
    managed.or(below)
}

/// The same of a key that managed policy may hold too.
pub(crate) fn only_above_project(path: &Path, key: &str) -> String {
    format!(
        "{}: `{key}` is ignored here; it is read from managed policy and your own config.json only",
        escape_line(&path.to_string_lossy())
    )
}

fn only_user(path: &Path, key: &str) -> String {
    format!(
        "{}: `{key}` is ignored here; it is read from your own config.json only",
        escape_line(&path.to_string_lossy())
    )
}

#[cfg(test)]
mod tests;
