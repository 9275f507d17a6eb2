//! What the model is told: the system message, project context and wrapped
//! tool results. Untrusted text gets past here only through [`wrap`].

mod agents_md;
mod broken_forms;
pub(crate) mod compaction;
mod credential_test;
mod hidden;
mod known_secrets;
mod neutralise;
mod redact;
mod secret_forms;
mod system;
mod wrap;

pub use agents_md::{ProjectContext, read_project_context};
pub use credential_test::credential_test;
pub use hidden::{Hidden, HiddenKind, inspect, inspect_tool_description, summary};
pub(crate) use known_secrets::project_secrets;
pub use known_secrets::secret_in;
pub use redact::{Leak, REDACTION_MARK, Redactor};
pub(crate) use system::canary_of;
pub use system::{fresh_canary, system_message};
pub(crate) use wrap::wrap_with_own_words;
pub use wrap::{WrapError, wrap, wrap_and_inspect};
