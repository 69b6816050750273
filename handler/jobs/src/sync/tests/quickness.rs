//! How long changes take is measured by the passes of the service, and by no other.

use jiff::SignedDuration;
use records::pair_state::quickness::Measured;

use super::env::PairEnv;
use super::sample_events::april;
use crate::status;

impl PairEnv {
    async fn quickness(&self) -> Option<Measured> {
        status(&self.scope, 60).await.unwrap().pairs[0].quickness
    }

    async fn changes(&self) -> u64 {
        self.quickness().await.map_or(0, |measured| measured.changes)
    }

    /// A person makes an event, or changes its title; so many seconds later a pass begins.
    fn put_before(&self, name: &str, title: &str, seconds: i64) {
        let mut event = april(name, 1);
        event.content.title = title.into();
        event.stamps.modified = Some(self.scope.clock.now());
        self.from().put(event);
        self.wait(SignedDuration::from_secs(seconds));
    }
}

/// At rest, after the first pass of a day.
async fn at_rest() -> PairEnv {
    let env = PairEnv::one_way().await;
    env.put_before("first", "first", 60);
    env.in_background(None).await;
    assert_eq!(env.quickness().await, None, "a first sync is no latency");
    env.wait(SignedDuration::from_mins(1));
    env
}

#[tokio::test]
async fn a_change_that_the_service_carries_over_is_measured() {
    let env = at_rest().await;
    env.put_before("dentist", "dentist", 8);
    env.in_background(None).await;
    let Measured { p50_seconds, p95_seconds, changes, days } = env.quickness().await.unwrap();
    assert_eq!((changes, days), (1, 7));
    assert!((5.6..=8.0).contains(&p50_seconds) && p50_seconds <= p95_seconds, "{p50_seconds}");
    env.put_before("dentist", "Dr Who", 8);
    env.in_background(None).await;
    assert_eq!(env.changes().await, 2, "an edit too");
    env.in_background(None).await;
    assert_eq!(env.changes().await, 2, "an echo does not count");
}

#[tokio::test]
async fn what_no_one_waited_for_is_not_measured() {
    let env = at_rest().await;
    env.put_before("one", "one", 8);
    env.pass().await;
    assert_eq!(env.changes().await, 0, "a command");
    let mut old = april("two", 2);
    old.stamps.modified = Some(env.scope.clock.now() - SignedDuration::from_hours(1));
    env.from().put(old);
    env.from().put(april("three", 3));
    env.in_background(None).await;
    assert_eq!(env.changes().await, 0, "changed before the last pass, and without a time");
    env.put_before("four", "four", 2 * 3_600);
    env.in_background(None).await;
    assert_eq!(env.changes().await, 0, "the service was off");
    env.put_before("five", "five", 24 * 3_600);
    env.in_background(None).await;
    assert_eq!(env.changes().await, 0, "the first pass of a day");
    env.wait(SignedDuration::from_mins(1));
    let mut ahead = april("six", 2);
    ahead.stamps.modified = Some(env.scope.clock.now() + SignedDuration::from_hours(1));
    env.from().put(ahead);
    env.in_background(None).await;
    assert_eq!(env.changes().await, 0, "a clock that is an hour ahead");
    env.put_before("seven", "seven", 8);
    env.in_background(None).await;
    assert_eq!(env.changes().await, 1);
}
