//! Whether the service works: storage and vault answer, and its loops make progress. For the
//! operator also numbers and findings.
//!
//! No provider is asked: the failure of a provider must not restart the service.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use records::problem::PairStatus;
use serde::Serialize;
use store::Table;

use crate::doctor::{self, AccountChecks};
use crate::services::LOCAL_OWNER;
use crate::setup::Finding;
use crate::status::Status;
use crate::{Result, Services, nudge};

/// A service that does not answer within this time is out of reach.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The health of the service. Without the fields for operators it says nothing about users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// All of `storage`, `vault` and `work`.
    pub ok: bool,
    pub storage: bool,
    /// The vault answers. While storage is out of reach, this says only whether the vault's key
    /// answers.
    pub vault: bool,
    /// The loops of the process make progress: polls end, and the queue is drained.
    pub work: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<HealthDetail>,
    /// For operators: the findings of `calrelay doctor`, including the settings of this process. A
    /// service that is [`ok`](Self::ok) may have findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
}

/// Numbers for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthDetail {
    pub version: &'static str,
    /// Nudges in the queue.
    pub waiting: u64,
    /// Nudges that failed for good.
    pub poison: u64,
    pub accounts: BTreeMap<String, u64>,
    pub pairs: BTreeMap<String, u64>,
    /// The longest time since the last complete pass of a pair that is not paused, in seconds.
    pub lag_seconds: Option<i64>,
}

/// Checks storage, vault and loops. `detail` adds numbers and findings, which reads the whole
/// directory.
pub async fn health(services: &Services, detail: bool) -> Health {
    let storage = with_timeout(async {
        services.store.get(Table::Directory, LOCAL_OWNER, "health").await?;
        services.queue.len(nudge::QUEUE).await?;
        Ok(())
    });
    let key = with_timeout(async { Ok(services.vault.check().await?) });
    // No pass runs without the root key, which may be stored apart from the wrapping key.
    let root = with_timeout(async { Ok(services.vault.hash_key("health").await.map(drop)?) });
    let (storage, key, root) = futures::join!(storage, key, root);
    let storage = storage.is_some();
    // The root key may be in storage: while storage is out of reach, a missing root says nothing
    // about the vault.
    let vault = key.is_some() && (root.is_some() || !storage);
    let (detail, findings) = match detail {
        true => futures::join!(with_timeout(read_detail(services)), findings(services)),
        false => (None, None),
    };
    let stalled = services.in_process.loops.stalled();
    if let Some(name) = stalled {
        tracing::error!(
            name,
            "no work is done: this loop made no progress in time. Nothing is lost; start the \
            service again"
        );
    }
    let work = stalled.is_none();
    Health { ok: storage && vault && work, storage, vault, work, detail, findings }
}

async fn findings(services: &Services) -> Option<Vec<Finding>> {
    let mut findings = services.setup.findings.clone();
    findings.extend(doctor::findings(services, AccountChecks::Stored).await);
    Some(findings)
}

async fn with_timeout<T>(answer: impl Future<Output = Result<T>>) -> Option<T> {
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "out of reach");
            None
        }
        Err(_) => {
            tracing::warn!(seconds = TIMEOUT.as_secs(), "no answer in time");
            None
        }
    }
}

async fn read_detail(services: &Services) -> Result<HealthDetail> {
    let statuses = services
        .for_each_owner(|scope| async move { crate::status(&scope, 0).await })
        .await?
        .all()?;
    let (mut accounts, mut pairs, mut lag) = (BTreeMap::new(), BTreeMap::new(), None);
    for Status { accounts: of_owner, pairs: pairs_of_owner, .. } in statuses {
        for account in of_owner {
            *accounts.entry(account.state).or_default() += 1;
        }
        for pair in pairs_of_owner {
            *pairs.entry(pair.state.as_str().to_owned()).or_default() += 1;
            lag = lag.max(pair.lag_seconds.filter(|_| pair.state != PairStatus::Paused));
        }
    }
    let poison = format!("{}-poison", nudge::QUEUE);
    Ok(HealthDetail {
        version: env!("CARGO_PKG_VERSION"),
        waiting: services.queue.len(nudge::QUEUE).await?,
        poison: services.queue.len(&poison).await?,
        accounts,
        pairs,
        lag_seconds: lag,
    })
}
