//! An installation that release 0.1 has left, and this program in its place: nothing is copied
//! twice, nothing is lost, and everything goes on.

mod installation;
mod record;
mod servers;

use anyhow::Context as _;
use installation::{Listed, RestoredInstallation};
use serde_json::{Value, json};
use servers::{GINA, PAIRS, PEOPLE};
use simulators::person::Person;

use crate::support::cli::{actions, counts};
use crate::support::rows::hours_pass;

/// No pass creates, changes or deletes.
fn writes_nothing(run: &Value) -> bool {
    counts(run)[..3] == [0; 3]
}

/// Three passes that write nothing, to no server; what is held stays held.
async fn at_rest(installation: &RestoredInstallation) -> anyhow::Result<()> {
    installation.backend.reset_counts();
    for _ in 0..3 {
        for run in installation.cli.sync_all(&[]).await? {
            assert!(run["error"].is_null() && writes_nothing(&run), "{run}");
        }
    }
    assert_eq!(installation.backend.writes(), [0; 3]);
    installation.backend.assert_no_harm();
    Ok(())
}

/// The name of the object with this title.
async fn named(person: &Person, title: &str) -> anyhow::Result<String> {
    let agenda = person.agenda().await?;
    let entry = agenda
        .iter()
        .find(|entry| entry.summary() == title)
        .with_context(|| format!("no {title}"))?;
    Ok(entry.name.clone())
}

/// The titles of a calendar, sorted.
async fn titles(person: &Person) -> anyhow::Result<Vec<String>> {
    let mut titles: Vec<String> =
        person.agenda().await?.iter().map(simulators::agenda::Entry::summary).collect();
    titles.sort();
    Ok(titles)
}

async fn rename(person: &Person, title: &str, new: &str) -> anyhow::Result<()> {
    let name = named(person, title).await?;
    assert!(
        person
            .edit(&name, |ics| ics.replacen(
                &format!("SUMMARY:{title}\r\n"),
                &format!("SUMMARY:{new}\r\n"),
                1
            ))
            .await?
    );
    Ok(())
}

async fn delete(person: &Person, title: &str) -> anyhow::Result<()> {
    assert!(person.delete(&named(person, title).await?).await?);
    Ok(())
}

#[tokio::test]
async fn the_first_passes_write_nothing() -> anyhow::Result<()> {
    for listed in [Listed::Today, Listed::Earlier] {
        let installation = RestoredInstallation::new(listed).await?;
        let before = installation.backend.agendas().await?;
        for arguments in [&["--dry-run"][..], &[]] {
            for run in installation.cli.sync_all(arguments).await? {
                assert!(
                    run["error"].is_null() && writes_nothing(&run),
                    "{listed:?} {arguments:?}: {run}"
                );
                assert_eq!(
                    run["state"],
                    if run["id"] == installation.pair("held") { "held" } else { "ok" },
                    "{run}"
                );
            }
        }
        at_rest(&installation).await?;
        assert_eq!(installation.backend.agendas().await?, before, "{listed:?}");

        let status = installation.cli.status().await?;
        assert!(
            status["accounts"]
                .as_array()
                .context("accounts")?
                .iter()
                .all(|account| account["state"] == "ok"),
            "{status}"
        );
        let copies = |pair: &str| {
            let id = installation.pair(pair);
            status["pairs"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|row| row["id"] == id)
                .map(|row| row["copies"].clone())
        };
        assert_eq!(PAIRS.map(copies), [14, 5, 6, 12].map(|copies| Some(json!(copies))), "{status}");
    }
    Ok(())
}

