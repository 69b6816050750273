//! Google's notifications: watches, what arrives through them, and what happens when nothing
//! arrives (G4-G7, G12, S4). The simulated Google and its clock are used; the scenario delivers the
//! notifications, so it knows which ones were lost.

mod debounce;
mod forged_calls;
mod program;
mod refusals;
mod renewal_timer;
mod withdrawn_consent;

use std::sync::Arc;

use engine::calendar::CalendarId;
use jobs::nudge::QUEUE;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::google::{Role, Sort};
use simulators::traffic::Kind;

use crate::support::product::{self, NotificationOutcome};
use crate::support::push_env::{PushEnv, event, receive};

#[tokio::test]
async fn a_new_pair_is_told_of_its_changes_and_never_polled() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    assert_eq!(env.open_watches(), [1, 1], "asked for before the first pass");
    env.people[0].primary().add(event("Lunch"));
    assert_eq!(env.deliver().await?, [NotificationOutcome::Nudged]);
    env.work().await?;
    assert_eq!((env.count("Lunch"), env.requests(Kind::List)), (1, 1), "one list and one write");
    env.settle().await?;
    env.google.reset_counts();
    for _ in 0..60 {
        jobs::poll_calendars(&env.scope).await?;
        env.work().await?;
        env.wait(60);
    }
    assert_eq!(env.google.counts().total(), 0, "an hour of polls: {:?}", env.google.counts());
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn calls_that_come_twice_late_or_in_disorder_change_nothing() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    for title in ["One", "Two", "Three"] {
        env.people[0].primary().add(event(title));
    }
    env.people[0]
        .primary()
        .patch(&env.people[0].primary().add(event("Four")), json!({ "summary": "Four again" }));
    let mut sent = env.google.pushes().sent()[env.delivered..].to_vec();
    env.delivered += sent.len();
    sent.reverse();
    let mut received = Vec::new();
    for push in sent.iter().chain(&sent) {
        received.push(receive(&env.scope, push).await?);
    }
    assert_eq!(
        received.iter().filter(|received| **received == NotificationOutcome::Nudged).count(),
        2,
        "one look at once, and one for all that followed: {received:?}"
    );
    env.settle().await?;
    assert_eq!(
        ["One", "Two", "Three", "Four", "Four again"].map(|title| env.count(title)),
        [1, 1, 1, 0, 1]
    );
    env.wait(600);
    receive(&env.scope, &sent[0]).await?;
    env.google.reset_counts();
    env.settle().await?;
    assert_eq!(
        env.google.counts().total(),
        1,
        "what brings nothing new costs one list: {:?}",
        env.google.counts()
    );
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn channels_follow_each_other_without_a_gap_and_find_what_was_lost() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    env.google.pushes().way(|way| way.lose = usize::MAX);
    env.people[0].primary().add(event("Lunch"));
    let first = env.google.channels();
    let mut arrived = None;
    for hour in 0..14 * 24 {
        env.wait(3600);
        product::renew_watches(&env.scope, false).await?;
        assert_eq!(env.open_watches(), [1, 1], "hour {hour}");
        env.deliver().await?;
        env.work().await?;
        if arrived.is_none() && env.count("Lunch") == 1 {
            arrived = Some(hour);
        }
    }
    // Six days less one, and two hours more or less.
    assert!(
        arrived.is_some_and(|hour| (116..=123).contains(&hour)),
        "it came with the renewal: {arrived:?}"
    );
    assert!(env.google.channels().iter().all(|channel| !first.contains(channel)));
    let opened = env.google.pushes().sent().iter().filter(|push| push.state == "sync").count();
    assert_eq!((opened, env.requests(Kind::Stop)), (2 + 4, 4), "twice in a fortnight, for each");
    // Those that were stopped are not believed any more.
    let old =
        env.google.pushes().sent().into_iter().find(|push| push.channel == first[0].0).unwrap();
    assert_eq!(receive(&env.scope, &old).await?, NotificationOutcome::Dropped);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_channel_that_cannot_be_followed_lives_on_and_is_tried_again() -> anyhow::Result<()> {
    let (env, _) = PushEnv::paired().await?;
    let first = env.google.channels();
    env.wait(5 * 86_400 + 3 * 3600);
    env.google.faults().always(On::kind(Kind::Watch), Fault::Status(503));
    let outcome = product::renew_watches(&env.scope, false).await?;
    assert_eq!((outcome.created, outcome.failed), (0, 2));
    assert_eq!(env.google.channels(), first, "what there was is kept");
    let states = product::watch_states(&env.scope).await?;
    assert!(
        states.iter().all(|state| state.open
            && state.error.as_ref().is_some_and(|error| error.code == "unreachable")),
        "{states:?}"
    );
    env.google.faults().clear();
    assert_eq!(product::renew_watches(&env.scope, false).await?.created, 2);
    let states = product::watch_states(&env.scope).await?;
    assert!(
        env.open_watches() == [1, 1]
            && states.iter().all(|state| state.open && state.error.is_none()),
        "{states:?}"
    );
    Ok(())
}

