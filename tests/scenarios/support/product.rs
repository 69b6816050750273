//! The product's functions and types for accounts, pairs and watches, in one place.

pub use jobs::ConsentRequest;
pub use jobs::Granted;
pub use jobs::accounts::calendars;
pub use jobs::accounts::connect_account;
pub use jobs::consent::adopt as adopt_consent;
pub use jobs::leases::calendar_lease;
pub use jobs::leases::pair_lease;
pub use jobs::pairs::NewPair;
pub use jobs::pairs::add_pair;
pub use jobs::pairs::pause_pair;
pub use jobs::pairs::remove_pair;
pub use jobs::pairs::resume_pair;
pub use jobs::remove_account;
pub use jobs::watches::NoticeOutcome as NotificationOutcome;
pub use jobs::watches::states as watch_states;
pub use providers::Notification;
pub use records::account::Account;
pub use records::account::AccountStatus;

use engine::calendar::{AccountId, PairId};
use engine::pair::Pair;
use engine::provider::ProviderKind;
use jobs::watches::{RenewOutcome, WatchKind};
use jobs::{Scope, Services};

/// An account.
pub async fn account(scope: &Scope, id: &AccountId) -> jobs::Result<Account> {
    Ok(scope.directory().account(id).await?)
}

/// All accounts.
pub async fn accounts(scope: &Scope) -> jobs::Result<Vec<Account>> {
    Ok(scope.directory().accounts().await?)
}

/// A pair.
pub async fn pair(scope: &Scope, id: &PairId) -> jobs::Result<Pair> {
    Ok(scope.directory().pair(id).await?)
}

/// All pairs.
pub async fn pairs(scope: &Scope) -> jobs::Result<Vec<Pair>> {
    Ok(scope.directory().pairs().await?)
}

/// A run of the timer over the watches of calendars.
pub async fn renew_watches(services: &Services, missed: bool) -> jobs::Result<RenewOutcome> {
    jobs::watches::renew(services, WatchKind::Calendar, missed).await
}

/// A notification from Google.
pub async fn receive_notification(
    services: &Services,
    notice: Notification<'_>,
) -> jobs::Result<NotificationOutcome> {
    jobs::watches::receive(services, ProviderKind::Google, notice).await
}
