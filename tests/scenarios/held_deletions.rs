//! The guard over all that a pass would delete: what is held stays held until it is answered, and
//! an answer covers what was shown.

use jobs::SyncOptions;
use jobs::report::{PairStatus, Run};
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};

use crate::support::env::{Terms, World};
use crate::support::events::many;

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

async fn town(count: usize, terms: Terms) -> anyhow::Result<World> {
    let world = World::new([Manners::generic(), Manners::generic()], terms).await?;
    for n in 0..count {
        world.calendars[0]
            .put(&format!("e{n}.ics"), &event(n, &format!("202604{:02}", 1 + n % 28), ""));
    }
    let run = world.sync().await;
    assert_eq!((run.state, run.created), (PairStatus::Ok, count as u64));
    Ok(world)
}

fn copies(world: &World, count: usize) -> Vec<String> {
    world.calendars[1].names().into_iter().take(count).collect()
}

fn did(run: &Run) -> (PairStatus, u64) {
    (run.state, run.deleted)
}

#[tokio::test]
async fn what_is_held_stays_held_whatever_is_made_meanwhile() -> anyhow::Result<()> {
    let world = town(40, two_way()).await?;
    for name in copies(&world, 12) {
        world.calendars[1].delete(&name);
    }
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    for (name, object) in many(10) {
        world.calendars[1].put(&format!("own-{name}"), &object.replace("UID:", "UID:own-"));
    }
    for _ in 0..2 {
        assert_eq!(
            did(&world.sync().await),
            (PairStatus::Held, 0),
            "twelve of more copies are no fewer deletions"
        );
    }
    world.wait(TEN_MINUTES);
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 12), "both looks have seen these twelve");
    Ok(())
}

#[tokio::test]
async fn a_calendar_whose_events_are_all_gone_waits_for_its_owner_whatever_is_made_there()
-> anyhow::Result<()> {
    let world = town(7, two_way()).await?;
    world.calendars[0].clear();
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    world.calendars[0].put("new.ics", &event(99, "20260405", ""));
    for _ in 0..3 {
        world.wait(TEN_MINUTES);
        assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
        assert!(world.calendars[1].len() >= 7);
    }
    Ok(())
}

#[tokio::test]
async fn a_confirmation_covers_what_was_shown_and_nothing_that_came_later() -> anyhow::Result<()> {
    let world = town(100, Terms::default()).await?;
    for n in 0..26 {
        world.calendars[0].delete(&format!("e{n}.ics"));
    }
    let held = world.sync().await.held.expect("it is held");
    assert_eq!(held.deletions, 26);
    for n in 26..76 {
        world.calendars[0].delete(&format!("e{n}.ics"));
    }
    let run = world.sync_with(CONFIRM).await;
    assert_eq!(
        (did(&run), run.held.map(|held| held.deletions)),
        ((PairStatus::Held, 26), Some(50))
    );
    assert_eq!(world.calendars[1].len(), 74);
    assert_eq!(
        did(&world.sync_with(CONFIRM).await),
        (PairStatus::Ok, 50),
        "these were shown by now"
    );
    Ok(())
}

/// Whatever the cause: the last word of the guard is about all of them.
#[tokio::test]
async fn a_second_look_releases_no_more_than_fifty_whatever_the_cause() -> anyhow::Result<()> {
    for (count, released) in [(60, 0), (40, 40)] {
        for cancelled in [true, false] {
            let world = town(count, Terms::default()).await?;
            for n in 0..count {
                world.calendars[0].edit(&format!("e{n}.ics"), |ics| {
                    if cancelled {
                        ics.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")
                    } else {
                        ics.replace(":2026", ":2028")
                    }
                });
            }
            assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
            world.wait(TEN_MINUTES);
            assert_eq!(world.sync().await.deleted, released, "{count} {cancelled}");
            assert_eq!(world.calendars[1].len() as u64, count as u64 - released);
        }
    }
    Ok(())
}

/// What a pass deleted counts for the day, also where the pass fails in the end.
#[tokio::test]
async fn the_deletions_of_a_pass_that_fails_count_for_the_day() -> anyhow::Result<()> {
    let world = town(560, Terms::default()).await?;
    let delete = |numbers: std::ops::Range<usize>| {
        for n in numbers {
            world.calendars[0].delete(&format!("e{n}.ics"));
        }
    };
    delete(0..480);
    world.reset_counts();
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    // Its password is changed in the middle.
    let before = usize::try_from(world.servers[1].counts().total())?;
    world.servers[1].faults().after(before + 470, usize::MAX, On::any(), Fault::Status(401));
    let run = world.sync_with(CONFIRM).await;
    assert!(run.error.is_some() && (460..480).contains(&run.deleted), "{run:?}");
    world.servers[1].faults().clear();
    delete(480..515);
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0), "more than a quarter");
    world.wait(TEN_MINUTES);
    assert_eq!(
        did(&world.sync().await),
        (PairStatus::Held, 0),
        "with the others they are more than 500"
    );
    world.wait(86_400);
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 515 - run.deleted), "another day");
    Ok(())
}

