//! The whole lab in one value, and as text: by channel and goal, what stopped
//! each attack, and what everyday work cost in prompts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kode_gate::Ablation;
use serde::Serialize;

use crate::LabSettings;
use crate::ablation::AblationRow;
use crate::attack::{AttackResult, ModelChoice, in_parallel, run_attack};
use crate::benign::TaskResult;
use crate::documents::{DocumentResult, run_document};
use crate::error::LabError;
use crate::scenario::ScenarioSet;

/// What the lab found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LabReport {
    /// Nothing got through, nothing harmless was bothered, every task ended.
    pub passed: bool,
    /// Planted attacks.
    pub attacks: Vec<AttackResult>,
    /// Harmless documents.
    pub documents: Vec<DocumentResult>,
    /// Everyday tasks.
    pub tasks: Vec<TaskResult>,
    /// Controls turned off, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<AblationRow>,
}

/// Plays a set; `progress` is told after each attack.
///
/// # Errors
/// When the lab itself fails.
pub fn run(
    set: &ScenarioSet,
    settings: &LabSettings,
    model: Option<ModelChoice<'_>>,
    progress: &(dyn Fn(&AttackResult) + Sync),
) -> Result<LabReport, LabError> {
    let none = Ablation::default();
    let attacks = in_parallel(&set.attacks, |scenario| {
        let result = match run_attack(scenario, settings, &none, model) {
            Err(LabError::Prepare(why)) => Ok(AttackResult::not_played(scenario, why)),
            result => result,
        };
        if let Ok(result) = &result {
            progress(result);
        }
        result
    });
    let documents = set.documents.iter().map(|document| run_document(document, settings));
    let mut report = LabReport {
        attacks: attacks.into_iter().collect::<Result<_, _>>()?,
        documents: documents.collect::<Result<_, _>>()?,
        ..LabReport::default()
    };
    report.judge();
    Ok(report)
}

impl LabReport {
    /// Sets [`Self::passed`] from everything in it.
    pub fn judge(&mut self) {
        self.passed = self.attacks.iter().all(|attack| attack.passed)
            && self.documents.iter().all(|document| document.passed)
            && self.tasks.iter().all(|task| task.completed || task.skipped.is_some());
    }

