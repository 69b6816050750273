//! L3: the days that a pair looks at move on every day. What ages out of them keeps its copy; what
//! comes into them is copied; and neither is mistaken for a deletion.

use jobs::SyncOptions;
use jobs::report::{Run, Verb};
use records::problem::PairStatus;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::installation::Terms;

const DAY: i64 = 86_400;

fn event(uid: &str, day: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//person//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260301T000000Z\nDTSTART:{day}T090000Z\nDTEND:{day}T100000Z\nSUMMARY:{uid}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

async fn filled_env(days: impl Iterator<Item = String>, terms: Terms) -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    for (i, day) in days.enumerate() {
        env.people[0].put(&format!("e{i}.ics"), &event(&format!("e{i}"), &day));
    }
    Ok(env)
}

fn did(run: &Run) -> (PairStatus, u64, u64, u64) {
    assert!(run.error.is_none(), "{:?}", run.error);
    (run.state, run.created, run.changed, run.deleted)
}

#[tokio::test]
async fn a_calendar_that_ages_out_of_the_window_keeps_its_copies() -> anyhow::Result<()> {
    let two_way = Terms { two_way: true, ..Terms::default() };
    for terms in [Terms::default(), two_way] {
        let env = filled_env((10..22).map(|day| format!("202603{day}")), terms).await?;
        assert_eq!(did(&env.sync().await), (PairStatus::Ok, 12, 0, 0));
        // Half of them are older than three months by then, and a few days later all.
        for days in [96, 4, 30, 1] {
            env.wait(days * DAY);
            env.reset_counts();
            assert_eq!(did(&env.sync().await), (PairStatus::Ok, 0, 0, 0));
            assert_eq!((env.writes(), env.people[1].len()), ([0, 0], 12));
        }
        // What has aged is not looked for again, day after day.
        env.reset_counts();
        env.wait(DAY);
        env.sync().await;
        let counts = env.servers[0].counts();
        assert_eq!((counts.of(Kind::Multiget), counts.of(Kind::Get)), (0, 0));
        // A person who changes an event of long ago changes its copy.
        env.people[0].edit("e0.ics", |ics| ics.replace("SUMMARY:e0", "SUMMARY:then"));
        assert_eq!(did(&env.sync().await), (PairStatus::Ok, 0, 1, 0));
    }
    Ok(())
}

#[tokio::test]
async fn what_comes_into_the_window_is_copied_on_that_day() -> anyhow::Result<()> {
    let env =
        filled_env(["20260315".to_owned(), "20270312".to_owned()].into_iter(), Terms::default())
            .await?;
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 1, 0, 0));
    env.wait(DAY);
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 0, 0, 0));
    env.wait(2 * DAY);
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 1, 0, 0));
    // Moved out at the far end, its copy goes; moved back, it comes again.
    env.people[0].edit("e1.ics", |ics| ics.replace("20270312", "20280312"));
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 0, 0, 1));
    env.people[0].edit("e1.ics", |ics| ics.replace("20280312", "20270301"));
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 1, 0, 0));
    Ok(())
}

/// L8: a listing without anything, of a calendar whose events are there when they are asked for.
#[tokio::test]
async fn a_listing_that_is_suddenly_empty_is_no_evidence() -> anyhow::Result<()> {
    let env = filled_env((10..22).map(|day| format!("202603{day}")), Terms::default()).await?;
    env.sync().await;
    let empty = || env.servers[0].faults().next(On::kind(Kind::CalendarQuery), Fault::EmptyListing);
    for options in [
        SyncOptions { full: true, ..SyncOptions::default() },
        SyncOptions { full: true, confirm_deletions: true, ..SyncOptions::default() },
    ] {
        empty();
        let run = env.sync_with(options).await;
        assert_eq!(run.error.map(|error| error.code).as_deref(), Some("suspicious_empty"));
        assert_eq!(env.people[1].len(), 12);
    }
    assert_eq!(did(&env.sync().await), (PairStatus::Ok, 0, 0, 0));
    Ok(())
}

/// L8: all of it really gone: held, and released by the owner's word.
#[tokio::test]
async fn a_calendar_that_was_emptied_is_held_until_its_owner_speaks() -> anyhow::Result<()> {
    let env = filled_env((10..22).map(|day| format!("202603{day}")), Terms::default()).await?;
    env.sync().await;
    env.people[0].clear();
    env.people[0].forget_tokens();
    for _ in 0..2 {
        let run = env.sync().await;
        assert_eq!(did(&run), (PairStatus::Held, 0, 0, 0));
        assert_eq!(run.held.map(|held| (held.deletions, held.of)), Some((12, 12)));
        assert_eq!(run.actions.iter().filter(|action| action.action == Verb::Hold).count(), 12);
    }
    let run =
        env.sync_with(SyncOptions { confirm_deletions: true, ..SyncOptions::default() }).await;
    assert_eq!(did(&run), (PairStatus::Ok, 0, 0, 12));
    assert!(env.people[1].is_empty());
    Ok(())
}
