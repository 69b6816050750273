//! All checks.

use super::{accounts, clients, clock, push, storage, vault, work};
use crate::Services;
use crate::services::Scope;
use crate::setup::Finding;

/// How accounts are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChecks {
    /// One request for each account.
    Live,
    /// By the stored status, without requests.
    Stored,
}

/// Checks storage, vault, clock, clients, accounts, push and queues. Findings about the settings
/// are not included.
pub async fn findings(services: &Services, how: AccountChecks) -> Vec<Finding> {
    let unanswered = match how {
        AccountChecks::Live => clients::check(&*services.connect).await,
        AccountChecks::Stored => Vec::new(),
    };
    let accounts = async {
        match how {
            AccountChecks::Live => {
                per_owner(services, |scope| async move { accounts::check_live(&scope).await }).await
            }
            AccountChecks::Stored => {
                per_owner(services, |scope| async move { accounts::check_stored(&scope).await })
                    .await
            }
        }
    };
    let (storage, vault, accounts, push, work) = futures::join!(
        storage::findings(services),
        vault::finding(services),
        accounts,
        per_owner(services, |scope| async move {
            push::findings(&scope, how == AccountChecks::Live).await
        }),
        work::finding(services)
    );
    // The clock is checked last, when a server may have answered whose clock it is compared with.
    let clock = clock::finding(services.clock.now(), services.connect.server_time());
    // The accounts were asked before, with tokens that only an accepted client gets.
    let clients = clients::findings(&*services.connect);
    storage
        .into_iter()
        .chain([vault])
        .chain(unanswered)
        .chain(clients)
        .chain(accounts)
        .chain(push)
        .chain(work)
        .chain([clock])
        .collect()
}

/// The findings about every owner. Where the index of owners cannot be read, the findings about
/// storage say so.
async fn per_owner<Check>(services: &Services, check: impl Fn(Scope) -> Check) -> Vec<Finding>
where
    Check: Future<Output = Vec<Finding>>,
{
    let work = |scope| {
        let check = check(scope);
        async move { Ok(check.await) }
    };
    let found = services.for_each_owner(work).await;
    found.map(|found| found.done).unwrap_or_default().into_iter().flatten().collect()
}
