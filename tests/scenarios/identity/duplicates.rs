//! A second event with the mark of a copy: its owner duplicated the copy, or split its series. The
//! duplicate is the owner's own event, and no occurrence of either calendar is lost.

use serde_json::json;
use simulators::caldav::{Calendar, Manners};
use simulators::faults::{Fault, On};
use simulators::person::{Ending, Person};
use simulators::traffic::Kind;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{
    self, all_but, check_at_rest, copied, delete, explained, filled, named, rename, skipped, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::{at, hour, object};
use crate::support::rows::hours_pass;

/// How many occurrences the series of a calendar have in all, by their COUNT.
fn occurrences(calendar: &Calendar) -> u32 {
    let count = |rule: &str| {
        rule.split(';')
            .find_map(|part| part.strip_prefix("COUNT="))
            .and_then(|n| n.parse::<u32>().ok())
    };
    calendar.agenda().iter().filter_map(|entry| count(entry.value("RRULE"))).sum()
}

/// Two-way: what is duplicated on the side of the copy gets a copy in the calendar of the origin,
/// and both parts go their own ways.
#[tokio::test]
async fn a_duplicated_copy_becomes_an_event_of_its_owner() -> anyhow::Result<()> {
    for night in [false, true] {
        let (env, pair) = copied(2, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        let copy = named(ben, "Event 1")?;
        assert!(Person::from(ben.clone()).duplicate(&copy, "second.ics", "second").await?);
        assert!(ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")));
        if night {
            hours_pass(&env.cli, 24).await?;
        }
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run)[..3], [1, 0, 0], "{run}");
        let expected = ["Event 0", "Event 1", "Second"];
        assert_eq!(
            (titles(anna), titles(ben)),
            (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec())
        );
        assert_eq!(env.cli.explain(&pair, "second.ics").await?["copied"], true);

        rename(ben, "Second", "Second, renamed")?;
        rename(anna, "Event 1", "First, renamed")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 2, 0, 0]);
        delete(ben, "Second, renamed")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 0, 1, 0]);
        assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)));
        assert_eq!(titles(anna), ["Event 0", "First, renamed"]);
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// One-way it is left alone, and said to be what it is.
#[tokio::test]
async fn one_way_a_duplicated_copy_is_left_alone() -> anyhow::Result<()> {
    for terms in [ONE_WAY, PRIVATE] {
        let (env, pair) = copied(2, terms).await?;
        let [anna, ben] = &env.people;
        let copy = ben.names().remove(0);
        assert!(Person::from(ben.clone()).duplicate(&copy, "second.ics", "second").await?);
        let before = ben.get("second.ics");
        let run = env.cli.sync().await?;
        assert_eq!(
            (counts(&run), skipped(&run, "duplicate_of_copy")),
            ([0, 0, 0, 1], vec!["second.ics".to_owned()]),
            "{run}"
        );
        assert_eq!(explained(&env.cli, &pair, "second.ics").await?, json!("duplicate_of_copy"));
        assert_eq!(explained(&env.cli, &pair, &copy).await?, json!("own_copy"));
        // It goes its own way also when its origin changes, and when that is deleted.
        for n in [0, 1] {
            rename(anna, &format!("Event {n}"), &format!("Renamed {n}"))?;
        }
        env.cli.sync().await?;
        assert_eq!(ben.get("second.ics"), before);
        anna.clear();
        env.cli.sync().await?;
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
        assert_eq!((ben.get("second.ics"), ben.len()), (before, 1));
    }
    Ok(())
}

