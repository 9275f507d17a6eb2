//! Which controls are off. Only the poisoned prompt lab turns one off, in a
//! throw-away workspace of its own, to show what each control holds. There is
//! no flag, key or variable for it: `clippy.toml` bans the constructor
//! everywhere else.

use std::str::FromStr;

use kode_base::RiskClass;

use crate::assessment::{Assessment, QuestionKind};

/// A control against injected instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Control {
    /// Integrity and confidentiality of the context decide capabilities.
    Labels,
    /// The agent can't write its own guard, nor start `kode`.
    SelfGuard,
    /// Places whose content runs later always ask; changed ones are held.
    SensitivePlaces,
    /// Demarcation and neutralising. A signal, not a fence.
    Wrapping,
    /// Hidden content is made visible and reported. A signal, not a fence.
    HiddenContent,
    /// Known secrets and the canary are cut from what comes in and stopped
    /// from going out.
    Secrets,
    /// An approval is for what was shown, once. Off, it answers for whatever
    /// else falls in the class.
    ApprovalBinding,
    /// Commands are held by the sandbox. Off, the lab starts the bare host.
    Sandbox,
    /// Class actions, lists, rules and refusals. Off, whatever only they would
    /// stop is allowed.
    Gate,
}

impl Control {
    /// Every control.
    pub const ALL: [Self; 9] = [
        Self::Labels,
        Self::SelfGuard,
        Self::SensitivePlaces,
        Self::Wrapping,
        Self::HiddenContent,
        Self::Secrets,
        Self::ApprovalBinding,
        Self::Sandbox,
        Self::Gate,
    ];

    /// The name `--ablate` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::SelfGuard => "self_guard",
            Self::SensitivePlaces => "sensitive_places",
            Self::Wrapping => "wrapping",
            Self::HiddenContent => "hidden_content",
            Self::Secrets => "secrets",
            Self::ApprovalBinding => "approval_binding",
            Self::Sandbox => "sandbox",
            Self::Gate => "gate",
        }
    }

    /// Whether it only makes an attack less likely to be believed.
    pub const fn is_signal(self) -> bool {
        matches!(self, Self::Wrapping | Self::HiddenContent)
    }
}

/// No control has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such control; they are labels, self_guard, sensitive_places, wrapping, \
     hidden_content, secrets, sandbox, gate"
)]
pub struct UnknownControl;

impl FromStr for Control {
    type Err = UnknownControl;

    fn from_str(text: &str) -> Result<Self, UnknownControl> {
        Self::ALL.into_iter().find(|control| control.as_str() == text).ok_or(UnknownControl)
    }
}

/// The controls that are off; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ablation {
    off: Vec<Control>,
}

impl Ablation {
    /// Turns controls off for a workspace that the lab made and throws away.
    pub fn in_lab(off: &[Control]) -> Self {
        Self { off: off.to_vec() }
    }

    /// Whether `control` does its work.
    pub fn keeps(&self, control: Control) -> bool {
        !self.off.contains(&control)
    }
}

/// Takes away what the controls that are off would have said.
pub(crate) fn without_ablated(assessment: &mut Assessment, ablation: &Ablation) {
    if ablation.off.is_empty() {
        return;
    }
    let guards_itself = |name: &str| matches!(name, "kode_files" | "kode_itself");
    let keeps = |name: &str| {
        ablation.keeps(if guards_itself(name) { Control::SelfGuard } else { Control::Gate })
    };
    assessment.refusal.take_if(|refusal| !keeps(refusal.name));
    assessment.denial.take_if(|_| !ablation.keeps(Control::Labels));
    assessment.reads_secret &= ablation.keeps(Control::Secrets);
    assessment.questions.retain(|question| ablation.keeps(question.kind.control()));
    if !ablation.keeps(Control::Gate) {
        for unit in &mut assessment.units {
            (unit.class, unit.effects) = (RiskClass::Safe, Default::default());
        }
    }
}

impl QuestionKind {
    const fn control(self) -> Control {
        match self {
            Self::Guard => Control::Gate,
            Self::SensitivePlace => Control::SensitivePlaces,
            Self::Secret => Control::Secrets,
            Self::Provenance => Control::Labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_is_on_by_default() {
        assert!(Control::ALL.into_iter().all(|control| Ablation::default().keeps(control)));
    }

    #[test]
    fn names_read_back() {
        for control in Control::ALL {
            assert_eq!(control.as_str().parse(), Ok(control));
        }
        assert!("everything".parse::<Control>().is_err());
    }
}
