//! A pair that is added again finds its earlier copies by their marks and takes them over: any
//! generation, either role, private or not, inside and outside the window.

use serde_json::json;

use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, actions, counts};
use crate::support::cli_checks::{
    self, all_but, check_at_rest, copied, delete, named, rename, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::{at, hour, object};
use crate::support::rows::hours_pass;

/// Removes the pair and adds it again; returns the run of the first pass, which makes and deletes
/// nothing and does what its preview shows.
async fn readd_pair(env: &CliEnv, pair: &str, terms: &[&str]) -> anyhow::Result<String> {
    env.cli.json(&["pair", "remove", pair]).await?;
    let pair = env.pair(terms).await?;
    let preview = env.cli.dry_run().await?;
    let run = env.cli.sync().await?;
    assert_eq!(actions(&preview), actions(&run), "{terms:?}");
    assert_eq!((&run["created"], &run["deleted"]), (&json!(0), &json!(0)), "{terms:?}: {run}");
    Ok(pair)
}

fn all_busy(env: &CliEnv) {
    let titles = titles(&env.people[1]);
    assert!(titles.iter().all(|title| title == "Busy"), "a title is left: {titles:?}");
}

/// A copy that was deleted and made again has another generation, and so has one that was made a
/// third time.
#[tokio::test]
async fn copies_of_later_generations_are_found() -> anyhow::Result<()> {
    for (before, after) in
        [(ONE_WAY, ONE_WAY), (ONE_WAY, TWO_WAY), (ONE_WAY, PRIVATE), (PRIVATE, ONE_WAY)]
    {
        let (env, pair) = copied(3, before).await?;
        let [anna, ben] = &env.people;
        for round in 0..2 {
            let copies = ben.agenda();
            let origin = anna
                .agenda()
                .iter()
                .find(|entry| entry.name == "e1.ics")
                .map(|entry| entry.start());
            let copy = copies
                .iter()
                .find(|entry| Some(entry.start()) == origin)
                .expect("its copy")
                .name
                .clone();
            ben.delete(&copy);
            env.cli.sync().await?;
            anna.edit("e1.ics", |ics| ics.replace("SUMMARY:", &format!("SUMMARY:{round} ")));
            assert_eq!(env.cli.sync().await?["created"], 1, "made again");
        }
        let pair = readd_pair(&env, &pair, after).await?;
        assert_eq!((anna.len(), ben.len()), (3, 3), "{before:?} {after:?}");
        if after == PRIVATE {
            all_busy(&env);
        } else {
            assert_eq!(titles(ben), titles(anna));
        }
        assert!(env.cli.explain(&pair, "e1.ics").await?["copied"] == true);
        // Deleted and made again once more, under a name that none before had.
        anna.edit("e1.ics", |ics| ics.replace("SUMMARY:", "SUMMARY:Last "));
        assert_eq!(env.cli.sync().await?["changed"], u64::from(after != PRIVATE));
        anna.delete("e1.ics");
        assert_eq!(counts(&env.cli.sync().await?), [0, 0, 1, 0]);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// An origin that was deleted and made again, because its copy had been edited, is the origin of
/// that copy still.
#[tokio::test]
async fn an_origin_that_was_made_again_keeps_its_copy() -> anyhow::Result<()> {
    for after in [ONE_WAY, TWO_WAY, PRIVATE] {
        let (env, pair) = copied(3, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        ben.put("own.ics", &hour("own", 3, 20, "Own"));
        env.cli.sync().await?;
        // At either end.
        rename(ben, "Event 1", "Edited by Ben")?;
        delete(anna, "Event 1")?;
        rename(anna, "Own", "Edited by Anna")?;
        delete(ben, "Own")?;
        assert_eq!(env.cli.sync().await?["created"], 2, "the edit wins");
        readd_pair(&env, &pair, after).await?;
        assert_eq!(
            (anna.len(), ben.len()),
            (4, 4),
            "{after:?}: {:?} {:?}",
            titles(anna),
            titles(ben)
        );
        rename(anna, "Edited by Ben", "Edited again")?;
        let run = env.cli.sync().await?;
        assert_eq!(
            (&run["created"], &run["changed"]),
            (&json!(0), &json!(u64::from(after != PRIVATE))),
            "{after:?}: {run}"
        );
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A private pair covers the copies of an earlier pair that lie outside its own window too: what
/// they show is hidden, and they are kept.
#[tokio::test]
async fn no_title_is_left_behind_a_private_pair() -> anyhow::Result<()> {
    let (env, pair) = copied(3, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    anna.put("far.ics", &hour("far", 300, 9, "Far away"));
    anna.put(
        "series.ics",
        &object(
            "s",
            &format!(
                "DTSTART:{}\nDTEND:{}\nRRULE:FREQ=MONTHLY;COUNT=9\nSUMMARY:Monthly",
                at(3, 9),
                at(3, 10)
            ),
        ),
    );
    anna.put("past.ics", &hour("past", -60, 9, "Past"));
    assert_eq!(env.cli.sync().await?["created"], 3);
    // A copy whose origin is gone when the pair is added again.
    env.cli.json(&["pair", "remove", &pair]).await?;
    delete(anna, "Event 2")?;
    let narrow = [PRIVATE, &["--window-past", "30d", "--window-future", "60d"]].concat();
    let again = env.pair(&narrow).await?;
    let preview = env.cli.dry_run().await?;
    let run = env.cli.sync().await?;
    assert_eq!(actions(&preview), actions(&run));
    assert_eq!(run["created"], 0, "{run}");
    for hours in [0, 24] {
        hours_pass(&env.cli, hours).await?;
        env.cli.sync().await?;
        let shown = titles(ben);
        for title in ["Far away", "Past", "Monthly", "Event 0", "Event 1"] {
            assert!(!shown.contains(&title.to_owned()), "{title} is left: {shown:?}");
        }
    }
    assert!(env.cli.explain(&again, "e0.ics").await?["copied"] == true);
    check_at_rest(&env).await
}

/// A pair that is added again in the other direction, or both ways after one way: no event is
/// doubled in either calendar.
#[tokio::test]
async fn a_pair_made_anew_the_other_way_round_doubles_nothing() -> anyhow::Result<()> {
    for (before, after) in
        [(ONE_WAY, ONE_WAY), (ONE_WAY, TWO_WAY), (TWO_WAY, ONE_WAY), (TWO_WAY, TWO_WAY)]
    {
        let (env, pair) = copied(3, before).await?;
        let [anna, ben] = &env.people;
        ben.put("own.ics", &hour("own", 3, 20, "Own"));
        env.cli.sync().await?;
        env.cli.json(&["pair", "remove", &pair]).await?;
        let [from, to] = &env.calendars;
        env.cli.pair_add(to, from, after).await?;
        let run = env.cli.sync().await?;
        let own = u64::from(before == ONE_WAY);
        assert_eq!(
            (&run["created"], &run["deleted"]),
            (&json!(own), &json!(0)),
            "{before:?} {after:?}: {run}"
        );
        for arguments in [&["--full"][..], &[]] {
            env.cli.sync_with(arguments).await?;
        }
        assert_eq!(
            (titles(anna), titles(ben)),
            (titles(ben), titles(anna)),
            "{before:?} {after:?}"
        );
        assert_eq!(anna.len(), 4);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// An earlier copy that its owner has moved out of the window, and to which other people were
/// invited, is left alone and stops nothing.
#[tokio::test]
async fn an_old_copy_that_cannot_be_written_to_stops_nothing() -> anyhow::Result<()> {
    for guests in [true, false] {
        let (env, pair) = copied(6, ONE_WAY).await?;
        let [anna, ben] = &env.people;
        let copy = named(ben, "Event 3")?;
        env.cli.json(&["pair", "remove", &pair]).await?;
        ben.edit(&copy, |ics| {
            let moved = ics.replace(":202", ":203");
            let people = "ORGANIZER:mailto:ben@calendars.example\r\nATTENDEE:mailto:zoe@example.net\r\nSUMMARY";
            if guests { moved.replace("SUMMARY", people) } else { moved }
        });
        if !guests {
            use simulators::faults::{Fault, On};
            env.servers[1]
                .faults()
                .always(On::kind(simulators::traffic::Kind::Put).at(&copy), Fault::Status(400));
        }
        env.pair(ONE_WAY).await?;
        anna.put("new.ics", &hour("new", 2, 9, "New"));
        for _ in 0..2 {
            let (status, run) = env.cli.sync_with(&[]).await?;
            assert_eq!((status, &run["state"]), (0, &json!("ok")), "guests: {guests}: {run}");
        }
        assert!(ben.find("SUMMARY:New").is_some(), "the rest goes on");
        assert_eq!(
            (ben.len(), titles(ben).iter().filter(|title| *title == "Event 3").count()),
            (7, 1),
            "guests: {guests}"
        );
        env.servers[1].faults().clear();
        delete(anna, "Event 1")?;
        assert_eq!(env.cli.sync().await?["deleted"], 1);
        at_rest_after_refusal(&env).await?;
    }
    Ok(())
}

/// A write that was refused may be tried again once; after that it is quiet.
async fn at_rest_after_refusal(env: &CliEnv) -> anyhow::Result<()> {
    for _ in 0..2 {
        env.cli.sync().await?;
    }
    check_at_rest(env).await
}

/// Removed and added again ten times in all ways: nothing grows.
#[tokio::test]
async fn pairs_that_come_and_go_grow_nothing() -> anyhow::Result<()> {
    let (env, mut pair) = copied(4, ONE_WAY).await?;
    let [from, to] = env.calendars.clone();
    for (n, (turned, terms)) in [
        (false, PRIVATE),
        (false, TWO_WAY),
        (true, ONE_WAY),
        (true, TWO_WAY),
        (false, ONE_WAY),
        (true, PRIVATE),
        (false, TWO_WAY),
        (true, ONE_WAY),
        (false, PRIVATE),
        (false, ONE_WAY),
    ]
    .into_iter()
    .enumerate()
    {
        env.cli.json(&["pair", "remove", &pair]).await?;
        let ends = if turned { [&to, &from] } else { [&from, &to] };
        pair = env.cli.pair_add(ends[0], ends[1], terms).await?;
        for arguments in [&[][..], &["--full"], &[]] {
            let (status, run) = env.cli.sync_with(arguments).await?;
            assert_eq!((status, &run["deleted"]), (0, &json!(0)), "turn {n}: {run}");
        }
        assert_eq!((env.people[0].len(), env.people[1].len()), (4, 4), "turn {n}");
    }
    assert_eq!(
        (titles(&env.people[0]), titles(&env.people[1])),
        (all_but(4, &[]), all_but(4, &[]))
    );
    check_at_rest(&env).await
}

/// All events lie outside the window of the new pair: their copies show no title either.
#[tokio::test]
async fn no_title_is_left_outside_a_shorter_window() -> anyhow::Result<()> {
    let (env, pair) =
        cli_checks::filled(simulators::caldav::Manners::generic(), 0, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    for n in 0..3 {
        anna.put(
            &format!("far{n}.ics"),
            &hour(&format!("far{n}"), 290 + n, 9, &format!("Far {n}")),
        );
    }
    assert_eq!(env.cli.sync().await?["created"], 3);
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.pair(&["--private", "--window-future", "6mo"]).await?;
    env.cli.sync().await?;
    all_busy(&env);
    assert_eq!(ben.len(), 3);
    check_at_rest(&env).await
}

/// A copy was duplicated under a pair that has ended. The new pair goes both ways, so the duplicate
/// is an event like any other.
#[tokio::test]
async fn a_duplicate_from_before_is_copied_by_a_pair_that_goes_both_ways() -> anyhow::Result<()> {
    let (env, pair) = copied(3, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    let copy = named(ben, "Event 1")?;
    assert!(
        simulators::person::Person::from(ben.clone())
            .duplicate(&copy, "second.ics", "second")
            .await?
    );
    rename_one(ben, "second.ics");
    env.cli.sync().await?;
    env.cli.json(&["pair", "remove", &pair]).await?;
    let pair = env.pair(TWO_WAY).await?;
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run)[..3], [1, 0, 0], "{run}");
    let expected: Vec<String> =
        ["Event 0", "Event 1", "Event 2", "Second"].map(str::to_owned).to_vec();
    assert_eq!((titles(anna), titles(ben)), (expected.clone(), expected));
    assert_eq!(env.cli.explain(&pair, "second.ics").await?["copied"], true);
    check_at_rest(&env).await
}

fn rename_one(calendar: &simulators::caldav::Calendar, name: &str) {
    assert!(calendar.edit(name, |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")));
}

/// What one calendar's pair has left is not another calendar's to write to, though both had an
/// event of one UID: it may have been edited since.
#[tokio::test]
async fn what_is_left_of_another_calendars_event_is_not_written_to() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY, PRIVATE] {
        let (env, pair) = copied(3, ONE_WAY).await?;
        let [anna, ben] = &env.people;
        let third = env.servers[0].calendar("anna", "third");
        env.cli.json(&["calendars", "--refresh"]).await.ok();
        let id = env.cli.calendar(&env.accounts[0], "third").await?;
        rename(ben, "Event 1", "My notes")?;
        env.cli.json(&["pair", "remove", &pair]).await?;
        third.put(
            "other.ics",
            &object("uid-1", &format!("DTSTART:{}\nDTEND:{}\nSUMMARY:Theirs", at(5, 9), at(5, 10))),
        );
        let before = ben.objects();
        env.cli.pair_add(&id, &env.calendars[1], terms).await?;
        let run = env.cli.sync().await?;
        let kept = before.iter().all(|(name, body)| ben.get(name).as_ref() == Some(body));
        assert!(kept, "{terms:?}: {run}");
        assert_eq!(
            cli_checks::skipped(&run, "already_there")
                .iter()
                .filter(|name| *name == "other.ics")
                .count(),
            1,
            "{terms:?}: {run}"
        );
        third.delete("other.ics");
        env.cli.sync().await?;
        assert!(before.iter().all(|(name, _)| ben.get(name).is_some()), "{terms:?}");
        assert_eq!(titles(anna).len(), 3);
    }
    Ok(())
}
