//! How Key Vault is called: the identity, and the limits.

use std::time::Duration;

/// The identity with which the program signs in to the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyVaultIdentity {
    /// The managed identity that the platform gives to the program.
    Managed {
        /// The user-assigned identity; `None` for the system-assigned one.
        client_id: Option<String>,
    },
    /// The user who is signed in with `az login` or `azd auth login` on this machine.
    Developer,
}

/// Limits on time and memory.
#[derive(Clone, Debug)]
pub struct CallLimits {
    /// How long an unwrapped data key, and the name of the current version, are cached.
    pub keep: Duration,
    /// How many unwrapped data keys are cached.
    pub keep_most: usize,
    /// How long one operation may take, with all attempts.
    pub patience: Duration,
    /// How long an unreachable vault gets no further request.
    pub rest: Duration,
    /// How long `check` relies on the last good answer.
    pub trust: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(300),
            keep_most: 512,
            patience: Duration::from_secs(10),
            rest: Duration::from_secs(5),
            trust: Duration::from_secs(60),
        }
    }
}
