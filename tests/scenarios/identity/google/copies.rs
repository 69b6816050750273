//! Shared calendars, pairs added again, lost data, an emptied calendar, unusual marks.

use anyhow::Context as _;
use serde_json::{Value, json};
use simulators::google::Role;
use simulators::person::Person;

use super::{ANNA, BEN, GoogleCliEnv, PROVIDERS, delete, rename, titles};
use crate::support::cli::{ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{explained, skipped, status_of};
use crate::support::events::{hour, many};
use crate::support::rows::hours_pass;
use crate::support::servers::Provider;

/// A calendar that both accounts see: in whichever way it is paired, nothing is doubled. The
/// provider says that it is one, so it is refused at once.
#[tokio::test]
async fn a_shared_calendar_is_one_calendar_in_every_account() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = GoogleCliEnv::new([Provider::Google; 2]).await?;
        let shared = env.google.account(ANNA).calendar("Shared");
        env.google.account(BEN).sees(&shared, Role::Writer);
        let mut ids = Vec::new();
        for user in [ANNA, BEN] {
            ids.push(env.cli.calendar(&env.connect(user).await?, "Shared").await?);
        }
        for (name, object) in many(3) {
            env.people[0].put(&name, &object).await?;
        }
        let pair = |from: &str, to: &str| {
            let arguments: Vec<String> = ["pair", "add", "--json", "--from", from, "--to", to]
                .into_iter()
                .chain(terms.iter().copied())
                .map(str::to_owned)
                .collect();
            let cli = &env.cli;
            async move { cli.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
        };
        assert!(!pair(&ids[0], &ids[1]).await?.failure().1.is_empty(), "with itself");
        assert_eq!(pair(&env.calendars[0], &ids[0]).await?.status, 0);
        assert_eq!(env.cli.sync_all(&[]).await?.iter().map(|run| counts(run)[0]).sum::<u64>(), 3);
        for (from, to) in [(&env.calendars[0], &ids[1]), (&ids[1], &env.calendars[0])] {
            assert_eq!(pair(from, to).await?.status, 1, "{terms:?}: a second pair of the same two");
        }
        // Out of it, into one calendar, through either account.
        assert_eq!(pair(&ids[0], &env.calendars[1]).await?.status, 0);
        assert_eq!(pair(&ids[1], &env.calendars[1]).await?.status, 1);
        for arguments in [&[][..], &["--full"], &[]] {
            env.cli.sync_all(arguments).await?;
        }
        assert_eq!(
            titles(&Person::from(shared.clone())).await?,
            ["Event 0", "Event 1", "Event 2"],
            "{terms:?}"
        );
        env.check_unchanged().await?;
    }
    Ok(())
}

/// A pair that is added again finds copies of later generations and recreated origins.
#[tokio::test]
async fn a_pair_made_anew_finds_copies_of_all_kinds() -> anyhow::Result<()> {
    for (turn, ends) in PROVIDERS.into_iter().enumerate() {
        for after in [ONE_WAY, TWO_WAY, PRIVATE].into_iter().skip(turn).take(2) {
            let case = format!("{ends:?} {after:?}");
            let (env, pair) = GoogleCliEnv::copied(ends, 4, TWO_WAY).await?;
            let [anna, ben] = &env.people;
            // A copy is made again, and an origin.
            anna.edit("e1.ics", |ics| ics.replace("SUMMARY", "LOCATION:Harbour\r\nSUMMARY"))
                .await?;
            delete(ben, "Event 1").await?;
            rename(ben, "Event 2", "Edited").await?;
            delete(anna, "Event 2").await?;
            assert_eq!(env.cli.sync().await?["created"], 2, "{case}");
            env.cli.json(&["pair", "remove", &pair]).await?;
            env.pair(after).await?;
            for arguments in [&[][..], &["--full"]] {
                let (_, run) = env.cli.sync_with(arguments).await?;
                assert_eq!(
                    (&run["created"], &run["deleted"], &run["state"]),
                    (&json!(0), &json!(0), &json!("ok")),
                    "{case}: {run}"
                );
            }
            let [hers, his] = env.titles().await?;
            assert_eq!(hers, ["Edited", "Event 0", "Event 1", "Event 3"], "{case}");
            assert_eq!(
                his,
                if after == PRIVATE {
                    ["Busy"; 4]
                } else {
                    ["Edited", "Event 0", "Event 1", "Event 3"]
                },
                "{case}"
            );
            delete(anna, "Event 1").await?;
            delete(anna, "Edited").await?;
            assert_eq!(counts(&env.cli.sync().await?), [0, 0, 2, 0], "{case}");
            env.check_unchanged().await?;
        }
    }
    Ok(())
}

/// The data are lost: nothing is made beside the copies, until they are taken over.
#[tokio::test]
async fn after_the_data_are_lost_copies_are_taken_over_on_demand() -> anyhow::Result<()> {
    for (turn, ends) in PROVIDERS.into_iter().enumerate() {
        for terms in [ONE_WAY, TWO_WAY].into_iter().skip(usize::from(turn > 0)) {
            let case = format!("{ends:?} {terms:?}");
            let (mut env, _) = GoogleCliEnv::copied(ends, 4, terms).await?;
            env.replace_program().await?;
            let pair = env.pair(terms).await?;
            let run = env.cli.sync().await?;
            assert_eq!(
                (&counts(&run)[..3], skipped(&run, "copied_by_another").len()),
                (&[0; 3][..], 4),
                "{case}: {run}"
            );
            assert_eq!(status_of(&env.cli, &pair).await?["copied_by_another"], 4, "{case}");
            env.check_unchanged().await?;
            env.cli.json(&["pair", "take-over", &pair]).await?;
            for _ in 0..2 {
                let run = env.cli.sync().await?;
                assert_eq!(
                    (&run["created"], &run["deleted"]),
                    (&json!(0), &json!(0)),
                    "{case}: {run}"
                );
            }
            let [anna, ben] = &env.people;
            rename(anna, "Event 0", "Zero").await?;
            delete(anna, "Event 1").await?;
            assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0], "{case}");
            if terms == TWO_WAY {
                delete(ben, "Event 2").await?;
                assert_eq!(counts(&env.cli.sync().await?), [0, 0, 1, 0], "{case}");
            }
            assert_eq!(titles(anna).await?, titles(ben).await?, "{case}");
            hours_pass(&env.cli, 24).await?;
            env.check_unchanged().await?;
        }
    }
    Ok(())
}

