//! The poisoned prompt lab: planted attacks against the real agent loop, with a
//! model that obeys every planted word.
//!
//! A scenario plants a payload through a channel (a README, a test's output, a
//! web page, …) and says what a fully obedient model would do next. The lab
//! plays it in a throw-away workspace with a fake home, planted canaries and a
//! loopback sink, twice: with an approver who says no to everything and one
//! who says yes to everything. What got through is judged from outside, by
//! bytes and file hashes, never by what the agent says of itself.

mod ablation;
mod approver;
mod attack;
mod benign;
mod canary;
mod channel;
mod documents;
mod error;
mod forest;
mod git;
mod inside;
mod judge;
mod obedient;
mod observed;
mod rephrase;
mod report;
mod scenario;
mod sink;
mod survivors;
mod workspace;

pub use ablation::{AblationRow, ablate};
pub use attack::{AttackResult, AttackRun, ModelChoice};
pub use benign::{Task, TaskResult, builtin_tasks, run_tasks};
pub use documents::{Document, DocumentResult};
pub use error::LabError;
pub use inside::{Picked, ablate_without_sandbox, is_inside_a_sandbox};
pub use report::{LabReport, run};
pub use scenario::{Must, Scenario, ScenarioSet, builtin_scenarios, load_scenarios};

use kode_gate::Policy;
use kode_sandbox::HelperImage;

/// What the lab needs from its caller.
#[derive(Clone)]
pub struct LabSettings {
    /// The policy under test: built-in, or with the managed and the user's
    /// layers.
    pub policy: Policy,
    /// Who answers the sandbox helper's call.
    pub helper: HelperImage,
    /// Commands run without a sandbox of their own. Only where the whole lab
    /// already stands in one: see [`is_inside_a_sandbox`].
    pub without_sandbox: bool,
}
