//! What the model is told: the system message, project context and wrapped
//! tool results. Untrusted text gets past here only through [`wrap`].

mod agents_md;
pub(crate) mod compaction;
mod hidden;
mod neutralise;
mod redact;
mod secret_forms;
mod system;
mod wrap;

pub(crate) use agents_md::project_secrets;
pub use agents_md::{ProjectContext, read_project_context};
pub use hidden::{Hidden, HiddenKind, inspect, inspect_tool_description, summary};
pub use redact::{Leak, REDACTION_MARK, Redactor, secret_in};
pub(crate) use system::canary_of;
pub use system::{fresh_canary, system_message};
pub use wrap::{WrapError, wrap, wrap_and_inspect};
