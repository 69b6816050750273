//! When a pair is due.

use engine::calendar::PairId;
use records::pair_state::HeldRow;
use records::problem::Held;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn row(status: PairStatus) -> StateRecord {
    let now = at("2026-03-10T09:00:00Z");
    StateRecord {
        status: Some(status),
        window_listed_on: Some(now.to_zoned(TimeZone::UTC).date()),
        last_sync: Some(now),
        ..StateRecord::default()
    }
}

const QUIET: [CalendarState; 2] = [CalendarState::Unchanged, CalendarState::Unchanged];

#[test]
fn a_pair_in_step_is_left_alone_until_something_happens() {
    let now = at("2026-03-10T09:01:00Z");
    assert!(!is_due(&row(PairStatus::Ok), QUIET, now));
    assert!(is_due(&row(PairStatus::Ok), [CalendarState::Unchanged, CalendarState::Changed], now));
    assert!(is_due(&StateRecord::default(), QUIET, now), "a new pair");
}

#[test]
fn a_failure_leads_to_one_nudge_and_ends_when_the_server_is_back() {
    let now = at("2026-03-10T09:01:00Z");
    for away in [
        [CalendarState::Unreachable, CalendarState::Unchanged],
        [CalendarState::Changed, CalendarState::Unreachable],
    ] {
        assert!(is_due(&row(PairStatus::Ok), away, now));
        assert!(!is_due(&row(PairStatus::Error), away, now));
    }
    assert!(is_due(&row(PairStatus::Error), QUIET, now));
    assert!(is_due(&row(PairStatus::NeedsReconnect), QUIET, now), "connected again");
}

#[test]
fn a_pass_that_fails_again_and_again_is_tried_less_and_less_often() {
    let begun = at("2026-03-10T09:00:00Z");
    let mut failing = None;
    let mut waits = Vec::new();
    for _ in 0..8 {
        failing = Some(records::pair_state::FailureStreak::extend(failing, begun));
        let row = StateRecord { failing, ..row(PairStatus::Error) };
        let is_due_after =
            |minutes| !is_backing_off(&row, false, begun + SignedDuration::from_mins(minutes));
        assert!(!is_backing_off(&row, true, begun), "its server is back");
        waits.push((0..60).find(|minutes| is_due_after(*minutes)).unwrap());
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10, 10]);
}

#[test]
fn what_was_refused_is_due_when_it_is_to_be_tried_again() {
    let row = StateRecord { next_retry: Some(at("2026-03-10T09:02:00Z")), ..row(PairStatus::Ok) };
    assert!(
        !is_due(&row, QUIET, at("2026-03-10T09:01:59Z"))
            && is_due(&row, QUIET, at("2026-03-10T09:02:00Z"))
    );
}

#[test]
fn an_account_that_needs_its_owner_costs_one_nudge() {
    let now = at("2026-03-10T09:01:00Z");
    assert!(is_due(&row(PairStatus::Ok), [CalendarState::Refused, CalendarState::Changed], now));
    assert!(!is_due(
        &row(PairStatus::NeedsReconnect),
        [CalendarState::Refused, CalendarState::Changed],
        now
    ));
}

#[test]
fn the_daily_listing_is_made_up_for_in_the_morning() {
    let ok = row(PairStatus::Ok);
    assert!(!is_due(&ok, QUIET, at("2026-03-11T00:01:00Z")), "the night is the nightly pass's");
    assert!(is_due(&ok, QUIET, at("2026-03-11T06:00:00Z")));
    assert!(is_due(&ok, QUIET, at("2026-03-12T00:01:00Z")), "switched off for a day");
}

#[test]
fn what_is_held_is_looked_at_again_after_a_while_and_not_every_minute() {
    let mut held = row(PairStatus::Held);
    held.held = Some(HeldRow {
        held: Held::new(&PairId::new("p1"), 9, 10),
        since: at("2026-03-10T09:00:00Z"),
        by_owner: false,
        emptied: vec![],
    });
    assert!(!is_due(&held, QUIET, at("2026-03-10T09:09:00Z")));
    assert!(is_due(&held, QUIET, at("2026-03-10T09:10:00Z")));
    held.last_sync = Some(at("2026-03-10T09:10:00Z"));
    assert!(!is_due(&held, QUIET, at("2026-03-10T09:11:00Z")));
    assert!(is_due(
        &held,
        [CalendarState::Unchanged, CalendarState::Changed],
        at("2026-03-10T09:11:00Z")
    ));
}
