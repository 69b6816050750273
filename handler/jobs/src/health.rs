//! Whether the service can do its work: storage and vault answer.
//!
//! Providers are not asked: one that is down must not get the service restarted.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use store::Table;

use crate::{Result, Services, nudge, status};

/// Whoever does not answer within this time is out of reach.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the service stands. Says nothing about users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Everything below is within reach.
    pub ok: bool,
    /// Storage answers.
    pub storage: bool,
    /// The vault answers.
    pub vault: bool,
    /// For operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// Numbers for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The program's version.
    pub version: &'static str,
    /// Nudges that wait.
    pub waiting: u64,
    /// Nudges that failed for good.
    pub poison: u64,
    /// Accounts by state.
    pub accounts: BTreeMap<String, u64>,
    /// Pairs by state.
    pub pairs: BTreeMap<String, u64>,
    /// Seconds since the last complete pass of the pair that has waited longest, pauses left out.
    pub lag_seconds: Option<i64>,
}

/// Asks storage and vault. `detail` adds numbers, which reads the whole directory.
pub async fn health(services: &Services, detail: bool) -> Health {
    let storage = within(async {
        services.store.get(Table::Directory, &services.owner, "health").await?;
        services.queue.len(nudge::QUEUE).await?;
        Ok(())
    });
    let vault = within(async {
        services.vault.check().await?;
        // Nothing is synced without it, and it may be kept elsewhere than the key that wraps.
        services.vault.hash_key("health").await?;
        Ok(())
    });
    let (storage, vault) = futures::join!(storage, vault);
    let detail = match detail && storage.is_some() {
        true => within(numbers(services)).await,
        false => None,
    };
    Health { ok: storage.is_some() && vault.is_some(), storage: storage.is_some(), vault: vault.is_some(), detail }
}

async fn within<T>(answer: impl Future<Output = Result<T>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "out of reach");
            None
        }
        Err(_) => {
            tracing::warn!(seconds = PATIENCE.as_secs(), "no answer in time");
            None
        }
    }
}

async fn numbers(services: &Services) -> Result<Detail> {
    let status = status(services, 0).await?;
    let mut accounts = BTreeMap::new();
    for account in &status.accounts {
        *accounts.entry(account.state.clone()).or_default() += 1;
    }
    let mut pairs = BTreeMap::new();
    for pair in &status.pairs {
        *pairs.entry(pair.state.as_str().to_owned()).or_default() += 1;
    }
    let poison = format!("{}-poison", nudge::QUEUE);
    Ok(Detail {
        version: env!("CARGO_PKG_VERSION"),
        waiting: services.queue.len(nudge::QUEUE).await?,
        poison: services.queue.len(&poison).await?,
        accounts,
        pairs,
        lag_seconds: status.pairs.iter().filter(|pair| pair.next_sync.is_some()).filter_map(|pair| pair.lag_seconds).max(),
    })
}
