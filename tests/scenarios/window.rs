//! L3: the days that a pair looks at move on every day. What ages out of them keeps its copy; what
//! comes into them is copied; and neither is mistaken for a deletion.

use jobs::SyncOptions;
use jobs::report::{PairStatus, Run, Verb};
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::env::{Terms, World};

const DAY: i64 = 86_400;

fn event(uid: &str, day: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//person//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260301T000000Z\nDTSTART:{day}T090000Z\nDTEND:{day}T100000Z\nSUMMARY:{uid}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

async fn world(days: impl Iterator<Item = String>, terms: Terms) -> anyhow::Result<World> {
    let world = World::new([Manners::generic(), Manners::generic()], terms).await?;
    for (i, day) in days.enumerate() {
        world.calendars[0].put(&format!("e{i}.ics"), &event(&format!("e{i}"), &day));
    }
    Ok(world)
}

fn did(run: &Run) -> (PairStatus, u64, u64, u64) {
    assert!(run.error.is_none(), "{:?}", run.error);
    (run.state, run.created, run.changed, run.deleted)
}

#[tokio::test]
async fn a_calendar_that_ages_out_of_the_window_keeps_its_copies() -> anyhow::Result<()> {
    let two_way = Terms { two_way: true, ..Terms::default() };
    for terms in [Terms::default(), two_way] {
        let world = world((10..22).map(|day| format!("202603{day}")), terms).await?;
        assert_eq!(did(&world.sync().await), (PairStatus::Ok, 12, 0, 0));
        // Half of them are older than three months by then, and a few days later all.
        for days in [96, 4, 30, 1] {
            world.wait(days * DAY);
            world.reset_counts();
            assert_eq!(did(&world.sync().await), (PairStatus::Ok, 0, 0, 0));
            assert_eq!((world.writes(), world.calendars[1].len()), ([0, 0], 12));
        }
        // What has aged is not looked for again, day after day.
        world.reset_counts();
        world.wait(DAY);
        world.sync().await;
        let counts = world.servers[0].counts();
        assert_eq!((counts.of(Kind::Multiget), counts.of(Kind::Get)), (0, 0));
        // A person who changes an event of long ago changes its copy.
        world.calendars[0].edit("e0.ics", |ics| ics.replace("SUMMARY:e0", "SUMMARY:then"));
        assert_eq!(did(&world.sync().await), (PairStatus::Ok, 0, 1, 0));
    }
    Ok(())
}

#[tokio::test]
async fn what_comes_into_the_window_is_copied_on_that_day() -> anyhow::Result<()> {
    let world =
        world(["20260315".to_owned(), "20270312".to_owned()].into_iter(), Terms::default()).await?;
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 1, 0, 0));
    world.wait(DAY);
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 0, 0, 0));
    world.wait(2 * DAY);
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 1, 0, 0));
    // Moved out at the far end, its copy goes; moved back, it comes again.
    world.calendars[0].edit("e1.ics", |ics| ics.replace("20270312", "20280312"));
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 0, 0, 1));
    world.calendars[0].edit("e1.ics", |ics| ics.replace("20280312", "20270301"));
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 1, 0, 0));
    Ok(())
}

/// L8: a listing without anything, of a calendar whose events are there when they are asked for.
#[tokio::test]
async fn a_listing_that_is_suddenly_empty_is_no_evidence() -> anyhow::Result<()> {
    let world = world((10..22).map(|day| format!("202603{day}")), Terms::default()).await?;
    world.sync().await;
    let empty =
        || world.servers[0].faults().next(On::kind(Kind::CalendarQuery), Fault::EmptyListing);
    for options in [
        SyncOptions { full: true, ..SyncOptions::default() },
        SyncOptions { full: true, confirm_deletions: true, ..SyncOptions::default() },
    ] {
        empty();
        let run = world.sync_with(options).await;
        assert_eq!(run.error.map(|error| error.code).as_deref(), Some("suspicious_empty"));
        assert_eq!(world.calendars[1].len(), 12);
    }
    assert_eq!(did(&world.sync().await), (PairStatus::Ok, 0, 0, 0));
    Ok(())
}

/// L8: all of it really gone: held, and released by the owner's word.
#[tokio::test]
async fn a_calendar_that_was_emptied_is_held_until_its_owner_speaks() -> anyhow::Result<()> {
    let world = world((10..22).map(|day| format!("202603{day}")), Terms::default()).await?;
    world.sync().await;
    world.calendars[0].clear();
    world.calendars[0].forget_tokens();
    for _ in 0..2 {
        let run = world.sync().await;
        assert_eq!(did(&run), (PairStatus::Held, 0, 0, 0));
        assert_eq!(run.held.map(|held| (held.deletions, held.of)), Some((12, 12)));
        assert_eq!(run.actions.iter().filter(|action| action.action == Verb::Hold).count(), 12);
    }
    let run =
        world.sync_with(SyncOptions { confirm_deletions: true, ..SyncOptions::default() }).await;
    assert_eq!(did(&run), (PairStatus::Ok, 0, 0, 12));
    assert!(world.calendars[1].is_empty());
    Ok(())
}
