//! Deletions in numbers, and the window: what is held, what is released, and what no listing is
//! evidence of (L3, L8).

use engine::pair::Side;
use engine::plan::Answer;
use jobs::SyncOptions;
use jobs::report::Run;
use records::problem::{HeldKind, PairStatus};
use serde_json::{Value, json};

use crate::support::env_checks::{CONFIRMED, FULL};
use crate::support::events::object;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};
use crate::support::servers::Provider;

const DAY: i64 = 86_400;

/// So many events on the first side, all of them copied.
async fn crowd(ends: [Provider; 2], terms: Terms, count: usize) -> anyhow::Result<GoogleEnv> {
    let env = GoogleEnv::new(ends, terms).await?;
    for n in 0..count {
        let (month, day) = (3 + n / 20, 11 + n % 20);
        let event = object(
            &format!("uid-{n}"),
            &format!(
                "DTSTART:2026{month:02}{day}T090000Z\nDTEND:2026{month:02}{day}T100000Z\nSUMMARY:Event {n}"
            ),
        );
        env.people[0].put(&format!("e{n}.ics"), &event).await?;
    }
    assert_eq!(env.sync_ok().await?[0], count as u64);
    env.check_at_rest().await?;
    Ok(env)
}

/// Deletes so many of the events of a side.
async fn delete(env: &GoogleEnv, side: usize, count: usize) -> anyhow::Result<()> {
    for (name, _) in env.people[side].objects().await?.into_iter().take(count) {
        env.people[side].delete(&name).await?;
    }
    Ok(())
}

async fn left(env: &GoogleEnv) -> anyhow::Result<[usize; 2]> {
    Ok([env.people[0].objects().await?.len(), env.people[1].objects().await?.len()])
}

#[track_caller]
fn held(run: &Run, deletions: u64, of: u64) {
    assert_eq!((run.state, run.deleted), (PairStatus::Held, 0), "{run:?}");
    assert_eq!(
        run.held.as_ref().map(|held| (held.deletions, held.of)),
        Some((deletions, of)),
        "{run:?}"
    );
}

#[tokio::test]
async fn many_deletions_wait_for_a_word_or_a_second_look() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        // On either side; of a one-way pair only origins take something with them.
        for (terms, side, confirmed) in
            [(ONE_WAY, 0, true), (TWO_WAY, 0, false), (TWO_WAY, 1, true)]
        {
            let env = crowd(ends, terms, 30).await?;
            delete(&env, side, 12).await?;
            let mut kept = [30, 30];
            kept[side] = 18;
            for options in [SyncOptions::default(), FULL, SyncOptions::default()] {
                held(&env.sync_with(options).await, 12, 30);
                assert_eq!(left(&env).await?, kept, "{ends:?} {terms:?}");
            }
            let run = if confirmed {
                env.sync_with(CONFIRMED).await
            } else {
                // Each is looked for by itself, and none is there.
                env.wait(660);
                env.sync().await
            };
            assert_eq!((run.state, run.deleted), (PairStatus::Ok, 12), "{run:?}");
            assert_eq!(left(&env).await?, [18, 18]);
            env.check_at_rest().await?;
        }
        // A few go at once; of one-way pairs too, where copies that stay away are no deletions.
        let env = crowd(ends, TWO_WAY, 30).await?;
        delete(&env, 0, 7).await?;
        assert_eq!(env.sync_ok().await?, [0, 0, 7]);
        let env = crowd(ends, ONE_WAY, 30).await?;
        delete(&env, 1, 29).await?;
        for _ in 0..2 {
            let run = env.sync().await;
            let held = run.held.as_ref().map(|held| (held.kind, held.deletions));
            assert_eq!(
                (run.state, held),
                (PairStatus::Held, Some((HeldKind::Emptied, 29))),
                "{run:?}"
            );
            env.wait(660);
        }
        let answer = Some(Answer::LeaveOut);
        let run = env.sync_with(SyncOptions { answer, ..SyncOptions::default() }).await;
        assert_eq!(
            (run.state, run.skipped, left(&env).await?),
            (PairStatus::Ok, 29, [30, 1]),
            "{run:?}"
        );
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_after_a_forgotten_token_is_held_sooner() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = crowd(ends, TWO_WAY, 30).await?;
        delete(&env, 0, 6).await?;
        env.google(0).forget_tokens();
        held(&env.sync().await, 6, 30);
        env.google(0).put("new1", hour("2026-04-01", "New", json!({})));
        let run = env.sync().await;
        held(&run, 6, 30);
        assert_eq!(
            (run.created, left(&env).await?),
            (1, [25, 31]),
            "{ends:?}: everything else goes on"
        );
        assert_eq!(env.sync_with(CONFIRMED).await.deleted, 6);
        env.check_at_rest().await?;
        // Emptied: that may wait as long as it likes for its owner.
        env.google(0).clear();
        env.google(0).forget_tokens();
        held(&env.sync().await, 25, 25);
        env.wait(7_200);
        held(&env.sync().await, 25, 25);
        assert_eq!(left(&env).await?, [0, 25]);
        assert_eq!(env.sync_with(CONFIRMED).await.deleted, 25);
        env.check_at_rest().await?;
    }
    Ok(())
}

