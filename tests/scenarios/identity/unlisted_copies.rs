//! What was written and is not listed: a server that does not keep it, shows it late, or begins to
//! lose names, UIDs and marks. That it is missing is no deletion.

use serde_json::json;
use simulators::caldav::{Late, Manners, Names, Rewrite};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{
    all_but, check_at_rest, copied, delete, explained, filled, named, pass_a_night, rename,
    skipped, status_of, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many, stamp};
use crate::support::rows::hours_pass;

fn loses_everything(manners: &mut Manners) {
    (manners.names, manners.rewrite) = (Names::Own { location: false }, Rewrite::Anew);
}

#[tokio::test]
async fn a_copy_that_the_server_does_not_keep_costs_no_original() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for sync in [true, false] {
            let (env, pair) = filled(Manners { sync, ..Manners::generic() }, 4, terms).await?;
            let [anna, ben] = &env.people;
            env.cli.sync().await?;
            env.servers[1].manners(|manners| manners.swallows = true);
            anna.put("new.ics", &hour("new", 5, 9, "New"));
            env.cli.sync().await?;
            pass_a_night(&env).await?;
            assert!(named(anna, "New").is_ok() && named(ben, "New").is_err(), "{terms:?}");
            assert_eq!(status_of(&env.cli, &pair).await?["problems"], 1);
            assert_eq!(explained(&env.cli, &pair, "new.ics").await?, json!("refused_by_server"));

            env.servers[1].manners(|manners| manners.swallows = false);
            let full = terms == ONE_WAY;
            if !full {
                // A server that shows nothing until its calendar is listed as a whole was not
                // missed before the first night.
                hours_pass(&env.cli, 24).await?;
                env.cli.sync().await?;
                rename(anna, "New", "Newer")?;
            }
            let (_, run) = env.cli.sync_with(if full { &["--full"] } else { &[] }).await?;
            assert_eq!(counts(&run)[..3], [1, 0, 0], "it is made again: {run}");
            env.cli.sync().await?;
            assert_eq!(status_of(&env.cli, &pair).await?["problems"], 0);
            anna.delete("new.ics");
            // One of five that is missing in a listing is asked about.
            let (_, first) = env.cli.sync_with(&[]).await?;
            let (_, run) = env.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
            assert_eq!(counts(&first)[2] + counts(&run)[2], 1, "{run}");
            assert_eq!((titles(anna), titles(ben)), (all_but(4, &[]), all_but(4, &[])));
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_that_is_shown_late_is_that_copy() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) =
            filled(Manners { tells_unseen_gone: false, ..Manners::generic() }, 4, terms).await?;
        let [anna, ben] = &env.people;
        env.cli.sync().await?;
        anna.put("new.ics", &hour("new", 5, 9, "New"));
        env.cli.sync().await?;
        let name = named(ben, "New")?;
        let copy = ben.get(&name).expect("it is there");
        ben.delete(&name);
        pass_a_night(&env).await?;
        ben.put(&name, &copy);
        pass_a_night(&env).await?;
        assert_eq!((titles(anna), anna.len()), (titles(ben), 5), "{terms:?}");
        assert_eq!(status_of(&env.cli, &pair).await?["problems"], 0);
        rename(anna, "New", "Newer")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Other copies are where they were written: they say nothing of this one.
#[tokio::test]
async fn a_server_begins_to_lose_what_is_written() -> anyhow::Result<()> {
    for (terms, etag_on_put) in
        [(ONE_WAY, true), (TWO_WAY, true), (ONE_WAY, false), (TWO_WAY, false)]
    {
        let (env, _) = copied(4, terms).await?;
        let [anna, ben] = &env.people;
        env.servers[1].manners(|manners| {
            loses_everything(manners);
            manners.etag_on_put = etag_on_put;
        });
        anna.put("new.ics", &hour("new", 5, 9, "New"));
        env.cli.sync().await?;
        pass_a_night(&env).await?;
        assert_eq!((titles(anna), anna.len()), (titles(ben), 5), "{terms:?} {etag_on_put}");
        assert!(anna.get("new.ics").is_some(), "the original is untouched");
        rename(anna, "New", "Newer")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
        delete(anna, "Newer")?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1]);
        assert_eq!(titles(ben), all_but(4, &[]));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A person's own event with equal content is never taken for the copy. A copy is made and listed
