//! The vault: does its key wrap and unwrap, and can the key of all fingerprints be had?

use super::{Finding, in_time};
use crate::{Error, Result, Services};

const CHECK: &str = "vault";

/// Wraps and unwraps a throw-away key.
pub async fn finding(services: &Services) -> Finding {
    match (in_time(look(services)).await, services.setup.key_vault) {
        (Ok(()), false) => Finding::good(CHECK, "The key file is there, is yours only, and can be used."),
        (Ok(()), true) => Finding::good(CHECK, "The key in Azure Key Vault wraps and unwraps."),
        (Err(error @ Error::Store(_)), _) => Finding::from_error(CHECK, &error, "Nothing is lost. See storage, then look again."),
        (Err(error), false) => Finding::from_error(CHECK, &error, "Do what is said there, then look again."),
        (Err(error), true) => Finding::from_error(
            CHECK,
            &error,
            "Nothing is lost. The identity needs the role Key Vault Crypto Service Encryption User on the key that CALRELAY_KEY_VAULT_KEY \
             names, and the vault's firewall must let this machine in; then look again.",
        ),
    }
}

async fn look(services: &Services) -> Result<()> {
    services.vault.check().await?;
    // Nothing is synced without it, and it may be kept elsewhere than the key that wraps.
    services.vault.hash_key("health").await?;
    Ok(())
}
