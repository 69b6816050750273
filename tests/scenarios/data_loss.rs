//! Failures that have cost users of other programs their calendars (L5, L8, G12 for CalDAV): a read
//! that fails or is incomplete deletes nothing.

use engine::pair::Side;
use jobs::SyncOptions;
use records::problem::PairStatus;
use simulators::caldav::{LostToken, Manners};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::{
    BACKGROUND, CONFIRMED, DRY, FULL, assert_at_rest, code, reconnect,
};
use crate::support::events::object;
use crate::support::installation::Terms;
use crate::support::product::{self, AccountStatus};

/// A pair with so many events of Anna's, all copied, in a calendar where Ben has one of his own.
async fn filled_env(count: usize, two_way: bool) -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic())
        .terms(Terms { two_way, ..Terms::default() })
        .build()
        .await?;
    for n in 0..count {
        env.people[0].put(&name(n), &event(n));
    }
    let own = object("own", "DTSTART:20260401T060000Z\nDTEND:20260401T070000Z\nSUMMARY:Run");
    env.people[1].put("own.ics", &own);
    let run = env.sync().await;
    assert_eq!(run.created as usize, count + usize::from(two_way), "{run:?}");
    env.sync().await;
    Ok(env)
}

fn name(n: usize) -> String {
    format!("e{n:03}.ics")
}

fn event(n: usize) -> String {
    let (day, hour) = (1 + n % 28, n / 28);
    object(
        &format!("uid-{n}"),
        &format!(
            "DTSTART:202604{day:02}T{hour:02}0000Z\nDTEND:202604{day:02}T{hour:02}3000Z\nSUMMARY:Event {n}"
        ),
    )
}

/// Nothing was deleted anywhere, and when the trouble is over nothing is to be mended either.
async fn assert_recovers(env: &Env, before: [usize; 2]) {
    let now = [env.people[0].len(), env.people[1].len()];
    assert_eq!(now, before, "something was deleted, or doubled");
    for server in &env.servers {
        server.faults().clear();
    }
    assert_at_rest(env).await;
    assert_eq!([env.people[0].len(), env.people[1].len()], before);
}

#[tokio::test]
async fn a_listing_that_is_suddenly_empty_is_not_believed() -> anyhow::Result<()> {
    for two_way in [false, true] {
        let env = filled_env(12, two_way).await?;
        let before = [env.people[0].len(), env.people[1].len()];
        for side in [0, 1] {
            env.servers[side].faults().always(
                On::kinds(&[Kind::CalendarQuery, Kind::SyncCollection]),
                Fault::EmptyListing,
            );
            let run = env.sync_with(FULL).await;
            assert_eq!(
                (code(&run), run.state, run.deleted),
                ("suspicious_empty", PairStatus::Error, 0),
                "side {side}: {run:?}"
            );
            // Nor does the owner's own word make it true.
            let confirmed = env.sync_with(SyncOptions { full: true, ..CONFIRMED }).await;
            assert_eq!(confirmed.deleted, 0, "each is looked for by itself: {confirmed:?}");
            env.servers[side].faults().clear();
        }
        assert_recovers(&env, before).await;
    }
    Ok(())
}

#[tokio::test]
async fn all_really_deleted_is_asked_about_first() -> anyhow::Result<()> {
    for lost in [false, true] {
        let env = filled_env(12, false).await?;
        let [anna, ben] = &env.people;
        anna.clear();
        if lost {
            anna.forget_tokens();
        }
        let preview = env.sync_with(DRY).await;
        let run = env.sync().await;
        assert_eq!(
            (run.state, run.deleted, run.actions.len()),
            (PairStatus::Held, 0, 12),
            "{run:?}"
        );
        assert_eq!(preview.actions.len(), 12, "the preview shows it: {preview:?}");
        assert!(run.error.is_none(), "held is no failure");
        let held = run.held.expect("held");
        assert_eq!((held.deletions, held.of), (12, 12));
        assert_eq!(held.confirm, ["sync", "--pair", env.pair.id.as_str(), "--confirm-deletions"]);
        let status = jobs::status(&env.scope, 60).await?;
        assert_eq!(
            (status.pairs[0].held.as_ref(), status.pairs[0].state),
            (Some(&held), PairStatus::Held)
        );
        assert_eq!(ben.len(), 13);

        let run = env.sync_with(CONFIRMED).await;
        assert_eq!((run.deleted, run.state), (12, PairStatus::Ok), "{run:?}");
        assert_eq!(ben.names(), ["own.ics"], "Ben's own event stays");
        assert_eq!(jobs::status(&env.scope, 60).await?.pairs[0].held, None);
        assert_recovers(&env, [0, 1]).await;
    }
    Ok(())
}

