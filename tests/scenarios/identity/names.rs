//! Names: a server that stores an object under a name that it chooses, an object that gets another
//! name, and a UID that may not be used again.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use simulators::caldav::{Late, Manners, Names, Rewrite};

use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{
    all_but, check_at_rest, copied, delete, explained, filled, named, pass_a_night, rename, titles,
};
use crate::support::events::{hour, many};
use crate::support::rows::hours_pass;

async fn on_a_server_with_its_own_names(location: bool, terms: &[&str]) -> anyhow::Result<()> {
    let (env, pair) = filled(Manners::generic(), 4, terms).await?;
    env.servers[1].manners(|manners| manners.names = Names::Own { location });
    pass_a_night(&env).await?;
    let [anna, ben] = &env.people;
    assert_eq!(
        (titles(anna), titles(ben)),
        (all_but(4, &[]), all_but(4, &[])),
        "nothing is doubled, and no original is deleted"
    );

    rename(anna, "Event 0", "Renamed")?;
    delete(anna, "Event 1")?;
    assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0]);
    assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)));
    assert!(ben.find("SUMMARY:Renamed").is_some());
    let copy = named(ben, "Event 2")?;
    assert_eq!(explained(&env.cli, &pair, &copy).await?, json!("own_copy"));
    let report = env.cli.explain(&pair, "e2.ics").await?;
    assert!(
        report["copied"] == true && report["copy"].as_str().is_some_and(|id| id.ends_with(&copy)),
        "{report}"
    );
    if terms == TWO_WAY {
        rename(ben, "Event 2", "By Ben")?;
        delete(ben, "Event 3")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0]);
        assert_eq!(titles(anna), ["By Ben", "Renamed"]);
    }
    pass_a_night(&env).await?;
    check_at_rest(&env).await
}

#[tokio::test]
async fn a_server_chooses_names_and_says_which() -> anyhow::Result<()> {
    on_a_server_with_its_own_names(true, ONE_WAY).await?;
    on_a_server_with_its_own_names(true, TWO_WAY).await
}

#[tokio::test]
async fn a_server_chooses_names_and_does_not_say_which() -> anyhow::Result<()> {
    on_a_server_with_its_own_names(false, ONE_WAY).await?;
    on_a_server_with_its_own_names(false, TWO_WAY).await
}

/// Nothing by which a copy is known is left of it but what it shows.
#[tokio::test]
async fn a_server_keeps_neither_name_nor_uid_nor_mark() -> anyhow::Result<()> {
    for (terms, etag_on_put) in [(ONE_WAY, true), (TWO_WAY, true), (TWO_WAY, false)] {
        let (env, pair) = filled(Manners::generic(), 4, terms).await?;
        let [anna, ben] = &env.people;
        ben.put("own.ics", &hour("own", 3, 20, "Own"));
        env.servers[1].manners(|manners| {
            (manners.names, manners.rewrite, manners.etag_on_put) =
                (Names::Own { location: false }, Rewrite::Anew, etag_on_put);
        });
        pass_a_night(&env).await?;
        let own = usize::from(terms == TWO_WAY);
        assert_eq!((anna.len(), ben.len()), (4 + own, 5), "nothing is doubled: {terms:?}");

        rename(anna, "Event 0", "Renamed")?;
        delete(anna, "Event 1")?;
        let (name, object) = many(6).pop().context("an event")?;
        anna.put(&name, &object);
        assert_eq!(counts(&env.cli.sync().await?), [1, 1, 1, 0]);
        pass_a_night(&env).await?;
        assert_eq!(titles(ben), ["Event 2", "Event 3", "Event 5", "Own", "Renamed"]);
        assert_eq!(
            (anna.len(), explained(&env.cli, &pair, &named(ben, "Event 5")?).await?),
            (4 + own, json!("own_copy"))
        );
        if terms == TWO_WAY {
            rename(ben, "Event 5", "By Ben")?;
            delete(ben, "Event 3")?;
            assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0]);
            assert_eq!(titles(anna), ["By Ben", "Event 2", "Own", "Renamed"]);
        }
        pass_a_night(&env).await?;
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// Not even what it shows: then the pair stops, and nothing is doubled or deleted.
#[tokio::test]
async fn a_server_keeps_nothing_of_what_is_written() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = filled(Manners::generic(), 4, terms).await?;
        let [anna, ben] = &env.people;
        env.servers[1].manners(|manners| {
            (manners.names, manners.rewrite) = (Names::Own { location: false }, Rewrite::Anew)
        });
        env.cli.sync().await?;
        for name in ben.names() {
            assert!(ben.edit(&name, |ics| {
                ics.replace("SUMMARY:Event", "SUMMARY:No").replace("DTSTART:2026", "DTSTART:2025")
            }));
        }
        for hours in [0, 1, 24, 1, 24] {
            hours_pass(&env.cli, hours).await?;
            let (code, run) = env.cli.sync_with(&[]).await?;
            assert_eq!((code, run["error"]["code"].as_str()), (1, Some("unrecognised")), "{run}");
            assert_eq!((titles(anna), ben.len()), (all_but(4, &[]), 4));
        }
    }
    Ok(())
}

