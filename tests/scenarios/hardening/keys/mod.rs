//! `calrelay vault rotate`: beside a service, twice at once, killed, with a key file of before;
//! nothing is lost, and what is over opens nothing.

mod key_vault;
mod webhooks;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};
use simulators::caldav::Manners;
use simulators::port::Port;
use simulators::rng::Rng;
use store::{Op, Table};

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::{Answer, Cli};
use crate::support::events::hour;
use crate::support::running::Running;

const ROTATE: &[&str] = &["vault", "rotate", "--json"];

/// The versions that a key file holds, the oldest first.
fn versions(cli: &Cli) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(cli.data_dir().join("vault.key"))?;
    Ok(text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("key ")?.split_once(' ')?.0.to_owned()))
        .collect())
}

/// The versions that the accounts' secrets are wrapped with.
async fn wrapped_with(cli: &Cli) -> anyhow::Result<BTreeSet<String>> {
    let store = cli.storage().open(&cli.data_dir()).await?.store();
    let rows = store.scan(Table::Secrets, "local", "", None, 100).await?;
    let sealed = rows.iter().map(|row| {
        anyhow::Ok(
            serde_json::from_str::<Value>(&row.value)?["sealed"]
                .as_str()
                .context("sealed")?
                .to_owned(),
        )
    });
    let sealed = sealed.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(sealed.iter().map(|sealed| vault::version_of(sealed)).collect::<Result<_, _>>()?)
}

/// The last rotation is taken to have been two hours ago.
async fn two_hours_pass(cli: &Cli) -> anyhow::Result<()> {
    let store = cli.storage().open(&cli.data_dir()).await?.store();
    let row =
        store.get(Table::Directory, "vault", "rotated").await?.context("no rotation was noted")?;
    let mut value: Value = serde_json::from_str(&row.value)?;
    let at: jiff::Timestamp = value["at"].as_str().context("a time")?.parse()?;
    value["at"] = json!((at - jiff::SignedDuration::from_hours(2)).to_string());
    let put = Op::Put { key: row.key, value: value.to_string() };
    store.commit(Table::Directory, "vault", &[put]).await?;
    Ok(())
}

/// Nothing that a program prints is a password or a key.
fn assert_discreet(cli: &Cli, answer: &Answer) -> anyhow::Result<()> {
    let file = fs::read_to_string(cli.data_dir().join("vault.key"))?;
    let keys = file
        .lines()
        .filter_map(|line| line.rsplit_once(' ').map(|(_, key)| key))
        .filter(|key| key.len() > 40);
    for secret in keys.chain(USERS.iter().map(|(_, password)| *password)) {
        ensure!(!answer.stdout.contains(secret) && !answer.stderr.contains(secret), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn all_passwords_are_wrapped_anew_and_no_mark_changes() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(&["--two-way"]).await?;
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.cli.sync().await?;
    let first = versions(&env.cli)?;
    let answer = env.cli.run(ROTATE).await?;
    let done = answer.done()?;
    assert_eq!(
        (&done["rewrapped"], &done["left"], &done["removed"]),
        (&json!(2), &json!([]), &json!(0))
    );
    assert_eq!(json!(versions(&env.cli)?), json!([first[0], done["key"]]));
    assert_eq!(json!(wrapped_with(&env.cli).await?), json!([done["key"]]));
    assert_discreet(&env.cli, &answer)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(env.cli.data_dir().join("vault.key"))?.permissions().mode() & 0o777,
            0o600
        );
    }
    // Copies are known by their marks as before: nothing is written, and an edit goes where it
    // went.
    env.check_at_rest().await?;
    env.people[0].put("one.ics", &hour("one", 3, 10, "One, later"));
    let run = env.cli.sync().await?;
    assert_eq!((&run["created"], &run["changed"]), (&json!(0), &json!(1)));
    let words = env.cli.run(&["vault", "rotate"]).await?;
    assert!(
        words.status == 0
            && words.stdout.contains("wrapped anew with it: 2")
            && words.stderr.contains("make a new one"),
        "{words:?}"
    );
    assert_discreet(&env.cli, &words)?;
    // A version is deleted when no process can hold a value sealed with it any more.
    two_hours_pass(&env.cli).await?;
    let last = env.cli.json(&ROTATE[..2]).await?;
    assert_eq!((last["removed"].as_u64(), versions(&env.cli)?.len()), (Some(2), 2), "{last}");
    ensure!(!versions(&env.cli)?.contains(&first[0]), "the first is still there");
    env.check_at_rest().await
}