/// Deletions that the release has held are released by the word that it gave.
#[tokio::test]
async fn what_was_held_stays_held_until_its_owner_answers() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let [_, copies] = installation.backend.people("held");
    let status = installation.cli.status().await?;
    let pair = status["pairs"]
        .as_array()
        .context("pairs")?
        .iter()
        .find(|row| row["id"] == installation.pair("held"));
    let held = pair.context("the pair")?["held"].clone();
    assert_eq!(
        (&held["kind"], &held["deletions"], &held["of"]),
        (&json!("deletions"), &json!(12), &json!(12)),
        "{held}"
    );
    let confirm: Vec<&str> =
        held["confirm"].as_array().context("words")?.iter().filter_map(Value::as_str).collect();
    assert_eq!(confirm, ["sync", "--pair", installation.pair("held"), "--confirm-deletions"]);
    assert_eq!(titles(&copies).await?.len(), 12);
    let run = installation.sync("held", &["--confirm-deletions"]).await?;
    assert_eq!((counts(&run), titles(&copies).await?), ([0, 0, 12, 0], Vec::new()), "{run}");
    at_rest(&installation).await
}

#[tokio::test]
async fn edits_and_deletions_flow_in_both_directions() -> anyhow::Result<()> {
    for listed in [Listed::Today, Listed::Earlier] {
        let installation = RestoredInstallation::new(listed).await?;
        let [anna, ben] = installation.backend.people("two_way");
        // Names with all that has to be encoded, an origin that was made again at either end, a
        // copy of the second generation, a series.
        let at_anna = ["With an at sign", "Übung", "Origin made again", "Weekly", "Own"];
        let at_ben = ["Two words", "All of it", "Own made again", "Copy made again", "Own weekly"];
        for (person, all) in [(&anna, at_anna), (&ben, at_ben)] {
            for title in all {
                rename(person, title, &format!("New {title}")).await?;
            }
        }
        let run = installation.sync("two_way", &[]).await?;
        assert_eq!(counts(&run), [0, 10, 0, 0], "{listed:?}: {run}");
        for person in [&anna, &ben] {
            let seen = titles(person).await?;
            assert!(
                at_anna.iter().chain(&at_ben).all(|title| seen.contains(&format!("New {title}"))),
                "{seen:?}"
            );
        }
        delete(&anna, "Offsite").await?;
        delete(&anna, "New Own made again").await?;
        delete(&ben, "Plain").await?;
        delete(&ben, "New Übung").await?;
        delete(&ben, "New Origin made again").await?;
        let run = installation.sync("two_way", &[]).await?;
        assert_eq!(counts(&run), [0, 0, 5, 0], "{listed:?}: {run}");
        let (hers, his) = (titles(&anna).await?, titles(&ben).await?);
        // Ben has deleted his copy of the dinner before.
        assert_eq!(
            hers.iter().filter(|title| *title != "Dinner").collect::<Vec<_>>(),
            his.iter().collect::<Vec<_>>()
        );
        at_rest(&installation).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_private_pair_stays_private() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let [anna, away] = installation.backend.people("private");
    let before = titles(&away).await?;
    assert!(before.iter().all(|title| ["Busy", "By hand"].contains(&title.as_str())), "{before:?}");
    for title in ["Desk", "Wanted after all", "Drifted"] {
        let name = named(&anna, title).await?;
        assert!(
            anna.edit(&name, |ics| ics
                .replace("T100000Z", "T103000Z")
                .replace("SUMMARY:", "SUMMARY:Secret "))
                .await?
        );
    }
    delete(&anna, "Fair").await?;
    let run = installation.sync("private", &[]).await?;
    assert_eq!(counts(&run), [0, 3, 1, 0], "{run}");
    let after = titles(&away).await?;
    assert_eq!(
        (after.len(), after.iter().all(|title| title == "Busy")),
        (before.len() - 1, true),
        "{after:?}"
    );
    assert_eq!(
        away.agenda().await?.iter().filter(|entry| entry.end().ends_with("T103000Z")).count(),
        3
    );
    at_rest(&installation).await
}

#[tokio::test]
async fn google_and_its_neighbour_stay_in_step() -> anyhow::Result<()> {
    for listed in [Listed::Today, Listed::Earlier] {
        let installation = RestoredInstallation::new(listed).await?;
        let [gina, anna] = installation.backend.people("google");
        rename(&gina, "Lunch", "Late lunch").await?;
        rename(&gina, "Copy made again", "Third try").await?;
        rename(&anna, "Rounds", "Last rounds").await?;
        rename(&anna, "Choir", "Big choir").await?;
        let run = installation.sync("google", &[]).await?;
        assert_eq!(counts(&run), [0, 4, 0, 0], "{listed:?}: {run}");
        delete(&gina, "Dentist").await?;
        delete(&anna, "Holiday").await?;
        let run = installation.sync("google", &[]).await?;
        assert_eq!(counts(&run), [0, 0, 2, 0], "{listed:?}: {run}");
        let seen = titles(&gina).await?;
        assert_eq!(seen, titles(&anna).await?);
        assert!(
            ["Late lunch", "Third try", "Last rounds", "Big choir"]
                .iter()
                .all(|title| seen.contains(&(*title).to_owned())),
            "{seen:?}"
        );
        at_rest(&installation).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_night_and_a_full_pass_double_and_lose_nothing() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let before = installation.backend.agendas().await?;
    for lost in [false, true] {
        if lost {
            installation.backend.forget_tokens();
        }
        hours_pass(&installation.cli, 24).await?;
        at_rest_without_the_held(&installation, &["two_way", "private", "google"]).await?;
        assert_eq!(
            installation.backend.agendas().await?,
            before,
            "after a night; tokens lost: {lost}"
        );
    }
    for pair in ["two_way", "google"] {
        assert!(writes_nothing(&installation.sync(pair, &["--full"]).await?), "{pair}");
    }
    let run = installation.sync("private", &["--full"]).await?;
    assert_eq!(
        counts(&run)[..3],
        [0, 1, 0],
        "what was edited by hand in a private copy is put right: {run}"
    );
    let [_, away] = installation.backend.people("private");
    assert!(titles(&away).await?.iter().all(|title| title == "Busy"));
    at_rest_without_the_held(&installation, &["two_way", "private", "google"]).await
}

/// A night is longer than the ten minutes after which held deletions may be released: that pair is
/// left out.
async fn at_rest_without_the_held(
    installation: &RestoredInstallation,
    pairs: &[&str],
) -> anyhow::Result<()> {
    installation.backend.reset_counts();
    for _ in 0..3 {
        for pair in pairs {
            let run = installation.sync(pair, &[]).await?;
            assert!(writes_nothing(&run), "{pair}: {run}");
        }
    }
    assert_eq!(installation.backend.writes(), [0; 3]);
    Ok(())
}

#[tokio::test]
async fn events_are_explained_by_name_and_by_the_path_that_they_had() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let home = format!("/calendars/{}", PEOPLE[0].0);
    for (pair, folder, name, copied, reason) in [
        ("two_way", format!("{home}/main/"), "plain.ics", true, Value::Null),
        ("two_way", format!("{home}/main/"), "März Übung.ics", true, Value::Null),
        ("two_way", format!("{home}/main/"), "100%25.ics", true, Value::Null),
        ("two_way", format!("{home}/main/"), "anna@work.ics", true, Value::Null),
        ("two_way", format!("{home}/main/"), "dinner.ics", false, json!("suppressed")),
        ("two_way", format!("{home}/main/"), "unreadable.ics", false, json!("unreadable")),
        ("two_way", "/ben/main/".to_owned(), "own weekly.ics", true, Value::Null),
        ("private", format!("{home}/Büro & mehr/"), "unwanted.ics", false, json!("suppressed")),
        ("private", format!("{home}/Büro & mehr/"), "drifted.ics", true, json!("copy_edited")),
        ("google", format!("{home}/gina/"), "choir.ics", true, Value::Null),
    ] {
        for event in [name.to_owned(), format!("{folder}{name}")] {
            let report = installation.cli.explain(installation.pair(pair), &event).await?;
            assert_eq!(
                (&report["copied"], &report["reason"]),
                (&json!(copied), &reason),
                "{event}: {report}"
            );
        }
    }
    let [_, ben] = installation.backend.people("two_way");
    let copy = named(&ben, "Plain").await?;
    for event in [copy.clone(), format!("/ben/main/{copy}")] {
        let report = installation.cli.explain(installation.pair("two_way"), &event).await?;
        assert_eq!(
            (&report["copied"], &report["reason"]),
            (&json!(false), &json!("own_copy")),
            "{report}"
        );
    }
    Ok(())
}

/// A pair that is removed and added again takes its copies over in any state: two way it makes a
/// deleted one again, and so does the other.
#[tokio::test]
async fn pairs_that_are_made_anew_double_nothing() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let listed = installation.cli.json(&["pair", "list"]).await?;
    let before = installation.backend.agendas().await?;
    for (name, terms, wanted, made) in [
        ("two_way", &["--two-way", "--window-future", "120mo"][..], "Dinner", 1),
        ("private", &["--private", "--window-future", "120mo"], "Busy", 1),
        ("google", &["--two-way", "--window-future", "120mo"], "Choir", 0),
    ] {
        let id = installation.pair(name);
        let pair = listed["pairs"]
            .as_array()
            .context("pairs")?
            .iter()
            .find(|pair| pair["id"] == id)
            .context("the pair")?;
        let ends = ["from", "to"].map(|end| pair[end].as_str().unwrap_or_default());
        installation.cli.json(&["pair", "remove", id]).await?;
        let again_added = installation.cli.pair_add(ends[0], ends[1], terms).await?;
        let (status, run) = installation.cli.sync_with(&["--pair", &again_added]).await?;
        assert_eq!(
            (status, &run["created"], &run["deleted"]),
            (0, &json!(made), &json!(0)),
            "{name}: {run}"
        );
        let [from, to] = installation.backend.people(name);
        assert!(titles(&to).await?.contains(&wanted.to_owned()));
        if name == "private" {
            assert!(
                titles(&to).await?.iter().all(|title| title == "Busy"),
                "no title is left: {run}"
            );
        } else {
            assert_eq!(titles(&from).await?, titles(&to).await?, "{name}");
        }
        let (_, run) = installation.cli.sync_with(&["--pair", &again_added, "--full"]).await?;
        assert!(writes_nothing(&run), "{name}: {run}");
    }
    let sizes: Vec<usize> = installation.backend.agendas().await?.iter().map(Vec::len).collect();
    let mut expected: Vec<usize> = before.iter().map(Vec::len).collect();
    expected[1] += 1;
    // A series has a second line, for its changed occurrence; the one copy that was missing has
    // none.
    expected[3] += 1;
    assert_eq!(sizes, expected);
    at_rest(&installation).await
}

