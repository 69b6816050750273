//! Acquires the leases of an attempt.

use std::time::Duration;

use engine::pair::Side;
use store::{Acquired, Lease};

use super::accounts::OpenAccounts;
use super::attempt::Attempt;
use super::failure::busy_error;
use crate::{Result, leases};

/// How long a pass waits for another pass over one of its calendars.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a background pass waits: it is queued again, and other pairs are synced meanwhile.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(20);

impl Attempt<'_> {
    /// Acquires the lease of the pair, and of every calendar that the pair writes to: two pairs
    /// never write to one calendar at once. Returns whether it had to wait; `None` where a
    /// background pass does not wait any longer.
    pub(super) async fn acquire_leases(
        &self,
        accounts: &OpenAccounts<'_>,
    ) -> Result<Option<(Lease, bool)>> {
        let Self { scope, pair, .. } = self;
        let mut names = vec![
            leases::pair_lease(&pair.id),
            leases::calendar_lease(&accounts.directory, &pair.to),
        ];
        if pair.copies_from(Side::To) {
            names.push(leases::calendar_lease(&accounts.directory, &pair.from));
        }
        // Two calendars that turn out to be one need one lease.
        names.dedup();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let pause = scope.leases.pause();
        let mut waited = Duration::ZERO;
        loop {
            match scope.leases.acquire(&scope.owner, &names).await? {
                Acquired::Taken(lease) => return Ok(Some((lease, !waited.is_zero()))),
                // The lease of the pair itself: its holder syncs what this pass would sync.
                Acquired::Busy(0) if self.options.background => return Ok(None),
                Acquired::Busy(_) if self.options.background && waited >= BACKGROUND_PATIENCE => {
                    return Ok(None);
                }
                Acquired::Busy(_) if waited >= PATIENCE => return Err(busy_error()),
                Acquired::Busy(_) => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                }
            }
        }
    }
}
