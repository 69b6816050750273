//! Marks that are not what they seem: forged, cut off, of another calendar, of a newer version, far
//! too many, far too long. Each does no harm and is named to its owner.

use std::time::{Duration, Instant};

use serde_json::json;
use simulators::caldav::Calendar;

use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{
    check_at_rest, check_unchanged, copied, explained, named, skipped, status_of, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, object};
use crate::support::rows::hours_pass;

/// The mark of a copy, as its object contains it.
fn mark_of(calendar: &Calendar, title: &str) -> anyhow::Result<String> {
    let name = named(calendar, title)?;
    let body = calendar.get(&name).unwrap_or_default().replace("\r\n ", "");
    let mark =
        body.lines().find_map(|line| line.strip_prefix("X-CALRELAY-ORIGIN:")).map(str::to_owned);
    mark.ok_or_else(|| anyhow::anyhow!("no mark in {body}"))
}

/// An hour of the user with this mark.
fn marked(uid: &str, day: i64, title: &str, mark: &str) -> String {
    let folded: Vec<String> = format!("X-CALRELAY-ORIGIN:{mark}")
        .as_bytes()
        .chunks(70)
        .map(|c| String::from_utf8_lossy(c).into())
        .collect();
    hour(uid, day, 9, title).replace("SUMMARY", &format!("{}\nSUMMARY", folded.join("\n ")))
}

/// The mark with another last character.
fn forged(mark: &str) -> String {
    let last = if mark.ends_with('A') { 'B' } else { 'A' };
    format!("{}{last}", &mark[..mark.len() - 1])
}

/// What no key of this installation has signed: it is not copied on, nothing is made beside it, and
/// it is named.
#[tokio::test]
async fn marks_that_do_not_verify_are_left_alone_and_named() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(2, terms).await?;
        let [anna, ben] = env.people.clone();
        let mark = mark_of(&ben, "Event 1")?;
        let parts: Vec<&str> = mark.split('.').collect();
        let odd = [
            ("forged.ics", forged(&mark)),
            ("other-key.ics", mark.replace(parts[1], "AAAA")),
            ("cut-off.ics", mark[..mark.len() - 9].to_owned()),
            ("short.ics", parts[..2].join(".")),
            ("newer.ics", mark.replacen(parts[0], "h9", 1)),
            ("much-newer.ics", format!("h4096.{}", "x.".repeat(20))),
            ("long.ics", format!("{mark}{}", "A".repeat(100_000))),
            ("empty.ics", String::new()),
            ("letters.ics", "é.ß.\u{202e}".to_owned()),
            ("dots.ics", ".".repeat(300)),
        ];
        for (n, (name, mark)) in odd.iter().enumerate() {
            anna.put(name, &marked(name, n as i64 + 3, &format!("Odd {n}"), mark));
        }
        let begun = Instant::now();
        let run = env.cli.sync().await?;
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let named = skipped(&run, "copied_by_another");
        for (name, _) in &odd {
            assert!(
                named.contains(&(*name).to_owned()),
                "{terms:?}: {name} is not named: {named:?}"
            );
            assert_eq!(
                explained(&env.cli, &pair, name).await?,
                json!("copied_by_another"),
                "{name}"
            );
        }
        assert_eq!(counts(&run)[..3], [0; 3], "{run}");
        assert_eq!(ben.len(), 2, "{terms:?}: {:?}", titles(&ben));
        assert_eq!(status_of(&env.cli, &pair).await?["copied_by_another"], odd.len());
        assert_eq!(anna.len(), 2 + odd.len(), "no original is touched");
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A valid mark in the wrong place: in the origin's calendar, and on an event that was never a
/// copy.
#[tokio::test]
async fn a_good_mark_in_a_wrong_place_does_no_harm() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(3, terms).await?;
        let [anna, ben] = env.people.clone();
        let mark = mark_of(&ben, "Event 1")?;
        anna.put("stray.ics", &marked("stray", 5, "Stray", &mark));
        let run = env.cli.sync().await?;
        assert_eq!(
            (&counts(&run)[..3], skipped(&run, "own_copy")),
            (&[0; 3][..], vec!["stray.ics".to_owned()]),
            "{terms:?}: {run}"
        );
        assert_eq!(explained(&env.cli, &pair, "stray.ics").await?, json!("own_copy"));
        // It is no proof that the copy exists where it belongs, and none that it does not.
        let copy = named(&ben, "Event 1")?;
        assert_eq!(env.cli.explain(&pair, "e1.ics").await?["copied"], true);
        anna.edit("e1.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Renamed"));
        env.cli.sync().await?;
        assert!(ben.get(&copy).is_some_and(|ics| ics.contains("SUMMARY:Renamed")));
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
        assert!(anna.get("stray.ics").is_some());
    }
    Ok(())
}

/// A mark of another calendar, in a third one.
#[tokio::test]
async fn a_mark_of_another_calendar_is_known_everywhere() -> anyhow::Result<()> {
    let (env, _) = copied(3, ONE_WAY).await?;
    let mark = mark_of(&env.people[1], "Event 1")?;
    let third = env.servers[0].calendar("anna", "third");
    let fourth = env.servers[0].calendar("anna", "fourth");
    let mut ends = Vec::new();
    for name in ["third", "fourth"] {
        ends.push(env.cli.calendar(&env.accounts[0], name).await?);
    }
    third.put("stray.ics", &marked("stray", 5, "Stray", &mark));
    let second = env.cli.pair_add(&ends[0], &ends[1], TWO_WAY).await?;
    let (_, run) = env.cli.sync_with(&["--pair", &second]).await?;
    assert_eq!(
        (counts(&run), skipped(&run, "own_copy").len(), fourth.len()),
        ([0, 0, 0, 1], 1, 0),
        "{run}"
    );
    check_unchanged(&[&env.cli], &[&env.people[0], &env.people[1], &third, &fourth]).await
}