/// The copy itself is deleted, and its duplicate lives: an event with that mark is there, so
/// nothing is deleted.
#[tokio::test]
async fn a_duplicate_takes_the_place_of_a_copy_that_is_deleted() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for together in [true, false] {
            let (env, _) = copied(3, terms).await?;
            let [anna, ben] = &env.people;
            let copy = named(ben, "Event 1")?;
            assert!(Person::from(ben.clone()).duplicate(&copy, "second.ics", "second").await?);
            if !together {
                env.cli.sync().await?;
            }
            assert!(ben.delete(&copy));
            for hours in [0, 1, 24, 1] {
                hours_pass(&env.cli, hours).await?;
                env.cli.sync().await?;
            }
            assert!(
                anna.find("SUMMARY:Event 1").is_some(),
                "the original lives: {terms:?}, together: {together}"
            );
            assert_eq!(
                (titles(anna), titles(ben)),
                (all_but(3, &[]), all_but(3, &[])),
                "{terms:?}, together: {together}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// The copy goes with its origin, and the answer to that is lost: its duplicate is its owner's, and
/// is not deleted for it.
#[tokio::test]
async fn a_duplicate_outlives_a_copy_whose_deletion_was_not_answered() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(4, terms).await?;
        let [anna, ben] = &env.people;
        let copy = named(ben, "Event 1")?;
        delete(anna, "Event 1")?;
        assert!(Person::from(ben.clone()).duplicate(&copy, "second.ics", "second").await?);
        assert!(ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")));
        env.servers[1].faults().next(On::kind(Kind::Delete), Fault::StatusAfter(500));
        for hours in [0, 1, 1, 24] {
            hours_pass(&env.cli, hours).await?;
            env.cli.sync().await?;
            assert!(
                named(ben, "Second").is_ok(),
                "{terms:?}, after {hours} hours: {:?}",
                titles(ben)
            );
        }
        assert!(named(ben, "Event 1").is_err(), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

async fn cut(terms: &[&str], ending: Ending, at_copy: bool) -> anyhow::Result<()> {
    let (env, pair) = filled(Manners::generic(), 0, terms).await?;
    let [anna, ben] = &env.people;
    let lines = format!(
        "DTSTART:{}\nDTEND:{}\nRRULE:FREQ=DAILY;COUNT=6\nSUMMARY:Daily",
        at(3, 9),
        at(3, 10)
    );
    anna.put("daily.ics", &object("daily", &lines));
    env.cli.sync().await?;
    let (calendar, name) =
        if at_copy { (ben, named(ben, "Daily")?) } else { (anna, "daily.ics".to_owned()) };
    let later = |ics: &str| ics.replace("SUMMARY:Daily", "SUMMARY:Later");
    assert!(
        Person::from(calendar.clone())
            .cut(&name, &at(6, 9), ending, ("rest.ics", "rest"), later)
            .await?
    );
    let run = env.cli.sync().await?;
    let case = format!("{terms:?} {ending:?}, at the copy: {at_copy}: {run}");
    assert_eq!(run["deleted"], 0, "{case}");
    for hours in [0, 24, 1] {
        hours_pass(&env.cli, hours).await?;
        env.cli.sync().await?;
    }
    let one_way_at_copy = at_copy && terms != TWO_WAY;
    if one_way_at_copy {
        assert_eq!(occurrences(anna), 6, "the origin is as it was: {case}");
        assert_eq!(
            explained(&env.cli, &pair, "rest.ics").await?,
            json!("duplicate_of_copy"),
            "{case}"
        );
        assert!(ben.find("SUMMARY:Later").is_some(), "{case}");
    } else {
        assert_eq!(
            (titles(anna), titles(ben)),
            (vec!["Daily".to_owned(), "Later".into()], vec!["Daily".to_owned(), "Later".into()]),
            "{case}"
        );
        if ending == Ending::Count {
            assert_eq!((occurrences(anna), occurrences(ben)), (6, 6), "{case}");
        }
        rename(if at_copy { anna } else { ben }, "Later", "Later still")?;
        if terms == TWO_WAY {
            assert_eq!(counts(&env.cli.sync().await?), [0, 1, 0, 0], "{case}");
            assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)), "{case}");
        }
    }
    env.cli.sync().await?;
    check_at_rest(&env).await
}

#[tokio::test]
async fn a_series_that_is_cut_on_the_side_of_its_copy_loses_no_occurrence() -> anyhow::Result<()> {
    for ending in [Ending::Until, Ending::Count] {
        cut(TWO_WAY, ending, true).await?;
        cut(ONE_WAY, ending, true).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_series_that_is_cut_on_the_side_of_its_origin_loses_no_occurrence() -> anyhow::Result<()>
{
    for ending in [Ending::Until, Ending::Count] {
        cut(TWO_WAY, ending, false).await?;
        cut(ONE_WAY, ending, false).await?;
    }
    Ok(())
}

/// An origin that was made again carries a mark too: its duplicate is an event like any other.
#[tokio::test]
async fn a_duplicate_of_an_origin_that_was_made_again_is_copied() -> anyhow::Result<()> {
    let (env, _) = copied(2, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    rename(ben, "Event 1", "Edited")?;
    delete(anna, "Event 1")?;
    assert_eq!(env.cli.sync().await?["created"], 1, "the edit wins");
    let name = named(anna, "Edited")?;
    assert!(Person::from(anna.clone()).duplicate(&name, "second.ics", "second").await?);
    assert!(anna.edit("second.ics", |ics| ics.replace("SUMMARY:Edited", "SUMMARY:Second")));
    assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0]);
    assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)));
    assert_eq!(titles(ben), ["Edited", "Event 0", "Second"]);
    hours_pass(&env.cli, 24).await?;
    check_at_rest(&env).await
}

