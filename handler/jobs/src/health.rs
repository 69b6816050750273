//! Whether the service can do its work, and does it: storage and vault answer, and its loops go
//! round. For its operator, numbers and findings as well.
//!
//! Providers are not asked: one that is down must not get the service restarted.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use store::Table;

use crate::doctor::{self, AccountChecks};
use crate::services::LOCAL_OWNER;
use crate::setup::Finding;
use crate::status::Status;
use crate::{Result, Services, nudge};

/// Whoever does not answer within this time is out of reach.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How the service stands. Without what is for operators it says nothing about users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Everything below is within reach.
    pub ok: bool,
    /// Storage answers.
    pub storage: bool,
    /// The vault answers. While storage is away: its key does, as far as can be told.
    pub vault: bool,
    /// What keeps the process at work goes on: its polls end, and its queue is drained.
    pub work: bool,
    /// For operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<HealthDetail>,
    /// For operators only: what `calrelay doctor` finds, the settings of this very process
    /// included. There may be something to mend in a service that is [`ok`](Self::ok).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
}

/// Numbers for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthDetail {
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

/// Asks storage and vault, and looks whether the work goes on. `detail` adds numbers and findings,
/// which reads the whole directory.
pub async fn health(services: &Services, detail: bool) -> Health {
    let storage = with_timeout(async {
        services.store.get(Table::Directory, LOCAL_OWNER, "health").await?;
        services.queue.len(nudge::QUEUE).await?;
        Ok(())
    });
    let key = with_timeout(async { Ok(services.vault.check().await?) });
    // Nothing is synced without it, and it may be kept elsewhere than the key that wraps.
    let root = with_timeout(async { Ok(services.vault.hash_key("health").await.map(drop)?) });
    let (storage, key, root) = futures::join!(storage, key, root);
    let storage = storage.is_some();
    // That elsewhere is storage: while it is away, the root that cannot be had says nothing of the
    // vault.
    let vault = key.is_some() && (root.is_some() || !storage);
    let (detail, findings) = match detail {
        true => futures::join!(with_timeout(read_detail(services)), findings(services)),
        false => (None, None),
    };
    let stalled = services.in_process.loops.stalled();
    if let Some(name) = stalled {
        tracing::error!(
            name,
            "no work is done: this did not go on in time. Nothing is lost; start the service again"
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
    let statuses =
        services.for_each_owner(|scope| async move { crate::status(&scope, 0).await }).await?;
    let (mut accounts, mut pairs, mut lag) = (BTreeMap::new(), BTreeMap::new(), None);
    for Status { accounts: of_owner, pairs: pairs_of_owner, .. } in statuses {
        for account in of_owner {
            *accounts.entry(account.state).or_default() += 1;
        }
        for pair in pairs_of_owner {
            *pairs.entry(pair.state.as_str().to_owned()).or_default() += 1;
            lag = lag.max(pair.lag_seconds.filter(|_| pair.next_sync.is_some()));
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
