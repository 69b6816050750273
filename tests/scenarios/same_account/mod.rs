//! One account under many addresses, and two that only look alike: what `account add` makes of them
//! (property 1).
//!
//! A server is reached by the number and by the name of the machine, by its root, the principal,
//! the home and a calendar, at another port and below a prefix. Two servers of one make give the
//! same user the same paths.

mod icloud;
mod moved_server;
mod one_calendar;
mod server;

use serde_json::{Value, json};
use server::{MAKES, Make, Remote, host};
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::proxy::Proxy;

use crate::real_servers::week;
use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::{self, Answer, Cli, ONE_WAY, TWO_WAY, actions, counts};
use crate::support::events::{hour, many};

const AGAIN: &str = "This account is connected already, as ";

/// What `account list` says, without the states.
async fn accounts(cli: &Cli) -> anyhow::Result<Vec<(String, String)>> {
    let listed = cli.json(&["account", "list"]).await?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Ok(listed["accounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| (text(row, "id"), text(row, "name")))
        .collect())
}

/// The answer names this account, and says whether it was connected already.
#[track_caller]
fn assert_is(answer: &Answer, account: &str, name: &str, already: bool) {
    let document = answer.done().expect("it is connected");
    assert_eq!(
        document,
        json!({"id": account, "provider": "caldav", "name": name}),
        "{}",
        answer.stderr
    );
    let words = format!("{AGAIN}{account} ({name}): the password was replaced; its pairs go on.");
    assert_eq!(answer.stderr.contains(&words), already, "{}", answer.stderr);
    assert_eq!(answer.stderr.contains(AGAIN), already, "{}", answer.stderr);
}

#[tokio::test]
async fn every_spelling_of_a_server_is_one_account() -> anyhow::Result<()> {
    for make in MAKES {
        let remote = Remote::new(make, 12).await?;
        let (door, cloud) = (Proxy::start(&remote.url).await?, Proxy::start(&remote.url).await?);
        cloud.below(&["/cloud"]);
        let env = Builder::caldav(simulators::caldav::Manners::generic()).build_cli().await?;
        let cli = &env.cli;
        let first = remote.add(cli, remote.url.as_str()).await?;
        let account = cli::id(&first.done()?)?;
        assert_is(&first, &account, &remote.name_at(remote.url.as_str()), false);
        let calendars = [cli.calendar(&account, "work").await?, env.calendars[1].clone()];
        let pair = cli.pair_add(&calendars[0], &calendars[1], ONE_WAY).await?;
        assert_eq!(counts(&cli.sync().await?), [12, 0, 0, 0], "{make:?}");
        env.reset_counts();

        let mut spellings = remote.spellings();
        spellings.push(door.url().to_string());
        spellings.push(format!("{}{}", door.url(), remote.principal.trim_start_matches('/')));
        spellings.push(cloud.url().join("/cloud/")?.to_string());
        spellings.push(cloud.url().join(&format!("/cloud{}", remote.home))?.to_string());
        spellings.push(remote.url.to_string());
        for spelling in spellings {
            let again = remote.add(cli, &spelling).await?;
            anyhow::ensure!(again.status == 0, "{make:?} {spelling}: {again:?}");
            assert_is(&again, &account, &remote.name_at(&spelling), true);
            let listed = accounts(cli).await?;
            assert_eq!(listed.len(), 3, "{make:?} {spelling}: {listed:?}");
            assert!(
                listed.contains(&(account.clone(), remote.name_at(&spelling))),
                "{make:?} {spelling}: {listed:?}"
            );
            assert_eq!(cli.calendar(&account, "work").await?, calendars[0], "{make:?} {spelling}");
            assert!(actions(&cli.sync().await?).is_empty(), "{make:?} {spelling}");
            remote.work.edit("e0.ics", |ics| week::with(ics, "SUMMARY", &spelling)).await?;
            assert_eq!(counts(&cli.sync().await?), [0, 1, 0, 0], "{make:?} {spelling}");
        }
        let changes = env.writes()[1];
        assert_eq!(cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
        remote.work.put("new.ics", &hour("new", 3, 18, "New")).await?;
        assert_eq!(counts(&cli.sync().await?), [1, 0, 0, 0], "{make:?}: the pair goes on");
        assert_eq!(env.writes(), [0, changes + 1], "{make:?}");
        assert_eq!(remote.work.objects().await?.len(), 13, "{make:?}: nothing came back");
    }
    Ok(())
}

#[tokio::test]
async fn two_servers_of_one_make_stay_two_accounts() -> anyhow::Result<()> {
    for make in MAKES {
        let [one, two] = [Remote::new(make, 0).await?, Remote::new(make, 0).await?];
        let cli = Cli::new()?;
        assert_apart(&cli, &one, &two, "both are empty").await?;

        // The one server has events, then the other has different events, then different events of
        // the same names.
        for (name, object) in many(3) {
            one.work.put(&name, &object).await?;
        }
        assert_apart(&Cli::new()?, &one, &two, "one is empty").await?;
        two.work.put("own.ics", &hour("own", 3, 9, "Own")).await?;
        assert_apart(&Cli::new()?, &one, &two, "they hold different events").await?;
        two.work.delete("own.ics").await?;
        for (n, (name, _)) in many(3).into_iter().enumerate() {
            two.work.put(&name, &hour(&format!("other-{n}"), 3, 9, "Other")).await?;
        }
        assert_apart(&Cli::new()?, &one, &two, "they hold events of the same names").await?;
        assert_eq!(
            (one.work.objects().await?.len(), two.work.objects().await?.len()),
            (3, 3),
            "nothing is written to find that out"
        );
    }
    Ok(())
}

async fn assert_apart(cli: &Cli, one: &Remote, two: &Remote, why: &str) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for remote in [one, two] {
        let answer = remote.add(cli, remote.url.as_str()).await?;
        let id = cli::id(&answer.done()?)?;
        assert_is(&answer, &id, &remote.name_at(remote.url.as_str()), false);
        ids.push(id);
    }
    let listed = accounts(cli).await?;
    assert!(ids[0] != ids[1] && listed.len() == 2, "{why}: {listed:?}");
    Ok(())
}

/// The password was changed, and the account is connected again under another address of its
/// server.
#[tokio::test]
async fn a_new_password_is_taken_under_another_address() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    let (cli, server) = (&env.cli, &env.servers[0]);
    for (name, object) in many(5) {
        env.people[0].put(&name, &object);
    }
    cli.sync().await?;
    let (user, old) = USERS[0];
    server.account(user, "a-new-secret-99");
    assert_eq!(cli.sync_with(&[]).await?.1["state"], "needs_reconnect");
    let principal = format!("{}principals/{user}/", server.url());
    let before = accounts(cli).await?;
    assert_eq!(cli.account_add(&principal, user, old).await?.failure().0, "unauthorized");
    assert_eq!(
        (accounts(cli).await?, cli.sync_with(&[]).await?.0),
        (before, 1),
        "a refused password changes nothing"
    );

    let again = cli.account_add(&principal, user, "a-new-secret-99").await?;
    assert_is(
        &again,
        &env.accounts[0],
        &format!("{user} on {}", host(server.url().as_str())),
        true,
    );
    env.people[0].put("new.ics", &hour("new", 3, 18, "New"));
    assert_eq!(counts(&cli.sync().await?), [1, 0, 0, 0]);
    assert_eq!(cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
    Ok(())
}

/// The server is known below one prefix, and its password has changed since: the typed password is
/// valid for both addresses, so both are read.
#[tokio::test]
async fn a_new_password_proves_an_account_below_another_prefix() -> anyhow::Result<()> {
    let remote = Remote::new(Make::Simulated, 4).await?;
    let door = Proxy::start(&remote.url).await?;
    let cli = Cli::new()?;
    // The server is connected by its root and answers below a prefix, and below another one as
    // well.
    let before = remote.add(&cli, door.url().as_str()).await?.done()?;
    let server = remote.simulated().expect("ours");
    server.account(&remote.user, "a-new-secret-99");
    assert_eq!(cli.run(&["calendars"]).await?.status, 1);
    let known = cli.json(&["account", "list"]).await?;
    assert_eq!(known["accounts"][0]["state"], "needs_reconnect");
    door.below(&["", "/cloud"]);
    let again = cli
        .account_add(door.url().join("/cloud/")?.as_str(), &remote.user, "a-new-secret-99")
        .await?;
    assert_is(
        &again,
        before["id"].as_str().unwrap_or_default(),
        &remote.name_at(door.url().as_str()),
        true,
    );
    Ok(())
}

/// The password was changed, or the address leads nowhere any more, and the account is connected
/// again under another one: neither can be read by the old way, and the new password is sent
/// nowhere but where it was given for. What the pairs remember proves it.
#[tokio::test]
async fn an_account_that_cannot_be_read_any_more_is_known_by_what_is_remembered()
-> anyhow::Result<()> {
    for (fault, terms) in
        [(None, ONE_WAY), (Some(Fault::DropBefore), TWO_WAY), (Some(Fault::Status(404)), ONE_WAY)]
    {
        let remote = Remote::new(Make::Simulated, 12).await?;
        let door = Proxy::start(&remote.url).await?;
        let env = Builder::caldav(simulators::caldav::Manners::generic()).build_cli().await?;
        let cli = &env.cli;
        let account = cli::id(&remote.add(cli, door.url().as_str()).await?.done()?)?;
        let work = cli.calendar(&account, "work").await?;
        // Both directions: here it holds the origins, there the copies.
        let pair = match terms == TWO_WAY {
            true => cli.pair_add(&env.calendars[1], &work, terms).await?,
            false => cli.pair_add(&work, &env.calendars[1], terms).await?,
        };
        cli.sync().await?;
        let server = remote.simulated().expect("ours");
        server.account(&remote.user, "a-new-secret-99");
        if let Some(fault) = fault {
            door.faults().always(On::any(), fault);
        }
        assert_eq!(cli.sync_with(&[]).await?.0, 1);
        remote.work.put("new.ics", &hour("new", 3, 18, "New")).await?;
        remote.work.edit("e3.ics", |ics| week::with(ics, "SUMMARY", "Edited meanwhile")).await?;
        door.reset_counts();
        let again = cli.account_add(remote.url.as_str(), &remote.user, "a-new-secret-99").await?;
        assert_is(&again, &account, &remote.name_at(remote.url.as_str()), true);
        let asked = door.counts().total();
        assert!(
            asked == 0 || fault.is_some(),
            "an account that refused its password is not asked: {asked}"
        );
        assert_eq!(counts(&cli.sync().await?), [1, 1, 0, 0], "{fault:?}");
        assert_eq!(cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());

        // Another server with equal names is another account.
        let other = Remote::new(Make::Simulated, 0).await?;
        for n in 0..12 {
            other
                .work
                .put(&format!("e{n}.ics"), &hour(&format!("other-{n}"), 3, 9, "Other"))
                .await?;
        }
        server.account(&remote.user, "a-third-secret-77");
        assert_eq!(cli.sync_with(&[]).await?.0, 1);
        let answer = other.add(cli, other.url.as_str()).await?;
        assert_is(&answer, &cli::id(&answer.done()?)?, &other.name_at(other.url.as_str()), false);
    }
    Ok(())
}

/// A server that is unreachable, broken or closed during the comparison is another account; the new
/// account is connected in either case.
#[tokio::test]
async fn an_account_that_cannot_be_compared_is_another_one() -> anyhow::Result<()> {
    let remote = Remote::new(Make::Simulated, 4).await?;
    for fault in [Fault::DropBefore, Fault::Status(500), Fault::Status(401), Fault::Truncated] {
        let door = Proxy::start(&remote.url).await?;
        let cli = Cli::new()?;
        let one = cli::id(&remote.add(&cli, door.url().as_str()).await?.done()?)?;
        door.faults().always(On::any(), fault);
        let other = remote.add(&cli, remote.url.as_str()).await?;
        let id = cli::id(&other.done()?)?;
        assert_is(&other, &id, &remote.name_at(remote.url.as_str()), false);
        assert!(id != one && accounts(&cli).await?.len() == 2, "{fault:?}");
    }
    Ok(())
}
