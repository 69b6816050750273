//! Changes between two steps: a lost response, a claim between a preview and its confirmation,
//! attendees invited late, a clock that was wrong, events that two installations see in different
//! passes.

use std::sync::atomic::{AtomicUsize, Ordering};

use jobs::SyncOptions;
use jobs::pairs::CleanUp;
use jobs::report::{Progress, Silent};
use records::problem::{HeldKind, PairStatus};
use simulators::caldav::{Calendar, Manners};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::events::object;
use crate::support::installation::{Terms, new_pair};
use crate::support::product;

const TWO_WAY: Terms = Terms { two_way: true, private: false, private_back: false };
const ONE_WAY: Terms = Terms { two_way: false, private: false, private_back: false };

fn hour(uid: &str, day: &str, title: &str) -> String {
    object(uid, &format!("DTSTART:{day}T090000Z\nDTEND:{day}T100000Z\nSUMMARY:{title}"))
}

fn fill(calendar: &Calendar, from: usize, count: usize) {
    for n in from..from + count {
        let day = format!("2026{:02}{:02}", 4 + (n / 25) % 8, 1 + n % 25);
        calendar.put(&format!("e{n}.ics"), &hour(&format!("uid-{n}"), &day, &format!("Event {n}")));
    }
}

/// Two servers in memory with so many events copied, at rest.
async fn filled_env(terms: Terms, events: usize) -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    fill(&env.people[0], 0, events);
    assert_eq!(env.sync().await.created, events as u64);
    env.sync().await;
    Ok(env)
}

/// The answer to a deletion is lost, and a look at what has become of it may be too.
#[tokio::test]
async fn a_clean_up_whose_answer_is_lost_costs_no_original() -> anyhow::Result<()> {
    for looked in [true, false] {
        let env = filled_env(TWO_WAY, 12).await?;
        let [anna, ben] = &env.people;
        let faults = env.servers[1].faults();
        faults.next(On::kind(Kind::Delete), Fault::DropAfter);
        if !looked {
            faults.always(On::kind(Kind::Get), Fault::Status(500));
        }
        let run = jobs::pairs::clean_up_pair(&env.scope, &env.pair.id, CleanUp::default(), &Silent)
            .await?;
        let unsure = u64::from(!looked);
        assert!(run.error.is_none() && ben.is_empty(), "{looked}: {run:?}");
        assert_eq!((run.deleted, run.skipped), (12 - unsure, unsure), "{looked}: {run:?}");
        faults.clear();
        product::resume_pair(&env.scope, &env.pair.id).await?;
        for _ in 0..3 {
            let run = env.sync().await;
            assert_eq!((run.deleted, anna.len()), (0, 12), "{looked}: {run:?}");
            env.wait(700);
        }
        assert_eq!(ben.len(), 12, "{looked}");
    }
    Ok(())
}

#[tokio::test]
async fn a_clean_up_of_a_calendar_spares_what_a_pair_has_claimed_since() -> anyhow::Result<()> {
    let mut env = filled_env(TWO_WAY, 4).await?;
    product::remove_pair(&env.scope, &env.pair.id).await?;
    let ends = [env.ends[0].connect(&env.scope).await?, env.ends[1].connect(&env.scope).await?];
    let found = jobs::pairs::find_orphaned_copies(&env.scope, &ends[1].calendar, &Silent).await?;
    assert_eq!(found.len(), 4);
    env.replace_pair([&ends[0], &ends[1]], TWO_WAY).await?;
    env.sync().await;
    let run = jobs::pairs::delete_orphaned_copies(&env.scope, found, &Silent).await?;
    assert_eq!((run.deleted, run.skipped, env.people[1].len()), (0, 4, 4), "{run:?}");
    for _ in 0..2 {
        env.sync().await;
        env.wait(700);
    }
    assert_eq!([env.people[0].len(), env.people[1].len()], [4, 4]);
    Ok(())
}

/// A pair the other way round has claimed them as its originals, and the first ones are gone.
#[tokio::test]
async fn a_clean_up_of_a_calendar_spares_what_is_an_original_by_then() -> anyhow::Result<()> {
    let mut env = filled_env(TWO_WAY, 4).await?;
    product::remove_pair(&env.scope, &env.pair.id).await?;
    let ends = [env.ends[0].connect(&env.scope).await?, env.ends[1].connect(&env.scope).await?];
    let found = jobs::pairs::find_orphaned_copies(&env.scope, &ends[1].calendar, &Silent).await?;
    assert_eq!(found.len(), 4);
    env.people[0].clear();
    env.replace_pair([&ends[1], &ends[0]], ONE_WAY).await?;
    assert_eq!(env.sync().await.created, 4);
    let run = jobs::pairs::delete_orphaned_copies(&env.scope, found, &Silent).await?;
    assert_eq!((run.deleted, run.skipped, env.people[1].len()), (0, 4, 4), "{run:?}");
    Ok(())
}

