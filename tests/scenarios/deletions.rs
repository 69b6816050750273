//! What a deletion does, wherever it happens (L1, L5, and the table of deletions that both
//! directions have to keep).

use jobs::SyncOptions;
use simulators::caldav::{Calendar, Manners};

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::{FULL, assert_at_rest, copies, reasons};
use crate::support::events::{calendar, object};
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};

fn dinner(lines: &str) -> String {
    object(
        "dinner",
        &format!("DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Dinner\n{lines}"),
    )
}

/// Anna has one event, and Ben its copy; its name.
async fn copied(terms: Terms, lines: &str) -> anyhow::Result<(Env, String)> {
    let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
    env.people[0].put("dinner.ics", &dinner(lines));
    assert_eq!(env.sync().await.created, 1);
    let copy = env.people[1].names().remove(0);
    Ok((env, copy))
}

fn change(calendar: &Calendar, name: &str, from: &str, to: &str) {
    assert!(calendar.edit(name, |ics| ics.replace(from, to)), "{name} is there");
}

#[tokio::test]
async fn a_deleted_origin_takes_its_copy_with_it() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(terms, "").await?;
        env.people[0].delete("dinner.ics");
        let run = env.sync().await;
        assert_eq!((run.deleted, reasons(&run)), (1, vec!["origin_deleted".to_owned()]));
        assert!(env.people[1].is_empty());
        assert_eq!(copies(&env).await?, 0, "nothing is remembered of it");
        assert_at_rest(&env).await;
    }
    Ok(())
}

#[tokio::test]
async fn one_way_a_deleted_copy_stays_away_until_time_or_title_change() -> anyhow::Result<()> {
    for (from, to, comes_back) in [
        ("Dinner", "Late dinner", true),
        ("T200000Z", "T210000Z", true),
        ("SUMMARY", "LOCATION:Home\nSUMMARY", false),
    ] {
        let (mut env, copy) = copied(ONE_WAY, "").await?;
        let [anna, ben] = env.people.clone();
        ben.delete(&copy);
        let run = env.sync().await;
        assert_eq!((run.skipped, reasons(&run)), (1, vec!["suppressed".to_owned()]));
        env.restart().await?;
        env.wait(86_400);
        env.sync_with(FULL).await;
        assert!(ben.is_empty(), "no pass makes it again, be it full or the first of a day");
        assert_eq!(anna.len(), 1, "one-way: the origin stays");
        change(&anna, "dinner.ics", from, to);
        let run = env.sync().await;
        assert_eq!(
            (run.created, ben.len()),
            (u64::from(comes_back), usize::from(comes_back)),
            "{run:?}"
        );
        assert_at_rest(&env).await;
    }
    Ok(())
}

#[tokio::test]
async fn two_way_a_deleted_copy_takes_its_origin_with_it() -> anyhow::Result<()> {
    let (env, copy) = copied(TWO_WAY, "").await?;
    env.people[1].delete(&copy);
    let run = env.sync().await;
    assert_eq!((run.deleted, reasons(&run)), (1, vec!["copy_deleted".to_owned()]));
    assert!(env.people[0].is_empty());
    assert_at_rest(&env).await;
    Ok(())
}

#[tokio::test]
async fn a_meeting_with_guests_is_never_deleted_for_its_copy() -> anyhow::Result<()> {
    for organizer in ["mailto:anna@calendars.example", "mailto:chief@example.net"] {
        let guests = format!(
            "ORGANIZER:{organizer}\nATTENDEE:mailto:anna@calendars.example\nATTENDEE:mailto:zoe@example.net"
        );
        let (env, copy) = copied(TWO_WAY, &guests).await?;
        let before = env.people[0].get("dinner.ics");
        env.people[1].delete(&copy);
        let run = env.sync().await;
        assert_eq!(reasons(&run), ["suppressed"], "{run:?}");
        assert_eq!(env.people[0].get("dinner.ics"), before);
        assert!(env.people[1].is_empty());
        assert_at_rest(&env).await;
    }
    Ok(())
}

#[tokio::test]
async fn deleted_on_both_sides_is_forgotten() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, copy) = copied(terms, "").await?;
        env.people[0].delete("dinner.ics");
        env.people[1].delete(&copy);
        let run = env.sync().await;
        assert_eq!((run.created, run.deleted), (0, 0), "{run:?}");
        assert_eq!(copies(&env).await?, 0);
        assert_at_rest(&env).await;
    }
    Ok(())
}