/// while a question about the other calendar waits, and is then deleted by a person: that is a
/// deletion.
#[tokio::test]
async fn what_is_listed_while_something_is_held_is_no_longer_awaited() -> anyhow::Result<()> {
    let (env, pair) = filled(Manners { sync: false, ..Manners::generic() }, 8, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for own in 0..3 {
        ben.put(
            &format!("own{own}.ics"),
            &hour(&format!("own{own}"), 9 + own, 12, &format!("Own {own}")),
        );
    }
    pass_a_night(&env).await?;
    anna.replace();
    assert_eq!(env.cli.sync_with(&[]).await?.1["state"], "held");
    anna.put("new.ics", &hour("new", 3, 20, "New"));
    for _ in 0..2 {
        assert_eq!(env.cli.sync_with(&[]).await?.1["state"], "held");
    }
    delete(ben, "New")?;
    let (_, run) = env.cli.sync_with(&["--pair", &pair, "--make-again"]).await?;
    hours_pass(&env.cli, 1).await?;
    env.cli.sync_with(&[]).await?;
    assert!(
        titles(anna).len() == 11 && titles(anna) == titles(ben),
        "{run}: {:?} {:?}",
        titles(anna),
        titles(ben)
    );
    check_at_rest(&env).await
}

#[tokio::test]
async fn an_event_like_the_copy_stays_its_owners() -> anyhow::Result<()> {
    for (etag_on_put, sync) in [(true, true), (true, false), (false, true), (false, false)] {
        let env = Builder::caldav(Manners { sync, etag_on_put, ..Manners::generic() })
            .build_cli()
            .await?;
        let [anna, ben] = &env.people;
        env.servers[1].manners(loses_everything);
        for (name, object) in many(15) {
            anna.put(&name, &object);
        }
        anna.put("e.ics", &hour("e", 5, 9, "Dentist"));
        ben.put(
            "0-own.ics",
            &hour("own", 5, 9, "Dentist").replace("SUMMARY", "DESCRIPTION:My notes\r\nSUMMARY"),
        );
        let own = ben.get("0-own.ics");
        env.pair(ONE_WAY).await?;
        pass_a_night(&env).await?;
        rename(anna, "Dentist", "Surgery")?;
        env.cli.sync().await?;
        pass_a_night(&env).await?;
        assert_eq!(ben.get("0-own.ics"), own, "renamed: {etag_on_put} {sync}");
        delete(anna, "Surgery")?;
        env.cli.sync().await?;
        assert_eq!(ben.get("0-own.ics"), own, "deleted: {etag_on_put} {sync}");
    }
    Ok(())
}

/// A server that takes a copy for the event that is there already: that one is its owner's, whether
/// it was touched since or not.
#[tokio::test]
async fn an_event_that_was_there_before_is_never_the_copy() -> anyhow::Result<()> {
    for (terms, sync) in [(ONE_WAY, true), (ONE_WAY, false), (TWO_WAY, true)] {
        for touched in [false, true] {
            let env = Builder::caldav(Manners {
                sync,
                etag_on_put: false,
                merges: true,
                ..Manners::generic()
            })
            .build_cli()
            .await?;
            let [anna, ben] = &env.people;
            for (name, object) in many(12) {
                anna.put(&name, &object);
            }
            anna.put("e.ics", &hour("e", 5, 9, "Dentist"));
            ben.put(
                "own.ics",
                &hour("own", 5, 9, "Dentist")
                    .replace("SUMMARY", "DESCRIPTION:Bring the X-rays\r\nSUMMARY"),
            );
            env.pair(terms).await?;
            env.cli.sync().await?;
            if touched {
                let stamp = stamp();
                ben.edit("own.ics", |ics| {
                    ics.replace(
                        "DTSTAMP:20250101T000000Z",
                        &format!("DTSTAMP:{stamp}\r\nLOCATION:Berlin"),
                    )
                });
            }
            let own = ben.get("own.ics");
            pass_a_night(&env).await?;
            assert!(anna.edit("e.ics", |ics| ics.replace("SUMMARY", "LOCATION:Bonn\r\nSUMMARY")));
            env.cli.sync().await?;
            pass_a_night(&env).await?;
            assert_eq!(ben.get("own.ics"), own, "edited: {terms:?} {sync} {touched}");
            anna.delete("e.ics");
            for hours in [0, 24, 1, 24, 1, 24] {
                hours_pass(&env.cli, hours).await?;
                env.cli.sync().await?;
            }
            assert_eq!(ben.get("own.ics"), own, "deleted: {terms:?} {sync} {touched}");
        }
    }
    Ok(())
}

const SYNC_AND_LATE: [(bool, Late); 3] =
    [(true, Late::Unlisted), (false, Late::Unlisted), (true, Late::Unread)];

/// A new event whose copy does not show, and another event of Ben's that makes his calendar worth a
/// look.
async fn late_copy(
    terms: &[&str],
    manners: Manners,
    late: Late,
    body: &str,
) -> anyhow::Result<(CliEnv, String)> {
    let (env, pair) = filled(manners, 12, terms).await?;
    let [anna, ben] = &env.people;
    env.cli.sync().await?;
    env.cli.sync().await?;
    env.servers[1].manners(|manners| manners.late = late);
    anna.put("new.ics", body);
    assert_eq!(env.cli.sync().await?["created"], 1);
    env.servers[1].manners(|manners| manners.late = Late::Not);
    ben.put("mine.ics", &hour("mine", 150, 20, "Mine"));
    Ok((env, pair))
}

fn count(calendar: &simulators::caldav::Calendar, title: &str) -> usize {
    titles(calendar).iter().filter(|one| *one == title).count()
}

#[tokio::test]
async fn edits_reach_a_copy_that_is_not_listed_yet() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for (sync, late) in SYNC_AND_LATE {
            for (edit, needle) in [
                ("SUMMARY:Newer", "SUMMARY:Newer"),
                ("LOCATION:Bonn\r\nSUMMARY:New", "LOCATION:Bonn"),
            ] {
                let manners = Manners { sync, ..Manners::generic() };
                let (env, pair) =
                    late_copy(terms, manners, late, &hour("new", 5, 9, "New")).await?;
                let [anna, ben] = &env.people;
                assert!(anna.edit("new.ics", |ics| ics.replace("SUMMARY:New", edit)));
                env.cli.sync().await?;
                let case = format!("{terms:?} {sync} {late:?} {edit}");
                assert_eq!(
                    ben.find(needle).is_some(),
                    late == Late::Unlisted,
                    "what can be read is written: {case}"
                );
                env.cli.sync().await?;
                ben.catch_up();
                pass_a_night(&env).await?;
                assert!(ben.find(needle).is_some() && anna.find(needle).is_some(), "{case}");
                assert_eq!(
                    (ben.len(), titles(anna).len()),
                    (14, if terms == TWO_WAY { 14 } else { 13 }),
                    "nothing is doubled: {case}"
                );
                assert_eq!(status_of(&env.cli, &pair).await?["problems"], 0);
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

/// There is one copy after any number of edits; a private pair that is added again leaves no title
/// behind.
#[tokio::test]
async fn a_copy_that_is_not_listed_does_not_grow() -> anyhow::Result<()> {
    for late in [Late::Unlisted, Late::Unread] {
        let (env, pair) =
            late_copy(ONE_WAY, Manners::generic(), late, &hour("new", 5, 9, "Secret 0")).await?;
        let [anna, ben] = &env.people;
        for n in 0..4 {
            ben.put(&format!("mine-{n}.ics"), &hour(&format!("mine-{n}"), 100 + n, 20, "Mine"));
            rename(anna, &format!("Secret {n}"), &format!("Secret {}", n + 1))?;
            env.cli.sync().await?;
        }
        ben.catch_up();
        env.cli.sync().await?;
        check_at_rest(&env).await?;
        assert_eq!((count(ben, "Secret 4"), ben.len()), (1, 12 + 1 + 5), "{late:?}");
        env.cli.run(&["pair", "remove", &pair]).await?;
        env.pair(&["--private"]).await?;
        env.cli.sync().await?;
        assert!(ben.find("Secret").is_none() && ben.len() == 18, "{late:?}: {:?}", titles(ben));
        check_at_rest(&env).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_that_is_not_listed_goes_with_its_origin() -> anyhow::Result<()> {
    let moved = |ics: &str| ics.replace("DTSTART:20", "DTSTART:24").replace("DTEND:20", "DTEND:24");
    let cancelled = |ics: &str| ics.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY");
    let own_names = Names::Own { location: false };
    for terms in [ONE_WAY, TWO_WAY] {
        for (sync, late) in SYNC_AND_LATE {
            let names = if late == Late::Unread { own_names } else { Names::Asked };
            for how in ["moved", "cancelled", "deleted"] {
                let manners = Manners { sync, ..Manners::generic() };
                let (env, pair) = filled(manners, 12, terms).await?;
                let [anna, ben] = &env.people;
                env.servers[1].manners(|manners| manners.names = names);
                env.cli.sync().await?;
                env.cli.sync().await?;
                env.servers[1].manners(|manners| manners.late = late);
                anna.put("new.ics", &hour("new", 5, 9, "New"));
                env.cli.sync().await?;
                env.servers[1].manners(|manners| manners.late = Late::Not);
                ben.put("mine.ics", &hour("mine", 150, 20, "Mine"));
                match how {
                    "moved" => assert!(anna.edit("new.ics", moved)),
                    "cancelled" => assert!(anna.edit("new.ics", cancelled)),
                    _ => assert!(anna.delete("new.ics")),
                }
                env.cli.sync().await?;
                ben.catch_up();
                for hours in [0, 1, 24] {
                    hours_pass(&env.cli, hours).await?;
                    env.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
                }
                let left = usize::from(how != "deleted");
                let case = format!("{terms:?} {sync} {late:?} {names:?} {how}");
                assert_eq!((count(ben, "New"), count(anna, "New")), (0, left), "{case}");
                assert_eq!(ben.len(), 13, "{case}: {:?}", titles(ben));
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

/// The answer to a write is lost, and what is left of the copy is what it shows.
#[tokio::test]
async fn a_copy_whose_answer_was_lost_is_known_by_what_it_shows() -> anyhow::Result<()> {
    let cases = [(true, false), (false, false), (true, true)];
    for (terms, (etag_on_put, location)) in
        [ONE_WAY, TWO_WAY].into_iter().flat_map(|terms| cases.map(|case| (terms, case)))
    {
        for then in ["nothing", "edited", "deleted"] {
            let (env, pair) = filled(Manners::generic(), 4, terms).await?;
            let [anna, ben] = &env.people;
            // Her own, at the time and with the title of one of them.
            ben.put("own.ics", &many(1)[0].1.replace("uid-0", "own"));
            env.servers[1].manners(|manners| {
                loses_everything(manners);
                (manners.etag_on_put, manners.names) = (etag_on_put, Names::Own { location });
            });
            env.servers[1].faults().next(On::kind(Kind::Put).saying("Event 1"), Fault::DropAfter);
            let run = env.cli.sync().await?;
            assert_eq!(skipped(&run, "refused_by_server").len(), 1, "the answer is lost: {run}");
            match then {
                "edited" => rename(anna, "Event 1", "Edited")?,
                "deleted" => delete(anna, "Event 1")?,
                _ => {}
            }
            for _ in 0..3 {
                env.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
            }
            let case = format!("{terms:?} {etag_on_put} {location} {then}");
            let own = usize::from(terms == TWO_WAY);
            let left = if then == "deleted" { 3 } else { 4 };
            assert_eq!(
                (ben.len(), anna.len()),
                (left + 1, left + own),
                "{case}: {:?} {:?}",
                titles(anna),
                titles(ben)
            );
            assert_eq!(count(ben, "Edited"), usize::from(then == "edited"), "{case}");
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// Its owner's own event beside a copy that does not show.
#[tokio::test]
async fn an_event_beside_a_copy_that_is_not_shown_is_copied_or_named_for_what_it_is()
-> anyhow::Result<()> {
    for (sync, late) in SYNC_AND_LATE {
        for etag_on_put in [true, false] {
            let manners = Manners { sync, etag_on_put, ..Manners::generic() };
            let (env, pair) = late_copy(TWO_WAY, manners, late, &hour("new", 5, 9, "New")).await?;
            let [anna, ben] = &env.people;
            ben.put(
                "lunch.ics",
                &hour("lunch", 5, 9, "Lunch").replace("20250101T000000Z", &stamp()),
            );
            env.cli.sync().await?;
            let case = format!("{sync} {late:?} {etag_on_put}");
            if etag_on_put || late == Late::Unlisted {
                assert_eq!(count(anna, "Lunch"), 1, "no copy has that version: {case}");
            } else {
                assert_eq!(
                    explained(&env.cli, &pair, "lunch.ics").await?,
                    json!("may_be_copy"),
                    "{case}"
                );
            }
            ben.catch_up();
            pass_a_night(&env).await?;
            assert_eq!(
                (count(anna, "Lunch"), count(ben, "Lunch"), count(ben, "New")),
                (1, 1, 1),
                "{case}"
            );
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// Its listings show no copy, and each copy answers under its name: a night is no reason to stop,
/// with any other content of the calendar.
#[tokio::test]
async fn copies_that_answer_under_their_names_are_recognised() -> anyhow::Result<()> {
    for (terms, sync) in [(ONE_WAY, true), (ONE_WAY, false), (TWO_WAY, true)] {
        let env = Builder::caldav(Manners { sync, ..Manners::generic() }).build_cli().await?;
        let [anna, ben] = &env.people;
        for (name, object) in many(3) {
            anna.put(&name, &object);
        }
        for n in 0..4 {
            ben.put(
                &format!("own{n}.ics"),
                &hour(&format!("own{n}"), 20 + n, 9, &format!("Own {n}")),
            );
        }
        env.servers[1].manners(|manners| manners.late = Late::Unlisted);
        let pair = env.pair(terms).await?;
        env.cli.sync().await?;
        for (hours, title, new) in
            [(1, "Event 0", "Edited 1"), (24, "Edited 1", "Edited 2"), (24, "Edited 2", "Edited 3")]
        {
            hours_pass(&env.cli, hours).await?;
            rename(anna, title, new)?;
            let run = env.cli.sync().await?;
            assert!(
                run["error"].is_null() && titles(ben).contains(&new.to_owned()),
                "{terms:?} {sync} {hours}: {run}"
            );
        }
        assert_ne!(status_of(&env.cli, &pair).await?["state"], "error");
        ben.catch_up();
        pass_a_night(&env).await?;
        assert_eq!(ben.len(), 7, "{terms:?} {sync}: {:?}", titles(ben));
    }
    Ok(())
}