/// A thousand events with one mark: in the calendar of the copies, and in that of the origins.
#[tokio::test]
async fn a_thousand_events_with_one_mark_do_no_harm() -> anyhow::Result<()> {
    for (terms, side) in [(ONE_WAY, 1), (ONE_WAY, 0), (TWO_WAY, 1)] {
        let (env, pair): (CliEnv, String) = copied(3, terms).await?;
        let mark = mark_of(&env.people[1], "Event 1")?;
        for n in 0..1000 {
            env.people[side].put(
                &format!("x{n:04}.ics"),
                &marked(&format!("x{n}"), 1 + n % 200, &format!("Same {n}"), &mark),
            );
        }
        let case = format!("{terms:?}, side {side}");
        let begun = Instant::now();
        let run = env.cli.sync().await?;
        assert!(begun.elapsed() < Duration::from_secs(120), "{case}: {:?}", begun.elapsed());
        let [anna, ben] = &env.people;
        let back = terms == TWO_WAY;
        assert_eq!(counts(&run)[..3], [if back { 1000 } else { 0 }, 0, 0], "{case}");
        let reason = if side == 0 { "own_copy" } else { "duplicate_of_copy" };
        if !back {
            assert_eq!(skipped(&run, reason).len(), 1000, "{case}");
            assert_eq!(explained(&env.cli, &pair, "x0500.ics").await?, json!(reason), "{case}");
        }
        assert_eq!(
            (anna.len(), ben.len()),
            (3 + if side == 0 || back { 1000 } else { 0 }, 3 + if side == 1 { 1000 } else { 0 }),
            "{case}"
        );
        // While its mapping lives a mark is good everywhere; after it those in the calendar of the
        // origin would be ordinary events.
        if side == 1 {
            anna.delete("e1.ics");
            let run = env.cli.sync().await?;
            assert_eq!(
                run["deleted"], 1,
                "the copy goes with its origin, and nothing else: {case}"
            );
        }
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// A UID of 5 kB has a mark like any other.
#[tokio::test]
async fn an_origin_with_a_very_long_uid_is_copied() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(1, terms).await?;
        let [anna, ben] = env.people.clone();
        let uid = "u".repeat(5_000);
        let folded: Vec<&str> = uid
            .as_bytes()
            .chunks(60)
            .map(|chunk| std::str::from_utf8(chunk).unwrap_or_default())
            .collect();
        anna.put(
            "long.ics",
            &hour("U-I-D", 3, 9, "Long")
                .replace("UID:U-I-D", &format!("UID:{}", folded.join("\n "))),
        );
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run), [1, 0, 0, 0], "{run}");
        assert!(mark_of(&ben, "Long")?.len() < 200, "its mark is as short as any");
        assert_eq!(env.cli.explain(&pair, "long.ics").await?["copied"], true);
        env.cli.json(&["pair", "remove", &pair]).await?;
        env.pair(terms).await?;
        assert_eq!(env.cli.sync().await?["created"], 0, "and is found again");
        assert_eq!(ben.len(), 2);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// The mark is taken away by the server or by a client: what is remembered says what the event is.
#[tokio::test]
async fn a_copy_that_has_lost_its_mark_is_a_copy() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(3, terms).await?;
        let [anna, ben] = env.people.clone();
        for name in ben.names() {
            ben.edit(&name, |ics| {
                let kept: Vec<String> = simulators::ics::unfold(ics)
                    .into_iter()
                    .filter(|line| !line.starts_with("X-CALRELAY"))
                    .collect();
                kept.join("\n") + "\n"
            });
        }
        for hours in [0, 24] {
            hours_pass(&env.cli, hours).await?;
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["created"], &run["deleted"]),
                (&json!(0), &json!(0)),
                "{terms:?}: {run}"
            );
        }
        assert_eq!((anna.len(), ben.len()), (3, 3), "{terms:?}");
        let copy = named(&ben, "Event 1")?;
        assert_eq!(explained(&env.cli, &pair, &copy).await?, json!("own_copy"));
        anna.delete("e1.ics");
        assert_eq!(env.cli.sync().await?["deleted"], 1);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// An object in which the master has a mark and an exception has another, or two marks in one
/// event.
#[tokio::test]
async fn contradicting_marks_in_one_object_do_no_harm() -> anyhow::Result<()> {
    let (env, _) = copied(3, TWO_WAY).await?;
    let [anna, ben] = env.people.clone();
    let marks = [mark_of(&ben, "Event 0")?, mark_of(&ben, "Event 1")?];
    let two = marks.iter().map(|mark| format!("X-CALRELAY-ORIGIN:{mark}\n")).collect::<String>();
    let lines = format!(
        "DTSTART:{}\nDTEND:{}\n{two}SUMMARY:Two marks",
        crate::support::events::at(7, 9),
        crate::support::events::at(7, 10)
    );
    anna.put("two.ics", &object("two", &lines));
    ben.put("two.ics", &object("two", &lines));
    for hours in [0, 24, 1] {
        hours_pass(&env.cli, hours).await?;
        let run = env.cli.sync().await?;
        assert_eq!(run["deleted"], 0, "{run}");
    }
    assert!(anna.len() <= 5 && ben.len() <= 5, "{:?} {:?}", titles(&anna), titles(&ben));
    check_at_rest(&env).await
}
