//! The store's contract on Azure storage, and what only a service at the other end of a line can
//! get wrong. On Azurite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use simulators::azurite::Azurite;
use simulators::faults::{Fault, On};
use simulators::proxy::Proxy;
use store::azure::{AccountSettings, Azure, Transactions};
use store::contract::{leases_contract, queue_contract, store_contract};
use store::{Error, Leases, Op, Queue, Store, Table};

fn settings(azurite: &Azurite) -> AccountSettings {
    AccountSettings::from_connection_string(&azurite.connection_string())
        .expect("a connection string")
}

fn connect(azurite: &Azurite) -> Azure {
    Azure::connect(&settings(azurite)).expect("connects without a request")
}

/// The storage account behind a proxy that breaks the connections to its tables.
async fn through_a_proxy(azurite: &Azurite) -> (Azure, Proxy) {
    let proxy =
        Proxy::start(&azurite.tables().parse().expect("an address")).await.expect("a proxy starts");
    let tables = format!("{}devstoreaccount1", proxy.url());
    let settings = settings(azurite).at(&tables, &azurite.queues()).expect("an address");
    (Azure::connect(&settings).expect("connects without a request"), proxy)
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn put(key: &str, value: &str) -> Op {
    Op::Put { key: key.into(), value: value.into() }
}

fn insert(key: &str, value: &str) -> Op {
    Op::Insert { key: key.into(), value: value.into() }
}

fn delete(key: &str) -> Op {
    Op::Delete { key: key.into(), etag: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_keep_the_contract_on_azure() {
    let azurite = Azurite::start().await.unwrap();
    store_contract(async || Arc::new(connect(&azurite)) as _).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_the_contract_on_azure() {
    let azurite = Azurite::start().await.unwrap();
    queue_contract(async || Arc::new(connect(&azurite)) as _, pass).await;
}

/// Takes a minute of real time: a lease must outlive its term while its holder lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_keep_the_contract_on_azure() {
    let azurite = Azurite::start().await.unwrap();
    leases_contract(async || Arc::new(connect(&azurite)) as _, pass).await;
}

/// Takes half a minute of real time: the term of the lease.
#[test]
fn a_holder_that_was_killed_blocks_nobody_for_longer_than_the_term() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let azurite = runtime.block_on(Azurite::start()).unwrap();
    let settings = settings(&azurite);
    // A process that dies runs none of its destructors, and renews nothing any more.
    let dying = tokio::runtime::Runtime::new().unwrap();
    let lease = dying.block_on(async {
        Azure::connect(&settings)
            .unwrap()
            .acquire("local", &["pair"])
            .await
            .unwrap()
            .taken()
            .unwrap()
    });
    dying.shutdown_background();
    std::mem::forget(lease);
    runtime.block_on(async {
        let azure = connect(&azurite);
        let began = Instant::now();
        loop {
            let lease = azure.acquire("local", &["pair"]).await.unwrap().taken();
            if lease.is_some() {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(40), "a dead holder still blocks");
            pass(Duration::from_millis(500)).await;
        }
        assert!(
            began.elapsed() > Duration::from_secs(25),
            "a holder was given up too early: it may only be slow"
        );
        azure.settle().await;
    });
}

#[tokio::test]
async fn a_lease_has_ended_once_its_holder_has_settled() {
    let azurite = Azurite::start().await.unwrap();
    let (azure, next) = (connect(&azurite), connect(&azurite));
    for _ in 0..5 {
        drop(
            azure
                .acquire("local", &["pair"])
                .await
                .unwrap()
                .taken()
                .expect("the one before has ended"),
        );
        azure.settle().await;
        drop(next.acquire("local", &["pair"]).await.unwrap().taken().expect("it has ended"));
        next.settle().await;
    }
}

/// A process that waits for a lease may be cut off while the request is on its way, and the request
/// is still carried out.
#[tokio::test]
async fn a_lease_that_nobody_waits_for_any_more_is_given_back() {
    let azurite = Azurite::start().await.unwrap();
    let (azure, proxy) = through_a_proxy(&azurite).await;
    let next = connect(&azurite);
    azure.acquire("local", &["pair"]).await.unwrap().taken().unwrap().end().await;
    // On its way for a second, and carried out; the result arrives at the second try only.
    for fault in [Fault::Delay(Duration::from_secs(1)), Fault::StatusAfter(503)] {
        proxy.faults().next(On::any(), fault);
        let mut acquire = azure.acquire("local", &["pair"]);
        while proxy.faults().waiting() {
            assert!(futures::poll!(&mut acquire).is_pending());
            pass(Duration::from_millis(10)).await;
        }
        drop(acquire);
        pass(Duration::from_millis(300)).await;
        azure.settle().await;
        let lease =
            next.acquire("local", &["pair"]).await.unwrap().taken().expect("it was given back");
        lease.end().await;
    }
}

/// Takes a good half of a minute of real time: the term of the lease.
#[tokio::test]
async fn a_holder_knows_that_its_lease_is_lost_before_anybody_has_taken_it() {
    let azurite = Azurite::start().await.unwrap();
    let (azure, proxy) = through_a_proxy(&azurite).await;
    let next = connect(&azurite);
    let names = ["pair", "calendar"];
    let lease = azure.acquire("local", &names).await.unwrap().taken().unwrap();
    assert!(lease.holds());
    proxy.faults().always(On::any(), Fault::Status(503));
    let taken = loop {
        if let Some(taken) = next.acquire("local", &names[..1]).await.unwrap().taken() {
            break taken;
        }
        pass(Duration::from_millis(300)).await;
    };
    assert!(!lease.holds(), "another holder has one of them");
    proxy.faults().clear();
    // By now it is renewed in vain; the other one keeps it.
    pass(Duration::from_secs(8)).await;
    assert!(!lease.holds() && taken.holds());
    drop(lease);
    azure.settle().await;
    assert!(
        next.acquire("local", &names[..1]).await.unwrap().taken().is_none(),
        "a lost lease is not ended by its former holder"
    );
    taken.end().await;
}

#[tokio::test]
async fn an_answer_that_got_lost_is_neither_a_conflict_nor_a_second_write() {
    let azurite = Azurite::start().await.unwrap();
    let (azure, proxy) = through_a_proxy(&azurite).await;
    let direct = connect(&azurite);
    azure.commit(Table::Pairs, "p", &[put("made", "1")]).await.unwrap();
    for fault in [Fault::DropAfter, Fault::StatusAfter(503), Fault::Truncated] {
        let key = format!("{fault:?}");
        proxy.faults().next(On::any(), fault);
        let etags = azure
            .commit(Table::Pairs, "p", &[insert(&key, "1"), put("beside", &key)])
            .await
            .unwrap();
        assert!(!proxy.faults().waiting(), "{fault:?} has struck");
        let row = direct.get(Table::Pairs, "p", &key).await.unwrap().unwrap();
        assert_eq!(row.etag, etags[0], "{fault:?}: the ETag is that of the row as it is");
        proxy.faults().next(On::any(), fault);
        let replace = Op::Replace { key: key.clone(), etag: row.etag.clone(), value: "2".into() };
        let etags = azure.commit(Table::Pairs, "p", std::slice::from_ref(&replace)).await.unwrap();
        let row = direct.get(Table::Pairs, "p", &key).await.unwrap().unwrap();
        assert_eq!(
            (row.etag.as_str(), row.value.as_str()),
            (etags[0].as_str(), "2"),
            "{fault:?}: replaced once"
        );
        proxy.faults().next(On::any(), fault);
        let delete = Op::Delete { key: key.clone(), etag: Some(row.etag) };
        azure.commit(Table::Pairs, "p", &[delete]).await.unwrap();
        assert_eq!(direct.get(Table::Pairs, "p", &key).await.unwrap(), None, "{fault:?}: deleted");
        // A write of another process stays a conflict, even if responses are lost.
        direct.commit(Table::Pairs, "p", &[put(&key, "theirs")]).await.unwrap();
        proxy.faults().next(On::any(), fault);
        let outcome = azure
            .commit(Table::Pairs, "p", &[put("beside", "x"), insert(&key, "ours"), replace])
            .await;
        assert!(matches!(outcome, Err(Error::TooLarge(_))), "two writes to one row: {outcome:?}");
        let outcome =
            azure.commit(Table::Pairs, "p", &[put("beside", "x"), insert(&key, "ours")]).await;
        assert!(matches!(outcome, Err(Error::Conflict(1))), "{fault:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_busy_service_is_asked_again_when_it_says_and_given_up_in_time() {
    let azurite = Azurite::start().await.unwrap();
    let (azure, proxy) = through_a_proxy(&azurite).await;
    azure.commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
    for status in [429, 503] {
        proxy.faults().times(2, On::any(), Fault::Throttled { status, retry_after: 1 });
        let (began, before) = (Instant::now(), azure.transactions().tables);
        assert!(azure.get(Table::Pairs, "p", "a").await.unwrap().is_some());
        assert!(began.elapsed() >= Duration::from_secs(2), "{status}: Retry-After is kept");
        assert_eq!(azure.transactions().tables - before, 3, "{status}: each try is counted");
    }
    proxy.faults().always(On::any(), Fault::Status(503));
    let began = Instant::now();
    let outcome = azure.get(Table::Pairs, "p", "a").await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(60), "it ends");
}

#[tokio::test]
async fn a_restart_of_the_service_loses_nothing() {
    let mut azurite = Azurite::start_keeping().await.unwrap();
    let azure = connect(&azurite);
    azure.commit(Table::Pairs, "p", &[put("a", "1")]).await.unwrap();
    azure.put("sync-calendar", "nudge", Duration::ZERO).await.unwrap();
    azurite.restart().await.unwrap();
    assert_eq!(
        azure.get(Table::Pairs, "p", "a").await.unwrap().map(|row| row.value).as_deref(),
        Some("1")
    );
    let messages = azure.take("sync-calendar", 1, Duration::from_secs(30)).await.unwrap();
    assert_eq!(messages.first().map(|message| message.body.as_str()), Some("nudge"));
    azurite.stop().await.unwrap();
    let outcome = azure.get(Table::Pairs, "p", "a").await;
    assert!(
        matches!(&outcome, Err(Error::Unavailable(why)) if !why.contains("127.0.0.1")),
        "{outcome:?}"
    );
}

/// What is paid for: the numbers in the head of `store::azure::rows`.
#[tokio::test]
async fn each_call_costs_what_it_should() {
    let azurite = Azurite::start().await.unwrap();
    let azure = connect(&azurite);
    azure.commit(Table::Pairs, "p", &[put("first", "use")]).await.unwrap();
    azure.put("jobs", "first use", Duration::ZERO).await.unwrap();
    let mut before = azure.transactions();
    let mut paid = || {
        let now = azure.transactions();
        let Transactions { tables, queues } = std::mem::replace(&mut before, now);
        (now.tables - tables, now.queues - queues)
    };
    let hundred: Vec<Op> = (0..100).map(|n| put(&format!("k{n}"), "1")).collect();
    azure.commit(Table::Pairs, "p", &hundred).await.unwrap();
    assert_eq!(paid(), (1, 0), "a commit of a hundred");
    azure.get(Table::Pairs, "p", "k1").await.unwrap();
    assert_eq!(paid(), (1, 0), "a row");
    let keys: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    assert_eq!(azure.get_many(Table::Pairs, "p", &keys).await.unwrap().len(), 20);
    assert_eq!(paid(), (20, 0), "a point read for each of several rows");
    assert_eq!(azure.scan(Table::Pairs, "p", "k", None, 1000).await.unwrap().len(), 100);
    assert_eq!(paid(), (1, 0), "a page");
    azure.commit(Table::Pairs, "p", &["k1", "gone", "k2", "missing"].map(delete)).await.unwrap();
    assert_eq!(
        paid(),
        (5, 0),
        "two deletes of rows that are not there: refused, three looked at, done"
    );
    let names = ["pair", "one calendar", "another"];
    let lease = azure.acquire("local", &names).await.unwrap().taken().unwrap();
    assert_eq!(paid(), (3, 0), "the first leases ever: no table, made, taken");
    assert!(azure.acquire("local", &names[1..]).await.unwrap().taken().is_none());
    assert_eq!(paid(), (2, 0), "leases of which one is held");
    drop(lease);
    azure.settle().await;
    assert_eq!(paid(), (1, 0), "their end");
    azure.acquire("local", &names).await.unwrap().taken().unwrap().end().await;
    assert_eq!(paid(), (2, 0), "three leases, taken and ended");
    azure.put("jobs", "x", Duration::ZERO).await.unwrap();
    let message = azure.take("jobs", 1, Duration::from_secs(30)).await.unwrap().remove(0);
    let message = azure.extend("jobs", &message, Duration::from_secs(30)).await.unwrap();
    azure.delete("jobs", &message).await.unwrap();
    assert_eq!(paid(), (0, 4), "put, take, extend, delete");
}