/// An origin that is made again gets a name of the server's too.
#[tokio::test]
async fn both_servers_choose_names() -> anyhow::Result<()> {
    for location in [true, false] {
        let manners = Manners { names: Names::Own { location }, ..Manners::generic() };
        let (env, _) = filled(manners, 3, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        ben.put("own.ics", &hour("own", 3, 20, "Own"));
        pass_a_night(&env).await?;
        assert_eq!((titles(anna).len(), titles(ben).len()), (4, 4));
        rename(ben, "Event 0", "Edited on the copy")?;
        delete(anna, "Event 0")?;
        rename(anna, "Own", "Own, edited")?;
        delete(ben, "Own")?;
        assert_eq!(env.cli.sync().await?["created"], 2, "the edit wins");
        pass_a_night(&env).await?;
        assert_eq!(titles(anna), ["Edited on the copy", "Event 1", "Event 2", "Own, edited"]);
        assert_eq!(titles(ben), titles(anna));
        // They are a pair as before.
        rename(anna, "Edited on the copy", "Once more")?;
        delete(ben, "Own, edited")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0]);
        assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A renamed object keeps its identity on either side: its UID or its mark identifies it. The
/// rename costs no write.
#[tokio::test]
async fn an_object_that_gets_another_name_is_the_same_event() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(6, terms).await?;
        let [anna, ben] = &env.people;
        for (n, how) in [&[][..], &["--full"]].into_iter().enumerate() {
            for (calendar, name) in
                [(anna, format!("e{n}.ics")), (ben, named(ben, &format!("Event {}", n + 2))?)]
            {
                let body = calendar.get(&name).expect("it is there");
                assert!(calendar.delete(&name));
                calendar.put(&format!("moved-{n}.ics"), &body);
            }
            env.reset_counts();
            let (status, run) = env.cli.sync_with(how).await?;
            assert_eq!(
                (status, &counts(&run)[..3], env.writes()),
                (0, &[0; 3][..], [0, 0]),
                "{terms:?} {how:?}: {run}"
            );
        }
        assert_eq!((titles(anna), titles(ben)), (all_but(6, &[]), all_but(6, &[])));
        assert_eq!(env.cli.explain(&pair, "moved-0.ics").await?["copied"], true);
        // Edits and deletions find them under the new names.
        rename(anna, "Event 0", "Zero")?;
        rename(anna, "Event 2", "Two")?;
        delete(anna, "Event 1")?;
        delete(anna, "Event 3")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 2, 2, 0]);
        assert_eq!((titles(anna), titles(ben)), (titles(ben), titles(anna)));
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A listing names the former name as gone before it names the new one: no original is deleted for
/// that.
#[tokio::test]
async fn a_copy_whose_new_name_is_told_later_costs_no_original() -> anyhow::Result<()> {
    let (env, _) = filled(Manners { finds_uids: true, ..Manners::generic() }, 6, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.sync().await?;
    let name = named(ben, "Event 2")?;
    let body = ben.get(&name).context("it is there")?;
    assert!(ben.delete(&name));
    ben.put("moved.ics", &body);
    ben.delay("moved.ics", Late::Untold);
    for _ in 0..2 {
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run)[..3], [0; 3], "{run}");
    }
    ben.catch_up();
    rename(anna, "Event 2", "Two")?;
    assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
    assert_eq!((anna.len(), titles(anna)), (6, titles(ben)));
    check_at_rest(&env).await
}