/// L8: a tenth or a quarter of the events is deleted, a larger share is held. The rest of the pass
/// is done in either case, and a second look after ten minutes releases what is held.
#[tokio::test]
async fn the_guards_numbers() -> anyhow::Result<()> {
    let env = filled_env(40, false).await?;
    let [anna, ben] = &env.people;
    (0..10).for_each(|n| assert!(anna.delete(&name(n))));
    let run = env.sync().await;
    assert_eq!((run.deleted, run.state), (10, PairStatus::Ok), "ten pass: {run:?}");
    (10..21).for_each(|n| assert!(anna.delete(&name(n))));
    anna.put(
        "new.ics",
        &object("new", "DTSTART:20260501T060000Z\nDTEND:20260501T070000Z\nSUMMARY:New"),
    );
    anna.edit(&name(30), |ics| ics.replace("Event 30", "Thirty"));
    let run = env.sync().await;
    assert_eq!(
        (run.created, run.changed, run.deleted, run.state),
        (1, 1, 0, PairStatus::Held),
        "{run:?}"
    );
    assert_eq!(run.held.map(|held| (held.deletions, held.of)), Some((11, 30)));
    env.wait(590);
    let run = env.sync().await;
    assert_eq!((run.deleted, run.state), (0, PairStatus::Held), "not yet: {run:?}");
    assert_eq!(ben.len(), 32);
    env.wait(20);
    let run = env.sync().await;
    assert_eq!(
        (run.deleted, run.state),
        (11, PairStatus::Ok),
        "each was looked for by itself, ten minutes later: {run:?}"
    );
    assert_recovers(&env, [20, 21]).await;
    Ok(())
}

#[tokio::test]
async fn what_is_put_back_while_it_is_held_is_not_deleted() -> anyhow::Result<()> {
    let env = filled_env(20, false).await?;
    (0..15).for_each(|n| assert!(env.people[0].delete(&name(n))));
    assert_eq!(env.sync().await.state, PairStatus::Held);
    (0..15).for_each(|n| {
        env.people[0].put(&name(n), &event(n));
    });
    env.wait(3_600);
    let run = env.sync().await;
    assert_eq!((run.deleted, run.created, run.state), (0, 0, PairStatus::Ok), "{run:?}");
    assert_recovers(&env, [20, 21]).await;
    Ok(())
}

