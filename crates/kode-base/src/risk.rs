//! The eight risk classes of an action (design §5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind of harm an action could do. Ordered from harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskClass {
    /// Reads, searches, builds and tests of the project.
    Safe,
    /// Changes inside the project.
    LocalWrite,
    /// Code the gate can't see through: `eval`, `node -e`, generated scripts.
    CodeExecution,
    /// Packages: `npm install`, `pip install`, `apt install`.
    Install,
    /// Anything that talks to a host.
    NetworkEgress,
    /// Outside the project or with privilege.
    SystemWrite,
    /// Wide or irreversible loss.
    Destructive,
    /// Never: fork bombs, writes to block devices.
    Blocked,
}

impl RiskClass {
    /// Every class, from harmless to worst.
    pub const ALL: [Self; 8] = [
        Self::Safe,
        Self::LocalWrite,
        Self::CodeExecution,
        Self::Install,
        Self::NetworkEgress,
        Self::SystemWrite,
        Self::Destructive,
        Self::Blocked,
    ];

    /// The name used in configuration, prompts and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::LocalWrite => "local_write",
            Self::CodeExecution => "code_execution",
            Self::Install => "install",
            Self::NetworkEgress => "network_egress",
            Self::SystemWrite => "system_write",
            Self::Destructive => "destructive",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for RiskClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for RiskClass {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for class in RiskClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            let json = serde_json::to_string(&class).unwrap();
            assert_eq!(json, format!("\"{class}\""));
        }
    }
}
