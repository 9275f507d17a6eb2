//! Answers an assessment with the policy: refusals, class actions, rules,
//! lists and questions, layer by layer. Pure; no layer loosens a higher one.

use kode_base::escape::escape_line;
use kode_base::{Layer, Reason, RiskClass, Verdict};

use crate::approval::TrustScope;
use crate::assessment::{Assessment, KnownWord, Question, Refusal, Unit};
use crate::judge::Judgement;
use crate::policy::{LayerPolicy, Policy, default_action};
use crate::rules::{may_match, surely_matches};
use crate::spellings::others;

/// One answer with who gave it.
#[derive(Debug, Clone)]
struct Answered {
    verdict: Verdict,
    reason: Reason,
    /// Whether a rule (not the class) asks; class trust does not reach it.
    by_rule: bool,
}

/// Judges `assessment` under `policy`. `lapsed` tells that allowlists no
/// longer hold in this session.
pub(crate) fn resolve(assessment: &Assessment, policy: &Policy, lapsed: bool) -> Judgement {
    if let Some(refusal) = &assessment.refusal {
        return built_in(assessment, refusal, Verdict::Refuse, "refusal");
    }
    if let Some(denial) = &assessment.denial {
        return built_in(assessment, denial, Verdict::Deny, "denial");
    }
    let answers: Vec<Answered> =
        (0..assessment.units.len()).map(|index| unit_answer(assessment, policy, index)).collect();
    let worst = strictest(assessment, &answers);
    let listed = list_answer(assessment, policy, lapsed);
    let answered = match listed {
        Some(listed) if listed.verdict == Verdict::Allow => listed,
        Some(listed) if listed.verdict >= worst.verdict => listed,
        _ => worst,
    };
    conclude(assessment, policy, &answers, answered)
}

fn built_in(
    assessment: &Assessment,
    refusal: &Refusal,
    verdict: Verdict,
    family: &str,
) -> Judgement {
    Judgement {
        verdict,
        reason: Reason {
            class: refusal.class,
            rule: format!("{family}.{}", refusal.name),
            layer: Layer::BuiltIn,
            text: refusal.text.clone(),
        },
        class_question: false,
        trust: None,
        context: assessment.explanation.clone(),
        focus: focus(assessment),
        opens: Vec::new(),
        unnamed: assessment.unnamed.clone(),
        reads_secret: assessment.reads_secret,
    }
}

/// Turns the policy's answer into a judgement, with the questions that only a
/// person can answer on top.
fn conclude(
    assessment: &Assessment,
    policy: &Policy,
    answers: &[Answered],
    answered: Answered,
) -> Judgement {
    let question: Option<&Question> = assessment.questions.iter().max_by_key(|each| each.kind);
    let mut judgement = Judgement {
        verdict: answered.verdict,
        reason: answered.reason,
        class_question: question.is_none(),
        trust: None,
        context: assessment.explanation.clone(),
        focus: focus(assessment),
        opens: assessment.opens.clone(),
        unnamed: assessment.unnamed.clone(),
        reads_secret: assessment.reads_secret,
    };
    match question {
        Some(question) if judgement.verdict <= Verdict::Prompt => {
            judgement.verdict = Verdict::Prompt;
            judgement.reason = Reason {
                class: assessment.class(),
                rule: format!("question.{}", question.kind.as_str()),
                layer: Layer::BuiltIn,
                text: question.text.clone(),
            };
        }
        _ if judgement.verdict == Verdict::Prompt => {
            judgement.trust = trust_scope(assessment, policy, answers);
        }
        _ => {}
    }
    judgement
}

/// The words of the gravest unit, the first of equals.
fn focus(assessment: &Assessment) -> Vec<String> {
    let gravest = assessment.units.iter().rev().max_by_key(|unit| unit.class);
    gravest.map_or_else(Vec::new, |unit| unit.argv.iter().map(KnownWord::shown).collect())
}