/// Two installations with the same pair, at rest; then new events come.
async fn two_installations(terms: Terms, more: usize, wait: i64) -> anyhow::Result<()> {
    let env = filled_env(terms, 3).await?;
    let cancelled =
        hour("gone", "20260420", "Cancelled").replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY");
    env.people[1].put("gone.ics", &cancelled);
    env.sync().await;
    let mut other = env.beside(9).await?;
    let ends = [env.ends[0].connect(&other.scope).await?, env.ends[1].connect(&other.scope).await?];
    other.replace_pair([&ends[0], &ends[1]], terms).await?;
    for _ in 0..2 {
        assert_eq!(other.sync().await.created, 0);
    }
    let before = env.people[1].len();
    env.wait(wait);
    fill(&env.people[0], 10, more);
    assert_eq!(env.sync().await.created, more as u64);
    let run = other.sync().await;
    assert_eq!(
        (run.created, env.people[1].len()),
        (0, before + more),
        "{terms:?}, {more} more: {run:?}"
    );
    Ok(())
}

/// However many come at once, in the first pass of a day too, and beside what was never copied.
#[tokio::test]
async fn new_events_that_another_installation_has_copied_are_not_doubled() -> anyhow::Result<()> {
    for (terms, more, wait) in
        [(ONE_WAY, 5, 0), (ONE_WAY, 201, 0), (TWO_WAY, 2, 86_400), (ONE_WAY, 2, 86_400)]
    {
        two_installations(terms, more, wait).await?;
    }
    Ok(())
}

/// It was outside the window of this pair when the other installation copied it.
#[tokio::test]
async fn what_comes_into_the_window_is_not_doubled() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = filled_env(terms, 3).await?;
        let [anna, ben] = &env.people;
        anna.put("far.ics", &hour("far", "20270305", "Far"));
        env.sync().await;
        let mut other = env.beside(9).await?;
        let ends =
            [env.ends[0].connect(&other.scope).await?, env.ends[1].connect(&other.scope).await?];
        let mut new = new_pair([&ends[0].calendar, &ends[1].calendar], terms);
        new.window_future = engine::pair::Reach::Months(6);
        other.pair = product::add_pair(&other.scope, new).await?;
        for wait in [0, 0, 200 * 86_400] {
            env.wait(wait);
            let run = other.sync().await;
            assert_eq!((run.created, ben.len()), (0, 4), "{terms:?}: {run:?}");
        }
    }
    Ok(())
}

/// The clock was ahead for one pass; then the calendar of the copies is recreated, and a pass is
/// cut off after it has made new copies there.
#[tokio::test]
async fn an_emptied_calendar_costs_no_original_after_the_clock_was_wrong() -> anyhow::Result<()> {
    for ahead in [0, 10 * 3_600, 2 * 86_400] {
        let env = filled_env(TWO_WAY, 20).await?;
        let [anna, ben] = &env.people;
        env.wait(ahead);
        env.sync_with(SyncOptions { full: true, ..SyncOptions::default() }).await;
        env.wait(60 - ahead);
        env.sync().await;
        ben.replace();
        fill(anna, 30, 3);
        env.servers[1].faults().after(2, 9, On::kind(Kind::Put), Fault::Status(500));
        env.sync().await;
        env.servers[1].faults().clear();
        for _ in 0..3 {
            env.wait(700);
            let run = env.sync().await;
            assert_eq!(
                (run.held.as_ref().map(|held| held.kind), anna.len()),
                (Some(HeldKind::Emptied), 23),
                "{ahead} s ahead: {run:?}"
            );
        }
    }
    Ok(())
}

/// The question about an emptied calendar is over; deletions that are held then have an age of
/// their own.
#[tokio::test]
async fn a_second_look_is_ten_minutes_after_the_first() -> anyhow::Result<()> {
    let env = filled_env(TWO_WAY, 20).await?;
    let [anna, ben] = &env.people;
    let before = ben.objects();
    ben.replace();
    assert_eq!(env.sync().await.state, PairStatus::Held);
    env.wait(1_200);
    before.iter().for_each(|(name, body)| _ = ben.plant(name, body));
    (0..12).for_each(|n| assert!(anna.delete(&format!("e{n}.ics"))));
    for (wait, deleted) in [(0, 0), (60, 0), (600, 12)] {
        env.wait(wait);
        let run = env.sync().await;
        assert_eq!((run.deleted, ben.len()), (deleted, 20 - deleted as usize), "{run:?}");
    }
    Ok(())
}

