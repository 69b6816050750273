//! Checks whether the key of the vault wraps and unwraps, and whether the key of all fingerprints
//! can be derived.

use super::time_limit::{failed_check, with_timeout};
use crate::setup::{Finding, WrappingKeyPlace};
use crate::{Error, Result, Services};

const CHECK: &str = "vault";

/// Wraps and unwraps a temporary key.
pub async fn finding(services: &Services) -> Finding {
    let key = services.setup.key;
    if key == WrappingKeyPlace::NotMade {
        return Finding::good(CHECK, "There is no key yet; it is made with the first account.");
    }
    match (with_timeout(use_key(services)).await, key) {
        (Ok(()), WrappingKeyPlace::KeyVault) => {
            Finding::good(CHECK, "The key in Azure Key Vault wraps and unwraps.")
        }
        (Ok(()), _) => {
            Finding::good(CHECK, "The key file is there, is yours only, and can be used.")
        }
        (Err(error @ (Error::Store(_) | Error::Vault(vault::Error::Row(_)))), _) => {
            failed_check(CHECK, &error, "Nothing is lost. See storage, then check again.")
        }
        (Err(error), WrappingKeyPlace::KeyVault) => failed_check(
            CHECK,
            &error,
            "Nothing is lost. The identity needs the role Key Vault Crypto Service Encryption \
            User on the key that CALRELAY_KEY_VAULT_KEY \
             names, and the vault's firewall must let this machine in; then check again.",
        ),
        (Err(error), _) => failed_check(
            CHECK,
            &error,
            "Follow the instruction in the message, \
        then check again.",
        ),
    }
}

async fn use_key(services: &Services) -> Result<()> {
    services.vault.check().await?;
    // No pass runs without the root key, which may be stored apart from the wrapping key.
    services.vault.hash_key("health").await?;
    Ok(())
}