/// A calendar of copies at Google is emptied. The ids of deleted events are never free again, so
/// what is made again has others.
#[tokio::test]
async fn an_emptied_calendar_is_asked_about() -> anyhow::Result<()> {
    for (turn, ends) in PROVIDERS.into_iter().enumerate() {
        let all = [
            (ONE_WAY, "--make-again"),
            (TWO_WAY, "--make-again"),
            (ONE_WAY, "--leave-out"),
            (TWO_WAY, "--leave-out"),
        ];
        for (terms, answer) in all.into_iter().skip(turn).take(2) {
            let case = format!("{ends:?} {terms:?} {answer}");
            let (env, pair) = GoogleCliEnv::copied(ends, 15, terms).await?;
            let [anna, ben] = &env.people;
            for (name, _) in ben.objects().await? {
                ben.delete(&name).await?;
            }
            for hours in [0, 1, 24, 1] {
                hours_pass(&env.cli, hours).await?;
                let (status, run) = env.cli.sync_with(&[]).await?;
                assert_eq!(
                    (status, &run["state"], &run["held"]["kind"]),
                    (0, &json!("held"), &json!("emptied")),
                    "{case}: {run}"
                );
                assert_eq!(
                    (&counts(&run)[..3], skipped(&run, "suppressed").len()),
                    (&[0; 3][..], 0),
                    "{case}: {run}"
                );
            }
            let (_, run) = env.cli.sync_with(&["--pair", &pair, answer]).await?;
            let made = if answer == "--make-again" { 15 } else { 0 };
            assert_eq!(
                (counts(&run)[0], &run["state"], &run["held"]),
                (made, &json!("ok"), &Value::Null),
                "{case}: {run}"
            );
            assert_eq!(
                (anna.objects().await?.len(), ben.objects().await?.len() as u64),
                (15, made),
                "{case}"
            );
            env.check_unchanged().await?;
        }
    }
    Ok(())
}

/// A mark in a Google event that this installation has not signed, and a valid mark on an event of
/// another calendar.
#[tokio::test]
async fn marks_that_are_not_what_they_seem_do_no_harm() -> anyhow::Result<()> {
    let (env, pair) = GoogleCliEnv::copied([Provider::Google; 2], 2, TWO_WAY).await?;
    let (Person::Google(anna), Person::Google(ben)) = (&env.people[0], &env.people[1]) else {
        anyhow::bail!("both are at Google")
    };
    let copy = ben.find("Event 1").context("a copy")?;
    let mark = copy["extendedProperties"]["private"]["calrelayOrigin"]
        .as_str()
        .context("a mark")?
        .to_owned();
    let odd = [
        ("forged1", format!("{}AA", &mark[..mark.len() - 2])),
        ("newer1", mark.replacen('h', "h9", 1)),
        ("short1", "h1.x".to_owned()),
    ];
    for (id, mark) in &odd {
        let mut event = copy.clone();
        event["summary"] = json!(format!("Odd {id}"));
        event["iCalUID"] = json!(format!("{id}@example.net"));
        event["extendedProperties"] = json!({"private": {"calrelayOrigin": mark}});
        anna.put(id, event);
    }
    let mut stray = copy.clone();
    stray["summary"] = json!("Stray");
    stray["iCalUID"] = json!("stray@example.net");
    anna.put("stray1", stray);
    let run = env.cli.sync().await?;
    assert_eq!(&counts(&run)[..3], &[0; 3], "{run}");
    for (id, _) in &odd {
        assert_eq!(explained(&env.cli, &pair, id).await?, json!("copied_by_another"), "{id}");
    }
    assert_eq!(explained(&env.cli, &pair, "stray1").await?, json!("own_copy"));
    assert_eq!((anna.len(), ben.len()), (6, 2));
    hours_pass(&env.cli, 24).await?;
    env.check_unchanged().await
}

/// A Google event that is moved out of a calendar and back keeps its id and its identity.
#[tokio::test]
async fn an_event_that_is_moved_away_and_back_is_copied_once() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, _) = GoogleCliEnv::copied([Provider::Google; 2], 3, terms).await?;
        let aside = Person::from(env.google.account(ANNA).calendar("Aside"));
        assert!(env.people[0].move_to(&aside, "e1.ics").await?);
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 0, 1], "{terms:?}");
        assert!(aside.move_to(&env.people[0], "e1.ics").await?);
        assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0], "{terms:?}");
        let [hers, his] = env.titles().await?;
        assert_eq!((hers.len(), hers), (3, his), "{terms:?}");
        env.people[0].put("new.ics", &hour("new", 3, 20, "New")).await?;
        assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
        env.check_unchanged().await?;
    }
    Ok(())
}
