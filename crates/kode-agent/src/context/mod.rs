//! What the model is told: the system message, project context and wrapped
//! tool results. Untrusted text gets past here only through [`wrap`].

mod agents_md;
pub(crate) mod compaction;
mod neutralise;
mod redact;
mod system;
mod wrap;

pub(crate) use agents_md::project_secrets;
pub use agents_md::{ProjectContext, read_project_context};
pub use redact::{REDACTION_MARK, Redactor, secret_in};
pub use system::system_message;
pub use wrap::{WrapError, wrap};
