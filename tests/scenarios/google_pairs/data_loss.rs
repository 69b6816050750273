//! What has cost people their calendars elsewhere, at Google: nothing is deleted, doubled or lost
//! for it.

use engine::pair::Side;
use jobs::SyncOptions;
use jobs::report::PairStatus;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::env::checks::{CONFIRMED, FULL, TWO_WAY};
use crate::support::env::google_env::{Desk, ENDS, hour};

const COUNT: usize = 12;

/// Two calendars with events on both sides, at rest.
async fn town(ends: [crate::support::google::End; 2]) -> anyhow::Result<Desk> {
    let desk =
        Desk::with(ends, TWO_WAY, |server| server.manners(|manners| manners.page_size = 5)).await?;
    for n in 0..COUNT {
        desk.google(0).put(
            &format!("event{n}"),
            hour(&format!("2026-04-{:02}", 1 + n), &format!("Event {n}"), json!({})),
        );
    }
    assert_eq!(desk.well().await?, [COUNT as u64, 0, 0]);
    desk.quiet().await?;
    Ok(desk)
}

async fn intact(desk: &Desk) -> anyhow::Result<()> {
    desk.server().faults().clear();
    for side in 0..2 {
        assert_eq!(
            desk.stage.people[side].objects().await?.len(),
            COUNT,
            "{:?}: side {side}",
            desk.ends
        );
    }
    for _ in 0..2 {
        desk.well().await?;
    }
    desk.quiet().await
}

#[tokio::test]
async fn lists_that_break_off_lie_or_forget_delete_nothing() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let desk = town(ends).await?;
        for fault in [
            Fault::EmptyListing,
            Fault::NoEnd,
            Fault::Truncated,
            Fault::Status(500),
            Fault::Status(404),
            Fault::Status(403),
        ] {
            desk.server().faults().always(On::kind(Kind::List), fault);
            for options in [SyncOptions::default(), FULL, SyncOptions { full: true, ..CONFIRMED }] {
                let run = desk.sync_with(options).await;
                assert_eq!(
                    (run.created, run.changed, run.deleted),
                    (0, 0, 0),
                    "{fault:?}: {run:?}"
                );
            }
            desk.server().faults().clear();
            desk.stage.core.wait(7_200);
        }
        // 410 on the first page, then on one in the middle, each of which is read again from the
        // start.
        desk.google(0).touch_all();
        for skip in 0..3 {
            desk.server().faults().after(skip, 1, On::kind(Kind::List), Fault::LostToken);
            desk.well().await?;
        }
        desk.google(0).forget_tokens();
        desk.google(0).patch("event3", json!({ "summary": "Three" }));
        assert_eq!(desk.well().await?, [0, 1, 0]);
        intact(&desk).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_is_gone_or_no_longer_ours_to_read_takes_nothing_with_it()
-> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let desk = town(ends).await?;
        desk.google(0).set_gone(true);
        for options in [SyncOptions::default(), SyncOptions { full: true, ..CONFIRMED }] {
            let run = desk.sync_with(options).await;
            assert_eq!((run.state, run.deleted), (PairStatus::Error, 0), "{run:?}");
        }
        desk.google(0).set_gone(false);
        intact(&desk).await?;
        let account = desk.server().account("anna@example.org");
        account.loses(desk.google(0));
        let run = desk.sync_with(SyncOptions { full: true, ..CONFIRMED }).await;
        assert!(run.error.is_some() && run.deleted == 0, "{run:?}");
        for side in 0..2 {
            assert_eq!(desk.stage.people[side].objects().await?.len(), COUNT);
        }
        desk.clean()?;
    }
    Ok(())
}

#[tokio::test]
async fn consent_that_is_taken_back_stops_the_pair_and_nothing_else() -> anyhow::Result<()> {
    let desk = town(ENDS[1]).await?;
    desk.google(0).put("late1", hour("2026-05-01", "Late", json!({})));
    desk.server().account("anna@example.org").withdraws_consent();
    for _ in 0..2 {
        let run = desk.sync().await;
        assert_eq!(
            (run.state, run.created, run.deleted),
            (PairStatus::NeedsReconnect, 0, 0),
            "{run:?}"
        );
    }
    let status = jobs::status(&desk.stage.core.services, 60).await?;
    assert_eq!(
        (status.pairs.len(), status.pairs[0].copies),
        (1, COUNT as u64),
        "the pair stays, and what it knows"
    );
    assert_eq!(desk.caldav(1).len(), COUNT);
    desk.clean()
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
            let desk = Desk::new(ends, TWO_WAY).await?;
            let put = |n: usize, title: &str| {
                let ics = crate::support::events::object(
                    &format!("uid-{n}"),
                    &format!(
                        "DTSTART:202604{:02}T090000Z\nDTEND:202604{:02}T100000Z\nSUMMARY:{title}",
                        1 + n,
                        1 + n
                    ),
                );
                let person = desk.stage.people[0].clone();
                async move { person.put(&format!("e{n}.ics"), &ics).await }
            };
            put(0, "Zero").await?;
            put(1, "One").await?;
            for _ in 0..2 {
                desk.server().faults().next(On::kind(Kind::Insert), fault);
                desk.sync().await;
            }
            desk.server().faults().clear();
            settled(&desk, fault).await?;
            assert_eq!(desk.google(1).len(), 2, "{fault:?}");
            put(0, "Nought").await?;
            desk.stage.people[0].delete("e1.ics").await?;
            for kind in [Kind::Update, Kind::Delete] {
                desk.server().faults().next(On::kind(kind), fault);
            }
            desk.sync().await;
            desk.server().faults().clear();
            settled(&desk, fault).await?;
            assert_eq!(desk.google(1).len(), 1, "{fault:?}");
            assert!(desk.shown(Side::To, "Nought").await.is_ok(), "{fault:?}");
            desk.quiet().await?;
        }
    }
    Ok(())
}

/// After the longest wait that a quota asks for.
async fn settled(desk: &Desk, fault: Fault) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..4 {
        desk.stage.core.wait(90_000);
        let run = desk.sync_with(FULL).await;
        if run.error.is_none() && run.actions.is_empty() {
            return Ok(());
        }
        last = Some(run);
    }
    anyhow::bail!("{fault:?}: {last:?}")
}
