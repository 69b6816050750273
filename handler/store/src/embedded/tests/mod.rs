//! Embedded storage: the contract, and the faults that only a file can have.

mod file;
mod model;
mod processes;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::Embedded;
use crate::contract::{leases_contract, queue_contract, store_contract};
use crate::{Queue, Store};

/// A clock that moves only when the test moves it.
#[derive(Clone, Default)]
struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn open(&self, dir: &Path) -> Embedded {
        let clock = self.clone();
        let now = move || {
            Timestamp::from_millisecond(1_790_000_000_000 + clock.0.load(Ordering::SeqCst)).unwrap()
        };
        Embedded::open(dir, now).expect("the storage opens")
    }
}

fn open(dir: &Path) -> Embedded {
    ManualClock::default().open(dir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    store_contract(async || Arc::new(open(dir.path())) as _).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_the_contract() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
    queue_contract(async || Arc::new(clock.open(dir.path())) as _, async |time| clock.pass(time))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    leases_contract(async || Arc::new(open(dir.path())) as _, async |_| ()).await;
}

#[tokio::test]
async fn messages_are_taken_in_the_order_they_became_visible() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
    let queue = clock.open(dir.path());
    queue.put("q", "delayed", Duration::from_secs(10)).await.unwrap();
    for body in ["first", "second"] {
        queue.put("q", body, Duration::ZERO).await.unwrap();
    }
    clock.pass(Duration::from_secs(11));
    queue.put("q", "last", Duration::ZERO).await.unwrap();
    let bodies: Vec<_> = queue
        .take("q", 32, Duration::from_secs(1))
        .await
        .unwrap()
        .into_iter()
        .map(|m| m.body)
        .collect();
    assert_eq!(bodies, ["first", "second", "delayed", "last"]);
}

#[tokio::test]
async fn a_taken_message_is_hidden_for_a_second_at_least() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
    let queue = clock.open(dir.path());
    queue.put("q", "x", Duration::ZERO).await.unwrap();
    assert_eq!(queue.take("q", 1, Duration::ZERO).await.unwrap().len(), 1);
    assert_eq!(queue.take("q", 1, Duration::ZERO).await.unwrap().len(), 0);
    clock.pass(Duration::from_secs(1));
    assert_eq!(queue.take("q", 1, Duration::ZERO).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_wakes_a_waiting_caller() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Arc::new(open(dir.path()));
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.arrived().await }
    });
    tokio::task::yield_now().await;
    queue.put("q", "later", Duration::from_secs(5)).await.unwrap();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "a delayed message wakes no one");
    queue.put("q", "now", Duration::ZERO).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it is woken").unwrap();
    // A message that came while no caller waited is not missed.
    queue.put("q", "now", Duration::ZERO).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), queue.arrived()).await.expect("it is woken");
}

/// A cancelled caller leaves the connection usable, and no half commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_breaks_nothing() {
    use crate::{Op, Table};
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    for n in 0..50 {
        let store = store.clone();
        let task = tokio::spawn(async move {
            let ops = ["a", "b"].map(|key| Op::Put { key: key.into(), value: n.to_string() });
            store.commit(Table::Pairs, "p", &ops).await
        });
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
    }
    store
        .commit(Table::Pairs, "p", &[Op::Put { key: "c".into(), value: "end".into() }])
        .await
        .unwrap();
    let rows = store.scan(Table::Pairs, "p", "", None, 10).await.unwrap();
    assert_eq!(rows.last().unwrap().value, "end");
    if let [a, b, _] = &rows[..] {
        assert_eq!(a.value, b.value);
    } else {
        assert_eq!(rows.len(), 1, "both rows or neither");
    }
}
