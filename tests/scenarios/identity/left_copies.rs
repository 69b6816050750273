//! Copies that a pair has left behind when it ended are ordinary events, except that they are not
//! doubled.

use serde_json::json;
use simulators::caldav::Calendar;
use simulators::person::Person;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{
    all_but, check_unchanged, copied, explained, named, rename, skipped, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;

/// A third calendar, at Ben's server; its id.
async fn third(env: &CliEnv) -> anyhow::Result<(Calendar, String)> {
    let calendar = env.servers[1].calendar("ben", "third");
    let id = env.cli.calendar(&env.accounts[1], "third").await?;
    Ok((calendar, id))
}

/// S3: after the end of a pair its copies are copied like any event, to a calendar that has none of
/// them.
#[tokio::test]
async fn they_are_copied_like_any_event() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE] {
        let (env, pair) = copied(3, ONE_WAY).await?;
        let (third, id) = third(&env).await?;
        let second = env.cli.pair_add(&env.calendars[1], &id, terms).await?;
        let (_, run) = env.cli.sync_with(&["--pair", &second]).await?;
        assert_eq!(
            (counts(&run)[0], skipped(&run, "own_copy").len()),
            (0, 3),
            "while their pair lives they are copies: {run}"
        );

        env.cli.json(&["pair", "remove", &pair]).await?;
        env.cli.sync_with(&["--full"]).await?;
        assert_eq!(third.len(), 3, "{terms:?}");
        if terms != PRIVATE {
            assert_eq!(titles(&third), all_but(3, &[]));
            rename(&env.people[1], "Event 1", "Renamed")?;
            assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
            assert_eq!(titles(&third), ["Event 0", "Event 2", "Renamed"]);
        }
        assert_eq!(titles(&env.people[0]), all_but(3, &[]), "the origin's calendar is in no pair");
        check_unchanged(&[&env.cli], &[&env.people[0], &env.people[1], &third]).await?;
    }
    Ok(())
}

/// A person duplicates what a pair has left, once it is copied again: both are that person's own.
#[tokio::test]
async fn a_duplicate_of_what_is_left_is_copied() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(2, ONE_WAY).await?;
        let (third, id) = third(&env).await?;
        env.cli.json(&["pair", "remove", &pair]).await?;
        env.cli.pair_add(&env.calendars[1], &id, terms).await?;
        assert_eq!(counts(&env.cli.sync().await?), [2, 0, 0, 0]);
        let ben = &env.people[1];
        assert!(
            Person::from(ben.clone())
                .duplicate(&named(ben, "Event 1")?, "second.ics", "second")
                .await?
        );
        assert!(ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")));
        let run = env.cli.sync().await?;
        assert_eq!((counts(&run), titles(&third)), ([1, 0, 0, 0], titles(ben)), "{run}");
        check_unchanged(&[&env.cli], &[ben, &third]).await?;
    }
    Ok(())
}

/// The calendar to be written to holds the origin already.
#[tokio::test]
async fn they_are_not_copied_to_where_they_come_from() -> anyhow::Result<()> {
    let (env, pair) = copied(3, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.json(&["pair", "remove", &pair]).await?;
    let back = env.cli.pair_add(&env.calendars[1], &env.calendars[0], ONE_WAY).await?;
    ben.put("own.ics", &hour("own", 3, 20, "Own"));
    let preview = env.cli.dry_run().await?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&preview), counts(&run)), ([1, 0, 0, 3], [1, 0, 0, 3]), "{run}");
    assert_eq!(skipped(&run, "already_there").len(), 3, "{run}");
    let copy = named(ben, "Event 1")?;
    assert_eq!(explained(&env.cli, &back, &copy).await?, json!("already_there"));
    assert_eq!(anna.len(), 4);
    check_unchanged(&[&env.cli], &[anna, ben]).await
}

/// Or another copy of it: two calendars with copies of one event, into one.
#[tokio::test]
async fn the_second_copy_of_an_event_is_not_copied_to_where_the_first_is() -> anyhow::Result<()> {
    for end_first in [false, true] {
        let (env, pair) = copied(3, ONE_WAY).await?;
        let [anna, ben] = &env.people;
        let (third, id) = third(&env).await?;
        let second = env.cli.pair_add(&env.calendars[0], &id, ONE_WAY).await?;
        assert_eq!(counts(&env.cli.sync_with(&["--pair", &second]).await?.1), [3, 0, 0, 0]);
        // Of Ben's copies and of the third calendar's, one of the two sorts is left behind.
        env.cli.json(&["pair", "remove", if end_first { &pair } else { &second }]).await?;
        let ends = if end_first { [&env.calendars[1], &id] } else { [&id, &env.calendars[1]] };
        let chain = env.cli.pair_add(ends[0], ends[1], ONE_WAY).await?;
        let (status, run) = env.cli.sync_with(&["--pair", &chain]).await?;
        assert_eq!(
            (status, counts(&run)[0], skipped(&run, "already_there").len()),
            (0, 0, 3),
            "end first: {end_first}: {run}"
        );
        assert_eq!(
            (titles(ben), titles(&third)),
            (all_but(3, &[]), all_but(3, &[])),
            "end first: {end_first}"
        );
        check_unchanged(&[&env.cli], &[anna, ben, &third]).await?;
    }
    Ok(())
}

/// The hash of the first origin goes along a chain of copies, so its end is known where it began.
#[tokio::test]
async fn a_chain_of_copies_does_not_close_into_a_ring() -> anyhow::Result<()> {
    let (env, pair) = copied(3, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    let (third, id) = third(&env).await?;
    env.cli.json(&["pair", "remove", &pair]).await?;
    let second = env.cli.pair_add(&env.calendars[1], &id, ONE_WAY).await?;
    assert_eq!(counts(&env.cli.sync().await?), [3, 0, 0, 0]);
    env.cli.json(&["pair", "remove", &second]).await?;
    let closing = env.cli.pair_add(&id, &env.calendars[0], TWO_WAY).await?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run)[0], &run["deleted"]), (0, &json!(0)), "{closing}: {run}");
    for (person, events) in [(anna, 3), (ben, 3), (&third, 3)] {
        assert_eq!(titles(person), all_but(events, &[]));
    }
    check_unchanged(&[&env.cli], &[anna, ben, &third]).await
}

/// Each copy that was left behind exists after every later change of its origin.
#[tokio::test]
async fn a_copy_left_behind_outlives_its_origin() -> anyhow::Result<()> {
    let (env, pair) = copied(3, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.json(&["pair", "remove", &pair]).await?;
    anna.clear();
    let back = env.cli.pair_add(&env.calendars[1], &env.calendars[0], ONE_WAY).await?;
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run)[..3], [3, 0, 0], "their origins are not there any more: {back}: {run}");
    assert_eq!((titles(anna), titles(ben)), (all_but(3, &[]), all_but(3, &[])));
    check_unchanged(&[&env.cli], &[anna, ben]).await
}