#[tokio::test]
async fn edited_here_and_deleted_there() -> anyhow::Result<()> {
    // Two-way the edit wins, on whichever side it was made.
    let (env, copy) = copied(TWO_WAY, "").await?;
    let [anna, ben] = &env.people;
    change(ben, &copy, "Dinner", "Dinner for two");
    anna.delete("dinner.ics");
    let run = env.sync().await;
    assert_eq!((run.created, reasons(&run)), (1, vec!["edit_wins".to_owned()]), "{run:?}");
    assert_eq!(
        (anna.agenda()[0].summary(), ben.agenda()[0].summary()),
        ("Dinner for two".into(), "Dinner for two".into())
    );
    assert_eq!((anna.len(), ben.len()), (1, 1));
    assert_at_rest(&env).await;

    let (env, copy) = copied(TWO_WAY, "").await?;
    let [anna, ben] = &env.people;
    change(anna, "dinner.ics", "SUMMARY", "LOCATION:Harbour\nSUMMARY");
    ben.delete(&copy);
    let run = env.sync().await;
    assert_eq!((run.created, anna.len(), ben.len()), (1, 1, 1), "{run:?}");
    assert_eq!(ben.agenda()[0].text("LOCATION"), "Harbour");
    assert_at_rest(&env).await;

    // One way, the origin decides: deleting the origin deletes even an edited copy, and editing the
    // origin follows the rule of suppressed copies.
    let (env, copy) = copied(ONE_WAY, "").await?;
    let [anna, ben] = &env.people;
    change(ben, &copy, "Dinner", "Dinner for two");
    anna.delete("dinner.ics");
    let run = env.sync().await;
    assert_eq!((run.deleted, ben.len()), (1, 0), "{run:?}");
    assert_at_rest(&env).await;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_or_declined_event_is_a_deleted_one() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(terms, "STATUS:CONFIRMED").await?;
        change(&env.people[0], "dinner.ics", "STATUS:CONFIRMED", "STATUS:CANCELLED");
        let run = env.sync().await;
        assert_eq!((run.deleted, reasons(&run)), (1, vec!["cancelled".to_owned()]));
        assert_eq!(
            (env.people[0].len(), env.people[1].len()),
            (1, 0),
            "the person's own object stays"
        );
        assert_at_rest(&env).await;

        let invitation = "ORGANIZER:mailto:chief@example.net\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@calendars.example";
        let (env, _) = copied(terms, invitation).await?;
        change(&env.people[0], "dinner.ics", "PARTSTAT=ACCEPTED", "PARTSTAT=DECLINED");
        let run = env.sync().await;
        assert_eq!((run.deleted, reasons(&run)), (1, vec!["declined".to_owned()]));
        assert_eq!((env.people[0].len(), env.people[1].len()), (1, 0));
        assert_at_rest(&env).await;
    }
    Ok(())
}

