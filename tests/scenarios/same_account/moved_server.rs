//! A server whose paths change under a pair: its calendars are looked for once, by the address that
//! the account was connected with.

use serde_json::json;
use simulators::agenda::Entry;
use simulators::caldav::Manners;
use simulators::proxy::Proxy;
use simulators::traffic::Kind;

use super::server::{MAKES, Make, Remote};
use crate::support::accounts::{Account, USERS};
use crate::support::builder::Builder;
use crate::support::cli::{self, ONE_WAY, TWO_WAY, actions, counts};
use crate::support::env_checks::{BACKGROUND, code, did};
use crate::support::events::hour;
use crate::support::installation::Installation;

#[tokio::test]
async fn a_pair_follows_its_calendar_to_another_path() -> anyhow::Result<()> {
    for make in MAKES {
        let remote = Remote::new(make, 8).await?;
        let door = Proxy::start(&remote.url).await?;
        let env = Builder::caldav(Manners::generic()).build_cli().await?;
        let cli = &env.cli;
        let account = cli::id(&remote.add(cli, door.url().as_str()).await?.done()?)?;
        let ids = [cli.calendar(&account, "work").await?, cli.calendar(&account, "spare").await?];
        let pair = cli.pair_add(&ids[0], &env.calendars[1], TWO_WAY).await?;
        env.people[1].put("ben.ics", &hour("ben", 4, 7, "Ben's"));
        assert_eq!(counts(&cli.sync().await?), [9, 0, 0, 0]);
        env.reset_counts();
        door.reset_counts();
        for (n, prefix) in ["/cloud", "/remote/dav", ""].into_iter().enumerate() {
            door.below(&[prefix]);
            assert!(actions(&cli.dry_run().await?).is_empty(), "{make:?} {prefix}");
            assert!(actions(&cli.sync().await?).is_empty(), "{make:?} {prefix}");
            assert_eq!(
                (env.writes(), door.counts().writes()),
                ([0, 3 * n as u64], 0),
                "{make:?} {prefix}: nothing is written for that"
            );
            remote
                .work
                .put(&format!("new{n}.ics"), &hour(&format!("new{n}"), 3, 18, "New"))
                .await?;
            remote
                .work
                .edit(&format!("e{n}.ics"), |ics| ics.replace("Event", "Edited event"))
                .await?;
            remote.work.delete(&format!("e{}.ics", n + 4)).await?;
            assert_eq!(counts(&cli.sync().await?), [1, 1, 1, 0], "{make:?} {prefix}");
            assert_eq!(
                [cli.calendar(&account, "work").await?, cli.calendar(&account, "spare").await?],
                ids,
                "{make:?} {prefix}"
            );
        }
        let status = cli.status().await?;
        assert_eq!(
            (&status["pairs"][0]["id"], &status["pairs"][0]["state"]),
            (&json!(pair), &json!("ok")),
            "{status}"
        );
        assert_eq!(remote.work.agenda().await?.len(), 9);
        let lines = |agenda: Vec<Entry>| agenda.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(lines(remote.work.agenda().await?), lines(env.people[1].agenda()), "{make:?}");
    }
    Ok(())
}

/// What is gone is not found, and says so; when it comes back, the pair goes on.
#[tokio::test]
async fn a_calendar_that_is_gone_stays_missing() -> anyhow::Result<()> {
    let remote = Remote::new(Make::Simulated, 5).await?;
    let server = remote.simulated().expect("ours");
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let cli = &env.cli;
    let account = cli::id(&remote.add(cli, remote.url.as_str()).await?.done()?)?;
    let work = cli.calendar(&account, "work").await?;
    cli.pair_add(&work, &env.calendars[1], ONE_WAY).await?;
    cli.sync().await?;
    server.calendar(&remote.user, "work").set_hidden(true);
    for _ in 0..2 {
        let (status, run) = cli.sync_with(&[]).await?;
        assert_eq!(
            (status, &run["error"]["code"], counts(&run)),
            (1, &json!("not_found"), [0; 4]),
            "{run}"
        );
    }
    assert_eq!(env.people[1].len(), 5, "its copies stay");
    server.calendar(&remote.user, "work").set_hidden(false);
    remote.work.put("new.ics", &hour("new", 3, 18, "New")).await?;
    assert_eq!(counts(&cli.sync().await?), [1, 0, 0, 0]);
    Ok(())
}

/// In the background a calendar that is gone for good costs one discovery, and not one a minute.
#[tokio::test]
async fn nobody_looks_for_a_calendar_again_and_again() -> anyhow::Result<()> {
    let servers = [
        simulators::caldav::CalDav::start(Manners::generic()).await?,
        simulators::caldav::CalDav::start(Manners::generic()).await?,
    ];
    let door = Proxy::start(&servers[0].url()).await?;
    let people =
        [0, 1].map(|i| servers[i].account(USERS[i].0, USERS[i].1).calendar(USERS[i].0, "main"));
    let account = |i: usize, url: &url::Url| {
        let (user, password) = USERS[i];
        Account {
            kind: engine::provider::ProviderKind::Caldav,
            url: url.to_string(),
            user: user.into(),
            password: password.into(),
        }
    };
    let accounts = [account(0, &door.url()), account(1, &servers[1].url())];
    let core =
        Box::pin(Installation::between(accounts, None, crate::support::installation::ONE_WAY))
            .await?;
    core.sync().await;
    let cost = async || {
        door.reset_counts();
        let run = core.sync_with(BACKGROUND).await;
        (run, door.counts().of(Kind::Propfind), door.counts().total())
    };
    let (run, requests, _) = cost().await;
    assert_eq!((code(&run), requests), ("", 1));

    people[0].set_hidden(true);
    let (run, asked, _) = cost().await;
    assert!(code(&run) == "not_found" && asked > 2, "it is looked for: {asked}");
    for _ in 0..3 {
        let (run, asked, total) = cost().await;
        assert_eq!((code(&run), asked, total), ("not_found", 1, 1), "and then left");
    }
    people[0].set_hidden(false);
    assert_eq!(code(&cost().await.0), "");

    // A path that changes is followed in the background too.
    door.below(&["/cloud"]);
    let (run, asked, _) = cost().await;
    assert_eq!((code(&run), did(&run)), ("", [0; 3]), "{run:?}");
    assert!(asked > 2, "{asked}");
    let (run, asked, total) = cost().await;
    assert_eq!((code(&run), asked, total), ("", 1, 1), "{run:?}");
    Ok(())
}