fn days(title: &str, from: &str, to: &str) -> Value {
    json!({"summary": title, "start": {"date": from}, "end": {"date": to}})
}

/// On the first day of the scenario, the window is from 10 December 2025 to 10 March 2027.
#[tokio::test]
async fn the_window_takes_what_touches_it() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        let series = |title: &str, day: &str, rule: &str| {
            hour(day, title, json!({"recurrence": [format!("RRULE:{rule}")]}))
        };
        google.put("past1", hour("2025-12-09", "Before", json!({})));
        google.put("past2", days("Over its beginning", "2025-12-01", "2025-12-12"));
        google.put("late1", days("Over its end", "2027-03-09", "2027-03-20"));
        google.put("late2", days("After", "2027-03-10", "2027-03-11"));
        google.put("gone1", series("Ended", "2025-01-07", "FREQ=WEEKLY;UNTIL=20251201T000000Z"));
        google.put("long1", series("Since long ago", "1999-03-02", "FREQ=WEEKLY"));
        google.put(
            "long2",
            series("Ends within", "2024-03-05", "FREQ=WEEKLY;UNTIL=20260501T000000Z"),
        );
        google.put("next1", series("Begins later", "2027-03-11", "FREQ=DAILY"));
        // Its rule has ended long ago, and one occurrence was put off into the window.
        google.put("late3", series("Put off", "2025-10-07", "FREQ=WEEKLY;COUNT=3"));
        google.patch("late3_20251021T090000Z", hour("2026-05-05", "Put off at last", json!({})));
        assert_eq!(env.sync_ok().await?[0], 5, "{ends:?}");
        let mut seen: Vec<String> =
            env.people[1].agenda().await?.iter().map(simulators::agenda::Entry::summary).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(
            seen,
            [
                "Ends within",
                "Over its beginning",
                "Over its end",
                "Put off",
                "Put off at last",
                "Since long ago"
            ]
        );
        env.check_at_rest().await?;
        // Two days later two more have come in; nothing that fell out at the past end is taken
        // away.
        env.wait(2 * DAY);
        assert_eq!(env.sync_ok().await?, [2, 0, 0]);
        env.wait(60 * DAY);
        assert_eq!(env.sync_ok().await?, [0, 0, 0]);
        assert_eq!(left(&env).await?[1], 7);
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn events_leave_the_window_at_either_end() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        let env = crowd(ends, TWO_WAY, 3).await?;
        let move_to = |name: &'static str, from: &'static str, to: &'static str| {
            let person = env.people[0].clone();
            async move { person.edit(name, |ics| ics.replace(from, to)).await }
        };
        let after: Vec<&str> = vec!["20280311", "20260311"];
        move_to("e0.ics", "20260311", after[0]).await?;
        assert_eq!(env.sync_ok().await?, [0, 0, 1], "{ends:?}: beyond its far end");
        move_to("e1.ics", "20260312", "20240312").await?;
        assert_eq!(
            env.sync_ok().await?,
            [0, 1, 0],
            "{ends:?}: into the past, and its copy with it"
        );
        move_to("e0.ics", after[0], after[1]).await?;
        assert_eq!(env.sync_ok().await?, [1, 0, 0], "{ends:?}: back again");
        env.check_at_rest().await?;
        // A copy is moved far away: that is an edit like any other, and goes back.
        let copy = env.shown(Side::To, "Event 2").await?.name;
        env.people[1].edit(&copy, |ics| ics.replace("20260313", "20240313")).await?;
        assert_eq!(env.sync_ok().await?, [0, 1, 0], "{ends:?}");
        assert!(env.shown(Side::From, "Event 2").await?.times[0].starts_with("20240313"));
        env.check_at_rest().await?;
        // Years go by, and nothing does.
        for _ in 0..3 {
            env.wait(200 * DAY);
            assert_eq!(env.sync_ok().await?, [0; 3], "{ends:?}");
            assert_eq!(left(&env).await?, [3, 3], "{ends:?}");
        }
    }
    Ok(())
}
