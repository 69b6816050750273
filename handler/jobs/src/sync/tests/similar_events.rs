//! Events that are similar, and are not taken for each other.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::provider::ProviderKind;
use engine::reason::Reason;
use jiff::SignedDuration;
use jiff::civil::date;
use providers::Error;

use super::deletions::dentist;
use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on};
use super::take_over::{anew, foreign};
use super::{all, reasons};

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn refuse(env: &PairEnv, side: usize, call: CalendarCall, id: &str) {
    env.remotes[side]
        .lock()
        .refused
        .insert((call, Some(EventId::new(id))), Error::Refused("not now".into()));
}

#[tokio::test]
async fn a_copy_of_another_maker_finds_its_origin_outside_the_window_and_nothing_else_there_is_named()
 {
    for brings in [false, true] {
        let env = PairEnv::one_way().await;
        let old = event("old", "old", on(date(2020, 1, 1)));
        env.to().put(foreign(&old, "theirs.ics", true));
        env.from().put(old);
        env.from().put(event("other", "other", on(date(2020, 2, 1))));
        env.from().put(april("new", 1));
        env.from().manners.brings = brings;
        let run = env.pass().await;
        assert_eq!(
            (run.created, reasons(&run).contains(&Reason::OutsideWindow)),
            (1, false),
            "{brings}"
        );
        assert_eq!(
            (env.asked(CalendarCall::ListAll), env.asked(CalendarCall::Fetch)[0]),
            ([2, 1], if brings { 0 } else { 3 })
        );
    }
}

#[tokio::test]
async fn what_a_refused_write_may_have_left_is_not_written_over_as_a_whole() {
    let (env, copy) = dentist(false).await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    refuse(&env, 1, CalendarCall::Rewrite, &copy);
    env.pass().await;
    env.to().refused.clear();
    env.minutes(5);
    assert_eq!(
        (env.pass().await.changed, env.asked(CalendarCall::Rewrite), env.asked(CalendarCall::Edit)),
        (1, [0, 0], [0, 1])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_taken_over_under_its_name_is_not_written_over_as_a_whole() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    env.to().unlisted.insert(EventId::new(&copy));
    anew(&mut env, false, false).await;
    env.pass().await;
    env.to().unlisted.clear();
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(
        (env.pass().await.changed, env.asked(CalendarCall::Rewrite), env.asked(CalendarCall::Edit)),
        (1, [0, 0], [0, 1])
    );
}

#[tokio::test]
async fn an_origin_that_was_made_out_of_a_copy_gets_a_mark_of_its_own() {
    let (env, _) = dentist(true).await;
    let copy = env.one(1, "dentist");
    env.to()
        .put(Event { uid: "duplicate@example.org".into(), ..named(copy.clone(), "duplicate.ics") });
    assert_eq!((env.pass().await.created, env.asked(CalendarCall::Edit)), (1, [0, 1]));
    let marked =
        env.to().all().into_iter().find(|event| event.id.as_str() == "duplicate.ics").unwrap();
    assert!(marked.marker.is_some() && marked.marker != copy.marker);
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_seen_in_the_calendar_of_its_origin_before_spares_that() {
    let (env, copy) = dentist(true).await;
    let event = env.one(1, "dentist");
    env.from().put(named(event, "moved.ics"));
    assert_eq!(reasons(&env.pass().await), [Reason::OwnCopy]);
    env.to().remove(&copy);
    let run = env.pass().await;
    assert_eq!((run.deleted, reasons(&run)), (0, vec![Reason::OwnCopy, Reason::Suppressed]));
    assert_eq!(
        (env.mapping("dentist.ics").await.state, env.count()),
        (MappingState::Suppressed, [6, 4])
    );
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_is_given_late_under_the_name_that_another_one_had_is_a_third() {
    let (env, copy) = dentist(false).await;
    let moved = env.from().remove("dentist.ics");
    env.from().put(named(moved, "moved.ics"));
    env.pass().await;
    env.from().put(Event { uid: "swimming".into(), ..named(april("swimming", 20), "dentist.ics") });
    refuse(&env, 0, CalendarCall::Fetch, "dentist.ics");
    assert_eq!(reasons(&env.pass().await), [Reason::RefusedByServer]);
    env.from().refused.clear();
    env.minutes(5);
    assert_eq!((env.pass().await.created, env.count()), (1, [6, 6]));
    assert_eq!(
        (env.copy("moved.ics").await == copy, env.copy("dentist.ics").await == copy),
        (true, false)
    );
    env.rest().await;
}

#[tokio::test]
async fn what_is_archived_is_live_again_also_where_its_copy_is_not_listed() {
    let (env, copy) = dentist(false).await;
    let days = SignedDuration::from_hours(24 * 150);
    env.wait(days);
    env.pass().await;
    assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Archived);
    env.to().unlisted.insert(EventId::new(copy));
    env.wait(-days);
    env.pass().await;
    assert_eq!((env.mapping("dentist.ics").await.state, env.count()), (MappingState::Live, [5, 5]));
}

#[tokio::test]
async fn a_provider_that_uses_up_names_gets_another_one_for_what_it_does_not_show() {
    let (mut env, _) = super::unseen::unseen(false).await;
    env.pass().await;
    env.google(1).await;
    env.run(FULL).await;
    assert_eq!(env.asked(CalendarCall::Create), [0, 2]);
}

#[tokio::test]
async fn the_copy_of_an_ended_pair_beside_an_origin_whose_own_copy_is_gone_is_not_copied() {
    let mut env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let third = env.connect("club", ProviderKind::Caldav).await;
    let ended = env.add(0, third, &engine::pair::Pair { two_way: false, ..env.pair.clone() }).await;
    let pair = std::mem::replace(&mut env.pair, ended.clone());
    env.pass().await;
    crate::pairs::remove_pair(&env.scope, &ended.id).await.unwrap();
    env.pair = pair;
    let copy = env.copy("dentist.ics").await;
    env.to().remove(&copy);
    env.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&env.pass().await), [Reason::HasGuests]);
    env.from().refused.clear();
    let left = env.one(third, "dentist");
    env.to().put(named(left, "left.ics"));
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), env.titles()),
        (0, vec![Reason::AlreadyThere], [all(["dentist"]), all(["dentist"])])
    );
}

