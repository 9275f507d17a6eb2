//! What a person said no to. Trust given for something else does not grant it:
//! the same effect, by the same words, host, path or file, is asked about again.

use std::collections::VecDeque;

use crate::approval::TrustScope;
use crate::judge::Judgement;

/// Effects that are remembered; the oldest goes first.
const REMEMBERED_MAX: usize = 512;

/// Effects a person denied and has not approved since.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeniedEffects(VecDeque<String>);

impl DeniedEffects {
    /// A person said no to this.
    pub(crate) fn add(&mut self, effects: Vec<String>) {
        for effect in effects {
            if !self.0.contains(&effect) {
                self.0.push_back(effect);
            }
        }
        while self.0.len() > REMEMBERED_MAX {
            self.0.pop_front();
        }
    }

    /// A person said yes to this after all.
    pub(crate) fn lift(&mut self, effects: &[String]) {
        self.0.retain(|each| !effects.contains(each));
    }

    /// Whether any of `effects` was denied.
    pub(crate) fn hold(&self, effects: &[String]) -> bool {
        effects.iter().any(|effect| self.0.contains(effect))
    }
}

/// What identifies the effects of an action: its exact words, the gravest
/// command in it, what that does and to which hosts and places.
pub(crate) fn effects(digest: &str, judgement: &Judgement) -> Vec<String> {
    let mut found = vec![
        format!("action {digest}"),
        format!("{} {}", judgement.reason.class, judgement.reason.text),
    ];
    if !judgement.focus.is_empty() {
        found.push(format!("command {}", judgement.focus.join(" ")));
    }
    found.extend(judgement.opens.iter().map(|host| format!("host {host}")));
    found.extend(judgement.unnamed.iter().cloned());
    match &judgement.trust {
        Some(TrustScope::Host(host)) => found.push(format!("host {host}")),
        Some(TrustScope::Folder(folder)) => found.push(format!("path {folder}")),
        Some(TrustScope::Class(_) | TrustScope::UnscannedKinds(_)) | None => {}
    }
    found
}
