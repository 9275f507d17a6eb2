//! `kode lab`: the poisoned prompt lab, as text or JSON; exit code 3 when
//! anything got through.

use std::sync::atomic::{AtomicUsize, Ordering};

use kode_base::ExitStatus;
use kode_base::escape::escape_block;
use kode_config::FlagOverrides;
use kode_gate::{Control, Policy};
use kode_lab::{AttackResult, LabError, LabReport, LabSettings, ScenarioSet};
use kode_model::Provider;
use kode_sandbox::HelperImage;

use crate::cli::LabArguments;
use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::{connect_settings, settings_without_project};

/// Plays what the arguments name.
pub(crate) fn run(arguments: &LabArguments) -> Result<ExitStatus, Failure> {
    let set = chosen(arguments)?;
    let lab = LabSettings {
        policy: policy(arguments)?,
        helper: HelperImage::default(),
        without_sandbox: false,
    };
    if arguments.inside {
        let rows = kode_lab::ablate(&set.attacks, &lab, &rows_without_sandbox()).map_err(wrong)?;
        let text = serde_json::to_string(&rows);
        say!("{}", text.map_err(|error| Failure::error(error.to_string()))?);
        return Ok(ExitStatus::Success);
    }
    let tasks = tasks(arguments)?;
    if set.attacks.is_empty() && set.documents.is_empty() && tasks.is_empty() {
        let only = arguments.only.as_deref().unwrap_or_default();
        let message = format!("no scenario and no task has {} in its name", escape_block(only));
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    let report = play(arguments, &set, &tasks, &lab)?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&report);
        say!("{}", text.map_err(|error| Failure::error(error.to_string()))?);
    } else {
        say_part!("{}", escape_block(&report.text()));
    }
    Ok(if report.passed { ExitStatus::Success } else { ExitStatus::GateRed })
}

fn chosen(arguments: &LabArguments) -> Result<ScenarioSet, Failure> {
    let mut set = match &arguments.scenarios {
        Some(folder) => kode_lab::load_scenarios(folder).map_err(wrong)?,
        None => kode_lab::builtin_scenarios().map_err(wrong)?,
    };
    if let Some(text) = &arguments.only {
        set.attacks.retain(|attack| {
            [&attack.id, &attack.channel, &attack.goal].iter().any(|field| field.contains(text))
        });
        set.documents.retain(|document| document.id.contains(text));
    }
    Ok(set)
}

fn policy(arguments: &LabArguments) -> Result<Policy, Failure> {
    if !arguments.my_policy {
        return Ok(Policy::default());
    }
    let places = Places::from_environment()?;
    Ok(settings_without_project(&places, FlagOverrides::default())?.policy)
}

fn play(
    arguments: &LabArguments,
    set: &ScenarioSet,
    tasks: &[kode_lab::Task],
    lab: &LabSettings,
) -> Result<LabReport, Failure> {
    let (done, total) = (AtomicUsize::new(0), set.attacks.len());
    let progress = |result: &AttackResult| {
        let number = done.fetch_add(1, Ordering::SeqCst) + 1;
        if !arguments.json {
            let mark = match (&result.not_played, result.passed) {
                (Some(_), _) => "COULD NOT BE PLAYED",
                (None, true) => "stopped",
                (None, false) => "GOT THROUGH",
            };
            tell!("[{number}/{total}] {} {mark}", escape_block(&result.id));
        }
    };
    let connect =
        || connect_live(arguments).map_err(|error| LabError::Prepare(error.into_parts().0));
    let live = arguments.model.is_some();
    let model = live.then_some(&connect as kode_lab::ModelChoice<'_>);
    let mut report = kode_lab::run(set, lab, model, &progress).map_err(wrong)?;
    report.tasks = kode_lab::run_tasks(tasks, lab).map_err(wrong)?;
    if arguments.ablate && !set.attacks.is_empty() {
        tell!("the same {total} attacks with one control off at a time");
        report.ablation = kode_lab::ablate(&set.attacks, lab, &rows()).map_err(wrong)?;
        // Still there when the file was replaced meanwhile.
        let program = std::path::Path::new("/proc/self/exe");
        let picked = kode_lab::Picked {
            only: arguments.only.as_deref(),
            scenarios: arguments.scenarios.as_deref(),
        };
        let more = kode_lab::ablate_without_sandbox(program, lab, picked).map_err(wrong)?;
        report.ablation.extend(more);
    }
    report.judge();
    Ok(report)
}

/// Everyday tasks belong to the built-in set and the model that is scripted.
fn tasks(arguments: &LabArguments) -> Result<Vec<kode_lab::Task>, Failure> {
    if arguments.scenarios.is_some() || arguments.model.is_some() {
        return Ok(Vec::new());
    }
    let mut tasks = kode_lab::builtin_tasks().map_err(wrong)?;
    if let Some(text) = &arguments.only {
        tasks.retain(|task| task.name.contains(text));
    }
    Ok(tasks)
}

/// Nothing off, each control alone, and the pairs that back each other up.
fn rows() -> Vec<Vec<Control>> {
    let alone = Control::ALL.iter().filter(|control| **control != Control::Sandbox);
    let pairs = [[Control::Gate, Control::Labels], [Control::SensitivePlaces, Control::SelfGuard]];
    std::iter::once(Vec::new())
        .chain(alone.map(|control| vec![*control]))
        .chain(pairs.iter().map(|pair| pair.to_vec()))
        .collect()
}

/// What the sandbox holds alone, and together with what stands before it.
fn rows_without_sandbox() -> Vec<Vec<Control>> {
    vec![
        vec![Control::Sandbox],
        vec![Control::Sandbox, Control::Gate],
        vec![Control::Sandbox, Control::SelfGuard],
        vec![Control::Sandbox, Control::Labels],
    ]
}

fn connect_live(arguments: &LabArguments) -> Result<Box<dyn Provider>, Failure> {
    let places = Places::from_environment()?;
    let model = arguments.model.clone().filter(|name| !name.is_empty());
    let flags = FlagOverrides { model, ..FlagOverrides::default() };
    connect_settings(&settings_without_project(&places, flags)?)
}

fn wrong(error: LabError) -> Failure {
    match error {
        LabError::Format { .. } | LabError::Empty(_) => {
            Failure::new(ExitStatus::Usage, error.to_string())
        }
        LabError::Sandbox(error) => Failure::from(error),
        other => Failure::error(other.to_string()),
    }
}
