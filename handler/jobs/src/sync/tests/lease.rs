//! A pass that may have lost its lease writes nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store::{Acquired, Hold, Lease, Leases};

use super::all;
use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::april;
use super::world::{OPTIONS, World};
use records::problem::PairStatus;

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
async fn lost_at(world: &mut World, side: usize, call: CalendarCall) -> (PairStatus, Vec<String>) {
    let before = world.scope.leases.clone();
    let lost = Arc::new(AtomicBool::new(false));
    world.scope.services.leases = Arc::new(Until(lost.clone()));
    world.remotes[side].lock().meanwhile(call, move |_| lost.store(true, Ordering::Relaxed));
    let run = world.try_run(OPTIONS).await;
    assert_eq!(run.created + run.changed + run.deleted, 0);
    let writes = world.writes();
    world.scope.services.leases = before;
    (run.state, writes)
}

#[tokio::test]
async fn nothing_is_made_without_a_lease() {
    let mut world = World::one_way().await.filled(2).await;
    world.from().put(april("dentist", 1));
    assert_eq!(lost_at(&mut world, 0, CalendarCall::Fetch).await, (PairStatus::Error, all([])));
    assert_eq!((world.pass().await.created, world.count()), (1, [3, 3]));
    world.rest().await;
}

#[tokio::test]
async fn nothing_is_changed_without_a_lease() {
    for side in [0, 1] {
        let (mut world, copy) = dentist(true).await;
        let id = if side == 0 { "dentist.ics" } else { &copy };
        world.remotes[side].lock().change(id, |event| event.content.title = "surgeon".into());
        assert_eq!(
            lost_at(&mut world, side, CalendarCall::Fetch).await,
            (PairStatus::Error, all([]))
        );
        assert_eq!((world.pass().await.changed, world.has("surgeon")), (1, [true, true]));
        world.rest().await;
    }
}

#[tokio::test]
async fn nothing_is_deleted_without_a_lease() {
    for side in [0, 1] {
        let (mut world, copy) = dentist(true).await;
        let id = if side == 0 { "dentist.ics" } else { &copy };
        world.remotes[side].lock().remove(id);
        assert_eq!(
            lost_at(&mut world, side, CalendarCall::Absence).await,
            (PairStatus::Error, all([]))
        );
        assert_eq!((world.pass().await.deleted, world.count()), (1, [4, 4]));
        world.rest().await;
    }
}
