//! One shape for everything that goes wrong: a sentence, a remedy, an exit code.

use std::process::ExitCode;

use kode_base::ExitStatus;
use kode_base::escape::escape_block;

/// A command that could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure that ends with `status`.
    pub(crate) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
    }

    /// An ordinary error, exit code 1.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Error, message)
    }

    /// The provider answered with an error, exit code 6.
    pub(crate) fn provider(error: kode_model::ProviderError) -> Self {
        Self::from(error).with_status(ExitStatus::Provider)
    }

    /// The same failure with another exit code.
    pub(crate) fn with_status(mut self, status: ExitStatus) -> Self {
        self.status = status;
        self
    }

    /// The remedy.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The sentence and its remedy, for a report of several.
    pub(crate) fn into_parts(self) -> (String, Option<String>) {
        (self.message, self.hint)
    }

    /// Says what went wrong on standard error.
    pub(crate) fn report(self) -> ExitCode {
        tell!("error: {}", escape_block(&self.message));
        if let Some(hint) = self.hint {
            tell!("hint: {}", escape_block(&hint));
        }
        ExitCode::from(self.status.code())
    }
}

impl From<kode_config::ConfigError> for Failure {
    fn from(error: kode_config::ConfigError) -> Self {
        Self::new(ExitStatus::Usage, error.to_string())
    }
}

/// Of connecting: nothing was sent yet, so what is wrong is the configuration.
impl From<kode_model::ProviderError> for Failure {
    fn from(error: kode_model::ProviderError) -> Self {
        Self { status: ExitStatus::Usage, message: error.message, hint: error.hint }
    }
}

impl From<kode_sandbox::SandboxError> for Failure {
    fn from(error: kode_sandbox::SandboxError) -> Self {
        Self::new(ExitStatus::SandboxUnavailable, error.to_string())
    }
}

impl From<kode_sandbox::RootError> for Failure {
    fn from(error: kode_sandbox::RootError) -> Self {
        Self::new(ExitStatus::Usage, error.to_string())
    }
}

impl From<kode_sandbox::FileError> for Failure {
    fn from(error: kode_sandbox::FileError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<kode_session::SessionError> for Failure {
    fn from(error: kode_session::SessionError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<kode_audit::AuditError> for Failure {
    fn from(error: kode_audit::AuditError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::error(error.to_string())
    }
}
