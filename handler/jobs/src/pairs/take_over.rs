//! Taking over copies that another installation has made, or this installation before it lost its
//! data.

use engine::calendar::PairId;
use records::pair_state::{Batch, PairStore, StateRecord};

use crate::keys::PairKeys;
use crate::{Result, Scope, leases};

/// Records that events which another installation created belong to this pair. The next pass
/// processes both calendars and takes them over. Nothing is written to a calendar here.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound); [`Error::Request`](crate::Error::Request) while a
/// pass over the pair is running.
pub async fn take_over(scope: &Scope, id: &PairId) -> Result<()> {
    let pair = scope.directory().pair(id).await?;
    let lease = leases::pair_and_calendars(scope, &pair, &[]).await?;
    let keys = PairKeys::new(scope, &pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, &pair);
    let (locked, _) = pair_store.read_state().await?;
    if locked.is_new().await {
        locked.set_ids_are_names().await;
    }
    // Written first: if this job is cut off after the mappings were deleted, the next pass takes
    // existing copies over and creates no second ones.
    let row = StateRecord { take_over: true, ..locked.row().await };
    pair_store.finish(&locked, Batch::default(), row).await?;
    // The next pass decides again about events that were left alone.
    pair_store.forget_left_alone(&locked).await?;
    lease.end().await;
    Ok(())
}
