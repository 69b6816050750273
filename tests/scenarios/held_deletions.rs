//! The guard over all that a pass would delete: what is held stays held until it is answered, and
//! an answer covers what was shown.

use jobs::SyncOptions;
use jobs::report::Run;
use records::problem::PairStatus;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::events::many;
use crate::support::installation::Terms;

const CONFIRM: SyncOptions = SyncOptions {
    dry_run: false,
    full: false,
    confirm_deletions: true,
    answer: None,
    background: false,
};
const TEN_MINUTES: i64 = 601;

fn two_way() -> Terms {
    Terms { two_way: true, ..Terms::default() }
}

fn event(n: usize, day: &str, more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//person//EN\nBEGIN:VEVENT\nUID:u{n}\nDTSTAMP:20260301T000000Z\nDTSTART:{day}T090000Z\nDTEND:{day}T100000Z\nSUMMARY:Event {n}\n{more}END:VEVENT\nEND:VCALENDAR\n"
    )
}

async fn filled_env(count: usize, terms: Terms) -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    for n in 0..count {
        env.people[0].put(&format!("e{n}.ics"), &event(n, &format!("202604{:02}", 1 + n % 28), ""));
    }
    let run = env.sync().await;
    assert_eq!((run.state, run.created), (PairStatus::Ok, count as u64));
    Ok(env)
}

fn copies(env: &Env, count: usize) -> Vec<String> {
    env.people[1].names().into_iter().take(count).collect()
}

fn did(run: &Run) -> (PairStatus, u64) {
    (run.state, run.deleted)
}

#[tokio::test]
async fn what_is_held_stays_held_whatever_is_made_meanwhile() -> anyhow::Result<()> {
    let env = filled_env(40, two_way()).await?;
    for name in copies(&env, 12) {
        env.people[1].delete(&name);
    }
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    for (name, object) in many(10) {
        env.people[1].put(&format!("own-{name}"), &object.replace("UID:", "UID:own-"));
    }
    for _ in 0..2 {
        assert_eq!(
            did(&env.sync().await),
            (PairStatus::Held, 0),
            "twelve of more copies are no fewer deletions"
        );
    }
    env.wait(TEN_MINUTES);
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 12), "both looks have seen these twelve");
    Ok(())
}

#[tokio::test]
async fn a_calendar_whose_events_are_all_gone_waits_for_its_owner_whatever_is_made_there()
-> anyhow::Result<()> {
    let env = filled_env(7, two_way()).await?;
    env.people[0].clear();
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    env.people[0].put("new.ics", &event(99, "20260405", ""));
    for _ in 0..3 {
        env.wait(TEN_MINUTES);
        assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
        assert!(env.people[1].len() >= 7);
    }
    Ok(())
}

#[tokio::test]
async fn a_confirmation_covers_what_was_shown_and_nothing_that_came_later() -> anyhow::Result<()> {
    let env = filled_env(100, Terms::default()).await?;
    for n in 0..26 {
        env.people[0].delete(&format!("e{n}.ics"));
    }
    let held = env.sync().await.held.expect("it is held");
    assert_eq!(held.deletions, 26);
    for n in 26..76 {
        env.people[0].delete(&format!("e{n}.ics"));
    }
    let run = env.sync_with(CONFIRM).await;
    assert_eq!(
        (did(&run), run.held.map(|held| held.deletions)),
        ((PairStatus::Held, 26), Some(50))
    );
    assert_eq!(env.people[1].len(), 74);
    assert_eq!(did(&env.sync_with(CONFIRM).await), (PairStatus::Ok, 50), "these were shown by now");
    Ok(())
}

/// For every cause, the guard decides over all deletions together at the end.
#[tokio::test]
async fn a_second_look_releases_no_more_than_fifty_whatever_the_cause() -> anyhow::Result<()> {
    for (count, released) in [(60, 0), (40, 40)] {
        for cancelled in [true, false] {
            let env = filled_env(count, Terms::default()).await?;
            for n in 0..count {
                env.people[0].edit(&format!("e{n}.ics"), |ics| {
                    if cancelled {
                        ics.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")
                    } else {
                        ics.replace(":2026", ":2028")
                    }
                });
            }
            assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
            env.wait(TEN_MINUTES);
            assert_eq!(env.sync().await.deleted, released, "{count} {cancelled}");
            assert_eq!(env.people[1].len() as u64, count as u64 - released);
        }
    }
    Ok(())
}