    /// The report for a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write_matrix(&mut text);
        self.write_attacks(&mut text);
        self.write_documents(&mut text);
        self.write_tasks(&mut text);
        self.write_ablation(&mut text);
        text
    }

    fn write_matrix(&self, text: &mut String) {
        if self.attacks.is_empty() {
            return;
        }
        let goals: BTreeMap<&str, ()> =
            self.attacks.iter().map(|attack| (attack.goal.as_str(), ())).collect();
        let mut rows: BTreeMap<&str, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
        for attack in &self.attacks {
            let cell = rows.entry(&attack.channel).or_default().entry(&attack.goal).or_default();
            cell.0 += usize::from(attack.approver_no.succeeded || attack.approver_yes.succeeded);
            cell.1 += 1;
        }
        let _ = write!(text, "{:<18}", "got through / tried");
        for goal in goals.keys() {
            let _ = write!(text, " {goal:>14}");
        }
        text.push('\n');
        for (channel, cells) in rows {
            let _ = write!(text, "{channel:<19}");
            for goal in goals.keys() {
                let cell = cells.get(goal).map(|(through, tried)| format!("{through}/{tried}"));
                let _ = write!(text, " {:>14}", cell.unwrap_or_else(|| "·".to_owned()));
            }
            text.push('\n');
        }
    }

    fn write_attacks(&self, text: &mut String) {
        let tried = self.attacks.len();
        let count = |says_yes: bool| {
            let through = self.attacks.iter().filter(|attack| {
                if says_yes { attack.approver_yes.succeeded } else { attack.approver_no.succeeded }
            });
            through.count()
        };
        let (no, yes) = (count(false), count(true));
        let _ = writeln!(
            text,
            "\nattack success rate: {no}/{tried} with every prompt answered no, {yes}/{tried} with \
             every prompt answered yes"
        );
        self.write_controls(text);
        for attack in self.attacks.iter().filter(|attack| !attack.passed) {
            if let Some(why) = &attack.not_played {
                let _ = writeln!(text, "NOT PLAYED  {} ({}): {why}", attack.id, attack.channel);
                continue;
            }
            let _ =
                writeln!(text, "GOT THROUGH  {} ({}, {})", attack.id, attack.channel, attack.goal);
            for (name, run) in [("no", &attack.approver_no), ("yes", &attack.approver_yes)] {
                if run.succeeded {
                    let _ = writeln!(text, "  answered {name}: {:?}", run.effects);
                    let _ = writeln!(text, "  decided by: {}", run.stopped_by.join(", "));
                }
            }
            if attack.must_flag && !attack.scanner_flagged {
                let _ = writeln!(text, "  the content scanner did not report the payload");
            }
        }
    }

    /// How many attacks each control answered.
    fn write_controls(&self, text: &mut String) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for attack in &self.attacks {
            for control in &attack.approver_yes.stopped_by {
                *counts.entry(control).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        if !counts.is_empty() {
            text.push_str("what answered, with every prompt answered yes:\n");
        }
        for (name, count) in counts {
            let _ = writeln!(text, "{count:>5}  {name}");
        }
    }

    fn write_documents(&self, text: &mut String) {
        if self.documents.is_empty() {
            return;
        }
        let passed = self.documents.iter().filter(|document| document.passed).count();
        let _ =
            writeln!(text, "\nharmless documents left alone: {passed}/{}", self.documents.len());
        for document in self.documents.iter().filter(|document| !document.passed) {
            let mut why = Vec::new();
            if document.warned {
                why.push("warned".to_owned());
            }
            if !document.unchanged {
                why.push("text changed".to_owned());
            }
            why.extend(document.bothered.iter().map(|call| format!("not allowed: {call}")));
            let _ = writeln!(text, "BOTHERED  {}: {}", document.id, why.join(", "));
        }
    }

    fn write_tasks(&self, text: &mut String) {
        if self.tasks.is_empty() {
            return;
        }
        let tried: Vec<&TaskResult> =
            self.tasks.iter().filter(|task| task.skipped.is_none()).collect();
        let done = tried.iter().filter(|task| task.completed).count();
        let mut prompts: Vec<usize> = tried.iter().map(|task| task.prompts.len()).collect();
        prompts.sort_unstable();
        let median = prompts.get(prompts.len() / 2).copied().unwrap_or(0);
        let _ = writeln!(
            text,
            "\neveryday tasks completed: {done}/{}, prompts needed: median {median}",
            tried.len()
        );
        let mut asked: Vec<&TaskResult> =
            self.tasks.iter().filter(|task| !task.prompts.is_empty()).collect();
        asked.sort_by_key(|task| (std::cmp::Reverse(task.prompts.len()), task.name.clone()));
        for task in asked {
            let _ = writeln!(
                text,
                "{:>5}  {} ({})",
                task.prompts.len(),
                task.name,
                task.prompts.join(", ")
            );
        }
        for task in &self.tasks {
            if let Some(program) = &task.skipped {
                let _ = writeln!(text, "skipped   {}: {program} is not there", task.name);
            }
        }
        for task in tried.iter().filter(|task| !task.completed) {
            let why = task.why.as_deref().unwrap_or("unknown");
            let _ = writeln!(text, "NOT DONE  {}: {why}", task.name);
        }
    }

    fn write_ablation(&self, text: &mut String) {
        if self.ablation.is_empty() {
            return;
        }
        text.push_str("\none control off at a time: attacks that then get through\n");
        let _ = writeln!(text, "{:<36} {:>12} {:>12}", "off", "answered no", "answered yes");
        for row in &self.ablation {
            let name = if row.off.is_empty() { "nothing".to_owned() } else { row.off.join(" + ") };
            let _ = writeln!(
                text,
                "{name:<36} {:>12} {:>12}",
                format!("{}/{}", row.succeeded_no.len(), row.attacks),
                format!("{}/{}", row.succeeded_yes.len(), row.attacks)
            );
        }
    }
}
