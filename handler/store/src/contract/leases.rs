//! The contract of leases.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::names::random_name;
use crate::{Acquired, Lease, Leases};

pub(super) async fn all(make: &impl AsyncFn() -> Arc<dyn Leases>, pass: &impl AsyncFn(Duration)) {
    one_holder(&*make().await, &*make().await, pass).await;
    ended_means_free(&*make().await, &*make().await).await;
    all_or_none(&*make().await, &*make().await).await;
    names_are_apart(&*make().await).await;
    one_winner(make).await;
    one_of_overlapping_holders_succeeds(make).await;
}

async fn acquire(leases: &dyn Leases, scope: &str, names: &[&str]) -> Option<Lease> {
    leases.acquire(scope, names).await.expect("leases can be asked for").taken()
}

async fn busy(leases: &dyn Leases, scope: &str, names: &[&str]) -> Option<usize> {
    match leases.acquire(scope, names).await.expect("leases can be asked for") {
        Acquired::Busy(index) => Some(index),
        Acquired::Taken(_) => None,
    }
}

/// A dropped lease is free, at once or soon.
async fn free_again(
    leases: &dyn Leases,
    scope: &str,
    names: &[&str],
    pass: &impl AsyncFn(Duration),
) -> Lease {
    for _ in 0..30 {
        if let Some(lease) = acquire(leases, scope, names).await {
            return lease;
        }
        pass(Duration::from_secs(1)).await;
    }
    panic!("leases that were dropped are free again");
}

async fn one_holder(leases: &dyn Leases, other: &dyn Leases, pass: &impl AsyncFn(Duration)) {
    let scope = &random_name("scope");
    let names = ["one", "two"];
    let lease = acquire(leases, scope, &names).await.expect("leases without a holder are free");
    assert!(lease.holds(), "and held from then on");
    assert!(
        acquire(leases, scope, &names).await.is_none(),
        "a lease has one holder, also within one handle"
    );
    assert!(acquire(other, scope, &names).await.is_none(), "and among handles");
    pass(Duration::from_secs(60)).await;
    for name in names {
        assert!(
            acquire(other, scope, &[name]).await.is_none(),
            "time does not end a lease while its holder lives"
        );
    }
    assert!(lease.holds(), "nor does its holder think so");
    drop(lease);
    let lease = free_again(other, scope, &names, pass).await;
    assert!(acquire(leases, scope, &names).await.is_none(), "it has passed to the other one");
    drop(lease);
    drop(free_again(leases, scope, &names, pass).await);
    assert!(leases.pause() > Duration::ZERO, "there is a time to wait between two tries");
}

async fn ended_means_free(leases: &dyn Leases, other: &dyn Leases) {
    let scope = &random_name("scope");
    for _ in 0..3 {
        acquire(leases, scope, &["a", "b"]).await.expect("the one before was ended").end().await;
        acquire(other, scope, &["b", "c"])
            .await
            .expect("what was ended is free at once")
            .end()
            .await;
    }
}

async fn all_or_none(leases: &dyn Leases, other: &dyn Leases) {
    let scope = &random_name("scope");
    let middle = acquire(leases, scope, &["b"]).await.expect("free");
    for (names, index) in
        [(["a", "b", "c"], 1), (["b", "a", "c"], 0), (["c", "a", "b"], 2), (["a", "a", "b"], 2)]
    {
        assert_eq!(
            busy(other, scope, &names).await,
            Some(index),
            "the busy one is named: {names:?}"
        );
        for name in ["a", "c"] {
            acquire(other, scope, &[name])
                .await
                .expect("where one is busy, none is taken")
                .end()
                .await;
        }
    }
    let last = acquire(leases, scope, &["c"]).await.expect("free");
    for (names, index) in
        [(["a", "b", "c"], 1), (["c", "b", "a"], 0), (["b", "a", "c"], 0), (["a", "c", "b"], 1)]
    {
        assert_eq!(
            busy(other, scope, &names).await,
            Some(index),
            "of two busy ones the first is named: {names:?}"
        );
    }
    last.end().await;
    middle.end().await;
    let lease =
        acquire(other, scope, &["a", "a", "b"]).await.expect("the same name twice counts once");
    assert_eq!(
        busy(leases, scope, &["b"]).await,
        Some(0),
        "each of those that were taken together is held"
    );
    assert!(
        acquire(leases, &random_name("scope"), &["a"]).await.is_some(),
        "in another scope it is another name"
    );
    lease.end().await;
    assert!(acquire(leases, scope, &[]).await.is_some(), "no names at all are free");
}

async fn names_are_apart(leases: &dyn Leases) {
    let base = random_name("lease");
    let long = format!("{base}{}", "x".repeat(2_000));
    let names = [
        base.clone(),
        base.to_uppercase(),
        format!("{base} "),
        format!("{base}/../x"),
        format!("{base}\\*?"),
        format!("{base}é📅"),
        long,
    ];
    let mut held = Vec::new();
    for scope in &names {
        for name in &names {
            held.push(acquire(leases, scope, &[name]).await.expect(
                "each name has a lease of its own, for any characters in it or in its scope",
            ));
            assert!(acquire(leases, scope, &[name]).await.is_none(), "and it is held");
        }
    }
}

async fn one_winner(make: &impl AsyncFn() -> Arc<dyn Leases>) {
    let (scope, handles) = (random_name("scope"), [make().await, make().await]);
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (leases, scope) = (handles[n % 2].clone(), scope.clone());
        tasks.spawn(async move { acquire(&*leases, &scope, &["a", "b"]).await });
    }
    // The winner holds the lease until all have tried.
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().flatten().count(), 1, "one of many gets the leases");
}

/// Each holder wants two of three names, in another order: each gets them, and never two holders at
/// once.
async fn one_of_overlapping_holders_succeeds(make: &impl AsyncFn() -> Arc<dyn Leases>) {
    let (scope, handles) = (random_name("scope"), [make().await, make().await]);
    let inside = Arc::new(tokio::sync::Mutex::new(()));
    let mut tasks = JoinSet::new();
    for (n, names) in [["a", "b"], ["b", "c"], ["c", "b"], ["b", "a"]].into_iter().enumerate() {
        let (leases, scope, inside) = (handles[n % 2].clone(), scope.clone(), inside.clone());
        tasks.spawn(async move {
            for _ in 0..600 {
                if let Some(lease) = acquire(&*leases, &scope, &names).await {
                    let alone =
                        inside.try_lock().expect("all of them want b, and one at a time has it");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    drop(alone);
                    lease.end().await;
                    return;
                }
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            panic!("everybody's turn comes");
        });
    }
    tasks.join_all().await;
}
