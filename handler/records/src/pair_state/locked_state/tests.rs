use store::{Embedded, Op, Store, Table};

use super::super::batch::Group;
use super::*;
use crate::problem::PairStatus;

const PAIR: &str = "p1";

fn store(dir: &tempfile::TempDir) -> Embedded {
    Embedded::open(dir.path(), || Timestamp::UNIX_EPOCH).unwrap()
}

/// The rows of a mapping and its index entry.
fn mapping(n: usize) -> Group {
    let put = |key: String| Op::Put { key, value: "{}".into() };
    Group {
        ops: vec![put(format!("m:{n:04}")), put(format!("x:{n:04}"))],
        copies: 1,
        archived: 0,
        by_another: 0,
        has_alias: false,
    }
}

fn notes(numbers: std::ops::Range<usize>) -> Batch {
    Batch { groups: numbers.map(mapping).collect() }
}

fn done(at: i64) -> StateRecord {
    let at = Timestamp::from_second(at).unwrap();
    StateRecord { last_sync: Some(at), status: Some(PairStatus::Ok), ..StateRecord::default() }
}

async fn head(store: &Embedded) -> LockedState {
    LockedState::read(store, &PairId::new(PAIR)).await.unwrap().0
}

async fn commit(
    head: &LockedState,
    store: &Embedded,
    notes: Batch,
    now: Option<StateRecord>,
) -> Result<()> {
    head.commit(store, &PairId::new(PAIR), notes, now).await
}

async fn keys(store: &Embedded, prefix: &str) -> usize {
    store.scan(Table::Pairs, PAIR, prefix, None, 1000).await.unwrap().len()
}

#[tokio::test]
async fn more_than_one_commit_holds_is_written_in_several_and_counted_with_each() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mine = head(&store).await;
    assert!(mine.is_new().await);
    commit(&mine, &store, notes(0..49), None).await.unwrap();
    let first = head(&store).await.row().await;
    assert_eq!((first.copies, first.last_sync), (49, None), "counted, and the pass goes on");
    commit(&mine, &store, notes(49..250), Some(StateRecord { copies: 7, ..done(60) }))
        .await
        .unwrap();
    assert_eq!((keys(&store, "m:").await, keys(&store, "x:").await), (250, 250));
    let last = head(&store).await.row().await;
    assert_eq!(
        last,
        StateRecord { copies: 250, ..done(60) },
        "the count follows from the notes alone"
    );
    let forget = |n: usize| Group {
        ops: vec![Op::Delete { key: format!("m:{n:04}"), etag: None }],
        copies: -1,
        archived: 0,
        by_another: 0,
        has_alias: false,
    };
    commit(&mine, &store, Batch { groups: vec![forget(3), forget(4)] }, None).await.unwrap();
    assert_eq!(mine.copies().await, 248);
    commit(&mine, &store, Batch::default(), None).await.unwrap();
    mine.set_counts(240, 0, 0).await;
    commit(&mine, &store, Batch::default(), Some(done(61))).await.unwrap();
    assert_eq!(
        head(&store).await.copies().await,
        240,
        "what was counted anew is stored with the next commit"
    );
}

#[tokio::test]
async fn of_two_writers_the_one_that_lost_the_lease_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    for (round, begin) in [(1, 0), (2, 100)] {
        let (one, other) = (head(&store).await, head(&store).await);
        commit(&one, &store, notes(begin..begin + 10), None).await.unwrap();
        for now in [None, Some(done(999))] {
            let refused = commit(&other, &store, notes(begin + 50..begin + 60), now).await;
            assert!(matches!(refused, Err(Error::LeaseLost)), "{refused:?}");
        }
        commit(&one, &store, Batch::default(), Some(done(round))).await.unwrap();
        let row = head(&store).await.row().await;
        assert_eq!(row, StateRecord { copies: 10 * round as u64, ..done(round) });
        assert_eq!(keys(&store, "m:").await, 10 * round as usize);
    }
}

#[tokio::test]
async fn a_check_neither_hinders_a_pass_nor_brings_a_pair_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pair) = (store(&dir), PairId::new(PAIR));
    assert!(
        !read_state_snapshot(&store, &pair).await.unwrap().can_record_check(),
        "nothing was passed over yet"
    );
    let pass = head(&store).await;
    commit(&pass, &store, notes(0..1), Some(done(60))).await.unwrap();
    let seen = read_state_snapshot(&store, &pair).await.unwrap();
    assert_eq!((seen.last_checked(), seen.can_record_check()), (done(60).last_sync, true));
    record_check(&store, &pair, &seen, Timestamp::from_second(70).unwrap()).await.unwrap();
    record_check(&store, &pair, &seen, Timestamp::from_second(65).unwrap()).await.unwrap();
    assert_eq!(
        read_state_snapshot(&store, &pair).await.unwrap().last_checked(),
        done(70).last_sync,
        "of two looks the first counts"
    );
    commit(&pass, &store, notes(1..2), None).await.unwrap();
    let seen = read_state_snapshot(&store, &pair).await.unwrap();
    let rows = store.scan(Table::Pairs, PAIR, "", None, 1000).await.unwrap();
    let ops: Vec<Op> =
        rows.into_iter().map(|row| Op::Delete { key: row.key, etag: None }).collect();
    store.commit(Table::Pairs, PAIR, &ops).await.unwrap();
    record_check(&store, &pair, &seen, Timestamp::from_second(80).unwrap()).await.unwrap();
    assert!(matches!(
        commit(&pass, &store, notes(2..3), Some(done(90))).await,
        Err(Error::LeaseLost)
    ));
    assert_eq!(keys(&store, "").await, 0, "a pair that was removed stays so");
}
