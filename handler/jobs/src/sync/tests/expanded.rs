//! A series whose rule the calendar of its copies cannot hold: each occurrence has a copy.

use engine::event::{Event, EventId, Exception, OriginalStart, Series};
use jiff::civil::date;

use super::env::{FULL, PairEnv};
use super::reasons;
use super::sample_events::{april, at};

const MONTHLY: &str = "BYMONTHDAY=31";

/// The last days of the months that have 31.
fn last_days(rule: &str) -> Event {
    let mut event = april("rent", 1);
    event.content.span = at(date(2026, 3, 31).at(9, 0, 0, 0), 1);
    event.series = Some(Series { rules: vec![rule.into()], ..Series::default() });
    event
}

fn rule() -> String {
    format!("FREQ=MONTHLY;{MONTHLY};COUNT=6")
}

fn start(month: i8) -> OriginalStart {
    OriginalStart::At(format!("2026-{month:02}-31T09:00:00Z").parse().unwrap())
}

/// A pair with such a series, which has six copies, and three other events.
async fn expanded(two_way: bool) -> PairEnv {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.to().manners.cannot_hold = Some(MONTHLY);
    env.from().put(last_days(&rule()));
    let env = env.filled(3).await;
    assert_eq!(env.count(), [4, 9]);
    assert!(env.problems().await.is_empty());
    env
}

#[tokio::test]
async fn each_occurrence_has_a_copy_and_is_at_rest() {
    for two_way in [false, true] {
        let env = expanded(two_way).await;
        env.rest().await;
        env.run(FULL).await;
        assert_eq!(env.count(), [4, 9]);
        env.minutes(60 * 24);
        env.pass().await;
        env.rest().await;
        assert_eq!(env.count(), [4, 9]);
    }
}

#[tokio::test]
async fn the_window_rolls_over_a_series_without_end() {
    let env = PairEnv::one_way().await;
    env.to().manners.cannot_hold = Some(MONTHLY);
    env.from().put(last_days(&format!("FREQ=MONTHLY;{MONTHLY}")));
    env.pass().await;
    let before = env.count()[1];
    env.minutes(60 * 24 * 62);
    env.pass().await;
    assert!(env.count()[1] > before, "{before} {:?}", env.count());
    env.rest().await;
}

#[tokio::test]
async fn changes_of_the_series_reach_the_copies() {
    let env = expanded(false).await;
    env.from().change("rent.ics", |event| event.content.title = "due".into());
    assert_eq!(env.pass().await.changed, 6);
    env.from().change("rent.ics", |event| {
        event.series.as_mut().unwrap().exceptions.insert(start(5), Exception::Cancelled);
    });
    let run = env.pass().await;
    assert_eq!((run.deleted, run.changed, env.count()), (1, 0, [4, 8]));
    env.from().change("rent.ics", |event| {
        let mut moved = event.content.clone();
        moved.span = at(date(2026, 8, 30).at(9, 0, 0, 0), 1);
        let series = event.series.as_mut().unwrap();
        series.exceptions.insert(start(8), Exception::Changed(Box::new(moved)));
    });
    assert_eq!((env.pass().await.changed, env.count()), (1, [4, 8]));
    env.rest().await;
    env.from().remove("rent.ics");
    let run = env.pass().await;
    assert_eq!((run.deleted, run.held.is_some(), env.count()), (5, false, [3, 3]));
    env.rest().await;
}

#[tokio::test]
async fn an_edited_or_deleted_copy_changes_its_occurrence() {
    let env = expanded(true).await;
    let id = EventId::instance("rent.ics", start(5));
    let copy = env.copy(id.as_str()).await;
    env.to().change(&copy, |event| event.content.title = "later".into());
    assert_eq!(env.pass().await.changed, 1);
    let event = env.one(0, "rent");
    let exceptions = &event.series.as_ref().unwrap().exceptions;
    assert!(matches!(
        exceptions.get(&start(5)),
        Some(Exception::Changed(content)) if content.title == "later"
    ));
    env.rest().await;
    env.to().remove(&copy);
    assert_eq!(env.pass().await.deleted, 1);
    let event = env.one(0, "rent");
    assert_eq!(event.series.unwrap().exceptions.get(&start(5)), Some(&Exception::Cancelled));
    assert_eq!(env.count(), [4, 8]);
    env.rest().await;
}

#[tokio::test]
async fn a_series_that_cannot_be_held_any_more_gets_single_copies() {
    for two_way in [false, true] {
        let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
        env.to().manners.cannot_hold = Some(MONTHLY);
        env.from().put(last_days("FREQ=MONTHLY;BYMONTHDAY=28;COUNT=6"));
        let env = env.filled(3).await;
        assert_eq!(env.count(), [4, 4]);
        env.from().change("rent.ics", |event| {
            event.series.as_mut().unwrap().rules = vec![rule()];
        });
        env.pass().await;
        assert_eq!(env.count(), [4, 9], "{two_way}");
        env.rest().await;
        assert_eq!(env.count(), [4, 9]);
    }
}

#[tokio::test]
async fn a_copy_that_shows_something_else_gives_way_to_single_copies() {
    let env = PairEnv::two_way().await;
    env.to().manners.cannot_hold = Some(MONTHLY);
    env.from().put(last_days("FREQ=MONTHLY;BYMONTHDAY=28;COUNT=6"));
    let env = env.filled(3).await;
    env.from().change("rent.ics", |event| {
        event.series.as_mut().unwrap().rules = vec![rule()];
    });
    let copy = env.copy("rent.ics").await;
    env.to().change(&copy, |event| event.content.title = "later".into());
    env.pass().await;
    assert_eq!(env.count(), [4, 9], "{:?}", env.titles());
    env.rest().await;
    assert_eq!(env.count(), [4, 9]);
}

#[tokio::test]
async fn what_cannot_be_followed_is_named() {
    let env = expanded(false).await;
    env.from().unreadable.insert(EventId::new("rent.ics"));
    env.from().change("rent.ics", |event| event.content.title = "due".into());
    let run = env.pass().await;
    assert_eq!((run.deleted, env.count()), (0, [4, 9]));
    assert!(!reasons(&run).is_empty() || !env.problems().await.is_empty());
    env.from().unreadable.clear();
    env.minutes(60 * 24);
    env.run(FULL).await;
    assert_eq!(
        (env.count(), env.titles()[1].iter().filter(|title| *title == "due").count()),
        ([4, 9], 6)
    );
}
