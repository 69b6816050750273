//! Removing pairs.

use engine::calendar::PairId;
use records::codec;
use records::kinds::{ended_key, pair_key};
use records::pair::EndedPair;
use store::{Op, Table};

use crate::{Result, Scope, leases, watches};

/// Removes a pair and all its rows. Its copies stay as ordinary events.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound); [`Error::Request`](crate::Error::Request) while a
/// pass over the pair is running.
pub async fn remove_pair(scope: &Scope, id: &PairId) -> Result<()> {
    let _setup = leases::directory(scope).await?;
    remove_locked(scope, id).await?;
    watches::stop_unneeded(scope).await;
    Ok(())
}

/// As [`remove_pair`]; the caller holds the lease of the directory.
pub(crate) async fn remove_locked(scope: &Scope, id: &PairId) -> Result<()> {
    let ended = scope.directory().pair(id).await?;
    let _quiet = leases::pair(scope, id).await?;
    let partition = id.as_str();
    loop {
        let page = scope.store.scan(Table::Pairs, partition, "", None, store::MAX_COMMIT).await?;
        if page.is_empty() {
            break;
        }
        let ops: Vec<Op> =
            page.into_iter().map(|row| Op::Delete { key: row.key, etag: None }).collect();
        scope.store.commit(Table::Pairs, partition, &ops).await?;
    }
    // Remembers that the target calendar may hold copies of the source calendar's events.
    let mut ops = vec![Op::Delete { key: pair_key(id), etag: None }];
    let directions =
        [Some((&ended.from, &ended.to)), ended.two_way.then_some((&ended.to, &ended.from))];
    for (from, to) in directions.into_iter().flatten() {
        ops.push(Op::Put {
            key: ended_key(from, to),
            value: codec::encode(&EndedPair { from: from.clone(), to: to.clone() })?,
        });
    }
    scope.directory().commit(&ops).await?;
    Ok(())
}
