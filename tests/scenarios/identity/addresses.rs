//! Accounts: one account is one account however its address is spelled, and two that look alike are
//! two.

use serde_json::json;
use simulators::caldav::{CalDav, Manners};

use super::{all_but, at_rest, copied, titles, village_at_rest};
use crate::support::cli::{Cli, ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_env::Village;
use crate::support::env::USERS;
use crate::support::events::{hour, many};

/// Every address that leads to the account of a user on a server of this kind.
fn spellings(server: &CalDav, user: &str) -> anyhow::Result<Vec<String>> {
    let mut all =
        vec![server.url().to_string(), server.url().to_string().trim_end_matches('/').to_owned()];
    for path in [
        "/principals/{}/",
        "/principals/{}",
        "/calendars/{}/",
        "/calendars/{}",
        "/calendars/{}/main/",
        "/.well-known/caldav",
    ] {
        all.push(server.url().join(&path.replace("{}", user))?.to_string());
    }
    all.push(server.name_url().to_string());
    all.push(server.name_url().join(&format!("/calendars/{user}/"))?.to_string());
    all.push(server.url_below("/cloud").to_string());
    all.push(server.url_below("/cloud").join(&format!("principals/{user}/"))?.to_string());
    Ok(all)
}

async fn accounts(cli: &Cli) -> anyhow::Result<usize> {
    Ok(cli.json(&["account", "list"]).await?["accounts"].as_array().map_or(0, Vec::len))
}

/// Connecting it again says that it is there: the same id, the same pairs, a new secret.
#[tokio::test]
async fn an_account_that_is_added_under_another_spelling_is_the_same() -> anyhow::Result<()> {
    let (village, pair) = copied(3, TWO_WAY).await?;
    let (user, _) = USERS[0];
    let mut password = USERS[0].1.to_owned();
    for (n, url) in spellings(&village.servers[0], user)?.into_iter().enumerate() {
        // What is at another host is proved with the secret that is known, so that secret is the
        // same there.
        if url.starts_with(village.servers[0].url().as_str().trim_end_matches('/')) {
            password = format!("a-new-secret-{n}");
            village.servers[0].account(user, &password);
        }
        let answer = village.cli.account_add(&url, user, &password).await?;
        assert_eq!(answer.done()?["id"], village.accounts[0].as_str(), "{url}");
        assert_eq!(accounts(&village.cli).await?, 2, "{url}");
        assert_eq!(village.cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
        let run = village.cli.sync().await?;
        assert_eq!(counts(&run), [0; 4], "{url}: {run}");
    }
    assert_eq!(village.cli.calendar(&village.accounts[0], "main").await?, village.calendars[0]);
    village_at_rest(&village).await
}

/// A refused password changes nothing, under whatever spelling.
#[tokio::test]
async fn a_wrong_password_under_another_spelling_changes_nothing() -> anyhow::Result<()> {
    let (village, _) = copied(3, ONE_WAY).await?;
    let (user, _) = USERS[0];
    for url in spellings(&village.servers[0], user)? {
        let answer = village.cli.account_add(&url, user, "wrong-secret").await?;
        assert_eq!(answer.failure().0, "unauthorized", "{url}");
        assert_eq!(accounts(&village.cli).await?, 2);
    }
    assert_eq!(counts(&village.cli.sync().await?), [0; 4]);
    village_at_rest(&village).await
}

/// An account is removed, added again under another spelling, and its calendars are paired as
/// before: the copies are found.
#[tokio::test]
async fn an_account_removed_and_added_under_another_spelling_doubles_nothing() -> anyhow::Result<()>
{
    for (turn, terms) in [ONE_WAY, TWO_WAY, PRIVATE].into_iter().enumerate() {
        for side in [0, 1] {
            let (village, _) = copied(4, terms).await?;
            if terms == TWO_WAY {
                village.people[1].put("own.ics", &hour("own", 3, 20, "Own"));
                village.cli.sync().await?;
            }
            let before = [titles(&village.people[0]), titles(&village.people[1])];
            let (user, password) = USERS[side];
            let mut account = village.accounts[side].clone();
            // Each spelling once for each side.
            for url in spellings(&village.servers[side], user)?.into_iter().skip(turn).step_by(3) {
                village.cli.json(&["account", "remove", &account]).await?;
                account = village.cli.connect(&url, user, password).await?;
                let mut ends = village.calendars.clone();
                ends[side] = village.cli.calendar(&account, "main").await?;
                village.cli.pair_add(&ends[0], &ends[1], terms).await?;
                let run = village.cli.sync().await?;
                assert_eq!(
                    (&run["created"], &run["deleted"]),
                    (&json!(0), &json!(0)),
                    "{terms:?}, side {side}, {url}: {run}"
                );
                assert_eq!(
                    [titles(&village.people[0]), titles(&village.people[1])],
                    before,
                    "{terms:?}, side {side}, {url}"
                );
            }
            village.people[0].delete("e1.ics");
            assert_eq!(
                counts(&village.cli.sync().await?),
                [0, 0, 1, 0],
                "copies that were found are copies like any other"
            );
            village_at_rest(&village).await?;
        }
    }
    Ok(())
}

/// Two servers of one make give the same user the same paths: they stay two accounts, be their
/// calendars empty or not.
#[tokio::test]
async fn two_servers_that_look_alike_stay_two_accounts() -> anyhow::Result<()> {
    for filled in [false, true] {
        let cli = Cli::new()?;
        let servers =
            [CalDav::start(Manners::generic()).await?, CalDav::start(Manners::generic()).await?];
        let (user, password) = USERS[0];
        let people = [0, 1].map(|n| servers[n].account(user, password).calendar(user, "main"));
        for (n, person) in people.iter().enumerate().filter(|_| filled) {
            for (name, object) in many(3) {
                person.put(
                    &name,
                    &object
                        .replace("uid-", &format!("uid-{n}-"))
                        .replace("SUMMARY:", &format!("SUMMARY:{n} ")),
                );
            }
        }
        let mut ids = Vec::new();
        let mut calendars = Vec::new();
        for server in &servers {
            ids.push(cli.connect(server.url().as_str(), user, password).await?);
            calendars.push(cli.calendar(ids.last().expect("one"), "main").await?);
        }
        assert_ne!(ids[0], ids[1], "filled: {filled}");
        assert_ne!(calendars[0], calendars[1]);
        cli.pair_add(&calendars[0], &calendars[1], TWO_WAY).await?;
        people[0].put("new.ics", &hour("new", 5, 9, "New"));
        let events = if filled { 7 } else { 1 };
        assert_eq!(cli.sync().await?["created"], events);
        assert_eq!((people[0].len() as u64, people[1].len() as u64), (events, events));
        // Each again under its own address, now that both show the same titles.
        for (server, id) in servers.iter().zip(&ids) {
            assert_eq!(cli.connect(server.url().as_str(), user, password).await?, *id);
        }
        at_rest(&[&cli], &[&people[0], &people[1]]).await?;
    }
    Ok(())
}

/// Two users of one server are two accounts, also where one of them begins as the other.
#[tokio::test]
async fn two_users_of_one_server_are_two_accounts() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    let server = CalDav::start(Manners::generic()).await?;
    let mut ids = Vec::new();
    let mut ends = Vec::new();
    let users = ["ann", "anna", "Anna"];
    for user in users {
        server.account(user, "secret-1").calendar(user, "main");
        ids.push(cli.connect(server.url().as_str(), user, "secret-1").await?);
        ends.push(cli.calendar(ids.last().expect("one"), "main").await?);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let calendars = users.map(|user| server.calendar(user, "main"));
    calendars[0].put("a.ics", &hour("a", 2, 9, "A"));
    cli.pair_add(&ends[0], &ends[1], ONE_WAY).await?;
    cli.pair_add(&ends[0], &ends[2], ONE_WAY).await?;
    let made: u64 = cli.sync_all(&[]).await?.iter().map(|run| counts(run)[0]).sum();
    assert_eq!(
        (made, titles(&calendars[1]), titles(&calendars[2])),
        (2, vec!["A".to_owned()], vec!["A".to_owned()])
    );
    at_rest(&[&cli], &[&calendars[0], &calendars[1], &calendars[2]]).await
}

/// Another spelling is found before any event was synced, where a calendar holds something, and the
/// pair that it would double is refused.
#[tokio::test]
async fn a_second_pair_of_the_same_calendars_is_refused() -> anyhow::Result<()> {
    let village: Village = copied(3, ONE_WAY).await?.0;
    let (user, password) = USERS[1];
    for url in spellings(&village.servers[1], user)? {
        let again = village.cli.connect(&url, user, password).await?;
        let same = village.cli.calendar(&again, "main").await?;
        for (from, to) in [
            (&village.calendars[0], &same),
            (&same, &village.calendars[0]),
            (&same, &village.calendars[1]),
        ] {
            let refused =
                village.cli.run(&["pair", "add", "--from", from, "--to", to, "--json"]).await?;
            let (_, words) = refused.failure();
            assert!(!words.is_empty(), "{url}: {from} to {to}");
        }
    }
    assert_eq!(village.cli.sync_all(&[]).await?.len(), 1);
    assert_eq!(titles(&village.people[1]), all_but(3, &[]));
    village_at_rest(&village).await
}