#[tokio::test]
async fn a_key_file_of_before_opens_nothing_that_is_sealed_after() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?;
    env.cli.sync().await?;
    let path = env.cli.data_dir().join("vault.key");
    let old = fs::read(&path)?;
    env.cli.json(&ROTATE[..2]).await?;
    let new = fs::read(&path)?;
    fs::write(&path, old)?;
    env.reset_counts();
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!((status, &run["error"]["code"]), (1, &json!("vault")), "{run}");
    // Nothing can be wrapped again either, and the attempt spoils nothing.
    let answer = env.cli.run(ROTATE).await?;
    let document = answer.document()?;
    assert_eq!(
        (answer.status, &document["rewrapped"], document["left"].as_array().map(Vec::len)),
        (1, &json!(0), Some(2)),
        "{document}"
    );
    for (server, account) in env.servers.iter().zip(&env.accounts) {
        assert_eq!(server.counts().total(), 0, "no server was asked");
        ensure!(answer.stderr.contains(account.as_str()), "{}", answer.stderr);
    }
    fs::write(&path, new)?;
    env.cli.sync().await?;
    env.check_at_rest().await
}

#[tokio::test]
async fn a_running_service_goes_on_meanwhile() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?;
    let held = Port::take()?;
    let _running = Running::start_at(&env.cli, held.number()).await?;
    for n in 0..4 {
        let title = format!("Number {n}");
        env.people[0].put(&format!("{n}.ics"), &hour(&n.to_string(), 3 + n, 9, &title));
        let (done, run) = futures::try_join!(env.cli.json(&ROTATE[..2]), env.cli.json(&["sync"]))?;
        ensure!(done["left"] == json!([]), "{done}");
        ensure!(run["pairs"][0]["error"].is_null(), "{run}");
    }
    let accounts = env.cli.json(&["account", "list"]).await?;
    ensure!(
        accounts["accounts"]
            .as_array()
            .is_some_and(|all| all.iter().all(|account| account["state"] == "ok")),
        "{accounts}"
    );
    env.cli.json(&["sync"]).await?;
    assert_eq!(env.people[1].len(), 4);
    Ok(())
}

#[tokio::test]
async fn many_at_once_go_one_after_another() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?;
    let answers = join_all((0..4).map(|_| env.cli.run(ROTATE))).await;
    let mut keys = BTreeSet::new();
    for answer in answers {
        let done = answer?.done()?;
        assert_eq!(done["left"], json!([]));
        keys.insert(done["key"].to_string());
    }
    assert_eq!(keys.len(), 4);
    assert_eq!(
        wrapped_with(&env.cli).await?,
        BTreeSet::from([versions(&env.cli)?.pop().context("a version")?])
    );
    env.cli.sync().await?;
    Ok(())
}

/// Killed some milliseconds after its start, which comes to every step of it and to none.
#[tokio::test]
async fn a_rotation_that_is_killed_loses_nothing() -> anyhow::Result<()> {
    let mut rng = Rng::new(10);
    let stories = (0..4).map(|_| rng.below(1000) as u64).map(async |seed| {
        let (mut rng, (env, _)) =
            (Rng::new(seed), Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?);
        for _ in 0..6 {
            let mut child = env.cli.start(ROTATE, "").await?;
            tokio::time::sleep(Duration::from_millis(rng.below(400) as u64)).await;
            child.kill().await?;
            env.cli.sync().await?;
        }
        let done = env.cli.json(&ROTATE[..2]).await?;
        ensure!(done["left"] == json!([]), "{done}");
        two_hours_pass(&env.cli).await?;
        env.cli.json(&ROTATE[..2]).await?;
        ensure!(versions(&env.cli)?.len() == 2, "what the killed ones have made is gone");
        env.check_at_rest().await
    });
    try_join_all(stories).await?;
    Ok(())
}

#[tokio::test]
async fn a_row_that_does_not_open_is_named_and_the_others_go_on() -> anyhow::Result<()> {
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?;
    let [damaged, whole] = &env.accounts;
    let store = env.cli.storage().open(&env.cli.data_dir()).await?.store();
    let foreign = store.get(Table::Secrets, "local", whole).await?.context("a secret")?.value;
    store
        .commit(
            Table::Secrets,
            "local",
            &[Op::Put { key: damaged.clone(), value: foreign.clone() }],
        )
        .await?;
    let answer = env.cli.run(ROTATE).await?;
    let document = answer.document()?;
    assert_eq!(
        (answer.status, &document["rewrapped"], &document["left"]),
        (1, &json!(1), &json!([damaged]))
    );
    ensure!(
        answer.stderr.contains(&format!("The password of the account {damaged} was left as it is")),
        "{}",
        answer.stderr
    );
    assert_discreet(&env.cli, &answer)?;
    let left = store.get(Table::Secrets, "local", damaged).await?.context("a secret")?.value;
    assert_eq!(left, foreign);
    // Connected again, all is well.
    let (user, password) = USERS[0];
    env.cli.connect(env.servers[0].url().as_str(), user, password).await?;
    assert_eq!(env.cli.json(&ROTATE[..2]).await?["rewrapped"], 2);
    env.cli.sync().await?;
    Ok(())
}