/// Invites guests to the copies at the moment at which deletions begin.
struct InviteDuringPass<'a>(AtomicUsize, &'a Calendar);

impl Progress for InviteDuringPass<'_> {
    fn expect(&self, _: u64) {
        // Events to look for, events to decide about, deletions.
        if self.0.fetch_add(1, Ordering::Relaxed) == 2 {
            for name in self.1.names() {
                let guests = "ORGANIZER:mailto:ben@calendars.example\r\nATTENDEE:mailto:zoe@example.net\r\nSUMMARY";
                self.1.edit(&name, |ics| ics.replace("SUMMARY", guests));
            }
        }
    }
    fn step(&self, _: u64) {}
}

#[tokio::test]
async fn a_copy_with_guests_is_not_deleted_at_the_last_moment() -> anyhow::Result<()> {
    let env = filled_env(ONE_WAY, 1).await?;
    let [anna, ben] = &env.people;
    anna.delete("e0.ics");
    let pair = product::pair(&env.scope, &env.pair.id).await?;
    let invites = InviteDuringPass(AtomicUsize::new(0), ben);
    jobs::sync(&env.scope, &[pair], SyncOptions::default(), &invites).await;
    assert!(invites.0.load(Ordering::Relaxed) > 2, "the deletions were announced");
    for _ in 0..2 {
        assert_eq!((env.sync().await.deleted, ben.len(), env.servers[1].mails_sent()), (0, 1, 0));
    }
    Ok(())
}

/// Does something at the moment at which a pass goes over to its next part: events to look for,
/// events to decide about, deletions.
struct RunAtStep<F: Fn() + Send + Sync>(AtomicUsize, usize, F);

impl<F: Fn() + Send + Sync> Progress for RunAtStep<F> {
    fn expect(&self, _: u64) {
        if self.0.fetch_add(1, Ordering::Relaxed) == self.1 {
            (self.2)();
        }
    }
    fn step(&self, _: u64) {}
}

/// One pass in which that is done.
async fn sync_and_do(env: &Env, part: usize, what: impl Fn() + Send + Sync) -> anyhow::Result<u64> {
    let pair = product::pair(&env.scope, &env.pair.id).await?;
    let at = RunAtStep(AtomicUsize::new(0), part, what);
    let report = jobs::sync(&env.scope, &[pair], SyncOptions::default(), &at).await;
    assert!(at.0.load(Ordering::Relaxed) > part, "that part was announced");
    Ok(report.pairs.iter().map(|run| run.deleted).sum())
}

/// It was listed as removed, and a read of its own finds it.
#[tokio::test]
async fn what_is_there_when_it_is_looked_for_is_not_deleted() -> anyhow::Result<()> {
    for (terms, side) in [(ONE_WAY, 0), (TWO_WAY, 0), (TWO_WAY, 1)] {
        let env = filled_env(terms, 12).await?;
        let there = &env.people[side];
        let (name, object) = there.objects().remove(0);
        there.delete(&name);
        let deleted = sync_and_do(&env, 0, || _ = there.plant(&name, &object)).await?;
        assert_eq!(
            (deleted, env.people.each_ref().map(Calendar::len)),
            (0, [12, 12]),
            "{terms:?} {side}"
        );
        assert_eq!(
            (env.sync().await.deleted, env.people.each_ref().map(Calendar::len)),
            (0, [12, 12]),
            "{terms:?} {side}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_not_deleted_at_the_last_moment()
-> anyhow::Result<()> {
    let env = filled_env(ONE_WAY, 3).await?;
    let [anna, ben] = &env.people;
    anna.delete("e0.ics");
    let name = ben.find("SUMMARY:Event 0").unwrap_or_default();
    let deleted =
        sync_and_do(&env, 2, || _ = ben.plant(&name, &hour("bens", "20260412", "Of Ben"))).await?;
    assert_eq!((deleted, ben.len()), (0, 3));
    for _ in 0..2 {
        assert_eq!((env.sync().await.deleted, ben.find("SUMMARY:Of Ben")), (0, Some(name.clone())));
    }
    Ok(())
}

/// A person may call an event "Busy": a word like others, where the copy is not private.
#[tokio::test]
async fn a_copy_that_its_owner_calls_busy_is_edited() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(TWO_WAY).build().await?;
    env.people[0].put("e.ics", &hour("e", "20260402", "Lunch"));
    env.sync().await;
    let copy = env.people[1].names().remove(0);
    assert!(env.people[1].edit(&copy, |ics| ics.replace("SUMMARY:Lunch", "SUMMARY:Busy")));
    let run = env.sync().await;
    anyhow::ensure!(run.changed == 1 && env.people[0].find("SUMMARY:Busy").is_some(), "{run:?}");
    Ok(())
}