/// The one scope that would cover every prompt of this action; none when they
/// differ, a rule asks, or the class is too grave to trust.
fn trust_scope(
    assessment: &Assessment,
    policy: &Policy,
    answers: &[Answered],
) -> Option<TrustScope> {
    // A scope speaks for one class: `ssh -o ProxyCommand=x HOST` does more than
    // talk to its host.
    let asks = |unit: &Unit| {
        let asked = |class: &RiskClass| class_action(policy, *class).0 > Verdict::Allow;
        unit.effects.iter().filter(asked).count()
    };
    let mut offered: Option<&TrustScope> = None;
    for (unit, answer) in assessment.units.iter().zip(answers) {
        if answer.verdict != Verdict::Prompt {
            continue;
        }
        let scope = unit.trust.as_ref()?;
        let differs = offered.is_some_and(|other| other != scope);
        if differs || answer.by_rule || asks(unit) > 1 || unit.class >= RiskClass::Destructive {
            return None;
        }
        offered = Some(scope);
    }
    offered.cloned()
}

fn strictest(assessment: &Assessment, answers: &[Answered]) -> Answered {
    let worst =
        answers.iter().max_by(|a, b| (a.verdict, a.reason.class).cmp(&(b.verdict, b.reason.class)));
    worst.cloned().unwrap_or_else(|| Answered {
        verdict: Verdict::Allow,
        reason: Reason {
            class: assessment.class(),
            rule: "class.safe".to_owned(),
            layer: Layer::BuiltIn,
            text: "nothing happens".to_owned(),
        },
        by_rule: false,
    })
}

/// The class action of `class`, and the layer that set it.
fn class_action(policy: &Policy, class: RiskClass) -> (Verdict, Layer) {
    let mut action = default_action(class);
    let mut layer = Layer::BuiltIn;
    let mut explicit = false;
    for each in &policy.layers {
        // A class can't be configured to `refuse`; it counts as `deny`.
        let Some(said) = each.classes.get(&class).map(|said| (*said).min(Verdict::Deny)) else {
            continue;
        };
        let may_replace = !explicit && !each.tightens_only();
        if may_replace || said > action {
            action = said;
            layer = each.layer;
        }
        explicit |= !each.tightens_only();
    }
    (action, layer)
}

/// The highest layer that names `class` explicitly, with its action.
fn explicit_layer(policy: &Policy, class: RiskClass) -> Option<&LayerPolicy> {
    policy.layers.iter().find(|each| each.classes.contains_key(&class))
}

fn unit_answer(assessment: &Assessment, policy: &Policy, index: usize) -> Answered {
    let unit = &assessment.units[index];
    let by_class = class_answer(policy, unit);
    match strict_rule(policy, unit) {
        Some(asked) if asked.verdict >= by_class.verdict => asked,
        Some(_) => by_class,
        None => allow_rule(assessment, policy, index).unwrap_or(by_class),
    }
}

/// What the policy says of the unit's classes: the strictest answer, of equals
/// that of the worst class.
fn class_answer(policy: &Policy, unit: &Unit) -> Answered {
    let worst = (class_action(policy, unit.class), unit.class);
    let each = unit.effects.iter().map(|class| (class_action(policy, class), class));
    let ((verdict, layer), class) = each
        .fold(worst, |strictest, other| if other.0.0 > strictest.0.0 { other } else { strictest });
    let text = if class == unit.class {
        unit.why.clone()
    } else {
        format!("it is {class} as well: {}", unit.why)
    };
    let reason = Reason { class, rule: format!("class.{class}"), layer, text };
    Answered { verdict, reason, by_rule: false }
}

/// The strictest matching `prompt` or `deny` rule.
fn strict_rule(policy: &Policy, unit: &Unit) -> Option<Answered> {
    let mut found: Option<Answered> = None;
    for layer in &policy.layers {
        for rule in layer.rules.iter().filter(|rule| rule.action > Verdict::Allow) {
            let verdict = rule.action.min(Verdict::Deny);
            let stricter = found.as_ref().is_none_or(|other| other.verdict < verdict);
            if stricter && means(rule, unit) {
                found = Some(Answered {
                    verdict,
                    reason: rule_reason(rule, layer.layer, unit.class),
                    by_rule: true,
                });
            }
        }
    }
    found
}

/// Whether a strict rule means the unit, in any of its spellings.
fn means(rule: &crate::Rule, unit: &Unit) -> bool {
    // A rule that names no flag means the command with any flags in between.
    let bare = !rule.command.iter().any(|word| word.starts_with('-'));
    let spelled = |argv: &[KnownWord]| {
        may_match(rule, argv) || others(argv).iter().any(|other| may_match(rule, other))
    };
    std::iter::once(&unit.argv)
        .chain(&unit.also)
        .any(|argv| spelled(argv) || bare && spelled(&without_flags(argv)))
}

