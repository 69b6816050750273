//! What both calendars hold on one day, and what is said of each event.

use engine::event::{EventId, Span};
use engine::provider::ProviderKind;
use engine::reason::Reason;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use providers::Error;

use super::env::PairEnv;
use super::memory_calendar::{CalendarCall, ServerQuirks};
use super::sample_events::{april, at, event, weekly};
use crate::day::{self, Day, MOST_EVENTS};
use crate::next_step::NextStep;
use crate::{Error as JobError, Result};

impl PairEnv {
    async fn try_day(&self, on: Date) -> Result<Day> {
        day::events(&self.scope, &self.pair.id, on, "Europe/Berlin").await
    }

    /// Title, calendar (0 for that of `from`), and what is said of each event of a day.
    async fn day(&self, on: Date) -> Vec<(String, usize, bool, Option<Reason>)> {
        let answer = self.try_day(on).await.unwrap();
        assert!(answer.unread.is_empty() && answer.exists && !answer.more, "{answer:?}");
        let line = |event: &day::DayEvent| {
            let calendar = usize::from(event.calendar != self.pair.from);
            (event.title.0.clone(), calendar, event.copied, event.reason)
        };
        answer.events.iter().map(line).collect()
    }
}

const APRIL_1: Date = date(2026, 4, 1);

#[tokio::test]
async fn each_event_of_a_day_is_there_with_its_verdict() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.from().put(april("tomorrow", 2));
    let mut declined = april("declined", 1);
    declined.declined = true;
    env.from().put(declined);
    env.to().put(event("own", "own", at(date(2026, 4, 1).at(20, 0, 0, 0), 1)));
    env.pass().await;
    env.from().put(event("new", "new", at(date(2026, 4, 1).at(21, 0, 0, 0), 1)));
    env.forget_calls();
    let mut lines = env.day(APRIL_1).await;
    lines.sort();
    let line = |title: &str, calendar, copied, reason| (title.to_owned(), calendar, copied, reason);
    assert_eq!(
        lines,
        [
            line("declined", 0, false, Some(Reason::Declined)),
            line("dentist", 0, true, None),
            line("dentist", 1, false, Some(Reason::OwnCopy)),
            line("new", 0, false, None),
            line("own", 1, false, None),
        ]
    );
    assert!(env.writes().is_empty(), "{:?}", env.writes());
    let answer = env.try_day(APRIL_1).await.unwrap();
    let starts: Vec<_> = answer.events.iter().map(|event| event.start.clone()).collect();
    assert!(starts.is_sorted() && starts[0].as_deref() == Some("2026-04-01T09:00:00Z"));
    let copy = answer.events.iter().find_map(|event| event.copy.clone()).unwrap();
    assert_eq!(copy, env.copy("dentist.ics").await);
    for event in &answer.events {
        assert!(!crate::next_step::names_command(&event.neutral_message()));
    }
    assert!(!serde_json::to_string(&answer).unwrap().contains("dentist\""), "no title");
    assert!(!format!("{answer:?}").contains("\"dentist\""), "no title");
}

#[tokio::test]
async fn a_series_is_there_by_its_occurrence_and_a_trip_on_each_of_its_days() {
    let env = PairEnv::one_way().await;
    env.from().put(weekly(april("swim", 1), 3));
    let trip = Span::AllDay { start: date(2026, 4, 14), end: date(2026, 4, 16) };
    env.from().put(event("trip", "trip", trip));
    env.pass().await;
    let on = async |day| {
        let answer = env.try_day(date(2026, 4, day)).await.unwrap();
        let from = answer.events.into_iter().filter(|event| event.calendar == env.pair.from);
        from.map(|event| (event.event, event.start.unwrap())).collect::<Vec<_>>()
    };
    let swim = |day| ("swim.ics".to_owned(), format!("2026-04-{day:02}T09:00:00Z"));
    let trip = ("trip.ics".to_owned(), "2026-04-14".to_owned());
    assert_eq!(on(1).await, [swim(1)]);
    assert_eq!(on(2).await, []);
    assert_eq!(on(8).await, [swim(8)]);
    assert_eq!(on(14).await, std::slice::from_ref(&trip));
    assert_eq!(on(15).await, [trip, swim(15)]);
    assert_eq!((on(16).await, on(22).await), (vec![], vec![]), "the series has ended");
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_does_not_hide_the_other_one() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let refuse = |error: Error| ((CalendarCall::ListAll, None), error);
    env.to().refused.extend([refuse(Error::Unreachable("500".into()))]);
    let answer = env.try_day(APRIL_1).await.unwrap();
    assert!(answer.events.len() == 1 && answer.events[0].copied, "{answer:?}");
    let unread = &answer.unread[0];
    assert_eq!((&unread.calendar, unread.error.code.as_str()), (&env.pair.to, "unreachable"));
    assert_eq!(unread.told.next, NextStep::Retry);
    env.from().refused.extend([refuse(Error::Unauthorized)]);
    let error = env.try_day(APRIL_1).await.unwrap_err();
    assert!(matches!(error, JobError::Provider(Error::Unauthorized)), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_there_without_a_time() {
    let env = PairEnv::one_way().await;
    for name in ["odd", "even"] {
        env.from().put(april(name, 1));
    }
    env.from().unreadable.insert(EventId::new("odd.ics"));
    let answer = env.try_day(APRIL_1).await.unwrap();
    let last = answer.events.last().unwrap();
    assert_eq!((last.event.as_str(), &last.start), ("odd.ics", &None));
    assert_eq!((last.copied, last.reason), (false, Some(Reason::Unreadable)));
}

#[tokio::test]
async fn a_listing_without_marks_does_not_make_copies_look_like_events() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let quirks = ServerQuirks { brings: true, hides_marks: true, ..ServerQuirks::default() };
    env.to().manners = quirks;
    // The other pair has no mapping of it: only its mark says that it is a copy.
    let third = env.connect("third", ProviderKind::Caldav).await;
    let second = env.add(1, third, &env.pair).await;
    let answer = day::events(&env.scope, &second.id, APRIL_1, "UTC").await.unwrap();
    let copy = answer.events.iter().find(|event| event.calendar == env.pair.to).unwrap();
    assert_eq!(copy.reason, Some(Reason::OwnCopy), "{answer:?}");
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let env = PairEnv::one_way().await;
    for n in 0..MOST_EVENTS + 20 {
        env.from().put(april(&format!("e{n}"), 1));
    }
    let answer = env.try_day(APRIL_1).await.unwrap();
    assert!(answer.events.len() == MOST_EVENTS && answer.more);
    let far = env.try_day(APRIL_1.saturating_add(2.days())).await.unwrap();
    assert!(far.events.is_empty() && !far.more);
}