#[tokio::test]
async fn the_copy_of_another_pair_that_was_passed_over_needs_no_mention() {
    let mut env = PairEnv::one_way().await;
    let club = env.connect("club", ProviderKind::Caldav).await;
    let first = env.pair.clone();
    env.remotes[club].lock().put(april("swimming", 2));
    env.pair = env.add(club, 1, &first).await;
    env.pass().await;
    let copy = env.copy("swimming.ics").await;
    env.pair = first;
    env.from().put(april("dentist", 1));
    refuse(&env, 1, CalendarCall::Fetch, &copy);
    for _ in 0..5 {
        env.try_run(OPTIONS).await;
    }
    assert_eq!((env.problems().await.len(), env.has("dentist")), (1, [true, true]));
    env.to().refused.clear();
    env.minutes(600);
    env.pass().await;
    assert_eq!(env.problems().await.len(), 0);
}

#[tokio::test]
async fn a_refused_deletion_of_what_is_gone_by_then_needs_no_other_round() {
    let (env, copy) = dentist(false).await;
    env.from().remove("dentist.ics");
    refuse(&env, 1, CalendarCall::Delete, &copy);
    env.pass().await;
    env.to().refused.clear();
    env.to().remove(&copy);
    env.minutes(5);
    env.pass().await;
    assert_eq!(
        (
            env.has_mapping().await,
            env.asked(CalendarCall::States),
            env.asked(CalendarCall::ListAll)
        ),
        (false, [1, 1], [0, 0])
    );
    assert_eq!(env.problems().await.len(), 0);
}

#[tokio::test]
async fn after_the_echo_of_a_deletion_there_is_nothing_to_list() {
    let (env, _) = dentist(false).await;
    env.to().forget_cursors();
    env.from().remove("dentist.ics");
    assert_eq!((env.pass().await.deleted, env.asked(CalendarCall::ListAll)), (1, [0, 1]));
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::List), env.asked(CalendarCall::ListAll)), ([0, 0], [0, 0]));
}

#[tokio::test]
async fn what_a_day_has_listed_is_still_known_for_what_our_write_has_replaced() {
    let (env, _) = dentist(true).await;
    let before = env.one(1, "dentist");
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.pass().await;
    env.wait(SignedDuration::from_hours(24));
    env.pass().await;
    env.to().stale.insert(before.id.clone(), before);
    env.run(FULL).await;
    assert_eq!(env.has("surgeon"), [true, true]);
}
