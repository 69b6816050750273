//! A pass that may have lost its lease writes nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use records::problem::PairStatus;
use store::{Acquired, Hold, Lease, Leases};

use super::all;
use super::deletions::dentist;
use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;

/// Leases that are taken at once, and held until that is over.
#[derive(Clone)]
struct Until(Arc<AtomicBool>);

#[async_trait]
impl Hold for Until {
    fn holds(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    async fn end(self: Box<Self>) {}
}

#[async_trait]
impl Leases for Until {
    async fn acquire(&self, _: &str, _: &[&str]) -> store::Result<Acquired> {
        Ok(Acquired::Taken(Lease::new(self.clone())))
    }

    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// A pass whose lease is lost when this is asked of a calendar.
async fn lost_at(env: &mut PairEnv, side: usize, call: CalendarCall) -> (PairStatus, Vec<String>) {
    let before = env.scope.leases.clone();
    let lost = Arc::new(AtomicBool::new(false));
    env.scope.services.leases = Arc::new(Until(lost.clone()));
    env.remotes[side].lock().meanwhile(call, move |_| lost.store(true, Ordering::Relaxed));
    let run = env.try_run(OPTIONS).await;
    assert_eq!(run.created + run.changed + run.deleted, 0);
    let writes = env.writes();
    env.scope.services.leases = before;
    (run.state, writes)
}

#[tokio::test]
async fn nothing_is_made_without_a_lease() {
    let mut env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("dentist", 1));
    assert_eq!(lost_at(&mut env, 0, CalendarCall::Fetch).await, (PairStatus::Error, all([])));
    assert_eq!((env.pass().await.created, env.count()), (1, [3, 3]));
    env.rest().await;
}

#[tokio::test]
async fn nothing_is_changed_without_a_lease() {
    for side in [0, 1] {
        let (mut env, copy) = dentist(true).await;
        let id = if side == 0 { "dentist.ics" } else { &copy };
        env.remotes[side].lock().change(id, |event| event.content.title = "surgeon".into());
        assert_eq!(
            lost_at(&mut env, side, CalendarCall::Fetch).await,
            (PairStatus::Error, all([]))
        );
        assert_eq!((env.pass().await.changed, env.has("surgeon")), (1, [true, true]));
        env.rest().await;
    }
}

#[tokio::test]
async fn nothing_is_deleted_without_a_lease() {
    for side in [0, 1] {
        let (mut env, copy) = dentist(true).await;
        let id = if side == 0 { "dentist.ics" } else { &copy };
        env.remotes[side].lock().remove(id);
        assert_eq!(
            lost_at(&mut env, side, CalendarCall::Absence).await,
            (PairStatus::Error, all([]))
        );
        assert_eq!((env.pass().await.deleted, env.count()), (1, [4, 4]));
        env.rest().await;
    }
}
