//! `kode run` and `kode continue`: one task, headless-friendly.

use std::io::Read;

use kode_agent::{Observer, RunEnd, RunReport};
use kode_base::escape::escape_block;
use kode_base::{ExitStatus, Interrupt, Untrusted, escape_for_terminal};
use kode_config::{FlagOverrides, ProviderKind, Settings};
use kode_gate::{Approver, GateMemory};
use kode_model::Provider;
use kode_sandbox::ProjectRoot;
use kode_terminal::{Appearance, TtyPrompt};

use crate::cli::{self, RunArguments};
use crate::container::KeptContainer;
use crate::failure::Failure;
use crate::files::read_text;
use crate::places::Places;
use crate::render::{Human, Json};
use crate::wiring::{
    Prepared, RunRequest, Start, connect_scripted, connect_settings, run_agent, settings,
};

/// A context file larger than this is refused.
const CONTEXT_BYTES_MAX: u64 = 1024 * 1024;
/// A script larger than this is refused.
const SCRIPT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Files and input that come with a task, by name.
type HandedOver = Vec<(String, Untrusted<String>)>;

/// Does one task, in a fresh session or a saved one.
pub(crate) fn run(arguments: RunArguments, start: Start) -> Result<ExitStatus, Failure> {
    let (task, data) = task_and_data(&arguments)?;
    let places = Places::from_environment()?;
    let (root, settings, provider) = prepare(&arguments, &places)?;
    let request = RunRequest {
        start,
        task,
        data,
        role: arguments.system.clone(),
        read_agents_md: !arguments.no_agents,
        may_change: arguments.may_change.clone(),
    };
    let interrupt = Interrupt::new();
    crate::signals::connect(&interrupt)?;
    let approver = approver(&interrupt);
    let memory = GateMemory::default();
    let prepared = Prepared {
        places,
        root,
        settings,
        provider,
        interrupt,
        approver,
        memory,
        container: arguments.container.clone(),
        context: arguments.context.clone(),
        kept: KeptContainer::default(),
    };
    if prepared.settings.no_sandbox {
        warn("the sandbox is off: commands run on the bare host with your rights");
    }
    let mut observer: Box<dyn Observer> =
        if arguments.json { Box::new(Json::default()) } else { Box::new(Human::new()) };
    let report = run_agent(prepared, request, observer.as_mut())?;
    conclude(&report, arguments.json);
    Ok(report.end.status())
}

/// Finds the project, reads its settings and connects to the model: everything
/// that could be missing.
pub(super) fn prepare(
    arguments: &RunArguments,
    places: &Places,
) -> Result<(ProjectRoot, Settings, Box<dyn Provider>), Failure> {
    let root = places.project_root()?;
    let mut settings = settings(places, root.path(), overrides(arguments))?;
    let provider = provider(arguments, &mut settings)?;
    Ok((root, settings, provider))
}

/// Asks on the live terminal, if there is one.
fn approver(interrupt: &Interrupt) -> Box<dyn Approver> {
    let variable = |name: &str| std::env::var(name).ok();
    let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
    let appearance = Appearance::from_environment(no_color.as_deref(), term.as_deref());
    Box::new(TtyPrompt::new(appearance, interrupt.clone()))
}

/// The final message on standard output, how it ended on standard error.
pub(crate) fn conclude(report: &RunReport, json: bool) {
    let summary = escape_for_terminal(&report.summary);
    if !json && !summary.trim().is_empty() {
        say!("{}", summary.trim_end());
    }
    match &report.end {
        RunEnd::Completed(_) if report.refusals > 0 => {
            warn(&format!("done; {} action(s) were refused or denied on the way", report.refusals));
        }
        RunEnd::Completed(_) => {}
        RunEnd::Denied { why } => warn(&format!("not done, something needed was denied: {why}")),
        RunEnd::GateRed => warn("not done: the completion gate is red; see above"),
        RunEnd::IterationLimit => {
            warn("not done: the iteration limit was reached; raise it with --max-iter");
        }
        RunEnd::Provider(error) => warn(&format!("the model provider failed: {error}")),
        RunEnd::Interrupted => warn("interrupted; what was changed so far is in `kode review`"),
        RunEnd::Failed(why) => warn(&format!("error: {why}")),
    }
}

fn warn(text: &str) {
    tell!("kode: {}", escape_block(text));
}

fn overrides(arguments: &RunArguments) -> FlagOverrides {
    FlagOverrides {
        model: arguments.model.clone(),
        provider: arguments.provider.map(|provider| match provider {
            cli::Provider::Anthropic => ProviderKind::Anthropic,
            cli::Provider::Openai => ProviderKind::OpenAi,
        }),
        base_url: arguments.base_url.clone(),
        max_iterations: arguments.max_iter,
        max_gate_rounds: arguments.max_gate_rounds,
        no_sandbox: arguments.no_sandbox,
        accept_unscanned: arguments.accept_unscanned.clone(),
    }
}

/// The user's task and the data that comes with it. A task read from standard
/// input is data: it is not the user's own typing.
fn task_and_data(arguments: &RunArguments) -> Result<(String, HandedOver), Failure> {
    let mut data = Vec::new();
    let places = kode_sandbox::context_places(&arguments.context);
    for (path, place) in arguments.context.iter().zip(places) {
        let name = match arguments.container.wanted {
            true => format!("file {}, for commands {place}", path.display()),
            false => format!("file {}", path.display()),
        };
        data.push((name, Untrusted::from(read_text(path, CONTEXT_BYTES_MAX)?)));
    }
    if arguments.task != "-" {
        if arguments.task.trim().is_empty() {
            return Err(Failure::new(ExitStatus::Usage, "the task is empty"));
        }
        return Ok((arguments.task.clone(), data));
    }
    let mut text = String::new();
    std::io::stdin()
        .take(CONTEXT_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(ExitStatus::Usage, format!("standard input: {error}")))?;
    if text.trim().is_empty() {
        return Err(Failure::new(ExitStatus::Usage, "standard input holds no task"));
    }
    data.push(("standard input".to_owned(), Untrusted::from(text)));
    Ok(("Do the task that was handed over on standard input.".to_owned(), data))
}

fn provider(
    arguments: &RunArguments,
    settings: &mut Settings,
) -> Result<Box<dyn Provider>, Failure> {
    match &arguments.script {
        Some(path) => connect_scripted(read_text(path, SCRIPT_BYTES_MAX)?),
        None => connect_settings(settings),
    }
}