/// The response to the watch request is lost, and Google still sends notifications.
#[tokio::test]
async fn a_lost_answer_is_made_up_for_by_the_first_call() -> anyhow::Result<()> {
    let mut env = PushEnv::new().await?;
    env.google.faults().always(On::kind(Kind::Watch), Fault::DropAfter);
    env.pair(env.people[0].address(), env.people[1].address(), true).await?;
    env.work().await?;
    env.google.faults().clear();
    assert_eq!(env.open_watches(), [1, 1]);
    assert!(product::watch_states(&env.scope).await?.iter().all(|state| !state.open));
    assert_eq!(env.deliver().await?, [NotificationOutcome::Confirmed; 2]);
    assert!(
        product::watch_states(&env.scope)
            .await?
            .iter()
            .all(|state| state.open && state.error.is_none())
    );
    product::renew_watches(&env.scope, false).await?;
    assert_eq!(env.open_watches(), [1, 1], "nothing is asked for twice");
    Ok(())
}

#[tokio::test]
async fn a_calendar_of_which_google_does_not_tell_waits_for_the_night_and_says_so()
-> anyhow::Result<()> {
    let mut env = PushEnv::new().await?;
    let import = env.people[0].calendar_of("Club", Sort::Import, Role::Reader);
    env.pair(import.id(), env.people[1].address(), false).await?;
    env.settle().await?;
    assert_eq!((env.open_watches(), env.google.channels().len()), ([0, 1], 1));
    let states = product::watch_states(&env.scope).await?;
    let refused: Vec<_> = states
        .iter()
        .filter(|state| !state.open)
        .filter_map(|state| state.error.as_ref())
        .collect();
    assert!(
        refused.len() == 1
            && refused[0].code == "no_push"
            && refused[0].message.contains("nightly"),
        "{states:?}"
    );
    env.google.reset_counts();
    for _ in 0..24 {
        env.wait(3600);
        product::renew_watches(&env.scope, false).await?;
    }
    assert_eq!(env.requests(Kind::Watch), 0, "no is no, for some days");
    import.add(event("Match"));
    assert_eq!(env.deliver().await?, []);
    jobs::reconcile(&env.scope).await?;
    env.work().await?;
    assert_eq!(env.count("Match"), 1);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn channels_end_with_the_last_pair_that_needs_them() -> anyhow::Result<()> {
    let (mut env, pair) = PushEnv::paired().await?;
    let second = env.people[1].calendar("Team");
    let other = env.pair(env.people[0].address(), second.id(), false).await?;
    env.settle().await?;
    assert_eq!(env.google.channels().len(), 3);
    product::pause_pair(&env.scope, &pair.id).await?;
    assert_eq!(
        (env.open_watches(), env.google.channels().len()),
        ([1, 0], 2),
        "Anna's is needed by the other pair"
    );
    env.people[1].primary().add(event("While paused"));
    product::resume_pair(&env.scope, &pair.id).await?;
    env.settle().await?;
    assert_eq!(env.open_watches(), [1, 1]);
    let seen = env.people[0]
        .primary()
        .items()
        .iter()
        .filter(|event| event["summary"] == "While paused")
        .count();
    assert_eq!(seen, 1, "a change without a notification is found");
    product::remove_pair(&env.scope, &other.id).await?;
    assert_eq!(env.google.channels().len(), 2);
    let account = product::accounts(&env.scope)
        .await?
        .into_iter()
        .find(|account| account.user == "anna@example.org")
        .unwrap();
    product::remove_account(&env.scope, &account.id).await?;
    assert_eq!(env.google.channels(), []);
    assert!(product::watch_states(&env.scope).await?.is_empty());
    env.assert_no_harm();
    Ok(())
}

/// A stop that fails is made up for, and what comes meanwhile is not believed.
#[tokio::test]
async fn a_channel_that_could_not_be_stopped_is_stopped_later() -> anyhow::Result<()> {
    let (mut env, pair) = PushEnv::paired().await?;
    env.google.faults().always(On::kind(Kind::Stop), Fault::Status(503));
    product::remove_pair(&env.scope, &pair.id).await?;
    assert_eq!(env.open_watches(), [1, 1]);
    env.people[0].primary().add(event("Lunch"));
    assert_eq!(env.deliver().await?, [NotificationOutcome::Dropped]);
    env.google.faults().clear();
    product::renew_watches(&env.scope, false).await?;
    assert_eq!(env.open_watches(), [0, 0]);
    Ok(())
}

/// Both the response and the first notification were lost, and another watch was opened: the first
/// notification of the forgotten watch says how to stop it.
#[tokio::test]
async fn a_channel_that_nobody_knew_to_be_open_is_stopped_when_it_calls() -> anyhow::Result<()> {
    let mut env = PushEnv::new().await?;
    env.google.faults().times(2, On::kind(Kind::Watch), Fault::DropAfter);
    env.pair(env.people[0].address(), env.people[1].address(), true).await?;
    env.work().await?;
    product::renew_watches(&env.scope, false).await?;
    assert_eq!(env.open_watches(), [2, 2]);
    env.settle().await?;
    product::renew_watches(&env.scope, false).await?;
    assert_eq!(
        (env.open_watches(), env.requests(Kind::Watch), env.requests(Kind::Stop)),
        ([1, 1], 4, 2)
    );
    product::renew_watches(&env.scope, false).await?;
    assert_eq!((env.open_watches(), env.requests(Kind::Stop)), ([1, 1], 2), "once");
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_eq!(env.count("Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

/// A call that comes while a pass is at work is followed by another pass, however long that one
/// takes.
#[tokio::test]
async fn a_call_during_a_pass_is_looked_at_after_it() -> anyhow::Result<()> {
    let (mut env, pair) = PushEnv::paired().await?;
    let pass = env
        .scope
        .leases
        .acquire("local", &[&product::pair_lease(&pair.id)])
        .await?
        .taken()
        .unwrap();
    env.people[0].primary().add(event("Lunch"));
    env.deliver().await?;
    for _ in 0..300 {
        env.work().await?;
        env.wait(1);
    }
    assert_eq!(
        (env.count("Lunch"), env.scope.queue.len(QUEUE).await?),
        (0, 1),
        "it is put off, once"
    );
    pass.end().await;
    env.settle().await?;
    assert_eq!(env.count("Lunch"), 1);
    Ok(())
}

/// No notification says that Google works again: the pair retries every ten minutes.
#[tokio::test]
async fn a_pair_that_failed_is_tried_again_every_ten_minutes() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    env.google.faults().always(On::kind(Kind::List), Fault::Status(503));
    env.people[0].primary().add(event("Lunch"));
    env.deliver().await?;
    env.work().await?;
    let mut tries = 0;
    for _ in 0..60 {
        env.wait(60);
        jobs::poll_calendars(&env.scope).await?;
        tries += env.work().await?;
    }
    assert_eq!(tries, 6 + 4, "and the queue brings back what a call has led to");
    env.google.faults().clear();
    for _ in 0..10 {
        env.wait(60);
        jobs::poll_calendars(&env.scope).await?;
        env.work().await?;
    }
    assert_eq!(env.count("Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

/// Without a public address there are no notifications; the calendars are not polled instead.
#[tokio::test]
async fn without_a_public_address_nothing_is_asked_for() -> anyhow::Result<()> {
    let mut env = PushEnv::new().await?;
    env.scope.services.setup = Arc::default();
    env.pair(env.people[0].address(), env.people[1].address(), true).await?;
    env.settle().await?;
    product::renew_watches(&env.scope, true).await?;
    env.settle().await?;
    env.google.reset_counts();
    env.people[0].primary().add(event("Lunch"));
    for _ in 0..60 {
        jobs::poll_calendars(&env.scope).await?;
        env.work().await?;
        env.wait(60);
    }
    assert_eq!((env.google.counts().total(), env.google.channels().len()), (0, 0));
    let states: Vec<(CalendarId, bool)> = product::watch_states(&env.scope)
        .await?
        .into_iter()
        .map(|s| (s.calendar, s.error.is_some()))
        .collect();
    assert!(states.len() == 2 && states.iter().all(|(_, said)| *said));
    jobs::reconcile(&env.scope).await?;
    env.work().await?;
    assert_eq!(env.count("Lunch"), 1);
    Ok(())
}
