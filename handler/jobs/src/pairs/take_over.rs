//! Copies that another installation has made, or this one before it lost its data, are claimed for
//! a pair by its owner.

use engine::calendar::PairId;
use records::pair_state::{Batch, PairStore, StateRecord};

use crate::keys::PairKeys;
use crate::{Result, Scope, leases};

/// Says that what another installation made belongs to this pair. The next pass goes through both
/// calendars and takes it over. Nothing is written to a calendar here.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound); [`Error::Request`](crate::Error::Request) while a
/// pass over the pair is under way.
pub async fn take_over(scope: &Scope, id: &PairId) -> Result<()> {
    let pair = scope.directory().pair(id).await?;
    let lease = leases::pair_and_calendars(scope, &pair, &[]).await?;
    let keys = PairKeys::new(scope, &pair).await?;
    let memory = PairStore::new(&*scope.store, &keys.marks, &pair);
    let (head, _) = memory.read_state().await?;
    if head.is_new().await {
        head.set_ids_are_names().await;
    }
    // First of all, so that what is forgotten is not copied beside what was found there, should
    // this be cut off.
    let row = StateRecord { take_over: true, ..head.row().await };
    memory.finish(&head, Batch::default(), row).await?;
    // What was left alone is decided about anew.
    memory.forget_left_alone(&head).await?;
    lease.end().await;
    Ok(())
}
