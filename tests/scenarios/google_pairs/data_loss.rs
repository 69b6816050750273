//! What has cost people their calendars elsewhere, at Google: nothing is deleted, doubled or lost
//! for it.

use engine::pair::Side;
use jobs::SyncOptions;
use records::problem::PairStatus;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::env_checks::{CONFIRMED, FULL};
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::TWO_WAY;

const COUNT: usize = 12;

/// Two calendars with events on both sides, at rest.
async fn filled_env(ends: [crate::support::servers::Provider; 2]) -> anyhow::Result<GoogleEnv> {
    let env =
        GoogleEnv::with(ends, TWO_WAY, |server| server.manners(|manners| manners.page_size = 5))
            .await?;
    for n in 0..COUNT {
        env.google(0).put(
            &format!("event{n}"),
            hour(&format!("2026-04-{:02}", 1 + n), &format!("Event {n}"), json!({})),
        );
    }
    assert_eq!(env.sync_ok().await?, [COUNT as u64, 0, 0]);
    env.check_at_rest().await?;
    Ok(env)
}

async fn intact(env: &GoogleEnv) -> anyhow::Result<()> {
    env.server().faults().clear();
    for side in 0..2 {
        assert_eq!(env.people[side].objects().await?.len(), COUNT, "{:?}: side {side}", env.ends);
    }
    for _ in 0..2 {
        env.sync_ok().await?;
    }
    env.check_at_rest().await
}

#[tokio::test]
async fn lists_that_break_off_lie_or_forget_delete_nothing() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = filled_env(ends).await?;
        for fault in [
            Fault::EmptyListing,
            Fault::NoEnd,
            Fault::Truncated,
            Fault::Status(500),
            Fault::Status(404),
            Fault::Status(403),
        ] {
            env.server().faults().always(On::kind(Kind::List), fault);
            for options in [SyncOptions::default(), FULL, SyncOptions { full: true, ..CONFIRMED }] {
                let run = env.sync_with(options).await;
                assert_eq!(
                    (run.created, run.changed, run.deleted),
                    (0, 0, 0),
                    "{fault:?}: {run:?}"
                );
            }
            env.server().faults().clear();
            env.wait(7_200);
        }
        // 410 on the first page, then on one in the middle, each of which is read again from the
        // start.
        env.google(0).touch_all();
        for skip in 0..3 {
            env.server().faults().after(skip, 1, On::kind(Kind::List), Fault::LostToken);
            env.sync_ok().await?;
        }
        env.google(0).forget_tokens();
        env.google(0).patch("event3", json!({ "summary": "Three" }));
        assert_eq!(env.sync_ok().await?, [0, 1, 0]);
        intact(&env).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_is_gone_or_no_longer_ours_to_read_takes_nothing_with_it()
-> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = filled_env(ends).await?;
        env.google(0).set_gone(true);
        for options in [SyncOptions::default(), SyncOptions { full: true, ..CONFIRMED }] {
            let run = env.sync_with(options).await;
            assert_eq!((run.state, run.deleted), (PairStatus::Error, 0), "{run:?}");
        }
        env.google(0).set_gone(false);
        intact(&env).await?;
        let account = env.server().account("anna@example.org");
        account.loses(env.google(0));
        let run = env.sync_with(SyncOptions { full: true, ..CONFIRMED }).await;
        assert!(run.error.is_some() && run.deleted == 0, "{run:?}");
        for side in 0..2 {
            assert_eq!(env.people[side].objects().await?.len(), COUNT);
        }
        env.check_servers()?;
    }
    Ok(())
}

#[tokio::test]
async fn consent_that_is_taken_back_stops_the_pair_and_nothing_else() -> anyhow::Result<()> {
    let env = filled_env(ENDS[1]).await?;
    env.google(0).put("late1", hour("2026-05-01", "Late", json!({})));
    env.server().account("anna@example.org").withdraws_consent();
    for _ in 0..2 {
        let run = env.sync().await;
        assert_eq!(
            (run.state, run.created, run.deleted),
            (PairStatus::NeedsReconnect, 0, 0),
            "{run:?}"
        );
    }
    let status = jobs::status(&env.scope, 60).await?;
    assert_eq!(
        (status.pairs.len(), status.pairs[0].copies),
        (1, COUNT as u64),
        "the pair stays, and what it knows"
    );
    assert_eq!(env.caldav(1).len(), COUNT);
    env.check_servers()
}

#[tokio::test]
async fn refused_writes_are_made_later_and_lost_answers_double_nothing() -> anyhow::Result<()> {
    let refused = |status, reason| Fault::Refused { status, reason };
    let faults = [
        Fault::DropAfter,
        Fault::StatusAfter(504),
        Fault::Truncated,
        Fault::Status(503),
        refused(412, "conditionNotMet"),
        refused(403, "rateLimitExceeded"),
        refused(403, "userRateLimitExceeded"),
        refused(429, "rateLimitExceeded"),
        refused(403, "quotaExceeded"),
        refused(403, "accessNotConfigured"),
        refused(403, "forbidden"),
        refused(409, "conflict"),
    ];
    for ends in [ENDS[0], ENDS[2]] {
        for fault in faults {
            let env = GoogleEnv::new(ends, TWO_WAY).await?;
            let put = |n: usize, title: &str| {
                let ics = crate::support::events::object(
                    &format!("uid-{n}"),
                    &format!(
                        "DTSTART:202604{:02}T090000Z\nDTEND:202604{:02}T100000Z\nSUMMARY:{title}",
                        1 + n,
                        1 + n
                    ),
                );
                let person = env.people[0].clone();
                async move { person.put(&format!("e{n}.ics"), &ics).await }
            };
            put(0, "Zero").await?;
            put(1, "One").await?;
            for _ in 0..2 {
                env.server().faults().next(On::kind(Kind::Insert), fault);
                env.sync().await;
            }
            env.server().faults().clear();
            settled(&env, fault).await?;
            assert_eq!(env.google(1).len(), 2, "{fault:?}");
            put(0, "Nought").await?;
            env.people[0].delete("e1.ics").await?;
            for kind in [Kind::Update, Kind::Delete] {
                env.server().faults().next(On::kind(kind), fault);
            }
            env.sync().await;
            env.server().faults().clear();
            settled(&env, fault).await?;
            assert_eq!(env.google(1).len(), 1, "{fault:?}");
            assert!(env.shown(Side::To, "Nought").await.is_ok(), "{fault:?}");
            env.check_at_rest().await?;
        }
    }
    Ok(())
}

/// After the longest wait that a quota asks for.
async fn settled(env: &GoogleEnv, fault: Fault) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..4 {
        env.wait(90_000);
        let run = env.sync_with(FULL).await;
        if run.error.is_none() && run.actions.is_empty() {
            return Ok(());
        }
        last = Some(run);
    }
    anyhow::bail!("{fault:?}: {last:?}")
}