/// What a pass deleted counts for the day, also where the pass fails in the end.
#[tokio::test]
async fn the_deletions_of_a_pass_that_fails_count_for_the_day() -> anyhow::Result<()> {
    let env = filled_env(560, Terms::default()).await?;
    let delete = |numbers: std::ops::Range<usize>| {
        for n in numbers {
            env.people[0].delete(&format!("e{n}.ics"));
        }
    };
    delete(0..480);
    env.reset_counts();
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    // Its password is changed in the middle.
    let before = usize::try_from(env.servers[1].counts().total())?;
    env.servers[1].faults().after(before + 470, usize::MAX, On::any(), Fault::Status(401));
    let run = env.sync_with(CONFIRM).await;
    assert!(run.error.is_some() && (460..480).contains(&run.deleted), "{run:?}");
    env.servers[1].faults().clear();
    delete(480..515);
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0), "more than a quarter");
    env.wait(TEN_MINUTES);
    assert_eq!(
        did(&env.sync().await),
        (PairStatus::Held, 0),
        "with the others they are more than 500"
    );
    env.wait(86_400);
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 515 - run.deleted), "another day");
    Ok(())
}

#[tokio::test]
async fn copies_of_the_past_are_no_reason_to_delete_all_that_is_to_come() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    for n in 0..60 {
        env.people[0]
            .put(&format!("e{n}.ics"), &event(n, &format!("202603{:02}", 10 + n % 10), ""));
    }
    assert_eq!(env.sync().await.created, 60);
    env.wait(150 * 86_400);
    env.sync().await;
    for n in 60..76 {
        env.people[0]
            .put(&format!("e{n}.ics"), &event(n, &format!("202609{:02}", 10 + n % 10), ""));
    }
    assert_eq!(env.sync().await.created, 16);
    for n in 60..76 {
        env.people[0].delete(&format!("e{n}.ics"));
    }
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0), "every event of the window went");
    Ok(())
}

/// Copies that would stay away count with what would be deleted.
#[tokio::test]
async fn what_would_be_left_out_is_held_with_what_would_be_deleted() -> anyhow::Result<()> {
    let env = filled_env(60, Terms::default()).await?;
    let gone = copies(&env, 8);
    for name in &gone {
        env.people[1].delete(name);
    }
    let left = env.people[1].agenda();
    for entry in &left[..10] {
        let number = entry.summary().replace("Event ", "");
        assert!(env.people[0].delete(&format!("e{number}.ics")));
    }
    for _ in 0..2 {
        let run = env.sync().await;
        assert_eq!(
            (did(&run), run.skipped, run.held.map(|held| held.deletions)),
            ((PairStatus::Held, 0), 0, Some(18))
        );
    }
    env.wait(TEN_MINUTES);
    let run = env.sync().await;
    assert_eq!((did(&run), run.skipped, env.people[1].len()), ((PairStatus::Ok, 10), 8, 42));
    Ok(())
}

/// A calendar of originals lost all of its events, and some are back: the rest is asked about as
/// before.
#[tokio::test]
async fn what_only_its_owner_may_release_waits_for_its_owner() -> anyhow::Result<()> {
    let env = filled_env(7, two_way()).await?;
    let back = env.people[0].objects();
    env.people[0].clear();
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    for (name, object) in &back[..4] {
        env.people[0].plant(name, object);
    }
    for _ in 0..3 {
        env.wait(TEN_MINUTES);
        assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
        assert_eq!(env.people[1].len(), 7);
    }
    assert_eq!(did(&env.sync_with(CONFIRM).await), (PairStatus::Ok, 3));
    Ok(())
}

/// This machine's clock goes ahead by itself: ten minutes have not passed.
#[tokio::test]
async fn a_clock_that_is_ahead_is_no_second_look() -> anyhow::Result<()> {
    let env = filled_env(40, two_way()).await?;
    for name in copies(&env, 12) {
        env.people[1].delete(&name);
    }
    env.set_servers_ahead(0);
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    env.wait(3_600);
    env.set_servers_ahead(-3_600);
    assert_eq!(did(&env.sync().await), (PairStatus::Held, 0));
    env.set_servers_ahead(0);
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 12));
    Ok(())
}

/// This machine's clock is behind by months: what lies at the window's end seems to lie beyond it.
#[tokio::test]
async fn a_clock_that_is_behind_moves_nothing_out_of_the_window() -> anyhow::Result<()> {
    const MONTHS: i64 = 60 * 86_400;
    for terms in [Terms::default(), two_way()] {
        let env = filled_env(40, terms).await?;
        for n in 40..42 {
            env.people[0].put(&format!("e{n}.ics"), &event(n, "20270220", ""));
        }
        assert_eq!(env.sync().await.created, 2);
        env.wait(-MONTHS);
        env.set_servers_ahead(MONTHS);
        assert_eq!((env.sync().await.deleted, env.people[1].len()), (0, 42), "{terms:?}");
        env.wait(MONTHS);
        env.set_servers_ahead(0);
        assert_eq!(
            (did(&env.sync().await), env.people[1].len()),
            ((PairStatus::Ok, 0), 42),
            "{terms:?}"
        );
    }
    Ok(())
}