fn without_flags(argv: &[KnownWord]) -> Vec<KnownWord> {
    let flag = |word: &&KnownWord| matches!(word, KnownWord::Exact(text) if text.starts_with('-'));
    argv.iter().filter(|word| !flag(word)).cloned().collect()
}

/// A matching `allow` rule of a layer that no higher explicit class action
/// overrules; a rule for a wrapper covers what it starts.
fn allow_rule(assessment: &Assessment, policy: &Policy, index: usize) -> Option<Answered> {
    let unit = &assessment.units[index];
    let overruled = |layer: Layer| {
        let asked =
            unit.effects.iter().filter(|class| class_action(policy, *class).0 > Verdict::Allow);
        asked.chain([unit.class]).any(|class| {
            explicit_layer(policy, class).is_some_and(|explicit| explicit.layer < layer)
        })
    };
    let chain = ancestors(assessment, index);
    for layer in policy.layers.iter().filter(|each| !each.tightens_only()) {
        for rule in layer.rules.iter().filter(|rule| rule.action == Verdict::Allow) {
            let matches = chain.iter().any(|at| surely_matches(rule, &assessment.units[*at].argv));
            if matches && !overruled(layer.layer) {
                return Some(Answered {
                    verdict: Verdict::Allow,
                    reason: rule_reason(rule, layer.layer, unit.class),
                    by_rule: true,
                });
            }
        }
    }
    None
}

/// `index` and the units that start it, bounded by the number of units.
fn ancestors(assessment: &Assessment, index: usize) -> Vec<usize> {
    let mut chain = vec![index];
    let mut at = index;
    while let Some(parent) = assessment.units[at].parent {
        if parent >= at {
            break;
        }
        chain.push(parent);
        at = parent;
    }
    chain
}

fn rule_reason(rule: &crate::Rule, layer: Layer, class: RiskClass) -> Reason {
    Reason {
        class,
        rule: format!("rule.{}", escape_line(&rule.name)),
        layer,
        text: escape_line(&rule.reason),
    }
}

/// What the lists say: a deny, an allow that no higher layer forbids, or
/// nothing.
fn list_answer(assessment: &Assessment, policy: &Policy, lapsed: bool) -> Option<Answered> {
    let command = assessment.command.as_ref()?;
    let mut denied: Option<Answered> = None;
    for layer in &policy.layers {
        let usable = !lapsed && assessment.at_root && !layer.tightens_only();
        let allows = usable && layer.allowlist.contains(command);
        if allows && denied.is_none() && !higher_forbids(assessment, policy, layer.layer) {
            return Some(listed(assessment, Verdict::Allow, layer.layer, "allowlist"));
        }
        let hit = |entry: &String| entry == command || assessment.parts.contains(entry);
        if denied.is_none() && layer.denylist.iter().any(hit) {
            denied = Some(listed(assessment, Verdict::Deny, layer.layer, "denylist"));
        }
    }
    denied
}

/// Whether a layer above `below` says explicitly that this is not simply
/// allowed: by class action or by rule.
fn higher_forbids(assessment: &Assessment, policy: &Policy, below: Layer) -> bool {
    let higher = || policy.layers.iter().filter(move |each| each.layer < below);
    assessment.units.iter().any(|unit| {
        let by_class = higher().any(|each| {
            let forbids =
                |class| each.classes.get(&class).is_some_and(|said| *said > Verdict::Allow);
            unit.effects.iter().chain([unit.class]).any(forbids)
        });
        let by_rule = higher().any(|each| {
            each.rules.iter().any(|rule| rule.action > Verdict::Allow && means(rule, unit))
        });
        by_class || by_rule
    })
}

fn listed(assessment: &Assessment, verdict: Verdict, layer: Layer, name: &str) -> Answered {
    Answered {
        verdict,
        reason: Reason {
            class: assessment.class(),
            rule: name.to_owned(),
            layer,
            text: format!("this exact command is on the {layer} {name}"),
        },
        by_rule: false,
    }
}

#[cfg(test)]
mod tests;
