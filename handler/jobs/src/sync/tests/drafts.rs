//! A pair that was never switched on: previewed by a dry run, and synced by nothing.

use engine::pair::Pair;
use records::kinds::pair_key;
use records::problem::PairStatus;
use store::Table;

use super::env::{DRY, FULL, OPTIONS, PairEnv};
use super::sample_events::april;
use crate::nudge::QUEUE;
use crate::pairs::start_pair;
use crate::poll_calendars::{PollOutcome, poll_calendars, reconcile};
use crate::sync::SyncOptions;

/// The pair of an environment as a draft, with two events in its first calendar.
async fn drafted(mut env: PairEnv) -> PairEnv {
    for (name, day) in [("a", 1), ("b", 2)] {
        env.from().put(april(name, day));
    }
    let change = |pair: &mut Pair| pair.draft = true;
    let key = pair_key(&env.pair.id);
    env.pair = env.scope.directory().update(&key, change).await.unwrap().unwrap();
    env
}

/// All rows and the number of messages, to compare.
async fn stored(env: &PairEnv) -> (Vec<(String, String)>, u64) {
    let mut rows = Vec::new();
    for (table, partition) in [
        (Table::Directory, "local"),
        (Table::Secrets, "local"),
        (Table::Pairs, env.pair.id.as_str()),
    ] {
        let page = env.scope.store.scan(table, partition, "", None, 1000).await.unwrap();
        rows.extend(page.into_iter().map(|row| (row.key, row.value)));
    }
    (rows, env.scope.queue.len(QUEUE).await.unwrap())
}

#[tokio::test]
async fn a_draft_is_previewed_and_nothing_is_written() {
    for env in [PairEnv::one_way().await, PairEnv::two_way().await] {
        let mut env = drafted(env).await;
        let before = stored(&env).await;
        for options in [DRY, SyncOptions { dry_run: true, ..FULL }, DRY] {
            let run = env.run(options).await;
            assert_eq!((run.created, run.state), (2, PairStatus::Draft));
            assert_eq!((env.writes(), stored(&env).await), (Vec::new(), before.clone()));
        }
        let (pair, was_draft) = start_pair(&env.scope, &env.pair.id).await.unwrap();
        assert!(was_draft && pair.is_active());
        env.pair = pair;
        let run = env.pass().await;
        assert_eq!((run.created, run.state), (2, PairStatus::Ok));
        env.rest().await;
    }
}

#[tokio::test]
async fn nothing_syncs_a_draft() {
    let env = drafted(PairEnv::two_way().await).await;
    let before = stored(&env).await;
    for options in [OPTIONS, FULL] {
        let run = env.run(options).await;
        assert_eq!((run.state, run.actions.len()), (PairStatus::Draft, 0));
    }
    for notified in [None, Some(0), Some(1)] {
        assert_eq!(env.in_background(notified).await.run.state, PairStatus::Draft);
    }
    assert_eq!(poll_calendars(&env.scope.services).await.unwrap(), PollOutcome::default());
    assert_eq!(reconcile(&env.scope.services).await.unwrap(), PollOutcome::default());
    assert!(env.remotes.iter().all(|remote| remote.lock().calls.is_empty()), "no request");
    assert_eq!(stored(&env).await, before);
    let status = crate::status(&env.scope, 60).await.unwrap().pairs.remove(0);
    assert_eq!((status.state, status.next_sync, status.last_sync), (PairStatus::Draft, None, None));
}