#[tokio::test]
async fn copies_of_the_past_are_no_reason_to_delete_all_that_is_to_come() -> anyhow::Result<()> {
    let world = World::new([Manners::generic(), Manners::generic()], Terms::default()).await?;
    for n in 0..60 {
        world.calendars[0]
            .put(&format!("e{n}.ics"), &event(n, &format!("202603{:02}", 10 + n % 10), ""));
    }
    assert_eq!(world.sync().await.created, 60);
    world.wait(150 * 86_400);
    world.sync().await;
    for n in 60..76 {
        world.calendars[0]
            .put(&format!("e{n}.ics"), &event(n, &format!("202609{:02}", 10 + n % 10), ""));
    }
    assert_eq!(world.sync().await.created, 16);
    for n in 60..76 {
        world.calendars[0].delete(&format!("e{n}.ics"));
    }
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0), "every event of the window went");
    Ok(())
}

/// Copies that would stay away count with what would be deleted.
#[tokio::test]
async fn what_would_be_left_out_is_held_with_what_would_be_deleted() -> anyhow::Result<()> {
    let world = town(60, Terms::default()).await?;
    let gone = copies(&world, 8);
    for name in &gone {
        world.calendars[1].delete(name);
    }
    let left = world.calendars[1].agenda();
    for entry in &left[..10] {
        let number = entry.summary().replace("Event ", "");
        assert!(world.calendars[0].delete(&format!("e{number}.ics")));
    }
    for _ in 0..2 {
        let run = world.sync().await;
        assert_eq!(
            (did(&run), run.skipped, run.held.map(|held| held.deletions)),
            ((PairStatus::Held, 0), 0, Some(18))
        );
    }
    world.wait(TEN_MINUTES);
    let run = world.sync().await;
    assert_eq!((did(&run), run.skipped, world.calendars[1].len()), ((PairStatus::Ok, 10), 8, 42));
    Ok(())
}

/// A calendar of originals lost all of its events, and some are back: the rest is asked about as
/// before.
#[tokio::test]
async fn what_only_its_owner_may_release_waits_for_its_owner() -> anyhow::Result<()> {
    let world = town(7, two_way()).await?;
    let back = world.calendars[0].objects();
    world.calendars[0].clear();
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    for (name, object) in &back[..4] {
        world.calendars[0].plant(name, object);
    }
    for _ in 0..3 {
        world.wait(TEN_MINUTES);
        assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
        assert_eq!(world.calendars[1].len(), 7);
    }
    assert_eq!(did(&world.sync_with(CONFIRM).await), (PairStatus::Ok, 3));
    Ok(())
}

/// This machine's clock goes ahead by itself: ten minutes have not passed.
#[tokio::test]
async fn a_clock_that_is_ahead_is_no_second_look() -> anyhow::Result<()> {
    let world = town(40, two_way()).await?;
    for name in copies(&world, 12) {
        world.calendars[1].delete(&name);
    }
    world.set_servers_ahead(0);
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    world.wait(3_600);
    world.set_servers_ahead(-3_600);
    assert_eq!(did(&world.sync().await), (PairStatus::Held, 0));
    world.set_servers_ahead(0);
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 12));
    Ok(())
}

/// This machine's clock is behind by months: what lies at the window's end seems to lie beyond it.
#[tokio::test]
async fn a_clock_that_is_behind_moves_nothing_out_of_the_window() -> anyhow::Result<()> {
    const MONTHS: i64 = 60 * 86_400;
    for terms in [Terms::default(), two_way()] {
        let world = town(40, terms).await?;
        for n in 40..42 {
            world.calendars[0].put(&format!("e{n}.ics"), &event(n, "20270220", ""));
        }
        assert_eq!(world.sync().await.created, 2);
        world.wait(-MONTHS);
        world.set_servers_ahead(MONTHS);
        assert_eq!((world.sync().await.deleted, world.calendars[1].len()), (0, 42), "{terms:?}");
        world.wait(MONTHS);
        world.set_servers_ahead(0);
        assert_eq!(
            (did(&world.sync().await), world.calendars[1].len()),
            ((PairStatus::Ok, 0), 42),
            "{terms:?}"
        );
    }
    Ok(())
}