#[tokio::test]
async fn a_refused_password_stops_everything_until_it_is_given_anew() -> anyhow::Result<()> {
    for side in [0, 1] {
        let env = filled_env(12, true).await?;
        let (user, _) = USERS[side];
        env.servers[side].account(user, "another-secret-1");
        env.people[0].put("late.ics", &event(99));
        for _ in 0..2 {
            let run = env.sync().await;
            assert_eq!(
                (code(&run), run.state, run.deleted),
                ("unauthorized", PairStatus::NeedsReconnect, 0),
                "{run:?}"
            );
        }
        env.servers[side].reset_counts();
        env.sync_with(BACKGROUND).await;
        assert_eq!(
            env.servers[side].counts().total(),
            0,
            "no request is made by itself: the account could be locked for it"
        );
        let accounts = product::accounts(&env.scope).await?;
        assert_eq!(
            accounts
                .iter()
                .filter(|account| account.state == AccountStatus::NeedsReconnect)
                .count(),
            1
        );

        let again = reconnect(&env, side, "another-secret-1").await?;
        assert!(accounts.iter().any(|account| account.id == again.id), "its id stays");
        let run = env.sync().await;
        assert_eq!((run.state, run.created, run.deleted), (PairStatus::Ok, 1, 0), "{run:?}");
        assert_recovers(&env, [14, 14]).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_vanishes_takes_nothing_with_it() -> anyhow::Result<()> {
    for side in Side::BOTH {
        let env = filled_env(12, true).await?;
        let gone = &env.people[side as usize];
        let before = [env.people[0].len(), env.people[1].len()];
        gone.set_hidden(true);
        for options in [SyncOptions::default(), SyncOptions { full: true, ..CONFIRMED }] {
            let run = env.sync_with(options).await;
            assert_eq!(
                (code(&run), run.state, run.deleted),
                ("not_found", PairStatus::Error, 0),
                "{run:?}"
            );
        }
        gone.set_hidden(false);
        assert_recovers(&env, before).await;
    }
    Ok(())
}

#[tokio::test]
async fn answers_that_are_cut_off_or_fail_delete_nothing() -> anyhow::Result<()> {
    let failures = [
        Fault::Truncated,
        Fault::DropAfter,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(404),
        Fault::Status(403),
        Fault::Status(400),
    ];
    for kind in
        [Kind::Propfind, Kind::CalendarQuery, Kind::SyncCollection, Kind::Multiget, Kind::Get]
    {
        let env = filled_env(12, true).await?;
        let before = [env.people[0].len(), env.people[1].len()];
        for fault in failures {
            for side in [0, 1] {
                env.people[side].touch_all();
                env.servers[side].faults().always(On::kind(kind), fault);
                let run = env.sync().await;
                assert_eq!(
                    (run.deleted, run.created, run.held.clone()),
                    (0, 0, None),
                    "{kind:?} {fault:?}: {run:?}"
                );
                let run = env.sync_with(FULL).await;
                assert_eq!(
                    (run.deleted, run.created, run.held.clone()),
                    (0, 0, None),
                    "{kind:?} {fault:?}: {run:?}"
                );
                env.servers[side].faults().clear();
            }
        }
        assert_recovers(&env, before).await;
    }
    Ok(())
}

#[tokio::test]
async fn one_event_that_a_multiget_does_not_find_is_not_deleted() -> anyhow::Result<()> {
    let env = filled_env(12, true).await?;
    let anna = &env.people[0];
    anna.touch_all();
    anna.set_unreadable(&name(3), true);
    anna.edit(&name(4), |ics| ics.replace("Event 4", "Four"));
    let run = env.sync().await;
    assert_eq!((run.deleted, run.changed), (0, 1), "the others go on: {run:?}");
    let run = env.sync_with(FULL).await;
    assert_eq!(run.deleted, 0, "{run:?}");
    anna.set_unreadable(&name(3), false);
    assert_recovers(&env, [13, 13]).await;
    Ok(())
}

#[tokio::test]
async fn everything_listed_as_changed_is_nothing_changed() -> anyhow::Result<()> {
    let env = filled_env(40, true).await?;
    env.people.iter().for_each(simulators::caldav::Calendar::touch_all);
    env.reset_counts();
    let run = env.sync().await;
    assert!(run.error.is_none() && run.actions.is_empty() && env.writes() == [0, 0], "{run:?}");
    assert_recovers(&env, [41, 41]).await;
    Ok(())
}

/// I4: for each answer of a server to a token that it has lost, the changes since then are found.
#[tokio::test]
async fn lost_tokens_of_each_kind() -> anyhow::Result<()> {
    use LostToken::{Everything, Refused, RefusedBare};
    let kinds = [403, 409, 412, 500]
        .map(Refused)
        .into_iter()
        .chain([400, 403, 404, 409, 410, 412, 507].map(RefusedBare))
        .chain([Everything]);
    for lost in kinds {
        let env = filled_env(30, true).await?;
        let [anna, ben] = &env.people;
        for (calendar, server) in env.people.iter().zip(&env.servers) {
            server.manners(|manners| manners.lost_token = lost);
            calendar.forget_tokens();
        }
        anna.delete(&name(0));
        anna.edit(&name(1), |ics| ics.replace("Event 1", "One"));
        ben.put("late.ics", &event(99));
        let run = env.sync().await;
        assert!(run.error.is_none() && run.held.is_none(), "{lost:?}: {run:?}");
        assert_eq!((run.created, run.changed, run.deleted), (1, 1, 1), "{lost:?}: {run:?}");
        assert_recovers(&env, [31, 31]).await;
    }
    Ok(())
}

/// A server that answers a token which it has lost with "nothing happened": found out on the next
/// day at the latest.
#[tokio::test]
async fn a_token_lost_in_silence() -> anyhow::Result<()> {
    let env = filled_env(30, true).await?;
    let [anna, ben] = &env.people;
    for (calendar, server) in env.people.iter().zip(&env.servers) {
        server.manners(|manners| manners.lost_token = LostToken::Nothing);
        calendar.forget_tokens();
    }
    anna.delete(&name(0));
    anna.edit(&name(1), |ics| ics.replace("Event 1", "One"));
    ben.put("late.ics", &event(99));
    env.sync().await;
    env.wait(86_400);
    env.sync().await;
    assert_recovers(&env, [31, 31]).await;
    assert!(ben.find("SUMMARY:One").is_some() && anna.find("SUMMARY:Event 99").is_some());
    Ok(())
}