/// A copy of one pair that is duplicated into a third calendar, out of which another pair copies:
/// it is a copy there too, and is not copied on.
#[tokio::test]
async fn a_copy_that_is_put_into_another_calendar_is_not_copied_on() -> anyhow::Result<()> {
    let (env, _): (CliEnv, _) = copied(2, ONE_WAY).await?;
    let third = env.servers[1].calendar("ben", "third");
    let fourth = env.servers[1].calendar("ben", "fourth");
    let ends = [
        env.cli.calendar(&env.accounts[1], "third").await?,
        env.cli.calendar(&env.accounts[1], "fourth").await?,
    ];
    let second = env.cli.pair_add(&ends[0], &ends[1], ONE_WAY).await?;
    let (name, body) = env.people[1].objects().remove(0);
    third.put(&name, &body);
    third.put("own.ics", &hour("own", 3, 20, "Own"));
    let (status, run) = env.cli.sync_with(&["--pair", &second]).await?;
    assert_eq!(
        (status, counts(&run), skipped(&run, "own_copy")),
        (0, [1, 0, 0, 1], vec![name.clone()]),
        "{run}"
    );
    assert_eq!(explained(&env.cli, &second, &name).await?, json!("own_copy"));
    assert_eq!(titles(&fourth), ["Own"]);
    cli_checks::check_unchanged(&[&env.cli], &[&env.people[0], &env.people[1], &third, &fourth])
        .await
}

/// An event made out of a copy keeps the mark of that copy where it could not be given another one.
/// A pair that is added again still finds the real copy, also after the event was renamed.
#[tokio::test]
async fn what_was_made_out_of_a_copy_keeps_its_own_copy_in_a_pair_made_anew() -> anyhow::Result<()>
{
    for (before, after) in [
        (TWO_WAY, TWO_WAY),
        (TWO_WAY, &["--two-way", "--private-back"][..]),
        (&["--two-way", "--private-back"], TWO_WAY),
    ] {
        for (turned, renamed) in [(false, false), (false, true), (true, false), (true, true)] {
            let (env, pair) = copied(2, before).await?;
            let [anna, ben] = &env.people;
            let copy = named(ben, "Event 1")?;
            assert!(Person::from(ben.clone()).duplicate(&copy, "second.ics", "second").await?);
            assert!(ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")));
            let marked = ben.get("second.ics").expect("it is there");
            assert_eq!(env.cli.sync().await?["created"], 1);
            ben.put("second.ics", &marked);
            env.cli.sync().await?;
            env.cli.json(&["pair", "remove", &pair]).await?;
            if renamed {
                ben.delete("second.ics");
                ben.put("another.ics", &marked);
            }
            let [from, to] =
                [usize::from(turned), usize::from(!turned)].map(|i| env.calendars[i].as_str());
            env.cli.pair_add(from, to, after).await?;
            for hours in [0, 1, 24] {
                hours_pass(&env.cli, hours).await?;
                env.cli.sync().await?;
            }
            let shown = [titles(anna), titles(ben)];
            assert_eq!(
                (anna.len(), ben.len()),
                (3, 3),
                "{before:?} {after:?} {turned} {renamed}: {shown:?}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// A copy was deleted, and two events that a person had made out of it are there at once: one of
/// them is the copy from now on.
#[tokio::test]
async fn of_two_duplicates_one_takes_the_place_of_a_copy_that_was_deleted() -> anyhow::Result<()> {
    let (env, pair) = copied(3, ONE_WAY).await?;
    let ben = &env.people[1];
    let copy = named(ben, "Event 1")?;
    let object = ben.get(&copy).unwrap_or_default();
    delete(ben, "Event 1")?;
    env.cli.sync().await?;
    let uid = copy.trim_end_matches(".ics");
    assert!(object.contains(&format!("UID:{uid}")), "{object}");
    for name in ["one", "two"] {
        ben.plant(&format!("{name}.ics"), &object.replace(uid, name));
    }
    let run = env.cli.sync().await?;
    let left = skipped(&run, "duplicate_of_copy");
    assert_eq!(left.len(), 1, "{run}");
    for name in ["one.ics", "two.ics"] {
        let reason = if left[0] == name { "duplicate_of_copy" } else { "own_copy" };
        assert_eq!(explained(&env.cli, &pair, name).await?, json!(reason), "{name}: {run}");
    }
    check_at_rest(&env).await
}
