//! All checks.

use super::{accounts, clock, push, storage, vault, work};
use crate::Services;
use crate::services::Scope;
use crate::setup::Finding;

/// How much is asked of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChecks {
    /// Each is asked for its calendars, once.
    Live,
    /// What their last passes left behind; their servers are not troubled.
    Stored,
}

/// Looks at storage, vault, clock, accounts and the work that waits; what was found in the settings
/// is not repeated.
pub async fn findings(services: &Services, how: AccountChecks) -> Vec<Finding> {
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
        per_owner(services, |scope| async move { push::findings(&scope).await }),
        work::finding(services)
    );
    // Last, when somebody has answered whose clock ours can be held against.
    let clock = clock::finding(services.clock.now(), services.connect.server_time());
    storage
        .into_iter()
        .chain([vault])
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
    services.for_each_owner(work).await.unwrap_or_default().into_iter().flatten().collect()
}
