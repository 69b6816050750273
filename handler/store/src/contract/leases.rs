//! The contract of leases.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::fresh;
use crate::{Lease, Leases};

pub(super) async fn all(make: &impl AsyncFn() -> Arc<dyn Leases>, pass: &impl AsyncFn(Duration)) {
    one_holder(&*make().await, &*make().await, pass).await;
    names_are_apart(&*make().await).await;
    one_winner(make).await;
}

async fn acquire(leases: &dyn Leases, name: &str) -> Option<Lease> {
    leases.acquire(name).await.expect("a lease can be asked for")
}

/// A lease that was dropped is free, at once or soon.
async fn free_again(leases: &dyn Leases, name: &str, pass: &impl AsyncFn(Duration)) -> Lease {
    for _ in 0..30 {
        if let Some(lease) = acquire(leases, name).await {
            return lease;
        }
        pass(Duration::from_secs(1)).await;
    }
    panic!("a lease that was dropped is free again");
}

async fn one_holder(leases: &dyn Leases, other: &dyn Leases, pass: &impl AsyncFn(Duration)) {
    let name = &fresh("lease");
    let lease = acquire(leases, name).await.expect("a lease that nobody holds is free");
    assert!(acquire(leases, name).await.is_none(), "a lease has one holder, also within one handle");
    assert!(acquire(other, name).await.is_none(), "and among handles");
    pass(Duration::from_secs(60)).await;
    assert!(acquire(other, name).await.is_none(), "time does not end a lease while its holder lives");
    drop(lease);
    let lease = free_again(other, name, pass).await;
    assert!(acquire(leases, name).await.is_none(), "it has passed to the other one");
    drop(lease);
    drop(free_again(leases, name, pass).await);
}

async fn names_are_apart(leases: &dyn Leases) {
    let base = fresh("lease");
    let long = format!("{base}{}", "x".repeat(2_000));
    let names =
        [base.clone(), base.to_uppercase(), format!("{base} "), format!("{base}/../x"), format!("{base}\\*?"), format!("{base}é📅"), long];
    let mut held = Vec::new();
    for name in &names {
        held.push(acquire(leases, name).await.expect("each name has a lease of its own, whatever is in it"));
        assert!(acquire(leases, name).await.is_none(), "and it is held");
    }
}

async fn one_winner(make: &impl AsyncFn() -> Arc<dyn Leases>) {
    let (name, handles) = (fresh("lease"), [make().await, make().await]);
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (leases, name) = (handles[n % 2].clone(), name.clone());
        tasks.spawn(async move { acquire(&*leases, &name).await });
    }
    // Whoever got it holds it until all have tried.
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().flatten().count(), 1, "one of many gets the lease");
}
