//! Copies at Google that are duplicated, and series that are cut in two.

use anyhow::Context as _;
use serde_json::json;
use simulators::person::{Ending, Person};

use super::{GoogleCliEnv, PROVIDERS, delete, named, rename, titles};
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{explained, skipped};
use crate::support::events::{at, object};
use crate::support::rows::hours_pass;
use crate::support::servers::Provider;

#[tokio::test]
async fn a_duplicated_copy_becomes_an_event_of_its_owner() -> anyhow::Result<()> {
    for ends in PROVIDERS {
        let (env, _) = GoogleCliEnv::copied(ends, 2, TWO_WAY).await?;
        let [anna, ben] = &env.people;
        let copy = named(ben, "Event 1").await?;
        assert!(ben.duplicate(&copy, "second.ics", "second").await?);
        assert!(
            ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")).await?
        );
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run)[..3], [1, 0, 0], "{ends:?}: {run}");
        let expected = ["Event 0", "Event 1", "Second"].map(str::to_owned).to_vec();
        assert_eq!(env.titles().await?, [expected.clone(), expected], "{ends:?}");
        rename(ben, "Second", "Second, renamed").await?;
        delete(anna, "Event 1").await?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 1], "{ends:?}");
        let expected = ["Event 0", "Second, renamed"].map(str::to_owned).to_vec();
        assert_eq!(env.titles().await?, [expected.clone(), expected], "{ends:?}");
        hours_pass(&env.cli, 24).await?;
        env.check_unchanged().await?;
    }
    Ok(())
}

#[tokio::test]
async fn one_way_a_duplicated_copy_is_left_alone() -> anyhow::Result<()> {
    let (env, pair) = GoogleCliEnv::copied([Provider::Google; 2], 2, ONE_WAY).await?;
    let copy = named(&env.people[1], "Event 1").await?;
    assert!(env.people[1].duplicate(&copy, "second.ics", "second").await?);
    let run = env.cli.sync().await?;
    let Person::Google(ben) = &env.people[1] else { anyhow::bail!("Ben is at Google") };
    let second = ben
        .items()
        .iter()
        .find(|item| {
            item["summary"] == "Event 1" && copy.strip_suffix(".ics") != item["id"].as_str()
        })
        .cloned();
    let second = second.context("the duplicate")?["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (&counts(&run)[..3], skipped(&run, "duplicate_of_copy")),
        (&[0; 3][..], vec![second.clone()]),
        "{run}"
    );
    assert_eq!(explained(&env.cli, &pair, &second).await?, json!("duplicate_of_copy"));
    env.people[0].delete("e1.ics").await?;
    assert_eq!(env.cli.sync().await?["deleted"], 1);
    assert_eq!(titles(&env.people[1]).await?, ["Event 0", "Event 1"], "the duplicate stays");
    env.check_unchanged().await
}

#[tokio::test]
async fn a_series_that_is_cut_on_the_side_of_its_copy_loses_no_occurrence() -> anyhow::Result<()> {
    for ends in PROVIDERS {
        for ending in [Ending::Until, Ending::Count] {
            let (env, _) = GoogleCliEnv::copied(ends, 1, TWO_WAY).await?;
            let [anna, ben] = &env.people;
            let lines = format!(
                "DTSTART:{}\nDTEND:{}\nRRULE:FREQ=DAILY;COUNT=6\nSUMMARY:Daily",
                at(3, 9),
                at(3, 10)
            );
            anna.put("daily.ics", &object("daily", &lines)).await?;
            env.cli.sync().await?;
            let name = named(ben, "Daily").await?;
            let agenda = ben.agenda().await?;
            let start = agenda
                .iter()
                .find(|entry| entry.name == name)
                .context("the copy")?
                .value("DTSTART")
                .to_owned();
            let form = if start.ends_with('Z') {
                at(6, 9)
            } else {
                format!("{}{}", crate::support::events::day(6), &start[8..])
            };
            let later = |ics: &str| ics.replace("SUMMARY:Daily", "SUMMARY:Later");
            assert!(
                ben.cut(&name, &form, ending, ("rest.ics", "rest"), later).await?,
                "{ends:?} {ending:?}"
            );
            let run = env.cli.sync().await?;
            assert_eq!(
                (&run["created"], &run["deleted"]),
                (&json!(1), &json!(0)),
                "{ends:?} {ending:?}: {run}"
            );
            env.cli.sync().await?;
            let expected = ["Daily", "Event 0", "Later"].map(str::to_owned).to_vec();
            assert_eq!(env.titles().await?, [expected.clone(), expected], "{ends:?} {ending:?}");
            hours_pass(&env.cli, 24).await?;
            env.check_unchanged().await?;
        }
    }
    Ok(())
}