/// Another copy of this pair has the name that a new copy would get.
#[tokio::test]
async fn a_copy_under_the_name_of_another_is_not_overwritten() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = copied(6, terms).await?;
        let [anna, ben] = &env.people;
        let (original, name) = (anna.get("e1.ics").context("it is there")?, named(ben, "Event 1")?);
        delete(anna, "Event 1")?;
        env.cli.sync().await?;
        let other = named(ben, "Event 2")?;
        let body = ben.get(&other).context("it is there")?;
        assert!(ben.delete(&other));
        ben.put(&name, &body);
        anna.put("e1.ics", &original);
        assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0], "{terms:?}");
        assert_eq!((titles(anna), titles(ben)), (all_but(6, &[]), all_but(6, &[])), "{terms:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A whole calendar whose names change costs a listing and no write.
#[tokio::test]
async fn all_objects_get_other_names_at_once() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for side in [0, 1] {
            let (env, _) = copied(40, terms).await?;
            let calendar = &env.people[side];
            for (n, (name, body)) in calendar.objects().into_iter().enumerate() {
                calendar.delete(&name);
                calendar.plant(&format!("{n}.EML"), &body);
            }
            env.reset_counts();
            let run = env.cli.sync().await?;
            assert_eq!(
                (&counts(&run)[..3], env.writes()),
                (&[0; 3][..], [0, 0]),
                "{terms:?}, side {side}: {run}"
            );
            hours_pass(&env.cli, 24).await?;
            check_at_rest(&env).await?;
            assert_eq!(
                (titles(&env.people[0]), titles(&env.people[1])),
                (all_but(40, &[]), all_but(40, &[]))
            );
        }
    }
    Ok(())
}

/// A server that keeps deleted objects in a trash refuses their UIDs: an event that comes back gets
/// a copy with another one, as often as it comes.
#[tokio::test]
async fn an_event_that_comes_back_is_copied_though_its_copy_lies_in_a_trash() -> anyhow::Result<()>
{
    for status in [400, 403] {
        for terms in [ONE_WAY, TWO_WAY] {
            let (env, _) = copied(2, terms).await?;
            env.servers[1].manners(|manners| manners.trash = Some(status));
            let [anna, ben] = &env.people;
            for round in 0..3 {
                let body = anna.get("e1.ics").expect("it is there");
                anna.delete("e1.ics");
                assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1]);
                anna.put("e1.ics", &body);
                let run = env.cli.sync().await?;
                assert_eq!(counts(&run), [1, 0, 0, 0], "{status}, round {round}: {run}");
                assert_eq!(titles(ben), all_but(2, &[]));
                // From the third time on a name is made of the time, in seconds.
                tokio::time::sleep(Duration::from_millis(1100)).await;
            }
            check_at_rest(&env).await?;
        }
    }
    Ok(())
}

/// Two-way, a copy that its owner deletes from one calendar and takes out of the trash again.
#[tokio::test]
async fn a_copy_that_is_taken_out_of_the_trash_is_that_copy() -> anyhow::Result<()> {
    let (env, _) = copied(3, ONE_WAY).await?;
    env.servers[1].manners(|manners| manners.trash = Some(400));
    let [anna, ben] = &env.people;
    let copy = named(ben, "Event 1")?;
    let uid =
        ben.agenda().iter().find(|entry| entry.name == copy).expect("a copy").uid().to_owned();
    assert!(ben.delete(&copy) && ben.restore(&uid));
    assert_eq!(counts(&env.cli.sync().await?)[..3], [0; 3]);
    rename(anna, "Event 1", "Renamed")?;
    assert_eq!(counts(&env.cli.sync().await?), [0, 1, 0, 0]);
    assert_eq!(titles(ben), ["Event 0", "Event 2", "Renamed"]);
    check_at_rest(&env).await
}

/// Names and UIDs of all kinds, among them a name that spells another after decoding, and one UID
/// twice.
#[tokio::test]
async fn odd_names_and_uids_are_kept_apart() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = filled(Manners::radicale_like(), 0, terms).await?;
        let [anna, ben] = &env.people;
        let names = [
            "a+b.ics",
            "a%2Bb.ics",
            "a b.ics",
            "März.ics",
            "k@l.ics",
            "k%40l.ics",
            "EML=.EML",
            "CASE.ics",
            "case.ics",
            "100%.ics",
        ];
        let long = "x".repeat(300);
        let uids = [
            "a/b==",
            "https://www.example.org/1/2",
            "lead@x",
            &long,
            "CASE",
            "case",
            "same",
            "same",
            "<t>&amp;",
            "%2e",
        ];
        for (n, (name, uid)) in names.iter().zip(uids).enumerate() {
            anna.put(name, &hour(uid, n as i64 + 1, 9, &format!("Event {n}")));
        }
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run), [names.len() as u64, 0, 0, 0], "{run}");
        for name in names {
            let report = env.cli.explain(&pair, name).await?;
            assert_eq!(report["copied"], true, "{name}: {report}");
        }
        for n in 0..names.len() {
            rename(anna, &format!("Event {n}"), &format!("Number {n}"))?;
        }
        assert_eq!(counts(&env.cli.sync().await?), [0, names.len() as u64, 0, 0]);
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
        assert_eq!(titles(ben), titles(anna));
    }
    Ok(())
}
