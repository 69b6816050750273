//! Accounts: one account is one account however its address is spelled, and two that look alike are
//! two.

use serde_json::json;
use simulators::caldav::{CalDav, Manners};

use crate::support::accounts::USERS;
use crate::support::cli::{Cli, ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::{all_but, check_at_rest, check_unchanged, copied, titles};
use crate::support::cli_env::CliEnv;
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

/// Connecting the account again keeps it: the same id, the same pairs, a new secret.
#[tokio::test]
async fn an_account_that_is_added_under_another_spelling_is_the_same() -> anyhow::Result<()> {
    let (env, pair) = copied(3, TWO_WAY).await?;
    let (user, _) = USERS[0];
    let mut password = USERS[0].1.to_owned();
    for (n, url) in spellings(&env.servers[0], user)?.into_iter().enumerate() {
        // A server at another host is proved with the known secret, so both hosts accept that
        // secret.
        if url.starts_with(env.servers[0].url().as_str().trim_end_matches('/')) {
            password = format!("a-new-secret-{n}");
            env.servers[0].account(user, &password);
        }
        let answer = env.cli.account_add(&url, user, &password).await?;
        assert_eq!(answer.done()?["id"], env.accounts[0].as_str(), "{url}");
        assert_eq!(accounts(&env.cli).await?, 2, "{url}");
        assert_eq!(env.cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run), [0; 4], "{url}: {run}");
    }
    assert_eq!(env.cli.calendar(&env.accounts[0], "main").await?, env.calendars[0]);
    check_at_rest(&env).await
}

/// A refused password changes nothing, under any spelling.
#[tokio::test]
async fn a_wrong_password_under_another_spelling_changes_nothing() -> anyhow::Result<()> {
    let (env, _) = copied(3, ONE_WAY).await?;
    let (user, _) = USERS[0];
    for url in spellings(&env.servers[0], user)? {
        let answer = env.cli.account_add(&url, user, "wrong-secret").await?;
        assert_eq!(answer.failure().0, "unauthorized", "{url}");
        assert_eq!(accounts(&env.cli).await?, 2);
    }
    assert_eq!(counts(&env.cli.sync().await?), [0; 4]);
    check_at_rest(&env).await
}

/// An account is removed, added again under another spelling, and its calendars are paired as
/// before: the copies are found.
#[tokio::test]
async fn an_account_removed_and_added_under_another_spelling_doubles_nothing() -> anyhow::Result<()>
{
    for (turn, terms) in [ONE_WAY, TWO_WAY, PRIVATE].into_iter().enumerate() {
        for side in [0, 1] {
            let (env, _) = copied(4, terms).await?;
            if terms == TWO_WAY {
                env.people[1].put("own.ics", &hour("own", 3, 20, "Own"));
                env.cli.sync().await?;
            }
            let before = [titles(&env.people[0]), titles(&env.people[1])];
            let (user, password) = USERS[side];
            let mut account = env.accounts[side].clone();
            // Each spelling once for each side.
            for url in spellings(&env.servers[side], user)?.into_iter().skip(turn).step_by(3) {
                env.cli.json(&["account", "remove", &account]).await?;
                account = env.cli.connect(&url, user, password).await?;
                let mut ends = env.calendars.clone();
                ends[side] = env.cli.calendar(&account, "main").await?;
                env.cli.pair_add(&ends[0], &ends[1], terms).await?;
                let run = env.cli.sync().await?;
                assert_eq!(
                    (&run["created"], &run["deleted"]),
                    (&json!(0), &json!(0)),
                    "{terms:?}, side {side}, {url}: {run}"
                );
                assert_eq!(
                    [titles(&env.people[0]), titles(&env.people[1])],
                    before,
                    "{terms:?}, side {side}, {url}"
                );
            }
            env.people[0].delete("e1.ics");
            assert_eq!(
                counts(&env.cli.sync().await?),
                [0, 0, 1, 0],
                "copies that were found are copies like any other"
            );
            check_at_rest(&env).await?;
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
        // Each account is connected again by its own address; both now show equal titles.
        for (server, id) in servers.iter().zip(&ids) {
            assert_eq!(cli.connect(server.url().as_str(), user, password).await?, *id);
        }
        check_unchanged(&[&cli], &[&people[0], &people[1]]).await?;
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
    check_unchanged(&[&cli], &[&calendars[0], &calendars[1], &calendars[2]]).await
}

/// Another spelling is found before any event was synced, where a calendar holds something, and the
/// pair that it would double is refused.
#[tokio::test]
async fn a_second_pair_of_the_same_calendars_is_refused() -> anyhow::Result<()> {
    let env: CliEnv = copied(3, ONE_WAY).await?.0;
    let (user, password) = USERS[1];
    for url in spellings(&env.servers[1], user)? {
        let again = env.cli.connect(&url, user, password).await?;
        let same = env.cli.calendar(&again, "main").await?;
        for (from, to) in
            [(&env.calendars[0], &same), (&same, &env.calendars[0]), (&same, &env.calendars[1])]
        {
            let refused =
                env.cli.run(&["pair", "add", "--from", from, "--to", to, "--json"]).await?;
            let (_, words) = refused.failure();
            assert!(!words.is_empty(), "{url}: {from} to {to}");
        }
    }
    assert_eq!(env.cli.sync_all(&[]).await?.len(), 1);
    assert_eq!(titles(&env.people[1]), all_but(3, &[]));
    check_at_rest(&env).await
}