/// However the address is spelled, the account that is added is the one that is there, with its
/// pairs.
#[tokio::test]
async fn an_account_that_is_added_again_finds_its_pairs() -> anyhow::Result<()> {
    let installation = RestoredInstallation::new(Listed::Today).await?;
    let [anna, ben, gina] = installation.accounts();
    let [hers, his] = [&installation.backend.servers[0], &installation.backend.servers[1]];
    let url =
        |server: &simulators::caldav::CalDav, path: &str| server.url().join(path).map(String::from);
    for spelled in [
        hers.url().to_string(),
        url(hers, "/principals/anna%40example.org/")?,
        url(hers, "/principals/anna@example.org")?,
        url(hers, "/calendars/anna%40example.org/")?,
        url(hers, "/calendars/anna@example.org/main/")?,
        hers.name_url().to_string(),
        hers.url_below("/cloud").to_string(),
    ] {
        assert_eq!(installation.connect(0, &spelled).await?, anna, "{spelled}");
        at_rest(&installation).await?;
    }
    for spelled in [url(his, "/ben")?, url(his, "/ben/main/")?, his.name_url().to_string()] {
        assert_eq!(installation.connect(1, &spelled).await?, ben, "{spelled}");
    }
    let token = format!("{}\n", installation.backend.google.account(GINA).refresh_token());
    let added = installation
        .cli
        .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
        .await?;
    assert_eq!(added.done()?["id"], gina);
    let accounts = installation.cli.json(&["account", "list"]).await?;
    assert_eq!(accounts["accounts"].as_array().map(Vec::len), Some(3), "{accounts}");
    for run in installation.cli.sync_all(&[]).await? {
        assert!(
            run["error"].is_null() && actions(&run).iter().all(|action| action.contains("hold")),
            "{run}"
        );
    }
    at_rest(&installation).await
}