#[tokio::test]
async fn one_occurrence_is_cancelled_on_either_side() -> anyhow::Result<()> {
    let series = |gap: &str| {
        object(
            "tea",
            &format!(
                "DTSTART:20260316T150000Z\nDTEND:20260316T160000Z\nRRULE:FREQ=DAILY;COUNT=5\n{gap}SUMMARY:Tea"
            ),
        )
    };
    for terms in [ONE_WAY, TWO_WAY] {
        let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
        let [anna, ben] = &env.people;
        anna.put("tea.ics", &series(""));
        env.sync().await;
        anna.put("tea.ics", &series("EXDATE:20260318T150000Z\n"));
        let run = env.sync().await;
        assert_eq!((run.changed, run.deleted), (1, 0), "{run:?}");
        assert_eq!(ben.agenda()[0].value("EXDATE"), "20260318T150000Z");
        if terms.two_way {
            let copy = ben.names().remove(0);
            change(ben, &copy, "SUMMARY:Tea", "EXDATE:20260319T150000Z\r\nSUMMARY:Tea");
            let run = env.sync().await;
            assert_eq!((run.changed, run.deleted), (1, 0), "{run:?}");
            let gaps: Vec<String> =
                anna.agenda()[0].event.all("EXDATE").map(|gap| gap.value.clone()).collect();
            assert_eq!(gaps.join(","), "20260318T150000Z,20260319T150000Z");
        }
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// L3: the window rolls on; what it leaves behind stays, and what is moved out at its far end goes.
#[tokio::test]
async fn at_the_ends_of_the_window() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(terms, "").await?;
        for n in 10..30 {
            let later =
                format!("DTSTART:202610{n}T180000Z\nDTEND:202610{n}T200000Z\nSUMMARY:Later");
            env.people[0].put(&format!("{n}.ics"), &object(&format!("later-{n}"), &later));
        }
        env.sync().await;
        for _ in 0..5 {
            env.wait(30 * 86_400);
            let run = env.sync().await;
            assert!(run.error.is_none() && run.deleted == 0 && run.held.is_none(), "{run:?}");
        }
        assert_eq!(
            (env.people[0].len(), env.people[1].len()),
            (21, 21),
            "left the window at the past end: the copy is kept"
        );
        assert_at_rest(&env).await;

        let (env, _) = copied(terms, "").await?;
        change(&env.people[0], "dinner.ics", ":2026", ":2028");
        let run = env.sync().await;
        assert_eq!((run.deleted, reasons(&run)), (1, vec!["outside_window".to_owned()]));
        assert_eq!((env.people[0].len(), env.people[1].len()), (1, 0));
        assert_at_rest(&env).await;

        let far = calendar(&crate::support::events::vevent(
            "far",
            "DTSTART:20270315T100000Z\nDTEND:20270315T110000Z\nSUMMARY:Next spring",
        ));
        env.people[0].put("far.ics", &far);
        assert_eq!(env.sync().await.created, 0, "beyond the far end");
        env.wait(10 * 86_400);
        assert_eq!(env.sync().await.created, 1, "the window has rolled as far");
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// Two-way: an event of the past whose copy is moved into the days to come moves there too.
#[tokio::test]
async fn a_copy_that_is_brought_back_from_the_past_brings_its_event_along() -> anyhow::Result<()> {
    for private in [false, true] {
        let (env, copy) = copied(Terms { private, ..TWO_WAY }, "").await?;
        let [anna, ben] = env.people.clone();
        for _ in 0..5 {
            env.wait(30 * 86_400);
            env.sync().await;
        }
        change(&ben, &copy, ":202603", ":202609");
        let run = env.sync().await;
        assert_eq!(
            (run.changed, anna.agenda()[0].value("DTSTART")),
            (1, "20260920T180000Z"),
            "{run:?}"
        );
        assert_eq!(
            (anna.agenda()[0].summary(), ben.agenda()[0].value("DTSTART")),
            ("Dinner".to_owned(), "20260920T180000Z")
        );
        change(&anna, "dinner.ics", ":202609", ":202610");
        env.sync().await;
        assert_eq!(ben.agenda()[0].value("DTSTART"), "20261020T180000Z");
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// Two-way: what the owner of the copy moves beyond the last day is not deleted, on that day or a
/// later one.
#[tokio::test]
async fn a_copy_that_is_moved_beyond_the_window_takes_its_event_along() -> anyhow::Result<()> {
    let (env, copy) = copied(TWO_WAY, "").await?;
    let [anna, ben] = env.people.clone();
    change(&ben, &copy, ":2026", ":2028");
    let run = env.sync().await;
    assert_eq!((run.changed, run.deleted, run.held.is_none()), (1, 0, true), "{run:?}");
    let both = || {
        [&anna, &ben].map(|calendar| {
            calendar
                .agenda()
                .iter()
                .map(|e| (e.value("DTSTART").to_owned(), e.summary()))
                .collect::<Vec<_>>()
        })
    };
    let shown = |start: &str, title: &str| {
        [vec![(start.to_owned(), title.to_owned())], vec![(start.to_owned(), title.to_owned())]]
    };
    for (days, options) in
        [(0, FULL), (1, SyncOptions::default()), (30, SyncOptions::default()), (0, FULL)]
    {
        env.wait(days * 86_400);
        let run = env.sync_with(options).await;
        assert!(
            run.error.is_none() && run.held.is_none() && run.deleted == 0,
            "after {days} days: {run:?}"
        );
        assert_eq!(both(), shown("20280320T180000Z", "Dinner"), "after {days} days");
    }
    change(&anna, "dinner.ics", "SUMMARY:Dinner", "SUMMARY:Feast");
    env.sync().await;
    assert_eq!(both(), shown("20280320T180000Z", "Feast"), "they stay in step");
    change(&anna, "dinner.ics", ":2028", ":2026");
    env.sync().await;
    assert_eq!(both(), shown("20260320T180000Z", "Feast"));
    assert_at_rest(&env).await;
    Ok(())
}
